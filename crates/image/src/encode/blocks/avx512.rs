//! Forward DCT and quantisation with AVX-512, four blocks at a time; the blocks come out in the order of the file.
#![allow(unsafe_code)]

use std::arch::x86_64::{
    __m512i, _mm_loadu_si128, _mm256_loadu_si256, _mm512_abs_epi16, _mm512_add_epi16, _mm512_broadcast_i32x4,
    _mm512_cvtepu8_epi16, _mm512_dpwssd_epi32, _mm512_loadu_si512, _mm512_mask_sub_epi16, _mm512_movepi16_mask,
    _mm512_mulhi_epu16, _mm512_packs_epi32, _mm512_permutex2var_epi16, _mm512_set1_epi16, _mm512_set1_epi32,
    _mm512_setzero_si512, _mm512_shuffle_i32x4, _mm512_slli_epi16, _mm512_srai_epi16, _mm512_srai_epi32,
    _mm512_storeu_si512, _mm512_sub_epi16, _mm512_test_epi16_mask, _mm512_unpackhi_epi16, _mm512_unpackhi_epi32,
    _mm512_unpackhi_epi64, _mm512_unpacklo_epi16, _mm512_unpacklo_epi32, _mm512_unpacklo_epi64,
};

use super::constant::{F0_298, F0_390, F0_541, F0_765, F0_899, F1_175, F1_501, F1_847, F1_961, F2_053, F2_562, F3_072};
use super::lanes::forward_dct;
use super::{BETWEEN_BITS, Block, CONSTANT_BITS, WIDE};
use crate::encode::quantise::Quantiser;
use crate::encode::zigzag;

forward_dct! {
    features: "avx512f,avx512bw,avx512vnni", vector: __m512i, count: u32, shift: std::convert::identity,
    add: _mm512_add_epi16, sub: _mm512_sub_epi16, multiply_onto: _mm512_dpwssd_epi32,
    shift_right: _mm512_srai_epi16, shift_right_32: _mm512_srai_epi32, shift_left: _mm512_slli_epi16,
    pack: _mm512_packs_epi32, set: _mm512_set1_epi16, set_32: _mm512_set1_epi32,
    low_16: _mm512_unpacklo_epi16, high_16: _mm512_unpackhi_epi16,
    low_32: _mm512_unpacklo_epi32, high_32: _mm512_unpackhi_epi32,
    low_64: _mm512_unpacklo_epi64, high_64: _mm512_unpackhi_epi64,
}

/// The order of the file, as places in transposed order.
static ORDER: [[i16; 32]; 2] = order();

/// See [`transform`](super::transform).
pub(super) fn transform(samples: &[u8], stride: usize, by: &Quantiser, out: &mut [Block; WIDE]) {
    use std::arch::is_x86_feature_detected as has;
    assert!(has!("avx512f") && has!("avx512bw") && has!("avx512vnni"), "AVX-512 is asked for where it is not");
    // SAFETY: the processor has what the function is compiled for, as just asserted.
    unsafe { transform_4(samples, stride, by, out) }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn transform_4(samples: &[u8], stride: usize, by: &Quantiser, out: &mut [Block; WIDE]) {
    let mut rows = [_mm512_setzero_si512(); 8];
    for (y, row) in rows.iter_mut().enumerate() {
        *row = _mm512_sub_epi16(load_samples(samples, y * stride), _mm512_set1_epi16(128));
    }
    let mut levels = forward(rows);
    for (u, level) in levels.iter_mut().enumerate() {
        *level = quantise(*level, u, by);
    }
    let (first, last) = levels.split_at(4);
    let four = |rows: &[__m512i]| std::array::from_fn(|i| rows[i]);
    let (tops, ends) = (lanes_together(four(first)), lanes_together(four(last)));
    let orders = [load(&ORDER[0]), load(&ORDER[1])];
    for ((block, top), end) in out.iter_mut().zip(tops).zip(ends) {
        let [low, high] = orders.map(|order| _mm512_permutex2var_epi16(top, order, end));
        let (first, second) = block.coefficients.split_at_mut(32);
        store(first, low);
        store(second, high);
        let sets = [low, high].map(|half| u64::from(_mm512_test_epi16_mask(half, half)));
        block.set = sets[0] | sets[1] << 32;
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn quantise(values: __m512i, u: usize, by: &Quantiser) -> __m512i {
    let dividend = _mm512_add_epi16(_mm512_abs_epi16(values), row_of(&by.halves, u));
    let scaled = _mm512_mulhi_epu16(dividend, row_of(&by.factors, u));
    let levels = _mm512_mulhi_epu16(scaled, row_of(&by.shifts, u));
    _mm512_mask_sub_epi16(levels, _mm512_movepi16_mask(values), _mm512_setzero_si512(), levels)
}

/// Four vectors of a row of each of four blocks become four rows of each block.
#[inline]
#[target_feature(enable = "avx512f")]
fn lanes_together(rows: [__m512i; 4]) -> [__m512i; 4] {
    let [a, b, c, d] = rows;
    let (ab, cd) = (_mm512_shuffle_i32x4::<0b01_00_01_00>(a, b), _mm512_shuffle_i32x4::<0b01_00_01_00>(c, d));
    let (ab_2, cd_2) = (_mm512_shuffle_i32x4::<0b11_10_11_10>(a, b), _mm512_shuffle_i32x4::<0b11_10_11_10>(c, d));
    [
        _mm512_shuffle_i32x4::<0b10_00_10_00>(ab, cd),
        _mm512_shuffle_i32x4::<0b11_01_11_01>(ab, cd),
        _mm512_shuffle_i32x4::<0b10_00_10_00>(ab_2, cd_2),
        _mm512_shuffle_i32x4::<0b11_01_11_01>(ab_2, cd_2),
    ]
}

const fn order() -> [[i16; 32]; 2] {
    let mut order = [[0; 32]; 2];
    let mut k = 0;
    while k < 64 {
        order[k / 32][k % 32] = zigzag::TRANSPOSED[k] as i16;
        k += 1;
    }
    order
}

/// Eight entries of a table, for all blocks.
#[inline]
#[target_feature(enable = "avx512f")]
fn row_of(table: &[u16; 64], u: usize) -> __m512i {
    let row: &[u16; 8] = table[8 * u..].first_chunk().expect("a row of a table");
    // SAFETY: the reference is to 16 readable bytes, and the load asks for no alignment.
    _mm512_broadcast_i32x4(unsafe { _mm_loadu_si128(row.as_ptr().cast()) })
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn load_samples(samples: &[u8], at: usize) -> __m512i {
    let samples: &[u8; 32] = samples[at..].first_chunk().expect("four blocks");
    // SAFETY: the reference is to 32 readable bytes, and the load asks for no alignment.
    _mm512_cvtepu8_epi16(unsafe { _mm256_loadu_si256(samples.as_ptr().cast()) })
}

#[inline]
#[target_feature(enable = "avx512f")]
fn load(values: &[i16; 32]) -> __m512i {
    // SAFETY: the reference is to 64 readable bytes, and the load asks for no alignment.
    unsafe { _mm512_loadu_si512(values.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn store(values: &mut [i16], vector: __m512i) {
    let values: &mut [i16; 32] = values.first_chunk_mut().expect("half a block");
    // SAFETY: the reference is to 64 writable bytes, and the store asks for no alignment.
    unsafe { _mm512_storeu_si512(values.as_mut_ptr().cast(), vector) }
}
