//! The text of a file that people saved: UTF-8, UTF-16 with or without a byte order mark, or CP949 as Korean Windows writes it.

use std::borrow::Cow;

use encoding_rs::{EUC_KR, Encoding, UTF_16BE, UTF_16LE};

/// Bytes by which UTF-16 without a byte order mark is told from UTF-8.
const SAMPLE_BYTES: usize = 4096;
/// One in so many characters of a list, at least, is ASCII.
const ASCII_ONE_IN: usize = 3;

/// The text, and whether all of it could be read: what could not is U+FFFD in it.
pub(crate) fn decode(bytes: &[u8]) -> (Cow<'_, str>, bool) {
    if let Some((encoding, length)) = Encoding::for_bom(bytes) {
        let (text, has_errors) = encoding.decode_without_bom_handling(&bytes[length..]);
        return (text, !has_errors);
    }
    if bytes.contains(&0) {
        let utf16 = utf16_without_mark(bytes).map(|encoding| encoding.decode_without_bom_handling(bytes));
        return match utf16 {
            Some((text, has_errors)) if !text.contains('\0') => (text, !has_errors),
            // No text has a NUL: it stays as what cannot be read, and glues nothing together.
            _ => (of_bytes(bytes).0.replace('\0', "\u{fffd}").into(), false),
        };
    }
    of_bytes(bytes)
}

fn of_bytes(bytes: &[u8]) -> (Cow<'_, str>, bool) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return (text.into(), true);
    }
    let (text, has_errors) = EUC_KR.decode_without_bom_handling(bytes);
    (text, !has_errors)
}

/// Digits and separators of UTF-16 have a zero as one of their two bytes, always the same, and a list of ids is mostly those. A zero here and
/// there is none of UTF-16.
fn utf16_without_mark(bytes: &[u8]) -> Option<&'static Encoding> {
    let sample = &bytes[..bytes.len().min(SAMPLE_BYTES)];
    let zeros = |at: usize| sample.iter().skip(at).step_by(2).filter(|byte| **byte == 0).count();
    let (even, odd) = (zeros(0), zeros(1));
    let (most, least) = (even.max(odd), even.min(odd));
    // Some others have a zero in their other byte, as 가 has.
    let is_utf16 = most * ASCII_ONE_IN >= sample.len() / 2 && least * 2 <= most;
    is_utf16.then_some(if odd > even { UTF_16LE } else { UTF_16BE })
}
