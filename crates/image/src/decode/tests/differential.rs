//! The decoder at full scale against zune-jpeg, an independent one.
//!
//! Luma is compared in every file, chroma where it has luma's size (zune-jpeg enlarges it). zune-jpeg's transform is
//! not libjpeg's, so a sample may differ by [`MOST`]; against libjpeg-turbo's `islow` the difference is 1 at most.

use super::{decode_at, photos, rows, shared};
use crate::CodePath;
use crate::decode::Scale;
use crate::planes::Plane;
use std::path::Path;
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

/// The most that a sample may differ by.
const MOST: u8 = 3;

#[test]
fn planes_are_those_of_an_independent_decoder() {
    let mut files = photos();
    if let Some(corpus) = shared("corpus") {
        for folder in ["ok", "sampling", "pillow", "restart", "recurser", "ljt"] {
            let entries = std::fs::read_dir(corpus.join(folder)).expect("a folder");
            files.extend(entries.map(|entry| entry.expect("an entry").path()));
        }
    }
    let compared = files.iter().filter(|file| compare(file)).count();
    assert!(files.is_empty() || compared > 30, "only {compared} files could be compared");
}

/// Compares a file that both decoders take; gives whether they do.
fn compare(file: &Path) -> bool {
    let bytes = std::fs::read(file).expect("a readable file");
    let Ok((_, planes)) = decode_at(&bytes, Scale::Full, CodePath::detect()) else { return false };
    let colours = if planes.len() == 1 { ColorSpace::Luma } else { ColorSpace::YCbCr };
    let options = DecoderOptions::default().jpeg_set_out_colorspace(colours).set_strict_mode(false);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(&bytes), options);
    let Ok(pixels) = decoder.decode() else { return false };
    // zune-jpeg gets the colours of a file of several non-interleaved scans wrong, and has none for CMYK here.
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    if !matches!(planes.len(), 1 | 3) || name.contains("noninterleaved") {
        return false;
    }
    for (component, plane) in planes.iter().enumerate().filter(|(_, plane)| same_size(plane, &planes[0])) {
        let theirs = pixels.iter().skip(component).step_by(planes.len());
        let ours = rows(plane).flatten();
        let worst = ours.zip(theirs).map(|(a, b)| a.abs_diff(*b)).max();
        assert!(worst <= Some(MOST), "{}: component {component} differs by {worst:?}", file.display());
    }
    true
}

fn same_size(one: &Plane, other: &Plane) -> bool {
    (one.width, one.height) == (other.width, other.height)
}
