//! Progressive decoding: scan after scan into the coefficients that the scales need, then one inverse transform.
//!
//! A coefficient outside the scale is parsed and forgotten, but for the bit that says it is not zero: refinement scans
//! carry a bit for each such coefficient.

pub(super) mod ac;
pub(super) mod dc;
mod on_path;

use super::Process;
use super::entropy::EntropyStream;
use super::idct::{self, Dequantiser};
use super::layout::{ComponentLayout, Layout, SPARE_BLOCKS, slots_of};
use super::sequential::McuGrid;
use super::state::TableState;
use crate::code_path::Runnable;
use crate::header::scan::ScanHeader;
use crate::header::{corrupt, truncated};
use crate::planes::Plane;
use crate::reason::Rejection;

/// Bit position of a coefficient that no scan has carried.
const NEVER: u8 = u8::MAX;

/// Progressive decoding of a picture.
pub(super) struct Progressive<'l> {
    layout: &'l Layout,
    path: Runnable,
    components: Vec<Coefficients>,
}

/// The coefficients of a component as far as the scans have told them.
pub(super) struct Coefficients {
    /// Kept coefficients, block after block.
    pub(super) values: Vec<i16>,
    /// For each block, a bit for each coefficient in zigzag order, from the top, that is not zero.
    pub(super) nonzero: Vec<u64>,
    /// Bit position that each coefficient has reached, in zigzag order.
    low: [u8; 64],
    /// The quantisation table that was in force when the component's first scan began.
    dequantiser: Option<Dequantiser>,
}

impl<'l> Progressive<'l> {
    pub(super) fn new(layout: &'l Layout, path: Runnable) -> Self {
        Self { layout, path, components: Vec::new() }
    }

    /// Allocates the coefficients. Not before the first scan has shown that its data can hold the picture.
    fn allocate(&mut self, data_bytes: usize, blocks: usize) -> Result<(), Rejection> {
        if data_bytes * 8 < blocks {
            return Err(truncated(format!("{data_bytes} bytes cannot hold {blocks} blocks")));
        }
        if self.components.is_empty() {
            self.components = self.layout.components.iter().map(Coefficients::new).collect();
        }
        Ok(())
    }
}

impl Process for Progressive<'_> {
    fn scan(
        &mut self,
        bytes: &[u8],
        at: usize,
        scan: &ScanHeader,
        tables: &mut TableState,
    ) -> Result<usize, Rejection> {
        let mcus = McuGrid::of(scan, self.layout);
        if self.components.is_empty() {
            self.allocate(bytes.len() - at, self.layout.blocks())?;
        }
        for part in &scan.components {
            let layout = &self.layout.components[part.index];
            self.components[part.index].begin(scan, layout, tables)?;
        }
        let mut stream = EntropyStream::new(bytes, at);
        if scan.spectral_start == 0 {
            dc::decode(self.path, &mut stream, scan, mcus, self.layout, &mut self.components, tables)?;
        } else {
            let index = scan.components[0].index;
            let layout = &self.layout.components[index];
            ac::decode(self.path, &mut stream, scan, mcus, layout, &mut self.components[index], tables)?;
        }
        Ok(stream.end())
    }

    fn is_complete(&self) -> bool {
        false
    }

    fn finish(self, at_eoi: bool) -> Result<Vec<Plane>, Rejection> {
        if self.components.is_empty() {
            return Err(truncated("the data end before the first scan"));
        }
        for (index, component) in self.components.iter().enumerate() {
            component.check_complete(index, at_eoi)?;
        }
        let parts = self.components.into_iter().zip(&self.layout.components);
        Ok(parts.map(|(component, layout)| component.transform(layout, self.path)).collect())
    }
}

impl Coefficients {
    fn new(layout: &ComponentLayout) -> Self {
        let blocks = layout.padded_wide * layout.padded_high;
        Self { values: vec![0; blocks * layout.kept()], nonzero: vec![0; blocks], low: [NEVER; 64], dequantiser: None }
    }

    fn begin(&mut self, scan: &ScanHeader, layout: &ComponentLayout, tables: &TableState) -> Result<(), Rejection> {
        let reached = &mut self.low[usize::from(scan.spectral_start)..=usize::from(scan.spectral_end)];
        check_continuity(reached, scan)?;
        reached.fill(scan.low);
        if self.dequantiser.is_none() {
            self.dequantiser = Some(Dequantiser::new(tables.quant(layout.quant)?, layout.side));
        }
        Ok(())
    }

    /// A coefficient that was begun must be told to its last bit. One that no scan carries is zero, which a file may
    /// well mean, unless it breaks off without EOI.
    fn check_complete(&self, index: usize, at_eoi: bool) -> Result<(), Rejection> {
        let is_missing = |low: u8| low != 0 && (low != NEVER || !at_eoi);
        if self.low[0] != 0 || self.low.iter().any(|&low| is_missing(low)) {
            return Err(truncated(format!("scans are missing: component {index} is not told to its last bit")));
        }
        Ok(())
    }

    fn transform(self, layout: &ComponentLayout, path: Runnable) -> Plane {
        let mut plane = layout.plane();
        let Some(dequantiser) = self.dequantiser else { return plane };
        let row_bytes = plane.stride * layout.side;
        let row_values = layout.padded_wide * layout.kept();
        let mut columns = vec![0; (layout.padded_wide + SPARE_BLOCKS) * layout.kept()];
        for (row, samples) in plane.data.chunks_exact_mut(row_bytes).enumerate() {
            to_columns(layout.side, &self.values[row * row_values..][..row_values], &mut columns);
            idct::inverse(path, &dequantiser, &columns, layout.padded_wide, samples, plane.stride);
        }
        plane
    }
}

/// A scan goes on at the bit that the scan before it has reached, or is the first of its coefficients: anything else
/// makes other samples in every decoder (T.81, G.1.1.1.1).
fn check_continuity(reached: &[u8], scan: &ScanHeader) -> Result<(), Rejection> {
    let is_next = |&low: &u8| if low == NEVER { scan.high == 0 } else { scan.high == low };
    if reached.iter().all(is_next) {
        return Ok(());
    }
    let (start, end, high) = (scan.spectral_start, scan.spectral_end, scan.high);
    Err(corrupt(format!("a scan of coefficients {start} to {end} goes on at bit {high}, which they have not reached")))
}

/// Puts the coefficients of blocks from the order that scans keep them in to that of the inverse transform.
fn to_columns(side: usize, values: &[i16], columns: &mut [i16]) {
    match side {
        8 => permute::<64>(values, columns, 8),
        4 => permute::<16>(values, columns, 4),
        2 => permute::<4>(values, columns, 2),
        _ => columns[..values.len()].copy_from_slice(values),
    }
}

fn permute<const KEPT: usize>(values: &[i16], columns: &mut [i16], side: usize) {
    let (ranks, slots) = (ac::Ranks::of(side), slots_of(side));
    let mut from = [0; KEPT];
    for n in (1..=64).filter(|&n| usize::from(slots[n]) < KEPT) {
        from[usize::from(slots[n])] = ranks.slots[n];
    }
    for (block, column) in values.as_chunks::<KEPT>().0.iter().zip(columns.as_chunks_mut::<KEPT>().0) {
        *column = std::array::from_fn(|slot| block[usize::from(from[slot]) % KEPT]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scan_goes_on_where_the_last_one_stopped_or_is_the_first() {
        let scan = |high, low| ScanHeader { components: Vec::new(), spectral_start: 1, spectral_end: 2, high, low };
        assert!(check_continuity(&[NEVER, NEVER], &scan(0, 2)).is_ok());
        assert!(check_continuity(&[2, 2], &scan(2, 1)).is_ok());
        for (reached, high) in [([NEVER, NEVER], 1), ([2, 2], 1), ([2, 1], 2), ([NEVER, 2], 2), ([2, 2], 0)] {
            let rejection = check_continuity(&reached, &scan(high, 0)).expect_err("another bit");
            assert_eq!(rejection.reason, crate::Reason::Corrupt, "{reached:?} {high}");
        }
    }
}
