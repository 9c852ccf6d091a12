//! The inverse DCT of blocks at 8×8, 4×4, 2×2 and 1×1 samples, with dequantisation.
//!
//! At 8×8 the arithmetic is that of libjpeg's accurate integer transform; at the smaller sizes it is the N-point
//! inverse DCT of the N lowest frequencies in the same fixed-point arithmetic. All paths calculate in the same widths,
//! wrap and saturate at the same places, and so give the same bytes for any coefficients, possible ones or not.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod constants;
#[cfg(target_arch = "aarch64")]
mod neon;
mod order;
mod portable;
#[cfg(target_arch = "x86_64")]
mod simd_lanes;
#[cfg(target_arch = "x86_64")]
mod sse2;

pub(super) use order::Order;

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
use crate::code_path::CodePath;
use crate::code_path::Runnable;
use crate::header::tables::{QuantTable, ZIGZAG};

/// The steps of a component, in the order in which its blocks keep their coefficients (column by column).
#[derive(Clone)]
pub(super) struct Dequantiser {
    steps: [i16; 64],
    side: usize,
}

impl Dequantiser {
    /// The steps for blocks of a side.
    pub(super) fn new(table: &QuantTable, side: usize) -> Self {
        let mut steps = [0; 64];
        for (&natural, &step) in ZIGZAG.iter().zip(&table.0) {
            let (row, column) = (usize::from(natural) / 8, usize::from(natural) % 8);
            if row < side && column < side {
                steps[column * side + row] = step.cast_signed();
            }
        }
        Self { steps, side }
    }

    /// Side of the blocks in samples.
    pub(super) fn side(&self) -> usize {
        self.side
    }
}

/// Transforms `blocks` blocks that lie one behind the other into samples that lie side by side.
///
/// `samples` begins at the first row's first sample. Up to [`super::layout::SPARE_BLOCKS`] more blocks than asked for
/// may be read and written.
pub(super) fn inverse(
    path: Runnable,
    dequantiser: &Dequantiser,
    coefficients: &[i16],
    blocks: usize,
    samples: &mut [u8],
    stride: usize,
) {
    match (path.path(), dequantiser.side) {
        #[cfg(target_arch = "x86_64")]
        (CodePath::Avx512, 8) => avx512::inverse_8(path, dequantiser, coefficients, blocks, samples, stride),
        #[cfg(target_arch = "x86_64")]
        (CodePath::Avx512 | CodePath::Avx2, 8 | 4) => {
            avx2::inverse(path, dequantiser, coefficients, blocks, samples, stride);
        }
        #[cfg(target_arch = "aarch64")]
        (CodePath::Neon, 8 | 4) => neon::inverse(dequantiser, coefficients, blocks, samples, stride),
        _ => portable::inverse(dequantiser, coefficients, blocks, samples, stride),
    }
}

#[cfg(all(test, target_arch = "x86_64"))]
#[allow(clippy::cast_possible_truncation, reason = "made up")]
mod tests {
    use super::*;

    /// What every machine runs is held against Rust alone; `tests/code_paths.rs` holds the other paths against it.
    #[test]
    fn sse2_makes_the_bytes_of_plain_rust() {
        let mut state = 7_u32;
        let mut noise = move || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 16) as i16
        };
        for side in [4, 8] {
            for shift in [0, 3, 6, 9, 12] {
                let table = QuantTable(std::array::from_fn(|_| noise().unsigned_abs() >> 8));
                let dequantiser = Dequantiser::new(&table, side);
                let coefficients: Vec<i16> = (0..64 * 32).map(|_| noise() >> shift).collect();
                let stride = 40 * side;
                let (mut ours, mut plain) = (vec![0; stride * side], vec![0; stride * side]);
                sse2::inverse(&dequantiser, &coefficients, 30, &mut ours, stride);
                portable::plain(&dequantiser, &coefficients, 30, &mut plain, stride);
                assert!(ours == plain, "{side} {shift}");
            }
        }
    }
}
