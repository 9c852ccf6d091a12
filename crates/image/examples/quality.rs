//! The engine's half of `bench/quality`: references and renditions, and the scores of whatever else was made of the same references.
//!
//! `quality make OUT FILE…` writes for each original and image size `{name}.{size}.cameo.jpg` (the rendition) and
//! `{name}.{size}.ppm` (a full decode, resized by Lanczos in 32-bit floating point, rounded to bytes).
//! `quality score OUT FILE…` prints a JSON line for each original and image size: SSIMULACRA2 of each `{name}.{size}.*.jpg` against the
//! unrounded reference, and their bytes. Originals that are not upright as coded are left out, for the independent decoder turns nothing.

#[path = "../tests/common/mod.rs"]
mod common;
#[path = "../tests/common/reference.rs"]
mod reference;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use cameo_image::{Limits, Rendition, SizeSet, render};
use common::Pixels;
use reference::{Picture, reference};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let (verb, out) = (arguments.next().unwrap_or_default(), PathBuf::from(arguments.next().unwrap_or_default()));
    let each = match verb.as_str() {
        "make" => make,
        "score" => score,
        _ => panic!("usage: quality make|score OUT FILE…"),
    };
    for file in arguments {
        let bytes = fs::read(&file).expect("a readable file");
        if reference::is_turned(&bytes) {
            eprintln!("{file}: not upright as coded, left out");
            continue;
        }
        let name = Path::new(&file).file_name().unwrap_or_default().to_string_lossy();
        let original = Picture::of(&Pixels::decode(&bytes));
        let rendered = render(&bytes, &SizeSet::default(), &Limits::default()).expect("a good original");
        for (rendition, size) in rendered.renditions.iter().zip(SizeSet::default().sizes()) {
            let reference = reference(&original, size.fit, rendition.width, rendition.height);
            each(&out, &format!("{name}.{}", size.name), rendition, &reference);
        }
    }
}

fn make(out: &Path, stem: &str, rendition: &Rendition, reference: &Picture) {
    fs::write(out.join(format!("{stem}.cameo.jpg")), &rendition.jpeg).expect("a writable folder");
    let header = format!("P6 {} {} 255\n", reference.width, reference.height);
    let ppm = [header.into_bytes(), reference.to_bytes()].concat();
    fs::write(out.join(format!("{stem}.ppm")), ppm).expect("a writable folder");
}

fn score(out: &Path, stem: &str, _: &Rendition, reference: &Picture) {
    let mut scores = BTreeMap::new();
    for file in fs::read_dir(out).expect("a readable folder").flatten().map(|entry| entry.path()) {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let maker = name.strip_prefix(stem).and_then(|rest| rest.strip_prefix('.')?.strip_suffix(".jpg"));
        if let Some(maker) = maker.filter(|maker| !maker.contains('.')) {
            let jpeg = fs::read(&file).expect("a readable file");
            let score = reference.score_of(&Picture::of(&Pixels::decode(&jpeg)));
            scores.insert(maker.to_owned(), format!(r#"{{"score": {score:.3}, "bytes": {}}}"#, jpeg.len()));
        }
    }
    let makers: Vec<String> = scores.iter().map(|(maker, figures)| format!(r#""{maker}": {figures}"#)).collect();
    println!(r#"{{"rendition": "{stem}", {}}}"#, makers.join(", "));
}
