//! Huffman coding of quantised blocks, with the tables of the standard or with those that were made for the symbols of
//! some of them, which are counted here too.
#![allow(
    clippy::cast_sign_loss,
    clippy::cast_possible_truncation,
    reason = "bits are meant here, of values that take at most sixteen"
)]
#![allow(clippy::inline_always, reason = "written once and compiled for each code path; see `decode`")]

use super::bits::{Bits, End};
use super::blocks::Block;
use super::huffman::Huffman;

/// Bytes that a block can take at most: 64 coefficients of 16 + 11 bits.
const MOST_BYTES: usize = 64 * 27 / 8;

/// Values of −16 to 15 have code and value bits in one table.
const SMALL: i32 = 16;
const SMALL_STEP: usize = 2 * SMALL as usize;
/// Sixteen zeros.
const ZERO_RUN: usize = 0xF0;

/// Where blocks are coded to. `class` is 0 for luma and 1 for chroma.
pub(super) trait Sink {
    /// Makes room for this many blocks.
    fn reserve(&mut self, blocks: usize);

    /// Codes a block: the difference of its DC coefficient to that of the block before, and the others.
    fn block<const IN_ORDER: bool>(&mut self, class: usize, difference: i32, block: &Block);
}

/// Code words: bits from bit 8 up, their count in the lowest byte.
struct Words {
    /// For each category of a DC difference.
    dc: [u32; 16],
    /// For each run (high four bits) and category (low four bits).
    ac: [u32; 256],
    /// For each run and small value: the word with the bits of the value.
    small: Box<[u32; 16 * SMALL_STEP]>,
}

impl Words {
    fn new(dc: &Huffman, ac: &Huffman) -> Self {
        let word = |(code, length): (u16, u8)| u32::from(code) << 8 | u32::from(length);
        let mut words = Self {
            dc: std::array::from_fn(|i| word(dc.codes[i])),
            ac: ac.codes.map(word),
            small: Box::new([0; 16 * SMALL_STEP]),
        };
        for run in 0..16 {
            for value in (-SMALL..SMALL).filter(|&value| value != 0) {
                let (category, bits) = category(value);
                let place = run * SMALL_STEP + (value + SMALL) as usize;
                words.small[place] = with_bits(words.ac[run << 4 | category as usize], category, bits);
            }
        }
        words
    }
}

/// The number of bits a value takes, and those bits (ITU-T T.81, F.1.2.1).
#[inline(always)]
fn category(value: i32) -> (u32, u32) {
    let count = 32 - value.unsigned_abs().leading_zeros();
    (count, (value + (value >> 31)) as u32 & ((1 << count) - 1))
}

#[inline(always)]
fn with_bits(word: u32, count: u32, bits: u32) -> u32 {
    ((word >> 8) << count | bits) << 8 | ((word & 0xFF) + count)
}

/// Codes into bits.
pub(super) struct Direct {
    words: [Words; 2],
    pub(super) bits: Bits,
    pub(super) end: End,
}

impl Direct {
    /// With these tables: DC luma, AC luma, DC chroma, AC chroma.
    pub(super) fn new([dc_luma, ac_luma, dc_chroma, ac_chroma]: &[Huffman; 4]) -> Self {
        let words = [Words::new(dc_luma, ac_luma), Words::new(dc_chroma, ac_chroma)];
        Self { words, bits: Bits::new(), end: End::default() }
    }
}

#[inline(always)]
fn put(bits: &mut Bits, end: &mut End, word: u32) {
    bits.put(end, word >> 8, word & 0xFF);
}

/// A word with up to 16 bits of code and up to 15 of a value, which together may not fit beside their count.
#[inline(always)]
fn put_long(bits: &mut Bits, end: &mut End, word: u32, value: i32) {
    let (count, value) = category(value);
    bits.put(end, (word >> 8) << count | value, (word & 0xFF) + count);
}

impl Sink for Direct {
    fn reserve(&mut self, blocks: usize) {
        self.bits.reserve(&self.end, blocks * MOST_BYTES);
    }

    #[inline(always)]
    fn block<const IN_ORDER: bool>(&mut self, class: usize, difference: i32, block: &Block) {
        let words = &self.words[class];
        let mut end = self.end;
        let count = category(difference).0;
        put_long(&mut self.bits, &mut end, words.dc[count as usize & 15], difference);
        let mut rest = block.set & !1;
        let mut before = 0;
        while rest != 0 {
            let place = rest.trailing_zeros() as usize;
            rest &= rest - 1;
            let mut run = place - before - 1;
            before = place;
            let value = block.coefficient::<IN_ORDER>(place);
            while run > 15 {
                put(&mut self.bits, &mut end, words.ac[ZERO_RUN]);
                run -= 16;
            }
            let small = (value + SMALL) as usize;
            if small < SMALL_STEP {
                put(&mut self.bits, &mut end, words.small[run * SMALL_STEP + small]);
            } else {
                let count = category(value).0 as usize;
                put_long(&mut self.bits, &mut end, words.ac[run << 4 | count & 15], value);
            }
        }
        if block.set >> 63 == 0 {
            put(&mut self.bits, &mut end, words.ac[0]);
        }
        self.end = end;
    }
}

/// Codes nothing and counts the symbols, so that tables can be made for them.
pub(super) struct Counts {
    /// For each table (DC luma, AC luma, DC chroma, AC chroma) and symbol.
    counts: Box<[[u32; 256]; 4]>,
}

impl Counts {
    pub(super) fn new() -> Self {
        Self { counts: Box::new([[0; 256]; 4]) }
    }

    /// The best tables for what was counted: DC luma, AC luma, DC chroma, AC chroma.
    pub(super) fn best_tables(&self) -> [Huffman; 4] {
        std::array::from_fn(|table| Huffman::best(&self.counts[table]))
    }

    /// Tables for something like what was counted, with a code for every symbol that other tables have.
    pub(super) fn likely_tables(&self, others: &[Huffman; 4]) -> [Huffman; 4] {
        std::array::from_fn(|table| {
            let some = |symbol: usize| u32::from(others[table].codes[symbol].1 > 0);
            Huffman::best(&std::array::from_fn(|symbol| self.counts[table][symbol] * 8 + some(symbol)))
        })
    }
}

impl Sink for Counts {
    fn reserve(&mut self, _: usize) {}

    #[inline(always)]
    fn block<const IN_ORDER: bool>(&mut self, class: usize, difference: i32, block: &Block) {
        let (tables, _) = self.counts.as_chunks_mut::<2>();
        let [dc, ac] = &mut tables[class];
        dc[category(difference).0 as usize & 15] += 1;
        let mut rest = block.set >> 1;
        let mut place = 0;
        while rest != 0 {
            let run = rest.trailing_zeros() as usize;
            rest = rest >> run >> 1;
            place += run + 1;
            let count = category(block.coefficient::<IN_ORDER>(place)).0 as usize;
            ac[ZERO_RUN] += run as u32 / 16;
            ac[(run % 16) << 4 | count & 15] += 1;
        }
        ac[0] += u32::from(block.set >> 63 == 0);
    }
}
