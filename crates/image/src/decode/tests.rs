//! The decoder against the corpus and the photos of the shared folder, against another decoder, against the transform
//! as mathematics has it, and its paths against each other.

mod corpus;
mod differential;
mod ideal;
mod made_up;

use crate::decode::{Scale, decode};
use crate::header::read_header;
use crate::planes::Plane;
use crate::{CodePath, Limits, Rejection};
use std::path::{Path, PathBuf};

/// A folder of the shared folder. Where it is absent the test says so, and proves nothing.
fn shared(folder: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared").join(folder);
    if !path.is_dir() {
        eprintln!("SKIPPED: {} is not there", path.display());
    }
    path.is_dir().then_some(path)
}

/// The photos of the shared folder.
fn photos() -> Vec<PathBuf> {
    let Some(folder) = shared("photos/ssgdfm_eye") else { return Vec::new() };
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).expect("a folder").map(|file| file.expect("an entry").path()).collect();
    files.sort();
    files
}

/// Decodes a file, every component at one scale; gives the upright size too.
fn decode_at(bytes: &[u8], scale: Scale, path: CodePath) -> Result<((u32, u32), Vec<Plane>), Rejection> {
    let header = read_header(bytes, &Limits::default())?;
    let planes = decode(bytes, &header, &vec![scale; header.components.len()], path)?;
    Ok((header.upright_size(), planes))
}

/// The rows of the picture in a plane, without padding.
fn rows(plane: &Plane) -> impl Iterator<Item = &[u8]> {
    plane.data.chunks(plane.stride).take(plane.height).map(|row| &row[..plane.width])
}

/// A grey progressive picture of one block, whose AC coefficients are told once for each value of five bits.
fn told(values: &[u8]) -> Vec<u8> {
    let marker = |code: u8, body: &[u8]| [&[0xFF, code, 0, u8::try_from(body.len() + 2).unwrap()], body].concat();
    let table =
        |class: u8, counts: [u8; 2], symbols: &[u8]| marker(0xC4, &[&[class][..], &counts, &[0; 14], symbols].concat());
    let mut file = vec![0xFF, 0xD8];
    file.extend(marker(0xDB, &[&[0][..], &[8; 64]].concat()));
    file.extend(marker(0xC2, &[8, 0, 8, 0, 8, 1, 1, 0x11, 0]));
    // `0` says that the DC coefficient is 0.
    file.extend(table(0x00, [1, 0], &[0]));
    file.extend(marker(0xDA, &[1, 1, 0, 0, 0, 0]));
    file.push(0b0111_1111);
    // `0` is followed by a coefficient of five bits, `10` ends the block.
    file.extend(table(0x10, [1, 1], &[0x05, 0x00]));
    for value in values {
        file.extend(marker(0xDA, &[1, 1, 0, 1, 63, 0]));
        file.push(value << 2 | 0b10);
    }
    file.extend([0xFF, 0xD9]);
    file
}

#[test]
fn a_band_that_is_told_twice_is_as_it_was_told_last() {
    for path in CodePath::available() {
        let samples = |values: &[u8]| {
            let (_, planes) = decode_at(&told(values), Scale::Full, path).expect("a picture");
            rows(&planes[0]).map(<[u8]>::to_vec).collect::<Vec<_>>()
        };
        assert_ne!(samples(&[31]), samples(&[16]));
        assert_eq!(samples(&[31, 16]), samples(&[16]), "{path:?}");
    }
}
