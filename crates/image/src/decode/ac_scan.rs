//! AC scans of a progressive picture: the spectral selection of one component, first its high bits, then refined bit by bit.
//!
//! A run of blocks is decoded at a time, so that blocks without anything in them cost next to nothing.

#[cfg(target_arch = "aarch64")]
mod neon;

use super::bits::BitReader;
use super::coefficients::Coefficients;
use super::entropy::{EntropyStream, Fault};
use super::huffman::{AcTable, END_OF_BLOCK, PAIR_BITS, PairEntry};
use super::layout::{ComponentLayout, SlotTable, slots};
use super::mcus::McuGrid;
use super::refinements::{Refinements, SEVERAL_BITS};
use super::state::TableState;
use crate::code_path::Runnable;
use crate::header::scan::ScanHeader;
use crate::reason::Rejection;

/// A scan of a band of coefficients while it is decoded.
pub(super) struct AcScan<'t> {
    table: &'t AcTable,
    /// What bits hold, if this is a refinement scan.
    refinements: Option<Box<Refinements>>,
    /// First coefficient of the band, and the one behind its last.
    start: u32,
    limit: u32,
    /// Bit position of the scan.
    low: u8,
    ranks: &'static Ranks,
    /// A bit, counted from the top, for each coefficient of the band.
    band: u64,
    /// Blocks that an end-of-band run still covers.
    end_run: u32,
}

/// Blocks that lie one behind the other.
pub(super) struct Blocks<'b> {
    pub(super) values: &'b mut [i16],
    pub(super) nonzero: &'b mut [u64],
}

/// Decodes a run of blocks in the instructions of a code path; `side` is the side of a block at its scale.
pub(super) type AcBlocks =
    fn(Runnable, usize, &mut AcScan<'_>, &mut EntropyStream<'_>, Blocks<'_>) -> Result<(), Option<Fault>>;

/// Decodes an AC scan.
pub(super) fn decode(
    (decode_blocks, path): (AcBlocks, Runnable),
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
            decode_blocks(path, layout.side, &mut ac, stream, blocks).map_err(|fault| stream.reject(fault))?;
            (x, to_restart) = (x + count, to_restart - count);
        }
    }
    Ok(())
}

impl<'t> AcScan<'t> {
    fn new(scan: &ScanHeader, table: &'t AcTable, side: usize) -> Self {
        let (start, limit) = (u32::from(scan.spectral_start), u32::from(scan.spectral_end) + 1);
        Self {
            table,
            refinements: (!scan.is_first()).then(|| Refinements::new(&table.symbols)),
            start,
            limit,
            low: scan.low,
            ranks: Ranks::of(side),
            band: between(start, limit),
            end_run: 0,
        }
    }

    /// Decodes a run of blocks.
    #[inline(always)]
    #[allow(clippy::needless_pass_by_value, reason = "the slices in it are the caller's only handle on them")]
    pub(super) fn blocks<const KEPT: usize>(
        &mut self,
        stream: &mut EntropyStream<'_>,
        blocks: Blocks<'_>,
        bits: impl BitMoves,
    ) -> Result<(), Option<Fault>> {
        let values = blocks.values.as_chunks_mut::<KEPT>().0;
        // Taken out while it is in use, so that it can be borrowed beside the rest.
        match self.refinements.take() {
            None => self.first_blocks(stream, values, blocks.nonzero),
            Some(table) => {
                let refined = self.refine_blocks(&table, stream, values, blocks.nonzero, bits);
                self.refinements = Some(table);
                refined
            }
        }
    }

    #[inline(always)]
    fn first_blocks<const KEPT: usize>(
        &mut self,
        stream: &mut EntropyStream<'_>,
        values: &mut [[i16; KEPT]],
        nonzero: &mut [u64],
    ) -> Result<(), Option<Fault>> {
        let mut index = 0;
        while index < nonzero.len() {
            let skipped = (nonzero.len() - index).min(self.end_run as usize);
            if skipped > 0 {
                self.end_run -= u32::try_from(skipped).unwrap_or(self.end_run);
                index += skipped;
                continue;
            }
            let safe = stream.prepare_many();
            let mut reader = stream.reader();
            let mut outcome = Ok(());
            // Blocks that cannot reach the end of the window, as far as no run of empty ones begins.
            while index < nonzero.len() {
                match self.first(&mut reader, &mut values[index]) {
                    Ok((found, end_run)) => (nonzero[index], self.end_run) = (nonzero[index] | found, end_run),
                    Err(fault) => outcome = Err(Some(fault)),
                }
                index += 1;
                if outcome.is_err() || self.end_run > 0 || reader.at > safe {
                    break;
                }
            }
            let BitReader { at, bits, count, .. } = reader;
            stream.resume(at, bits, count);
            outcome?;
            if stream.overrun() {
                return Err(None);
            }
        }
        Ok(())
    }

    /// Decodes a block of the first scan of a band (T.81, G.1.2.2); gives which coefficients it makes other than zero, and how many
    /// blocks behind it are at their end too.
    #[inline(always)]
    fn first<const KEPT: usize>(
        &self,
        reader: &mut BitReader<'_>,
        block: &mut [i16; KEPT],
    ) -> Result<(u64, u32), Fault> {
        let (table, limit) = (self.table, self.limit);
        let (mut next, mut nonzero) = (self.start, 0);
        loop {
            reader.refill();
            // Four look-ups of 12 bits fit in the 56 that are there.
            for _ in 0..4 {
                let mut entry = table.fast[reader.peek(PAIR_BITS)];
                let (first, after) = (next + entry.first(), next + entry.all());
                if after > limit && first >= limit {
                    // The block ends with the first coefficient; the bits behind it are not its own.
                    entry = PairEntry::default();
                }
                if entry.is_special() {
                    reader.refill();
                    let (length, advance, size) = table.code(reader, entry)?;
                    if size == 0 && advance < 16 {
                        reader.consume(length);
                        return Ok((nonzero, (1 << (advance - 1)) - 1 + reader.take(advance - 1)));
                    }
                    let value = reader.signed(length, size);
                    reader.consume(length + size);
                    next += advance;
                    if next > limit {
                        return Err(Fault::BadIndex);
                    }
                    self.put(block, &mut nonzero, next, truncate(value));
                    if next >= limit {
                        return Ok((nonzero, 0));
                    }
                    break;
                }
                if after > limit && after < END_OF_BLOCK {
                    return Err(Fault::BadIndex);
                }
                self.put(block, &mut nonzero, after, entry.last());
                self.put(block, &mut nonzero, first, entry.value());
                reader.consume(entry.length());
                if after >= limit {
                    return Ok((nonzero, 0));
                }
                next = after;
            }
        }
    }

    /// Writes a coefficient, counted from 1. A zero changes nothing: a band that is told a second time takes the place of the first,
    /// but for its zeros, as libjpeg has it.
    #[inline(always)]
    fn put<const KEPT: usize>(&self, block: &mut [i16; KEPT], nonzero: &mut u64, at: u32, value: i16) {
        let mut nowhere = 0;
        let slot = usize::from(self.ranks.slots[(at & 0xFF) as usize]);
        let place = if slot < KEPT && value != 0 { &mut block[slot] } else { &mut nowhere };
        *place = value << self.low;
        *nonzero |= u64::from(value != 0) << (64u32.wrapping_sub(at) & 63);
    }

    #[inline(always)]
    fn refine_blocks<const KEPT: usize>(
        &mut self,
        table: &Refinements,
        stream: &mut EntropyStream<'_>,
        values: &mut [[i16; KEPT]],
        nonzero: &mut [u64],
        moves: impl BitMoves,
    ) -> Result<(), Option<Fault>> {
        let mut blocks = values.iter_mut().zip(nonzero).peekable();
        while blocks.peek().is_some() {
            let safe = stream.prepare_many();
            let mut reader = stream.reader();
            let mut outcome = Ok(());
            for (values, nonzero) in blocks.by_ref() {
                // What this scan adds is not refined by it: the coefficients asked for are those of before.
                let known = *nonzero & self.band;
                if self.end_run > 0 && known == 0 {
                    self.end_run -= 1;
                    continue;
                }
                match self.refine(table, &mut reader, known, moves) {
                    Ok((found, end_run)) => {
                        *nonzero |= found.added;
                        self.end_run = end_run;
                        found.apply(values, self.low, |mask| moves.extract(mask, self.ranks.kept));
                    }
                    Err(fault) => outcome = Err(Some(fault)),
                }
                if outcome.is_err() || reader.at > safe {
                    break;
                }
            }
            let BitReader { at, bits, count, .. } = reader;
            stream.resume(at, bits, count);
            outcome?;
            if stream.overrun() {
                return Err(None);
            }
        }
        Ok(())
    }

    /// Decodes a block of a refinement scan (T.81, G.1.2.3); gives what it says, and how many blocks behind it are at their end too.
    #[inline(always)]
    fn refine(
        &self,
        table: &Refinements,
        reader: &mut BitReader<'_>,
        known: u64,
        moves: impl BitMoves,
    ) -> Result<(Found, u32), Fault> {
        let mut found = Found::new(known, !known & self.band);
        let ended = if self.end_run == 0 { self.refine_open(table, reader, &mut found, moves)? } else { self.end_run };
        if ended == 0 {
            return Ok((found, 0));
        }
        found.correct::<false>(reader, found.known, moves);
        Ok((found, ended - 1))
    }

    /// Decodes the symbols of a block; gives how many blocks from this one on are at their end, or 0 where the block ended without
    /// being told so.
    #[inline(always)]
    fn refine_open(
        &self,
        table: &Refinements,
        reader: &mut BitReader<'_>,
        found: &mut Found,
        moves: impl BitMoves,
    ) -> Result<u32, Fault> {
        // A refill has bits for a symbol of 13 bits and 39 others.
        if found.known.count_ones() <= ONE_REFILL {
            while found.known != 0 {
                reader.refill();
                let entry = table.new[reader.peek(PAIR_BITS)];
                if entry.is_new() && entry.run() < found.left {
                    reader.consume(entry.length());
                    let stop = found.pass_zeros::<true>(reader, entry.run(), moves);
                    found.add(stop, entry.is_negative());
                } else if let Some(ended) = self.refine_single(reader, found, moves)? {
                    return Ok(ended);
                }
            }
        }
        // Behind the last known coefficient there is nothing to correct, and several symbols are had at once.
        while found.known == 0 && found.left > 0 {
            reader.refill();
            for _ in 0..5 {
                let several = table.several[reader.peek(SEVERAL_BITS)];
                let next = (self.limit - found.left) & 63;
                if several.needs() > found.left {
                    found.open = u64::MAX >> next;
                    if let Some(ended) = self.refine_single(reader, found, moves)? {
                        return Ok(ended);
                    }
                    break;
                }
                reader.consume(several.length());
                found.added |= several.new_ones() >> next;
                found.negative |= several.negative_ones() >> next;
                found.left -= several.advance();
                if several.is_end() {
                    return Ok(1);
                }
                if found.left == 0 {
                    return Ok(0);
                }
            }
        }
        while found.known != 0 || found.left != 0 {
            reader.refill();
            if let Some(ended) = self.refine_single(reader, found, moves)? {
                return Ok(ended);
            }
        }
        Ok(0)
    }

    /// Decodes any symbol of a refinement scan; where it ends the block, gives what [`Self::refine_open`] does.
    #[inline(always)]
    fn refine_single(
        &self,
        reader: &mut BitReader<'_>,
        found: &mut Found,
        moves: impl BitMoves,
    ) -> Result<Option<u32>, Fault> {
        reader.refill();
        let (length, symbol) = self.table.symbols.look_up(reader)?;
        reader.consume(length);
        let (run, size) = (u32::from(symbol >> 4), u32::from(symbol & 15));
        if size == 0 && run < 15 {
            return Ok(Some((1 << run) + reader.take(run)));
        }
        if size > 1 || size == 1 && run >= found.left {
            return Err(Fault::BadIndex);
        }
        let is_negative = reader.take(size) == 0;
        if run >= found.left {
            found.correct::<false>(reader, found.known, moves);
            return Ok(Some(0));
        }
        let stop = found.pass_zeros::<false>(reader, run, moves);
        if size > 0 {
            found.add(stop, is_negative);
        }
        Ok(None)
    }
}

#[inline(always)]
#[allow(clippy::cast_possible_truncation, reason = "15 bits at most")]
fn truncate(value: i32) -> i16 {
    value as i16
}

/// Bits that are left of a refill behind a symbol of 16 bits.
const ONE_REFILL: u32 = 39;

/// What a refinement scan says of a block: a bit, counted from the top, for each coefficient in zigzag order.
///
/// It stays in registers while a block is decoded, as the reader does: nothing that takes either by reference may be a call.
#[derive(Default)]
struct Found {
    /// Coefficients of the band that were zero before the scan, and which of all are still to come.
    zeros: u64,
    open: u64,
    /// How many of the former are still to come, and which coefficients that were not zero.
    left: u32,
    known: u64,
    /// Known coefficients whose size grows by a step.
    grown: u64,
    /// Coefficients that the scan makes other than zero, and which of them are negative.
    added: u64,
    negative: u64,
}

impl Found {
    #[inline(always)]
    fn new(known: u64, zeros: u64) -> Self {
        Self { known, zeros, open: u64::MAX, left: zeros.count_ones(), ..Self::default() }
    }

    /// Passes `run` zero coefficients and stops at the next, which must be there; corrects the known ones on the way.
    /// Gives the bit of the place.
    #[inline(always)]
    fn pass_zeros<const SHORT: bool>(&mut self, reader: &mut BitReader<'_>, run: u32, moves: impl BitMoves) -> u64 {
        self.left -= run + 1;
        let stop = moves.nth_open(self.zeros, self.open, run, self.left);
        self.open = stop.wrapping_sub(1);
        let passed = self.known & stop.wrapping_neg();
        self.correct::<SHORT>(reader, passed, moves);
        self.known ^= passed;
        stop
    }

    /// Makes a coefficient other than zero.
    #[inline(always)]
    fn add(&mut self, place: u64, is_negative: bool) {
        self.added |= place;
        self.negative |= if is_negative { place } else { 0 };
    }

    /// Reads a bit for each known coefficient of some; `SHORT` where the bits of one refill are known to be enough.
    #[inline(always)]
    fn correct<const SHORT: bool>(&mut self, reader: &mut BitReader<'_>, known: u64, moves: impl BitMoves) {
        if !SHORT {
            reader.refill();
            if known.count_ones() > ONE_REFILL {
                let half = known & FIRST_HALF;
                self.grown |= moves.deposit(reader.take_long(half.count_ones()), half);
                reader.refill();
                let half = known & !FIRST_HALF;
                self.grown |= moves.deposit(reader.take_long(half.count_ones()), half);
                return;
            }
        }
        self.grown |= moves.deposit(reader.take_long(known.count_ones()), known);
    }

    /// Changes the kept coefficients of the block. `extract` gives the bits of the kept coefficients from the low end.
    #[inline(always)]
    #[allow(clippy::cast_possible_truncation, reason = "16 bits are left")]
    fn apply<const KEPT: usize>(&self, values: &mut [i16; KEPT], low: u8, extract: impl Fn(u64) -> u64) {
        let (grown, added, negative) = (extract(self.grown), extract(self.added), extract(self.negative));
        if grown | added == 0 {
            return;
        }
        let step = 1i16 << low;
        for (chunk, lanes) in values.chunks_mut(16).enumerate() {
            let part = |mask: u64| (mask >> (chunk * 16) & 0xFFFF) as u16;
            let (grown, added, negative) = (part(grown), part(added), part(negative));
            for (lane, value) in lanes.iter_mut().enumerate() {
                let masked = |mask: u16, term: i16| if mask & 1 << lane == 0 { 0 } else { term };
                let growth = masked(grown, ((*value >> 15) | 1) << low);
                let new = masked(added, step).wrapping_sub(masked(negative, step.wrapping_mul(2)));
                *value = value.wrapping_add(growth).wrapping_add(new);
            }
        }
    }
}

/// Where the coefficients of a progressive block are kept: the last in zigzag order first, so that the kept bits of a
/// mask, pushed together, stand as the coefficients do.
pub(super) struct Ranks {
    /// The slot of the n-th coefficient in zigzag order stands at n + 1; see [`super::layout::SlotTable`].
    pub(super) slots: SlotTable,
    /// A bit, counted from the top, for each coefficient that is kept.
    kept: u64,
}

impl Ranks {
    /// The ranks of a block side, made once.
    pub(super) fn of(side: usize) -> &'static Self {
        static TABLES: [Ranks; 4] = [Ranks::new(8), Ranks::new(4), Ranks::new(2), Ranks::new(1)];
        &TABLES[match side {
            8 => 0,
            4 => 1,
            2 => 2,
            _ => 3,
        }]
    }

    #[allow(clippy::cast_possible_truncation, reason = "64 coefficients at most")]
    const fn new(side: usize) -> Self {
        let columns = slots(side);
        let behind = (side * side) as u8;
        let (mut ranks, mut kept, mut left) = ([behind; 256], 0, behind);
        let mut n = 0;
        while n < 64 {
            if columns[n + 1] < behind {
                left -= 1;
                ranks[n + 1] = left;
                kept |= TOP >> n;
            }
            n += 1;
        }
        Self { slots: ranks, kept }
    }
}

/// Two moves of bits that x86-64-v3 has instructions for.
pub(super) trait BitMoves: Copy {
    /// Spreads the low bits of `bits` over the bits set in `mask` (PDEP).
    fn deposit(self, bits: u64, mask: u64) -> u64;
    /// Pushes the bits that are set in `mask` together at the low end (PEXT).
    fn extract(self, bits: u64, mask: u64) -> u64;
    /// Of the bits of `mask` that are `open`, which are the lowest, the one with `above` others above it and `below` below it.
    #[inline(always)]
    fn nth_open(self, mask: u64, _open: u64, _above: u32, below: u32) -> u64 {
        self.deposit(1 << (below & 63), mask)
    }
}

/// The moves, bit by bit.
#[derive(Clone, Copy)]
pub(super) struct PlainMoves;

impl BitMoves for PlainMoves {
    #[inline(always)]
    fn deposit(self, mut bits: u64, mut mask: u64) -> u64 {
        let mut out = 0;
        while mask != 0 {
            let lowest = mask & mask.wrapping_neg();
            out |= lowest & (bits & 1).wrapping_neg();
            (bits, mask) = (bits >> 1, mask ^ lowest);
        }
        out
    }

    /// Goes over the bits, which are fewer than those of the mask.
    #[inline(always)]
    fn extract(self, bits: u64, mask: u64) -> u64 {
        if mask == u64::MAX {
            return bits;
        }
        let (mut rest, mut out) = (bits & mask, 0);
        while rest != 0 {
            let lowest = rest & rest.wrapping_neg();
            out |= 1 << (mask & (lowest - 1)).count_ones();
            rest ^= lowest;
        }
        out
    }

    /// Counts from the top: runs are short.
    #[inline(always)]
    fn nth_open(self, mask: u64, open: u64, above: u32, _below: u32) -> u64 {
        let mut mask = mask & open;
        for _ in 0..above {
            mask &= !(TOP >> mask.leading_zeros());
        }
        TOP >> mask.leading_zeros()
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_moved_from_the_low_end_up() {
        assert_eq!(PlainMoves.deposit(0b101, 0b1101_0000), 0b1001_0000);
        assert_eq!(PlainMoves.deposit(u64::MAX, 0xF0F0), 0xF0F0);
        assert_eq!(PlainMoves.deposit(1, 0), 0);
        assert_eq!(PlainMoves.extract(0b1001_0000, 0b1101_0000), 0b101);
        assert_eq!(PlainMoves.extract(u64::MAX, 0xF0F0), 0xFF);
        assert_eq!(PlainMoves.extract(5, u64::MAX), 5);
        assert_eq!(PlainMoves.nth_open(0b1101_0000, u64::MAX, 1, 1), 0b0100_0000);
        assert_eq!(PlainMoves.nth_open(0b1101_0000, 0x7F, 1, 0), 0b0001_0000);
    }
}
