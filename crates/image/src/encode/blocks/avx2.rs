//! Forward DCT and quantisation with AVX2, two blocks at a time.
#![allow(unsafe_code)]

use std::arch::x86_64::{
    __m128i, __m256i, _mm_loadu_si128, _mm_storeu_si128, _mm256_abs_epi16, _mm256_add_epi16, _mm256_add_epi32,
    _mm256_broadcastsi128_si256, _mm256_castsi256_si128, _mm256_cmpeq_epi16, _mm256_cvtepu8_epi16,
    _mm256_extracti128_si256, _mm256_madd_epi16, _mm256_movemask_epi8, _mm256_mulhi_epu16, _mm256_packs_epi16,
    _mm256_packs_epi32, _mm256_set1_epi16, _mm256_set1_epi32, _mm256_setzero_si256, _mm256_sign_epi16,
    _mm256_slli_epi16, _mm256_srai_epi16, _mm256_srai_epi32, _mm256_sub_epi16, _mm256_unpackhi_epi16,
    _mm256_unpackhi_epi32, _mm256_unpackhi_epi64, _mm256_unpacklo_epi16, _mm256_unpacklo_epi32, _mm256_unpacklo_epi64,
};

use super::constant::{F0_298, F0_390, F0_541, F0_765, F0_899, F1_175, F1_501, F1_847, F1_961, F2_053, F2_562, F3_072};
use super::lanes::forward_dct;
use super::{BETWEEN_BITS, Block, CONSTANT_BITS, WIDE};
use crate::encode::quantise::Quantiser;
use crate::encode::zigzag;

forward_dct! {
    features: "avx2", vector: __m256i, count: i32, shift: u32::cast_signed,
    add: _mm256_add_epi16, sub: _mm256_sub_epi16, multiply_onto: multiply_onto,
    shift_right: _mm256_srai_epi16, shift_right_32: _mm256_srai_epi32, shift_left: _mm256_slli_epi16,
    pack: _mm256_packs_epi32, set: _mm256_set1_epi16, set_32: _mm256_set1_epi32,
    low_16: _mm256_unpacklo_epi16, high_16: _mm256_unpackhi_epi16,
    low_32: _mm256_unpacklo_epi32, high_32: _mm256_unpackhi_epi32,
    low_64: _mm256_unpacklo_epi64, high_64: _mm256_unpackhi_epi64,
}

#[inline]
#[target_feature(enable = "avx2")]
fn multiply_onto(sum: __m256i, a: __m256i, b: __m256i) -> __m256i {
    _mm256_add_epi32(sum, _mm256_madd_epi16(a, b))
}

/// See [`transform`](super::transform).
pub(super) fn transform(samples: &[u8], stride: usize, by: &Quantiser, out: &mut [Block; WIDE]) {
    assert!(std::arch::is_x86_feature_detected!("avx2"), "AVX2 is asked for where it is not");
    let [first, second, third, fourth] = out;
    // SAFETY: the processor has AVX2, as just asserted.
    unsafe {
        transform_2(samples, stride, by, [first, second]);
        transform_2(&samples[16..], stride, by, [third, fourth]);
    }
}

#[target_feature(enable = "avx2")]
fn transform_2(samples: &[u8], stride: usize, by: &Quantiser, out: [&mut Block; 2]) {
    let mut rows = [_mm256_setzero_si256(); 8];
    for (y, row) in rows.iter_mut().enumerate() {
        *row = _mm256_sub_epi16(load_samples(samples, y * stride), _mm256_set1_epi16(128));
    }
    let mut levels = forward(rows);
    for (u, level) in levels.iter_mut().enumerate() {
        *level = quantise(*level, u, by);
    }
    let sets = not_zero(levels);
    for (u, level) in levels.into_iter().enumerate() {
        store(&mut out[0].coefficients, u, _mm256_castsi256_si128(level));
        store(&mut out[1].coefficients, u, _mm256_extracti128_si256::<1>(level));
    }
    for (block, set) in out.into_iter().zip(sets) {
        block.set = zigzag::set_of_transposed(set);
    }
}

#[inline]
#[target_feature(enable = "avx2")]
fn quantise(values: __m256i, u: usize, by: &Quantiser) -> __m256i {
    let dividend = _mm256_add_epi16(_mm256_abs_epi16(values), row_of(&by.halves, u));
    let scaled = _mm256_mulhi_epu16(dividend, row_of(&by.factors, u));
    _mm256_sign_epi16(_mm256_mulhi_epu16(scaled, row_of(&by.shifts, u)), values)
}

/// Which values of each block are not zero, in transposed order.
#[inline]
#[target_feature(enable = "avx2")]
fn not_zero(levels: [__m256i; 8]) -> [u64; 2] {
    let mut sets = [0; 2];
    for (i, &[a, b]) in levels.as_chunks().0.iter().enumerate() {
        let zero = _mm256_setzero_si256();
        let zeros = _mm256_packs_epi16(_mm256_cmpeq_epi16(a, zero), _mm256_cmpeq_epi16(b, zero));
        let set = !_mm256_movemask_epi8(zeros).cast_unsigned();
        sets[0] |= u64::from(set & 0xFFFF) << (16 * i);
        sets[1] |= u64::from(set >> 16) << (16 * i);
    }
    sets
}

/// Eight entries of a table, for both blocks.
#[inline]
#[target_feature(enable = "avx2")]
fn row_of(table: &[u16; 64], u: usize) -> __m256i {
    let row: &[u16; 8] = table[8 * u..].first_chunk().expect("a row of a table");
    // SAFETY: the reference is to 16 readable bytes, and the load asks for no alignment.
    _mm256_broadcastsi128_si256(unsafe { _mm_loadu_si128(row.as_ptr().cast()) })
}

#[inline]
#[target_feature(enable = "avx2")]
fn load_samples(samples: &[u8], at: usize) -> __m256i {
    let samples: &[u8; 16] = samples[at..].first_chunk().expect("two blocks");
    // SAFETY: the reference is to 16 readable bytes, and the load asks for no alignment.
    _mm256_cvtepu8_epi16(unsafe { _mm_loadu_si128(samples.as_ptr().cast()) })
}

#[inline]
#[target_feature(enable = "avx2")]
fn store(block: &mut [i16; 64], u: usize, values: __m128i) {
    let row: &mut [i16; 8] = block[8 * u..].first_chunk_mut().expect("a row of a block");
    // SAFETY: the reference is to 16 writable bytes, and the store asks for no alignment.
    unsafe { _mm_storeu_si128(row.as_mut_ptr().cast(), values) }
}
