//! The inverse DCT in plain Rust: the reference that the other paths must equal, byte for byte. On x86-64, whose every processor has
//! SSE2, the larger blocks are made with that.

use super::Dequantiser;
use super::constants::{FIX_0_298, FIX_0_390, FIX_0_541, FIX_0_765, FIX_0_899, FIX_1_175, FIX_1_306, FIX_1_501};
use super::constants::{
    FIX_1_847, FIX_1_961, FIX_2_053, FIX_2_562, FIX_3_072, ONE, PASS1_SHIFT, PASS2_BIAS, PASS2_SHIFT,
};

/// Transforms blocks to samples; see [`super::inverse`].
pub(super) fn inverse(
    dequantiser: &Dequantiser,
    coefficients: &[i16],
    blocks: usize,
    samples: &mut [u8],
    stride: usize,
) {
    #[cfg(target_arch = "x86_64")]
    if dequantiser.side() >= 4 {
        return super::sse2::inverse(dequantiser, coefficients, blocks, samples, stride);
    }
    plain(dequantiser, coefficients, blocks, samples, stride);
}

/// The same in Rust alone.
pub(super) fn plain(dequantiser: &Dequantiser, coefficients: &[i16], blocks: usize, samples: &mut [u8], stride: usize) {
    match dequantiser.side() {
        8 => each_block::<8, 64>(dequantiser, coefficients, blocks, samples, stride, transform_8),
        4 => each_block::<4, 16>(dequantiser, coefficients, blocks, samples, stride, transform_4),
        2 => each_block::<2, 4>(dequantiser, coefficients, blocks, samples, stride, transform_2),
        _ => each_block::<1, 1>(dequantiser, coefficients, blocks, samples, stride, |c| [sample(c[0], 3, 4)]),
    }
}

/// Runs a transform of one block, columns of coefficients to rows of samples, over many.
#[inline(always)]
fn each_block<const SIDE: usize, const KEPT: usize>(
    dequantiser: &Dequantiser,
    coefficients: &[i16],
    blocks: usize,
    samples: &mut [u8],
    stride: usize,
    transform: impl Fn([i16; KEPT]) -> [u8; KEPT],
) {
    let steps: &[i16; KEPT] = dequantiser.steps.first_chunk().unwrap_or_else(|| unreachable!("a block has 64 at most"));
    for (index, block) in coefficients.as_chunks::<KEPT>().0.iter().take(blocks).enumerate() {
        let square = transform(std::array::from_fn(|i| block[i].wrapping_mul(steps[i])));
        for (row, line) in square.as_chunks::<SIDE>().0.iter().enumerate() {
            let from = row * stride + index * SIDE;
            samples[from..from + SIDE].copy_from_slice(line);
        }
    }
}

/// A sample from a sum of coefficients: rounded, shifted to the middle of the range, clamped.
#[inline(always)]
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 8 bits")]
fn sample(sum: i16, shift: u32, round: i32) -> u8 {
    (((i32::from(sum) + round) >> shift) + 128).clamp(0, 255) as u8
}

/// Rounds the result of the first pass and keeps it in 16 bits.
#[inline(always)]
#[allow(clippy::cast_possible_truncation, reason = "clamped to 16 bits")]
fn between(value: i32) -> i16 {
    (value.wrapping_add(1 << (PASS1_SHIFT - 1)) >> PASS1_SHIFT).clamp(i16::MIN.into(), i16::MAX.into()) as i16
}

/// Rounds the result of the second pass to a sample.
#[inline(always)]
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 8 bits")]
fn finish(value: i32) -> u8 {
    (value.wrapping_add(PASS2_BIAS) >> PASS2_SHIFT).clamp(0, 255) as u8
}

/// a · b + c · d, as one multiply-add instruction gives it.
#[inline(always)]
fn madd(a: i16, b: i16, c: i16, d: i16) -> i32 {
    (i32::from(a) * i32::from(b)).wrapping_add(i32::from(c) * i32::from(d))
}

/// Both passes over a block whose coefficients lie column by column; the first pass goes along rows of coefficients.
#[inline(always)]
fn two_passes<const SIDE: usize, const KEPT: usize>(
    block: [i16; KEPT],
    line: impl Fn([i16; SIDE]) -> [i32; SIDE],
) -> [u8; KEPT] {
    let mut middle = [0i16; KEPT];
    for v in 0..SIDE {
        let sums = line(std::array::from_fn(|u| block[u * SIDE + v]));
        for (x, sum) in sums.into_iter().enumerate() {
            middle[x * SIDE + v] = between(sum);
        }
    }
    let mut out = [0u8; KEPT];
    for x in 0..SIDE {
        let sums = line(std::array::from_fn(|v| middle[x * SIDE + v]));
        for (y, sum) in sums.into_iter().enumerate() {
            out[y * SIDE + x] = finish(sum);
        }
    }
    out
}

fn transform_8(block: [i16; 64]) -> [u8; 64] {
    two_passes::<8, 64>(block, line_8)
}

fn transform_4(block: [i16; 16]) -> [u8; 16] {
    two_passes::<4, 16>(block, line_4)
}

/// 2×2: no constants but 1, so there is nothing to round between the passes.
fn transform_2(c: [i16; 4]) -> [u8; 4] {
    let [a, b, c, d] = c.map(i32::from);
    let (left, right) = ((a + c, b + d), (a - c, b - d));
    [left.0 + left.1, right.0 + right.1, left.0 - left.1, right.0 - right.1].map(sample_of_sum)
}

#[inline(always)]
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 8 bits")]
fn sample_of_sum(sum: i32) -> u8 {
    (((sum + 4) >> 3) + 128).clamp(0, 255) as u8
}

/// The 4-point inverse DCT, times √8.
#[inline(always)]
fn line_4([c0, c1, c2, c3]: [i16; 4]) -> [i32; 4] {
    let even = madd(c0, ONE, c2, ONE);
    let odd = madd(c0, ONE, c2, -ONE);
    let outer = madd(c1, FIX_1_306, c3, FIX_0_541);
    let inner = madd(c1, FIX_0_541, c3, -FIX_1_306);
    [even.wrapping_add(outer), odd.wrapping_add(inner), odd.wrapping_sub(inner), even.wrapping_sub(outer)]
}

/// The 8-point inverse DCT, times √8 (Loeffler, Ligtenberg and Moschytz, in the form of libjpeg's `jidctint`).
///
/// Sums of two inputs stay 32 bits wide by folding constants, so the only 16-bit sums are those of the odd part.
#[inline(always)]
fn line_8(c: [i16; 8]) -> [i32; 8] {
    let t0 = madd(c[0], ONE, c[4], ONE);
    let t1 = madd(c[0], ONE, c[4], -ONE);
    let t2 = madd(c[2], FIX_0_541, c[6], FIX_0_541 - FIX_1_847);
    let t3 = madd(c[2], FIX_0_541 + FIX_0_765, c[6], FIX_0_541);
    let (e0, e3) = (t0.wrapping_add(t3), t0.wrapping_sub(t3));
    let (e1, e2) = (t1.wrapping_add(t2), t1.wrapping_sub(t2));

    let z3 = c[7].wrapping_add(c[3]);
    let z4 = c[5].wrapping_add(c[1]);
    let z3w = madd(z3, FIX_1_175 - FIX_1_961, z4, FIX_1_175);
    let z4w = madd(z3, FIX_1_175, z4, FIX_1_175 - FIX_0_390);
    let o3 = madd(c[7], FIX_0_298 - FIX_0_899, c[1], -FIX_0_899).wrapping_add(z3w);
    let o2 = madd(c[5], FIX_2_053 - FIX_2_562, c[3], -FIX_2_562).wrapping_add(z4w);
    let o1 = madd(c[5], -FIX_2_562, c[3], FIX_3_072 - FIX_2_562).wrapping_add(z3w);
    let o0 = madd(c[7], -FIX_0_899, c[1], FIX_1_501 - FIX_0_899).wrapping_add(z4w);
    [
        e0.wrapping_add(o0),
        e1.wrapping_add(o1),
        e2.wrapping_add(o2),
        e3.wrapping_add(o3),
        e3.wrapping_sub(o3),
        e2.wrapping_sub(o2),
        e1.wrapping_sub(o1),
        e0.wrapping_sub(o0),
    ]
}
