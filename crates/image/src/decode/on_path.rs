//! Entropy decoding on a code path: the same code, compiled for each.

use super::ac_scan::{AcScan, Blocks, PlainMoves};
use super::coefficients::Coefficients;
use super::dc_scan::DcScan;
use super::entropy::{EntropyStream, Fault};
use super::mcus::{BlockPlan, decode_mcus_with};
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
use crate::code_path::CodePath;
use crate::code_path::Runnable;

/// Decodes some MCUs on a code path.
pub(super) fn decode_mcus(
    path: Runnable,
    stream: &mut EntropyStream<'_>,
    plan: &[BlockPlan<'_>],
    count: usize,
    predictors: &mut [i16; 4],
    coefficients: &mut [i16],
) -> Result<(), Option<Fault>> {
    match path.path() {
        #[cfg(target_arch = "x86_64")]
        CodePath::Avx512 | CodePath::Avx2 => {
            super::avx2::decode_mcus(path, stream, plan, count, predictors, coefficients)
        }
        _ => decode_mcus_with(stream, plan, count, predictors, coefficients),
    }
}

/// Decodes a run of blocks of an AC scan; `side` is the side of a block at its scale.
pub(super) fn ac_blocks(
    path: Runnable,
    side: usize,
    scan: &mut AcScan<'_>,
    stream: &mut EntropyStream<'_>,
    blocks: Blocks<'_>,
) -> Result<(), Option<Fault>> {
    match path.path() {
        #[cfg(target_arch = "x86_64")]
        CodePath::Avx512 | CodePath::Avx2 => super::avx2::ac_blocks(path, side, scan, stream, blocks),
        #[cfg(target_arch = "aarch64")]
        CodePath::Neon => match side {
            8 => scan.blocks_on_neon::<64>(stream, blocks),
            4 => scan.blocks_on_neon::<16>(stream, blocks),
            2 => scan.blocks_on_neon::<4>(stream, blocks),
            _ => scan.blocks_on_neon::<1>(stream, blocks),
        },
        _ => match side {
            8 => scan.blocks::<64>(stream, blocks, PlainMoves),
            4 => scan.blocks::<16>(stream, blocks, PlainMoves),
            2 => scan.blocks::<4>(stream, blocks, PlainMoves),
            _ => scan.blocks::<1>(stream, blocks, PlainMoves),
        },
    }
}

/// Decodes some MCUs of a DC scan.
pub(super) fn dc_mcus(
    path: Runnable,
    scan: &mut DcScan<'_>,
    stream: &mut EntropyStream<'_>,
    from: (usize, usize),
    count: usize,
    components: &mut [Coefficients],
) -> Result<(), Option<Fault>> {
    match path.path() {
        #[cfg(target_arch = "x86_64")]
        CodePath::Avx512 | CodePath::Avx2 => super::avx2::dc_mcus(path, scan, stream, from, count, components),
        #[cfg(target_arch = "aarch64")]
        CodePath::Neon => scan.mcus_on_neon(stream, from, count, components),
        _ => scan.mcus(stream, from, count, components),
    }
}
