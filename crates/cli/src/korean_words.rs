//! For tests: the English words of a text that should be Korean.

/// Names and units that Korean texts have as they are.
const NAMES: [&str; 56] = [
    "cameo",
    "aws",
    "cli",
    "id",
    "ids",
    "in",
    "ko",
    "en",
    "viewer",
    "operator",
    "admin",
    "json",
    "csv",
    "zip",
    "xlsx",
    "xls",
    "jpeg",
    "jpg",
    "jpe",
    "jfif",
    "png",
    "heic",
    "gif",
    "nfc",
    "nfd",
    "macos",
    "utf",
    "sha",
    "md5",
    "etag",
    "http",
    "https",
    "url",
    "api",
    "s3",
    "sql",
    "cd",
    "idx",
    "cp949",
    "cmyk",
    "rgb",
    "rfc",
    "ls",
    "pdf",
    "psd",
    "photoshop",
    "amazon",
    "mib",
    "kib",
    "gib",
    "kst",
    "utc",
    "bagit",
    "config",
    "mysql",
    "postgres",
];

/// The words of it that are English: what is quoted, codes, options, paths and names of others are none.
pub(crate) fn english_in(text: &str) -> Vec<String> {
    let plain = without_quoted(text);
    let is_mark = |c: char| {
        c.is_whitespace() || matches!(c, '(' | ')' | ',' | ';' | '"' | '[' | ']' | '<' | '>' | '→' | '·' | '|' | '…')
    };
    let words = plain.split(is_mark).map(|word| word.trim_matches(['.', ':', '!', '?', '\'']));
    words.filter(|word| is_english(word)).map(str::to_owned).collect()
}

/// Without what is between quotes and backquotes of one line.
fn without_quoted(text: &str) -> String {
    let mut out = String::new();
    for line in text.lines() {
        let mut rest = line;
        while let Some(at) = rest.find(['`', '\'', '"']) {
            let quote = &rest[at..=at];
            out.push_str(&rest[..at]);
            rest = match rest[at + 1..].find(quote) {
                Some(end) => &rest[at + 1 + end + 1..],
                None => &rest[at + 1..],
            };
        }
        out.push_str(rest);
        out.push('\n');
    }
    out
}

/// Whether it is a word of small letters, as sentences have them. What holds a mark or a digit is a code, a name or a number; what is of
/// capitals is an abbreviation.
fn is_english(word: &str) -> bool {
    let latin: String = word.chars().take_while(char::is_ascii).collect();
    let letters = latin.trim_matches(|c: char| !c.is_ascii_alphabetic());
    let is_word = letters.len() > 1 && letters.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'-');
    let is_marked = word.starts_with('-')
        || latin.contains(['_', '.', '/', '=', '@', '{', '\\', ':'])
        || latin.contains(|c: char| c.is_ascii_digit());
    let is_capital = letters.bytes().all(|byte| byte.is_ascii_uppercase());
    is_word
        && !is_marked
        && !is_capital
        && !letters.split('-').all(|part| NAMES.contains(&part.to_ascii_lowercase().as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn english_is_found_and_names_are_not() {
        for korean in [
            "'--verticl' 은(는) 알 수 없는 인자입니다",
            "origin/v/1_0.jpg: 거부: file.truncated: 파일이 중간에 끊겨 있습니다",
            "AWS_ACCESS_KEY_ID 를 확인하거나 `cameo login` 으로 로그인해 주세요",
            "aws-cli 의 SHA-256 값, cd_idx 1개, --skip-faulty",
        ] {
            assert_eq!(english_in(korean), Vec::<String>::new(), "{korean}");
        }
        for text in ["읽을 수 없습니다 (No such file)", "failed to read", "오류: invalid", "없음 (Permission denied"]
        {
            assert!(!english_in(text).is_empty(), "{text}");
        }
    }
}
