//! The bit stream of a scan: codes of 1 to 32 bits, most significant first, with a zero byte stuffed after every `FF`.
//!
//! Bits are written without a branch, eight bytes at every code, of which the next code overwrites what is not full;
//! the stuffing is done at the end, where it can be done eight bytes at a time.

use crate::scratch::Buffer;

/// A bit stream under way.
pub(super) struct Bits {
    /// Not yet stuffed. Behind the last full byte there is room.
    bytes: Buffer<u8>,
}

/// The end of a stream. It is a value of its own so that it stays in registers while a block is written.
#[derive(Clone, Copy, Default)]
pub(super) struct End {
    /// The last bits put, the newest lowest.
    bits: u64,
    /// How many of them belong to no full byte yet, 0 to 7.
    count: u32,
    /// How many bytes are full.
    full: usize,
}

/// Bytes written at a time.
const WORD: usize = 8;

impl Bits {
    pub(super) fn new() -> Self {
        Self { bytes: Buffer::unwritten(0) }
    }

    /// Makes sure that this many bytes can be written behind the end.
    pub(super) fn reserve(&mut self, end: &End, count: usize) {
        let needed = end.full + count + WORD;
        if self.bytes.len() < needed {
            self.bytes.grow(needed.max(self.bytes.len() * 2));
        }
    }

    /// Appends the lowest `count` bits of `code`, which has no others. Room must have been reserved.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "compiled for each code path")]
    pub(super) fn put(&mut self, end: &mut End, code: u32, count: u32) {
        end.bits = end.bits << count | u64::from(code);
        end.count += count;
        let aligned = end.bits << ((64 - end.count) & 63);
        self.bytes[end.full..end.full + WORD].copy_from_slice(&aligned.to_be_bytes());
        end.full += (end.count / 8) as usize;
        end.count %= 8;
    }

    /// Fills the last byte with ones and appends everything, stuffed.
    pub(super) fn finish(mut self, mut end: End, out: &mut Vec<u8>) {
        self.reserve(&end, WORD);
        if end.count > 0 {
            let missing = 8 - end.count;
            self.put(&mut end, (1 << missing) - 1, missing);
        }
        stuff(&self.bytes[..end.full], out);
    }
}

/// Appends bytes with a zero behind every `FF`.
fn stuff(bytes: &[u8], out: &mut Vec<u8>) {
    const ONES: u64 = 0x0101_0101_0101_0101;
    out.reserve(bytes.len() + bytes.len() / 64 + 64);
    let (words, rest) = bytes.as_chunks::<WORD>();
    for bytes in words {
        let word = u64::from_ne_bytes(*bytes);
        let maybe_ff = word & !word.wrapping_add(ONES) & (ONES << 7);
        if maybe_ff == 0 {
            out.extend_from_slice(bytes);
        } else {
            stuff_each(bytes, out);
        }
    }
    stuff_each(rest, out);
}

fn stuff_each(bytes: &[u8], out: &mut Vec<u8>) {
    for &byte in bytes {
        out.push(byte);
        if byte == 0xFF {
            out.push(0);
        }
    }
}

#[cfg(test)]
#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "small numbers, made up")]
mod tests {
    use super::*;

    fn stream(codes: &[(u32, u32)]) -> Vec<u8> {
        let (mut bits, mut end, mut out) = (Bits::new(), End::default(), vec![0xAA]);
        bits.reserve(&end, 64);
        for &(code, count) in codes {
            bits.put(&mut end, code, count);
        }
        bits.finish(end, &mut out);
        out
    }

    #[test]
    fn bits_are_put_from_the_top_and_filled_with_ones() {
        assert_eq!(stream(&[]), [0xAA]);
        assert_eq!(stream(&[(0b101, 3)]), [0xAA, 0b1011_1111]);
        assert_eq!(stream(&[(0x12, 8), (0x345, 12), (0x6, 4)]), [0xAA, 0x12, 0x34, 0x56]);
    }

    #[test]
    fn codes_cross_words() {
        let codes: Vec<(u32, u32)> = (0..23).map(|i| ((i * 37) & 0x1FF, 9)).collect();
        let mut want = vec![0xAA];
        let text: Vec<String> = codes.iter().map(|c| format!("{:09b}", c.0)).collect();
        for byte in text.concat().as_bytes().chunks(8) {
            let byte = format!("{:1<8}", String::from_utf8_lossy(byte));
            want.push(u8::from_str_radix(&byte, 2).unwrap());
        }
        assert_eq!(stream(&codes), want);
        assert_eq!(
            stream(&[(0x1234_5678, 32), (0x1BCD_EF01, 32)]),
            [0xAA, 0x12, 0x34, 0x56, 0x78, 0x1B, 0xCD, 0xEF, 1]
        );
    }

    #[test]
    fn a_zero_follows_every_ff() {
        assert_eq!(stream(&[(0xFF, 8), (0xFF, 8)]), [0xAA, 0xFF, 0, 0xFF, 0]);
        let long = stream(&[(0xFFFF_FFFF, 32), (0xFFFF_FFFF, 32), (1, 1)]);
        assert_eq!(long.len(), 1 + 16 + 2);
    }
}
