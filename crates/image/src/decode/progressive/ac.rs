//! AC scans of a progressive picture: a band of one component's coefficients, first told, then refined bit by bit.
//!
//! A run of blocks is decoded at a time, so that blocks without anything in them cost next to nothing.

use super::super::bits::BitReader;
use super::super::coefficients::Coefficients;
use super::super::entropy::{EntropyStream, Fault};
use super::super::huffman::{AcTable, PAIR_BITS, PairEntry, RefineEntry};
use super::super::layout::{ComponentLayout, SlotTable, slots};
use super::super::mcus::McuGrid;
use super::super::state::TableState;
use crate::code_path::Runnable;
use crate::header::scan::ScanHeader;
use crate::reason::Rejection;

/// A scan of a band of coefficients while it is decoded.
pub(in super::super) struct AcScan<'t> {
    table: &'t AcTable,
    /// What 12 bits hold in a refinement scan.
    refinements: Box<[RefineEntry; 1 << PAIR_BITS]>,
    /// First coefficient of the band, and the one behind its last.
    start: u32,
    limit: u32,
    /// Bit position of the scan.
    low: u8,
    is_first: bool,
    ranks: &'static Ranks,
    /// A bit, counted from the top, for each coefficient of the band.
    band: u64,
    /// Blocks that an end-of-band run still covers.
    end_run: u32,
}

/// Blocks that lie one behind the other.
pub(in super::super) struct Blocks<'b> {
    pub(in super::super) values: &'b mut [i16],
    pub(in super::super) nonzero: &'b mut [u64],
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
            refinements: table.refinements(),
            start,
            limit,
            low: scan.low,
            is_first: scan.is_first(),
            ranks: Ranks::of(side),
            band: between(start, limit),
            end_run: 0,
        }
    }

    /// Decodes a run of blocks.
    #[inline(always)]
    #[allow(clippy::needless_pass_by_value, reason = "the slices in it are the caller's only handle on them")]
    pub(in super::super) fn blocks<const KEPT: usize>(
        &mut self,
        stream: &mut EntropyStream<'_>,
        blocks: Blocks<'_>,
        bits: impl BitMoves,
    ) -> Result<(), Option<Fault>> {
        let values = blocks.values.as_chunks_mut::<KEPT>().0;
        if self.is_first {
            self.first_blocks(stream, values, blocks.nonzero)
        } else {
            self.refine_blocks(stream, values, blocks.nonzero, bits)
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
                // A band that is told a second time takes the place of the first, but for its zeros: so libjpeg has it.
                *value = if *new == 0 { *value } else { *new << self.low };
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
        scratch[usize::from(self.ranks.slots[(at & 0xFF) as usize])] = value;
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
        moves: impl BitMoves,
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
            let mut found = Found::new(known, !known & self.band);
            let decoded = self.refine(&mut reader, &mut found, moves);
            let BitReader { at, bits, count, .. } = reader;
            stream.resume(at, bits, count);
            decoded.map_err(Some)?;
            *nonzero |= found.added;
            found.apply(values, self.low, |mask| moves.extract(mask, self.ranks.kept));
            if stream.overrun() {
                return Err(None);
            }
        }
        Ok(())
    }

    /// Decodes a block of a refinement scan (T.81, G.1.2.3).
    #[inline(always)]
    fn refine(&mut self, reader: &mut BitReader<'_>, found: &mut Found, moves: impl BitMoves) -> Result<(), Fault> {
        if self.end_run == 0 {
            // A refill has bits for a symbol of 12 bits and 39 others.
            let is_short = found.known.count_ones() <= 39;
            while found.zeros | found.known != 0 {
                reader.refill();
                let entry = self.refinements[reader.peek(PAIR_BITS)];
                if is_short && !entry.is_special() && entry.run() < found.left {
                    reader.consume(entry.length());
                    let stop = found.pass_zeros(reader, entry.run(), moves);
                    found.add(stop, entry.is_negative());
                } else if self.refine_single(reader, found, moves)? {
                    break;
                }
            }
        }
        if self.end_run > 0 {
            found.correct(reader, found.known, moves);
            self.end_run -= 1;
        }
        Ok(())
    }

    /// Decodes any symbol of a refinement scan; gives whether it ends the block.
    #[inline(never)]
    fn refine_single(
        &mut self,
        reader: &mut BitReader<'_>,
        found: &mut Found,
        moves: impl BitMoves,
    ) -> Result<bool, Fault> {
        let (length, symbol) = self.table.symbols.look_up(reader)?;
        reader.consume(length);
        let (run, size) = (u32::from(symbol >> 4), u32::from(symbol & 15));
        if size == 0 && run < 15 {
            self.end_run = (1 << run) + reader.take(run);
            return Ok(true);
        }
        if size > 1 || size == 1 && run >= found.left {
            return Err(Fault::BadIndex);
        }
        let is_negative = reader.take(size) == 0;
        if run >= found.left {
            found.correct(reader, found.known, moves);
            return Ok(true);
        }
        let stop = found.pass_zeros(reader, run, moves);
        if size > 0 {
            found.add(stop, is_negative);
        }
        Ok(false)
    }
}

/// What a refinement scan says of a block: a bit, counted from the top, for each coefficient in zigzag order.
#[derive(Default)]
struct Found {
    /// Coefficients of the band still to come that were not zero before the scan, and those that were.
    known: u64,
    zeros: u64,
    /// How many of the latter there are.
    left: u32,
    /// Known coefficients whose size grows by a step.
    grown: u64,
    /// Coefficients that the scan makes other than zero, and which of them are negative.
    added: u64,
    negative: u64,
}

impl Found {
    fn new(known: u64, zeros: u64) -> Self {
        Self { known, zeros, left: zeros.count_ones(), ..Self::default() }
    }

    /// Passes `run` zero coefficients and stops at the next, which must be there; corrects the known ones on the way.
    /// Gives the bit of the place.
    #[inline(always)]
    fn pass_zeros(&mut self, reader: &mut BitReader<'_>, run: u32, moves: impl BitMoves) -> u64 {
        self.left -= run + 1;
        let stop = moves.nth_from_top(self.zeros, run, self.left);
        let behind = stop.wrapping_sub(1);
        self.correct(reader, self.known & !behind, moves);
        self.known &= behind;
        self.zeros &= behind;
        stop
    }

    /// Makes a coefficient other than zero.
    #[inline(always)]
    fn add(&mut self, place: u64, is_negative: bool) {
        self.added |= place;
        self.negative |= if is_negative { place } else { 0 };
    }

    /// Reads a bit for each known coefficient of some.
    #[inline(always)]
    fn correct(&mut self, reader: &mut BitReader<'_>, known: u64, moves: impl BitMoves) {
        let count = known.count_ones();
        if count > 39 {
            return self.correct_many(reader, known, moves);
        }
        if reader.count < 39 {
            reader.refill();
        }
        self.grown |= moves.deposit(reader.take_long(count), known);
    }

    /// The same for more coefficients than one refill has bits for.
    #[cold]
    fn correct_many(&mut self, reader: &mut BitReader<'_>, known: u64, moves: impl BitMoves) {
        for half in [known & FIRST_HALF, known & !FIRST_HALF] {
            reader.refill();
            self.grown |= moves.deposit(reader.take_long(half.count_ones()), half);
        }
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
pub(in super::super) struct Ranks {
    /// The slot of the n-th coefficient in zigzag order stands at n + 1; see [`super::super::layout::SlotTable`].
    pub(in super::super) slots: SlotTable,
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
pub(in super::super) trait BitMoves: Copy {
    /// Spreads the low bits of `bits` over the bits set in `mask` (PDEP).
    fn deposit(self, bits: u64, mask: u64) -> u64;
    /// Pushes the bits that are set in `mask` together at the low end (PEXT).
    fn extract(self, bits: u64, mask: u64) -> u64;
    /// The bit of `mask` with `above` others above it and `below` below it.
    #[inline(always)]
    fn nth_from_top(self, mask: u64, _above: u32, below: u32) -> u64 {
        self.deposit(1 << below, mask)
    }
}

/// The moves, bit by bit.
#[derive(Clone, Copy)]
pub(in super::super) struct PlainMoves;

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
    fn nth_from_top(self, mut mask: u64, above: u32, _below: u32) -> u64 {
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
        assert_eq!(PlainMoves.nth_from_top(0b1101_0000, 1, 1), 0b0100_0000);
    }
}
