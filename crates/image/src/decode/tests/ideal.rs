//! The integer transforms against the N-point inverse DCT in 64-bit floating point.
//!
//! The bounds are stated here and nowhere else: at 8×8 and 4×4 a sample is within 1 of the ideal one's nearest integer,
//! and seldom off at all; at 2×2 and 1×1, which have no constants but 1, it is the nearest integer itself, up to a tie.

use crate::code_path::{CodePath, Runnable};
use crate::decode::idct::{Dequantiser, inverse};
use crate::decode::layout::SPARE_BLOCKS;
use crate::header::tables::QuantTable;
use std::f64::consts::PI;

/// Blocks in a test.
const BLOCKS: usize = 400;

/// A generator of the xorshift family: the same numbers on every run.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn up_to(&mut self, most: i16) -> i16 {
        let span = i64::from(most) * 2 + 1;
        let number = self.next().cast_signed().rem_euclid(span) - i64::from(most);
        i16::try_from(number).expect("within 16 bits")
    }
}

/// Blocks as photographs have them: large coefficients are rare, and rarer the higher the frequency.
fn blocks(side: usize, numbers: &mut Numbers) -> Vec<i16> {
    let mut out = vec![0; (BLOCKS + SPARE_BLOCKS) * side * side];
    for block in out.chunks_exact_mut(side * side).take(BLOCKS) {
        for (at, value) in block.iter_mut().enumerate() {
            let (column, row) = (at / side, at % side);
            let most = if at == 0 { 500 } else { 300 / i16::try_from(1 + column * row + column + row).expect("small") };
            *value = if at == 0 || numbers.next().is_multiple_of(3) { numbers.up_to(most) } else { 0 };
        }
    }
    out
}

/// The N-point inverse DCT of a block kept column by column, of coefficients scaled for 8×8 blocks.
fn ideal(block: &[i16], side: usize) -> Vec<f64> {
    let n = f64::from(u32::try_from(side).expect("small"));
    let real = |i: usize| f64::from(u32::try_from(i).expect("small"));
    let basis = |k: usize, x: usize| {
        let scale = if k == 0 { (0.5f64).sqrt() } else { 1.0 };
        scale * 0.5 * ((2.0 * real(x) + 1.0) * real(k) * PI / (2.0 * n)).cos()
    };
    let sample = |x: usize, y: usize| -> f64 {
        (0..side * side).map(|at| f64::from(block[at]) * basis(at / side, x) * basis(at % side, y)).sum()
    };
    (0..side * side).map(|at| (sample(at % side, at / side) + 128.0).clamp(0.0, 255.0)).collect()
}

/// Samples that are not the ideal's nearest integers, as a share, and the largest distance from the ideal.
fn deviation(side: usize, path: CodePath) -> (f64, f64) {
    let table = QuantTable([1; 64]);
    let dequantiser = Dequantiser::new(&table, side);
    let coefficients = blocks(side, &mut Numbers(0x9E37_79B9_7F4A_7C15));
    let stride = (BLOCKS + SPARE_BLOCKS) * side;
    let mut samples = vec![0; stride * side];
    inverse(Runnable::new(path), &dequantiser, &coefficients, BLOCKS, &mut samples, stride);
    let (mut off, mut worst) = (0, 0f64);
    for (index, block) in coefficients.chunks_exact(side * side).take(BLOCKS).enumerate() {
        for (at, ideal) in ideal(block, side).into_iter().enumerate() {
            let distance = (f64::from(samples[at / side * stride + index * side + at % side]) - ideal).abs();
            off += u32::from(distance > 0.5 + 1e-9);
            worst = worst.max(distance);
        }
    }
    (f64::from(off) / f64::from(u32::try_from(BLOCKS * side * side).expect("small")), worst)
}

#[test]
fn scaled_transforms_are_those_of_mathematics() {
    for path in CodePath::available() {
        for (side, most_off, most) in [(8, 0.05, 0.8), (4, 0.05, 0.8), (2, 0.0, 0.5 + 1e-9), (1, 0.0, 0.5 + 1e-9)] {
            let (off, worst) = deviation(side, path);
            assert!(off <= most_off && worst <= most, "{path:?}, {side}×{side}: {off} are off, by {worst} at most");
        }
    }
}

#[test]
fn all_paths_agree_on_coefficients_that_no_picture_has() {
    let mut numbers = Numbers(42);
    for side in [8, 4, 2, 1] {
        let table = QuantTable(std::array::from_fn(|_| u16::try_from(numbers.next() % 65536).expect("16 bits")));
        let dequantiser = Dequantiser::new(&table, side);
        let coefficients: Vec<i16> =
            (0..(BLOCKS + SPARE_BLOCKS) * side * side).map(|_| numbers.up_to(i16::MAX)).collect();
        let stride = (BLOCKS + SPARE_BLOCKS) * side;
        let run = |path: CodePath| {
            let mut samples = vec![0; stride * side];
            inverse(Runnable::new(path), &dequantiser, &coefficients, BLOCKS, &mut samples, stride);
            samples.chunks(stride).flat_map(|row| row[..BLOCKS * side].to_vec()).collect::<Vec<u8>>()
        };
        let portable = run(CodePath::Portable);
        for path in CodePath::available() {
            assert!(run(path) == portable, "{path:?}, {side}×{side}");
        }
    }
}
