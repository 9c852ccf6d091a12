//! The tables and the restart interval in force while the segments of a file pass by.

use super::huffman::{AcTable, SymbolTable};
use crate::header::corrupt;
use crate::header::segments::{Segment, marker};
use crate::header::tables::{HuffmanSpec, QuantTable};
use crate::reason::Rejection;

/// What DQT, DHT and DRI segments have defined so far.
#[derive(Default)]
pub(super) struct TableState {
    quant: [Option<QuantTable>; 4],
    dc: [Huffman<SymbolTable>; 4],
    ac: [Huffman<AcTable>; 4],
    /// MCUs between two restart markers; 0 for none.
    pub(super) restart_interval: u32,
}

/// A Huffman table as stated, and as built when a scan first needs it.
type Huffman<Built> = (Option<HuffmanSpec>, Option<Box<Built>>);

impl TableState {
    /// What is in force before the first segment: for sequential files, the standard's Huffman tables.
    pub(super) fn at_start(progressive: bool) -> Self {
        let mut state = Self::default();
        if !progressive {
            for index in 0..4 {
                state.dc[index].0 = HuffmanSpec::by_default(false, index);
                state.ac[index].0 = HuffmanSpec::by_default(true, index);
            }
        }
        state
    }

    /// Takes a DQT, DHT or DRI segment.
    pub(super) fn take(&mut self, segment: Segment<'_>) -> Result<(), Rejection> {
        match segment.marker {
            marker::DQT => QuantTable::parse_all(segment.payload, |index, table| self.quant[index] = Some(table)),
            marker::DHT => HuffmanSpec::parse_all(segment.payload, |is_ac, index, spec| {
                if is_ac { self.ac[index] = (Some(spec), None) } else { self.dc[index] = (Some(spec), None) }
            }),
            _ => self.take_restart_interval(segment.payload),
        }
    }

    fn take_restart_interval(&mut self, payload: &[u8]) -> Result<(), Rejection> {
        let two: [u8; 2] = payload.try_into().map_err(|_| corrupt("a DRI segment of another length than 4"))?;
        self.restart_interval = u32::from(u16::from_be_bytes(two));
        Ok(())
    }

    /// A quantisation table.
    pub(super) fn quant(&self, index: usize) -> Result<&QuantTable, Rejection> {
        self.quant[index].as_ref().ok_or_else(|| corrupt(format!("quantisation table {index} is not there")))
    }

    /// Builds a DC table, so that [`Self::dc`] finds it.
    pub(super) fn build_dc(&mut self, index: usize) -> Result<(), Rejection> {
        let spec =
            self.dc[index].0.as_ref().ok_or_else(|| corrupt(format!("DC Huffman table {index} is not there")))?;
        if spec.symbols.iter().any(|&symbol| symbol > 15) {
            return Err(corrupt(format!("DC Huffman table {index} has a difference of more than 15 bits")));
        }
        if self.dc[index].1.is_none() {
            self.dc[index].1 = Some(SymbolTable::new(spec)?);
        }
        Ok(())
    }

    /// Builds an AC table.
    pub(super) fn build_ac(&mut self, index: usize) -> Result<(), Rejection> {
        let spec =
            self.ac[index].0.as_ref().ok_or_else(|| corrupt(format!("AC Huffman table {index} is not there")))?;
        if self.ac[index].1.is_none() {
            self.ac[index].1 = Some(AcTable::new(spec)?);
        }
        Ok(())
    }

    /// A DC table that was built.
    pub(super) fn dc(&self, index: usize) -> Result<&SymbolTable, Rejection> {
        self.dc[index].1.as_deref().ok_or_else(|| corrupt(format!("DC Huffman table {index} is not there")))
    }

    /// An AC table that was built.
    pub(super) fn ac(&self, index: usize) -> Result<&AcTable, Rejection> {
        self.ac[index].1.as_deref().ok_or_else(|| corrupt(format!("AC Huffman table {index} is not there")))
    }
}
