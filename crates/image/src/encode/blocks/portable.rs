//! Forward DCT and quantisation without SIMD; on x86-64, whose every processor has SSE2, with that.
#![cfg_attr(target_arch = "x86_64", allow(dead_code, reason = "what SSE2 is tested against"))]

use super::constant::{F0_298, F0_390, F0_541, F0_765, F0_899, F1_175, F1_501, F1_847, F1_961, F2_053, F2_562, F3_072};
use super::{BETWEEN_BITS, Block, CONSTANT_BITS, WIDE};
use crate::encode::quantise::Quantiser;
use crate::encode::zigzag;

/// See [`transform`](super::transform).
pub(super) fn transform(samples: &[u8], stride: usize, by: &Quantiser, out: &mut [Block; WIDE]) {
    #[cfg(target_arch = "x86_64")]
    super::sse2::transform(samples, stride, by, out);
    #[cfg(not(target_arch = "x86_64"))]
    plain(samples, stride, by, out);
}

/// The same in Rust alone.
pub(super) fn plain(samples: &[u8], stride: usize, by: &Quantiser, out: &mut [Block; WIDE]) {
    for (i, block) in out.iter_mut().enumerate() {
        let mut rows = [[0_i32; 8]; 8];
        for (y, row) in rows.iter_mut().enumerate() {
            let from = y * stride + 8 * i;
            for (value, &sample) in row.iter_mut().zip(&samples[from..from + 8]) {
                *value = i32::from(sample) - 128;
            }
        }
        let columns = exchange(&pass::<true>(&rows));
        quantise(&pass::<false>(&columns), by, block);
    }
}

fn exchange(rows: &[[i32; 8]; 8]) -> [[i32; 8]; 8] {
    std::array::from_fn(|y| std::array::from_fn(|x| rows[x][y]))
}

/// One-dimensional transforms of eight columns at once; the first pass leaves [`BETWEEN_BITS`] behind the point.
fn pass<const FIRST: bool>(rows: &[[i32; 8]; 8]) -> [[i32; 8]; 8] {
    let mut out = [[0; 8]; 8];
    for x in 0..8 {
        let column = std::array::from_fn(|y| rows[y][x]);
        for (row, value) in out.iter_mut().zip(transform_8::<FIRST>(column)) {
            row[x] = value;
        }
    }
    out
}

#[inline]
fn transform_8<const FIRST: bool>(x: [i32; 8]) -> [i32; 8] {
    let by = |value: i32, constant: i16| value * i32::from(constant);
    let [s0, s1, s2, s3] = [x[0] + x[7], x[1] + x[6], x[2] + x[5], x[3] + x[4]];
    let [d0, d1, d2, d3] = [x[0] - x[7], x[1] - x[6], x[2] - x[5], x[3] - x[4]];
    let [even, odd, low, high] = [s0 + s3, s1 + s2, s1 - s2, s0 - s3];
    let shared = by(low + high, F0_541);
    let z5 = by(d3 + d1 + d2 + d0, F1_175);
    let [z1, z2] = [by(d3 + d0, F0_899), by(d2 + d1, F2_562)];
    let [z3, z4] = [z5 - by(d3 + d1, F1_961), z5 - by(d2 + d0, F0_390)];
    [
        whole::<FIRST>(even + odd),
        rounded::<FIRST>(by(d0, F1_501) - z1 + z4),
        rounded::<FIRST>(shared + by(high, F0_765)),
        rounded::<FIRST>(by(d1, F3_072) - z2 + z3),
        whole::<FIRST>(even - odd),
        rounded::<FIRST>(by(d2, F2_053) - z2 + z4),
        rounded::<FIRST>(shared - by(low, F1_847)),
        rounded::<FIRST>(by(d3, F0_298) - z1 + z3),
    ]
}

/// A value that met no constant.
#[inline]
fn whole<const FIRST: bool>(value: i32) -> i32 {
    if FIRST { value << BETWEEN_BITS } else { (value + (1 << (BETWEEN_BITS - 1))) >> BETWEEN_BITS }
}

/// A value that was multiplied by constants.
#[inline]
fn rounded<const FIRST: bool>(value: i32) -> i32 {
    let bits = if FIRST { CONSTANT_BITS - BETWEEN_BITS } else { CONSTANT_BITS + BETWEEN_BITS };
    (value + (1 << (bits - 1))) >> bits
}

fn quantise(values: &[[i32; 8]; 8], by: &Quantiser, block: &mut Block) {
    let mut set = 0;
    for (at, &value) in values.as_flattened().iter().enumerate() {
        let dividend = value.unsigned_abs() + u32::from(by.halves[at]);
        let scaled = (dividend * u32::from(by.factors[at])) >> 16;
        let quotient = (scaled * u32::from(by.shifts[at])) >> 16;
        let level = i16::try_from(quotient).unwrap_or(i16::MAX);
        block.coefficients[at] = if value < 0 { -level } else { level };
        set |= u64::from(level != 0) << at;
    }
    block.set = zigzag::set_of_transposed(set);
}
