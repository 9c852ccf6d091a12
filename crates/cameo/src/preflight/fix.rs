//! Copies of what is unambiguous, under their right names, in a new folder.
//!
//! Nothing is changed in place and no file is written over. Sequences are never changed, and between two files for one
//! photo nobody decides here: they remain, as does what is damaged.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
};

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{
    entry::wrong,
    report::{CheckedFile, Report},
    source::Source,
};
use crate::model::{cause::Cause, error::Result};

/// What is copied at once, bytes.
const BUFFER_BYTES: usize = 64 << 10;

/// What was copied.
#[derive(Debug, Default, Serialize)]
pub struct Fixed {
    /// Files that were copied, those under new names included.
    pub copied: u64,
    /// Files that got another name.
    pub renamed: Vec<Copied>,
    /// Files that were not copied: a person has to decide, or they are damaged.
    pub left: Vec<String>,
}

/// A file that got another name.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Copied {
    /// Its path inside of the source.
    pub file: String,
    /// Its name in the new folder.
    pub to: String,
}

/// Copies what a check found to be unambiguous to the folder `out`, which must be new or empty. None where it was stopped.
pub fn copy_fixed(source: &Source, report: &Report, out: &Path, stop: &AtomicBool) -> Result<Option<Fixed>> {
    prepare(source, out)?;
    let mut fixed = Fixed::default();
    for file in &report.files {
        if stop.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let entry = &source.entries()[file.entry];
        let Some(target) = file.target.as_ref().filter(|_| file.is_sound) else {
            fixed.left.push(entry.name.clone());
            continue;
        };
        let name = target.file_name();
        copy(source, file, &out.join(&name))
            .map_err(|error| wrong(&out.join(&name), &format!("copy {} to", entry.name)).because(error))?;
        fixed.copied += 1;
        if entry.name != name {
            fixed.renamed.push(Copied { file: entry.name.clone(), to: name });
        }
    }
    Ok(Some(fixed))
}

/// Makes the folder, where nothing is in it yet and it is not inside of what is checked.
pub(super) fn prepare(source: &Source, out: &Path) -> Result<()> {
    let failed = |error: io::Error| wrong(out, "make the folder").because(error);
    fs::create_dir_all(out).map_err(failed)?;
    if fs::read_dir(out).map_err(failed)?.next().is_some() {
        return Err(wrong(out, "copy to")
            .because(Cause::new("the folder is not empty: name a new one", "폴더가 비어 있지 않습니다")));
    }
    let (inner, outer) = (out.canonicalize().map_err(failed)?, source.path().canonicalize().map_err(failed)?);
    if inner.starts_with(&outer) {
        // It is empty, and nobody asked for it in there.
        let _ = fs::remove_dir(out);
        return Err(wrong(out, "copy to").because(Cause::new(
            "it is inside of the folder that is checked: name another one",
            "점검하는 폴더 안에 있습니다",
        )));
    }
    Ok(())
}

fn copy(source: &Source, file: &CheckedFile, to: &Path) -> io::Result<()> {
    let target = OpenOptions::new().write(true).create_new(true).open(to)?;
    let copied = source.read(&source.entries()[file.entry], |content| copy_hashed(content, target));
    let is_same = |sha256: [u8; 32]| file.hashes.is_none_or(|hashes| hashes.sha256 == sha256);
    let copied = copied.and_then(|sha256| if is_same(sha256) { Ok(()) } else { Err(io::Error::other(changed())) });
    copied.inspect_err(|_| {
        // Half a photo must not pass for one.
        let _ = fs::remove_file(to);
    })
}

fn changed() -> Cause {
    Cause::new(
        "it changed while it was copied: check it again",
        "복사하는 동안 파일이 바뀌었습니다. 다시 점검해 주세요",
    )
}

fn copy_hashed(content: &mut dyn Read, mut to: File) -> io::Result<[u8; 32]> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        let read = content.read(&mut buffer)?;
        if read == 0 {
            return Ok(hash.finalize().into());
        }
        hash.update(&buffer[..read]);
        to.write_all(&buffer[..read])?;
    }
}
