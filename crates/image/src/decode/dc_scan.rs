//! DC scans of a progressive picture: the first, with differences, and the refinements of one bit a block.

#[cfg(target_arch = "aarch64")]
mod neon;

use super::bits::BitReader;
use super::coefficients::Coefficients;
use super::entropy::{EntropyStream, Fault};
use super::huffman::SymbolTable;
use super::layout::Layout;
use super::mcus::McuGrid;
use super::state::TableState;
use crate::code_path::Runnable;
use crate::header::scan::ScanHeader;
use crate::reason::Rejection;

/// A DC scan while it is decoded.
pub(super) struct DcScan<'t> {
    sites: Vec<Site<'t>>,
    low: u8,
    predictors: [i32; 4],
}

/// A block of an MCU.
#[derive(Clone, Copy)]
struct Site<'t> {
    /// The component, in the frame and in the scan.
    component: usize,
    part: usize,
    /// For a first scan, the table of the differences.
    table: Option<&'t SymbolTable>,
    /// Index in the component of the block in the first MCU, from one MCU to the next, and from one row of
    /// MCUs to the next.
    first: usize,
    step: usize,
    row: usize,
}

/// Decodes some MCUs in the instructions of a code path.
pub(super) type DcMcus = fn(
    Runnable,
    &mut DcScan<'_>,
    &mut EntropyStream<'_>,
    (usize, usize),
    usize,
    &mut [Coefficients],
) -> Result<(), Option<Fault>>;

/// Decodes a DC scan, interleaved or not.
pub(super) fn decode(
    (decode_mcus, path): (DcMcus, Runnable),
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
    let mut dc = DcScan { sites: sites(scan, mcus, layout, tables)?, low: scan.low, predictors: [0; 4] };
    let interval = tables.restart_interval as usize;
    let mut to_restart = if interval == 0 { usize::MAX } else { interval };
    for y in 0..mcus.high {
        let mut x = 0;
        while x < mcus.wide {
            if to_restart == 0 {
                stream.next_interval()?;
                (dc.predictors, to_restart) = ([0; 4], interval);
            }
            let count = (mcus.wide - x).min(to_restart);
            let decoded = decode_mcus(path, &mut dc, stream, (x, y), count, components);
            decoded.map_err(|fault| stream.reject(fault))?;
            (x, to_restart) = (x + count, to_restart - count);
        }
    }
    Ok(())
}

/// The blocks of an MCU in the order of the file (T.81, A.2.3).
fn sites<'t>(
    scan: &ScanHeader,
    mcus: McuGrid,
    layout: &Layout,
    tables: &'t TableState,
) -> Result<Vec<Site<'t>>, Rejection> {
    let mut sites = Vec::new();
    for (part, component) in scan.components.iter().enumerate() {
        let own = &layout.components[component.index];
        let (h, v) = if mcus.interleaved { (own.h, own.v) } else { (1, 1) };
        let table = if scan.is_first() { Some(tables.dc(component.dc_table)?) } else { None };
        for (row, column) in (0..v).flat_map(|row| (0..h).map(move |column| (row, column))) {
            sites.push(Site {
                component: component.index,
                part,
                table,
                first: row * own.padded_wide + column,
                step: h,
                row: v * own.padded_wide,
            });
        }
    }
    Ok(sites)
}

impl DcScan<'_> {
    /// Decodes some MCUs of a row, from the one at (`x`, `y`) on.
    #[inline(always)]
    pub(super) fn mcus(
        &mut self,
        stream: &mut EntropyStream<'_>,
        (x, y): (usize, usize),
        count: usize,
        components: &mut [Coefficients],
    ) -> Result<(), Option<Fault>> {
        for x in x..x + count {
            stream.prepare();
            let mut reader = stream.reader();
            let mut outcome = Ok(());
            for site in &self.sites {
                let value = &mut components[site.component].dc[site.first + x * site.step + y * site.row];
                outcome = site.decode(&mut reader, self.low, &mut self.predictors[site.part & 3], value);
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
}

impl Site<'_> {
    #[inline(always)]
    fn decode(&self, reader: &mut BitReader<'_>, low: u8, predictor: &mut i32, value: &mut i16) -> Result<(), Fault> {
        reader.refill();
        if let Some(table) = self.table {
            *predictor = predictor.wrapping_add(table.read_difference(reader)?);
            *value = shifted(*predictor, low);
        } else {
            *value |= shifted(reader.take(1).cast_signed(), low);
        }
        Ok(())
    }
}

/// A coefficient at its bit position.
#[inline(always)]
#[allow(clippy::cast_possible_truncation, reason = "what does not fit is damage; every path wraps alike")]
fn shifted(value: i32, low: u8) -> i16 {
    (value << low) as i16
}
