//! Huffman tables made for looking up: one symbol at a time, or up to two coefficients at a time.
//!
//! A table of pairs takes 12 bits and gives what they hold: two coefficients with their runs, one, an end of block.
//! What does not fit in 12 bits is marked and decoded symbol by symbol.

use super::bits::BitReader;
use super::entropy::Fault;
use crate::header::tables::{Code, HuffmanSpec};
use crate::reason::Rejection;

/// Bits of a code that the symbol table looks up at once.
pub(super) const SYMBOL_BITS: u32 = 10;
/// Bits that the table of pairs looks up at once.
pub(super) const PAIR_BITS: u32 = 12;
/// Added to the advance at an end of block; larger than any index of a coefficient.
pub(super) const END_OF_BLOCK: u32 = 128;

/// Gives the symbol of a code.
pub(super) struct SymbolTable {
    /// For the first bits: length of the code in the low byte, symbol in the high one; 0 where the code is longer.
    fast: [u16; 1 << SYMBOL_BITS],
    /// For each length, one more than the last code, left-aligned in 16 bits.
    limits: [u32; 17],
    /// For each length, what to add to a code to get the index of its symbol.
    offsets: [i32; 17],
    symbols: [u8; 256],
}

impl SymbolTable {
    /// Builds the table.
    pub(super) fn new(spec: &HuffmanSpec) -> Result<Box<Self>, Rejection> {
        let mut table =
            Box::new(Self { fast: [0; 1 << SYMBOL_BITS], limits: [0; 17], offsets: [0; 17], symbols: [0; 256] });
        for (index, code) in spec.codes()?.into_iter().enumerate() {
            table.add(index, code);
        }
        Ok(table)
    }

    #[allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap, reason = "256 symbols, codes of 16 bits")]
    fn add(&mut self, index: usize, Code { length, bits: code, symbol }: Code) {
        self.symbols[index] = symbol;
        self.limits[usize::from(length)] = (code + 1) << (16 - length);
        self.offsets[usize::from(length)] = index as i32 - code as i32;
        if u32::from(length) <= SYMBOL_BITS {
            let free = SYMBOL_BITS - u32::from(length);
            let first = (code << free) as usize;
            self.fast[first..first + (1 << free)].fill(u16::from(length) | u16::from(symbol) << 8);
        }
    }

    /// Length of the next code and its symbol; nothing is consumed. Needs 16 bits.
    #[inline(always)]
    pub(super) fn look_up(&self, bits: &BitReader<'_>) -> Result<(u32, u8), Fault> {
        let entry = self.fast[bits.peek(SYMBOL_BITS)];
        if entry != 0 {
            return Ok((u32::from(entry & 0xFF), (entry >> 8) as u8));
        }
        self.look_up_long(bits.peek(16))
    }

    /// Length of the first code of [`SYMBOL_BITS`] bits and its symbol, if it is no longer than them.
    pub(super) fn short(&self, bits: usize) -> Option<(u32, u8)> {
        let entry = self.fast[bits];
        (entry != 0).then_some((u32::from(entry & 0xFF), (entry >> 8) as u8))
    }

    #[cold]
    #[inline(never)]
    #[allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap, clippy::cast_sign_loss, reason = "16 bits")]
    fn look_up_long(&self, next: usize) -> Result<(u32, u8), Fault> {
        for length in 1..=16 {
            if (next as u32) < self.limits[length] {
                let index = (next >> (16 - length)) as i32 + self.offsets[length];
                return Ok((length as u32, self.symbols[index as usize & 0xFF]));
            }
        }
        Err(Fault::BadCode)
    }

    /// Reads a DC difference: a symbol, and as many bits as it says. Needs 31 bits.
    #[inline(always)]
    pub(super) fn read_difference(&self, bits: &mut BitReader<'_>) -> Result<i32, Fault> {
        let (length, size) = self.look_up(bits)?;
        let size = u32::from(size & 15);
        let difference = bits.signed(length, size);
        bits.consume(length + size);
        Ok(difference)
    }
}

/// Gives up to two coefficients for 12 bits.
pub(super) struct AcTable {
    pub(super) fast: [PairEntry; 1 << PAIR_BITS],
    pub(super) symbols: SymbolTable,
}

/// What 12 bits hold. Fields, from the low end: length 6, advance of the first 5, advance of all 8, value of the first
/// 7, value of the last 6.
///
/// An advance counts from the coefficient before. Where there is one coefficient, the last is the first. Where the
/// advance of all is 0 the bits are a special case: the length is that of the code alone and the value of the first its
/// size, or the length is 0 too and the code is longer than 12 bits.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(super) struct PairEntry(u32);

impl PairEntry {
    #[allow(clippy::cast_sign_loss, reason = "the fields' bits are meant")]
    fn new(length: u32, first: u32, all: u32, value: i32, last: i32) -> Self {
        Self(length | first << 6 | all << 11 | (value as u32 & 0x7F) << 19 | (last as u32) << 26)
    }

    /// Bits consumed.
    #[inline(always)]
    pub(super) fn length(self) -> u32 {
        self.0 & 63
    }

    /// Advance to the first coefficient.
    #[inline(always)]
    pub(super) fn first(self) -> u32 {
        self.0 >> 6 & 31
    }

    /// Advance to the last coefficient, or at least [`END_OF_BLOCK`].
    #[inline(always)]
    pub(super) fn all(self) -> u32 {
        self.0 >> 11 & 0xFF
    }

    /// Value of the first coefficient.
    #[inline(always)]
    #[allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap, reason = "7 bits with their sign")]
    pub(super) fn value(self) -> i16 {
        (((self.0 << 6) as i32) >> 25) as i16
    }

    /// Value of the last coefficient.
    #[inline(always)]
    #[allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap, reason = "6 bits with their sign")]
    pub(super) fn last(self) -> i16 {
        ((self.0 as i32) >> 26) as i16
    }

    /// Whether this is one of the special cases.
    #[inline(always)]
    pub(super) fn is_special(self) -> bool {
        self.all() == 0
    }
}

/// One symbol with its bits, as far as they were found in 12 bits.
#[derive(Clone, Copy)]
enum Found {
    Coefficient {
        length: u32,
        advance: u32,
        value: i32,
    },
    EndOfBlock {
        length: u32,
    },
    /// The code is there, its value is not, or is too large for the table.
    Size {
        length: u32,
        advance: u32,
        size: u32,
    },
    Nothing,
}

impl AcTable {
    /// Length, advance and size of the next symbol; nothing is consumed. Needs 16 bits, of which `entry` may know.
    #[inline(always)]
    pub(super) fn code(&self, bits: &BitReader<'_>, entry: PairEntry) -> Result<(u32, u32, u32), Fault> {
        if entry == PairEntry::default() {
            let (length, symbol) = self.symbols.look_up(bits)?;
            return Ok((length, u32::from(symbol >> 4) + 1, u32::from(symbol & 15)));
        }
        Ok((entry.length(), entry.first(), entry.value().cast_unsigned().into()))
    }

    /// Builds the table.
    pub(super) fn new(spec: &HuffmanSpec) -> Result<Box<Self>, Rejection> {
        let symbols = *SymbolTable::new(spec)?;
        let singles = Singles::new(spec)?;
        let fast = std::array::from_fn(|index| {
            let index = u32::try_from(index).unwrap_or(0);
            entry(singles.find(index, PAIR_BITS), |length| singles.find(index << length & 0xFFF, PAIR_BITS - length))
        });
        Ok(Box::new(Self { fast, symbols }))
    }
}

fn entry(first: Found, second: impl Fn(u32) -> Found) -> PairEntry {
    match first {
        Found::Nothing => PairEntry::default(),
        Found::Size { length, advance, size } => PairEntry::new(length, advance, 0, size.cast_signed(), 0),
        Found::EndOfBlock { length } => PairEntry::new(length, 1, 1 + END_OF_BLOCK, 0, 0),
        Found::Coefficient { length, advance, value } => {
            let alone = PairEntry::new(length, advance, advance, value, 0);
            match second(length) {
                Found::Coefficient { length: more, advance: further, value: last } if (-32..32).contains(&last) => {
                    PairEntry::new(length + more, advance, advance + further, value, last)
                }
                Found::EndOfBlock { length: more } => {
                    PairEntry::new(length + more, advance, advance + END_OF_BLOCK, value, 0)
                }
                _ => alone,
            }
        }
    }
}

/// The codes of a table by their first 12 bits.
struct Singles {
    codes: Vec<Option<Code>>,
}

impl Singles {
    fn new(spec: &HuffmanSpec) -> Result<Self, Rejection> {
        let mut codes = vec![None; 1 << PAIR_BITS];
        for code in spec.codes()?.into_iter().filter(|code| u32::from(code.length) <= PAIR_BITS) {
            let free = PAIR_BITS - u32::from(code.length);
            let first = (code.bits << free) as usize;
            codes[first..first + (1 << free)].fill(Some(code));
        }
        Ok(Self { codes })
    }

    /// What stands at the front of 12 bits, of which only some are known (the rest are zeros).
    fn find(&self, bits: u32, known: u32) -> Found {
        let Some(code) = self.codes[bits as usize].filter(|code| u32::from(code.length) <= known) else {
            return Found::Nothing;
        };
        let length = u32::from(code.length);
        let (run, size) = (u32::from(code.symbol >> 4), u32::from(code.symbol & 15));
        match size {
            0 if run == 15 => Found::Coefficient { length, advance: 16, value: 0 },
            // Ends of several blocks, in a progressive scan; their number follows.
            0 if run > 0 => Found::Size { length, advance: run + 1, size: 0 },
            0 => Found::EndOfBlock { length },
            _ if size > 6 || length + size > known => Found::Size { length, advance: run + 1, size },
            _ => Found::Coefficient { length: length + size, advance: run + 1, value: extend(bits, length, size) },
        }
    }
}

/// The value of `size` bits behind `skip` in 12 bits (T.81, F.2.2.1, EXTEND).
fn extend(bits: u32, skip: u32, size: u32) -> i32 {
    let raw = (bits >> (PAIR_BITS - skip - size) & ((1 << size) - 1)).cast_signed();
    if raw < 1 << (size - 1) { raw - (1 << size) + 1 } else { raw }
}
