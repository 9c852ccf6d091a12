//! Rows become columns, for originals that lie on their side.
//!
//! Eight by eight samples at a time, exchanged within eight 64-bit words (Hacker's Delight, section 7-3); the same on
//! every code path.

use super::{blank, pad};
use crate::planes::Plane;

const SIDE: usize = 8;

/// The plane with rows and columns exchanged, padded as a resize pads it.
pub(crate) fn transpose(plane: &Plane) -> Plane {
    let mut out = blank(plane.height, plane.width, (plane.extent.1, plane.extent.0));
    for top in (0..plane.height).step_by(SIDE) {
        for left in (0..plane.width).step_by(SIDE) {
            block(plane, left, top, &mut out);
        }
    }
    pad(&mut out);
    out
}

/// Planes of [`blank`] have room for whole blocks, so the blocks at the borders need no care.
fn block(plane: &Plane, left: usize, top: usize, out: &mut Plane) {
    let words = std::array::from_fn(|y| {
        let from = (top + y) * plane.stride + left;
        plane.data[from..].first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
    });
    for (x, word) in exchange(words).into_iter().enumerate() {
        let to = (left + x) * out.stride + top;
        out.data[to..to + SIDE].copy_from_slice(&word.to_le_bytes());
    }
}

#[inline]
fn exchange(mut words: [u64; SIDE]) -> [u64; SIDE] {
    for (distance, mask) in [(1, 0x00FF_00FF_00FF_00FF), (2, 0x0000_FFFF_0000_FFFF), (4, 0x0000_0000_FFFF_FFFF_u64)] {
        for i in (0..SIDE).filter(|i| i & distance == 0) {
            let swap = ((words[i] >> (8 * distance)) ^ words[i + distance]) & mask;
            words[i + distance] ^= swap;
            words[i] ^= swap << (8 * distance);
        }
    }
    words
}

#[cfg(test)]
#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "small numbers, made up")]
mod tests {
    use super::*;

    #[test]
    fn every_sample_finds_its_place() {
        for (width, height) in [(1, 1), (8, 8), (13, 70), (65, 17)] {
            let mut plane = blank(width, height, (width as f64 - 0.5, height as f64));
            for (at, sample) in plane.data.iter_mut().enumerate() {
                *sample = (at * 7 % 251) as u8;
            }
            let out = transpose(&plane);
            assert_eq!((out.width, out.height), (height, width));
            for (x, y) in (0..width).flat_map(|x| (0..height).map(move |y| (x, y))) {
                assert_eq!(out.data[x * out.stride + y], plane.data[y * plane.stride + x], "{x} {y}");
            }
        }
    }
}
