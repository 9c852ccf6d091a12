//! Every file of the corpus is accepted, or rejected for the reason that its manifest states, alike on every code path
//! and at every scale.

use crate::decode::{Scale, decode};
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
}

fn shared(folder: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared").join(folder);
    if !path.is_dir() {
        eprintln!("SKIPPED: {} is not there", path.display());
    }
    path.is_dir().then_some(path)
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
    };
    manifest.lines().skip(1).map(entry).collect()
}

fn decode_at(bytes: &[u8], scale: Scale, path: CodePath) -> Result<((u32, u32), Vec<Plane>), Rejection> {
    let header = read_header(bytes, &Limits::default())?;
    let planes = decode(bytes, &header, &vec![scale; header.components.len()], path)?;
    Ok((header.upright_size(), planes))
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
            "accept" => found.as_ref().is_ok_and(|(size, _)| *size == entry.upright),
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
    if let Some(photos) = shared("photos/ssgdfm_eye") {
        files.extend(std::fs::read_dir(photos).expect("a folder").map(|file| file.expect("an entry").path()));
    }
    for file in files {
        let bytes = std::fs::read(&file).expect("a readable file");
        let mut answers: Vec<Option<Reason>> = Vec::new();
        for scale in [Scale::Full, Scale::Half, Scale::Quarter, Scale::Eighth] {
            let portable = decode_at(&bytes, scale, CodePath::Portable).map(|(_, planes)| planes);
            for path in CodePath::available() {
                let planes = decode_at(&bytes, scale, path).map(|(_, planes)| planes);
                assert!(alike(&planes, &portable), "{} at {scale:?} on {path:?}", file.display());
            }
            answers.push(portable.err().map(|rejection| rejection.reason));
        }
        assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{}: {answers:?}", file.display());
    }
}

/// Whether two decodings agree in every sample of the picture; what lies in the padding does not count.
fn alike(one: &Result<Vec<Plane>, Rejection>, other: &Result<Vec<Plane>, Rejection>) -> bool {
    let rows = |plane: &Plane| -> Vec<Vec<u8>> {
        let lines = plane.data.chunks(plane.stride).take(plane.height);
        lines.map(|row| row[..plane.width].to_vec()).collect()
    };
    match (one, other) {
        (Ok(one), Ok(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(a, b)| a.extent == b.extent && rows(a) == rows(b))
        }
        (Err(one), Err(other)) => one == other,
        _ => false,
    }
}
