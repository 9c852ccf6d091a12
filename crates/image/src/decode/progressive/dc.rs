//! DC scans of a progressive picture: the first, with differences, and the refinements of one bit a block.

use super::super::entropy::{EntropyStream, Fault};
use super::super::layout::Layout;
use super::super::sequential::McuGrid;
use super::super::state::TableState;
use super::Coefficients;
use crate::header::scan::ScanHeader;
use crate::reason::Rejection;

/// Decodes a DC scan, interleaved or not.
pub(super) fn decode(
    stream: &mut EntropyStream<'_>,
    scan: &ScanHeader,
    mcus: McuGrid,
    layout: &Layout,
    components: &mut [Coefficients],
    tables: &mut TableState,
) -> Result<(), Rejection> {
    if scan.is_first() {
        for part in &scan.components {
            tables.build_dc(part.dc_table)?;
        }
    }
    let interval = tables.restart_interval as usize;
    let mut to_restart = if interval == 0 { usize::MAX } else { interval };
    let mut predictors = [0i32; 4];
    for y in 0..mcus.high {
        for x in 0..mcus.wide {
            if to_restart == 0 {
                stream.next_interval()?;
                (predictors, to_restart) = ([0; 4], interval);
            }
            to_restart -= 1;
            let decoded = mcu(stream, scan, mcus, (x, y), layout, components, tables, &mut predictors)?;
            if decoded.is_err() || stream.overrun() {
                return Err(stream.reject(decoded.err()));
            }
        }
    }
    Ok(())
}

/// Decodes the blocks of an MCU.
#[allow(clippy::too_many_arguments, reason = "one call, in the loop above")]
fn mcu(
    stream: &mut EntropyStream<'_>,
    scan: &ScanHeader,
    mcus: McuGrid,
    (x, y): (usize, usize),
    layout: &Layout,
    components: &mut [Coefficients],
    tables: &TableState,
    predictors: &mut [i32; 4],
) -> Result<Result<(), Fault>, Rejection> {
    stream.prepare();
    let mut reader = stream.reader();
    let mut outcome = Ok(());
    for (part, predictor) in scan.components.iter().zip(predictors) {
        let own = &layout.components[part.index];
        let (h, v) = if mcus.interleaved { (own.h, own.v) } else { (1, 1) };
        let table = if scan.is_first() { Some(tables.dc(part.dc_table)?) } else { None };
        let values = &mut components[part.index].values;
        for (row, column) in (0..v).flat_map(|row| (0..h).map(move |column| (row, column))) {
            let value = &mut values[((y * v + row) * own.padded_wide + x * h + column) * own.kept()];
            reader.refill();
            match table.map(|table| table.read_difference(&mut reader)) {
                Some(Ok(difference)) => {
                    *predictor = predictor.wrapping_add(difference);
                    *value = shifted(*predictor, scan.low);
                }
                Some(Err(fault)) => outcome = Err(fault),
                None => *value |= shifted(reader.take(1).cast_signed(), scan.low),
            }
        }
    }
    let (at, bits, count) = (reader.at, reader.bits, reader.count);
    stream.resume(at, bits, count);
    Ok(outcome)
}

/// A coefficient at its bit position.
#[allow(clippy::cast_possible_truncation, reason = "what does not fit is damage; every path wraps alike")]
fn shifted(value: i32, low: u8) -> i16 {
    (value << low) as i16
}
