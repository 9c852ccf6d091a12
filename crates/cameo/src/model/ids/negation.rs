//! Lists of what is to be left out: they are refused, since whoever reads them as lists of what is meant does the opposite.

/// Words that negate, as words of their own.
const WORDS: [&str; 10] =
    ["not", "except", "exclude", "excludes", "excluded", "excluding", "minus", "ignore", "skip", "omit"];
/// Parts of words in Korean that do.
const PARTS: [&str; 4] = ["제외", "빼고", "빼야", "말고"];

/// Whether a line above ids says that they are not meant, or that others than they are.
pub(crate) fn negates(text: &str) -> bool {
    let text = text.trim_end();
    let mut words = text.split(|c: char| !c.is_alphanumeric());
    words.any(|word| WORDS.iter().any(|known| word.eq_ignore_ascii_case(known)))
        || PARTS.iter().any(|part| text.contains(part))
        || compares_otherwise(text)
}

/// Whether it ends as a condition, or holds one, that is not `=`. Of `<a title>` the marks are brackets.
fn compares_otherwise(text: &str) -> bool {
    let has = ["!=", "<>", "≠"].iter().any(|sign| text.contains(sign));
    let ends = ["<", "<=", ">="].iter().any(|sign| text.ends_with(sign));
    has || ends || (text.ends_with('>') && !text.contains('<'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_to_be_left_out_is_known_by_its_heading() {
        for text in [
            "NOT IN",
            "제외 목록",
            "cd_idx (제외)",
            "cd_idx !=",
            "except these",
            "cd_idx <>",
            "cd_idx >",
            "이것만 빼고",
        ] {
            assert!(negates(text), "{text}");
        }
        for text in
            ["cd_idx", "번호", "11월 26일 전달 목록", "notes", "CD-IDX (상품)", "cd_idx =", "<전달 목록>", "긴급!"]
        {
            assert!(!negates(text), "{text}");
        }
    }
}
