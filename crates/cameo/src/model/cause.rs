//! The usual causes of errors in Korean: what the system, the network and the disk say in English.

use std::{
    borrow::Cow,
    error::Error,
    fmt,
    io::{self, ErrorKind},
};

use super::lang::Text;

/// A cause of our own, in both languages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause(pub Text);

impl Cause {
    /// A cause of these two.
    pub fn new(english: impl Into<String>, korean: impl Into<String>) -> Self {
        Self(Text::new(english, korean))
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.english)
    }
}

impl Error for Cause {}

/// What parts of causes that are only known as text mean. The first that fits counts.
const BY_TEXT: [(&str, &str); 29] = [
    ("failed to lookup address", "서버 이름을 찾을 수 없음"),
    ("dns error", "서버 이름을 찾을 수 없음"),
    ("Name or service not known", "서버 이름을 찾을 수 없음"),
    ("Connection refused", REFUSED),
    ("Connection reset", CLOSED),
    ("connection closed", CLOSED),
    ("Network is unreachable", UNREACHABLE),
    ("No route to host", UNREACHABLE),
    ("timed out", LATE),
    ("certificate", "서버의 인증서를 확인할 수 없음"),
    ("No space left", FULL),
    ("disk is full", FULL),
    ("Permission denied", DENIED),
    ("No such file or directory", ABSENT),
    ("Is a directory", "파일이 아니라 폴더임"),
    ("invalid Zip archive", NO_ZIP),
    ("Invalid zip", NO_ZIP),
    ("EOCD", NO_ZIP),
    ("central directory", NO_ZIP),
    ("unsupported Zip archive", "지원하지 않는 방식으로 압축된 파일"),
    ("Cfb error", NO_WORKBOOK),
    ("OLE signature", NO_WORKBOOK),
    ("Xml error", NO_WORKBOOK),
    ("Zip error", NO_WORKBOOK),
    ("unable to open database file", "데이터베이스 파일을 열 수 없음"),
    ("file is not a database", "데이터베이스 파일이 아니거나 손상됨"),
    ("database disk image is malformed", "데이터베이스 파일이 손상됨"),
    ("database is locked", "다른 프로그램이 데이터베이스를 쓰고 있음"),
    ("stream did not contain valid UTF-8", "UTF-8 글자가 아님"),
];
const REFUSED: &str = "연결이 거부됨: 서버가 꺼져 있거나 주소나 포트가 틀림";
const CLOSED: &str = "연결이 중간에 끊어짐";
const UNREACHABLE: &str = "네트워크에 연결되어 있지 않음";
const LATE: &str = "응답을 기다리는 시간이 지남";
const FULL: &str = "디스크에 남은 공간이 없음";
const DENIED: &str = "읽거나 쓸 권한이 없음";
/// What is done with files.
const OF_FILES: [(&str, &str); 9] = [
    ("read the folder ", "폴더를 읽을 수 없습니다"),
    ("make the folder ", "폴더를 만들 수 없습니다"),
    ("read the file ", "파일을 읽을 수 없습니다"),
    ("open the data folder ", "데이터 폴더를 열 수 없습니다"),
    ("read ", "읽을 수 없습니다"),
    ("write ", "쓸 수 없습니다"),
    ("open ", "열 수 없습니다"),
    ("remove ", "지울 수 없습니다"),
    ("list ", "목록을 읽을 수 없습니다"),
];
const NO_ZIP: &str = "올바른 ZIP 파일이 아니거나 일부가 없음";
const NO_WORKBOOK: &str = "올바른 엑셀 파일이 아니거나 일부가 없음";
const ABSENT: &str = "그런 파일이나 폴더가 없음";

/// A cause in Korean where it is a usual one; what nobody has listed stays as it is, for an engineer.
pub fn in_korean(source: &(dyn Error + 'static)) -> String {
    korean(source).map_or_else(|| source.to_string(), Cow::into_owned)
}

/// What was done with a file, where that is all that was done, in Korean: `read /etc/cameo.toml`.
pub fn of_file(doing: &str) -> Option<String> {
    let (verb, path) = OF_FILES.iter().find_map(|(verb, korean)| Some((korean, doing.strip_prefix(verb)?)))?;
    let is_path = path.contains(['/', '.']) && !path.contains(": ");
    is_path.then(|| format!("{path}: {verb}"))
}

/// A usual cause in Korean.
pub fn korean<'e>(source: &'e (dyn Error + 'static)) -> Option<Cow<'e, str>> {
    let mut next = Some(source);
    while let Some(error) = next {
        if let Some(Cause(text)) = error.downcast_ref() {
            return Some(text.korean.as_str().into());
        }
        let of_io = error.downcast_ref::<io::Error>();
        if let Some(Cause(text)) = of_io.and_then(|error| error.get_ref()?.downcast_ref()) {
            return Some(text.korean.as_str().into());
        }
        let of_system = of_io.and_then(|error| of_kind(error.kind()));
        if let Some(korean) = of_system.or_else(|| of_text(&error.to_string())) {
            return Some(korean.into());
        }
        next = error.source();
    }
    None
}

/// A usual cause that is known as text alone, in Korean.
pub fn of_text(text: &str) -> Option<&'static str> {
    BY_TEXT.iter().find(|(part, _)| text.contains(part)).map(|(_, korean)| *korean)
}

fn of_kind(kind: ErrorKind) -> Option<&'static str> {
    Some(match kind {
        ErrorKind::NotFound => ABSENT,
        ErrorKind::PermissionDenied => DENIED,
        ErrorKind::ConnectionRefused => REFUSED,
        ErrorKind::ConnectionReset
        | ErrorKind::ConnectionAborted
        | ErrorKind::BrokenPipe
        | ErrorKind::UnexpectedEof => CLOSED,
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable | ErrorKind::NetworkDown => UNREACHABLE,
        ErrorKind::TimedOut => LATE,
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => FULL,
        ErrorKind::AddrInUse => "이미 다른 프로그램이 쓰는 주소나 포트",
        ErrorKind::AlreadyExists => "이미 있음",
        ErrorKind::IsADirectory => "파일이 아니라 폴더임",
        ErrorKind::NotADirectory => "폴더가 아님",
        ErrorKind::ReadOnlyFilesystem => "쓸 수 없는 디스크",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_causes_are_in_korean_alone() {
        for (code, korean) in [(2, ABSENT), (13, DENIED), (28, FULL), (111, REFUSED), (110, LATE), (101, UNREACHABLE)] {
            let error = io::Error::from_raw_os_error(code);
            let text = in_korean(&error);
            assert_eq!(text, korean);
        }
        for text in [
            "error sending request: client error (Connect): dns error: failed to lookup address information",
            "error sending request: operation timed out",
            "tcp connect error: Connection refused (os error 111)",
        ] {
            let error: Box<dyn Error> = text.into();
            assert!(!in_korean(&*error).contains("error") && korean(&*error).is_some(), "{text}");
        }
        let own = Cause::new("it is empty", "비어 있습니다");
        assert_eq!((own.to_string(), in_korean(&own)), ("it is empty".to_owned(), "비어 있습니다".to_owned()));
        let other: Box<dyn Error> = "no column x".into();
        assert_eq!((korean(&*other), in_korean(&*other)), (None, "no column x".to_owned()));
    }
}
