//! Forward DCT and quantisation with SSE2, which every x86-64 has, a block at a time.
#![allow(unsafe_code)]

use std::arch::x86_64::{
    __m128i, _mm_add_epi16, _mm_add_epi32, _mm_cmpeq_epi16, _mm_cvtsi64_si128, _mm_loadu_si128, _mm_madd_epi16,
    _mm_max_epi16, _mm_movemask_epi8, _mm_mulhi_epu16, _mm_packs_epi16, _mm_packs_epi32, _mm_set1_epi16,
    _mm_set1_epi32, _mm_setzero_si128, _mm_slli_epi16, _mm_srai_epi16, _mm_srai_epi32, _mm_storeu_si128, _mm_sub_epi16,
    _mm_unpackhi_epi16, _mm_unpackhi_epi32, _mm_unpackhi_epi64, _mm_unpacklo_epi8, _mm_unpacklo_epi16,
    _mm_unpacklo_epi32, _mm_unpacklo_epi64, _mm_xor_si128,
};

use super::constant::{F0_298, F0_390, F0_541, F0_765, F0_899, F1_175, F1_501, F1_847, F1_961, F2_053, F2_562, F3_072};
use super::lanes::forward_dct;
use super::{BETWEEN_BITS, Block, CONSTANT_BITS, WIDE};
use crate::encode::quantise::Quantiser;
use crate::encode::zigzag;

forward_dct! {
    features: "sse2", vector: __m128i, count: i32, shift: u32::cast_signed,
    add: _mm_add_epi16, sub: _mm_sub_epi16, multiply_onto: multiply_onto,
    shift_right: _mm_srai_epi16, shift_right_32: _mm_srai_epi32, shift_left: _mm_slli_epi16,
    pack: _mm_packs_epi32, set: _mm_set1_epi16, set_32: _mm_set1_epi32,
    low_16: _mm_unpacklo_epi16, high_16: _mm_unpackhi_epi16,
    low_32: _mm_unpacklo_epi32, high_32: _mm_unpackhi_epi32,
    low_64: _mm_unpacklo_epi64, high_64: _mm_unpackhi_epi64,
}

#[inline]
#[target_feature(enable = "sse2")]
fn multiply_onto(sum: __m128i, a: __m128i, b: __m128i) -> __m128i {
    _mm_add_epi32(sum, _mm_madd_epi16(a, b))
}

/// See [`transform`](super::transform).
pub(super) fn transform(samples: &[u8], stride: usize, by: &Quantiser, out: &mut [Block; WIDE]) {
    for (i, block) in out.iter_mut().enumerate() {
        // SAFETY: SSE2 belongs to x86-64, the only architecture that this is compiled for.
        unsafe { transform_1(&samples[8 * i..], stride, by, block) }
    }
}

#[target_feature(enable = "sse2")]
fn transform_1(samples: &[u8], stride: usize, by: &Quantiser, out: &mut Block) {
    let rows = std::array::from_fn(|y| _mm_sub_epi16(load_samples(samples, y * stride), _mm_set1_epi16(128)));
    let mut levels = forward(rows);
    let mut set = 0;
    for (u, level) in levels.iter_mut().enumerate() {
        *level = quantise(*level, u, by);
        store(&mut out.coefficients, u, *level);
    }
    for (i, &[a, b]) in levels.as_chunks().0.iter().enumerate() {
        let zero = _mm_setzero_si128();
        let zeros = _mm_movemask_epi8(_mm_packs_epi16(_mm_cmpeq_epi16(a, zero), _mm_cmpeq_epi16(b, zero)));
        set |= u64::from(!zeros.cast_unsigned() & 0xFFFF) << (16 * i);
    }
    out.set = zigzag::set_of_transposed(set);
}

#[inline]
#[target_feature(enable = "sse2")]
fn quantise(values: __m128i, u: usize, by: &Quantiser) -> __m128i {
    let sizes = _mm_max_epi16(values, _mm_sub_epi16(_mm_setzero_si128(), values));
    let dividend = _mm_add_epi16(sizes, row_of(&by.halves, u));
    let levels = _mm_mulhi_epu16(_mm_mulhi_epu16(dividend, row_of(&by.factors, u)), row_of(&by.shifts, u));
    let signs = _mm_srai_epi16::<15>(values);
    _mm_sub_epi16(_mm_xor_si128(levels, signs), signs)
}

/// Eight entries of a table.
#[inline]
#[target_feature(enable = "sse2")]
fn row_of(table: &[u16; 64], u: usize) -> __m128i {
    let row: &[u16; 8] = table[8 * u..].first_chunk().expect("a row of a table");
    // SAFETY: the reference is to 16 readable bytes, and the load asks for no alignment.
    unsafe { _mm_loadu_si128(row.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "sse2")]
fn load_samples(samples: &[u8], at: usize) -> __m128i {
    let samples: &[u8; 8] = samples[at..].first_chunk().expect("a row of a block");
    _mm_unpacklo_epi8(_mm_cvtsi64_si128(i64::from_le_bytes(*samples)), _mm_setzero_si128())
}

#[inline]
#[target_feature(enable = "sse2")]
fn store(block: &mut [i16; 64], u: usize, values: __m128i) {
    let row: &mut [i16; 8] = block[8 * u..].first_chunk_mut().expect("a row of a block");
    // SAFETY: the reference is to 16 writable bytes, and the store asks for no alignment.
    unsafe { _mm_storeu_si128(row.as_mut_ptr().cast(), values) }
}
