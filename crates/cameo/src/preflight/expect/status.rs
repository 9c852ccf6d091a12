//! Words by which a list says that something was not handed over: `미전달`, `취소`, `excluded`. What they are about is promised by nobody.
//!
//! As a heading, a sheet's name or a title any of them is enough. A cell beside an id says it where it says nothing else; in a longer note the
//! word may mean anything, which is remarked.

use super::{Purpose, cell::plain, row::Row};
use crate::model::ids::{has_id_digits, negates, simple_header};

impl Purpose {
    /// Whether a heading, a title or a sheet's name says that what it is above is not meant.
    pub(super) fn is_negated(self, text: &str) -> bool {
        match self {
            Self::Promised => negates_promise(text),
            Self::Asked => negates(text),
        }
    }
}

/// Parts of words in Korean that say it.
const PARTS: [&str; 12] =
    ["미전달", "미제출", "미납품", "미포함", "미촬영", "취소", "제외", "반려", "보류", "누락", "삭제", "빼고"];
/// What may be around them in a cell that says nothing else.
const AROUND: [&str; 17] = [
    "전달", "처리", "요청", "완료", "예정", "대상", "상태", "필요", "확인", "됨", "된", "중", "분", "건", "함", "것",
    "됐음",
];
/// Words in English that say it, in small letters.
const WORDS: [&str; 16] = [
    "cancelled",
    "canceled",
    "excluded",
    "missing",
    "undelivered",
    "rejected",
    "withheld",
    "omitted",
    "skipped",
    "removed",
    "deleted",
    "hold",
    "not",
    "absent",
    "void",
    "dropped",
];
/// What may be beside them in a cell that says nothing else.
const BESIDE: [&str; 9] = ["on", "delivered", "included", "sent", "yet", "is", "was", "to", "be"];
/// Headings of columns that say yes or no to it.
const DELIVERED: [&str; 11] = [
    "전달여부",
    "전달유무",
    "전달",
    "전달됨",
    "포함여부",
    "포함",
    "납품여부",
    "delivered",
    "handedover",
    "included",
    "sent",
];
/// What says no in a column.
const NO: [&str; 17] =
    ["n", "no", "x", "×", "✗", "✕", "✘", "f", "false", "0", "-", "null", "none", "아니오", "아니요", "아님", "없음"];

/// What a cell beside an id says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    /// That its row was not handed over.
    NotPromised,
    /// Something with such a word in it.
    Unsure,
}

/// Whether a heading, a title or a sheet's name says that what it is above is not promised.
fn negates_promise(text: &str) -> bool {
    negates(text) || parts(text).next().is_some() || words(text).any(|word| WORDS.contains(&word.as_str()))
}

/// Parts of words that say it, each with its place; `누락 없음` says the opposite.
fn parts(text: &str) -> impl Iterator<Item = (usize, &'static str)> {
    let found = PARTS.iter().flat_map(move |part| text.match_indices(*part).map(|(at, _)| (at, *part)));
    found.filter(|(at, part)| !text[at + part.len()..].trim_start().starts_with('없'))
}

fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty()).map(str::to_lowercase)
}

/// What a cell says that is neither an id nor a file; none where nothing of the kind.
fn of_cell(text: &str) -> Option<Status> {
    if parts(text).next().is_some() {
        let mut rest = simple_header(text);
        for part in PARTS.iter().chain(&AROUND) {
            rest = rest.replace(part, "");
        }
        let is_all = rest.chars().all(|c| c.is_ascii_digit());
        return Some(if is_all { Status::NotPromised } else { Status::Unsure });
    }
    let is_word = |known: &[&str], word: &String| known.contains(&word.as_str());
    // Of `not` alone nobody knows what is not.
    let says_it = words(text).any(|word| word != "not" && is_word(&WORDS, &word)) || is_not_delivered(text);
    let is_all = words(text).all(|word| is_word(&WORDS, &word) || is_word(&BESIDE, &word));
    // English words are parts of names, too, and say nothing then.
    (says_it && is_all).then_some(Status::NotPromised)
}

fn is_not_delivered(text: &str) -> bool {
    let words: Vec<String> = words(text).collect();
    words.windows(2).any(|pair| pair[0] == "not" && BESIDE.contains(&pair[1].as_str()))
}

fn is_no(text: &str) -> bool {
    let text = plain(text).to_lowercase();
    text.is_empty() || NO.contains(&text.as_str())
}

/// What the columns beside those that are read say of their rows.
#[derive(Debug, Default)]
pub(super) struct Flags {
    /// Columns whose headings say that it was not handed over: whatever is in them but no says so.
    negating: Vec<usize>,
    /// Columns whose headings ask whether it was.
    delivered: Vec<usize>,
    /// Columns that are read, or have ids of others.
    ignored: Vec<usize>,
}

impl Flags {
    /// The flags of a table, whose columns of these numbers are read; and those that have a heading such as `미전달 cd_idx`, with ids of others.
    pub(super) fn of(header: &Row, rows: &[&Row], read: Vec<usize>) -> (Self, Vec<usize>) {
        let (mut flags, mut others) = (Self::default(), Vec::new());
        for (n, text) in header.cells.iter().enumerate().filter(|(n, _)| !read.contains(n)) {
            let has_numbers = || rows.iter().filter_map(|row| row.cells.get(n)).any(|text| is_large(text));
            if !negates_promise(text) {
                if DELIVERED.contains(&simple_header(&plain(text)).as_str()) {
                    flags.delivered.push(n);
                }
            } else if has_numbers() {
                others.push(n);
                flags.ignored.push(n);
            } else {
                flags.negating.push(n);
            }
        }
        flags.ignored.extend(read);
        (flags, others)
    }

    /// The flags of a table without a header, of which these columns have ids or files.
    pub(super) fn of_unnamed(read: &[usize]) -> Self {
        Self { ignored: read.to_vec(), ..Self::default() }
    }

    /// The cell by which a row says that it was not handed over.
    pub(super) fn status<'r>(&self, row: &'r Row) -> Option<(usize, &'r str, Status)> {
        let cells =
            row.cells.iter().enumerate().filter(|(n, text)| !self.ignored.contains(n) && !text.trim().is_empty());
        cells.map(|(n, text)| (n, text.as_str())).find_map(|(n, text)| {
            if self.negating.contains(&n) {
                return (!is_no(text)).then_some((n, text, Status::NotPromised));
            }
            if self.delivered.contains(&n) && is_no(text) {
                return Some((n, text, Status::NotPromised));
            }
            of_cell(&plain(text)).map(|status| (n, text, status))
        })
    }
}

/// Whether a cell is a number other than those by which people say yes or no.
fn is_large(text: &str) -> bool {
    super::parse_id(&plain(text)).is_some_and(|number| number > 1)
}

/// The only cell of a row, where it says that what is below it was not handed over.
pub(super) fn heading(row: &Row) -> Option<(usize, &str)> {
    let mut cells = row.cells.iter().enumerate().filter(|(_, text)| !plain(text).is_empty());
    let (n, text) = cells.next().filter(|_| cells.next().is_none())?;
    (!has_id_digits(text) && negates_promise(text)).then_some((n, text.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_say_what_is_not_handed_over() {
        for text in [
            "미전달 cd_idx",
            "취소",
            "제외 목록",
            "반려",
            "보류 목록",
            "11월 누락분",
            "cd_idx (취소)",
            "Excluded",
            "cancelled items",
            "not delivered",
            "Missing ids",
            "NOT IN",
            "cd_idx !=",
        ] {
            assert!(negates_promise(text), "{text}");
        }
        for text in
            ["cd_idx", "전달 목록", "누락 없음", "누락없이 전달", "11월 26일", "Sheet1", "notes", "delivered", "번호"]
        {
            assert!(!negates_promise(text), "{text}");
        }
    }

    #[test]
    fn a_cell_says_it_where_it_says_nothing_else() {
        for text in [
            "취소",
            "전달 취소",
            "취소됨",
            "보류 중",
            "누락",
            "미전달",
            "Cancelled",
            "NOT DELIVERED",
            "on hold",
            "not yet sent",
            "반려(2)",
        ] {
            assert_eq!(of_cell(text), Some(Status::NotPromised), "{text}");
        }
        for text in ["고객 취소 후 다시 전달", "취소불가 가방"] {
            assert_eq!(of_cell(text), Some(Status::Unsure), "{text}");
        }
        for text in ["", "홍길동", "전달", "Missing Piece Shop", "누락 없음", "not sure", "delivered", "A shop"]
        {
            assert_eq!(of_cell(text), None, "{text}");
        }
    }
}
