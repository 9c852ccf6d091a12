//! Tables of a refinement scan, made of the codes of its Huffman table: one new coefficient at a time, or several.
//!
//! Between coefficients that are known from scans before stand bits that correct them, so symbols are had one by one; behind the
//! last of those a symbol follows on the other.

use super::huffman::{PAIR_BITS, SYMBOL_BITS, SymbolTable};

/// Bits that the table of several symbols looks up at once.
pub(super) const SEVERAL_BITS: u32 = SYMBOL_BITS;
/// Coefficients that several symbols can advance by.
const MOST: u32 = 24;

/// What bits hold in a refinement scan.
pub(super) struct Refinements {
    /// One symbol of [`PAIR_BITS`] bits.
    pub(super) new: [NewEntry; 1 << PAIR_BITS],
    /// As many symbols as [`SEVERAL_BITS`] bits have.
    pub(super) several: [SeveralEntry; 1 << SEVERAL_BITS],
}

impl Refinements {
    /// Builds the tables.
    pub(super) fn new(symbols: &SymbolTable) -> Box<Self> {
        Box::new(Self {
            new: std::array::from_fn(|bits| NewEntry::new(symbols, bits)),
            several: std::array::from_fn(|bits| SeveralEntry::new(symbols, bits)),
        })
    }
}

/// A new coefficient and its sign. Fields, from the low end: run 6, length 6, whether it is negative 1, whether the bits are
/// anything else 1. A shift by a field needs no other bits masked.
#[derive(Clone, Copy)]
pub(super) struct NewEntry(u16);

impl NewEntry {
    const OTHER: Self = Self(1 << 13);

    fn new(symbols: &SymbolTable, bits: usize) -> Self {
        match symbols.short(bits >> (PAIR_BITS - SYMBOL_BITS)) {
            Some((length, symbol)) if symbol & 15 == 1 => {
                let sign = bits >> (PAIR_BITS - 1 - length) & 1;
                let fields = u32::from(symbol >> 4) | (length + 1) << 6 | u32::from(sign == 0) << 12;
                u16::try_from(fields).map_or(Self::OTHER, Self)
            }
            _ => Self::OTHER,
        }
    }

    /// Bits consumed.
    #[inline(always)]
    pub(super) fn length(self) -> u32 {
        u32::from(self.0 >> 6 & 63)
    }

    /// Zero coefficients before the new one.
    #[inline(always)]
    pub(super) fn run(self) -> u32 {
        u32::from(self.0 & 63)
    }

    /// Whether the new coefficient is negative.
    #[inline(always)]
    pub(super) fn is_negative(self) -> bool {
        self.0 >> 12 & 1 == 1
    }

    /// Whether the bits are a new coefficient.
    #[inline(always)]
    pub(super) fn is_new(self) -> bool {
        self.0 >> 13 == 0
    }
}

/// New coefficients and their signs, runs of sixteen zeros, and perhaps the end of the block behind them. Fields, from the low end:
/// length 6, advance 7, whether the block ends 1, and from bit 16 and 40 on which of the next [`MOST`] coefficients are new and
/// which of those are negative, the first in the most significant place.
#[derive(Clone, Copy)]
pub(super) struct SeveralEntry(u64);

impl SeveralEntry {
    const END: u64 = 1 << 13;
    /// Advances beyond any block.
    const NOTHING: Self = Self(127 << 6);

    fn new(symbols: &SymbolTable, bits: usize) -> Self {
        let (mut length, mut advance, mut fields) = (0, 0, 0);
        while let Some((code, symbol)) = symbols.short(bits << length & ((1 << SEVERAL_BITS) - 1)) {
            let (run, size) = (u32::from(symbol >> 4), u32::from(symbol & 15));
            let is_end = symbol == 0;
            let after = if is_end { advance } else { advance + run + 1 };
            let is_ours = is_end || size == 1 || symbol == 0xF0;
            if !is_ours || length + code + size > SEVERAL_BITS || after > MOST {
                break;
            }
            length += code + size;
            if is_end {
                fields |= Self::END;
                break;
            }
            advance = after;
            if size == 1 {
                let sign = bits >> (SEVERAL_BITS - length) & 1;
                let place = MOST - advance;
                fields |= 1 << (16 + place) | u64::from(sign == 0) << (40 + place);
            }
        }
        if length == 0 { Self::NOTHING } else { Self(fields | u64::from(length | advance << 6)) }
    }

    /// Bits consumed.
    #[inline(always)]
    pub(super) fn length(self) -> u32 {
        (self.0 & 63) as u32
    }

    /// Coefficients passed; more than there can be if the bits are nothing of all that.
    #[inline(always)]
    pub(super) fn advance(self) -> u32 {
        (self.0 >> 6 & 127) as u32
    }

    /// How many coefficients must still come if the bits are to be taken so: the end of a block is told only where one is left.
    #[inline(always)]
    pub(super) fn needs(self) -> u32 {
        self.advance() + u32::from(self.is_end())
    }

    /// Whether the block ends.
    #[inline(always)]
    pub(super) fn is_end(self) -> bool {
        self.0 & Self::END != 0
    }

    /// Which coefficients are new, the next one in the most significant place.
    #[inline(always)]
    pub(super) fn new_ones(self) -> u64 {
        self.0 << (64 - 16 - MOST) & !((1 << (64 - MOST)) - 1)
    }

    /// Which of those are negative.
    #[inline(always)]
    pub(super) fn negative_ones(self) -> u64 {
        self.0 & !((1 << (64 - MOST)) - 1)
    }
}
