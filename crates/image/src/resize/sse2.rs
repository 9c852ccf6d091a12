//! Weighted sums with SSE2, which every x86-64 has; byte for byte those of [`portable`](super::portable).
#![allow(unsafe_code)]

use std::arch::x86_64::{
    __m128i, _MM_HINT_T0, _mm_add_epi32, _mm_cvtsi128_si64, _mm_madd_epi16, _mm_packs_epi32, _mm_packus_epi16,
    _mm_prefetch, _mm_set_epi64x, _mm_set1_epi32, _mm_setzero_si128, _mm_srai_epi32, _mm_unpackhi_epi8,
    _mm_unpackhi_epi16, _mm_unpackhi_epi32, _mm_unpackhi_epi64, _mm_unpacklo_epi8, _mm_unpacklo_epi16,
    _mm_unpacklo_epi32, _mm_unpacklo_epi64,
};

use super::axis::ONE_BITS;
use super::sheets::{AHEAD, Pairs, Place, ROWS, Sheets, sheets};
use crate::planes::Plane;

const ROUND: i32 = 1 << (ONE_BITS - 1);

sheets! {
    features: "sse2", vector: __m128i, bytes: 16, parts: 4,
    load: load, store: store, store_16: store, turn: turn, narrow: narrow,
    prefetch: prefetch, zero: _mm_setzero_si128, set: _mm_set1_epi32, add: _mm_add_epi32, madd: _mm_madd_epi16, shift_right: _mm_srai_epi32,
    packs: _mm_packs_epi32, packus: _mm_packus_epi16,
    low_8: _mm_unpacklo_epi8, high_8: _mm_unpackhi_epi8, low_16: _mm_unpacklo_epi16, high_16: _mm_unpackhi_epi16,
    low_32: _mm_unpacklo_epi32, high_32: _mm_unpackhi_epi32, low_64: _mm_unpacklo_epi64, high_64: _mm_unpackhi_epi64,
}

/// See [`sheets`](super::sheets).
pub(super) fn apply(plan: &Sheets, source: &Plane, out: &mut Plane) {
    // SAFETY: SSE2 belongs to x86-64, the only architecture that this is compiled for.
    unsafe { apply_sheets(plan, source, out) }
}

/// Puts sixteen columns of a sheet's lines into pairs: four rows of a pair a vector.
#[inline]
#[target_feature(enable = "sse2")]
fn turn(lines: [&[u8; 16]; ROWS], pairs: &mut [ColumnPair; 8]) {
    for half in 0..2 {
        let rows = std::array::from_fn(|row| load(lines[8 * half + row]));
        for (pair, both) in pairs.iter_mut().zip(exchange_8(rows)) {
            store(&mut pair[2 * half].0, _mm_unpacklo_epi8(both, _mm_setzero_si128()));
            store(&mut pair[2 * half + 1].0, _mm_unpackhi_epi8(both, _mm_setzero_si128()));
        }
    }
}

/// The sums of sixteen rows as bytes.
#[inline]
#[target_feature(enable = "sse2")]
fn narrow([a, b, c, d]: [__m128i; 4]) -> __m128i {
    _mm_packus_epi16(_mm_packs_epi32(a, b), _mm_packs_epi32(c, d))
}

#[inline]
#[target_feature(enable = "sse2")]
fn load(bytes: &[u8; 16]) -> __m128i {
    let [low, high] =
        [&bytes[..8], &bytes[8..]].map(|half| half.first_chunk().map_or(0, |half| i64::from_le_bytes(*half)));
    _mm_set_epi64x(high, low)
}

#[inline]
#[target_feature(enable = "sse2")]
fn store(bytes: &mut [u8; 16], vector: __m128i) {
    let (low, high) = bytes.split_at_mut(8);
    low.copy_from_slice(&_mm_cvtsi128_si64(vector).to_le_bytes());
    high.copy_from_slice(&_mm_cvtsi128_si64(_mm_unpackhi_epi64(vector, vector)).to_le_bytes());
}

#[inline]
fn prefetch(bytes: &[u8], at: usize) {
    // SAFETY: the processor takes an address as a hint, and may be given any.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(bytes.as_ptr().wrapping_add(at).cast()) }
}
