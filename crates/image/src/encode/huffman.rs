//! Huffman tables: those of Annex K of ITU-T T.81, and the best ones for given counts.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::standard_tables::{AC_CHROMA, AC_LUMA, DC_CHROMA, DC_LUMA, StandardTable};

/// A table as a file has it, and its codes.
#[derive(Clone)]
pub(super) struct Huffman {
    /// How many codes there are of each length, 1 to 16 bits.
    pub(super) counts: [u8; 16],
    /// The symbols, by ascending code.
    pub(super) symbols: Vec<u8>,
    /// Code and length in bits of each symbol; length 0 is no code.
    pub(super) codes: [(u16, u8); 256],
}

const LONGEST: usize = 16;

impl Huffman {
    fn new(counts: [u8; 16], symbols: Vec<u8>) -> Self {
        let mut codes = [(0, 0); 256];
        let (mut code, mut next) = (0_u16, symbols.iter());
        for (length, &count) in (1..).zip(&counts) {
            for &symbol in next.by_ref().take(usize::from(count)) {
                codes[usize::from(symbol)] = (code, length);
                code += 1;
            }
            code = code.wrapping_mul(2);
        }
        Self { counts, symbols, codes }
    }

    fn standard(table: &StandardTable) -> Self {
        Self::new(table.counts, table.symbols.to_vec())
    }

    pub(super) fn dc_luma() -> Self {
        Self::standard(&DC_LUMA)
    }

    pub(super) fn dc_chroma() -> Self {
        Self::standard(&DC_CHROMA)
    }

    pub(super) fn ac_luma() -> Self {
        Self::standard(&AC_LUMA)
    }

    pub(super) fn ac_chroma() -> Self {
        Self::standard(&AC_CHROMA)
    }

    /// The table that codes symbols with these counts in the fewest bits, no code longer than 16 bits and none of ones
    /// alone (ITU-T T.81, K.2).
    pub(super) fn best(counts: &[u32; 256]) -> Self {
        let mut lengths = [0_u16; 64];
        for length in tree_lengths(counts) {
            lengths[usize::from(length)] += 1;
        }
        shorten(&mut lengths);
        // The longest code is the one of ones alone: it stays unused.
        if let Some(longest) = lengths.iter_mut().rev().find(|count| **count > 0) {
            *longest -= 1;
        }
        let mut symbols: Vec<u8> = (0..=255).filter(|&s| counts[usize::from(s)] > 0).collect();
        symbols.sort_by_key(|&s| Reverse(counts[usize::from(s)]));
        let of_length = |i: usize| u8::try_from(lengths[i + 1]).unwrap_or(u8::MAX);
        Self::new(std::array::from_fn(of_length), symbols)
    }
}

/// Depths in a Huffman tree of the symbols in use and of one more, which never occurs.
fn tree_lengths(counts: &[u32; 256]) -> Vec<u8> {
    let used = counts.iter().filter(|&&count| count > 0).map(|&count| u64::from(count));
    // The extra leaf is the lightest, and so among the deepest.
    let mut roots: BinaryHeap<Reverse<(u64, usize)>> =
        std::iter::once(0).chain(used).enumerate().map(|(leaf, weight)| Reverse((weight, leaf))).collect();
    let leaves = roots.len();
    let mut parents = vec![0; 2 * leaves];
    let mut next = leaves;
    while let Some(Reverse((lightest, a))) = roots.pop() {
        let Some(Reverse((lighter, b))) = roots.pop() else { break };
        (parents[a], parents[b]) = (next, next);
        roots.push(Reverse((lightest + lighter, next)));
        next += 1;
    }
    // Parents have higher numbers than their children; the last one is the root.
    let mut depths = vec![0; next];
    for node in (0..next - 1).rev() {
        depths[node] = depths[parents[node]] + 1;
    }
    depths.truncate(leaves);
    depths
}

/// Moves codes up until none is longer than 16 bits: two of the longest become one a bit shorter, and a shorter code
/// makes room for the other (ITU-T T.81, figure K.3).
fn shorten(lengths: &mut [u16; 64]) {
    for long in (LONGEST + 1..lengths.len()).rev() {
        while lengths[long] > 0 {
            let Some(short) = (1..long - 1).rev().find(|&short| lengths[short] > 0) else { return };
            lengths[long] -= 2;
            lengths[long - 1] += 1;
            lengths[short + 1] += 2;
            lengths[short] -= 1;
        }
    }
}

#[cfg(test)]
#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "small numbers, made up")]
mod tests {
    use super::*;

    #[test]
    fn the_standard_tables_are_whole() {
        for (table, symbols) in [
            (Huffman::dc_luma(), 12),
            (Huffman::dc_chroma(), 12),
            (Huffman::ac_luma(), 162),
            (Huffman::ac_chroma(), 162),
        ] {
            assert_eq!(table.counts.iter().map(|&c| usize::from(c)).sum::<usize>(), symbols);
            assert_eq!(table.codes.iter().filter(|code| code.1 > 0).count(), symbols);
        }
        assert_eq!(Huffman::ac_luma().codes[0], (0b1010, 4), "end of block");
        assert_eq!(Huffman::ac_luma().codes[0xF0], (0b111_1111_1001, 11), "sixteen zeros");
        assert_eq!(Huffman::ac_chroma().codes[0], (0b00, 2), "end of block");
    }

    #[test]
    fn best_codes_are_prefix_free_and_none_is_ones_alone() {
        let mut fibonacci = [0_u32; 256];
        (fibonacci[7], fibonacci[8]) = (1, 1);
        for i in 9..49 {
            fibonacci[i] = fibonacci[i - 1] + fibonacci[i - 2];
        }
        let mut one = [0; 256];
        one[5] = 3;
        for counts in [fibonacci, one, [1; 256], std::array::from_fn(|i| i as u32 * 3)] {
            let table = Huffman::best(&counts);
            let used = counts.iter().filter(|&&c| c > 0).count();
            assert_eq!(table.codes.iter().filter(|code| code.1 > 0).count(), used);
            let share: f64 = table.codes.iter().filter(|c| c.1 > 0).map(|c| 0.5_f64.powi(i32::from(c.1))).sum();
            assert!(share < 1.0, "{share}: the code of ones alone is free");
            let ones = table.codes.iter().any(|&(code, length)| length > 0 && u32::from(code) == (1 << length) - 1);
            assert!(!ones);
        }
    }
}
