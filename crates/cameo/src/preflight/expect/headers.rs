//! The headers of lists that are understood: in one place, for reading and for what tells people of them.

use crate::model::{
    ids::{COUNT_HEADERS, ID_HEADERS, clear_header, simple_header},
    lang::{Lang, Text},
};

/// What a column says. The first that is found of each counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Column {
    Id,
    File,
    Sequence,
    Count,
    Sha256,
}

/// Headers by what their columns say; better ones first. Case, spaces and marks do not matter.
pub(super) const HEADERS: [(Column, &[&str]); 5] = [
    (Column::Id, &ID_HEADERS),
    (
        Column::File,
        &[
            "filename",
            "file",
            "files",
            "path",
            "파일명",
            "파일이름",
            "파일",
            "사진파일",
            "이미지파일",
            "image",
            "photo",
            "name",
        ],
    ),
    (Column::Sequence, &["sequence", "seq", "순번", "순서", "사진순번", "사진번호"]),
    (Column::Count, &COUNT_HEADERS),
    (Column::Sha256, &["sha256", "hash", "checksum", "해시", "체크섬"]),
];

/// Headers of files that are those of other names too: they count where no column has ids.
pub(super) const VAGUE_HEADERS: [&str; 3] = ["name", "image", "photo"];

impl Column {
    /// What the column says, to people.
    fn meaning(self) -> Text {
        match self {
            Self::Id => Text::new("the entity", "번호(cd_idx)"),
            Self::File => Text::new("the file's name", "파일 이름"),
            Self::Sequence => Text::new("the photo's sequence", "순번"),
            Self::Count => Text::new("the count of photos", "사진 수"),
            Self::Sha256 => Text::new("the file's SHA-256", "파일의 SHA-256"),
        }
    }
}

/// What the columns of a list may say, each with the headers by which it is known.
pub fn known_headers() -> impl Iterator<Item = (Text, &'static [&'static str])> {
    HEADERS.into_iter().map(|(column, headers)| (column.meaning(), headers))
}

/// The headers of lists in words, a line for each column.
pub fn headers_help(lang: Lang) -> String {
    let mut lines = vec![
        lang.pick(
            "Columns of a list, by their headers (case, spaces and marks do not matter):",
            "알아보는 목록의 머리글(대소문자, 띄어쓰기, 기호는 달라도 됩니다):",
        )
        .to_owned(),
    ];
    lines.extend(known_headers().map(|(meaning, headers)| format!("  {}: {}", meaning.of(lang), headers.join(", "))));
    lines.push(
        lang.pick(
            "Other columns are ignored. Without a header every id and file name counts. What cannot be read is reported with its cell.",
            "다른 열은 보지 않습니다. 머리글이 없으면 모든 번호와 파일 이름을 읽습니다. 읽을 수 없는 칸은 위치와 함께 알려 줍니다.",
        )
        .to_owned(),
    );
    lines.join("\n")
}

/// The place of the best header of a column among names.
pub(super) fn find(names: &[String], wanted: Column) -> Option<usize> {
    let (_, known) = HEADERS.iter().find(|(column, _)| *column == wanted)?;
    known.iter().find_map(|known| names.iter().position(|name| *name == simple_header(known)))
}

/// Whether a header names a column of files.
pub(super) fn is_of_files(text: &str) -> bool {
    find(&[simple_header(text)], Column::File).is_some()
}

/// A header as it is compared. A remark behind the clear name of an id does not matter.
pub(super) fn name_of(text: &str) -> String {
    simple_header(clear_header(text).unwrap_or(text))
}
