//! Quantisation and Huffman tables as the file states them (DQT and DHT segments), checked for form.

use crate::header::corrupt;
use crate::reason::Rejection;
use crate::standard_tables;

/// Zigzag order: natural (row-major) index of the n-th coefficient (T.81, figure A.6).
pub(crate) const ZIGZAG: [u8; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21,
    28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54,
    47, 55, 62, 63,
];

/// The steps of a quantisation table, in zigzag order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct QuantTable(pub(crate) [u16; 64]);

impl QuantTable {
    /// Reads every table of a DQT segment.
    pub(crate) fn parse_all(mut rest: &[u8], mut define: impl FnMut(usize, Self)) -> Result<(), Rejection> {
        while let Some((&head, tail)) = rest.split_first() {
            let (precision, index) = (head >> 4, usize::from(head & 15));
            if precision > 1 || index > 3 {
                return Err(corrupt(format!("a quantisation table of precision {precision} and index {index}")));
            }
            let bytes = if precision == 0 { 64 } else { 128 };
            let (steps, after) =
                tail.split_at_checked(bytes).ok_or_else(|| corrupt("a quantisation table cut short"))?;
            define(index, Self::from_bytes(steps));
            rest = after;
        }
        Ok(())
    }

    fn from_bytes(steps: &[u8]) -> Self {
        if steps.len() == 64 {
            Self(std::array::from_fn(|i| u16::from(steps[i])))
        } else {
            Self(std::array::from_fn(|i| u16::from_be_bytes([steps[2 * i], steps[2 * i + 1]])))
        }
    }
}

/// A Huffman table as a DHT segment states it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HuffmanSpec {
    /// Number of codes of each length, 1 to 16 bits.
    pub counts: [u8; 16],
    /// Symbols in the order of their codes.
    pub symbols: Vec<u8>,
}

impl HuffmanSpec {
    /// Reads every table of a DHT segment; tells whether it is an AC table, its index and itself.
    pub(crate) fn parse_all(mut rest: &[u8], mut define: impl FnMut(bool, usize, Self)) -> Result<(), Rejection> {
        while let Some((&head, tail)) = rest.split_first() {
            let (class, index) = (head >> 4, usize::from(head & 15));
            if class > 1 || index > 3 {
                return Err(corrupt(format!("a Huffman table of class {class} and index {index}")));
            }
            let (spec, after) = Self::parse(tail)?;
            define(class == 1, index, spec);
            rest = after;
        }
        Ok(())
    }

    /// The table of this number where a file defines none.
    pub(crate) fn by_default(is_ac: bool, index: usize) -> Option<Self> {
        let table = standard_tables::by_default(is_ac, index)?;
        Some(Self { counts: table.counts, symbols: table.symbols.to_vec() })
    }

    fn parse(bytes: &[u8]) -> Result<(Self, &[u8]), Rejection> {
        let (counts, rest) = bytes.split_first_chunk::<16>().ok_or_else(|| corrupt("a Huffman table cut short"))?;
        let total = counts.iter().map(|&count| usize::from(count)).sum();
        if total > 256 {
            return Err(corrupt(format!("a Huffman table of {total} codes")));
        }
        let (symbols, after) = rest.split_at_checked(total).ok_or_else(|| corrupt("a Huffman table cut short"))?;
        Ok((Self { counts: *counts, symbols: symbols.to_vec() }, after))
    }

    /// The codes in order: length in bits, code, symbol. Fails where the lengths leave no room for a prefix code.
    pub(crate) fn codes(&self) -> Result<Vec<Code>, Rejection> {
        let mut codes = Vec::with_capacity(self.symbols.len());
        let (mut code, mut symbols) = (0u32, self.symbols.iter());
        for (length, &count) in (1u8..).zip(&self.counts) {
            for &symbol in symbols.by_ref().take(usize::from(count)) {
                codes.push(Code { length, bits: code, symbol });
                code += 1;
            }
            if code > 1 << length {
                return Err(corrupt("a Huffman table with more codes than their lengths allow"));
            }
            code <<= 1;
        }
        Ok(codes)
    }
}

/// One code of a Huffman table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Code {
    /// Length in bits, 1 to 16.
    pub length: u8,
    /// Its bits, right-aligned.
    pub bits: u32,
    /// What it stands for.
    pub symbol: u8,
}
