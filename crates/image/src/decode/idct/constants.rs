//! The constants of the inverse DCT, as libjpeg's accurate integer transform rounds them.

/// Bits behind the point of the constants.
const CONST_BITS: i32 = 13;
/// Extra bits that values keep between the passes.
const PASS1_BITS: i32 = 2;
/// What the first pass shifts its sums by.
pub(super) const PASS1_SHIFT: i32 = CONST_BITS - PASS1_BITS;
/// What the second pass shifts its sums by; 3 bits are the √8 of each pass.
pub(super) const PASS2_SHIFT: i32 = CONST_BITS + PASS1_BITS + 3;
/// What the second pass adds before it shifts: half a step for rounding, and 128 for the level shift.
pub(super) const PASS2_BIAS: i32 = (1 << (PASS2_SHIFT - 1)) + (128 << PASS2_SHIFT);

/// The number 1.
pub(super) const ONE: i16 = 1 << CONST_BITS;
pub(super) const FIX_0_298: i16 = fix(0.298_631_336);
pub(super) const FIX_0_390: i16 = fix(0.390_180_644);
pub(super) const FIX_0_541: i16 = fix(0.541_196_100);
pub(super) const FIX_0_765: i16 = fix(0.765_366_865);
pub(super) const FIX_0_899: i16 = fix(0.899_976_223);
pub(super) const FIX_1_175: i16 = fix(1.175_875_602);
pub(super) const FIX_1_501: i16 = fix(1.501_321_110);
pub(super) const FIX_1_847: i16 = fix(1.847_759_065);
pub(super) const FIX_1_961: i16 = fix(1.961_570_560);
pub(super) const FIX_2_053: i16 = fix(2.053_119_869);
pub(super) const FIX_2_562: i16 = fix(2.562_915_447);
pub(super) const FIX_3_072: i16 = fix(3.072_711_026);
/// √2 · cos(π/8).
pub(super) const FIX_1_306: i16 = fix(1.306_562_965);

#[allow(clippy::cast_possible_truncation, reason = "no constant exceeds 3.1 · 2¹³")]
const fn fix(value: f64) -> i16 {
    (value * 8192.0 + 0.5) as i16
}
