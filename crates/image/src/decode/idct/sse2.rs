//! The inverse DCT in SSE2, which every x86-64 has: a block at a time at 8×8, two at 4×4.
//!
//! The same sums as [`super::portable::plain`] in the same widths; see [`super::avx2`].
#![allow(unsafe_code)]
#![allow(clippy::wildcard_imports, reason = "dozens of intrinsics")]
#![allow(clippy::similar_names, clippy::many_single_char_names, reason = "rows and columns of small matrices")]

use super::Dequantiser;
use super::constants::{FIX_0_298, FIX_0_390, FIX_0_541, FIX_0_765, FIX_0_899, FIX_1_175, FIX_1_306, FIX_1_501};
use super::constants::{
    FIX_1_847, FIX_1_961, FIX_2_053, FIX_2_562, FIX_3_072, ONE, PASS1_SHIFT, PASS2_BIAS, PASS2_SHIFT,
};
use std::arch::x86_64::*;

/// Transforms blocks of 8×8 or 4×4 to samples; see [`super::inverse`].
pub(super) fn inverse(
    dequantiser: &Dequantiser,
    coefficients: &[i16],
    blocks: usize,
    samples: &mut [u8],
    stride: usize,
) {
    // SAFETY: SSE2 belongs to x86-64, the only architecture that this is compiled for.
    unsafe {
        match dequantiser.side {
            8 => inverse_8(dequantiser, coefficients, blocks, samples, stride),
            _ => inverse_4(dequantiser, coefficients, blocks, samples, stride),
        }
    }
}

#[target_feature(enable = "sse2")]
fn inverse_8(steps: &Dequantiser, coefficients: &[i16], blocks: usize, samples: &mut [u8], stride: usize) {
    let steps = steps.steps.as_chunks::<8>().0;
    for (index, block) in coefficients.as_chunks::<64>().0.iter().take(blocks).enumerate() {
        let block = block.as_chunks::<8>().0;
        let columns = std::array::from_fn(|u| _mm_mullo_epi16(load_8(&block[u]), load_8(&steps[u])));
        let middle = transpose_8(pass_8::<PASS1_SHIFT>(columns, _mm_set1_epi32(1 << (PASS1_SHIFT - 1))));
        let rows = pass_8::<PASS2_SHIFT>(middle, _mm_set1_epi32(PASS2_BIAS));
        store_rows(&rows, samples, index * 8, stride);
    }
}

#[target_feature(enable = "sse2")]
fn inverse_4(steps: &Dequantiser, coefficients: &[i16], blocks: usize, samples: &mut [u8], stride: usize) {
    let steps = steps.steps.as_chunks::<8>().0;
    for (index, two) in coefficients.as_chunks::<32>().0.iter().take(blocks.div_ceil(2)).enumerate() {
        let halves = two.as_chunks::<8>().0;
        let [a, b, c, d] = std::array::from_fn(|i| _mm_mullo_epi16(load_8(&halves[i]), load_8(&steps[i % 2])));
        let columns =
            [_mm_unpacklo_epi64(a, c), _mm_unpackhi_epi64(a, c), _mm_unpacklo_epi64(b, d), _mm_unpackhi_epi64(b, d)];
        let middle = transpose_4(pass_4::<PASS1_SHIFT>(columns, _mm_set1_epi32(1 << (PASS1_SHIFT - 1))));
        let rows = pass_4::<PASS2_SHIFT>(middle, _mm_set1_epi32(PASS2_BIAS));
        store_rows(&rows, samples, index * 8, stride);
    }
}

/// Stores rows of eight samples.
#[target_feature(enable = "sse2")]
#[inline]
fn store_rows(rows: &[__m128i], samples: &mut [u8], at: usize, stride: usize) {
    for (y, [one, other]) in rows.as_chunks::<2>().0.iter().enumerate() {
        let lines = _mm_packus_epi16(*one, *other);
        for (row, line) in [(2 * y, lines), (2 * y + 1, _mm_unpackhi_epi64(lines, lines))] {
            let from = at + row * stride;
            samples[from..from + 8].copy_from_slice(&_mm_cvtsi128_si64(line).to_le_bytes());
        }
    }
}

#[target_feature(enable = "sse2")]
#[inline]
fn load_8(values: &[i16; 8]) -> __m128i {
    // SAFETY: the array has the 16 bytes that are read; the load needs no alignment.
    unsafe { _mm_loadu_si128(values.as_ptr().cast()) }
}

super::simd_lanes::lanes! {
    features: "sse2", vector: __m128i, set1: _mm_set1_epi32, madd: _mm_madd_epi16, packs: _mm_packs_epi32,
    shift: _mm_srai_epi32, count: i32, add16: _mm_add_epi16, add32: _mm_add_epi32, sub32: _mm_sub_epi32,
    low16: _mm_unpacklo_epi16, high16: _mm_unpackhi_epi16, low32: _mm_unpacklo_epi32,
    high32: _mm_unpackhi_epi32, low64: _mm_unpacklo_epi64, high64: _mm_unpackhi_epi64
}

super::simd_lanes::lanes_4! {
    features: "sse2", vector: __m128i, low16: _mm_unpacklo_epi16, high16: _mm_unpackhi_epi16, low32: _mm_unpacklo_epi32,
    high32: _mm_unpackhi_epi32, low64: _mm_unpacklo_epi64, high64: _mm_unpackhi_epi64
}
