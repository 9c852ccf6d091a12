//! Forward DCT and quantisation in NEON, a block at a time.
#![allow(unsafe_code)]
#![allow(clippy::wildcard_imports, reason = "dozens of intrinsics")]
#![allow(clippy::many_single_char_names, reason = "rows and columns of small matrices")]

use std::arch::aarch64::*;
use std::hint::black_box;

use super::constant::{F0_298, F0_390, F0_541, F0_765, F0_899, F1_175, F1_501, F1_847, F1_961, F2_053, F2_562, F3_072};
use super::{BETWEEN_BITS, Block, CONSTANT_BITS, WIDE};
use crate::encode::quantise::Quantiser;
use crate::encode::zigzag;

/// See [`transform`](super::transform).
pub(super) fn transform(samples: &[u8], stride: usize, by: &Quantiser, out: &mut [Block; WIDE]) {
    // SAFETY: every processor of this architecture that Rust knows has NEON.
    unsafe { transform_all(samples, stride, by, out) }
}

/// What the even terms are multiplied with, and one of the odd terms.
const EVEN: [i16; 8] = [F0_541 + F0_765, F0_541, F0_541 - F1_847, F0_298 - F0_899, 0, 0, 0, 0];
/// What the odd terms are multiplied with.
const ODD: [i16; 8] =
    [F1_175 - F1_961, F1_175, F1_175 - F0_390, -F0_899, F1_501 - F0_899, -F2_562, F3_072 - F2_562, F2_053 - F2_562];

/// The constants in two registers, of which the multiplications take single ones.
#[derive(Clone, Copy)]
struct Constants {
    even: int16x8_t,
    odd: int16x8_t,
}

impl Constants {
    /// The compiler must not know them: it would load a vector for each instead.
    #[inline]
    #[target_feature(enable = "neon")]
    fn new() -> Self {
        Self { even: load(black_box(&EVEN)), odd: load(black_box(&ODD)) }
    }
}

#[target_feature(enable = "neon")]
fn transform_all(samples: &[u8], stride: usize, by: &Quantiser, out: &mut [Block; WIDE]) {
    let constants = Constants::new();
    for (i, block) in out.iter_mut().enumerate() {
        let values = rows_of(&samples[8 * i..], stride);
        let values = pass::<false>(exchange(pass::<true>(values, constants)), constants);
        let levels: [int16x8_t; 8] = std::array::from_fn(|u| quantise(values[u], u, by));
        for (level, place) in levels.iter().zip(block.coefficients.as_chunks_mut::<8>().0) {
            // SAFETY: the array has the 16 bytes that are written; the store needs no alignment.
            unsafe { vst1q_s16(place.as_mut_ptr(), *level) };
        }
        block.set = zigzag::set_of_transposed(not_zero(levels));
    }
}

/// The rows of a block, less 128.
#[inline]
#[target_feature(enable = "neon")]
fn rows_of(samples: &[u8], stride: usize) -> [int16x8_t; 8] {
    assert!(samples.len() >= 7 * stride + 8, "a block is cut off");
    std::array::from_fn(|y| {
        // SAFETY: the last of the rows begins 8 bytes before the end of the samples at the latest, as asserted; the load needs no
        // alignment.
        let row = unsafe { vld1_u8(samples.as_ptr().add(y * stride)) };
        vreinterpretq_s16_u16(vsubl_u8(row, vdup_n_u8(128)))
    })
}

/// The factors make a product of 32 bits, of which the upper 16 are kept; the last step of the division is by a power of two, which
/// is twice the half that a doubling product is taken with.
#[inline]
#[target_feature(enable = "neon")]
fn quantise(values: int16x8_t, u: usize, by: &Quantiser) -> int16x8_t {
    let row = |table: &[u16; 64]| {
        let row: &[u16; 8] = table[8 * u..].first_chunk().expect("a row of a table");
        // SAFETY: the array has the 16 bytes that are read; the load needs no alignment.
        unsafe { vld1q_u16(row.as_ptr()) }
    };
    let dividend = vaddq_u16(vreinterpretq_u16_s16(vabsq_s16(values)), row(&by.halves));
    let factors = row(&by.factors);
    let low = vreinterpretq_u16_u32(vmull_u16(vget_low_u16(dividend), vget_low_u16(factors)));
    let high = vreinterpretq_u16_u32(vmull_high_u16(dividend, factors));
    let scaled = vreinterpretq_s16_u16(vuzp2q_u16(low, high));
    let half_shift = vreinterpretq_s16_u16(vshrq_n_u16::<1>(row(&by.shifts)));
    let level = vqdmulhq_s16(scaled, half_shift);
    let sign = vshrq_n_s16::<15>(values);
    vsubq_s16(veorq_s16(level, sign), sign)
}

/// Which values are not zero, in transposed order.
#[inline]
#[target_feature(enable = "neon")]
fn not_zero(levels: [int16x8_t; 8]) -> u64 {
    const BITS: [u8; 16] = [1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128];
    // SAFETY: the array has the 16 bytes that are read; the load needs no alignment.
    let bits = unsafe { vld1q_u8(BITS.as_ptr()) };
    // Saturation keeps what is not zero so.
    let bits_of = |a, b| {
        let values = vqmovn_high_s16(vqmovn_s16(a), b);
        vandq_u8(vtstq_s8(values, values), bits)
    };
    let [a, b, c, d, e, f, g, h] = levels;
    let quarters = [bits_of(a, b), bits_of(c, d), bits_of(e, f), bits_of(g, h)];
    let halves = vpaddq_u8(vpaddq_u8(quarters[0], quarters[1]), vpaddq_u8(quarters[2], quarters[3]));
    vgetq_lane_u64::<0>(vreinterpretq_u64_u8(vpaddq_u8(halves, halves)))
}

#[inline]
#[target_feature(enable = "neon")]
fn load(values: &[i16; 8]) -> int16x8_t {
    // SAFETY: the array has the 16 bytes that are read; the load needs no alignment.
    unsafe { vld1q_s16(values.as_ptr()) }
}

/// Two vectors of 32-bit sums: for the low and the high half of a vector.
type Sums = [int32x4_t; 2];

#[inline]
#[target_feature(enable = "neon")]
fn multiply<const LANE: i32>(a: int16x8_t, by: int16x8_t) -> Sums {
    [vmull_laneq_s16::<LANE>(vget_low_s16(a), by), vmull_high_laneq_s16::<LANE>(a, by)]
}

/// `sums` and a times a constant.
#[inline]
#[target_feature(enable = "neon")]
fn plus<const LANE: i32>(sums: Sums, a: int16x8_t, by: int16x8_t) -> Sums {
    [vmlal_laneq_s16::<LANE>(sums[0], vget_low_s16(a), by), vmlal_high_laneq_s16::<LANE>(sums[1], a, by)]
}

/// Takes off the bits of the constants, rounded.
#[inline]
#[target_feature(enable = "neon")]
fn narrowed<const FIRST: bool>(sums: Sums) -> int16x8_t {
    const FIRST_BITS: i32 = (CONSTANT_BITS - BETWEEN_BITS).cast_signed();
    const SECOND_BITS: i32 = (CONSTANT_BITS + BETWEEN_BITS).cast_signed();
    if FIRST {
        vrshrn_high_n_s32::<FIRST_BITS>(vrshrn_n_s32::<FIRST_BITS>(sums[0]), sums[1])
    } else {
        vrshrn_high_n_s32::<SECOND_BITS>(vrshrn_n_s32::<SECOND_BITS>(sums[0]), sums[1])
    }
}

#[inline]
#[target_feature(enable = "neon")]
fn whole<const FIRST: bool>(value: int16x8_t) -> int16x8_t {
    const BITS: i32 = BETWEEN_BITS.cast_signed();
    if FIRST { vshlq_n_s16::<BITS>(value) } else { vrshrq_n_s16::<BITS>(value) }
}

/// A pass of the transform over eight vectors: rows of samples less 128, or columns of the first pass.
#[inline]
#[target_feature(enable = "neon")]
fn pass<const FIRST: bool>(x: [int16x8_t; 8], Constants { even, odd }: Constants) -> [int16x8_t; 8] {
    let sum = |i: usize| vaddq_s16(x[i], x[7 - i]);
    let difference = |i: usize| vsubq_s16(x[i], x[7 - i]);
    let (s0, s1, s2, s3) = (sum(0), sum(1), sum(2), sum(3));
    let (d0, d1, d2, d3) = (difference(0), difference(1), difference(2), difference(3));
    let (a, b, c, d) = (vaddq_s16(s0, s3), vaddq_s16(s1, s2), vsubq_s16(s1, s2), vsubq_s16(s0, s3));
    let (z3, z4) = (vaddq_s16(d3, d1), vaddq_s16(d2, d0));
    let odd_3 = plus::<1>(multiply::<0>(z3, odd), z4, odd);
    let odd_4 = plus::<2>(multiply::<1>(z3, odd), z4, odd);
    [
        whole::<FIRST>(vaddq_s16(a, b)),
        narrowed::<FIRST>(plus::<4>(plus::<3>(odd_4, d3, odd), d0, odd)),
        narrowed::<FIRST>(plus::<1>(multiply::<0>(d, even), c, even)),
        narrowed::<FIRST>(plus::<6>(plus::<5>(odd_3, d2, odd), d1, odd)),
        whole::<FIRST>(vsubq_s16(a, b)),
        narrowed::<FIRST>(plus::<5>(plus::<7>(odd_4, d2, odd), d1, odd)),
        narrowed::<FIRST>(plus::<2>(multiply::<1>(d, even), c, even)),
        narrowed::<FIRST>(plus::<3>(plus::<3>(odd_3, d3, even), d0, odd)),
    ]
}

/// Rows become columns.
#[inline]
#[target_feature(enable = "neon")]
fn exchange(r: [int16x8_t; 8]) -> [int16x8_t; 8] {
    let turns_16 = |a, b| [vreinterpretq_s32_s16(vtrn1q_s16(a, b)), vreinterpretq_s32_s16(vtrn2q_s16(a, b))];
    let turns_32 = |a, b| [vreinterpretq_s64_s32(vtrn1q_s32(a, b)), vreinterpretq_s64_s32(vtrn2q_s32(a, b))];
    let ([a0, a1], [b0, b1]) = (turns_16(r[0], r[1]), turns_16(r[2], r[3]));
    let ([c0, c1], [d0, d1]) = (turns_16(r[4], r[5]), turns_16(r[6], r[7]));
    let ([t0, t2], [t1, t3]) = (turns_32(a0, b0), turns_32(a1, b1));
    let ([l0, l2], [l1, l3]) = (turns_32(c0, d0), turns_32(c1, d1));
    let low = |a, b| vreinterpretq_s16_s64(vzip1q_s64(a, b));
    let high = |a, b| vreinterpretq_s16_s64(vzip2q_s64(a, b));
    [low(t0, l0), low(t1, l1), low(t2, l2), low(t3, l3), high(t0, l0), high(t1, l1), high(t2, l2), high(t3, l3)]
}
