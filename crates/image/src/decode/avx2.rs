//! Entropy decoding compiled for x86-64-v3: the same code as everywhere, with shifts and loads that need fewer
//! instructions.
#![allow(unsafe_code)]

use super::ac_scan::{AcScan, BitMoves, Blocks};
use super::coefficients::Coefficients;
use super::dc_scan::DcScan;
use super::entropy::{EntropyStream, Fault};
use super::mcus::{self, BlockPlan};
use crate::code_path::{CodePath, Runnable};

/// [`mcus::decode_mcus_with`], in the instructions of x86-64-v3.
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
    mcus::decode_mcus_with(stream, plan, count, predictors, coefficients)
}

/// [`AcScan::blocks`], in the instructions of x86-64-v3.
pub(super) fn ac_blocks(
    path: Runnable,
    side: usize,
    scan: &mut AcScan<'_>,
    stream: &mut EntropyStream<'_>,
    blocks: Blocks<'_>,
) -> Result<(), Option<Fault>> {
    assert!(path.path() != CodePath::Portable);
    // SAFETY: a `Runnable` that is not portable was made after the features named below were found.
    unsafe {
        match side {
            8 => ac_blocks_v3::<64>(scan, stream, blocks),
            4 => ac_blocks_v3::<16>(scan, stream, blocks),
            2 => ac_blocks_v3::<4>(scan, stream, blocks),
            _ => ac_blocks_v3::<1>(scan, stream, blocks),
        }
    }
}

#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,movbe,popcnt")]
fn ac_blocks_v3<const KEPT: usize>(
    scan: &mut AcScan<'_>,
    stream: &mut EntropyStream<'_>,
    blocks: Blocks<'_>,
) -> Result<(), Option<Fault>> {
    scan.blocks::<KEPT>(stream, blocks, Bmi2)
}

/// PDEP and PEXT. Made only in functions that are compiled for them.
#[derive(Clone, Copy)]
struct Bmi2;

impl BitMoves for Bmi2 {
    #[inline(always)]
    fn deposit(self, bits: u64, mask: u64) -> u64 {
        // SAFETY: the type is made in `ac_blocks_v3` alone, which runs on machines with BMI2 only.
        unsafe { std::arch::x86_64::_pdep_u64(bits, mask) }
    }

    #[inline(always)]
    fn extract(self, bits: u64, mask: u64) -> u64 {
        // SAFETY: as above.
        unsafe { std::arch::x86_64::_pext_u64(bits, mask) }
    }
}

/// [`DcScan::mcus`], in the instructions of x86-64-v3.
pub(super) fn dc_mcus(
    path: Runnable,
    scan: &mut DcScan<'_>,
    stream: &mut EntropyStream<'_>,
    from: (usize, usize),
    count: usize,
    components: &mut [Coefficients],
) -> Result<(), Option<Fault>> {
    assert!(path.path() != CodePath::Portable);
    // SAFETY: a `Runnable` that is not portable was made after the features named below were found.
    unsafe { dc_mcus_v3(scan, stream, from, count, components) }
}

#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,movbe,popcnt")]
fn dc_mcus_v3(
    scan: &mut DcScan<'_>,
    stream: &mut EntropyStream<'_>,
    from: (usize, usize),
    count: usize,
    components: &mut [Coefficients],
) -> Result<(), Option<Fault>> {
    scan.mcus(stream, from, count, components)
}
