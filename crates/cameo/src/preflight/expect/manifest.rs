//! A manifest of SHA-256: `manifest-sha256.txt` of BagIt (RFC 8493, 2.1.3), or what `sha256sum` prints.
//!
//! BagIt writes line breaks and percent signs of a path as `%0A`, `%0D` and `%25`; `sha256sum` writes a backslash before
//! the line and `\n`, `\\` in it. Paths of BagIt begin with `data/`, the folder of what is handed over.

use super::{
    Expectation, ExpectedFile, ROWS_MAX, Unread, UnreadableCell,
    columns::Columns,
    hashes::Hashes,
    row::{Row, address, shown},
    too_many_files,
};
use crate::model::lang::Text;

const PAYLOAD_FOLDER: &str = "data/";
const DIGEST_CHARS: usize = 64;

/// Digits of the hashes that other manifests have.
const OTHER_DIGESTS: [(usize, &str); 5] =
    [(32, "MD5"), (40, "SHA-1"), (56, "SHA-224"), (96, "SHA-384"), (128, "SHA-512")];
/// Hexadecimal digits, at least, of what is a hash, though a wrong one: no id has as many.
const HASH_MIN_CHARS: usize = 24;

/// The files of a manifest; none where the text is something else. One line with a hash and a path shows that it is one: the others are
/// reported.
pub(super) fn parse(text: &str) -> Option<Result<Expectation, Text>> {
    // A list without a hash is none, however long it is.
    if !text.lines().any(|line| hash_chars(line).is_some() || parse_tagged(line).is_some()) {
        return None;
    }
    let mut list = Expectation::default();
    let (mut hashes, mut of_files) = (Vec::new(), Hashes::default());
    for (n, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        if list.files.len() + list.unreadable.len() + list.remarks.len() >= ROWS_MAX {
            return Some(Err(too_many_files()));
        }
        if let Some(file) = parse_line(line) {
            let sha256 = file.sha256.as_deref().unwrap_or_default();
            list.unreadable.extend(of_files.add(&file.name, sha256, address(0, n + 1)));
            list.files.push(file);
            continue;
        }
        if is_header(line) {
            return None;
        }
        let hash = hash_chars(line);
        hashes.extend(hash);
        let why = if hash.is_some() { Unread::NotAHash } else { Unread::Word };
        let cell = UnreadableCell { address: address(0, n + 1), text: shown(line), why };
        // A comment promises nothing.
        if line.trim_start().starts_with('#') { list.remarks.push(cell) } else { list.unreadable.push(cell) }
    }
    if list.files.is_empty() {
        let first = *hashes.first()?;
        let other = OTHER_DIGESTS.iter().find(|(chars, _)| hashes.iter().all(|hash| hash == chars) && *chars == first);
        if let Some((_, name)) = other {
            return Some(Err(Text::new(
                format!("it is a manifest of {name}, and only SHA-256 is compared: write it with sha256sum"),
                format!("{name} 목록입니다. SHA-256 만 비교할 수 있으니 sha256sum 으로 만들어 주세요"),
            )));
        }
    }
    let is_bag = list.files.iter().all(|file| file.name.starts_with(PAYLOAD_FOLDER));
    for file in list.files.iter_mut().filter(|_| is_bag) {
        file.name.drain(..PAYLOAD_FOLDER.len());
    }
    of_files.settle(&mut list);
    Some(Ok(list.in_order()))
}

/// Whether a line is the header of a table, which has hashes in one of its columns.
fn is_header(line: &str) -> bool {
    let cells = line.split(['\t', ',', ';']).map(|cell| cell.trim_matches('"').to_owned()).collect();
    Columns::is_header(&Row { number: 1, cells })
}

/// The digits of the hash with which a line begins that has a path behind it.
fn hash_chars(line: &str) -> Option<usize> {
    let (hash, path) = line.trim_start_matches('\\').split_once([' ', '\t'])?;
    let is_hash = hash.len() >= HASH_MIN_CHARS && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    (is_hash && !path.trim().is_empty()).then_some(hash.len())
}

fn parse_line(line: &str) -> Option<ExpectedFile> {
    if let Some(file) = parse_tagged(line) {
        return Some(file);
    }
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

/// A line as `sha256sum --tag` and the BSDs write it: `SHA256 (path) = hash`.
fn parse_tagged(line: &str) -> Option<ExpectedFile> {
    let (path, digest) = line.trim().strip_prefix("SHA256 (")?.rsplit_once(") = ")?;
    let is_digest = digest.len() == DIGEST_CHARS && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
    let name = path.strip_prefix("./").unwrap_or(path).to_owned();
    (is_digest && !name.is_empty()).then(|| ExpectedFile { name, sha256: Some(digest.to_ascii_lowercase()) })
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Files, and the lines that are reported, each with why.
    fn read(text: &str) -> (Vec<String>, Vec<(String, Unread)>) {
        let list = Expectation::parse(text.as_bytes().to_vec()).unwrap();
        assert!(list.ids.is_empty() && list.files.iter().all(|file| file.sha256.is_some()), "{list:?}");
        let told = list.unreadable.into_iter().chain(list.remarks).map(|cell| (cell.address, cell.why)).collect();
        (list.files.into_iter().map(|file| file.name).collect(), told)
    }

    #[test]
    fn one_odd_line_of_a_manifest_costs_no_other() {
        let digest = "36ab93cd".repeat(8);
        let good = format!("{digest}  1001_0.jpg\n");
        for (odd, why) in [
            ("# made by kim".to_owned(), Unread::Word),
            ("sha256sum: x.jpg: No such file or directory".to_owned(), Unread::Word),
            (format!("{}  1002_0.jpg", &digest[1..]), Unread::NotAHash),
            (format!("{digest}0  1002_0.jpg"), Unread::NotAHash),
            (format!("{}  1002_0.jpg", &digest[..32]), Unread::NotAHash),
            (digest.clone(), Unread::Word),
            ("1002".to_owned(), Unread::Word),
        ] {
            for (text, line) in [(format!("{odd}\n{good}"), "A1"), (format!("{good}\n{odd}\n"), "A3")] {
                assert_eq!(read(&text), (vec!["1001_0.jpg".to_owned()], vec![(line.to_owned(), why)]), "{text:?}");
            }
        }
        assert_eq!(read(&format!("{}  1002_0.jpg\n", &digest[1..])), (vec![], vec![("A1".into(), Unread::NotAHash)]));
        assert_eq!(read(&format!("SHA256 (./1001_0.jpg) = {digest}\n")), (vec!["1001_0.jpg".into()], vec![]));
    }

    #[test]
    fn a_manifest_of_other_hashes_is_refused_by_its_name() {
        for (chars, name) in OTHER_DIGESTS {
            let text = format!("{0}  1_0.jpg\n{0}  2_0.jpg\n# x\n", &"36ab93cd".repeat(16)[..chars]);
            let error = Expectation::parse(text.into_bytes()).unwrap_err();
            assert!(error.english.contains(name) && error.korean.contains(name), "{error:?}");
        }
    }

    #[test]
    fn a_table_of_hashes_is_none() {
        let digest = "36ab93cd".repeat(8);
        let list = Expectation::parse(format!("sha256\tfilename\n{digest}\t1001_0.jpg\n").into_bytes()).unwrap();
        assert_eq!((list.files[0].name.as_str(), list.unreadable), ("1001_0.jpg", vec![]));
    }
}
