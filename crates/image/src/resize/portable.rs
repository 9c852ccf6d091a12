//! Weighted sums without SIMD: the meaning that the other code paths have to match byte for byte.
//!
//! The loops are written so that a compiler turns them into vector code where it can.

use super::axis::{Axis, ONE_BITS};

const ROUND: i32 = 1 << (ONE_BITS - 1);
const BLOCK: usize = 64;

/// Blends whole rows into one: each sample of `out` is the weighted sum of the samples above each other in `rows`.
pub(super) fn blend(rows: &[&[u8]], weights: &[i16], out: &mut [u8]) {
    for (block, out) in out.chunks_mut(BLOCK).enumerate() {
        let mut sums = [ROUND; BLOCK];
        for (row, &weight) in rows.iter().zip(weights) {
            let row = &row[block * BLOCK..][..out.len()];
            for (sum, &sample) in sums.iter_mut().zip(row) {
                *sum += i32::from(sample) * i32::from(weight);
            }
        }
        for (sample, &sum) in out.iter_mut().zip(&sums) {
            *sample = to_sample(sum);
        }
    }
}

/// Makes a row of `axis.len()` samples from `row`, whose first sample is number `first` of the source.
pub(super) fn gather(axis: &Axis, first: usize, row: &[u8], out: &mut [u8]) {
    for (j, sample) in out.iter_mut().enumerate() {
        let source = &row[axis.starts[j] as usize - first..][..axis.taps];
        let products = source.iter().zip(axis.weights_of(j)).map(|(&s, &w)| i32::from(s) * i32::from(w));
        *sample = to_sample(ROUND + products.sum::<i32>());
    }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to a byte just before")]
fn to_sample(sum: i32) -> u8 {
    (sum >> ONE_BITS).clamp(0, 255) as u8
}
