//! Quantisation tables: those of Annex K of ITU-T T.81, scaled by quality as the Independent JPEG Group does.

use super::zigzag;

#[rustfmt::skip]
const LUMA: [u8; 64] = [
    16, 11, 10, 16,  24,  40,  51,  61,
    12, 12, 14, 19,  26,  58,  60,  55,
    14, 13, 16, 24,  40,  57,  69,  56,
    14, 17, 22, 29,  51,  87,  80,  62,
    18, 22, 37, 56,  68, 109, 103,  77,
    24, 35, 55, 64,  81, 104, 113,  92,
    49, 64, 78, 87, 103, 121, 120, 101,
    72, 92, 95, 98, 112, 100, 103,  99,
];

#[rustfmt::skip]
const CHROMA: [u8; 64] = [
    17, 18, 24, 47, 99, 99, 99, 99,
    18, 21, 26, 66, 99, 99, 99, 99,
    24, 26, 56, 99, 99, 99, 99, 99,
    47, 66, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99,
];

/// What a table of the file is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Channel {
    Luma,
    Chroma,
}

/// A quantisation table, and what it takes to divide by it without dividing.
///
/// Everything but [`Self::zigzag`] is in transposed order, the one in which the forward DCT leaves its coefficients.
#[repr(align(64))]
pub(super) struct Quantiser {
    /// Half of each divisor, so that the quotient is rounded. The divisors are eight times those of the file, because
    /// the forward DCT leaves eight times the values.
    pub(super) halves: [u16; 64],
    /// `(x × factor >> 16) × shift >> 16` is `x / divisor` for every `x` below 2¹⁵.
    pub(super) factors: [u16; 64],
    pub(super) shifts: [u16; 64],
    /// As the file has it.
    pub(super) zigzag: [u8; 64],
}

impl Quantiser {
    /// The table for a quality of 1 to 100.
    pub(super) fn new(channel: Channel, quality: u8) -> Self {
        let base = match channel {
            Channel::Luma => &LUMA,
            Channel::Chroma => &CHROMA,
        };
        let natural = base.map(|value| scaled(value, quality));
        let divisors: [u16; 64] = std::array::from_fn(|i| 8 * u16::from(natural[i % 8 * 8 + i / 8]));
        Self {
            halves: divisors.map(|divisor| divisor / 2),
            factors: divisors.map(|divisor| reciprocal(divisor).0),
            shifts: divisors.map(|divisor| reciprocal(divisor).1),
            zigzag: std::array::from_fn(|k| natural[usize::from(zigzag::NATURAL[k])]),
        }
    }
}

fn scaled(value: u8, quality: u8) -> u8 {
    let quality = u32::from(quality.clamp(1, 100));
    let percent = if quality < 50 { 5000 / quality } else { 200 - 2 * quality };
    let scaled = (u32::from(value) * percent + 50) / 100;
    u8::try_from(scaled.clamp(1, 255)).unwrap_or(u8::MAX)
}

/// Factor and shift for a divisor of 8 to 2040.
///
/// With 2ˢ the largest power of two below the divisor, the factor is 2¹⁶⁺ˢ over the divisor, rounded up. It is too large by less
/// than the divisor's share, which for a dividend below 2¹⁵ never reaches the next quotient.
fn reciprocal(divisor: u16) -> (u16, u16) {
    let shift = (u32::from(divisor) - 1).ilog2();
    let factor = (1_u32 << (16 + shift)).div_ceil(u32::from(divisor));
    (u16::try_from(factor).unwrap_or(u16::MAX), 1 << (16 - shift))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn multiplying_is_dividing() {
        for divisor in (8..=2040).step_by(8) {
            let (factor, shift) = reciprocal(divisor);
            for x in 0..1_u32 << 15 {
                let quotient = (((x * u32::from(factor)) >> 16) * u32::from(shift)) >> 16;
                assert_eq!(quotient, x / u32::from(divisor), "{x} / {divisor}");
            }
        }
    }

    #[test]
    fn tables_follow_the_quality() {
        let first = |quality| Quantiser::new(Channel::Luma, quality).zigzag[..3].to_vec();
        assert_eq!(first(50), [16, 11, 12]);
        assert_eq!(first(82), [6, 4, 4]);
        assert_eq!(first(100), [1, 1, 1]);
        assert_eq!(first(1), [255, 255, 255]);
    }
}
