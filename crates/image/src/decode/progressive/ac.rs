//! AC scans of a progressive picture: a band of one component's coefficients, first told, then refined bit by bit.

use super::super::bits::BitReader;
use super::super::entropy::{EntropyStream, Fault};
use super::super::huffman::SymbolTable;
use super::super::layout::{ComponentLayout, SlotTable, slots_of};
use super::super::sequential::McuGrid;
use super::super::state::TableState;
use super::Coefficients;
use crate::header::scan::ScanHeader;
use crate::reason::Rejection;

/// The band of coefficients that a scan carries.
#[derive(Clone, Copy)]
struct Band {
    start: u32,
    end: u32,
    low: u8,
}

/// Decodes an AC scan.
pub(super) fn decode(
    stream: &mut EntropyStream<'_>,
    scan: &ScanHeader,
    mcus: McuGrid,
    layout: &ComponentLayout,
    coefficients: &mut Coefficients,
    tables: &mut TableState,
) -> Result<(), Rejection> {
    let table = scan.components[0].ac_table;
    tables.build_ac_symbols(table)?;
    let (interval, table) = (tables.restart_interval as usize, tables.ac_symbols(table)?);
    let band = Band { start: scan.spectral_start.into(), end: scan.spectral_end.into(), low: scan.low };
    let slots = slots_of(layout.side);
    let mut to_restart = if interval == 0 { usize::MAX } else { interval };
    let mut end_run = 0;
    for (x, y) in (0..mcus.high).flat_map(|y| (0..mcus.wide).map(move |x| (x, y))) {
        if to_restart == 0 {
            stream.next_interval()?;
            (end_run, to_restart) = (0, interval);
        }
        to_restart -= 1;
        stream.prepare();
        let mut reader = stream.reader();
        let index = y * layout.padded_wide + x;
        let block = Block {
            values: &mut coefficients.values[index * layout.kept()..][..layout.kept()],
            nonzero: &mut coefficients.nonzero[index],
            slots,
        };
        let decoded = if scan.is_first() {
            first(&mut reader, table, band, &mut end_run, block)
        } else {
            refine(&mut reader, table, band, &mut end_run, block)
        };
        let (at, bits, count) = (reader.at, reader.bits, reader.count);
        stream.resume(at, bits, count);
        if decoded.is_err() || stream.overrun() {
            return Err(stream.reject(decoded.err()));
        }
    }
    Ok(())
}

/// A block while a scan passes over it.
struct Block<'b> {
    values: &'b mut [i16],
    nonzero: &'b mut u64,
    slots: &'static SlotTable,
}

impl Block<'_> {
    /// The value of a coefficient, where the scale keeps it.
    #[inline(always)]
    fn value(&mut self, zigzag: u32) -> Option<&mut i16> {
        self.values.get_mut(usize::from(self.slots[(zigzag + 1) as usize & 0xFF]))
    }

    #[inline(always)]
    #[allow(clippy::cast_possible_truncation, reason = "what does not fit is damage; every path wraps alike")]
    fn set(&mut self, zigzag: u32, value: i32) {
        *self.nonzero |= 1 << zigzag;
        if let Some(place) = self.value(zigzag) {
            *place = value as i16;
        }
    }
}

/// Decodes a block of the first scan of a band (T.81, G.1.2.2).
#[inline(always)]
fn first(
    reader: &mut BitReader<'_>,
    table: &SymbolTable,
    band: Band,
    end_run: &mut u32,
    mut block: Block<'_>,
) -> Result<(), Fault> {
    if *end_run > 0 {
        *end_run -= 1;
        return Ok(());
    }
    let mut at = band.start;
    while at <= band.end {
        reader.refill();
        let (length, symbol) = table.look_up(reader)?;
        let (run, size) = (u32::from(symbol >> 4), u32::from(symbol & 15));
        if size == 0 && run < 15 {
            reader.consume(length);
            *end_run = (1 << run) - 1 + reader.take(run);
            return Ok(());
        }
        let value = reader.signed(length, size);
        reader.consume(length + size);
        at += run;
        if at > band.end {
            return Err(Fault::BadIndex);
        }
        if size > 0 {
            block.set(at, value << band.low);
        }
        at += 1;
    }
    Ok(())
}

/// Decodes a block of a refinement scan (T.81, G.1.2.3).
#[inline(always)]
fn refine(
    reader: &mut BitReader<'_>,
    table: &SymbolTable,
    band: Band,
    end_run: &mut u32,
    mut block: Block<'_>,
) -> Result<(), Fault> {
    let mut at = band.start;
    // What this scan adds is not refined by it, so the bits asked for are those of before.
    let known = *block.nonzero & (u64::MAX >> (63 - band.end));
    if *end_run == 0 {
        while at <= band.end {
            reader.refill();
            let symbol = table.read(reader)?;
            let (run, size) = (u32::from(symbol >> 4), u32::from(symbol & 15));
            if size == 0 && run < 15 {
                *end_run = (1 << run) + reader.take(run);
                break;
            }
            if size > 1 {
                return Err(Fault::BadCode);
            }
            let positive = size == 1 && reader.take(1) == 1;
            let stop = zero_after(known, at, run);
            correct(reader, band, known, at, stop, &mut block);
            if size == 1 {
                if stop > band.end {
                    return Err(Fault::BadIndex);
                }
                block.set(stop, if positive { 1 << band.low } else { -1 << band.low });
            }
            at = stop + 1;
        }
    }
    if *end_run > 0 {
        correct(reader, band, known, at, band.end + 1, &mut block);
        *end_run -= 1;
    }
    Ok(())
}

/// The place of the zero coefficient behind `run` other zeros, from `at` on; 64 where there are not so many.
#[inline(always)]
fn zero_after(known: u64, at: u32, run: u32) -> u32 {
    let mut zeros = if at > 63 { 0 } else { !known & (u64::MAX << at) };
    for _ in 0..run {
        zeros &= zeros.wrapping_sub(1);
    }
    zeros.trailing_zeros()
}

/// Reads a bit for each known coefficient in `from..to` and adds it at the scan's bit position.
#[inline(always)]
fn correct(reader: &mut BitReader<'_>, band: Band, known: u64, from: u32, to: u32, block: &mut Block<'_>) {
    let to = to.min(band.end + 1);
    if from >= to {
        return;
    }
    let mut todo = known & (u64::MAX << from) & (u64::MAX >> (64 - to));
    while todo != 0 {
        let at = todo.trailing_zeros();
        todo &= todo - 1;
        reader.refill();
        if reader.take(1) == 1
            && let Some(value) = block.value(at)
        {
            *value = if *value >= 0 { value.wrapping_add(1 << band.low) } else { value.wrapping_sub(1 << band.low) };
        }
    }
}
