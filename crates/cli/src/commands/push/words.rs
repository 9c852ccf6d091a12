//! Why files were not sent, in Korean: what sends them says it in English, which scripts read.

use cameo::model::{cause, lang::Lang};

/// What begins so, and its Korean.
const WORDS: [(&str, &str); 12] = [
    ("not sent: the push was interrupted", "보내기 전에 중단되었습니다. 다시 실행해 주세요"),
    (
        "not sent: the server could not be reached for the files before it",
        "앞의 파일들에서 서버에 연결되지 않아 보내지 않았습니다. 다시 실행해 주세요",
    ),
    ("it cannot be read", "파일을 읽을 수 없습니다"),
    ("it was changed while it was being pushed", "올리는 동안 파일이 바뀌었습니다. 다시 실행해 주세요"),
    ("the server refuses the name", "서버가 파일 이름을 받아들이지 않습니다"),
    ("the server gave no address for it", "서버가 올릴 주소를 주지 않았습니다"),
    ("the address is not taken any more", "올릴 주소의 기한이 지났습니다. 다시 실행해 주세요"),
    ("it arrived with other bytes than announced", "전송 중에 내용이 바뀌었습니다. 다시 실행해 주세요"),
    ("the server's disk is full", "서버의 디스크에 남은 공간이 없습니다. 엔지니어에게 알려 주세요"),
    ("the server takes no file of this length", "서버가 받지 않는 크기의 파일입니다"),
    ("the server could not take it", "서버가 받지 못했습니다. 다시 실행하고, 계속되면 엔지니어에게 알려 주세요"),
    ("the server refused it", "서버가 받지 않았습니다"),
];

/// Why a file was not sent, for people.
pub(super) fn not_sent(why: &str, lang: Lang) -> String {
    if lang == Lang::En {
        return why.to_owned();
    }
    let known = WORDS.iter().find(|(english, _)| why.starts_with(english)).map(|(_, korean)| *korean);
    let error: Box<dyn std::error::Error> = why.into();
    match (known, cause::korean(&*error)) {
        (Some(korean), Some(cause)) => format!("{korean} ({cause}: {why})"),
        (Some(korean), None) => korean.to_owned(),
        (None, Some(cause)) => format!("보내지 못했습니다 ({cause}: {why})"),
        (None, None) => format!("보내지 못했습니다 ({why})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_sending_says_is_said_in_korean() {
        let sending =
            [include_str!("../../../../cameo/src/push/send.rs"), include_str!("../../../../cameo/src/push/failed.rs")];
        for (english, korean) in WORDS {
            assert!(sending.iter().any(|source| source.contains(english)), "nothing says {english:?} any more");
            assert!(not_sent(english, Lang::Ko).starts_with(korean), "{english}");
            assert_eq!(not_sent(english, Lang::En), english);
        }
        let text = not_sent("it cannot be read: Permission denied (os error 13)", Lang::Ko);
        assert!(text.starts_with("파일을 읽을 수 없습니다 (읽거나 쓸 권한이 없음: "), "{text}");
        assert!(not_sent("SlowDown", Lang::Ko).starts_with("보내지 못했습니다"));
    }
}
