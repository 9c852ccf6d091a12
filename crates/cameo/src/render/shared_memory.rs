//! The memory through which originals go to a child and renditions come back: two nameless files, passed once.
//!
//! The host maps the first for writing and then seals it against every other writer and every change of its length, so that
//! no child can change what the host reads or take the ground from under its mapping. The second is the child's; the host only ever copies out of it.

use std::{fs::File, io, os::unix::fs::FileExt};

use vmap::{Map, MapMut};

use crate::model::content::Content;

/// Where the host puts originals.
#[derive(Debug)]
pub(super) struct Outbox {
    map: MapMut,
    /// Bytes of the last original.
    used: usize,
}

impl Outbox {
    /// Memory for originals of up to `capacity` bytes, and the file for the child. It takes room only as far as it was written.
    pub(super) fn create(capacity: usize) -> io::Result<(Self, File)> {
        let capacity = capacity.max(1);
        let file = nameless_file("cameo-original")?;
        file.set_len(capacity as u64)?;
        let map = MapMut::with_options().write().len(capacity).map(&file).map_err(io::Error::other)?;
        seal(&file)?;
        Ok((Self { map, used: 0 }, file))
    }

    /// Puts an original there; whether it fits is the caller's to check.
    pub(super) fn put(&mut self, original: &Content) -> io::Result<()> {
        let length = original.len();
        // Behind a shorter original stood the end of the one before, for whoever took the child over to read.
        if let Some(rest) = self.map.get_mut(length..self.used) {
            rest.fill(0);
        }
        let room = self.map.get_mut(..length).ok_or(io::ErrorKind::FileTooLarge)?;
        self.used = length;
        original.copy_to(room)
    }
}

/// Where the child finds originals.
#[derive(Debug)]
pub(super) struct Inbox {
    map: Map,
}

impl Inbox {
    pub(super) fn open(file: &File) -> io::Result<Self> {
        Map::with_options().map(file).map(|map| Self { map }).map_err(io::Error::other)
    }

    /// The original. The host changes nothing in it until it has the answer.
    pub(super) fn original(&self, bytes: usize) -> io::Result<&[u8]> {
        self.map.get(..bytes).ok_or_else(|| io::ErrorKind::InvalidInput.into())
    }
}

/// Writes the renditions one behind the other.
pub(super) fn write_pieces<'a>(file: &File, pieces: impl Iterator<Item = &'a [u8]>) -> io::Result<()> {
    let mut offset = 0;
    for piece in pieces {
        file.write_all_at(piece, offset)?;
        offset += piece.len() as u64;
    }
    Ok(())
}

/// A copy of `bytes` bytes at `offset`; fails where the file has fewer, before memory is taken for them.
pub(super) fn read_piece(file: &File, offset: u64, bytes: usize) -> io::Result<Vec<u8>> {
    if offset.checked_add(bytes as u64).is_none_or(|end| end > file.metadata().map_or(0, |meta| meta.len())) {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    // Not zeroed first: that would touch all of it once more.
    let mut piece = Vec::with_capacity(bytes);
    while piece.len() < bytes {
        let from = offset + piece.len() as u64;
        if rustix::io::pread(file, rustix::buffer::spare_capacity(&mut piece), from)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    piece.truncate(bytes);
    Ok(piece)
}

/// A file without a name, in memory where the operating system has such.
#[cfg(target_os = "linux")]
pub(super) fn nameless_file(name: &str) -> io::Result<File> {
    use rustix::fs::{MemfdFlags, memfd_create};
    Ok(memfd_create(name, MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?.into())
}

/// A file without a name, in memory where the operating system has such.
#[cfg(not(target_os = "linux"))]
pub(super) fn nameless_file(name: &str) -> io::Result<File> {
    use std::sync::atomic::{AtomicU64, Ordering};
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let number = COUNTER.fetch_add(1, Ordering::Relaxed);
    let path = std::env::temp_dir().join(format!("{name}-{}-{number}", std::process::id()));
    let file = File::options().read(true).write(true).create_new(true).open(&path)?;
    std::fs::remove_file(path)?;
    Ok(file)
}

#[cfg(target_os = "linux")]
fn seal(file: &File) -> io::Result<()> {
    use rustix::fs::{SealFlags, fcntl_add_seals};
    let length = SealFlags::GROW | SealFlags::SHRINK;
    // Linux before 5.1 cannot seal writing while a mapping of ours writes.
    fcntl_add_seals(file, length | SealFlags::FUTURE_WRITE | SealFlags::SEAL)
        .or_else(|_| fcntl_add_seals(file, length | SealFlags::SEAL))?;
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn seal(_: &File) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    #[test]
    fn an_original_is_seen_and_cannot_be_changed_by_the_other_side() {
        let (mut outbox, file) = Outbox::create(1000).unwrap();
        let content = |bytes: &'static [u8]| Content::from(Bytes::from_static(bytes));
        outbox.put(&content(b"first, and longer")).unwrap();
        outbox.put(&content(b"second")).unwrap();
        assert_eq!(Inbox::open(&file).unwrap().original(6).unwrap(), b"second");
        assert!(Inbox::open(&file).unwrap().original(1001).is_err());
        assert!(outbox.put(&content(&[0; 1001])).is_err());
        if cfg!(target_os = "linux") {
            file.write_at(b"forged", 0).unwrap_err();
            file.set_len(1).unwrap_err();
        }
    }

    /// security.md A13: a child saw the ends of earlier originals.
    #[test]
    fn nothing_is_left_of_an_earlier_original() {
        let (mut outbox, file) = Outbox::create(1000).unwrap();
        for original in [&[7; 900][..], &[8; 300], &[9; 500], &[1; 10]] {
            outbox.put(&Content::from(Bytes::copy_from_slice(original))).unwrap();
            let inbox = Inbox::open(&file).unwrap();
            let seen = inbox.original(1000).unwrap();
            assert_eq!(&seen[..original.len()], original);
            assert!(seen[original.len()..].iter().all(|&byte| byte == 0));
        }
    }

    #[test]
    fn pieces_come_back_as_written_and_no_more() {
        let file = nameless_file("test").unwrap();
        write_pieces(&file, [&b"one"[..], b"three"].into_iter()).unwrap();
        assert_eq!(read_piece(&file, 3, 5).unwrap(), b"three");
        assert!(read_piece(&file, 3, 6).is_err());
        assert!(read_piece(&file, u64::MAX, usize::MAX).is_err());
    }
}
