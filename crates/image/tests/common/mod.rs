//! What the tests of renditions share: where the shared material lies, and an independent decoder.
#![allow(dead_code, unreachable_pub, reason = "not every test needs everything")]
#![allow(clippy::cast_precision_loss, reason = "sizes of pictures")]

use std::path::{Path, PathBuf};

use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

/// Upright RGB pixels.
pub struct Pixels {
    pub width: usize,
    pub height: usize,
    pub rgb: Vec<[u8; 3]>,
}

impl Pixels {
    /// Decodes a JPEG of ours, or a plain one: neither orientation nor profile is looked at.
    pub fn decode(jpeg: &[u8]) -> Self {
        let options = DecoderOptions::default().jpeg_set_out_colorspace(ColorSpace::RGB).set_strict_mode(true);
        let mut decoder = JpegDecoder::new_with_options(ZCursor::new(jpeg), options);
        let rgb = decoder.decode().expect("a rendition is a JPEG that others can read");
        let (width, height) = decoder.dimensions().expect("decoded");
        Self { width, height, rgb: rgb.as_chunks().0.to_vec() }
    }

    /// The mean colour of a rectangle with fractional borders.
    pub fn mean(&self, left: f64, top: f64, width: f64, height: f64) -> [f64; 3] {
        let (columns, rows) = (shares(left, width, self.width), shares(top, height, self.height));
        let (mut sum, mut area) = ([0.0; 3], 0.0);
        for &(y, share_y) in &rows {
            for &(x, share_x) in &columns {
                let pixel = self.rgb[y * self.width + x];
                area += share_x * share_y;
                for (sum, value) in sum.iter_mut().zip(pixel) {
                    *sum += f64::from(value) * share_x * share_y;
                }
            }
        }
        sum.map(|value| value / area)
    }
}

/// Which pixels an interval covers, and how much of each.
fn shares(start: f64, length: f64, of: usize) -> Vec<(usize, f64)> {
    let end = start + length;
    (0..of)
        .map(|i| (i, (end.min(i as f64 + 1.0) - start.max(i as f64)).max(0.0)))
        .filter(|share| share.1 > 0.0)
        .collect()
}

/// A folder beside the repository that not everybody has; says loudly what is skipped without it.
pub fn shared(folder: &str, what: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared").join(folder);
    if !path.exists() {
        eprintln!("SKIPPED: {what}: there is no {}", path.display());
        return None;
    }
    Some(path)
}

/// JPEG files below a folder, in order.
pub fn jpegs(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder that was just seen").flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(jpegs(&path));
        } else if path.extension().is_some_and(|extension| extension == "jpg") {
            found.push(path);
        }
    }
    found.sort();
    found
}
