//! Component planes: what the decoder gives and the resizer takes.
//!
//! A plane holds the samples of one colour component at the scale it was decoded at. Planes of one picture may differ
//! in size; they are never resampled to a common grid here.

use crate::scratch::Buffer;

/// One component's samples at a scale. `data` has `stride * height` bytes at least.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Plane {
    /// Samples, row by row; what lies beyond `width` in a row, or beyond `height` rows, is padding without meaning.
    pub data: Buffer<u8>,
    /// Bytes from one row to the next.
    pub stride: usize,
    /// Samples in a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Size of the picture in samples of this plane; fractional where the picture ends inside a sample (w/2.0 for odd w).
    pub extent: (f64, f64),
}
