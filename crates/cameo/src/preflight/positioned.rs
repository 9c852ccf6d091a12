//! A reader with a place of its own in a file that several share, so that many entries of an archive are read side by side.

use std::{
    fs::File,
    io::{self, BufRead, Read, Seek, SeekFrom},
    os::unix::fs::FileExt,
    sync::Arc,
};

/// What is read at once, bytes.
const BUFFER_BYTES: usize = 16 << 10;

/// A place in a file.
#[derive(Debug)]
pub(super) struct Positioned {
    file: Arc<File>,
    /// Where the next byte that the buffer does not hold is.
    next: u64,
    buffer: Box<[u8]>,
    /// What of the buffer is still to be read.
    from: usize,
    to: usize,
}

impl Positioned {
    /// A place at the beginning of a file.
    pub(super) fn new(file: Arc<File>) -> Self {
        Self { file, next: 0, buffer: vec![0; BUFFER_BYTES].into(), from: 0, to: 0 }
    }

    fn position(&self) -> u64 {
        self.next - (self.to - self.from) as u64
    }
}

impl BufRead for Positioned {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.from == self.to {
            let read = self.file.read_at(&mut self.buffer, self.next)?;
            (self.from, self.to) = (0, read);
            self.next += read as u64;
        }
        Ok(&self.buffer[self.from..self.to])
    }

    fn consume(&mut self, amount: usize) {
        self.from = (self.from + amount).min(self.to);
    }
}

impl Read for Positioned {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(room)?;
        self.consume(read);
        Ok(read)
    }
}

impl Seek for Positioned {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(offset) => Some(offset),
            SeekFrom::End(offset) => self.file.metadata()?.len().checked_add_signed(offset),
            SeekFrom::Current(offset) => self.position().checked_add_signed(offset),
        };
        let target = target.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        let start = self.next - self.to as u64;
        match target.checked_sub(start).and_then(|within| usize::try_from(within).ok()) {
            Some(within) if within <= self.to => self.from = within,
            _ => (self.next, self.from, self.to) = (target, 0, 0),
        }
        Ok(target)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn it_reads_what_a_file_reads() {
        let mut file = tempfile::tempfile().unwrap();
        let content: Vec<u8> = (0..100_000_u32).flat_map(u32::to_le_bytes).collect();
        file.write_all(&content).unwrap();
        let mut positioned = Positioned::new(Arc::new(file));
        for (to, place) in [
            (SeekFrom::Start(0), 0),
            (SeekFrom::Start(70_000), 70_000),
            (SeekFrom::Current(-8), 70_000),
            (SeekFrom::End(-16), 399_984),
            (SeekFrom::Start(5), 5),
            (SeekFrom::Current(100), 113),
        ] {
            assert_eq!(positioned.seek(to).unwrap(), place);
            let mut eight = [0; 8];
            positioned.read_exact(&mut eight).unwrap();
            let place = usize::try_from(place).unwrap();
            assert_eq!(eight, content[place..place + 8], "{to:?}");
        }
        assert!(positioned.seek(SeekFrom::Current(-1_000_000)).is_err());
        positioned.seek(SeekFrom::Start(399_990)).unwrap();
        assert_eq!(positioned.read_to_end(&mut Vec::new()).unwrap(), 10);
    }
}
