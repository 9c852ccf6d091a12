//! Weighted sums with AVX2; byte for byte those of [`portable`](super::portable).
//!
//! Two taps at a time: pairs of samples, widened to 16 bits, are multiplied with pairs of weights and added
//! (`vpmaddwd`), which is exact in 32 bits.
#![allow(unsafe_code)]

use std::arch::x86_64::{
    __m128i, __m256i, _MM_HINT_T0, _mm_cvtsi128_si32, _mm_loadu_si128, _mm_packus_epi16, _mm_prefetch,
    _mm_setzero_si128, _mm_storeu_si128, _mm_unpackhi_epi8, _mm_unpacklo_epi8, _mm256_add_epi32,
    _mm256_castsi128_si256, _mm256_castsi256_si128, _mm256_cvtepu8_epi16, _mm256_extracti128_si256,
    _mm256_inserti128_si256, _mm256_loadu_si256, _mm256_madd_epi16, _mm256_packs_epi32, _mm256_packus_epi16,
    _mm256_permute4x64_epi64, _mm256_set1_epi32, _mm256_setzero_si256, _mm256_shuffle_epi8, _mm256_srai_epi32,
    _mm256_storeu_si256, _mm256_unpackhi_epi8, _mm256_unpackhi_epi16, _mm256_unpackhi_epi32, _mm256_unpackhi_epi64,
    _mm256_unpacklo_epi8, _mm256_unpacklo_epi16, _mm256_unpacklo_epi32, _mm256_unpacklo_epi64,
};

use super::axis::{Axis, ONE_BITS};
use super::sheets::{AHEAD, Pairs, Place, ROWS, Sheets, sheets};
use crate::planes::Plane;

const ROUND: i32 = 1 << (ONE_BITS - 1);
/// Bytes of a vector.
const WIDE: usize = 32;
/// Output samples made at once.
const OUTS: usize = 8;

/// The narrowest row that [`blend`] can make.
pub(super) const LEAST_WIDTH: usize = WIDE;
/// How far beyond the last source sample in use [`gather`] may read.
pub(super) const SLACK: usize = 16;

/// Weights in pairs, as [`blend`] wants them.
pub(super) fn pairs(weights: &[i16]) -> Vec<i32> {
    weights.as_chunks().0.iter().map(|&[a, b]| i32::from(a) & 0xFFFF | i32::from(b) << 16).collect()
}

sheets! {
    features: "avx2", vector: __m256i, bytes: 32, parts: 2,
    load: load_32, store: store_32, store_16: store_16, turn: turn, narrow: narrow,
    prefetch: prefetch, zero: _mm256_setzero_si256, set: _mm256_set1_epi32, add: _mm256_add_epi32, madd: _mm256_madd_epi16, shift_right: _mm256_srai_epi32,
    packs: _mm256_packs_epi32, packus: _mm256_packus_epi16,
    low_8: _mm256_unpacklo_epi8, high_8: _mm256_unpackhi_epi8, low_16: _mm256_unpacklo_epi16, high_16: _mm256_unpackhi_epi16,
    low_32: _mm256_unpacklo_epi32, high_32: _mm256_unpackhi_epi32, low_64: _mm256_unpacklo_epi64, high_64: _mm256_unpackhi_epi64,
}

/// See [`sheets`](super::sheets).
pub(super) fn apply(plan: &Sheets, source: &Plane, out: &mut Plane) {
    assert!(available(), "AVX2 is asked for where it is not");
    // SAFETY: the processor has AVX2, as just asserted.
    unsafe { apply_sheets(plan, source, out) }
}

/// Puts sixteen columns of a sheet's lines into pairs: eight rows of a pair a vector.
#[inline]
#[target_feature(enable = "avx2")]
fn turn(lines: [&[u8; 16]; ROWS], pairs: &mut [ColumnPair; 8]) {
    let rows = std::array::from_fn(|row| {
        _mm256_inserti128_si256::<1>(_mm256_castsi128_si256(load_16(lines[row])), load_16(lines[row + 8]))
    });
    for (pair, both) in pairs.iter_mut().zip(exchange_8(rows)) {
        store_32(&mut pair[0].0, _mm256_cvtepu8_epi16(_mm256_castsi256_si128(both)));
        store_32(&mut pair[1].0, _mm256_cvtepu8_epi16(_mm256_extracti128_si256::<1>(both)));
    }
}

/// The sums of sixteen rows as bytes.
#[inline]
#[target_feature(enable = "avx2")]
fn narrow([top, end]: [__m256i; 2]) -> __m128i {
    let words = _mm256_permute4x64_epi64::<0b11_01_10_00>(_mm256_packs_epi32(top, end));
    _mm_packus_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256::<1>(words))
}

fn available() -> bool {
    std::arch::is_x86_feature_detected!("avx2")
}

/// See [`portable::blend`](super::portable::blend). `weights` are those of [`pairs`].
/// `ahead` are rows of the same length that will be wanted next: by then they have come from memory.
pub(super) fn blend(rows: &[&[u8]], ahead: &[&[u8]], weights: &[i32], out: &mut [u8]) {
    assert!(available(), "AVX2 is asked for where it is not");
    // SAFETY: the processor has AVX2, as just asserted.
    unsafe { blend_rows(rows, ahead, weights, out) }
}

#[target_feature(enable = "avx2")]
fn blend_rows(rows: &[&[u8]], ahead: &[&[u8]], weights: &[i32], out: &mut [u8]) {
    let last = out.len() - WIDE;
    let mut at = 0;
    loop {
        for row in ahead {
            prefetch(row, at);
        }
        blend_32(rows, weights, out, at);
        if at == last {
            return;
        }
        // The last vector overlaps the one before it, and writes the same bytes again.
        at = (at + WIDE).min(last);
    }
}

#[inline]
#[target_feature(enable = "avx2")]
fn blend_32(rows: &[&[u8]], weights: &[i32], out: &mut [u8], at: usize) {
    let zero = _mm256_setzero_si256();
    let mut sums = [_mm256_set1_epi32(ROUND); 4];
    for (&[a, b], &weight) in rows.as_chunks().0.iter().zip(weights) {
        let (a, b) = (load(a, at), load(b, at));
        let weight = _mm256_set1_epi32(weight);
        let (low, high) = (_mm256_unpacklo_epi8(a, b), _mm256_unpackhi_epi8(a, b));
        let widened = [
            _mm256_unpacklo_epi8(low, zero),
            _mm256_unpackhi_epi8(low, zero),
            _mm256_unpacklo_epi8(high, zero),
            _mm256_unpackhi_epi8(high, zero),
        ];
        for (sum, samples) in sums.iter_mut().zip(widened) {
            *sum = _mm256_add_epi32(*sum, _mm256_madd_epi16(samples, weight));
        }
    }
    let [a, b, c, d] = sums.map(|sum| _mm256_srai_epi32::<{ ONE_BITS.cast_signed() }>(sum));
    store(out, at, _mm256_packus_epi16(_mm256_packs_epi32(a, b), _mm256_packs_epi32(c, d)));
}

/// An axis laid out for [`gather`]: eight outputs at a time, four in each half of a vector.
pub(super) struct Layout {
    groups: Vec<Group>,
    /// For each group, for each pair of taps: eight pairs of weights.
    weights: Vec<[i16; 2 * OUTS]>,
    pairs: usize,
}

struct Group {
    /// First source sample of either half.
    bases: [usize; 2],
    /// Which bytes behind the base are the first pair of each output, widened to 16 bits.
    picks: [u8; WIDE],
}

impl Layout {
    /// `None` if four neighbouring outputs lie too far apart for one vector.
    pub(super) fn new(axis: &Axis, first: usize) -> Option<Self> {
        let pairs = axis.taps / 2;
        let mut layout = Self { groups: Vec::new(), weights: Vec::new(), pairs };
        for from in (0..axis.len()).step_by(OUTS) {
            let outs: [usize; OUTS] = std::array::from_fn(|i| (from + i).min(axis.len() - 1));
            layout.groups.push(Group::new(axis, first, outs)?);
            layout
                .weights
                .extend((0..pairs).map(|pair| std::array::from_fn(|i| axis.weights_of(outs[i / 2])[2 * pair + i % 2])));
        }
        Some(layout)
    }
}

impl Group {
    fn new(axis: &Axis, first: usize, outs: [usize; OUTS]) -> Option<Self> {
        let mut group = Self { bases: [0; 2], picks: [0x80; WIDE] };
        for (half, outs) in outs.as_chunks::<4>().0.iter().enumerate() {
            let base = outs.iter().map(|&j| axis.starts[j]).min()?;
            group.bases[half] = base as usize - first;
            for (i, &j) in outs.iter().enumerate() {
                let offset = u8::try_from(axis.starts[j] - base).ok().filter(|&offset| offset <= 14)?;
                group.picks[16 * half + 4 * i] = offset;
                group.picks[16 * half + 4 * i + 2] = offset + 1;
            }
        }
        Some(group)
    }
}

/// See [`portable::gather`](super::portable::gather).
pub(super) fn gather(layout: &Layout, row: &[u8], out: &mut [u8]) {
    assert!(available(), "AVX2 is asked for where it is not");
    // SAFETY: the processor has AVX2, as just asserted.
    unsafe { gather_row(layout, row, out) }
}

#[target_feature(enable = "avx2")]
fn gather_row(layout: &Layout, row: &[u8], out: &mut [u8]) {
    for (i, (group, out)) in layout.groups.iter().zip(out.chunks_mut(OUTS)).enumerate() {
        let weights = &layout.weights[i * layout.pairs..][..layout.pairs];
        let samples = gather_8(group, weights, row);
        out.copy_from_slice(&samples[..out.len()]);
    }
}

#[inline]
#[target_feature(enable = "avx2")]
fn gather_8(group: &Group, weights: &[[i16; 2 * OUTS]], row: &[u8]) -> [u8; OUTS] {
    let picks = load(&group.picks, 0);
    let mut sum = _mm256_set1_epi32(ROUND);
    for (pair, weights) in weights.iter().enumerate() {
        let low = load_half(row, group.bases[0] + 2 * pair);
        let high = load_half(row, group.bases[1] + 2 * pair);
        let samples = _mm256_inserti128_si256::<1>(_mm256_castsi128_si256(low), high);
        let samples = _mm256_shuffle_epi8(samples, picks);
        sum = _mm256_add_epi32(sum, _mm256_madd_epi16(samples, load_weights(weights)));
    }
    let sum = _mm256_srai_epi32::<{ ONE_BITS.cast_signed() }>(sum);
    let words = _mm256_packs_epi32(sum, sum);
    let bytes = _mm256_packus_epi16(words, words);
    let low = _mm_cvtsi128_si32(_mm256_castsi256_si128(bytes)).to_ne_bytes();
    let high = _mm_cvtsi128_si32(_mm256_extracti128_si256::<1>(bytes)).to_ne_bytes();
    [low[0], low[1], low[2], low[3], high[0], high[1], high[2], high[3]]
}

#[inline]
#[target_feature(enable = "avx2")]
fn load_16(bytes: &[u8; 16]) -> __m128i {
    // SAFETY: the reference is to 16 readable bytes, and the load asks for no alignment.
    unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx2")]
fn store_16(bytes: &mut [u8; 16], vector: __m128i) {
    // SAFETY: the reference is to 16 writable bytes, and the store asks for no alignment.
    unsafe { _mm_storeu_si128(bytes.as_mut_ptr().cast(), vector) }
}

#[inline]
#[target_feature(enable = "avx2")]
fn load_32(bytes: &[u8; WIDE]) -> __m256i {
    // SAFETY: the reference is to 32 readable bytes, and the load asks for no alignment.
    unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx2")]
fn store_32(bytes: &mut [u8; WIDE], vector: __m256i) {
    // SAFETY: the reference is to 32 writable bytes, and the store asks for no alignment.
    unsafe { _mm256_storeu_si256(bytes.as_mut_ptr().cast(), vector) }
}

#[inline]
fn prefetch(bytes: &[u8], at: usize) {
    // SAFETY: the processor takes an address as a hint, and may be given any.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(bytes.as_ptr().wrapping_add(at).cast()) }
}

#[inline]
#[target_feature(enable = "avx2")]
fn load(bytes: &[u8], at: usize) -> __m256i {
    let bytes: &[u8; WIDE] = bytes[at..].first_chunk().expect("a whole vector");
    // SAFETY: the reference is to 32 readable bytes, and the load asks for no alignment.
    unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx2")]
fn load_half(bytes: &[u8], at: usize) -> __m128i {
    let bytes: &[u8; 16] = bytes[at..].first_chunk().expect("half a vector");
    // SAFETY: the reference is to 16 readable bytes, and the load asks for no alignment.
    unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx2")]
fn load_weights(weights: &[i16; 2 * OUTS]) -> __m256i {
    // SAFETY: the reference is to 32 readable bytes, and the load asks for no alignment.
    unsafe { _mm256_loadu_si256(weights.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx2")]
fn store(bytes: &mut [u8], at: usize, vector: __m256i) {
    let bytes: &mut [u8; WIDE] = bytes[at..].first_chunk_mut().expect("a whole vector");
    // SAFETY: the reference is to 32 writable bytes, and the store asks for no alignment.
    unsafe { _mm256_storeu_si256(bytes.as_mut_ptr().cast(), vector) }
}
