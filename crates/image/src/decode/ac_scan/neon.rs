//! Refinement scans on arm64, which has no instructions that spread bits over a mask or push them together.
//!
//! Between two coefficients that are known from scans before, and behind the last of them, lies a stretch where symbols need no
//! mask: where the next new coefficient stands is a sum, and several symbols are had at once. Only who crosses a known coefficient stops
//! there, for the bit that refines it.

use super::super::bits::BitReader;
use super::super::entropy::{EntropyStream, Fault};
use super::super::huffman::PAIR_BITS;
use super::super::refinements::{Refinements, SEVERAL_BITS};
use super::{AcScan, Blocks, TOP};

/// Bits that a single symbol takes at most, with its sign.
const SINGLE_BITS: u32 = PAIR_BITS + 1;
/// Bits that are there after a refill, at least.
const REFILLED: u32 = 56;

impl AcScan<'_> {
    /// [`AcScan::blocks`], with the same outcome.
    pub(in super::super) fn blocks_on_neon<const KEPT: usize>(
        &mut self,
        stream: &mut EntropyStream<'_>,
        blocks: Blocks<'_>,
    ) -> Result<(), Option<Fault>> {
        let values = blocks.values.as_chunks_mut::<KEPT>().0;
        // Taken out while it is in use, so that it can be borrowed beside the rest.
        match self.refinements.take() {
            None => self.first_blocks(stream, values, blocks.nonzero),
            Some(table) => {
                let refined = self.refine_stretches(&table, stream, values, blocks.nonzero);
                self.refinements = Some(table);
                refined
            }
        }
    }

    fn refine_stretches<const KEPT: usize>(
        &mut self,
        table: &Refinements,
        stream: &mut EntropyStream<'_>,
        values: &mut [[i16; KEPT]],
        nonzero: &mut [u64],
    ) -> Result<(), Option<Fault>> {
        let mut index = 0;
        while index < nonzero.len() {
            let safe = stream.prepare_many();
            let mut reader = stream.reader();
            let mut outcome = Ok(());
            // Behind the place that is safe blocks are decoded one at a time.
            while index < nonzero.len() {
                let (values, nonzero) = (&mut values[index], &mut nonzero[index]);
                index += 1;
                // What this scan adds is not refined by it: the coefficients asked for are those of before.
                let known = *nonzero & self.band;
                if self.end_run > 0 && known == 0 {
                    self.end_run -= 1;
                    continue;
                }
                match self.refine_block(table, &mut reader, known) {
                    Ok((told, end_run)) => {
                        *nonzero |= told.added;
                        self.end_run = end_run;
                        self.change(told, values);
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
    fn refine_block(&self, table: &Refinements, reader: &mut BitReader<'_>, known: u64) -> Result<(Told, u32), Fault> {
        let mut walk = Walk::new(self.start, self.limit, known);
        // Every known coefficient is refined with a symbol or behind the last, and each time but one bits for all are there.
        let bits = SINGLE_BITS + known.count_ones();
        let is_short = bits <= REFILLED;
        let mut end_run = self.end_run;
        if end_run == 0 {
            while walk.position < self.limit {
                if reader.count < bits {
                    reader.refill();
                }
                let several = table.several[reader.peek(SEVERAL_BITS)];
                let after = walk.position + several.advance();
                let is_end = several.is_end();
                if after <= walk.next && !(is_end && after == self.limit) {
                    reader.consume(several.length());
                    walk.told.added |= several.new_ones() >> walk.position;
                    walk.told.negative |= several.negative_ones() >> walk.position;
                    walk.position = after;
                    if is_end {
                        end_run = 1;
                        break;
                    }
                    continue;
                }
                let entry = table.new[reader.peek(PAIR_BITS)];
                if is_short && entry.is_new() {
                    reader.consume(entry.length());
                    let place = walk.cross(reader, entry.run())?;
                    walk.put(place, entry.is_negative());
                    continue;
                }
                // Copies leave the block's own in registers.
                let (mut slow_reader, mut slow_walk) = (*reader, walk);
                let ended = self.any_symbol(&mut slow_reader, &mut slow_walk)?;
                (*reader, walk) = (slow_reader, slow_walk);
                if let Some(ended) = ended {
                    end_run = ended;
                    break;
                }
            }
        }
        if end_run > 0 {
            end_run -= 1;
            if is_short {
                if reader.count < bits {
                    reader.refill();
                }
                while walk.next < self.limit {
                    walk.refine_next(reader);
                }
            } else {
                walk.refine_rest(reader);
            }
        }
        Ok((walk.told, end_run))
    }

    /// Decodes any symbol; where it ends the block, gives how many blocks from this one on are at their end, or 0 where that is not told.
    #[inline(never)]
    fn any_symbol(&self, reader: &mut BitReader<'_>, walk: &mut Walk) -> Result<Option<u32>, Fault> {
        reader.refill();
        let (length, symbol) = self.table.symbols.look_up(reader)?;
        reader.consume(length);
        let (run, size) = (u32::from(symbol >> 4), u32::from(symbol & 15));
        if size == 0 && run < 15 {
            return Ok(Some((1 << run) + reader.take(run)));
        }
        let known = walk.known.count_ones() - u32::from(self.limit < 64);
        let left = self.limit - walk.position - known;
        if size > 1 || size == 1 && run >= left {
            return Err(Fault::BadIndex);
        }
        let is_negative = reader.take(size) == 0;
        if run >= left {
            walk.refine_rest(reader);
            return Ok(Some(0));
        }
        let mut place = walk.position + run;
        while place >= walk.next {
            reader.refill();
            walk.refine_next(reader);
            place += 1;
        }
        if size > 0 {
            walk.put(place, is_negative);
        }
        walk.position = place + 1;
        Ok(None)
    }

    /// Changes the kept coefficients of a block as the scan says.
    #[inline(always)]
    fn change<const KEPT: usize>(&self, told: Told, values: &mut [i16; KEPT]) {
        let step = 1i16 << self.low;
        self.each(told.grown, values, |value| value.wrapping_add(((value >> 15) | 1) << self.low));
        self.each(told.added & !told.negative, values, |value| value.wrapping_add(step));
        self.each(told.added & told.negative, values, |value| value.wrapping_sub(step));
    }

    /// Changes those of some coefficients that are kept.
    #[inline(always)]
    fn each<const KEPT: usize>(&self, places: u64, values: &mut [i16; KEPT], change: impl Fn(i16) -> i16) {
        let Some(slots) = self.ranks.slots[1..].first_chunk::<64>() else { return };
        let mut kept = places & self.ranks.kept;
        while kept != 0 {
            let n = kept.leading_zeros();
            let value = &mut values[usize::from(slots[n as usize & 63]) % KEPT];
            *value = change(*value);
            kept &= !(TOP >> (n & 63));
        }
    }
}

/// What a refinement scan says of a block: a bit, counted from the top, for each coefficient in zigzag order.
#[derive(Clone, Copy)]
struct Told {
    /// Known coefficients whose size grows by a step.
    grown: u64,
    /// Coefficients that the scan makes other than zero, and which of them are negative.
    added: u64,
    negative: u64,
}

/// A block while it is gone over.
#[derive(Clone, Copy)]
struct Walk {
    /// The next coefficient.
    position: u32,
    /// The next known one, or the end of the band.
    next: u32,
    limit: u32,
    /// The known ones still to come, and the end of the band.
    known: u64,
    told: Told,
}

impl Walk {
    #[inline(always)]
    fn new(position: u32, limit: u32, known: u64) -> Self {
        let told = Told { grown: 0, added: 0, negative: 0 };
        // A band that ends with the block needs no bit for its end: an empty mask has 64 zeros.
        let known = known | if limit < 64 { TOP >> limit } else { 0 };
        Self { position, next: known.leading_zeros(), limit, known, told }
    }

    /// Goes over `run` zeros and what is known between them; gives the place of the zero behind. The bits for all known ones are there,
    /// and the one before them is the sign of what comes to that place.
    #[inline(always)]
    fn cross(&mut self, reader: &mut BitReader<'_>, run: u32) -> Result<u32, Fault> {
        let zeros = self.position + run;
        let mut place = zeros;
        // The end of the band is passed as what is known is: whoever passes it is beyond.
        while place >= self.next && self.known != 0 {
            self.refine(reader.bits);
            reader.bits <<= 1;
            place += 1;
        }
        if place >= self.limit {
            // Nothing but the code counts as read, as on every path: it decides whether the data are cut short or wrong.
            reader.count += 1;
            return Err(Fault::BadIndex);
        }
        reader.count = reader.count.wrapping_sub(place - zeros) & 63;
        Ok(place)
    }

    /// Makes a coefficient other than zero.
    #[inline(always)]
    fn put(&mut self, place: u32, is_negative: bool) {
        self.told.added |= TOP >> (place & 63);
        self.told.negative |= (u64::from(is_negative) << 63) >> (place & 63);
        self.position = place + 1;
    }

    /// Reads a bit for the next known coefficient. There are bits.
    #[inline(always)]
    fn refine_next(&mut self, reader: &mut BitReader<'_>) {
        self.refine(reader.bits);
        reader.consume(1);
    }

    /// The next known coefficient is refined by the first of some bits.
    #[inline(always)]
    fn refine(&mut self, bits: u64) {
        let place = TOP >> (self.next & 63);
        self.told.grown |= place & (bits.cast_signed() >> 63).cast_unsigned();
        self.known ^= place;
        self.next = self.known.leading_zeros();
    }

    /// Reads a bit for each known coefficient still to come.
    fn refine_rest(&mut self, reader: &mut BitReader<'_>) {
        while self.next < self.limit {
            reader.refill();
            self.refine_next(reader);
        }
    }
}
