//! The inverse DCT in AVX2: two blocks at a time at 8×8, four at 4×4.
//!
//! The same sums as [`super::portable`] in the same widths: products of pairs with 32-bit sums, 16 bits between the
//! passes, saturation where that code clamps.
#![allow(unsafe_code)]
#![allow(clippy::wildcard_imports, reason = "dozens of intrinsics")]
#![allow(clippy::similar_names, clippy::many_single_char_names, reason = "rows and columns of small matrices")]

use super::constants::{FIX_0_298, FIX_0_390, FIX_0_541, FIX_0_765, FIX_0_899, FIX_1_175, FIX_1_306, FIX_1_501};
use super::constants::{
    FIX_1_847, FIX_1_961, FIX_2_053, FIX_2_562, FIX_3_072, ONE, PASS1_SHIFT, PASS2_BIAS, PASS2_SHIFT,
};
use super::{Dequantiser, Order};
use crate::code_path::{CodePath, Runnable};
use std::arch::x86_64::*;

/// Transforms blocks of 8×8 or 4×4 to samples; see [`super::inverse`].
pub(super) fn inverse(
    path: Runnable,
    dequantiser: &Dequantiser,
    coefficients: &[i16],
    blocks: usize,
    samples: &mut [u8],
    stride: usize,
) {
    assert!(path.path() != CodePath::Portable);
    // SAFETY: a `Runnable` that is not portable was made after AVX2 was found.
    unsafe {
        match dequantiser.side {
            8 => inverse_8(dequantiser, coefficients, blocks, samples, stride),
            _ => inverse_4(dequantiser, coefficients, blocks, samples, stride),
        }
    }
}

/// Orders blocks of 64 or 16 coefficients; see [`super::Order`].
pub(super) fn order(path: Runnable, order: &Order, values: &[i16], columns: &mut [i16]) {
    assert!(path.path() != CodePath::Portable);
    // SAFETY: a `Runnable` that is not portable was made after AVX2 was found.
    unsafe {
        match order.from.len() {
            64 => order_two::<8, 64>(order, values, columns),
            _ => order_two::<2, 16>(order, values, columns),
        }
    }
}

/// Two blocks at a time, one in each half of the vectors; of an odd number, the last alone.
#[target_feature(enable = "avx2")]
fn order_two<const VECTORS: usize, const KEPT: usize>(order: &Order, values: &[i16], columns: &mut [i16]) {
    let blocks = values.len() / KEPT;
    for first in (0..blocks).step_by(2) {
        let second = (first + 1).min(blocks - 1);
        let (one, other) = (&values[first * KEPT..][..KEPT], &values[second * KEPT..][..KEPT]);
        let (one, other) = (one.as_chunks::<8>().0, other.as_chunks::<8>().0);
        let vectors: [__m256i; VECTORS] = std::array::from_fn(|i| {
            _mm256_inserti128_si256::<1>(_mm256_castsi128_si256(load_8(&one[i])), load_8(&other[i]))
        });
        for (i, moves) in order.moves.iter().enumerate() {
            let mut column = _mm256_setzero_si256();
            for one in moves {
                let bytes = both(load_bytes(&one.bytes));
                column = _mm256_or_si256(column, _mm256_shuffle_epi8(vectors[one.vector % VECTORS], bytes));
            }
            let place = |block: usize| block * KEPT + i * 8;
            store_8(&mut columns[place(first)..], _mm256_castsi256_si128(column));
            store_8(&mut columns[place(second)..], _mm256_extracti128_si256::<1>(column));
        }
    }
}

#[target_feature(enable = "avx2")]
#[inline]
fn load_bytes(bytes: &[u8; 16]) -> __m128i {
    // SAFETY: the array has the 16 bytes that are read; the load needs no alignment.
    unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) }
}

#[target_feature(enable = "avx2")]
#[inline]
fn store_8(values: &mut [i16], vector: __m128i) {
    let place: &mut [i16] = &mut values[..8];
    // SAFETY: the slice has the 16 bytes that are written; the store needs no alignment.
    unsafe { _mm_storeu_si128(place.as_mut_ptr().cast(), vector) }
}

#[target_feature(enable = "avx2")]
fn inverse_8(steps: &Dequantiser, coefficients: &[i16], blocks: usize, samples: &mut [u8], stride: usize) {
    let steps = steps.steps.as_chunks::<8>().0;
    let steps: [__m256i; 8] = std::array::from_fn(|u| both(load_8(&steps[u])));
    for (index, pair) in coefficients.as_chunks::<128>().0.iter().take(blocks.div_ceil(2)).enumerate() {
        let (one, other) = pair.split_at(64);
        let (one, other) = (one.as_chunks::<8>().0, other.as_chunks::<8>().0);
        let columns = std::array::from_fn(|u| {
            let column = _mm256_inserti128_si256::<1>(_mm256_castsi128_si256(load_8(&one[u])), load_8(&other[u]));
            _mm256_mullo_epi16(column, steps[u])
        });
        let middle = transpose_8(pass_8::<PASS1_SHIFT>(columns, _mm256_set1_epi32(1 << (PASS1_SHIFT - 1))));
        let rows = pass_8::<PASS2_SHIFT>(middle, _mm256_set1_epi32(PASS2_BIAS));
        for y in 0..4 {
            let lines = _mm256_permute4x64_epi64::<0b11_01_10_00>(_mm256_packus_epi16(rows[2 * y], rows[2 * y + 1]));
            store_16(samples, 2 * y * stride + index * 16, _mm256_castsi256_si128(lines));
            store_16(samples, (2 * y + 1) * stride + index * 16, _mm256_extracti128_si256::<1>(lines));
        }
    }
}

#[target_feature(enable = "avx2")]
fn inverse_4(steps: &Dequantiser, coefficients: &[i16], blocks: usize, samples: &mut [u8], stride: usize) {
    let steps = load_16(steps.steps.as_chunks::<16>().0[0]);
    for (index, four) in coefficients.as_chunks::<64>().0.iter().take(blocks.div_ceil(4)).enumerate() {
        let four = four.as_chunks::<16>().0;
        let blocks: [__m256i; 4] = std::array::from_fn(|b| _mm256_mullo_epi16(load_16(four[b]), steps));
        let columns = gather_columns(blocks);
        let middle = transpose_4(pass_4::<PASS1_SHIFT>(columns, _mm256_set1_epi32(1 << (PASS1_SHIFT - 1))));
        let rows = pass_4::<PASS2_SHIFT>(middle, _mm256_set1_epi32(PASS2_BIAS));
        for y in 0..2 {
            let lines = _mm256_permute4x64_epi64::<0b11_01_10_00>(_mm256_packus_epi16(rows[2 * y], rows[2 * y + 1]));
            store_16(samples, 2 * y * stride + index * 16, _mm256_castsi256_si128(lines));
            store_16(samples, (2 * y + 1) * stride + index * 16, _mm256_extracti128_si256::<1>(lines));
        }
    }
}

#[target_feature(enable = "avx2")]
#[inline]
fn load_8(values: &[i16; 8]) -> __m128i {
    // SAFETY: the array has the 16 bytes that are read; the load needs no alignment.
    unsafe { _mm_loadu_si128(values.as_ptr().cast()) }
}

#[target_feature(enable = "avx2")]
#[inline]
fn load_16(values: [i16; 16]) -> __m256i {
    // SAFETY: the array has the 32 bytes that are read; the load needs no alignment.
    unsafe { _mm256_loadu_si256(values.as_ptr().cast()) }
}

#[target_feature(enable = "avx2")]
#[inline]
fn store_16(samples: &mut [u8], at: usize, line: __m128i) {
    let place: &mut [u8] = &mut samples[at..at + 16];
    // SAFETY: the slice has the 16 bytes that are written; the store needs no alignment.
    unsafe { _mm_storeu_si128(place.as_mut_ptr().cast(), line) }
}

#[target_feature(enable = "avx2")]
#[inline]
fn both(half: __m128i) -> __m256i {
    _mm256_broadcastsi128_si256(half)
}

super::simd_lanes::lanes! {
    features: "avx2", vector: __m256i, set1: _mm256_set1_epi32, madd: _mm256_madd_epi16, packs: _mm256_packs_epi32,
    shift: _mm256_srai_epi32, count: i32, add16: _mm256_add_epi16, add32: _mm256_add_epi32, sub32: _mm256_sub_epi32,
    low16: _mm256_unpacklo_epi16, high16: _mm256_unpackhi_epi16, low32: _mm256_unpacklo_epi32,
    high32: _mm256_unpackhi_epi32, low64: _mm256_unpacklo_epi64, high64: _mm256_unpackhi_epi64
}

/// From four blocks of four columns each to four vectors: a column of all blocks each.
#[target_feature(enable = "avx2")]
#[inline]
fn gather_columns(b: [__m256i; 4]) -> [__m256i; 4] {
    let (even, odd) = (_mm256_unpacklo_epi64(b[0], b[1]), _mm256_unpackhi_epi64(b[0], b[1]));
    let (even2, odd2) = (_mm256_unpacklo_epi64(b[2], b[3]), _mm256_unpackhi_epi64(b[2], b[3]));
    [
        _mm256_permute2x128_si256::<0x20>(even, even2),
        _mm256_permute2x128_si256::<0x20>(odd, odd2),
        _mm256_permute2x128_si256::<0x31>(even, even2),
        _mm256_permute2x128_si256::<0x31>(odd, odd2),
    ]
}

super::simd_lanes::lanes_4! {
    features: "avx2", vector: __m256i, low16: _mm256_unpacklo_epi16, high16: _mm256_unpackhi_epi16, low32: _mm256_unpacklo_epi32,
    high32: _mm256_unpackhi_epi32, low64: _mm256_unpacklo_epi64, high64: _mm256_unpackhi_epi64
}
