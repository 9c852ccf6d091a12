//! Huffman coding of quantised blocks: at once with the tables of the standard, or as tokens that are counted first, so
//! that the tables can be made for them.
#![allow(
    clippy::cast_sign_loss,
    clippy::cast_possible_truncation,
    reason = "bits are meant here, of values that take at most sixteen"
)]

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
#[inline]
fn category(value: i32) -> (u32, u32) {
    let count = 32 - value.unsigned_abs().leading_zeros();
    (count, (value + (value >> 31)) as u32 & ((1 << count) - 1))
}

#[inline]
fn with_bits(word: u32, count: u32, bits: u32) -> u32 {
    ((word >> 8) << count | bits) << 8 | ((word & 0xFF) + count)
}

/// Codes at once.
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

#[inline]
fn put(bits: &mut Bits, end: &mut End, word: u32) {
    bits.put(end, word >> 8, word & 0xFF);
}

/// A word with up to 16 bits of code and up to 15 of a value, which together may not fit beside their count.
#[inline]
fn put_long(bits: &mut Bits, end: &mut End, word: u32, value: i32) {
    let (count, value) = category(value);
    bits.put(end, (word >> 8) << count | value, (word & 0xFF) + count);
}

impl Sink for Direct {
    fn reserve(&mut self, blocks: usize) {
        self.bits.reserve(&self.end, blocks * MOST_BYTES);
    }

    #[inline]
    fn block<const IN_ORDER: bool>(&mut self, class: usize, difference: i32, block: &Block) {
        let words = &self.words[class];
        let mut end = self.end;
        let count = category(difference).0;
        put_long(&mut self.bits, &mut end, words.dc[count as usize & 15], difference);
        let mut rest = block.set >> 1;
        let mut place = 0;
        while rest != 0 {
            let mut run = rest.trailing_zeros() as usize;
            rest = rest >> run >> 1;
            place += run + 1;
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

/// Keeps everything as tokens and counts the symbols.
pub(super) struct Tokens {
    /// Value bits in the low half; above them the symbol, and the number of its table (DC luma, AC luma, DC chroma, AC
    /// chroma).
    kept: Vec<u32>,
    counts: Box<[u32; 4 * 256]>,
    /// For each run and small value: symbol and value bits.
    small: Box<[u32; 16 * SMALL_STEP]>,
}

/// Tokens of a block at most: a DC difference, 63 coefficients, and an end that a block without room for it has not.
const MOST_TOKENS: usize = 64;

/// The tokens of a block under way.
struct Run<'a> {
    tokens: [u32; MOST_TOKENS],
    used: usize,
    counts: &'a mut [u32; 4 * 256],
}

impl Run<'_> {
    #[inline]
    fn push(&mut self, token: u32) {
        self.counts[(token >> 16) as usize % (4 * 256)] += 1;
        self.tokens[self.used % MOST_TOKENS] = token;
        self.used += 1;
    }
}

impl Tokens {
    /// For about this many blocks.
    pub(super) fn for_blocks(count: usize) -> Self {
        let mut small = Box::new([0; 16 * SMALL_STEP]);
        for run in 0..16 {
            for value in -SMALL..SMALL {
                let (count, bits) = category(value);
                small[run * SMALL_STEP + (value + SMALL) as usize] = token(run, count, bits);
            }
        }
        Self { kept: Vec::with_capacity(count * 16), counts: Box::new([0; 4 * 256]), small }
    }

    /// The best tables for what was put: DC luma, AC luma, DC chroma, AC chroma.
    pub(super) fn best_tables(&self) -> [Huffman; 4] {
        let (counts, _) = self.counts.as_chunks();
        std::array::from_fn(|table| Huffman::best(&counts[table]))
    }

    /// Tables for something like what was put, with a code for every symbol that other tables have.
    pub(super) fn likely_tables(&self, others: &[Huffman; 4]) -> [Huffman; 4] {
        let (counts, _) = self.counts.as_chunks::<256>();
        std::array::from_fn(|table| {
            let some = |symbol: usize| u32::from(others[table].codes[symbol].1 > 0);
            Huffman::best(&std::array::from_fn(|symbol| counts[table][symbol] * 8 + some(symbol)))
        })
    }

    /// Codes everything with these tables, behind the headers of the file.
    pub(super) fn write(&self, tables: &[Huffman; 4], out: &mut Vec<u8>) {
        let mut words = [0; 4 * 256];
        for (words, table) in words.chunks_exact_mut(256).zip(tables) {
            words.copy_from_slice(&table.codes.map(|(code, length)| u32::from(code) << 8 | u32::from(length)));
        }
        let (mut bits, mut end) = (Bits::new(), End::default());
        bits.reserve(&end, self.kept.len());
        for some in self.kept.chunks(1024) {
            bits.reserve(&end, 1024 * 4);
            for token in some {
                let symbol = token >> 16;
                let (word, count) = (words[symbol as usize % (4 * 256)], symbol & 15);
                bits.put(&mut end, (word >> 8) << count | token & 0xFFFF, (word & 0xFF) + count);
            }
        }
        bits.finish(end, out);
    }
}

#[inline]
fn token(run: usize, count: u32, bits: u32) -> u32 {
    ((run as u32) << 4 | count) << 16 | bits
}

impl Sink for Tokens {
    fn reserve(&mut self, blocks: usize) {
        self.kept.reserve(blocks * MOST_TOKENS);
    }

    #[inline]
    fn block<const IN_ORDER: bool>(&mut self, class: usize, difference: i32, block: &Block) {
        let (dc, ac) = ((2 * class as u32) << 24, (2 * class as u32 + 1) << 24);
        let mut tokens = Run { tokens: [0; MOST_TOKENS], used: 0, counts: &mut self.counts };
        let (count, bits) = category(difference);
        tokens.push(dc | token(0, count, bits));
        let mut rest = block.set >> 1;
        let mut place = 0;
        while rest != 0 {
            let mut run = rest.trailing_zeros() as usize;
            rest = rest >> run >> 1;
            place += run + 1;
            let value = block.coefficient::<IN_ORDER>(place);
            while run > 15 {
                tokens.push(ac | token(15, 0, 0));
                run -= 16;
            }
            let small = (value + SMALL) as usize;
            if small < SMALL_STEP {
                tokens.push(ac | self.small[run * SMALL_STEP + small]);
            } else {
                let (count, bits) = category(value);
                tokens.push(ac | token(run, count, bits));
            }
        }
        if block.set >> 63 == 0 {
            tokens.push(ac);
        }
        self.kept.extend_from_slice(&tokens.tokens[..tokens.used.min(MOST_TOKENS)]);
    }
}
