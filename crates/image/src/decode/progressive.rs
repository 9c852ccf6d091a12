//! Progressive decoding: scan after scan into the coefficients that the scales need, then one inverse transform.
//!
//! A coefficient outside the scale is parsed and forgotten, but for the bit that says it is not zero: refinement scans
//! carry a bit for each such coefficient.

use super::Process;
use super::ac_scan;
use super::coefficients::Coefficients;
use super::dc_scan;
use super::entropy::EntropyStream;
use super::idct;
use super::layout::{ComponentLayout, Layout, SPARE_BLOCKS, slots_of};
use super::mcus::McuGrid;
use super::on_path;
use super::state::TableState;
use crate::code_path::Runnable;
use crate::header::scan::ScanHeader;
use crate::header::truncated;
use crate::planes::Plane;
use crate::reason::Rejection;

/// Progressive decoding of a picture.
pub(super) struct Progressive<'l> {
    layout: &'l Layout,
    path: Runnable,
    components: Vec<Coefficients>,
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
            dc_scan::decode(
                (on_path::dc_mcus, self.path),
                &mut stream,
                scan,
                mcus,
                self.layout,
                &mut self.components,
                tables,
            )?;
        } else {
            let index = scan.components[0].index;
            let layout = &self.layout.components[index];
            ac_scan::decode(
                (on_path::ac_blocks, self.path),
                &mut stream,
                scan,
                mcus,
                layout,
                &mut self.components[index],
                tables,
            )?;
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
        Ok(parts.map(|(component, layout)| transform(component, layout, self.path)).collect())
    }
}

/// The samples of a component.
fn transform(coefficients: Coefficients, layout: &ComponentLayout, path: Runnable) -> Plane {
    let mut plane = layout.plane();
    let Some(dequantiser) = coefficients.dequantiser else { return plane };
    let row_bytes = plane.stride * layout.side;
    let row_values = layout.padded_wide * layout.kept();
    let order = idct::Order::new(&places(layout.side));
    let mut columns = vec![0; (layout.padded_wide + SPARE_BLOCKS) * layout.kept()];
    for (row, samples) in plane.data.chunks_exact_mut(row_bytes).enumerate() {
        order.apply(path, &coefficients.values[row * row_values..][..row_values], &mut columns);
        let dc = &coefficients.dc[row * layout.padded_wide..][..layout.padded_wide];
        for (block, &dc) in columns.chunks_exact_mut(layout.kept()).zip(dc) {
            block[0] = dc;
        }
        idct::inverse(path, &dequantiser, &columns, layout.padded_wide, samples, plane.stride);
    }
    plane
}

/// Where each coefficient that the inverse transform takes is kept by the scans.
fn places(side: usize) -> Vec<u8> {
    let (ranks, slots) = (ac_scan::Ranks::of(side), slots_of(side));
    let mut places = vec![0; side * side];
    for (&slot, &rank) in slots.iter().zip(&ranks.slots).skip(1).take(64) {
        if let Some(place) = places.get_mut(usize::from(slot)) {
            *place = rank;
        }
    }
    places
}
