//! The inverse DCT in NEON: a block at a time at 8×8, two at 4×4.
//!
//! The same sums as [`super::portable`] in the same widths: 16-bit products with 32-bit sums, which may be added in any order since
//! they wrap, 16 bits between the passes, saturation where that code clamps.
#![allow(unsafe_code)]
#![allow(clippy::wildcard_imports, reason = "dozens of intrinsics")]
#![allow(clippy::similar_names, clippy::many_single_char_names, reason = "rows and columns of small matrices")]

use super::constants::{FIX_0_298, FIX_0_390, FIX_0_541, FIX_0_765, FIX_0_899, FIX_1_175, FIX_1_306, FIX_1_501};
use super::constants::{
    FIX_1_847, FIX_1_961, FIX_2_053, FIX_2_562, FIX_3_072, ONE, PASS1_SHIFT, PASS2_BIAS, PASS2_SHIFT,
};
use super::{Dequantiser, Order};
use std::arch::aarch64::*;
use std::hint::black_box;

/// Transforms blocks of 8×8 or 4×4 to samples; see [`super::inverse`].
pub(super) fn inverse(
    dequantiser: &Dequantiser,
    coefficients: &[i16],
    blocks: usize,
    samples: &mut [u8],
    stride: usize,
) {
    // SAFETY: every processor of this architecture that Rust knows has NEON.
    unsafe {
        match dequantiser.side {
            8 => inverse_8(dequantiser, coefficients, blocks, samples, stride),
            _ => inverse_4(dequantiser, coefficients, blocks, samples, stride),
        }
    }
}

/// What the even terms are multiplied with, and one of the odd terms.
const EVEN: [i16; 8] =
    [ONE, FIX_0_541, FIX_0_541 - FIX_1_847, FIX_0_541 + FIX_0_765, FIX_1_306, FIX_1_501 - FIX_0_899, 0, 0];
/// What the odd terms are multiplied with.
const ODD: [i16; 8] = [
    FIX_1_175 - FIX_1_961,
    FIX_1_175,
    FIX_1_175 - FIX_0_390,
    FIX_0_298 - FIX_0_899,
    -FIX_0_899,
    FIX_2_053 - FIX_2_562,
    -FIX_2_562,
    FIX_3_072 - FIX_2_562,
];

/// The constants in two registers, of which the multiplications take single ones.
#[derive(Clone, Copy)]
struct Constants {
    even: int16x8_t,
    odd: int16x8_t,
}

impl Constants {
    /// The compiler must not know them: it would load a vector for each instead.
    #[target_feature(enable = "neon")]
    #[inline]
    fn new() -> Self {
        Self { even: load(black_box(&EVEN)), odd: load(black_box(&ODD)) }
    }
}

#[target_feature(enable = "neon")]
fn inverse_8(steps: &Dequantiser, coefficients: &[i16], blocks: usize, samples: &mut [u8], stride: usize) {
    let steps = steps.steps.as_chunks::<8>().0;
    let steps: [int16x8_t; 8] = std::array::from_fn(|u| load(&steps[u]));
    let constants = Constants::new();
    for (index, block) in coefficients.as_chunks::<64>().0.iter().take(blocks).enumerate() {
        let block = block.as_chunks::<8>().0;
        let columns = std::array::from_fn(|u| vmulq_s16(load(&block[u]), steps[u]));
        let middle = transpose_8(pass_8::<true>(columns, constants));
        let rows = pass_8::<false>(middle, constants);
        store(rows, &mut samples[8 * index..], stride);
    }
}

#[target_feature(enable = "neon")]
fn inverse_4(steps: &Dequantiser, coefficients: &[i16], blocks: usize, samples: &mut [u8], stride: usize) {
    let steps = steps.steps.as_chunks::<8>().0;
    let steps = [load(&steps[0]), load(&steps[1])];
    let constants = Constants::new();
    for (index, pair) in coefficients.as_chunks::<32>().0.iter().take(blocks.div_ceil(2)).enumerate() {
        let pair = pair.as_chunks::<8>().0;
        let [a, b, c, d] = std::array::from_fn(|i| vreinterpretq_s64_s16(vmulq_s16(load(&pair[i]), steps[i % 2])));
        // A column of both blocks each.
        let columns = [vzip1q_s64(a, c), vzip2q_s64(a, c), vzip1q_s64(b, d), vzip2q_s64(b, d)];
        let middle = transpose_4(pass_4::<true>(columns.map(|column| vreinterpretq_s16_s64(column)), constants));
        let rows = pass_4::<false>(middle, constants);
        store(rows, &mut samples[8 * index..], stride);
    }
}

#[target_feature(enable = "neon")]
#[inline]
fn load(values: &[i16; 8]) -> int16x8_t {
    // SAFETY: the array has the 16 bytes that are read; the load needs no alignment.
    unsafe { vld1q_s16(values.as_ptr()) }
}

/// Writes eight samples of each row, the rows `stride` samples apart.
#[target_feature(enable = "neon")]
#[inline]
fn store<const ROWS: usize>(rows: [int16x8_t; ROWS], samples: &mut [u8], stride: usize) {
    assert!(samples.len() >= (ROWS - 1) * stride + 8, "samples have no place");
    for (y, row) in rows.into_iter().enumerate() {
        // SAFETY: the last of the rows begins 8 bytes before the end of the samples at the latest, as asserted; the store needs no
        // alignment.
        unsafe { vst1_u8(samples.as_mut_ptr().add(y * stride), finish(row)) };
    }
}

/// Two vectors of 32-bit sums: for the low and the high half of a vector.
type Sums = [int32x4_t; 2];

#[target_feature(enable = "neon")]
#[inline]
fn multiply<const LANE: i32>(a: int16x8_t, by: int16x8_t) -> Sums {
    [vmull_laneq_s16::<LANE>(vget_low_s16(a), by), vmull_high_laneq_s16::<LANE>(a, by)]
}

/// `sums` and a times a constant.
#[target_feature(enable = "neon")]
#[inline]
fn plus<const LANE: i32>(sums: Sums, a: int16x8_t, by: int16x8_t) -> Sums {
    [vmlal_laneq_s16::<LANE>(sums[0], vget_low_s16(a), by), vmlal_high_laneq_s16::<LANE>(sums[1], a, by)]
}

/// `sums` less a times a constant.
#[target_feature(enable = "neon")]
#[inline]
fn minus<const LANE: i32>(sums: Sums, a: int16x8_t, by: int16x8_t) -> Sums {
    [vmlsl_laneq_s16::<LANE>(sums[0], vget_low_s16(a), by), vmlsl_high_laneq_s16::<LANE>(sums[1], a, by)]
}

#[target_feature(enable = "neon")]
#[inline]
fn add(a: Sums, b: Sums) -> Sums {
    [vaddq_s32(a[0], b[0]), vaddq_s32(a[1], b[1])]
}

#[target_feature(enable = "neon")]
#[inline]
fn sub(a: Sums, b: Sums) -> Sums {
    [vsubq_s32(a[0], b[0]), vsubq_s32(a[1], b[1])]
}

/// The half that rounds the sums of a pass, with the level shift in the second.
#[target_feature(enable = "neon")]
#[inline]
fn round<const FIRST: bool>() -> Sums {
    let round = vdupq_n_s32(if FIRST { 1 << (PASS1_SHIFT - 1) } else { PASS2_BIAS });
    [round, round]
}

/// Sums that have their rounding in them, in 16 bits: with saturation after the first pass; after the second 16 of the
/// bits to shift by are gone, and [`finish`] takes the others.
#[target_feature(enable = "neon")]
#[inline]
fn narrow<const FIRST: bool>(sums: Sums) -> int16x8_t {
    if FIRST {
        vqshrn_high_n_s32::<PASS1_SHIFT>(vqshrn_n_s32::<PASS1_SHIFT>(sums[0]), sums[1])
    } else {
        vuzp2q_s16(vreinterpretq_s16_s32(sums[0]), vreinterpretq_s16_s32(sums[1]))
    }
}

/// Samples of what the second pass leaves.
#[target_feature(enable = "neon")]
#[inline]
fn finish(row: int16x8_t) -> uint8x8_t {
    vqshrun_n_s16::<{ PASS2_SHIFT - 16 }>(row)
}

/// One pass of the 8-point transform over eight vectors.
#[target_feature(enable = "neon")]
#[inline]
fn pass_8<const FIRST: bool>(c: [int16x8_t; 8], Constants { even, odd }: Constants) -> [int16x8_t; 8] {
    let t = plus::<0>(round::<FIRST>(), c[0], even);
    let (t0, t1) = (plus::<0>(t, c[4], even), minus::<0>(t, c[4], even));
    let t2 = plus::<2>(multiply::<1>(c[2], even), c[6], even);
    let t3 = plus::<1>(multiply::<3>(c[2], even), c[6], even);
    let (e0, e3, e1, e2) = (add(t0, t3), sub(t0, t3), add(t1, t2), sub(t1, t2));

    let (z3, z4) = (vaddq_s16(c[7], c[3]), vaddq_s16(c[5], c[1]));
    let sum_3 = plus::<1>(multiply::<0>(z3, odd), z4, odd);
    let sum_4 = plus::<2>(multiply::<1>(z3, odd), z4, odd);
    let o3 = plus::<4>(plus::<3>(sum_3, c[7], odd), c[1], odd);
    let o2 = plus::<6>(plus::<5>(sum_4, c[5], odd), c[3], odd);
    let o1 = plus::<7>(plus::<6>(sum_3, c[5], odd), c[3], odd);
    let o0 = plus::<5>(plus::<4>(sum_4, c[7], odd), c[1], even);
    [
        narrow::<FIRST>(add(e0, o0)),
        narrow::<FIRST>(add(e1, o1)),
        narrow::<FIRST>(add(e2, o2)),
        narrow::<FIRST>(add(e3, o3)),
        narrow::<FIRST>(sub(e3, o3)),
        narrow::<FIRST>(sub(e2, o2)),
        narrow::<FIRST>(sub(e1, o1)),
        narrow::<FIRST>(sub(e0, o0)),
    ]
}

/// One pass of the 4-point transform over four vectors.
#[target_feature(enable = "neon")]
#[inline]
fn pass_4<const FIRST: bool>(c: [int16x8_t; 4], Constants { even: by, .. }: Constants) -> [int16x8_t; 4] {
    let t = plus::<0>(round::<FIRST>(), c[0], by);
    let (even, odd) = (plus::<0>(t, c[2], by), minus::<0>(t, c[2], by));
    let outer = plus::<1>(multiply::<4>(c[1], by), c[3], by);
    let inner = minus::<4>(multiply::<1>(c[1], by), c[3], by);
    [
        narrow::<FIRST>(add(even, outer)),
        narrow::<FIRST>(add(odd, inner)),
        narrow::<FIRST>(sub(odd, inner)),
        narrow::<FIRST>(sub(even, outer)),
    ]
}

/// The 16-bit elements of two vectors by turns: the even ones and the odd ones.
#[target_feature(enable = "neon")]
#[inline]
fn turns_16(a: int16x8_t, b: int16x8_t) -> [int32x4_t; 2] {
    [vreinterpretq_s32_s16(vtrn1q_s16(a, b)), vreinterpretq_s32_s16(vtrn2q_s16(a, b))]
}

/// Transposes an 8×8 matrix.
#[target_feature(enable = "neon")]
#[inline]
fn transpose_8(r: [int16x8_t; 8]) -> [int16x8_t; 8] {
    let ([a0, a1], [b0, b1]) = (turns_16(r[0], r[1]), turns_16(r[2], r[3]));
    let ([c0, c1], [d0, d1]) = (turns_16(r[4], r[5]), turns_16(r[6], r[7]));
    let turns = |a, b| [vreinterpretq_s64_s32(vtrn1q_s32(a, b)), vreinterpretq_s64_s32(vtrn2q_s32(a, b))];
    let ([t0, t2], [t1, t3]) = (turns(a0, b0), turns(a1, b1));
    let ([l0, l2], [l1, l3]) = (turns(c0, d0), turns(c1, d1));
    let low = |a, b| vreinterpretq_s16_s64(vzip1q_s64(a, b));
    let high = |a, b| vreinterpretq_s16_s64(vzip2q_s64(a, b));
    [low(t0, l0), low(t1, l1), low(t2, l2), low(t3, l3), high(t0, l0), high(t1, l1), high(t2, l2), high(t3, l3)]
}

/// Transposes a 4×4 matrix in each half.
#[target_feature(enable = "neon")]
#[inline]
fn transpose_4(r: [int16x8_t; 4]) -> [int16x8_t; 4] {
    let ([a0, a1], [b0, b1]) = (turns_16(r[0], r[1]), turns_16(r[2], r[3]));
    let low = |a, b| vreinterpretq_s16_s32(vtrn1q_s32(a, b));
    let high = |a, b| vreinterpretq_s16_s32(vtrn2q_s32(a, b));
    [low(a0, b0), low(a1, b1), high(a0, b0), high(a1, b1)]
}

/// Orders blocks of 64 or 16 coefficients; see [`super::Order`].
pub(super) fn order(order: &Order, values: &[i16], columns: &mut [i16]) {
    let from = &order.from;
    // SAFETY: every processor of this architecture that Rust knows has NEON.
    unsafe {
        if from.len() == 64 {
            order_8(from, values, columns);
        } else {
            order_4(from, values, columns);
        }
    }
}

/// For each byte of a block in the order of the transform, which byte of the block as it was kept.
fn picks<const BYTES: usize>(from: &[u8]) -> [u8; BYTES] {
    std::array::from_fn(|byte| 2 * from[byte / 2] + u8::from(byte % 2 == 1))
}

#[target_feature(enable = "neon")]
fn order_8(from: &[u8], values: &[i16], columns: &mut [i16]) {
    let picks: [u8; 128] = picks(from);
    let picks: [uint8x16_t; 8] = std::array::from_fn(|i| load_bytes(&picks.as_chunks().0[i]));
    for (block, column) in values.as_chunks::<64>().0.iter().zip(columns.as_chunks_mut::<64>().0) {
        let eights = block.as_chunks::<8>().0;
        let four = |from: usize| {
            uint8x16x4_t(
                eight(&eights[from]),
                eight(&eights[from + 1]),
                eight(&eights[from + 2]),
                eight(&eights[from + 3]),
            )
        };
        let (first, second) = (four(0), four(4));
        for (picks, place) in picks.into_iter().zip(column.as_chunks_mut::<8>().0) {
            // What is behind the first half is taken from the second, as far behind its beginning.
            let second_picks = vsubq_u8(picks, vdupq_n_u8(64));
            store_eight(place, vqtbx4q_u8(vqtbl4q_u8(first, picks), second, second_picks));
        }
    }
}

#[target_feature(enable = "neon")]
fn order_4(from: &[u8], values: &[i16], columns: &mut [i16]) {
    let picks: [u8; 32] = picks(from);
    let picks: [uint8x16_t; 2] = std::array::from_fn(|i| load_bytes(&picks.as_chunks().0[i]));
    for (block, column) in values.as_chunks::<16>().0.iter().zip(columns.as_chunks_mut::<16>().0) {
        let eights = block.as_chunks::<8>().0;
        let both = uint8x16x2_t(eight(&eights[0]), eight(&eights[1]));
        for (picks, place) in picks.into_iter().zip(column.as_chunks_mut::<8>().0) {
            store_eight(place, vqtbl2q_u8(both, picks));
        }
    }
}

#[target_feature(enable = "neon")]
#[inline]
fn load_bytes(bytes: &[u8; 16]) -> uint8x16_t {
    // SAFETY: the array has the 16 bytes that are read; the load needs no alignment.
    unsafe { vld1q_u8(bytes.as_ptr()) }
}

#[target_feature(enable = "neon")]
#[inline]
fn eight(values: &[i16; 8]) -> uint8x16_t {
    // SAFETY: the array has the 16 bytes that are read; the load needs no alignment.
    unsafe { vld1q_u8(values.as_ptr().cast()) }
}

#[target_feature(enable = "neon")]
#[inline]
fn store_eight(values: &mut [i16; 8], bytes: uint8x16_t) {
    // SAFETY: the array has the 16 bytes that are written; the store needs no alignment.
    unsafe { vst1q_u8(values.as_mut_ptr().cast(), bytes) }
}
