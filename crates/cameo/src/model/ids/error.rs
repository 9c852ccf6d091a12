//! Why a text is no list of ids, in both languages.

use super::{CD_IDX_MAX, IDS_MAX, IDS_TEXT_MAX_BYTES, Text};

/// Places that are shown.
const SHOWN_MAX: usize = 10;

/// A place that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreadablePlace {
    /// The line, from 1.
    pub line: usize,
    /// The character of the line, from 1.
    pub column: usize,
    /// What is there.
    pub text: String,
    /// Why it cannot be read.
    pub why: Why,
}

/// Why a place cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// A text is not a number, or one that no `cd_idx` is.
    NotANumber,
    /// It may be one number with separators, or several numbers.
    Ambiguous,
    /// A quote that nothing closes.
    OpenQuote,
    /// A number outside of the column of ids, in a row whose id is missing or that has more cells than the header.
    NotInColumn,
    /// It asks for all others than those that it names.
    Negated,
    /// In a row of totals: it may be a count of ids, or one.
    InTotals,
    /// The header of another column of ids, of which nothing is read.
    OtherColumn,
    /// It was read as one number with separators.
    TakenAsOne,
    /// It was read as several numbers.
    TakenApart,
    /// Below a row of totals: it may be the total, or an id.
    BelowTotals,
    /// It is not the id of the file in its row.
    Contradicts,
    /// The name of a column in SQL that has other numbers than ids.
    OtherName,
}

/// Why a text is no list of ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IdsError {
    /// Places that cannot be read, in their order.
    Unreadable(Vec<UnreadablePlace>),
    /// Several conditions `IN (…)`, none of them of a column of ids.
    SeveralLists,
    /// Several columns of numbers, counted from 1, and no header that says which has the ids.
    SeveralColumns(Vec<usize>),
    /// There is no number.
    Empty,
    /// There are too many.
    TooMany(usize),
    /// The text is too long.
    TooLong(usize),
    /// The bytes are of no encoding that is known.
    Encoding,
    /// There are bytes that no text has.
    NotText,
}

impl UnreadablePlace {
    /// It in words.
    pub fn text(&self) -> Text {
        let Self { line, column, text, why } = self;
        let (english, korean) = match why {
            Why::NotANumber => (
                format!("is not a cd_idx: it must be a number from 1 to {CD_IDX_MAX}"),
                format!("은(는) cd_idx 가 아닙니다. 1부터 {CD_IDX_MAX} 사이의 숫자여야 합니다"),
            ),
            Why::Ambiguous => (
                "may be one number or several: write one number a line, without separators".to_owned(),
                "은(는) 숫자 하나인지 여러 개인지 알 수 없습니다. 쉼표 없이 한 줄에 하나씩 적어 주세요".to_owned(),
            ),
            Why::OpenQuote => (
                "begins with a quote that is not closed: remove the quote, or close it".to_owned(),
                "의 따옴표가 닫히지 않았습니다. 따옴표를 지우거나 닫아 주세요".to_owned(),
            ),
            Why::NotInColumn => (
                "is outside of the column of ids: put it there, or remove it".to_owned(),
                "은(는) 번호 열 밖에 있습니다. 번호 열로 옮기거나 지워 주세요".to_owned(),
            ),
            Why::Negated => (
                "asks for what is not named: name the ids that are meant".to_owned(),
                "은(는) 적힌 번호를 뺀 나머지를 뜻합니다. 필요한 번호를 직접 적어 주세요".to_owned(),
            ),
            Why::InTotals => (
                "is in a row of totals, where it may be a count or an id: remove the row, or the word".to_owned(),
                "은(는) 합계 줄에 있어 개수인지 번호인지 알 수 없습니다. 그 줄이나 합계라는 말을 지워 주세요"
                    .to_owned(),
            ),
            Why::OtherColumn => (
                "is the header of another column of ids, which is not read: keep one".to_owned(),
                "은(는) 읽지 않은 다른 번호 열의 머리글입니다. 번호 열은 하나만 남겨 주세요".to_owned(),
            ),
            Why::Contradicts => (
                "is not the cd_idx of the file in the same row: correct one of them".to_owned(),
                "은(는) 같은 줄에 있는 파일의 cd_idx 와 다릅니다. 둘 중 하나를 고쳐 주세요".to_owned(),
            ),
            Why::OtherName => (
                "is another column than cd_idx: ask for cd_idx, or give the ids alone".to_owned(),
                "은(는) cd_idx 열이 아닙니다. cd_idx 로 묻거나 번호만 적어 주세요".to_owned(),
            ),
            Why::TakenApart => (
                "was read as several numbers: its commas separate them".to_owned(),
                "은(는) 숫자 여러 개로 읽었습니다. 쉼표를 구분 기호로 보았습니다".to_owned(),
            ),
            Why::BelowTotals => (
                "is below a row of totals, where it may be a count or an id: remove the totals, or the number"
                    .to_owned(),
                "은(는) 합계 줄 아래에 있어 개수인지 번호인지 알 수 없습니다. 합계 줄이나 그 숫자를 지워 주세요"
                    .to_owned(),
            ),
            Why::TakenAsOne => (
                "was read as one number, as all numbers of the list were: its commas separate thousands".to_owned(),
                "은(는) 숫자 하나로 읽었습니다. 목록의 모든 숫자에 천 단위 쉼표가 있습니다".to_owned(),
            ),
        };
        Text::new(
            format!("line {line}, column {column}: {text:?} {english}"),
            format!("{line}번째 줄 {column}번째 글자: \"{text}\" {korean}"),
        )
    }
}

impl IdsError {
    /// It in words.
    pub fn text(&self) -> Text {
        match self {
            Self::Unreadable(places) => of_places(places),
            Self::SeveralLists => Text::new(
                "there are several lists IN (…), and none is of cd_idx: keep the one that is meant",
                "IN (…) 목록이 여러 개인데 cd_idx 의 것이 없습니다. 필요한 것만 남겨 주세요",
            ),
            Self::SeveralColumns(columns) => {
                let columns = columns.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
                Text::new(
                    format!("the columns {columns} are numbers: name the one with the ids cd_idx in a first line"),
                    format!(
                        "{columns}번째 열이 모두 숫자입니다. 첫 줄에 머리글을 두고 번호 열을 cd_idx 라고 적어 주세요"
                    ),
                )
            }
            Self::Empty => Text::new("there is no number in the list", "목록에 숫자가 없습니다"),
            Self::TooMany(count) => Text::new(
                format!("{count} ids: at most {IDS_MAX} at a time"),
                format!("번호가 {count}개입니다. 한 번에 {IDS_MAX}개까지 됩니다"),
            ),
            Self::TooLong(length) => Text::new(
                format!("{length} bytes: at most {IDS_TEXT_MAX_BYTES} at a time"),
                format!("{length}바이트입니다. 한 번에 {IDS_TEXT_MAX_BYTES}바이트까지 됩니다"),
            ),
            Self::NotText => Text::new(
                "the file holds zero bytes (NUL), so it is damaged or no text: export it again as \"CSV UTF-8\" or plain text",
                "파일에 널 문자(NUL)가 있어 텍스트가 아니거나 손상된 파일입니다. \"CSV UTF-8\" 이나 텍스트로 다시 저장해 주세요",
            ),
            Self::Encoding => Text::new(
                "the file is neither UTF-8, UTF-16 nor CP949: save it as \"CSV UTF-8\" or plain text",
                "UTF-8, UTF-16, CP949 어느 것으로도 읽을 수 없습니다. \"CSV UTF-8\" 이나 텍스트로 저장해 주세요",
            ),
        }
    }
}

/// The first places, and how many more there are.
fn of_places(places: &[UnreadablePlace]) -> Text {
    let texts: Vec<Text> = places.iter().take(SHOWN_MAX).map(UnreadablePlace::text).collect();
    let more = places.len().saturating_sub(SHOWN_MAX);
    let mut text = Text::each(|lang| texts.iter().map(|text| text.of(lang)).collect::<Vec<_>>().join("; "));
    if more > 0 {
        text.english.push_str(&format!("; and {more} more"));
        text.korean.push_str(&format!("; 그 밖에 {more}곳"));
    }
    text
}

impl std::fmt::Display for IdsError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text().english)
    }
}

impl std::error::Error for IdsError {}
