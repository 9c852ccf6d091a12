//! JPEG originals in, a fixed set of renditions out.
//!
//! One function, [`render`], takes the bytes of an original and a [`SizeSet`] and returns either every rendition of
//! the set or the [`Rejection`] that says why there can be none. The crate does no I/O, has no clock, spawns nothing and
//! keeps nothing but memory to write on between calls: the same bytes and the same size set give the same renditions, byte for byte, on every
//! machine.
//!
//! A rendition carries no metadata. It is sRGB, upright, 8-bit baseline JPEG.
//!
//! The module `internals`, which these pages leave out, is for tests, fuzz targets and measurements, and may change at any time.

mod code_path;
mod colour;
mod decode;
mod encode;
mod engine;
mod exif;
mod header;
mod icc;
#[doc(hidden)]
pub mod internals;
mod orient;
mod picture;
mod plan;
mod planes;
mod reason;
mod resize;
mod scratch;
mod size_set;
mod standard_tables;

pub use reason::{Reason, Rejection};
pub use size_set::{Fit, ImageSize, SizeSet, SizeSetError};

use code_path::CodePath;

/// Stands for the bytes this version makes of an original: it changes whenever they may change, and is recorded with
/// each rendition.
pub const ENGINE_VERSION: &str = "3";

/// Makes every rendition of a size set from a JPEG original.
///
/// # Errors
/// A [`Rejection`] with the reason code, and with the size of the original where its header could be read.
pub fn render(original: &[u8], size_set: &SizeSet, limits: &Limits) -> Result<Rendered, Rejection> {
    engine::render(original, size_set, limits, CodePath::detect())
}

/// Judges an original as [`render`] does, and makes nothing of it: all of its data are decoded, at the smallest scale.
///
/// # Errors
/// The same [`Rejection`] as [`render`].
pub fn inspect(original: &[u8], limits: &Limits) -> Result<Inspected, Rejection> {
    engine::inspect(original, limits, CodePath::detect())
}

/// Encodes `width` × `height` pixels of three bytes (red, green, blue) as a rendition would be: baseline JPEG, 4:2:0.
///
/// # Panics
/// If `rgb` is not `width × height × 3` bytes, or a side is 0 or beyond 65 535.
pub fn encode_rgb(rgb: &[u8], width: u32, height: u32, quality: u8) -> Vec<u8> {
    engine::encode_rgb(rgb, width as usize, height as usize, quality, CodePath::detect())
}

/// What an original may be at most. Everything is checked before a buffer for pixels is allocated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Length of the original in bytes.
    pub max_bytes: u64,
    /// Width times height of the original in pixels.
    pub max_pixels: u64,
    /// The longer side of the original in pixels.
    pub max_side: u32,
    /// Scans in the original (a progressive original of a camera has about ten).
    pub max_scans: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_bytes: 64 << 20, max_pixels: 100_000_000, max_side: 65_500, max_scans: 100 }
    }
}

/// What an original that can be rendered is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Inspected {
    /// Width of the upright original in pixels.
    pub width: u32,
    /// Height of the upright original in pixels.
    pub height: u32,
    /// Whether its colours are four inks (CMYK or YCCK).
    pub is_cmyk: bool,
}

/// All renditions of one original.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// Width of the upright original in pixels (after its EXIF orientation was applied).
    pub width: u32,
    /// Height of the upright original in pixels.
    pub height: u32,
    /// One rendition per image size, in the order of the size set.
    pub renditions: Vec<Rendition>,
}

/// An original at one image size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendition {
    /// Name of the image size, as in the size set.
    pub image_size: String,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// The JPEG file.
    pub jpeg: Vec<u8>,
}

/// The example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
