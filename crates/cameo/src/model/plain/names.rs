//! Hints about names in Korean: what `model/key.rs` says of a key that is not of the grammar, with what it should be called.

/// What a hint begins with; what of it is kept ends where the second text is found, or at its end; and its Korean, with `{}` for what is kept.
const HINTS: [(&str, &str, &str); 8] = [
    (
        "the extension must be .jpg in lower case: rename it ",
        "",
        "확장자는 소문자 .jpg 여야 합니다. {} (으)로 바꾸어 주세요",
    ),
    (
        "the name must be {cd_idx}_{sequence}.jpg, and the file a JPEG",
        "",
        "이름은 {cd_idx}_{sequence}.jpg 이고 JPEG 파일이어야 합니다",
    ),
    (
        "no sequence: name the first photo of an entity ",
        "",
        "순번이 없습니다. 엔티티의 첫 사진이면 {} (으)로 바꾸어 주세요",
    ),
    (
        "the cd_idx is ",
        ": it must",
        "cd_idx 가 {} 입니다. 앞에 0을 붙이지 않은 1부터 9007199254740991 사이의 숫자여야 합니다",
    ),
    ("the sequence is ", ": it must", "순번이 {} 입니다. 앞에 0을 붙이지 않은 0부터 65535 사이의 숫자여야 합니다"),
    ("no vertical: the key must be ", "", "버티컬이 없습니다. {} 형식으로 올려 주세요"),
    ("a folder inside the vertical: the key must be ", "", "버티컬 아래에 폴더가 있습니다. {} 형식으로 올려 주세요"),
    ("the key is not under origin/: upload it as ", "", "origin/ 아래가 아닙니다. {} (으)로 올려 주세요"),
];
/// A hint that another one follows.
const EXTENSION_AND: &str = "the extension must be .jpg in lower case; and ";

/// The hint in Korean, where it is a known one.
pub(super) fn korean(hint: &str) -> Option<String> {
    if let Some(rest) = hint.strip_prefix(EXTENSION_AND) {
        return korean(rest).map(|rest| format!("확장자는 소문자 .jpg 여야 합니다. {rest}"));
    }
    HINTS.iter().find_map(|(start, end, korean)| {
        let rest = hint.strip_prefix(start)?;
        let kept = if end.is_empty() { rest } else { rest.split_once(end)?.0 };
        // Not by `{}` alone: a template may name {cd_idx}.
        Some(if kept.is_empty() { (*korean).to_owned() } else { korean.replacen("{}", kept, 1) })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::key::{CD_IDX_MAX, UploadKey};

    /// The hints that keys get, so that none is reworded without its Korean.
    #[test]
    fn the_hint_of_a_name_says_in_korean_what_it_should_be() {
        assert!(HINTS[3].2.contains(&CD_IDX_MAX.to_string()));
        for (key, says) in [
            ("origin/v/1_0.JPG", "1_0.jpg (으)로 바꾸어"),
            ("origin/v/1.JPEG", "순번이 없습니다"),
            ("origin/v/1.jpg", "1_0.jpg"),
            ("origin/v/notes.txt", "JPEG 파일이어야"),
            ("origin/v/01_0.jpg", "cd_idx 가 \"01\""),
            ("origin/v/1_00.jpg", "순번이 \"00\""),
            ("origin/v/sub/1_0.jpg", "버티컬 아래에 폴더"),
            ("origin/1_0.jpg", "버티컬이 없습니다"),
        ] {
            let UploadKey::Unparseable { hint } = UploadKey::parse(key) else { panic!("{key} is a photo") };
            let text = korean(&hint).unwrap_or_else(|| panic!("{key}: {hint} has no Korean"));
            assert!(text.contains(says), "{key}: {text}");
        }
        assert_eq!(korean("something else"), None);
    }
}
