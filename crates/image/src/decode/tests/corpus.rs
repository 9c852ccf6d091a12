//! Every file of the corpus is accepted, or rejected for the reason that its manifest states, alike on every code path
//! and at every scale.

use super::{decode_at, photos, rows, shared};
use crate::decode::Scale;
use crate::header::read_header;
use crate::planes::Plane;
use crate::{CodePath, Limits, Reason, Rejection};
use std::path::{Path, PathBuf};

/// A line of the manifest.
struct Entry {
    file: String,
    expect: String,
    reason: String,
    upright: (u32, u32),
    any_orientation: bool,
}

fn entries(corpus: &Path) -> Vec<Entry> {
    let manifest = std::fs::read_to_string(corpus.join("manifest.tsv")).expect("a readable manifest");
    let field = |line: &str, n: usize| line.split('\t').nth(n).unwrap_or_default().to_owned();
    let number = |line: &str, n: usize| field(line, n).parse().unwrap_or(0);
    let entry = |line: &str| Entry {
        file: field(line, 0),
        expect: field(line, 4),
        reason: field(line, 5),
        upright: (number(line, 8), number(line, 9)),
        // Where EXIF is damaged, its orientation may be ignored or not.
        any_orientation: field(line, 17).contains("must not be rejected") && field(line, 10).is_empty(),
    };
    manifest.lines().skip(1).map(entry).collect()
}

#[test]
fn the_corpus_is_accepted_and_rejected_as_its_manifest_says() {
    let Some(corpus) = shared("corpus") else { return };
    let mut faults = Vec::new();
    for entry in entries(&corpus) {
        let bytes = std::fs::read(corpus.join(&entry.file)).expect("a readable file");
        let found = decode_at(&bytes, Scale::Eighth, CodePath::detect());
        let answer = found.as_ref().map_or_else(|r| r.reason.code(), |_| "accept");
        let is_right = match &*entry.expect {
            "accept" => found.as_ref().is_ok_and(|(size, _)| {
                *size == entry.upright || (entry.any_orientation && *size == (entry.upright.1, entry.upright.0))
            }),
            "reject" => answer == entry.reason,
            _ => true,
        };
        if !is_right {
            faults.push(format!("{}: {answer}, not {} {}: {:?}", entry.file, entry.expect, entry.reason, found.err()));
        }
    }
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn every_path_and_scale_answers_alike_on_the_corpus_and_the_photos() {
    let Some(corpus) = shared("corpus") else { return };
    let mut files: Vec<PathBuf> = entries(&corpus).iter().map(|entry| corpus.join(&entry.file)).collect();
    files.extend(photos());
    for file in files {
        let bytes = std::fs::read(&file).expect("a readable file");
        let mut answers: Vec<Option<Reason>> = Vec::new();
        for scale in scales_for(&bytes) {
            let portable = decode_at(&bytes, *scale, CodePath::Portable).map(|(_, planes)| planes);
            for path in CodePath::available().into_iter().filter(|&path| path != CodePath::Portable) {
                let planes = decode_at(&bytes, *scale, path).map(|(_, planes)| planes);
                assert!(alike(&planes, &portable), "{} at {scale:?} on {path:?}", file.display());
            }
            answers.push(portable.err().map(|rejection| rejection.reason));
        }
        assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{}: {answers:?}", file.display());
    }
}

/// Every scale, but for pictures so large that only the smallest is of use.
fn scales_for(bytes: &[u8]) -> &'static [Scale] {
    let is_large = |(width, height): (u32, u32)| u64::from(width) * u64::from(height) > 20_000_000;
    let size = read_header(bytes, &Limits::default()).map(|header| header.upright_size());
    if size.is_ok_and(is_large) { &[Scale::Eighth] } else { &[Scale::Full, Scale::Half, Scale::Quarter, Scale::Eighth] }
}

/// Whether two decodings agree in every sample of the picture; what lies in the padding does not count.
fn alike(one: &Result<Vec<Plane>, Rejection>, other: &Result<Vec<Plane>, Rejection>) -> bool {
    match (one, other) {
        (Ok(one), Ok(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(a, b)| a.extent == b.extent && rows(a).eq(rows(b)))
        }
        (Err(one), Err(other)) => one == other,
        _ => false,
    }
}
