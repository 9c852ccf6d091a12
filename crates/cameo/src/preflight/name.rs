//! The rules of file names: what the server would make of each one, and for whatever it would refuse, whose photo it
//! evidently is, what is wrong, and what it should be called.
//!
//! The server's own grammar (`UploadKey`) decides alone what is right; this module only explains what is not.

use crate::model::{
    key::{
        EntityId, ORIGIN_PREFIX, PhotoId, UploadKey, Vertical,
        reading::{Extension, Reading, is_unfinished, read_path},
    },
    lang::Text,
    reason::ReasonCode,
};

/// Endings of archives: what is packed once more is not looked into.
const ARCHIVES: [&str; 7] = ["zip", "7z", "rar", "tar", "gz", "tgz", "alz"];

/// What a path inside of the folder is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Name {
    /// An original under its right name.
    Photo(PhotoId),
    /// A file that operating systems leave.
    Ignored,
    /// Anything else, which the server would refuse.
    Faulty(Box<NameFault>),
}

/// What is wrong with a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameFault {
    /// The code that fits best.
    pub code: ReasonCode,
    /// What was found.
    pub detail: Text,
    /// The entity that it evidently belongs to.
    pub cd_idx: Option<u64>,
    /// The photo's sequence, where it can be read.
    pub sequence: Option<u16>,
    /// The photo that it is evidently meant to be, if the name says nothing else.
    pub target: Option<PhotoId>,
    /// Whether the target's sequence is assumed: the name has none.
    pub is_assumed: bool,
    /// Whether the file may be a photo, so that its content is looked at.
    pub may_be_photo: bool,
}

impl Name {
    /// Judges a path inside of the folder of a vertical, with `/` between its parts.
    pub fn judge(vertical: &Vertical, path: &str) -> Self {
        match UploadKey::parse(&format!("{ORIGIN_PREFIX}{vertical}/{path}")) {
            UploadKey::Photo(photo) => Self::Photo(photo),
            UploadKey::Ignored => Self::Ignored,
            UploadKey::Unparseable { .. } | UploadKey::Plain => Self::Faulty(Box::new(fault(vertical, path))),
        }
    }

    /// The entity that it belongs to, as far as it can be read.
    pub fn cd_idx(&self) -> Option<u64> {
        match self {
            Self::Photo(photo) => Some(photo.entity.cd_idx),
            Self::Ignored => None,
            Self::Faulty(fault) => fault.cd_idx,
        }
    }

    /// Its sequence, as far as it can be read.
    pub fn sequence(&self) -> Option<u16> {
        match self {
            Self::Photo(photo) => Some(photo.sequence),
            Self::Ignored => None,
            Self::Faulty(fault) => fault.sequence,
        }
    }

    /// The photo that it is, or is evidently meant to be.
    pub fn photo(&self) -> Option<&PhotoId> {
        match self {
            Self::Photo(photo) => Some(photo),
            Self::Ignored => None,
            Self::Faulty(fault) => fault.target.as_ref(),
        }
    }

    /// Whether the file may be a photo.
    pub fn may_be_photo(&self) -> bool {
        match self {
            Self::Photo(_) => true,
            Self::Ignored => false,
            Self::Faulty(fault) => fault.may_be_photo,
        }
    }
}

fn fault(vertical: &Vertical, path: &str) -> NameFault {
    let (folder, file_name) = path.rsplit_once('/').map_or((None, path), |(folder, name)| (Some(folder), name));
    let mut reading = read_path(path);
    // Safari keeps an unfinished download in a folder: `1234_0.jpg.download/1234_0.jpg`.
    let unfinished = folder.and_then(|folder| folder.rsplit('/').find_map(unfinished_ending));
    if let Some(ending) = unfinished {
        reading.extension = Extension::Unfinished(ending.to_owned());
    }
    let target = target(vertical, &reading);
    let is_assumed = target.is_some() && reading.lacks_sequence;
    let folder = folder.filter(|_| unfinished.is_none());
    let code = match folder {
        Some(_) => ReasonCode::NameSubfolder,
        None => code(&reading),
    };
    let detail = match folder {
        Some(folder) => Text::new(format!("in the folder {folder}"), format!("하위 폴더 {folder} 안에 있습니다")),
        None if is_lock(file_name) => Text::new(
            "a lock file of an office program: close the document, or leave the file out",
            "문서 프로그램이 잠시 만든 잠금 파일입니다. 문서를 닫거나 이 파일을 빼 주세요",
        ),
        None => detail(code, &reading),
    };
    let may_be_photo = reading.extension.may_be_jpeg() && (reading.extension != Extension::Absent || target.is_some());
    NameFault { code, detail, cd_idx: reading.cd_idx, sequence: reading.sequence, target, is_assumed, may_be_photo }
}

/// The ending of a folder that is an unfinished download.
fn unfinished_ending(folder: &str) -> Option<&str> {
    folder.rsplit_once('.').map(|(_, ending)| ending).filter(|ending| is_unfinished(ending))
}

/// Whether a file is what Office and `LibreOffice` keep beside a document that is open: `~$list.xlsx`, `.~lock.list.ods#`.
fn is_lock(file_name: &str) -> bool {
    file_name.starts_with("~$") || file_name.starts_with(".~lock.")
}

/// The photo that a name is evidently meant for.
fn target(vertical: &Vertical, reading: &Reading) -> Option<PhotoId> {
    let sequence = match (reading.is_whole, reading.lacks_sequence) {
        (true, _) => reading.sequence?,
        // Of `1234 (1).jpg` nobody knows whether it is a copy or the second photo.
        (_, true) if !reading.is_copy => 0,
        _ => return None,
    };
    let cd_idx = reading.cd_idx.filter(|_| reading.extension.may_be_jpeg())?;
    Some(PhotoId { entity: EntityId { vertical: vertical.clone(), cd_idx }, sequence })
}

/// The most telling code: what hides behind another fault comes first.
fn code(reading: &Reading) -> ReasonCode {
    if reading.is_unnormal {
        return ReasonCode::NameNormalisation;
    }
    if matches!(reading.extension, Extension::Unfinished(_)) {
        return ReasonCode::NameUnfinished;
    }
    if reading.is_unsure {
        return ReasonCode::NameUnparseable;
    }
    if reading.has_odd_digits && reading.has_number {
        return ReasonCode::NameDigits;
    }
    match reading.extension {
        Extension::Wrong(_) | Extension::Appended(_) => ReasonCode::NameExtension,
        Extension::Absent if reading.is_whole || reading.lacks_sequence => ReasonCode::NameExtension,
        _ => ReasonCode::NameUnparseable,
    }
}

fn detail(code: ReasonCode, reading: &Reading) -> Text {
    match code {
        ReasonCode::NameNormalisation => Text::new(
            "the name holds decomposed or invisible characters",
            "이름에 분해된 글자(NFD)나 보이지 않는 문자가 있습니다",
        ),
        ReasonCode::NameUnfinished | ReasonCode::NameExtension => extension_detail(&reading.extension),
        ReasonCode::NameDigits => digits_detail(reading),
        _ => structure_detail(reading),
    }
}

fn digits_detail(reading: &Reading) -> Text {
    if reading.is_sequence_too_large {
        return Text::new("the sequence is out of range: 0 to 65535", "순번이 범위(0~65535)를 벗어났습니다");
    }
    if reading.cd_idx.is_none() {
        return Text::new(
            "the cd_idx is out of range: 1 to 9007199254740991",
            "cd_idx 가 범위(1~9007199254740991)를 벗어났습니다",
        );
    }
    Text::new(
        "the numbers have full-width digits, leading zeros or separators in them",
        "숫자에 전각 숫자, 앞자리 0 또는 구분 기호가 있습니다",
    )
}

fn extension_detail(extension: &Extension) -> Text {
    match extension {
        Extension::Absent => Text::new("the name has no extension", "확장자가 없습니다"),
        Extension::Wrong(text) | Extension::Appended(text) | Extension::Foreign(text) => Text::new(
            format!("the name ends in {text:?}, not in .jpg"),
            format!("이름이 .jpg 가 아니라 \"{text}\"(으)로 끝납니다"),
        ),
        Extension::Unfinished(text) => Text::new(
            format!("an unfinished download or copy (.{text}): finish it, or leave the file out"),
            format!("내려받기나 복사가 끝나지 않은 파일(.{text})입니다. 끝까지 받거나 이 파일을 빼 주세요"),
        ),
        Extension::Right => Text::new("the extension is right", "확장자는 맞습니다"),
    }
}

fn structure_detail(reading: &Reading) -> Text {
    match &reading.extension {
        Extension::Foreign(ending) if ARCHIVES.contains(&ending.to_ascii_lowercase().as_str()) => Text::new(
            format!("an archive (.{ending}): unpack it, or check it on its own"),
            format!("압축 파일(.{ending})입니다. 풀어서 넣거나 따로 점검해 주세요"),
        ),
        Extension::Foreign(ending) => Text::new(
            format!("a .{ending} file is not a photo that can be uploaded"),
            format!(".{ending} 파일은 올릴 수 있는 사진이 아닙니다"),
        ),
        _ if reading.is_unsure => Text::new(
            "the numbers in the name can be read in two ways: it is not clear which is the cd_idx",
            "이름의 숫자를 두 가지로 읽을 수 있어 어느 것이 cd_idx 인지 알 수 없습니다",
        ),
        _ if reading.lacks_sequence && reading.cd_idx.is_some() => {
            Text::new("the name has no sequence", "이름에 순번(sequence)이 없습니다")
        }
        _ if reading.is_copy => Text::new("the name is marked as a copy", "이름에 복사본 표시가 있습니다"),
        _ if reading.is_whole => Text::new(
            "between cd_idx and sequence there must be one _ and nothing else, and no spaces around",
            "cd_idx 와 순번 사이에는 _ 하나만 있어야 하고 공백이 없어야 합니다",
        ),
        _ if reading.cd_idx.is_some() => {
            Text::new("the name says more than {cd_idx}_{sequence}", "이름에 {cd_idx}_{sequence} 외의 글자가 있습니다")
        }
        _ => Text::new("the name has no cd_idx and sequence", "이름에서 cd_idx 와 순번을 찾을 수 없습니다"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::key::reading::read;

    fn vertical() -> Vertical {
        "ssgdfm_eye".parse().unwrap()
    }

    /// Code, `cd_idx`, sequence, and the right name.
    fn judged(path: &str) -> (String, Option<u64>, Option<u16>, Option<String>) {
        match Name::judge(&vertical(), path) {
            Name::Photo(photo) => ("photo".into(), Some(photo.entity.cd_idx), Some(photo.sequence), None),
            Name::Ignored => ("ignored".into(), None, None, None),
            Name::Faulty(fault) => {
                let target = fault.target.as_ref().map(PhotoId::file_name);
                (fault.code.to_string(), fault.cd_idx, fault.sequence, target)
            }
        }
    }

    #[allow(clippy::many_single_char_names, reason = "a column of codes that can be read")]
    #[test]
    fn near_misses_are_attributed_and_get_their_right_name() {
        let (ext, digits, nfc, form, sub) =
            ("name.extension", "name.digits", "name.normalisation", "name.unparseable", "name.subfolder");
        for (name, code) in [
            ("1234_0.JPG", ext),
            ("1234_0.jpeg", ext),
            ("1234_0.JPEG", ext),
            ("1234_0.Jpg", ext),
            ("1234_0.jpe", ext),
            ("1234_0.jfif", ext),
            ("1234_0.jpg.jpg", ext),
            ("1234_0.JPG.jpg", ext),
            ("1234_0", ext),
            ("1234_0.", ext),
            ("1234_0.jpg.", ext),
            ("1234_0．ＪＰＧ", ext),
            ("１２３４_０.jpg", digits),
            ("1234_00.jpg", digits),
            ("01234_0.jpg", digits),
            ("001234_000.JPG", digits),
            ("\u{661}\u{662}\u{663}\u{664}_0.jpg", digits),
            ("1,234_0.jpg", digits),
            ("１２３４＿０．ＪＰＧ", digits),
            ("1234\u{200b}_0.jpg", nfc),
            ("\u{feff}1234_0.jpg", nfc),
            ("1234_0\u{200e}.jpg", nfc),
            ("1234\u{202e}_0.jpg", nfc),
            ("1234_0.jpg\n", nfc),
            ("1234_0 - \u{1107}\u{1169}\u{11a8}\u{1109}\u{1161}\u{1107}\u{1169}\u{11ab}.jpg", nfc),
            ("1234-0.jpg", form),
            ("1234 0.jpg", form),
            ("1234__0.jpg", form),
            ("1234＿0.jpg", form),
            ("1234–0.jpg", form),
            ("1234.0.jpg", form),
            ("1234_0 (1).jpg", form),
            ("1234_0(2).jpg", form),
            ("1234_0 - 복사본.jpg", form),
            ("1234_0 - 복사본 (2).jpg", form),
            ("1234_0 복사본 2.jpg", form),
            ("1234_0의 사본.jpg", form),
            ("1234_0 copy.jpg", form),
            ("1234_0 - Copy (3).jpg", form),
            ("Copy of 1234_0.jpg", form),
            ("1234_0 copy 2.jpg", form),
            (" 1234_0.jpg", form),
            ("1234_0.jpg ", form),
            ("1234_0 .jpg", form),
            ("1234 _0.jpg", form),
            ("1234_ 0.jpg", form),
            ("1234_0\u{a0}.jpg", form),
            ("sub/1234_0.jpg", sub),
            ("a/b/1234_0.JPG", sub),
        ] {
            assert_eq!(judged(name), (code.into(), Some(1234), Some(0), Some("1234_0.jpg".into())), "{name:?}");
        }
        let of_1234 = |target: Option<&str>| ("name.unparseable".into(), Some(1234), None, target.map(str::to_owned));
        assert_eq!(judged("1234.jpg"), of_1234(Some("1234_0.jpg")));
        assert_eq!(judged("1234 (1).jpg"), of_1234(None));
    }

    #[test]
    fn what_has_no_one_right_name_gets_none() {
        for (name, code, cd_idx, sequence) in [
            ("1234_0_final.jpg", "name.unparseable", Some(1234), Some(0)),
            ("1234_0수정.jpg", "name.unparseable", Some(1234), Some(0)),
            ("1234_0.png", "name.unparseable", Some(1234), Some(0)),
            ("1234_0.heic", "name.unparseable", Some(1234), Some(0)),
            ("1234_0.jpg.bak", "name.extension", Some(1234), Some(0)),
            ("1234_0.jpg.exe", "name.extension", Some(1234), Some(0)),
            ("400/1.jpg", "name.subfolder", None, None),
            ("s3/400/2.jpeg", "name.subfolder", None, None),
            ("1_70000.jpg", "name.digits", None, None),
            ("01_351518.jpg", "name.digits", None, None),
            ("1257_-1.jpg", "name.unparseable", Some(1257), None),
            ("1257_−1.jpg", "name.unparseable", Some(1257), None),
            ("1257--1.jpg", "name.unparseable", Some(1257), None),
            ("1234_1O.jpg", "name.unparseable", Some(1234), None),
            ("1234_O.jpg", "name.unparseable", Some(1234), None),
            ("1234_0a.jpg", "name.unparseable", Some(1234), None),
            ("1234_0².jpg", "name.unparseable", Some(1234), None),
            ("1234번_0.jpg", "name.unparseable", Some(1234), None),
            ("1234_sq_0.jpg", "name.unparseable", Some(1234), None),
            ("ssgdfm_eye_1234_0.jpg", "name.unparseable", Some(1234), Some(0)),
            ("99999999999999999999_0.jpg", "name.digits", None, Some(0)),
            ("0_0.jpg", "name.digits", None, Some(0)),
            ("IMG_1234.jpg", "name.unparseable", None, None),
            ("-1_0.jpg", "name.unparseable", None, None),
            ("README.txt", "name.unparseable", None, None),
            ("photos.zip", "name.unparseable", None, None),
            ("사진.jpg", "name.unparseable", None, None),
            ("_0.jpg", "name.unparseable", None, None),
            (".jpg", "name.unparseable", None, None),
            ("copy.jpg", "name.unparseable", None, None),
            ("\u{1109}\u{1161}.jpg", "name.normalisation", None, None),
        ] {
            assert_eq!(judged(name), (code.into(), cd_idx, sequence, None), "{name:?}");
        }
    }

    /// A wrong number points at the wrong entity, so a name that can be read in two ways has none, and is given no other name.
    #[test]
    fn what_can_be_read_in_two_ways_is_nobodys() {
        for name in [
            // More than two numbers.
            "20261127_1271_0.jpg",
            "2022-1282_0.jpg",
            "1_0_0.jpg",
            "1234_0_20261127.jpg",
            "01_351518_0.jpg",
            "v2_1234_0.jpg",
            "2026.11.27.jpg",
            // Days and years, but in the grammar's own form.
            "20261127.jpg",
            "20261127-1271.jpg",
            "2022-11.jpg",
            "2022 여름.jpg",
            // Letters that touch the digits.
            "l265_0.jpg",
            "I265_0.jpg",
            "O12_0.jpg",
            "12O4_0.jpg",
            "1l_0.jpg",
            "a1234_0.jpg",
            "1234a_0.jpg",
            "photo1234_0.jpg",
            "사진1234_0.jpg",
            "ｌ265_0.jpg",
            // What others count.
            "IMG_1234_0.jpg",
            "DSC_1234_1.jpg",
            "ssgdfm_photo_1234_0.jpg",
            // Separators within a number, and between two.
            "12,77_0.jpg",
            "351.519_0.jpg",
            "1 234_0.jpg",
            "351,519.jpg",
            "351.519.jpg",
            "351 519.jpg",
            "0,351_0.jpg",
            "1,2345_0.jpg",
            "1234,1235.jpg",
            "1234+1235.jpg",
            "1234~1236.jpg",
            "1234&1235.jpg",
            "12'345_0.jpg",
            // What is like a digit.
            "1234²_0.jpg",
            "①234_0.jpg",
            "1234①_0.jpg",
        ] {
            for name in [name.to_owned(), name.replace(".jpg", ".JPG"), name.replace(".jpg", " (1).jpg")] {
                let (code, cd_idx, sequence, target) = judged(&name);
                assert_eq!((cd_idx, sequence, target), (None, None, None), "{name:?}");
                assert_eq!(code, "name.unparseable", "{name:?}");
            }
        }
        for name in ["12\u{200b}34_0.jpg", "12\u{202e}34_0.jpg"] {
            assert_eq!(judged(name), ("name.normalisation".into(), None, None, None), "{name:?}");
        }
        for name in ["20261127_143022.jpg", "20261127_143022(1).jpg", "KakaoTalk_20261125_143022123.jpg"] {
            assert_eq!((judged(name).1, judged(name).3), (None, None), "{name:?}");
        }
        for (name, target) in [
            ("351,519_0.jpg", "351519_0.jpg"),
            ("1,351,519_0.jpg", "1351519_0.jpg"),
            ("20261127_0.JPG", "20261127_0.jpg"),
            ("1999-0.jpg", "1999_0.jpg"),
            ("2043-1.jpg", "2043_1.jpg"),
            ("1234 - 0.jpg", "1234_0.jpg"),
        ] {
            assert_eq!(judged(name).3.as_deref(), Some(target), "{name:?}");
        }
    }

    #[test]
    fn what_is_not_finished_is_said_and_never_renamed() {
        for (name, cd_idx, sequence) in [
            ("1234_0.jpg.crdownload", Some(1234), Some(0)),
            ("1234_0.jpg.part", Some(1234), Some(0)),
            ("1234_0.JPG.Partial", Some(1234), Some(0)),
            ("1234_0.crdownload", Some(1234), Some(0)),
            ("1234_0.tmp", Some(1234), Some(0)),
            ("1234_0.jpg.filepart", Some(1234), Some(0)),
            ("1234_0.jpg.download/1234_0.jpg", Some(1234), Some(0)),
            ("1234.jpg.download", Some(1234), None),
            ("Unconfirmed 823412.crdownload", None, None),
            ("확인되지 않음 823412.crdownload", None, None),
            ("20261127_1271_0.jpg.part", None, None),
        ] {
            assert_eq!(judged(name), ("name.unfinished".into(), cd_idx, sequence, None), "{name:?}");
            assert!(!Name::judge(&vertical(), name).may_be_photo(), "{name}");
        }
        for name in ["~$전달 목록.xlsx", "~$1234_0.docx", ".~lock.1234.ods#"] {
            let Name::Faulty(fault) = Name::judge(&vertical(), name) else { panic!("{name}") };
            assert!(fault.detail.english.contains("lock file") && fault.cd_idx.is_none(), "{name}: {fault:?}");
        }
    }

    #[test]
    fn what_systems_leave_is_ignored_in_any_folder() {
        for name in [".DS_Store", "Thumbs.db", "desktop.ini", "._1234_0.jpg", "sub/.DS_Store", "__MACOSX/._1234_0.jpg"]
        {
            assert_eq!(judged(name).0, "ignored", "{name}");
        }
    }

    /// Names from pieces of what goes wrong, by a generator that needs no seed from outside.
    fn made_up(count: usize) -> impl Iterator<Item = String> {
        const PIECES: [&str; 40] = [
            "1",
            "12",
            "351518",
            "0",
            "00",
            "007",
            "65535",
            "65536",
            "9007199254740991",
            "9007199254740992",
            "99999999999999999999",
            "_",
            "_",
            "_",
            "-",
            " ",
            ".",
            "/",
            "\\",
            ".jpg",
            ".jpg",
            ".JPG",
            ".jpeg",
            ".png",
            "(1)",
            "복사본",
            "\u{1112}\u{1161}\u{11ab}",
            "\u{200b}",
            "\u{feff}",
            "\u{202e}",
            "１",
            "＿",
            "．",
            "IMG_",
            "copy",
            "+",
            "\n",
            ",",
            "é",
            "._",
        ];
        let mut state = 0x9E37_79B9_7F4A_7C15_u64;
        let mut next = move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            usize::try_from(state >> 33).unwrap()
        };
        // Every third has the shape of a right name, or nearly so.
        (0..count).map(move |n| match n % 3 {
            0 => format!("{}_{}.jpg", PIECES[next() % 12], PIECES[next() % 12]),
            _ => (0..=next() % 7).map(|_| PIECES[next() % PIECES.len()]).collect(),
        })
    }

    /// Check and server never differ: a name that one takes the other takes, and a name that is suggested is taken.
    #[test]
    fn check_passes_exactly_what_the_server_takes() {
        let (mut photos, mut suggested) = (0, 0);
        for name in made_up(30_000) {
            let key = UploadKey::parse(&format!("origin/{}/{name}", vertical()));
            match (Name::judge(&vertical(), &name), key) {
                (Name::Photo(photo), UploadKey::Photo(taken)) => {
                    assert_eq!(photo, taken);
                    photos += 1;
                }
                (Name::Ignored, UploadKey::Ignored) => {}
                (Name::Faulty(fault), UploadKey::Unparseable { .. }) => {
                    assert!(
                        !fault.detail.english.is_empty() && fault.detail.english != "the extension is right",
                        "{name:?}"
                    );
                    let Some(target) = fault.target else { continue };
                    assert_eq!(Name::judge(&vertical(), &target.file_name()), Name::Photo(target.clone()));
                    assert_eq!(fault.cd_idx, Some(target.entity.cd_idx), "{name:?}");
                    suggested += 1;
                }
                (name, key) => panic!("{name:?} is {key:?} to the server"),
            }
        }
        assert!(photos > 100 && suggested > 1000, "only {photos} photos and {suggested} suggestions were tried");
    }

    /// A right name, spoilt in one of the usual ways, is never told to be another photo.
    #[test]
    fn reading_a_right_name_gives_what_the_grammar_gives() {
        for name in made_up(30_000).filter(|name| !name.contains('/')) {
            if let Name::Photo(photo) = Name::judge(&vertical(), &name) {
                let reading = read(&name);
                assert_eq!(
                    (reading.cd_idx, reading.sequence),
                    (Some(photo.entity.cd_idx), Some(photo.sequence)),
                    "{name}"
                );
                assert!(reading.is_whole && reading.extension == Extension::Right && !reading.has_odd_digits, "{name}");
            }
        }
    }
}
