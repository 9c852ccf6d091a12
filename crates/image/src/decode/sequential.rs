//! Baseline and extended sequential decoding: a few MCUs to coefficients, their inverse transform, the next few.
//!
//! No coefficient outlives its batch, so memory does not grow with the picture but for the planes themselves.

use super::Process;
use super::entropy::EntropyStream;
use super::huffman::{AcTable, SymbolTable};
use super::idct::{self, Dequantiser};
use super::layout::{ComponentLayout, Layout, SPARE_BLOCKS, SlotTable, slots_of};
use super::mcus::{BLOCK_VIEW, BlockPlan, McuGrid};
use super::on_path;
use super::state::TableState;
use crate::code_path::Runnable;
use crate::header::scan::{ScanComponent, ScanHeader};
use crate::header::truncated;
use crate::planes::Plane;
use crate::reason::Rejection;

/// MCUs that are decoded before their inverse transform: 48 blocks of 4:2:0, which stay in the nearest cache.
const BATCH_MCUS: usize = 8;
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
                let decoded =
                    on_path::decode_mcus(self.path, stream, &plan, count, &mut predictors, &mut self.coefficients);
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
