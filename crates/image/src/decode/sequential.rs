//! Baseline and extended sequential decoding: a few MCUs to coefficients, their inverse transform, the next few.
//!
//! No coefficient outlives its batch, so memory does not grow with the picture but for the planes themselves.

use super::Process;
use super::bits::BitReader;
use super::entropy::{EntropyStream, Fault};
use super::huffman::{AcTable, END_OF_BLOCK, PairEntry, SymbolTable};
use super::idct::{self, Dequantiser};
use super::layout::{ComponentLayout, Layout, SPARE_BLOCKS, SlotTable, slots_of};
use super::state::TableState;
#[cfg(target_arch = "x86_64")]
use crate::code_path::CodePath;
use crate::code_path::Runnable;
use crate::header::scan::{ScanComponent, ScanHeader};
use crate::header::truncated;
use crate::planes::Plane;
use crate::reason::Rejection;

/// MCUs that are decoded before their inverse transform: 48 blocks of 4:2:0, which stay in the nearest cache.
const BATCH_MCUS: usize = 8;
/// Room behind the last block of a batch: a block is addressed as the first of this many coefficients.
const BLOCK_VIEW: usize = 256;

/// Sequential decoding of a picture.
pub(super) struct Sequential<'l> {
    layout: &'l Layout,
    path: Runnable,
    planes: Vec<Option<Plane>>,
}

impl<'l> Sequential<'l> {
    pub(super) fn new(layout: &'l Layout, path: Runnable) -> Self {
        Self { layout, path, planes: layout.components.iter().map(|_| None).collect() }
    }
}

impl Process for Sequential<'_> {
    fn scan(
        &mut self,
        bytes: &[u8],
        at: usize,
        scan: &ScanHeader,
        tables: &mut TableState,
    ) -> Result<usize, Rejection> {
        let mcus = McuGrid::of(scan, self.layout);
        // Every block takes a bit at least for its DC difference and one for its end.
        if (bytes.len() - at) * 4 < mcus.blocks {
            return Err(truncated(format!("{} bytes cannot hold {} blocks", bytes.len() - at, mcus.blocks)));
        }
        for component in &scan.components {
            tables.build_dc(component.dc_table)?;
            tables.build_ac(component.ac_table)?;
        }
        let mut stream = EntropyStream::new(bytes, at);
        let mut parts = Vec::with_capacity(scan.components.len());
        let mut offset = 0;
        for component in &scan.components {
            let part = Part::new(component, self.layout, &mcus, tables, &mut offset)?;
            parts.push(part);
        }
        let coefficients = vec![0i16; offset + BLOCK_VIEW];
        let mut run = ScanRun { parts, coefficients, mcus, path: self.path };
        run.decode(&mut stream, tables.restart_interval as usize)?;
        for part in run.parts {
            self.planes[part.index] = Some(part.plane);
        }
        Ok(stream.end())
    }

    fn is_complete(&self) -> bool {
        self.planes.iter().all(Option::is_some)
    }

    fn finish(self, _at_eoi: bool) -> Result<Vec<Plane>, Rejection> {
        let planes: Option<Vec<Plane>> = self.planes.into_iter().collect();
        planes.ok_or_else(|| truncated("a component has no scan"))
    }
}

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

/// A component's part in a running scan.
struct Part<'t> {
    index: usize,
    /// Blocks in an MCU.
    h: usize,
    v: usize,
    side: usize,
    dc: &'t SymbolTable,
    ac: &'t AcTable,
    slots: &'static SlotTable,
    dequantiser: Dequantiser,
    plane: Plane,
    /// Where the component's coefficients begin in the batch, and from one row of blocks to the next.
    offset: usize,
    row: usize,
}

impl<'t> Part<'t> {
    fn new(
        component: &ScanComponent,
        layout: &Layout,
        mcus: &McuGrid,
        tables: &'t TableState,
        offset: &mut usize,
    ) -> Result<Self, Rejection> {
        let own: &ComponentLayout = &layout.components[component.index];
        let (h, v) = if mcus.interleaved { (own.h, own.v) } else { (1, 1) };
        let row = (BATCH_MCUS * h + SPARE_BLOCKS) * own.kept();
        let part = Self {
            index: component.index,
            h,
            v,
            side: own.side,
            dc: tables.dc(component.dc_table)?,
            ac: tables.ac(component.ac_table)?,
            slots: slots_of(own.side),
            dequantiser: Dequantiser::new(tables.quant(own.quant)?, own.side),
            plane: own.plane(),
            offset: *offset,
            row,
        };
        *offset += row * v;
        Ok(part)
    }
}

/// A block of an MCU: what it is decoded with and where its coefficients go.
#[derive(Clone, Copy)]
pub(super) struct BlockPlan<'t> {
    dc: &'t SymbolTable,
    ac: &'t AcTable,
    slots: &'static SlotTable,
    /// Coefficients kept of a block.
    kept: usize,
    /// Which DC predictor.
    predictor: usize,
    /// Where the block of the batch's first MCU stands, and from one MCU to the next.
    offset: usize,
    step: usize,
}

/// A scan while it is decoded.
struct ScanRun<'t> {
    parts: Vec<Part<'t>>,
    coefficients: Vec<i16>,
    mcus: McuGrid,
    path: Runnable,
}

impl<'t> ScanRun<'t> {
    fn decode(&mut self, stream: &mut EntropyStream<'_>, restart_interval: usize) -> Result<(), Rejection> {
        let plan = self.plan();
        let mut predictors = [0i16; 4];
        let mut to_restart = if restart_interval == 0 { usize::MAX } else { restart_interval };
        for y in 0..self.mcus.high {
            let mut x = 0;
            while x < self.mcus.wide {
                if to_restart == 0 {
                    stream.next_interval()?;
                    predictors = [0; 4];
                    to_restart = restart_interval;
                }
                let count = BATCH_MCUS.min(self.mcus.wide - x).min(to_restart);
                let decoded = decode_mcus(self.path, stream, &plan, count, &mut predictors, &mut self.coefficients);
                decoded.map_err(|fault| stream.reject(fault))?;
                self.transform(x, y, count);
                x += count;
                to_restart -= count;
            }
        }
        Ok(())
    }

    /// The blocks of an MCU in the order of the file (T.81, A.2.3).
    fn plan(&self) -> Vec<BlockPlan<'t>> {
        let mut plan = Vec::new();
        for (predictor, part) in self.parts.iter().enumerate() {
            let kept = part.side * part.side;
            for (block_row, block_column) in (0..part.v).flat_map(|row| (0..part.h).map(move |column| (row, column))) {
                plan.push(BlockPlan {
                    dc: part.dc,
                    ac: part.ac,
                    slots: part.slots,
                    kept,
                    predictor,
                    offset: part.offset + block_row * part.row + block_column * kept,
                    step: part.h * kept,
                });
            }
        }
        plan
    }

    /// Turns the batch into samples.
    fn transform(&mut self, x: usize, y: usize, count: usize) {
        for part in &mut self.parts {
            for block_row in 0..part.v {
                let from = part.offset + block_row * part.row;
                let coefficients = &self.coefficients[from..from + part.row];
                let row = (y * part.v + block_row) * part.side;
                let to = row * part.plane.stride + x * part.h * part.side;
                let stride = part.plane.stride;
                idct::inverse(
                    self.path,
                    &part.dequantiser,
                    coefficients,
                    count * part.h,
                    &mut part.plane.data[to..],
                    stride,
                );
            }
        }
    }
}

/// Decodes some MCUs on a code path.
fn decode_mcus(
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
