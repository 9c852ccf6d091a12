//! The inverse DCT in AVX-512: four blocks at a time at 8×8. Smaller blocks gain nothing from the width.
//!
//! The same sums as [`super::portable`] in the same widths; see [`super::avx2`].
#![allow(unsafe_code)]
#![allow(clippy::wildcard_imports, reason = "dozens of intrinsics")]
#![allow(clippy::similar_names, clippy::many_single_char_names, reason = "rows and columns of small matrices")]

use super::constants::{FIX_0_298, FIX_0_390, FIX_0_541, FIX_0_765, FIX_0_899, FIX_1_175, FIX_1_501, FIX_1_847};
use super::constants::{FIX_1_961, FIX_2_053, FIX_2_562, FIX_3_072, ONE, PASS1_SHIFT, PASS2_BIAS, PASS2_SHIFT};
use super::{Dequantiser, Order};
use crate::code_path::{CodePath, Runnable};
use std::arch::x86_64::*;

/// Transforms blocks of 8×8 to samples; see [`super::inverse`].
pub(super) fn inverse_8(
    path: Runnable,
    dequantiser: &Dequantiser,
    coefficients: &[i16],
    blocks: usize,
    samples: &mut [u8],
    stride: usize,
) {
    assert!(path.path() == CodePath::Avx512);
    // SAFETY: a `Runnable` of this path was made after AVX-512 F and BW were found.
    unsafe { inverse(dequantiser, coefficients, blocks, samples, stride) }
}

/// Orders blocks of 64 coefficients; see [`super::Order`].
pub(super) fn order(path: Runnable, order: &Order, values: &[i16], columns: &mut [i16]) {
    assert!(path.path() == CodePath::Avx512);
    // SAFETY: a `Runnable` of this path was made after AVX-512 F and BW were found.
    unsafe { order_64(order, values, columns) }
}

#[target_feature(enable = "avx512f,avx512bw")]
fn order_64(order: &Order, values: &[i16], columns: &mut [i16]) {
    let from: [i16; 64] = std::array::from_fn(|slot| i16::from(order.from[slot]));
    let [first, second] = [load_32(&from, 0), load_32(&from, 32)];
    for (block, column) in values.as_chunks::<64>().0.iter().zip(columns.as_chunks_mut::<64>().0) {
        let (low, high) = (load_32(block, 0), load_32(block, 32));
        store_values(column, 0, _mm512_permutex2var_epi16(low, first, high));
        store_values(column, 32, _mm512_permutex2var_epi16(low, second, high));
    }
}

#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
fn load_32(values: &[i16; 64], at: usize) -> __m512i {
    let half: &[i16] = &values[at..at + 32];
    // SAFETY: the slice has the 64 bytes that are read; the load needs no alignment.
    unsafe { _mm512_loadu_si512(half.as_ptr().cast()) }
}

#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
fn store_values(values: &mut [i16; 64], at: usize, vector: __m512i) {
    let half: &mut [i16] = &mut values[at..at + 32];
    // SAFETY: the slice has the 64 bytes that are written; the store needs no alignment.
    unsafe { _mm512_storeu_si512(half.as_mut_ptr().cast(), vector) }
}

#[target_feature(enable = "avx512f,avx512bw")]
fn inverse(steps: &Dequantiser, coefficients: &[i16], blocks: usize, samples: &mut [u8], stride: usize) {
    let steps: [__m512i; 8] = std::array::from_fn(|u| _mm512_broadcast_i32x4(load_8(&steps.steps.as_chunks().0[u])));
    let by_row = _mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7);
    for (index, four) in coefficients.as_chunks::<256>().0.iter().take(blocks.div_ceil(4)).enumerate() {
        let columns = std::array::from_fn(|u| _mm512_mullo_epi16(load_column(four, u), steps[u]));
        let middle =
            transpose_8(pass_8::<{ PASS1_SHIFT.unsigned_abs() }>(columns, _mm512_set1_epi32(1 << (PASS1_SHIFT - 1))));
        let rows = pass_8::<{ PASS2_SHIFT.unsigned_abs() }>(middle, _mm512_set1_epi32(PASS2_BIAS));
        for y in 0..4 {
            let lines = _mm512_permutexvar_epi64(by_row, _mm512_packus_epi16(rows[2 * y], rows[2 * y + 1]));
            store_32(samples, 2 * y * stride + index * 32, _mm512_castsi512_si256(lines));
            store_32(samples, (2 * y + 1) * stride + index * 32, _mm512_extracti64x4_epi64::<1>(lines));
        }
    }
}

/// A column of each of four blocks.
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
fn load_column(four: &[i16; 256], column: usize) -> __m512i {
    let eights = four.as_chunks::<8>().0;
    let one = _mm512_broadcast_i32x4(load_8(&eights[column]));
    let two = _mm512_mask_broadcast_i32x4(one, 0x00F0, load_8(&eights[8 + column]));
    let three = _mm512_mask_broadcast_i32x4(two, 0x0F00, load_8(&eights[16 + column]));
    _mm512_mask_broadcast_i32x4(three, 0xF000, load_8(&eights[24 + column]))
}

#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
fn load_8(values: &[i16; 8]) -> __m128i {
    // SAFETY: the array has the 16 bytes that are read; the load needs no alignment.
    unsafe { _mm_loadu_si128(values.as_ptr().cast()) }
}

#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
fn store_32(samples: &mut [u8], at: usize, line: __m256i) {
    let place: &mut [u8] = &mut samples[at..at + 32];
    // SAFETY: the slice has the 32 bytes that are written; the store needs no alignment.
    unsafe { _mm256_storeu_si256(place.as_mut_ptr().cast(), line) }
}

super::simd_lanes::lanes! {
    features: "avx512f,avx512bw", vector: __m512i, set1: _mm512_set1_epi32, madd: _mm512_madd_epi16, packs: _mm512_packs_epi32,
    shift: _mm512_srai_epi32, count: u32, add16: _mm512_add_epi16, add32: _mm512_add_epi32, sub32: _mm512_sub_epi32,
    low16: _mm512_unpacklo_epi16, high16: _mm512_unpackhi_epi16, low32: _mm512_unpacklo_epi32,
    high32: _mm512_unpackhi_epi32, low64: _mm512_unpacklo_epi64, high64: _mm512_unpackhi_epi64
}
