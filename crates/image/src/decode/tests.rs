//! The decoder against the corpus and the photos of the shared folder, against another decoder, against the transform
//! as mathematics has it, and its paths against each other.

mod corpus;
mod differential;
mod ideal;

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
