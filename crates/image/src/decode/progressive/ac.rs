//! AC scans of a progressive picture: a band of one component's coefficients, first told, then refined bit by bit.
//!
//! A run of blocks is decoded at a time, so that blocks without anything in them cost next to nothing.

use super::super::bits::BitReader;
use super::super::entropy::{EntropyStream, Fault};
use super::super::huffman::{AcTable, PAIR_BITS, PairEntry};
use super::super::layout::{ComponentLayout, SlotTable, slots_of};
use super::super::sequential::McuGrid;
use super::super::state::TableState;
use super::{Coefficients, on_path};
use crate::code_path::Runnable;
use crate::header::scan::ScanHeader;
use crate::reason::Rejection;

/// A scan of a band of coefficients while it is decoded.
pub(in super::super) struct AcScan<'t> {
    table: &'t AcTable,
    /// First coefficient of the band, and the one behind its last.
    start: u32,
    limit: u32,
    /// Bit position of the scan.
    low: u8,
    is_first: bool,
    slots: &'static SlotTable,
    /// A bit, counted from the top, for each coefficient of the band.
    band: u64,
    /// A bit for each coefficient that the scale keeps.
    kept: u64,
    /// Blocks that an end-of-band run still covers.
    end_run: u32,
}

/// Blocks that lie one behind the other.
pub(in super::super) struct Blocks<'b> {
    pub(in super::super) values: &'b mut [i16],
    pub(in super::super) nonzero: &'b mut [u64],
}

/// Decodes an AC scan.
pub(super) fn decode(
    path: Runnable,
    stream: &mut EntropyStream<'_>,
    scan: &ScanHeader,
    mcus: McuGrid,
    layout: &ComponentLayout,
    coefficients: &mut Coefficients,
    tables: &mut TableState,
) -> Result<(), Rejection> {
    let table = scan.components[0].ac_table;
    tables.build_ac(table)?;
    let interval = tables.restart_interval as usize;
    let mut ac = AcScan::new(scan, tables.ac(table)?, layout.side);
    let mut to_restart = if interval == 0 { usize::MAX } else { interval };
    for y in 0..mcus.high {
        let mut x = 0;
        while x < mcus.wide {
            if to_restart == 0 {
                stream.next_interval()?;
                (ac.end_run, to_restart) = (0, interval);
            }
            let count = (mcus.wide - x).min(to_restart);
            let from = y * layout.padded_wide + x;
            let blocks = Blocks {
                values: &mut coefficients.values[from * layout.kept()..(from + count) * layout.kept()],
                nonzero: &mut coefficients.nonzero[from..from + count],
            };
            on_path::ac_blocks(path, layout.side, &mut ac, stream, blocks).map_err(|fault| stream.reject(fault))?;
            (x, to_restart) = (x + count, to_restart - count);
        }
    }
    Ok(())
}

impl<'t> AcScan<'t> {
    fn new(scan: &ScanHeader, table: &'t AcTable, side: usize) -> Self {
        let slots = slots_of(side);
        let kept_slots = side * side;
        let is_kept = |zigzag: usize| usize::from(slots[zigzag + 1]) < kept_slots;
        let (start, limit) = (u32::from(scan.spectral_start), u32::from(scan.spectral_end) + 1);
        Self {
            table,
            start,
            limit,
            low: scan.low,
            is_first: scan.is_first(),
            slots,
            band: between(start, limit),
            kept: (0..64).filter(|&zigzag| is_kept(zigzag)).fold(0, |mask, zigzag| mask | TOP >> zigzag),
            end_run: 0,
        }
    }

    /// Decodes a run of blocks. `deposit` spreads the low bits of its first argument over the bits set in its second.
    #[inline(always)]
    pub(in super::super) fn blocks<const KEPT: usize>(
        &mut self,
        stream: &mut EntropyStream<'_>,
        blocks: Blocks<'_>,
        deposit: impl Fn(u64, u64) -> u64 + Copy,
    ) -> Result<(), Option<Fault>> {
        let values = blocks.values.as_chunks_mut::<KEPT>().0;
        if self.is_first {
            self.first_blocks(stream, values, blocks.nonzero)
        } else {
            self.refine_blocks(stream, values, blocks.nonzero, deposit)
        }
    }

    #[inline(always)]
    fn first_blocks<const KEPT: usize>(
        &mut self,
        stream: &mut EntropyStream<'_>,
        values: &mut [[i16; KEPT]],
        nonzero: &mut [u64],
    ) -> Result<(), Option<Fault>> {
        let mut scratch = [0i16; 256];
        let mut index = 0;
        while index < nonzero.len() {
            let skipped = (nonzero.len() - index).min(self.end_run as usize);
            if skipped > 0 {
                self.end_run -= u32::try_from(skipped).unwrap_or(self.end_run);
                index += skipped;
                continue;
            }
            stream.prepare();
            let mut reader = stream.reader();
            let decoded = self.first(&mut reader, &mut scratch);
            let BitReader { at, bits, count, .. } = reader;
            stream.resume(at, bits, count);
            nonzero[index] |= decoded.map_err(Some)?;
            for (value, new) in values[index].iter_mut().zip(&mut scratch) {
                *value |= *new << self.low;
                *new = 0;
            }
            if stream.overrun() {
                return Err(None);
            }
            index += 1;
        }
        Ok(())
    }

    /// Decodes a block of the first scan of a band (T.81, G.1.2.2) into zeros; gives which coefficients are not zero.
    #[inline(always)]
    fn first(&mut self, reader: &mut BitReader<'_>, scratch: &mut [i16; 256]) -> Result<u64, Fault> {
        let (mut next, mut nonzero) = (self.start, 0);
        loop {
            reader.refill();
            // Four look-ups of 12 bits fit in the 56 that are there.
            for _ in 0..4 {
                let entry = self.table.fast[reader.peek(PAIR_BITS)];
                let (first, after) = (next + entry.first(), next + entry.all());
                if entry.is_special() {
                    next = self.first_single(reader, entry, next, scratch, &mut nonzero)?;
                    if next >= self.limit {
                        return Ok(nonzero);
                    }
                    break;
                }
                if after > self.limit && first >= self.limit {
                    // The block ends with the first coefficient; the bits behind it are not its own.
                    self.first_single(reader, PairEntry::default(), next, scratch, &mut nonzero)?;
                    return Ok(nonzero);
                }
                if after > self.limit && after < 128 {
                    return Err(Fault::BadIndex);
                }
                self.put(scratch, &mut nonzero, after, entry.last());
                self.put(scratch, &mut nonzero, first, entry.value());
                reader.consume(entry.length());
                if after >= self.limit {
                    return Ok(nonzero);
                }
                next = after;
            }
        }
    }

    /// Writes a coefficient, counted from 1, that may be zero.
    #[inline(always)]
    fn put(&self, scratch: &mut [i16; 256], nonzero: &mut u64, at: u32, value: i16) {
        *nonzero |= u64::from(value != 0) << (64u32.wrapping_sub(at) & 63);
        scratch[usize::from(self.slots[(at & 0xFF) as usize])] = value;
    }

    /// Decodes one symbol, and what it says, without the table of pairs or with what it knows of the code.
    #[inline(always)]
    #[allow(clippy::cast_possible_truncation, reason = "15 bits at most")]
    fn first_single(
        &mut self,
        reader: &mut BitReader<'_>,
        entry: PairEntry,
        next: u32,
        scratch: &mut [i16; 256],
        nonzero: &mut u64,
    ) -> Result<u32, Fault> {
        reader.refill();
        let (length, advance, size) = self.table.code(reader, entry)?;
        if size == 0 && advance < 16 {
            reader.consume(length);
            self.end_run = (1 << (advance - 1)) - 1 + reader.take(advance - 1);
            return Ok(128);
        }
        let value = reader.signed(length, size);
        reader.consume(length + size);
        if next + advance > self.limit {
            return Err(Fault::BadIndex);
        }
        self.put(scratch, nonzero, next + advance, value as i16);
        Ok(next + advance)
    }

    #[inline(always)]
    fn refine_blocks<const KEPT: usize>(
        &mut self,
        stream: &mut EntropyStream<'_>,
        values: &mut [[i16; KEPT]],
        nonzero: &mut [u64],
        deposit: impl Fn(u64, u64) -> u64 + Copy,
    ) -> Result<(), Option<Fault>> {
        for (values, nonzero) in values.iter_mut().zip(nonzero) {
            // What this scan adds is not refined by it: the coefficients asked for are those of before.
            let known = *nonzero & self.band;
            if self.end_run > 0 && known == 0 {
                self.end_run -= 1;
                continue;
            }
            stream.prepare();
            let mut reader = stream.reader();
            let mut block = Refined { values: &mut values[..], known, added: 0 };
            let decoded = self.refine(&mut reader, &mut block, deposit);
            *nonzero |= block.added;
            let BitReader { at, bits, count, .. } = reader;
            stream.resume(at, bits, count);
            decoded.map_err(Some)?;
            if stream.overrun() {
                return Err(None);
            }
        }
        Ok(())
    }

    /// Decodes a block of a refinement scan (T.81, G.1.2.3).
    #[inline(always)]
    fn refine(
        &mut self,
        reader: &mut BitReader<'_>,
        block: &mut Refined<'_>,
        deposit: impl Fn(u64, u64) -> u64 + Copy,
    ) -> Result<(), Fault> {
        let mut at = self.start;
        if self.end_run == 0 {
            while at < self.limit {
                reader.refill();
                let (length, symbol) = self.table.symbols.look_up(reader)?;
                reader.consume(length);
                let (run, size) = (u32::from(symbol >> 4), u32::from(symbol & 15));
                if size == 0 && run < 15 {
                    self.end_run = (1 << run) + reader.take(run);
                    break;
                }
                let sign = reader.take(size & 1);
                let stop = self.zero_after(block.known, at, run, deposit);
                self.correct(reader, block, at, stop, deposit);
                if size > 0 {
                    if stop >= self.limit || size > 1 {
                        return Err(Fault::BadIndex);
                    }
                    self.add(block, stop, sign);
                }
                at = stop + 1;
            }
        }
        if self.end_run > 0 {
            self.correct(reader, block, at, self.limit, deposit);
            self.end_run -= 1;
        }
        Ok(())
    }

    /// The place of the zero coefficient behind `run` other zeros, from `at` on; the end of the band where there are
    /// not so many.
    #[inline(always)]
    fn zero_after(&self, known: u64, at: u32, run: u32, deposit: impl Fn(u64, u64) -> u64) -> u32 {
        let zeros = !known & self.band & (u64::MAX >> at);
        let (count, skip) = (zeros.count_ones(), run + 1);
        if skip > count { self.limit } else { deposit(1 << (count - skip), zeros).leading_zeros() }
    }

    /// Sets a coefficient that was zero to plus or minus one step.
    #[inline(always)]
    fn add(&self, block: &mut Refined<'_>, at: u32, sign: u32) {
        block.added |= TOP >> at;
        let slot = usize::from(self.slots[(at + 1) as usize & 0xFF]);
        if let Some(value) = block.values.get_mut(slot) {
            *value = if sign == 1 { 1 << self.low } else { -1 << self.low };
        }
    }

    /// Reads a bit for each known coefficient in `from..to` and, where it is 1, adds a step to the coefficient's size.
    #[inline(always)]
    fn correct(
        &self,
        reader: &mut BitReader<'_>,
        block: &mut Refined<'_>,
        from: u32,
        to: u32,
        deposit: impl Fn(u64, u64) -> u64,
    ) {
        if from >= to {
            return;
        }
        let known = block.known & between(from, to);
        // A refill makes 56 bits available, and a block may have 63 to read.
        for half in [known & FIRST_HALF, known & !FIRST_HALF] {
            let count = half.count_ones();
            if count == 0 {
                continue;
            }
            reader.refill();
            let mut changed = deposit(reader.take_long(count), half) & self.kept;
            while changed != 0 {
                let at = changed.leading_zeros();
                changed &= !(TOP >> at);
                let slot = usize::from(self.slots[(at + 1) as usize & 0xFF]);
                if let Some(value) = block.values.get_mut(slot) {
                    *value = value.wrapping_add(((*value >> 15) | 1) << self.low);
                }
            }
        }
    }
}

/// A block while a refinement scan passes over it.
struct Refined<'b> {
    values: &'b mut [i16],
    /// Coefficients of the band that were not zero before the scan.
    known: u64,
    /// Coefficients that the scan made other than zero.
    added: u64,
}

/// The bit of the first coefficient.
const TOP: u64 = 1 << 63;
/// The bits of the first 32 coefficients.
const FIRST_HALF: u64 = 0xFFFF_FFFF_0000_0000;

/// A bit for each coefficient of a range that is not empty.
#[inline(always)]
fn between(from: u32, to: u32) -> u64 {
    (u64::MAX >> from) & (u64::MAX << (64 - to))
}

/// Spreads the low bits of `bits` over the bits set in `mask`, as the instruction PDEP does.
#[inline(always)]
pub(in super::super) fn deposit(mut bits: u64, mut mask: u64) -> u64 {
    let mut out = 0;
    while mask != 0 {
        let lowest = mask & mask.wrapping_neg();
        if bits & 1 == 1 {
            out |= lowest;
        }
        (bits, mask) = (bits >> 1, mask ^ lowest);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deposit_spreads_bits_from_the_lowest_up() {
        assert_eq!(deposit(0b101, 0b1101_0000), 0b1001_0000);
        assert_eq!(deposit(u64::MAX, 0xF0F0), 0xF0F0);
        assert_eq!(deposit(1, 0), 0);
    }
}
