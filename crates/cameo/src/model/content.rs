//! The content of an object at hand: bytes in memory, or a part of an open file that nobody reads before it is needed.

use std::{fs::File, io, os::unix::fs::FileExt, sync::Arc};

use bytes::Bytes;

/// Content at hand. Clones share it.
#[derive(Debug, Clone)]
pub enum Content {
    /// Held in memory, as stores return it that have it from elsewhere.
    Bytes(Bytes),
    /// In a file, which does not change: its content stays readable whatever happens to its name.
    File {
        /// Open for reading.
        file: Arc<File>,
        /// Where in it the content begins, bytes.
        offset: u64,
        /// Length of the content, bytes.
        length: usize,
    },
}

impl Content {
    /// Its length, bytes.
    pub fn len(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::File { length, .. } => *length,
        }
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Copies all of it to `room`, which has its length. Blocks where it is read from a file.
    pub fn copy_to(&self, room: &mut [u8]) -> io::Result<()> {
        match self {
            Self::Bytes(bytes) => room.copy_from_slice(bytes),
            Self::File { file, offset, .. } => file.read_exact_at(room, *offset)?,
        }
        Ok(())
    }

    /// All of it in memory. Blocks where it is read from a file.
    pub fn into_bytes(self) -> io::Result<Bytes> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            Self::File { length, .. } => {
                let mut bytes = vec![0; length];
                self.copy_to(&mut bytes)?;
                Ok(bytes.into())
            }
        }
    }
}

impl From<Bytes> for Content {
    fn from(bytes: Bytes) -> Self {
        Self::Bytes(bytes)
    }
}

impl From<Vec<u8>> for Content {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes.into())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_part_of_a_file_is_read_as_such() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"one, two, three").unwrap();
        let part = |length| Content::File { file: Arc::new(file.try_clone().unwrap()), offset: 5, length };
        assert_eq!((part(3).len(), part(3).into_bytes().unwrap().as_ref()), (3, &b"two"[..]));
        assert!(part(30).into_bytes().is_err(), "it is shorter");
    }
}
