//! The highest generation that was committed, noted beside the content: a database that knows less is an older copy, however young, or has
//! lost the end of its log.
//!
//! The note follows the commit and is not synced, so what it says never goes beyond what the database holds durably: a power cut may lose
//! notes, and never makes one that is too high. It costs one write of sixteen bytes a change.

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::FileExt,
    path::PathBuf,
    sync::{Mutex, PoisonError},
};

/// The file in `objects/`.
pub(super) const NAME: &str = "highest";

/// The note.
#[derive(Debug)]
pub(super) struct Watermark {
    path: PathBuf,
    noted: Mutex<Noted>,
}

#[derive(Debug, Default)]
struct Noted {
    highest: u64,
    file: Option<File>,
    /// Whether writing it was refused the last time.
    refused: bool,
}

impl Watermark {
    pub(super) fn new(objects: PathBuf) -> Self {
        Self { path: objects.join(NAME), noted: Mutex::default() }
    }

    /// What is noted; zero where nothing is. A power cut can leave a file without its content, which says nothing.
    pub(super) fn read(&self) -> io::Result<u64> {
        match fs::read(&self.path) {
            Ok(text) => Ok(parse(&text).unwrap_or_else(|| {
                tracing::warn!(path = %self.path.display(), "the note of the highest generation cannot be read; it is written again");
                0
            })),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
            Err(error) => Err(error),
        }
    }

    /// Notes that a change of this generation was committed. Where that is refused the change stands all the same: a later note says as much.
    pub(super) fn raise(&self, generation: u64) {
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        if generation <= noted.highest {
            return;
        }
        match self.write(&mut noted, generation) {
            Ok(()) => (noted.highest, noted.refused) = (generation, false),
            Err(error) => {
                if !std::mem::replace(&mut noted.refused, true) {
                    tracing::warn!(path = %self.path.display(), %error, "the highest generation could not be noted");
                }
            }
        }
    }

    fn write(&self, noted: &mut Noted, generation: u64) -> io::Result<()> {
        let file = match noted.file.take() {
            Some(file) => file,
            None => OpenOptions::new().write(true).create(true).truncate(false).open(&self.path)?,
        };
        file.write_all_at(format!("{generation:016x}").as_bytes(), 0)?;
        noted.file = Some(file);
        Ok(())
    }
}

/// What a note says; none where it is not one that was written here.
fn parse(text: &[u8]) -> Option<u64> {
    let digits = std::str::from_utf8(text).ok().filter(|text| text.len() == 16)?;
    u64::from_str_radix(digits, 16).ok().filter(|number| i64::try_from(*number).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_one_is_noted_and_what_is_no_note_says_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let watermark = Watermark::new(folder.path().to_owned());
        assert_eq!(watermark.read().unwrap(), 0);
        for generation in [7, 0x1234, 9] {
            watermark.raise(generation);
        }
        assert_eq!(watermark.read().unwrap(), 0x1234);
        for text in ["", "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", "12", "ffffffffffffffff", "00000000000012340"] {
            fs::write(folder.path().join(NAME), text).unwrap();
            assert_eq!(watermark.read().unwrap(), 0, "{text:?}");
        }
    }

    #[test]
    fn a_note_that_was_refused_is_made_up_for_by_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let objects = folder.path().join("objects");
        let watermark = Watermark::new(objects.clone());
        watermark.raise(1);
        assert_eq!(watermark.read().unwrap(), 0);
        fs::create_dir(&objects).unwrap();
        watermark.raise(1);
        assert_eq!(watermark.read().unwrap(), 1);
    }
}
