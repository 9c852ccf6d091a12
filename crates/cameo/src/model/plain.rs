//! What a rejection's detail means in words for whoever has to act on it, in both languages.
//!
//! The engine reports what it found in the terms of the JPEG standard, for an engineer. An operator passes on what happened to the
//! file. Details that are not listed here fall back to a sentence about their reason code, so no new one of the engine is left without words.

use super::{
    cause,
    lang::{Lang, Text},
    reason::ReasonCode,
};

mod names;

/// Beginnings of files that are taken for photos, and what they are.
const SIGNATURES: [(&[u8], &str); 12] = [
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF8", "GIF"),
    (b"BM", "BMP"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"%PDF", "PDF"),
    (b"PK\x03\x04", "ZIP"),
    (b"8BPS", "Photoshop (PSD)"),
    (b"Rar!", "RAR"),
    (b"\x1f\x8b", "gzip"),
    (b"<!DOCTYPE", "HTML"),
    (b"<html", "HTML"),
];

/// The name of the format that a file of another one begins as, where it is a usual one.
pub fn format_of(beginning: &[u8]) -> Option<&'static str> {
    let boxed = beginning.get(4..12);
    match boxed {
        Some(b"ftypheic" | b"ftypheix" | b"ftypmif1" | b"ftyphevc" | b"ftypmsf1") => return Some("HEIC"),
        Some(b"ftypavif" | b"ftypavis") => return Some("AVIF"),
        _ if beginning.starts_with(b"RIFF") && beginning.get(8..12) == Some(b"WEBP") => return Some("WebP"),
        _ => {}
    }
    SIGNATURES.iter().find(|(signature, _)| beginning.starts_with(signature)).map(|(_, name)| *name)
}

/// How the plain sentences begin. What begins so is none of the engine's details: a push recorded it, with what it saw of the file.
const PLAIN: [&str; 4] = ["the file ", "the picture ", "another picture ", "the description of the picture "];

/// What was found, for people, in plain words; the engine's own ones are the technical part. The cause of a dead letter stays as it is, since
/// it is for an engineer.
pub fn found(reason: ReasonCode, detail: &str) -> Text {
    match reason {
        // Whoever recorded it found nothing to say besides the code.
        reason if detail.is_empty() => Text::new(sentence(reason.english()), sentence(reason.korean())),
        ReasonCode::SystemDeadLetter => {
            let cause = cause::of_text(detail).map_or_else(|| format!("[{detail}]"), str::to_owned);
            Text::new(detail, format!("처리하지 못한 원인: {cause}"))
        }
        ReasonCode::SystemUnknownReason => Text::new(detail, format!("이 버전이 모르는 사유: {detail}")),
        reason if is_technical(reason, detail) => Text { technical: Some(detail.to_owned()), ..plain(reason, detail) },
        reason => Text { english: detail.to_owned(), technical: None, ..plain(reason, detail) },
    }
}

/// Whether a detail is in the words of the standard. Those of names and sizes are plain as they are.
fn is_technical(reason: ReasonCode, detail: &str) -> bool {
    let is_of_engine = matches!(
        reason,
        ReasonCode::FileNotJpeg
            | ReasonCode::FileTruncated
            | ReasonCode::FileCorrupt
            | ReasonCode::FileTooManyScans
            | ReasonCode::FileUnsupportedProcess
            | ReasonCode::FileUnsupportedPrecision
            | ReasonCode::FileUnsupportedComponents
    );
    is_of_engine && !PLAIN.iter().any(|beginning| detail.starts_with(beginning))
}

/// Beside a rejected photo: an older one of the same name is being served.
pub fn serves_older() -> Text {
    Text::new(" (the last good original is being served)", " (이전의 정상 사진이 계속 게시됩니다)")
}

/// The text of [`found`] in a language.
pub fn found_in(reason: ReasonCode, detail: &str, lang: Lang) -> String {
    found(reason, detail).of(lang).to_owned()
}

/// What a rejection for `reason` with the engine's `detail` means.
pub fn plain(reason: ReasonCode, detail: &str) -> Text {
    let is_about = |words: &[&str]| words.iter().any(|word| detail.contains(word));
    match reason {
        ReasonCode::FileTruncated if is_about(&["before the first scan", "cannot hold"]) => Text::new(
            "the file breaks off right at its beginning: almost nothing of the picture is there",
            "파일이 앞부분에서 끊겨 사진 내용이 거의 없습니다",
        ),
        ReasonCode::FileTruncated if is_about(&["scans are missing", "no scan"]) => Text::new(
            "the file breaks off: only a coarse or partly coloured version of the picture is there",
            "파일이 중간에 끊겨 흐릿하거나 색이 빠진 사진만 들어 있습니다",
        ),
        ReasonCode::FileTruncated => Text::new(
            "the file breaks off: the lower part of the picture is missing",
            "파일이 중간에 끊겨 사진 아랫부분이 없습니다",
        ),
        ReasonCode::FileCorrupt
            if is_about(&["of its Huffman table", "in its Huffman table", "64 coefficients", "restart"]) =>
        {
            Text::new(
                "the picture data are damaged in the middle of the file",
                "파일 중간의 사진 데이터가 깨져 있습니다",
            )
        }
        ReasonCode::FileCorrupt if is_about(&["second picture"]) => Text::new(
            "another picture begins before the first one is complete",
            "첫 번째 사진이 끝나기 전에 다른 사진이 시작됩니다",
        ),
        ReasonCode::FileCorrupt => Text::new(
            "the description of the picture at the beginning of the file is damaged",
            "파일 앞부분의 사진 정보가 깨져 있습니다",
        ),
        ReasonCode::FileTooManyPixels => sized(detail, "the picture is too large", "사진이 너무 큽니다"),
        ReasonCode::FileTooLarge => sized(detail, "the file is too large", "파일이 너무 큽니다"),
        ReasonCode::FileTooManyScans => Text::new(
            "the picture is split into far too many passes",
            "사진이 지나치게 많은 단계로 나뉘어 저장되어 있습니다",
        ),
        ReasonCode::FileUnsupportedProcess => Text::new(
            "the picture is packed in a rare way that browsers cannot show",
            "브라우저가 표시할 수 없는 드문 방식으로 압축되어 있습니다",
        ),
        ReasonCode::FileUnsupportedPrecision => {
            Text::new("the picture has more than 8 bits for each colour", "색상 채널당 비트 수가 8이 아닙니다")
        }
        ReasonCode::FileUnsupportedComponents => {
            Text::new("the picture has an unusual number of colour channels", "색상 채널 수가 일반적이지 않습니다")
        }
        ReasonCode::NameUnparseable => {
            let korean = names::korean(detail).unwrap_or_else(|| sentence(reason.korean()).to_owned());
            Text::new(sentence(reason.english()), korean)
        }
        other => Text::new(sentence(other.english()), sentence(other.korean())),
    }
}

/// A rejection for a size: its numbers are plain as they are.
fn sized(detail: &str, english: &str, korean: &str) -> Text {
    match detail.split_once(|c: char| !(c.is_ascii_digit() || c == 'x')) {
        Some((size @ ("" | "x"), _)) if size.len() < 2 => Text::new(english, korean),
        Some((size, _)) if size.contains('x') => {
            Text::new(format!("{english}: {size} pixels"), format!("{korean}: {size}픽셀"))
        }
        Some((size, _)) => Text::new(format!("{english}: {size} bytes"), format!("{korean}: {size}바이트")),
        None => Text::new(english, korean),
    }
}

/// A reason's text as part of a sentence: without its full stop.
fn sentence(text: &str) -> &str {
    text.trim_end_matches('.')
}

/// What a file that is not a JPEG is, as far as its first bytes show it.
pub fn not_a_jpeg(beginning: &[u8]) -> Text {
    match format_of(beginning) {
        Some(format) => Text::new(format!("the file is a {format} file"), format!("실제로는 {format} 파일입니다")),
        None => Text::new("the file is not a picture that is known here", "알 수 없는 형식의 파일입니다"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_standard_s_words_are_put_into_plain_ones() {
        for detail in [
            "the data of a scan end before its last MCU",
            "1000 bytes cannot hold 4800 blocks",
            "a component has no scan",
        ] {
            let text = plain(ReasonCode::FileTruncated, detail);
            assert!(!text.english.contains("MCU") && text.english.contains("breaks off"), "{text:?}");
            assert!(text.korean.contains("끊"), "{text:?}");
        }
        let large = plain(ReasonCode::FileTooManyPixels, "30000x20000 are more than 100000000 pixels");
        assert_eq!(large.english, "the picture is too large: 30000x20000 pixels");
        let heavy = plain(ReasonCode::FileTooLarge, "70000000 bytes; at most 67108864 are allowed");
        assert_eq!(heavy.korean, "파일이 너무 큽니다: 70000000바이트");
    }

    /// Words of the standard, which an operator does not know.
    const JARGON: [&str; 30] = [
        "MCU",
        "SOI",
        "EOI",
        "SOF",
        "SOS",
        "DHT",
        "DQT",
        "DNL",
        "DRI",
        "FF",
        "Huffman",
        "scan",
        "marker",
        "segment",
        "component",
        "coefficient",
        "quantis",
        "restart",
        "frame",
        "block",
        "sampling",
        "header",
        "table",
        "entropy",
        "interval",
        "precision",
        "허프만",
        "마커",
        "세그먼트",
        "계수",
    ];

    /// The texts in the engine's sources that a rejection can have as its detail: what stands between quotes, but for the tests.
    fn details_of_the_engine() -> Vec<String> {
        let engine = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../image/src");
        let (mut folders, mut details) = (vec![engine.join("header"), engine.join("decode")], Vec::new());
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.extend((!path.ends_with("tests")).then_some(path));
                } else if !path.ends_with("tests.rs") {
                    let text = std::fs::read_to_string(&path).unwrap();
                    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
                    for start in ["corrupt(", "truncated(", "let detail = ", "Rejection::new("] {
                        let behind = code.split(start).skip(1).map(|rest| rest.split(';').next().unwrap());
                        details.extend(behind.filter_map(|call| call.split('"').nth(1)).map(str::to_owned));
                    }
                }
            }
        }
        details.into_iter().map(|detail| detail.replace(['{', '}'], "")).collect()
    }

    #[test]
    fn nothing_that_the_engine_finds_is_told_in_its_jargon() {
        let details = details_of_the_engine();
        for known in ["the data of a scan end before its last MCU", "a component has no scan", "no bytes"] {
            assert!(details.iter().any(|detail| detail == known), "{known} is not among {details:?}");
        }
        assert!(details.len() > 30, "{details:?}");
        for reason in ReasonCode::ALL.iter().filter(|reason| reason.code().starts_with("file.")) {
            for detail in &details {
                let is_of_sizes = [ReasonCode::FileEmpty, ReasonCode::FileTooLarge, ReasonCode::FileTooManyPixels];
                let has_jargon = |text: &str| JARGON.iter().any(|word| text.contains(word));
                // These have details of their own, which are plain; and what the check finds is no detail of the engine.
                let is_of_engine = is_technical(*reason, detail);
                assert_eq!(
                    is_of_engine,
                    cameo_image_reasons().contains(&reason.code()) && !is_of_sizes.contains(reason),
                    "{reason}: {detail}"
                );
                if !is_of_engine {
                    continue;
                }
                let found = found(*reason, detail);
                assert!(!has_jargon(&found.english) && !has_jargon(&found.korean), "{reason}: {detail}: {found:?}");
                assert_eq!(found.technical.as_ref(), Some(detail));
                assert_eq!(found_in(*reason, &found.english, Lang::En), found.english, "plain words stay as they are");
            }
        }
    }

    fn cameo_image_reasons() -> Vec<&'static str> {
        use cameo_image::Reason;
        [
            Reason::Empty,
            Reason::NotJpeg,
            Reason::Truncated,
            Reason::Corrupt,
            Reason::TooManyPixels,
            Reason::TooManyScans,
            Reason::UnsupportedProcess,
            Reason::UnsupportedPrecision,
            Reason::UnsupportedComponents,
            Reason::TooLarge,
        ]
        .map(Reason::code)
        .to_vec()
    }

    #[test]
    fn every_reason_has_words_in_both_languages() {
        for reason in ReasonCode::ALL {
            let text = plain(*reason, "something that nobody listed");
            assert!(!text.english.is_empty() && !text.english.ends_with('.'), "{reason}");
            assert!(text.korean.chars().any(|c| ('가'..='힣').contains(&c)), "{reason}: {text:?}");
        }
    }

    #[test]
    fn usual_formats_are_named() {
        assert_eq!(format_of(b"\x89PNG\r\n\x1a\n...."), Some("PNG"));
        assert_eq!(format_of(b"\0\0\0\x18ftypheic\0\0"), Some("HEIC"));
        assert_eq!(format_of(b"RIFF\x10\0\0\0WEBPVP8 "), Some("WebP"));
        assert_eq!(format_of(b""), None);
    }
}
