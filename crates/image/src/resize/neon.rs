//! A resize in NEON; byte for byte that of [`portable`](super::portable).
//!
//! Eight rows of the output at a time: each is blended from source rows, sixteen-bit products with sums of 32 bits. Then the eight
//! are laid side by side, the samples of a column one behind the other, so that a weight of a column serves eight samples at
//! once and no sum has to be taken across a vector.
#![allow(unsafe_code)]
#![allow(clippy::wildcard_imports, reason = "dozens of intrinsics")]

use std::arch::aarch64::*;

use super::axis::{Axis, GROUP, ONE, ONE_BITS};
use super::pad_columns;
use crate::planes::Plane;

/// Rows of the output made at once, and samples of a row.
const TILE: usize = 8;
/// Samples of a line that are blended at once.
const WIDE: usize = 32;
/// Columns that are laid side by side at once.
const COLUMNS: usize = 16;
/// Weights that are loaded at once.
const EIGHT: usize = 8;

/// A resize laid out for NEON.
pub(super) struct Layout {
    rows: Taps,
    columns: Taps,
    /// Whether every column is the next source column, unchanged.
    is_copy: bool,
    first: usize,
    span: usize,
}

/// The weights of an axis without the zeros that all of them end with, for whole tiles of outputs: behind the last stand copies of it.
struct Taps {
    /// Output samples.
    len: usize,
    /// The first source sample of each.
    starts: Vec<usize>,
    /// Its weights: [`Self::eights`] of them, of which [`Self::each`] single ones are in use.
    weights: Vec<[i16; EIGHT]>,
    each: usize,
    /// How far the source samples in use reach, with the ones of a weight of zero behind them.
    end: usize,
}

impl Taps {
    /// `first` is the source sample to count from.
    fn new(axis: &Axis, first: usize) -> Self {
        let most = axis.weights.chunks_exact(axis.taps).map(used).max().unwrap_or(1);
        let each = most.next_multiple_of(2);
        let mut taps = Self { len: axis.len(), starts: Vec::new(), weights: Vec::new(), each, end: 0 };
        for out in (0..axis.len().next_multiple_of(TILE)).map(|out| out.min(axis.len() - 1)) {
            let start = axis.starts[out] as usize - first;
            taps.end = taps.end.max(start + each);
            taps.starts.push(start);
            let weights = axis.weights_of(out);
            let eight = |from: usize| std::array::from_fn(|k| weights.get(from + k).copied().unwrap_or(0));
            taps.weights.extend((0..each).step_by(EIGHT).map(eight));
        }
        taps
    }

    fn eights(&self) -> usize {
        self.each.div_ceil(EIGHT)
    }

    /// The weights of an output sample, with zeros up to a whole eight.
    fn weights_of(&self, out: usize) -> &[[i16; EIGHT]] {
        &self.weights[out * self.eights()..][..self.eights()]
    }
}

/// How many weights there are up to the last that is not zero.
fn used(weights: &[i16]) -> usize {
    weights.iter().rposition(|&weight| weight != 0).map_or(1, |last| last + 1)
}

impl Layout {
    /// `None` if a row is too short for the vectors.
    pub(super) fn new(columns: &Axis, rows: &Axis, first: usize, span: usize) -> Option<Self> {
        let is_copy = columns.is_copy();
        let make = || Self { rows: Taps::new(rows, 0), columns: Taps::new(columns, first), is_copy, first, span };
        (span >= WIDE).then(make)
    }

    /// Makes the rows of the output, `stride` samples apart and padded to that. `out` has room for whole tiles of rows, `stride` is of whole
    /// tiles.
    pub(super) fn apply(&self, source: &Plane, out: &mut [u8], stride: usize) {
        let line = self.span.next_multiple_of(COLUMNS);
        let mut lines = vec![0; TILE * line];
        let mut columns = vec![[0; TILE]; line.max(self.columns.end)];
        let tiles = self.rows.starts.len() / TILE;
        for (tile, out) in out.chunks_exact_mut(TILE * stride).take(tiles).enumerate() {
            let made = if self.is_copy { out.chunks_exact_mut(stride) } else { lines.chunks_exact_mut(line) };
            for (row, made) in made.enumerate() {
                self.blend(source, tile * TILE + row, made);
            }
            if !self.is_copy {
                // SAFETY: every processor of this architecture that Rust knows has NEON.
                unsafe {
                    side_by_side(&lines, line, &mut columns);
                    gather(&self.columns, &columns, out, stride);
                }
            }
            pad_columns(out, stride, self.columns.len);
        }
    }

    /// Makes the line for row `y` of the output, as long as there is room.
    fn blend(&self, source: &Plane, y: usize, line: &mut [u8]) {
        let weights = self.rows.weights_of(y);
        let rows = &source.data[self.rows.starts[y] * source.stride + self.first..];
        let length = self.span.min(line.len());
        if i32::from(weights[0][0]) == ONE {
            line[..length].copy_from_slice(&rows[..length]);
        } else {
            // SAFETY: every processor of this architecture that Rust knows has NEON.
            unsafe { blend(rows, source.stride, weights, &mut line[..length]) }
        }
    }
}

/// Weighted sums of rows that are `stride` apart: see [`portable::blend`](super::portable::blend).
#[target_feature(enable = "neon")]
fn blend(rows: &[u8], stride: usize, weights: &[[i16; EIGHT]], out: &mut [u8]) {
    let count = used(weights.as_flattened());
    assert!(out.len() >= WIDE && rows.len() >= (count - 1) * stride + out.len(), "rows are too short");
    let (fours, rest) = (&weights.as_flattened().as_chunks::<GROUP>().0[..count.div_ceil(GROUP)], count % GROUP);
    let (fours, last_four) =
        if rest == 0 { (fours, [0; GROUP]) } else { (&fours[..count / GROUP], fours[count / GROUP]) };
    let last = out.len() - WIDE;
    let mut at = 0;
    loop {
        let mut sums = [vdupq_n_s32(0); 8];
        // SAFETY: from `at` on each row of a weight that is not behind the last in use has 32 bytes more, and so has `out`: as asserted.
        unsafe {
            let mut row = rows.as_ptr().add(at);
            for four in fours {
                let four = vld1_s16(four.as_ptr());
                add_row::<0>(&mut sums, row, four);
                add_row::<1>(&mut sums, row.wrapping_add(stride), four);
                add_row::<2>(&mut sums, row.wrapping_add(2 * stride), four);
                add_row::<3>(&mut sums, row.wrapping_add(3 * stride), four);
                row = row.wrapping_add(4 * stride);
            }
            let four = vld1_s16(last_four.as_ptr());
            if rest > 0 {
                add_row::<0>(&mut sums, row, four);
            }
            if rest > 1 {
                add_row::<1>(&mut sums, row.wrapping_add(stride), four);
            }
            if rest > 2 {
                add_row::<2>(&mut sums, row.wrapping_add(2 * stride), four);
            }
            let place = out.as_mut_ptr().add(at);
            vst1q_u8(place, to_samples([sums[0], sums[1], sums[2], sums[3]]));
            vst1q_u8(place.add(WIDE / 2), to_samples([sums[4], sums[5], sums[6], sums[7]]));
        }
        if at == last {
            return;
        }
        // The last vector overlaps the one before it, and writes the same bytes again.
        at = (at + WIDE).min(last);
    }
}

/// Adds 32 samples of a row times a weight.
///
/// # Safety
/// At `row` there are 32 readable bytes.
#[inline]
#[target_feature(enable = "neon")]
unsafe fn add_row<const LANE: i32>(sums: &mut [int32x4_t; 8], row: *const u8, weights: int16x4_t) {
    // SAFETY: the caller sees to it.
    let (one, other) = unsafe { (vld1q_u8(row), vld1q_u8(row.add(16))) };
    for (half, samples) in [one, other].into_iter().enumerate() {
        let low = vreinterpretq_s16_u16(vmovl_u8(vget_low_u8(samples)));
        let high = vreinterpretq_s16_u16(vmovl_high_u8(samples));
        let sums = &mut sums[4 * half..][..4];
        sums[0] = vmlal_lane_s16::<LANE>(sums[0], vget_low_s16(low), weights);
        sums[1] = vmlal_high_lane_s16::<LANE>(sums[1], low, weights);
        sums[2] = vmlal_lane_s16::<LANE>(sums[2], vget_low_s16(high), weights);
        sums[3] = vmlal_high_lane_s16::<LANE>(sums[3], high, weights);
    }
}

/// Sums as samples: rounded, and clamped to a byte.
#[inline]
#[target_feature(enable = "neon")]
fn to_samples(sums: [int32x4_t; 4]) -> uint8x16_t {
    vqmovn_high_u16(vqmovn_u16(to_words([sums[0], sums[1]])), to_words([sums[2], sums[3]]))
}

/// Sums, rounded, in 16 bits without sign. A sum is below 2²⁶, so that the rounding cannot overflow.
#[inline]
#[target_feature(enable = "neon")]
fn to_words(sums: [int32x4_t; 2]) -> uint16x8_t {
    const BITS: i32 = ONE_BITS.cast_signed();
    vqrshrun_high_n_s32::<BITS>(vqrshrun_n_s32::<BITS>(sums[0]), sums[1])
}

/// Eight lines become columns of eight samples, widened to 16 bits.
#[target_feature(enable = "neon")]
fn side_by_side(lines: &[u8], length: usize, columns: &mut [[i16; TILE]]) {
    assert!(length.is_multiple_of(COLUMNS) && lines.len() == TILE * length && columns.len() >= length);
    for at in (0..length).step_by(COLUMNS) {
        // SAFETY: each of the eight lines has 16 bytes from `at` on, for lines are of whole sixteens, and there are as many columns.
        unsafe {
            let row = |y: usize| vld1q_u8(lines.as_ptr().add(y * length + at));
            let (a, b) = (zip([row(0), row(4)]), zip([row(2), row(6)]));
            let (c, d) = (zip([row(1), row(5)]), zip([row(3), row(7)]));
            let (even, odd) = ([zip([a[0], b[0]]), zip([a[1], b[1]])], [zip([c[0], d[0]]), zip([c[1], d[1]])]);
            for (i, (even, odd)) in even.as_flattened().iter().zip(odd.as_flattened()).enumerate() {
                for (j, pair) in zip([*even, *odd]).into_iter().enumerate() {
                    let place = columns.as_mut_ptr().add(at + 4 * i + 2 * j).cast::<u16>();
                    vst1q_u16(place, vmovl_u8(vget_low_u8(pair)));
                    vst1q_u16(place.add(TILE), vmovl_high_u8(pair));
                }
            }
        }
    }
}

/// The bytes of two vectors by turns.
#[inline]
#[target_feature(enable = "neon")]
fn zip(pair: [uint8x16_t; 2]) -> [uint8x16_t; 2] {
    [vzip1q_u8(pair[0], pair[1]), vzip2q_u8(pair[0], pair[1])]
}

/// Makes eight rows of the output, `stride` samples apart: see [`portable::gather`](super::portable::gather). Fills up the last
/// tile of eight samples with copies of the last.
#[target_feature(enable = "neon")]
fn gather(taps: &Taps, columns: &[[i16; TILE]], out: &mut [u8], stride: usize) {
    match taps.each % EIGHT {
        0 => gather_with::<0>(taps, columns, out, stride),
        2 => gather_with::<2>(taps, columns, out, stride),
        4 => gather_with::<4>(taps, columns, out, stride),
        _ => gather_with::<6>(taps, columns, out, stride),
    }
}

/// `REST` is how many weights there are behind whole eights.
#[target_feature(enable = "neon")]
fn gather_with<const REST: usize>(taps: &Taps, columns: &[[i16; TILE]], out: &mut [u8], stride: usize) {
    assert!(out.len() == TILE * stride && taps.starts.len() <= stride, "rows are too short");
    assert!(columns.len() >= taps.end, "columns are missing");
    let eights = taps.each / EIGHT;
    let weights = taps.weights.chunks_exact(TILE * taps.eights());
    for (tile, (starts, weights)) in taps.starts.as_chunks::<TILE>().0.iter().zip(weights).enumerate() {
        let mut weights = weights.as_ptr();
        let mut next = |start: usize| {
            // SAFETY: all columns from a start on that its weights are for are there, as asserted, and so are as many weights as
            // eight outputs take.
            unsafe { gather_one::<REST>(columns.as_ptr().add(start), &mut weights, eights) }
        };
        let mut pair = |i: usize| {
            let first = next(starts[i]);
            vqmovn_high_u16(vqmovn_u16(first), next(starts[i + 1]))
        };
        let (a, b, c, d) = (pair(0), pair(2), pair(4), pair(6));
        // From samples of eight rows each to eight samples of each row.
        let ([a, b], [c, d]) = (zip([a, c]), zip([b, d]));
        let ([a, b], [c, d]) = (zip([a, c]), zip([b, d]));
        for (i, two) in [zip([a, c]), zip([b, d])].as_flattened().iter().enumerate() {
            // SAFETY: a row has room for all tiles, as asserted.
            unsafe {
                let place = out.as_mut_ptr().add(2 * i * stride + tile * TILE);
                vst1_u8(place, vget_low_u8(*two));
                vst1_u8(place.add(stride), vget_high_u8(*two));
            }
        }
    }
}

/// A sample of each of eight rows, in 16 bits: of `eights` times eight columns and `REST` more. Leaves the weights that it takes behind.
///
/// # Safety
/// So many columns can be read, and as many weights in whole eights.
#[inline]
#[target_feature(enable = "neon")]
unsafe fn gather_one<const REST: usize>(
    mut columns: *const [i16; TILE],
    weights: &mut *const [i16; EIGHT],
    eights: usize,
) -> uint16x8_t {
    let mut sums = [vdupq_n_s32(0); 2];
    // SAFETY: the caller sees to it.
    unsafe {
        let mut next_eight = || {
            let eight = vld1q_s16(weights.cast());
            *weights = weights.add(1);
            eight
        };
        for _ in 0..eights {
            let eight = next_eight();
            add_columns::<0, 1>(&mut sums, columns, eight);
            add_columns::<2, 3>(&mut sums, columns.add(2), eight);
            add_columns::<4, 5>(&mut sums, columns.add(4), eight);
            add_columns::<6, 7>(&mut sums, columns.add(6), eight);
            columns = columns.add(EIGHT);
        }
        if REST > 0 {
            let eight = next_eight();
            add_columns::<0, 1>(&mut sums, columns, eight);
            if REST > 2 {
                add_columns::<2, 3>(&mut sums, columns.add(2), eight);
            }
            if REST > 4 {
                add_columns::<4, 5>(&mut sums, columns.add(4), eight);
            }
        }
    }
    to_words(sums)
}

/// Adds two columns of eight samples, each times its weight.
///
/// # Safety
/// Two columns can be read.
#[inline]
#[target_feature(enable = "neon")]
unsafe fn add_columns<const FIRST: i32, const SECOND: i32>(
    sums: &mut [int32x4_t; 2],
    columns: *const [i16; TILE],
    weights: int16x8_t,
) {
    // SAFETY: the caller sees to it.
    let (first, second) = unsafe { (vld1q_s16(columns.cast()), vld1q_s16(columns.add(1).cast())) };
    sums[0] = vmlal_laneq_s16::<FIRST>(sums[0], vget_low_s16(first), weights);
    sums[1] = vmlal_high_laneq_s16::<FIRST>(sums[1], first, weights);
    sums[0] = vmlal_laneq_s16::<SECOND>(sums[0], vget_low_s16(second), weights);
    sums[1] = vmlal_high_laneq_s16::<SECOND>(sums[1], second, weights);
}
