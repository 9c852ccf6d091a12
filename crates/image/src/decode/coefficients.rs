//! The coefficients of a component of a progressive picture, and which of their bits the scans have carried.

use super::idct::Dequantiser;
use super::layout::ComponentLayout;
use super::state::TableState;
use crate::header::scan::ScanHeader;
use crate::header::{corrupt, truncated};
use crate::reason::Rejection;
use crate::scratch::Buffer;

/// Bit position of a coefficient that no scan has carried.
const NEVER: u8 = u8::MAX;

/// The coefficients of a component as far as the scans have told them.
pub(super) struct Coefficients {
    /// The DC coefficient of each block. Scans of them alone would find one in every other line of memory among the others.
    pub(super) dc: Buffer<i16>,
    /// Kept coefficients, block after block; the place of the DC coefficient is not used.
    pub(super) values: Buffer<i16>,
    /// For each block, a bit for each coefficient in zigzag order, from the top, that is not zero.
    pub(super) nonzero: Buffer<u64>,
    /// Bit position that each coefficient has reached, in zigzag order.
    low: [u8; 64],
    /// The quantisation table that was in force when the component's first scan began.
    pub(super) dequantiser: Option<Dequantiser>,
}

impl Coefficients {
    pub(super) fn new(layout: &ComponentLayout) -> Self {
        let blocks = layout.padded_wide * layout.padded_high;
        let (dc, values) = (Buffer::zeroed(blocks), Buffer::zeroed(blocks * layout.kept()));
        Self { dc, values, nonzero: Buffer::zeroed(blocks), low: [NEVER; 64], dequantiser: None }
    }

    pub(super) fn begin(
        &mut self,
        scan: &ScanHeader,
        layout: &ComponentLayout,
        tables: &TableState,
    ) -> Result<(), Rejection> {
        let reached = &mut self.low[usize::from(scan.spectral_start)..=usize::from(scan.spectral_end)];
        check_continuity(reached, scan)?;
        reached.fill(scan.low);
        if self.dequantiser.is_none() {
            self.dequantiser = Some(Dequantiser::new(tables.quant(layout.quant)?, layout.side));
        }
        Ok(())
    }

    /// Whether the picture is whole. Where the file says itself that it ends, refinements that never came make a coarser picture, and a
    /// coefficient that no scan carries is zero: a file may well mean both. One that breaks off without EOI was cut. The first
    /// scan of the DC coefficients must be there in any case.
    pub(super) fn check_complete(&self, index: usize, at_eoi: bool) -> Result<(), Rejection> {
        let is_cut = !at_eoi && self.low.iter().any(|&low| low != 0);
        if self.low[0] == NEVER || is_cut {
            return Err(truncated(format!("scans are missing: component {index} is not complete to its last bit")));
        }
        Ok(())
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
