//! A manifest of SHA-256: `manifest-sha256.txt` of BagIt (RFC 8493, 2.1.3), or what `sha256sum` prints.
//!
//! BagIt writes line breaks and percent signs of a path as `%0A`, `%0D` and `%25`; `sha256sum` writes a backslash before
//! the line and `\n`, `\\` in it. Paths of BagIt begin with `data/`, the folder of what is handed over.

use super::{Expectation, ExpectedFile, ROWS_MAX};

const PAYLOAD_FOLDER: &str = "data/";
const DIGEST_CHARS: usize = 64;

/// The files of a manifest; none where the text is something else.
pub(super) fn parse(text: &str) -> Option<Result<Expectation, String>> {
    let mut files = Vec::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        if files.len() >= ROWS_MAX {
            return Some(Err(format!("it names more than {ROWS_MAX} files")));
        }
        files.push(parse_line(line)?);
    }
    let is_bag = files.iter().all(|file| file.name.starts_with(PAYLOAD_FOLDER));
    for file in files.iter_mut().filter(|_| is_bag) {
        file.name.drain(..PAYLOAD_FOLDER.len());
    }
    (!files.is_empty()).then(|| Ok(Expectation { files, ..Expectation::default() }.in_order()))
}

fn parse_line(line: &str) -> Option<ExpectedFile> {
    let (is_escaped, line) = line.strip_prefix('\\').map_or((false, line), |rest| (true, rest));
    let (digest, rest) = line.split_at_checked(DIGEST_CHARS)?;
    let is_digest = digest.bytes().all(|byte| byte.is_ascii_hexdigit());
    let path = rest.trim_start_matches([' ', '\t']);
    if !is_digest || path.len() == rest.len() {
        return None;
    }
    let path = path.strip_prefix('*').unwrap_or(path);
    let path = path.strip_prefix("./").unwrap_or(path);
    let name = if is_escaped { unescape(path) } else { percent_decoded(path) };
    (!name.is_empty()).then(|| ExpectedFile { name, sha256: Some(digest.to_ascii_lowercase()) })
}

/// The three escapes of BagIt, and no others: any other percent sign is itself.
fn percent_decoded(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    let mut rest = path;
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        let code = rest.get(at + 1..at + 3).map(str::to_ascii_uppercase);
        let decoded = match code.as_deref() {
            Some("0A") => Some('\n'),
            Some("0D") => Some('\r'),
            Some("25") => Some('%'),
            _ => None,
        };
        out.push(decoded.unwrap_or('%'));
        rest = &rest[at + if decoded.is_some() { 3 } else { 1 }..];
    }
    out + rest
}

fn unescape(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    let mut characters = path.chars();
    while let Some(c) = characters.next() {
        match (c, c == '\\') {
            (_, true) => match characters.next() {
                Some('n') => out.push('\n'),
                Some('r') => out.push('\r'),
                Some(other) => out.push(other),
                None => out.push('\\'),
            },
            (c, false) => out.push(c),
        }
    }
    out
}
