//! Weighted sums with AVX-512 (VBMI and VNNI); byte for byte those of [`portable`](super::portable).
//!
//! Four taps at a time: `vpdpbusd` multiplies bytes with signed bytes and adds four products in 32 bits, so a 16-bit
//! weight is taken apart into two (`256 × high + low`) whose sums are put together at the end. All of it is exact.
#![allow(unsafe_code)]

use std::arch::x86_64::{
    __m128i, __m512i, _MM_HINT_T0, _mm_prefetch, _mm_storeu_si128, _mm512_add_epi32, _mm512_cvtusepi32_epi8,
    _mm512_dpbusd_epi32, _mm512_loadu_si512, _mm512_max_epi32, _mm512_packs_epi32, _mm512_packus_epi16,
    _mm512_permutex2var_epi8, _mm512_permutexvar_epi8, _mm512_set1_epi32, _mm512_setzero_si512, _mm512_slli_epi32,
    _mm512_srai_epi32, _mm512_storeu_si512, _mm512_unpackhi_epi8, _mm512_unpackhi_epi16, _mm512_unpacklo_epi8,
    _mm512_unpacklo_epi16,
};

use super::axis::{Axis, GROUP, ONE_BITS};

const ROUND: i32 = 1 << (ONE_BITS - 1);
/// Bytes of a vector.
const WIDE: usize = 64;
/// Output samples made at once.
const OUTS: usize = 16;

/// The narrowest row that [`blend`] can make.
pub(super) const LEAST_WIDTH: usize = WIDE;
/// How far beyond the last source sample in use [`gather`] may read.
pub(super) const SLACK: usize = 2 * WIDE;

/// A weight as `256 × high + low`.
fn split(weight: i16) -> (i8, i8) {
    let [low, _] = weight.to_le_bytes();
    let low = low.cast_signed();
    let high = (i32::from(weight) - i32::from(low)) >> 8;
    (i8::try_from(high).unwrap_or(i8::MAX), low)
}

/// Weights in fours, high parts and low parts, as [`blend`] wants them.
pub(super) fn fours(weights: &[i16]) -> Vec<[i32; 2]> {
    let pack = |part: [i8; GROUP]| i32::from_le_bytes(part.map(i8::cast_unsigned));
    let fours = weights.as_chunks::<GROUP>().0.iter().map(|four| four.map(split));
    fours.map(|parts| [pack(parts.map(|part| part.0)), pack(parts.map(|part| part.1))]).collect()
}

fn available() -> bool {
    use std::arch::is_x86_feature_detected as has;
    has!("avx512f") && has!("avx512bw") && has!("avx512vbmi") && has!("avx512vnni")
}

/// See [`portable::blend`](super::portable::blend). `weights` are those of [`fours`].
/// `ahead` are rows of the same length that will be wanted next: by then they have come from memory.
pub(super) fn blend(rows: &[&[u8]], ahead: &[&[u8]], weights: &[[i32; 2]], out: &mut [u8]) {
    assert!(available(), "AVX-512 is asked for where it is not");
    // SAFETY: the processor has what the function is compiled for, as just asserted.
    unsafe { blend_rows(rows, ahead, weights, out) }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn blend_rows(rows: &[&[u8]], ahead: &[&[u8]], weights: &[[i32; 2]], out: &mut [u8]) {
    let last = out.len() - WIDE;
    let mut at = 0;
    loop {
        for row in ahead {
            prefetch(row, at);
        }
        blend_64(rows, weights, out, at);
        if at == last {
            return;
        }
        // The last vector overlaps the one before it, and writes the same bytes again.
        at = (at + WIDE).min(last);
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn blend_64(rows: &[&[u8]], weights: &[[i32; 2]], out: &mut [u8], at: usize) {
    let mut highs = [_mm512_setzero_si512(); 4];
    let mut lows = [_mm512_set1_epi32(ROUND); 4];
    for (four, weights) in rows.as_chunks::<GROUP>().0.iter().zip(weights) {
        let [a, b, c, d] = four.map(|row| load(row, at));
        let (ab, cd) = (_mm512_unpacklo_epi8(a, b), _mm512_unpacklo_epi8(c, d));
        let (ab_high, cd_high) = (_mm512_unpackhi_epi8(a, b), _mm512_unpackhi_epi8(c, d));
        let samples = [
            _mm512_unpacklo_epi16(ab, cd),
            _mm512_unpackhi_epi16(ab, cd),
            _mm512_unpacklo_epi16(ab_high, cd_high),
            _mm512_unpackhi_epi16(ab_high, cd_high),
        ];
        let [high, low] = weights.map(|weight| _mm512_set1_epi32(weight));
        for i in 0..4 {
            highs[i] = _mm512_dpbusd_epi32(highs[i], samples[i], high);
            lows[i] = _mm512_dpbusd_epi32(lows[i], samples[i], low);
        }
    }
    let sums: [__m512i; 4] = std::array::from_fn(|i| together(highs[i], lows[i]));
    let words = [_mm512_packs_epi32(sums[0], sums[1]), _mm512_packs_epi32(sums[2], sums[3])];
    store(out, at, _mm512_packus_epi16(words[0], words[1]));
}

/// The sum of both parts, as a whole number.
#[inline]
#[target_feature(enable = "avx512f")]
fn together(high: __m512i, low: __m512i) -> __m512i {
    _mm512_srai_epi32::<ONE_BITS>(_mm512_add_epi32(_mm512_slli_epi32::<8>(high), low))
}

/// An axis laid out for [`gather`]: sixteen outputs at a time.
pub(super) struct Layout {
    /// The first source sample of each group of outputs.
    bases: Vec<usize>,
    /// For each group, for each four taps.
    taps: Vec<Taps>,
    fours: usize,
    /// Whether a group needs more than one vector of source samples.
    wide: bool,
}

#[repr(align(64))]
struct Taps {
    /// Which bytes behind the base are the four of each output.
    picks: [u8; WIDE],
    high: [i8; WIDE],
    low: [i8; WIDE],
}

impl Layout {
    /// `None` if sixteen neighbouring outputs lie too far apart for two vectors.
    pub(super) fn new(axis: &Axis, first: usize) -> Option<Self> {
        let fours = axis.taps / GROUP;
        let groups = axis.len().div_ceil(OUTS);
        let mut layout =
            Self { bases: Vec::with_capacity(groups), taps: Vec::with_capacity(groups * fours), fours, wide: false };
        for from in (0..axis.len()).step_by(OUTS) {
            let outs: [usize; OUTS] = std::array::from_fn(|i| (from + i).min(axis.len() - 1));
            let base = outs.iter().map(|&j| axis.starts[j] as usize).min()?;
            let end = outs.iter().map(|&j| axis.starts[j] as usize + axis.taps).max()?;
            if end - base > 2 * WIDE {
                return None;
            }
            layout.wide |= end - base > WIDE;
            layout.bases.push(base - first);
            layout.taps.extend((0..fours).map(|four| Taps::new(axis, base, &outs, four * GROUP)));
        }
        Some(layout)
    }
}

impl Taps {
    fn new(axis: &Axis, base: usize, outs: &[usize; OUTS], from: usize) -> Self {
        let mut taps = Self { picks: [0; WIDE], high: [0; WIDE], low: [0; WIDE] };
        for (i, &j) in outs.iter().enumerate() {
            let offset = axis.starts[j] as usize - base + from;
            let weights = &axis.weights_of(j)[from..from + GROUP];
            for (k, &weight) in weights.iter().enumerate() {
                let (high, low) = split(weight);
                taps.picks[GROUP * i + k] = u8::try_from(offset + k).unwrap_or(u8::MAX);
                taps.high[GROUP * i + k] = high;
                taps.low[GROUP * i + k] = low;
            }
        }
        taps
    }
}

/// See [`portable::gather`](super::portable::gather); several rows of one width at once, to load the weights once.
pub(super) fn gather<const ROWS: usize>(layout: &Layout, rows: [&[u8]; ROWS], outs: [&mut [u8]; ROWS]) {
    assert!(available(), "AVX-512 is asked for where it is not");
    // SAFETY: the processor has what the function is compiled for, as just asserted.
    unsafe { gather_rows(layout, rows, outs) }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vnni")]
fn gather_rows<const ROWS: usize>(layout: &Layout, rows: [&[u8]; ROWS], mut outs: [&mut [u8]; ROWS]) {
    for (group, &base) in layout.bases.iter().enumerate() {
        let taps = &layout.taps[group * layout.fours..][..layout.fours];
        let samples = if layout.wide {
            gather_16::<ROWS, true>(taps, rows, base)
        } else {
            gather_16::<ROWS, false>(taps, rows, base)
        };
        for (out, samples) in outs.iter_mut().zip(samples) {
            let place = &mut out[group * OUTS..];
            match place.first_chunk_mut() {
                Some(place) => store_16(place, samples),
                None => store_some(place, samples),
            }
        }
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vnni")]
fn gather_16<const ROWS: usize, const WIDER: bool>(taps: &[Taps], rows: [&[u8]; ROWS], base: usize) -> [__m128i; ROWS] {
    let mut highs = [_mm512_setzero_si512(); ROWS];
    let mut lows = [_mm512_set1_epi32(ROUND); ROWS];
    let near = rows.map(|row| load(row, base));
    let far = rows.map(|row| if WIDER { load(row, base + WIDE) } else { _mm512_setzero_si512() });
    for taps in taps {
        let picks = load(&taps.picks, 0);
        let (high, low) = (load_signed(&taps.high), load_signed(&taps.low));
        for i in 0..ROWS {
            let samples = if WIDER {
                _mm512_permutex2var_epi8(near[i], picks, far[i])
            } else {
                _mm512_permutexvar_epi8(picks, near[i])
            };
            highs[i] = _mm512_dpbusd_epi32(highs[i], samples, high);
            lows[i] = _mm512_dpbusd_epi32(lows[i], samples, low);
        }
    }
    std::array::from_fn(|i| {
        let sum = _mm512_max_epi32(together(highs[i], lows[i]), _mm512_setzero_si512());
        _mm512_cvtusepi32_epi8(sum)
    })
}

#[inline]
fn prefetch(bytes: &[u8], at: usize) {
    // SAFETY: the processor takes an address as a hint, and may be given any.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(bytes[at..].as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn load(bytes: &[u8], at: usize) -> __m512i {
    let bytes: &[u8; WIDE] = bytes[at..].first_chunk().expect("a whole vector");
    // SAFETY: the reference is to 64 readable bytes, and the load asks for no alignment.
    unsafe { _mm512_loadu_si512(bytes.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn load_signed(bytes: &[i8; WIDE]) -> __m512i {
    // SAFETY: the reference is to 64 readable bytes, and the load asks for no alignment.
    unsafe { _mm512_loadu_si512(bytes.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn store(bytes: &mut [u8], at: usize, vector: __m512i) {
    let bytes: &mut [u8; WIDE] = bytes[at..].first_chunk_mut().expect("a whole vector");
    // SAFETY: the reference is to 64 writable bytes, and the store asks for no alignment.
    unsafe { _mm512_storeu_si512(bytes.as_mut_ptr().cast(), vector) }
}

#[inline]
#[target_feature(enable = "sse2")]
fn store_16(bytes: &mut [u8; OUTS], vector: __m128i) {
    // SAFETY: the reference is to 16 writable bytes, and the store asks for no alignment.
    unsafe { _mm_storeu_si128(bytes.as_mut_ptr().cast(), vector) }
}

#[inline]
#[target_feature(enable = "sse2")]
fn store_some(bytes: &mut [u8], vector: __m128i) {
    let mut whole = [0; OUTS];
    store_16(&mut whole, vector);
    bytes.copy_from_slice(&whole[..bytes.len()]);
}
