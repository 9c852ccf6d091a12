//! Entropy decoding compiled for x86-64-v3: the same code as everywhere, with shifts and loads that need fewer
//! instructions.
#![allow(unsafe_code)]

use super::entropy::{EntropyStream, Fault};
use super::sequential::{self, BlockPlan};
use crate::code_path::{CodePath, Runnable};

/// [`sequential::decode_mcus_with`], in the instructions of x86-64-v3.
pub(super) fn decode_mcus(
    path: Runnable,
    stream: &mut EntropyStream<'_>,
    plan: &[BlockPlan<'_>],
    count: usize,
    predictors: &mut [i16; 4],
    coefficients: &mut [i16],
) -> Result<(), Option<Fault>> {
    assert!(path.path() != CodePath::Portable);
    // SAFETY: a `Runnable` that is not portable was made after the features named below were found.
    unsafe { decode_mcus_v3(stream, plan, count, predictors, coefficients) }
}

#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,movbe,popcnt")]
fn decode_mcus_v3(
    stream: &mut EntropyStream<'_>,
    plan: &[BlockPlan<'_>],
    count: usize,
    predictors: &mut [i16; 4],
    coefficients: &mut [i16],
) -> Result<(), Option<Fault>> {
    sequential::decode_mcus_with(stream, plan, count, predictors, coefficients)
}
