//! What was promised: a list of entities or files that the person in charge says were handed over.
//!
//! Read from CSV, Excel workbooks, plain text, or a manifest as BagIt has it (RFC 8493) and `sha256sum` prints it. Whatever
//! the form, it comes to ids and file names, which a delivery keeps as JSON. Cells that cannot be read are kept apart,
//! with their address: they are findings.

mod cell;
mod columns;
mod hashes;
mod headers;
mod manifest;
mod row;
mod running;
mod status;
mod table;
mod text;
mod workbook;

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use serde::{Deserialize, Serialize};

use crate::model::{
    cause::{self, Cause},
    error::{Error, Kind, Place, Result},
    ids::{IDS_MAX, IdsError, decode},
    lang::Text,
};
pub use cell::parse_id;
pub use headers::{headers_help, known_headers};

/// Length of a list, at most. 64 MiB.
pub const LIST_MAX_BYTES: u64 = 64 << 20;
/// Rows of a list, at most; and files that it may name.
pub const ROWS_MAX: usize = 1_000_000;
/// Cells that an error names, at most.
const SHOWN_MAX: usize = 10;

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
    /// What could be meant in two ways, and how it was read.
    #[serde(skip)]
    pub remarks: Vec<UnreadableCell>,
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
    /// Why it cannot be read.
    pub why: Unread,
}

/// Why a cell cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unread {
    /// It is neither an id nor a file name, or not what its column says.
    Word,
    /// It may be one number with separators, or several.
    Ambiguous,
    /// A quote opens in it that nothing closes.
    OpenQuote,
    /// It is an id or a file name, but in no column that says so.
    NotInColumn,
    /// It says other than the rest of its row.
    Contradicts,
    /// It is in a sheet besides the one that is read.
    OtherSheet,
    /// It is the first of so many cells of a sheet besides the one that is read that may be ids or files.
    InOtherSheet(usize),
    /// It is in the column of sequences, and is none.
    NotASequence,
    /// It is in the column of counts, and is none.
    NotACount,
    /// It is in the column of SHA-256, and is none.
    NotAHash,
    /// It is in a row of totals: it may be a count, or an id.
    InTotals,
    /// It is the header of another column of ids or files, of which nothing is read.
    OtherColumn,
    /// It asks for all others than those that it names.
    Negated,
    /// It is the name of a column in SQL that has other numbers than ids.
    OtherName,
    /// It says that its row is one of totals, which promises nothing.
    Totals,
    /// It was read as one number with separators.
    TakenAsOne,
    /// The SHA-256 of this and other rows, so many in all, that name no file to compare it with.
    HashOfNothing(usize),
    /// It is another SHA-256 of a file than one that was read before.
    OtherHash,
    /// It is below a row of totals: it may be the total, or an id.
    BelowTotals,
    /// It says that its row, or what is below it, was not handed over.
    NotPromised,
    /// It is the first of so many notes with a word that may say so.
    MayNotBePromised(usize),
    /// It is the header of numbers that are no sequences of photos.
    NoSequences,
    /// It is the first of so many cells behind the last column that is read.
    BeyondColumns(usize),
}

/// What a list is read for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Purpose {
    /// What it names was handed over, so that `취소` says the opposite.
    #[default]
    Promised,
    /// It names what is asked about, whatever was said of it.
    Asked,
}

impl UnreadableCell {
    /// What is wrong with it.
    pub fn detail(&self) -> Text {
        let Self { address, text, why } = self;
        let Text { english, korean, .. } = why.counted().unwrap_or_else(|| why.plain());
        Text::new(format!("{address}: {text:?} {english}"), format!("{address}: \"{text}\" {korean}"))
    }
}

impl Unread {
    /// What is wrong, to follow the cell, where something is counted.
    fn counted(&self) -> Option<Text> {
        let (english, korean) = match self {
            Unread::HashOfNothing(rows) => {
                let english = format!(
                    "is not compared, in {rows} rows: a SHA-256 is one of a file, which a column of files or sequences names"
                );
                let korean = format!(
                    "은(는) 비교하지 않습니다({rows}줄). SHA-256 값은 파일 이름이나 순번이 함께 있어야 비교할 수 있습니다"
                );
                (english, korean)
            }
            Unread::InOtherSheet(cells) => {
                let english = format!(
                    "is in a sheet of which nothing is read, with {cells} cells that may be ids or files: keep one sheet in the list"
                );
                let korean = format!(
                    "은(는) 읽지 않은 다른 시트에 있습니다(번호나 파일 이름일 수 있는 칸 {cells}개). 목록에는 시트를 하나만 남겨 주세요"
                );
                (english, korean)
            }
            Unread::MayNotBePromised(rows) => {
                let english = format!(
                    "is a note that may say that its row was not handed over, one of {rows}: all of these rows were read as promised"
                );
                let korean = format!(
                    "처럼 전달하지 않았다는 뜻일 수 있는 메모가 {rows}곳 있습니다. 그 줄도 모두 전달할 것으로 읽었습니다"
                );
                (english, korean)
            }
            Unread::BeyondColumns(cells) => {
                let english = format!(
                    "is too far to the right to be read, with {cells} cells that may be ids or files: move them to the first 256 columns"
                );
                let korean = format!(
                    "은(는) 너무 오른쪽에 있어 읽지 않았습니다(번호나 파일 이름일 수 있는 칸 {cells}개). 256번째 열 안으로 옮겨 주세요"
                );
                (english, korean)
            }
            _ => return None,
        };
        Some(Text::new(english, korean))
    }

    /// The same where nothing is counted.
    fn plain(&self) -> Text {
        let (english, korean) = match self {
            // `counted` says it.
            Unread::HashOfNothing(_)
            | Unread::InOtherSheet(_)
            | Unread::MayNotBePromised(_)
            | Unread::BeyondColumns(_) => ("", ""),
            Unread::OtherHash => (
                "has another SHA-256 here than in a row above: neither is compared, correct one of them",
                "의 SHA-256 값이 앞줄과 다릅니다. 어느 쪽도 비교하지 않으니 맞는 값만 남겨 주세요",
            ),
            Unread::BelowTotals => (
                "is below a row of totals, where it may be a count or an id: remove the totals, or the number",
                "은(는) 합계 줄 아래에 있어 개수인지 번호인지 알 수 없습니다. 합계 줄이나 그 숫자를 지워 주세요",
            ),
            Unread::NotPromised => (
                "says that what is beside or below it was not handed over, so none of it was read: remove it, or the word",
                "은(는) 전달하지 않았다는 뜻이므로 그 줄이나 아래의 내용을 읽지 않았습니다. 해당 내용이나 그 말을 지워 주세요",
            ),
            Unread::NoSequences => (
                "counts rows, or counts photos from 1, and is not a sequence from 0: only its cd_idx were read",
                "은(는) 0부터 매긴 사진 순번이 아니라 줄 번호 등으로 보입니다. cd_idx 만 읽었습니다",
            ),
            Unread::Word => ("is neither a cd_idx nor a file name", "을(를) cd_idx 나 파일 이름으로 읽을 수 없습니다"),
            Unread::Ambiguous => (
                "may be one number or several: write one a line, without separators",
                "은(는) 숫자 하나인지 여러 개인지 알 수 없습니다. 쉼표 없이 한 줄에 하나씩 적어 주세요",
            ),
            Unread::OpenQuote => (
                "begins with a quote that is not closed: remove the quote, or close it",
                "의 따옴표가 닫히지 않았습니다. 따옴표를 지우거나 닫아 주세요",
            ),
            Unread::NotInColumn => (
                "is in no column of ids or files: put it there, or remove it",
                "은(는) 번호나 파일 열 밖에 있습니다. 그 열로 옮기거나 지워 주세요",
            ),
            Unread::Contradicts => {
                ("is not the cd_idx of the file in the same row", "은(는) 같은 줄에 있는 파일의 cd_idx 와 다릅니다")
            }
            Unread::OtherSheet => (
                "is the header of another sheet, of which nothing is read: keep one sheet in the list",
                "은(는) 읽지 않은 다른 시트의 머리글입니다. 목록에는 시트를 하나만 남겨 주세요",
            ),
            Unread::NotASequence => (
                "is not a sequence: a number from 0 to 65535",
                "은(는) 순번이 아닙니다. 0부터 65535 사이의 숫자여야 합니다",
            ),
            Unread::NotACount => (
                "is not a count of photos: a number from 1 to 65536",
                "은(는) 사진 수가 아닙니다. 1부터 65536 사이의 숫자여야 합니다",
            ),
            Unread::NotAHash => {
                ("is not a SHA-256: 64 hexadecimal digits", "은(는) SHA-256 값이 아닙니다. 16진수 64자리여야 합니다")
            }
            Unread::InTotals => (
                "is in a row of totals, where it may be a count or an id: remove the row, or the word",
                "은(는) 합계 줄에 있어 개수인지 번호인지 알 수 없습니다. 그 줄이나 합계라는 말을 지워 주세요",
            ),
            Unread::OtherColumn => (
                "is the header of another column of ids or files, of which nothing is read: keep one",
                "은(는) 읽지 않은 다른 번호 열이나 파일 열의 머리글입니다. 하나만 남겨 주세요",
            ),
            Unread::Negated => (
                "asks for what is not named: name what is meant",
                "은(는) 적힌 것을 뺀 나머지를 뜻합니다. 필요한 것을 직접 적어 주세요",
            ),
            Unread::OtherName => (
                "is another column than cd_idx: ask for cd_idx, or write the ids alone",
                "은(는) cd_idx 열이 아닙니다. cd_idx 로 묻거나 번호만 적어 주세요",
            ),
            Unread::Totals => (
                "was taken for a row of totals: nothing of the row is promised",
                "합계 줄로 보아 그 줄은 목록에 넣지 않았습니다",
            ),
            Unread::TakenAsOne => (
                "was read as one number, as all numbers of the list were: its commas separate thousands",
                "은(는) 숫자 하나로 읽었습니다. 목록의 모든 숫자에 천 단위 쉼표가 있습니다",
            ),
        };
        Text::new(english, korean)
    }
}

impl Expectation {
    /// Reads a list.
    pub fn read(path: &Path) -> Result<Self> {
        let failed = |error: io::Error| wrong(path).because(error);
        let file = File::open(path).map_err(failed)?;
        let mut content = Vec::new();
        file.take(LIST_MAX_BYTES + 1).read_to_end(&mut content).map_err(failed)?;
        if content.len() as u64 > LIST_MAX_BYTES {
            let english = format!("it has more than {LIST_MAX_BYTES} bytes");
            return Err(wrong(path).because(Cause::new(english, format!("{LIST_MAX_BYTES}바이트를 넘습니다"))));
        }
        let read = Self::parse(content).map_err(|error| wrong(path).because(Cause(error)))?;
        if read.is_empty() && read.unreadable.is_empty() {
            // Whatever is compared with nothing is complete: an empty list must not pass for proof.
            return Err(wrong(path)
                .because(Cause::new("it names no cd_idx and no file", "cd_idx 나 파일 이름이 하나도 없습니다")));
        }
        Ok(Self { source: path.file_name().unwrap_or_default().to_string_lossy().into_owned(), ..read })
    }

    fn parse(content: Vec<u8>) -> Result<Self, Text> {
        if workbook::is_one(&content) {
            return workbook::parse(content, Purpose::Promised);
        }
        // What cannot be decoded is in the text as U+FFFD, and so is in a cell that cannot be read.
        let (text, _) = decode(&content);
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

/// What a workbook asks about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskedIds {
    /// The entities, ascending and once each; files count for theirs.
    pub ids: Vec<u64>,
    /// What could be meant in two ways, and how it was read.
    pub remarks: Vec<Text>,
}

/// The entities that a workbook asks about, read as a list of what was promised is; none where the bytes are something else.
pub fn ids_of_workbook(content: &[u8]) -> Option<Result<AskedIds, Text>> {
    workbook::is_one(content).then(|| workbook::parse(content.to_vec(), Purpose::Asked).and_then(asked_ids))
}

fn asked_ids(list: Expectation) -> Result<AskedIds, Text> {
    let Expectation { mut ids, files, mut unreadable, remarks, .. } = list;
    for ExpectedFile { name, .. } in files {
        match cell::cd_idx_of_file(&name) {
            Some(id) => ids.push(id),
            None => unreadable.push(UnreadableCell { address: String::new(), text: name, why: Unread::Word }),
        }
    }
    ids.sort_unstable();
    ids.dedup();
    match (unreadable.is_empty(), ids.is_empty()) {
        (false, _) => Err(of_cells(&unreadable)),
        (true, true) => Err(Text::new("it names no cd_idx", "cd_idx 가 하나도 없습니다")),
        _ if ids.len() > IDS_MAX => Err(IdsError::TooMany(ids.len()).text()),
        (true, false) => Ok(AskedIds { ids, remarks: remarks.iter().map(UnreadableCell::detail).collect() }),
    }
}

/// The first cells, and how many more there are.
fn of_cells(cells: &[UnreadableCell]) -> Text {
    let texts: Vec<Text> = cells.iter().take(SHOWN_MAX).map(UnreadableCell::detail).collect();
    let more = cells.len().saturating_sub(SHOWN_MAX);
    let mut text = Text::each(|lang| texts.iter().map(|text| text.of(lang)).collect::<Vec<_>>().join("; "));
    if more > 0 {
        text.english.push_str(&format!("; and {more} more"));
        text.korean.push_str(&format!("; 그 밖에 {more}곳"));
    }
    text
}

/// A list with more rows, or files, than may be.
fn too_many_rows() -> Text {
    Text::new(format!("it has more than {ROWS_MAX} rows"), format!("{ROWS_MAX}줄을 넘습니다"))
}

fn too_many_files() -> Text {
    Text::new(format!("it names more than {ROWS_MAX} files"), format!("파일이 {ROWS_MAX}개를 넘습니다"))
}

/// What somebody else's reader says of it.
fn of_reader(error: impl std::error::Error + 'static) -> Text {
    Text::new(error.to_string(), cause::in_korean(&error))
}

fn wrong(path: &Path) -> Error {
    let korean = format!("목록을 읽을 수 없습니다: {}", path.display());
    Error::new(Place::System, Kind::Misconfigured, format!("read the list {}", path.display())).in_korean(korean)
}

#[cfg(test)]
mod messes;
#[cfg(test)]
mod tests;
