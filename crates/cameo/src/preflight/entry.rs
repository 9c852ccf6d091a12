//! One file of a source: its name, its length and where its content is; and the errors of sources.

use std::{path::Path, time::SystemTime};

use crate::model::{
    cause::Cause,
    error::{Error, Kind, Place},
    lang::Text,
};

/// Files of a source, at most.
pub const FILES_MAX: usize = 1_000_000;

/// One file of a source.
#[derive(Debug)]
pub struct Entry {
    /// Its path inside of the source, with `/` between the parts. What is not of UTF-8 is replaced in it.
    pub name: String,
    /// Its length, bytes.
    pub size: u64,
    /// When it was changed last, where that is known.
    pub modified: Option<SystemTime>,
    pub(super) at: At,
}

/// Where the content of an entry is.
#[derive(Debug)]
pub(super) enum At {
    /// In a file of the entry's name.
    Named,
    /// In a file whose name is not of UTF-8.
    Path(Box<Path>),
    /// In an archive, at this place of its list.
    Archive(usize),
    /// In an archive, under a name that another entry of it has too.
    Twin,
    /// Nowhere that can be read: why.
    Nowhere(Box<Text>),
    /// It is a folder that has the name of a photo.
    Folder,
}

impl Entry {
    /// Why it cannot be opened, where that is known from the list.
    pub fn unreadable(&self) -> Option<&Text> {
        match &self.at {
            At::Nowhere(why) => Some(why),
            _ => None,
        }
    }

    /// Whether its content can be looked at.
    pub(super) fn has_content(&self) -> bool {
        matches!(self.at, At::Named | At::Path(_) | At::Archive(_))
    }

    /// Whether it is a folder that has the name of a photo.
    pub fn is_folder(&self) -> bool {
        matches!(self.at, At::Folder)
    }
}

/// An error of a source, which whoever named it must fix.
pub(super) fn wrong(path: &Path, doing: &str) -> Error {
    let shown = path.display();
    let korean = if doing.starts_with("read") {
        format!("{shown}: 읽을 수 없습니다. 폴더나 .zip 파일이 맞는지 확인해 주세요")
    } else {
        format!("{shown}: 여기에 쓸 수 없습니다. 비어 있는 새 폴더를 적어 주세요")
    };
    Error::new(Place::System, Kind::Misconfigured, format!("{doing} {shown}")).in_korean(korean)
}

/// A source with more files than are allowed.
pub(super) fn too_many(path: &Path) -> Error {
    let english = format!("it has more than {FILES_MAX} files");
    wrong(path, "read").because(Cause::new(english, format!("파일이 {FILES_MAX}개를 넘습니다")))
}
