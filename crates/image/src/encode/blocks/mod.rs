//! From samples to quantised coefficients: forward DCT and quantisation of [`WIDE`] neighbouring blocks at a time.
//!
//! The DCT is the accurate integer one of Loeffler, Ligtenberg and Moschytz with 13-bit constants, columns first. The
//! portable code is its meaning; the vector code paths do the same operations and give the same coefficients.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "x86_64")]
mod lanes;
#[cfg(target_arch = "aarch64")]
mod neon;
mod portable;
#[cfg(target_arch = "x86_64")]
mod sse2;

use super::quantise::Quantiser;
use super::zigzag;
use crate::code_path::CodePath;

/// Blocks side by side that are transformed at once.
pub(super) const WIDE: usize = 4;

/// Quantised coefficients of a block, in the order that [`in_order`] tells.
#[derive(Clone, Copy)]
#[repr(align(64))]
pub(super) struct Block {
    pub(super) coefficients: [i16; 64],
    /// Which coefficients are not zero, in the order of the file: bit 0 is the lowest frequency.
    pub(super) set: u64,
}

impl Block {
    pub(super) const ZERO: Self = Self { coefficients: [0; 64], set: 0 };

    /// The coefficient that stands at a place of the file.
    #[inline]
    pub(super) fn coefficient<const IN_ORDER: bool>(&self, place: usize) -> i32 {
        let place = if IN_ORDER { place } else { usize::from(zigzag::TRANSPOSED[place & 63]) };
        i32::from(self.coefficients[place & 63])
    }
}

/// Constants of the DCT, 13 bits behind the point.
mod constant {
    pub(super) const F0_298: i16 = 2446;
    pub(super) const F0_390: i16 = 3196;
    pub(super) const F0_541: i16 = 4433;
    pub(super) const F0_765: i16 = 6270;
    pub(super) const F0_899: i16 = 7373;
    pub(super) const F1_175: i16 = 9633;
    pub(super) const F1_501: i16 = 12299;
    pub(super) const F1_847: i16 = 15137;
    pub(super) const F1_961: i16 = 16069;
    pub(super) const F2_053: i16 = 16819;
    pub(super) const F2_562: i16 = 20995;
    pub(super) const F3_072: i16 = 25172;
}

/// Bits behind the point of the constants, and of the values between both passes.
const CONSTANT_BITS: u32 = 13;
const BETWEEN_BITS: u32 = 2;

/// Whether the blocks of this code path are in the order of the file; if not, they are in transposed order.
pub(super) fn in_order(path: CodePath) -> bool {
    path == CodePath::Avx512
}

/// Transforms the blocks whose first sample is `samples[0]`, of a plane with this stride.
pub(super) fn transform(samples: &[u8], stride: usize, by: &Quantiser, path: CodePath, out: &mut [Block; WIDE]) {
    match path {
        #[cfg(target_arch = "x86_64")]
        CodePath::Avx512 => avx512::transform(samples, stride, by, out),
        #[cfg(target_arch = "x86_64")]
        CodePath::Avx2 => avx2::transform(samples, stride, by, out),
        #[cfg(target_arch = "aarch64")]
        CodePath::Neon => neon::transform(samples, stride, by, out),
        _ => portable::transform(samples, stride, by, out),
    }
}

#[cfg(test)]
#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "small numbers, made up")]
mod tests {
    use super::super::quantise::Channel;
    use super::*;

    /// The blocks in the order of the file.
    fn coefficients(samples: &[u8], by: &Quantiser, path: CodePath) -> Vec<([i32; 64], u64)> {
        let mut out = [Block::ZERO; WIDE];
        transform(samples, 32, by, path, &mut out);
        let in_order = in_order(path);
        let value =
            |block: &Block, k| if in_order { block.coefficient::<true>(k) } else { block.coefficient::<false>(k) };
        out.iter().map(|block| (std::array::from_fn(|k| value(block, k)), block.set)).collect()
    }

    fn pictures() -> Vec<Vec<u8>> {
        let mut state = 1_u32;
        let mut noise = move || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        let mut pictures: Vec<Vec<u8>> = (0..200).map(|_| (0..256).map(|_| noise()).collect()).collect();
        pictures.push(vec![0; 256]);
        pictures.push(vec![255; 256]);
        pictures.push((0..256).map(|i| if (i + i / 32) % 2 == 0 { 0 } else { 255 }).collect());
        pictures.push((0..=255).collect());
        pictures
    }

    #[test]
    fn all_code_paths_make_the_same_coefficients() {
        for quality in [1, 50, 82, 100] {
            let by = Quantiser::new(Channel::Luma, quality);
            for samples in pictures() {
                let want = coefficients(&samples, &by, CodePath::Portable);
                for path in CodePath::available() {
                    assert_eq!(coefficients(&samples, &by, path), want, "{path:?}");
                }
                let mut plain = [Block::ZERO; WIDE];
                portable::plain(&samples, 32, &by, &mut plain);
                for (block, (values, set)) in plain.iter().zip(&want) {
                    assert_eq!(block.set, *set, "Rust alone");
                    assert!((0..64).all(|k| block.coefficient::<false>(k) == values[k]), "Rust alone");
                }
                for (values, set) in want {
                    assert!((0..64).all(|k| (set >> k & 1 == 1) == (values[k] != 0)));
                }
            }
        }
    }

    #[test]
    fn the_transform_is_a_dct() {
        let by = Quantiser::new(Channel::Luma, 100);
        for samples in pictures() {
            let got = coefficients(&samples, &by, CodePath::Portable);
            for (v, u) in (0..8).flat_map(|v| (0..8).map(move |u| (v, u))) {
                let k = zigzag::NATURAL.iter().position(|&at| usize::from(at) == v * 8 + u).unwrap();
                let want = exact(&samples, v, u);
                assert!((f64::from(got[0].0[k]) - want).abs() <= 0.75, "{v} {u}: {} {want}", got[0].0[k]);
            }
        }
    }

    fn exact(samples: &[u8], v: usize, u: usize) -> f64 {
        let basis = |x: usize, u: usize| (((2 * x + 1) * u) as f64 * std::f64::consts::PI / 16.0).cos();
        let scale = |u: usize| if u == 0 { 0.5_f64.sqrt() } else { 1.0 };
        let sum: f64 =
            (0..64).map(|i| (f64::from(samples[i / 8 * 32 + i % 8]) - 128.0) * basis(i % 8, u) * basis(i / 8, v)).sum();
        sum * scale(u) * scale(v) / 4.0
    }
}
