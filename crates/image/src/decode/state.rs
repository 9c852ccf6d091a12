//! The tables and the restart interval in force while the segments of a file pass by.

use super::huffman::{AcTable, SymbolTable};
use super::tables::{HuffmanSpec, QuantTable};
use crate::header::corrupt;
use crate::header::segments::{Segment, marker};
use crate::reason::Rejection;

/// What DQT, DHT and DRI segments have defined so far.
#[derive(Default)]
pub(super) struct TableState {
    quant: [Option<QuantTable>; 4],
    dc: [Huffman; 4],
    ac: [Huffman; 4],
    /// MCUs between two restart markers; 0 for none.
    pub(super) restart_interval: u32,
}

/// A Huffman table as stated, and as built when a scan first needs it.
#[derive(Default)]
struct Huffman {
    spec: Option<HuffmanSpec>,
    symbols: Option<Box<SymbolTable>>,
    pairs: Option<Box<AcTable>>,
}

impl TableState {
    /// Takes a DQT, DHT or DRI segment.
    pub(super) fn take(&mut self, segment: Segment<'_>) -> Result<(), Rejection> {
        match segment.marker {
            marker::DQT => QuantTable::parse_all(segment.payload, |index, table| self.quant[index] = Some(table)),
            marker::DHT => HuffmanSpec::parse_all(segment.payload, |is_ac, index, spec| {
                let tables = if is_ac { &mut self.ac } else { &mut self.dc };
                tables[index] = Huffman { spec: Some(spec), ..Huffman::default() };
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

    /// Builds the tables that a scan needs, so that the getters below find them.
    pub(super) fn build_dc(&mut self, index: usize) -> Result<(), Rejection> {
        let table = &mut self.dc[index];
        let spec = table.spec.as_ref().ok_or_else(|| corrupt(format!("DC Huffman table {index} is not there")))?;
        if spec.symbols.iter().any(|&symbol| symbol > 15) {
            return Err(corrupt(format!("DC Huffman table {index} has a difference of more than 15 bits")));
        }
        if table.symbols.is_none() {
            table.symbols = Some(SymbolTable::new(spec)?);
        }
        Ok(())
    }

    /// Builds an AC table that gives symbols.
    pub(super) fn build_ac_symbols(&mut self, index: usize) -> Result<(), Rejection> {
        let table = &mut self.ac[index];
        let spec = table.spec.as_ref().ok_or_else(|| corrupt(format!("AC Huffman table {index} is not there")))?;
        if table.symbols.is_none() {
            table.symbols = Some(SymbolTable::new(spec)?);
        }
        Ok(())
    }

    /// Builds an AC table that gives pairs of coefficients.
    pub(super) fn build_ac_pairs(&mut self, index: usize) -> Result<(), Rejection> {
        self.build_ac_symbols(index)?;
        let table = &mut self.ac[index];
        if let (None, Some(spec)) = (&table.pairs, &table.spec) {
            table.pairs = Some(AcTable::new(spec)?);
        }
        Ok(())
    }

    /// A DC table that was built.
    pub(super) fn dc(&self, index: usize) -> Result<&SymbolTable, Rejection> {
        self.dc[index].symbols.as_deref().ok_or_else(|| corrupt(format!("DC Huffman table {index} is not there")))
    }

    /// An AC table that was built to give symbols.
    pub(super) fn ac_symbols(&self, index: usize) -> Result<&SymbolTable, Rejection> {
        self.ac[index].symbols.as_deref().ok_or_else(|| corrupt(format!("AC Huffman table {index} is not there")))
    }

    /// An AC table that was built to give pairs.
    pub(super) fn ac_pairs(&self, index: usize) -> Result<&AcTable, Rejection> {
        self.ac[index].pairs.as_deref().ok_or_else(|| corrupt(format!("AC Huffman table {index} is not there")))
    }
}
