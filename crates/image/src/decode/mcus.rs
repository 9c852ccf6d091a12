//! The MCUs of a scan, and sequential blocks of them from bits to coefficients.

use super::bits::BitReader;
use super::entropy::{EntropyStream, Fault};
use super::huffman::{AcTable, END_OF_BLOCK, PairEntry, SymbolTable};
use super::layout::{Layout, SlotTable};
use crate::header::scan::{ScanComponent, ScanHeader};

/// Room behind the last block of a batch: a block is addressed as the first of this many coefficients.
pub(super) const BLOCK_VIEW: usize = 256;

/// The MCUs of a scan.
#[derive(Clone, Copy)]
pub(super) struct McuGrid {
    pub(super) wide: usize,
    pub(super) high: usize,
    /// Whether the scan has several components, so that an MCU has h × v blocks of each.
    pub(super) interleaved: bool,
    /// Blocks of the whole scan.
    pub(super) blocks: usize,
}

impl McuGrid {
    pub(super) fn of(scan: &ScanHeader, layout: &Layout) -> Self {
        let blocks_of = |c: &ScanComponent| layout.components[c.index].h * layout.components[c.index].v;
        if let [alone] = &scan.components[..] {
            let component = &layout.components[alone.index];
            let (wide, high) = (component.blocks_wide, component.blocks_high);
            return Self { wide, high, interleaved: false, blocks: wide * high };
        }
        let (wide, high) = (layout.mcus_wide, layout.mcus_high);
        let per_mcu: usize = scan.components.iter().map(blocks_of).sum();
        Self { wide, high, interleaved: true, blocks: wide * high * per_mcu }
    }
}

/// A block of an MCU: what it is decoded with and where its coefficients go.
#[derive(Clone, Copy)]
pub(super) struct BlockPlan<'t> {
    pub(super) dc: &'t SymbolTable,
    pub(super) ac: &'t AcTable,
    pub(super) slots: &'static SlotTable,
    /// Coefficients kept of a block.
    pub(super) kept: usize,
    /// Which DC predictor.
    pub(super) predictor: usize,
    /// Where the block of the batch's first MCU stands, and from one MCU to the next.
    pub(super) offset: usize,
    pub(super) step: usize,
}

/// Decodes some MCUs, in whatever instructions the caller is compiled for.
#[inline(always)]
pub(super) fn decode_mcus_with(
    stream: &mut EntropyStream<'_>,
    plan: &[BlockPlan<'_>],
    count: usize,
    predictors: &mut [i16; 4],
    coefficients: &mut [i16],
) -> Result<(), Option<Fault>> {
    for mcu in 0..count {
        stream.prepare();
        let mut reader = stream.reader();
        let mut outcome = Ok(());
        for block in plan {
            let from = block.offset + mcu * block.step;
            let Some(view) = coefficients.get_mut(from..).and_then(<[i16]>::first_chunk_mut) else { break };
            outcome = decode_block(&mut reader, block, &mut predictors[block.predictor & 3], view);
            if outcome.is_err() {
                break;
            }
        }
        let BitReader { at, bits, count, .. } = reader;
        stream.resume(at, bits, count);
        outcome.map_err(Some)?;
        if stream.overrun() {
            return Err(None);
        }
    }
    Ok(())
}

/// Decodes one block. Coefficients that the scale does not need are parsed, and written behind the block.
#[inline(always)]
fn decode_block(
    reader: &mut BitReader<'_>,
    plan: &BlockPlan<'_>,
    predictor: &mut i16,
    block: &mut [i16; BLOCK_VIEW],
) -> Result<(), Fault> {
    reader.refill();
    let difference = plan.dc.read_difference(reader)?;
    *predictor = predictor.wrapping_add(truncate(difference));
    clear(block, plan.kept);
    block[0] = *predictor;
    let mut next = 1;
    loop {
        reader.refill();
        // Four look-ups of 12 bits fit in the 56 that are there.
        for _ in 0..4 {
            let entry = plan.ac.fast[reader.peek(super::huffman::PAIR_BITS)];
            if entry.is_special() {
                next = decode_single(reader, plan, entry, next, block)?;
                if next >= 64 {
                    return check_end(next);
                }
                break;
            }
            let (first, after) = (next + entry.first(), next + entry.all());
            block[slot(plan.slots, after)] = entry.last();
            block[slot(plan.slots, first)] = entry.value();
            if after >= 64 {
                if first >= 64 && first != after {
                    // The block ends with the first coefficient; the bits behind it are not its own.
                    next = decode_single(reader, plan, PairEntry::default(), next, block)?;
                } else {
                    reader.consume(entry.length());
                    next = after;
                }
                return check_end(next);
            }
            reader.consume(entry.length());
            next = after;
        }
    }
}

/// Clears a block, which holds what the batch before left. The usual sizes are known to the compiler.
#[inline(always)]
fn clear(block: &mut [i16; BLOCK_VIEW], kept: usize) {
    match kept {
        64 => block[..64].fill(0),
        16 => block[..16].fill(0),
        _ => block[..kept.min(4)].fill(0),
    }
}

#[inline(always)]
fn slot(slots: &SlotTable, index: u32) -> usize {
    usize::from(slots[(index & 0xFF) as usize])
}

#[inline(always)]
#[allow(clippy::cast_possible_truncation, reason = "what does not fit is damage; every path wraps alike")]
fn truncate(value: i32) -> i16 {
    value as i16
}

/// A block ends behind its last coefficient or at an end of block, not between.
#[inline(always)]
fn check_end(next: u32) -> Result<(), Fault> {
    if next > 64 && next < END_OF_BLOCK { Err(Fault::BadIndex) } else { Ok(()) }
}

/// Decodes one coefficient without the table of pairs, or with what it knows of the code.
#[inline(always)]
fn decode_single(
    reader: &mut BitReader<'_>,
    plan: &BlockPlan<'_>,
    entry: PairEntry,
    next: u32,
    block: &mut [i16; BLOCK_VIEW],
) -> Result<u32, Fault> {
    reader.refill();
    let (length, advance, size) = plan.ac.code(reader, entry)?;
    if size == 0 && advance < 16 {
        reader.consume(length);
        return Ok(next + END_OF_BLOCK);
    }
    let value = reader.signed(length, size);
    reader.consume(length + size);
    block[slot(plan.slots, next + advance)] = truncate(value);
    Ok(next + advance)
}
