//! What was promised: a list of entities or files that the person in charge says were handed over.
//!
//! Read from CSV, Excel workbooks, plain text, or a manifest as BagIt has it (RFC 8493) and `sha256sum` prints it. Whatever
//! the form, it comes to ids and file names, which a delivery keeps as JSON. Cells that cannot be read are kept apart,
//! with their address: they are findings.

mod cell;
mod manifest;
mod table;
mod text;
mod workbook;

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use serde::{Deserialize, Serialize};

use crate::model::error::{Error, Kind, Place, Result};
pub use cell::parse_id;

/// Length of a list, at most. 64 MiB.
pub const LIST_MAX_BYTES: u64 = 64 << 20;
/// Rows of a list, at most; and files that it may name.
pub const ROWS_MAX: usize = 1_000_000;

/// What was promised. As JSON it has `ids` and `files` alone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expectation {
    /// Entities, in order and once each: photos of them must be there, however many.
    pub ids: Vec<u64>,
    /// Files that must be there, in the order of their names and once each.
    pub files: Vec<ExpectedFile>,
    /// Cells that could not be read.
    #[serde(skip)]
    pub unreadable: Vec<UnreadableCell>,
    /// The file name of the list.
    #[serde(skip)]
    pub source: String,
}

/// A file that was promised.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ExpectedFile {
    /// Its name as the list has it.
    pub name: String,
    /// The SHA-256 of its content, 64 hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

/// A cell that is neither an id nor a file name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreadableCell {
    /// Where it is, as spreadsheets count: `B17`.
    pub address: String,
    /// What it holds.
    pub text: String,
}

impl Expectation {
    /// Reads a list.
    pub fn read(path: &Path) -> Result<Self> {
        let failed = |error: io::Error| wrong(path).because(error);
        let file = File::open(path).map_err(failed)?;
        let mut content = Vec::new();
        file.take(LIST_MAX_BYTES + 1).read_to_end(&mut content).map_err(failed)?;
        if content.len() as u64 > LIST_MAX_BYTES {
            return Err(wrong(path).because(format!("it has more than {LIST_MAX_BYTES} bytes")));
        }
        let read = Self::parse(content).map_err(|error| wrong(path).because(error))?;
        if read.is_empty() && read.unreadable.is_empty() {
            // Whatever is compared with nothing is complete: an empty list must not pass for proof.
            return Err(wrong(path).because("it names no cd_idx and no file"));
        }
        Ok(Self { source: path.file_name().unwrap_or_default().to_string_lossy().into_owned(), ..read })
    }

    fn parse(content: Vec<u8>) -> Result<Self, String> {
        if workbook::is_one(&content) {
            return workbook::parse(content);
        }
        let text = text::decode(&content);
        manifest::parse(&text).unwrap_or_else(|| text::parse(&text))
    }

    /// Whether it names nothing.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty() && self.files.is_empty()
    }

    /// The same, in order and without what is in it twice.
    fn in_order(mut self) -> Self {
        self.ids.sort_unstable();
        self.ids.dedup();
        self.files.sort_unstable();
        self.files.dedup();
        self
    }
}

fn wrong(path: &Path) -> Error {
    Error::new(Place::System, Kind::Misconfigured, format!("read the list {}", path.display()))
}

#[cfg(test)]
mod tests;
