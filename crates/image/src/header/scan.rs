//! The scan header (SOS): which components a scan carries, with which tables and which part of their coefficients.

use super::{Component, corrupt};
use crate::reason::Rejection;

/// A component's part in a scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ScanComponent {
    /// Index in the frame's components.
    pub index: usize,
    /// DC Huffman table, 0–3.
    pub dc_table: usize,
    /// AC Huffman table, 0–3.
    pub ac_table: usize,
}

/// A scan header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ScanHeader {
    /// The components of the scan.
    pub components: Vec<ScanComponent>,
    /// First coefficient, in zigzag order.
    pub spectral_start: u8,
    /// Last coefficient, in zigzag order.
    pub spectral_end: u8,
    /// Bit position of the scan before this one for these coefficients; 0 for the first.
    pub high: u8,
    /// Bit position of this scan.
    pub low: u8,
}

impl ScanHeader {
    /// Reads and checks the payload of an SOS segment.
    pub(crate) fn parse(payload: &[u8], frame: &[Component], progressive: bool) -> Result<Self, Rejection> {
        let (&count, rest) = payload.split_first().ok_or_else(|| corrupt("an empty scan header"))?;
        let count = usize::from(count);
        if !(1..=4).contains(&count) || rest.len() != count * 2 + 3 {
            return Err(corrupt(format!("a scan header of {} bytes for {count} components", payload.len())));
        }
        let (selectors, tail) = rest.split_at(count * 2);
        let mut scan = Self {
            components: Vec::with_capacity(count),
            spectral_start: tail[0],
            spectral_end: tail[1],
            high: tail[2] >> 4,
            low: tail[2] & 15,
        };
        for pair in selectors.chunks_exact(2) {
            let component = select(pair[0], pair[1], frame, &scan.components)?;
            scan.components.push(component);
        }
        scan.check_block_count(frame)?;
        if progressive {
            scan.check_progression()?;
        } else {
            scan.ignore_progression();
        }
        Ok(scan)
    }

    /// Whether this is the first scan of its coefficients.
    pub(crate) fn is_first(&self) -> bool {
        self.high == 0
    }

    /// An interleaved MCU has ten blocks at most (T.81, B.2.3).
    fn check_block_count(&self, frame: &[Component]) -> Result<(), Rejection> {
        let blocks = |c: &ScanComponent| u32::from(frame[c.index].h) * u32::from(frame[c.index].v);
        let total: u32 = self.components.iter().map(blocks).sum();
        if self.components.len() > 1 && total > 10 {
            return Err(corrupt(format!("{total} blocks in an MCU, 10 are allowed")));
        }
        Ok(())
    }

    /// A sequential scan carries all coefficients whatever its header says; readers have always ignored the fields.
    fn ignore_progression(&mut self) {
        (self.spectral_start, self.spectral_end, self.high, self.low) = (0, 63, 0, 0);
    }

    fn check_progression(&self) -> Result<(), Rejection> {
        let (start, end) = (self.spectral_start, self.spectral_end);
        let band_ok = if start == 0 { end == 0 } else { start <= end && end <= 63 && self.components.len() == 1 };
        let bits_ok = self.low <= 13 && (self.high == 0 || self.low + 1 == self.high);
        if band_ok && bits_ok {
            return Ok(());
        }
        Err(corrupt(format!(
            "a progressive scan of coefficients {start} to {end}, bits {} to {}, of {} components",
            self.high,
            self.low,
            self.components.len()
        )))
    }
}

fn select(id: u8, tables: u8, frame: &[Component], before: &[ScanComponent]) -> Result<ScanComponent, Rejection> {
    // The components of a scan stand in the order of the frame (T.81, B.2.3), so that those of a whole picture stand each in its own
    // place. Of two components of one id it is the first not yet in the scan. Both as libjpeg has it.
    let is_free = |index: usize| index >= before.len() && before.iter().all(|other| other.index != index);
    let index = (0..frame.len()).find(|&index| frame[index].id == id && is_free(index)).ok_or_else(|| {
        corrupt(format!("a scan of component {id}, which the frame does not have, has once, or has in another place"))
    })?;
    let (dc_table, ac_table) = (usize::from(tables >> 4), usize::from(tables & 15));
    if dc_table > 3 || ac_table > 3 {
        return Err(corrupt(format!("Huffman tables {dc_table} and {ac_table} in a scan header, 0 to 3 exist")));
    }
    Ok(ScanComponent { index, dc_table, ac_table })
}
