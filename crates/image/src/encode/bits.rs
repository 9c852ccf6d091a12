//! The bit stream of a scan: codes of 1 to 32 bits, most significant first, with a zero byte stuffed after every `FF`.

/// A bit stream under way. 64 bits are gathered before eight bytes are written.
pub(super) struct Bits {
    bytes: Vec<u8>,
    /// How many of `bytes` are written; the rest is room.
    written: usize,
    pending: Pending,
}

/// Bits that are not bytes yet. A copy of it lives in registers while a block is written.
#[derive(Clone, Copy)]
pub(super) struct Pending {
    /// The last bits put, the newest lowest. Above them stands what is written already.
    bits: u64,
    /// How many bits there is room for, 1 to 64.
    free: u32,
}

impl Bits {
    /// A stream that goes on behind these bytes.
    pub(super) fn new(bytes: Vec<u8>) -> Self {
        Self { written: bytes.len(), bytes, pending: Pending { bits: 0, free: 64 } }
    }

    /// Makes sure that this many bytes can be written.
    pub(super) fn reserve(&mut self, count: usize) {
        let needed = self.written + count;
        if self.bytes.len() < needed {
            self.bytes.resize(needed.max(self.bytes.len() * 2), 0);
        }
    }

    #[inline]
    pub(super) fn pending(&self) -> Pending {
        self.pending
    }

    #[inline]
    pub(super) fn set_pending(&mut self, pending: Pending) {
        self.pending = pending;
    }

    /// Appends the lowest `count` bits of `code`, which has no others. Room must have been reserved.
    #[inline]
    pub(super) fn put(&mut self, pending: &mut Pending, code: u32, count: u32) {
        if count <= pending.free {
            pending.bits = pending.bits << (count & 63) | u64::from(code);
            pending.free -= count;
        } else {
            let over = count - pending.free;
            // A stream with no room at all would have to be shifted by nothing, one with 64 is never too full.
            let word = pending.bits << (pending.free & 63) | u64::from(code >> over);
            self.write(word);
            *pending = Pending { bits: u64::from(code), free: 64 - over };
        }
    }

    #[inline]
    fn write(&mut self, word: u64) {
        const ONES: u64 = 0x0101_0101_0101_0101;
        let maybe_ff = word & !word.wrapping_add(ONES) & (ONES << 7);
        if maybe_ff == 0 {
            self.bytes[self.written..self.written + 8].copy_from_slice(&word.to_be_bytes());
            self.written += 8;
        } else {
            self.write_stuffed(word);
        }
    }

    #[cold]
    fn write_stuffed(&mut self, word: u64) {
        for byte in word.to_be_bytes() {
            self.write_byte(byte);
        }
    }

    fn write_byte(&mut self, byte: u8) {
        self.bytes[self.written] = byte;
        self.written += 1;
        if byte == 0xFF {
            self.bytes[self.written] = 0;
            self.written += 1;
        }
    }

    /// Fills the last byte with ones and returns everything.
    pub(super) fn finish(mut self) -> Vec<u8> {
        self.reserve(32);
        let Pending { bits, free } = self.pending;
        let used = 64 - free;
        let word = if used == 0 { 0 } else { bits << free | ((1 << free) - 1) };
        for byte in &word.to_be_bytes()[..used.div_ceil(8) as usize] {
            self.write_byte(*byte);
        }
        self.bytes.truncate(self.written);
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(codes: &[(u32, u32)]) -> Vec<u8> {
        let mut bits = Bits::new(vec![0xAA]);
        bits.reserve(64);
        let mut pending = bits.pending();
        for &(code, count) in codes {
            bits.put(&mut pending, code, count);
        }
        bits.set_pending(pending);
        bits.finish()
    }

    #[test]
    fn bits_are_put_from_the_top_and_filled_with_ones() {
        assert_eq!(stream(&[]), [0xAA]);
        assert_eq!(stream(&[(0b101, 3)]), [0xAA, 0b1011_1111]);
        assert_eq!(stream(&[(0x12, 8), (0x345, 12), (0x6, 4)]), [0xAA, 0x12, 0x34, 0x56]);
    }

    #[test]
    fn codes_cross_words() {
        let codes: Vec<(u32, u32)> = (0..23).map(|i| (i * 37 & 0x1FF, 9)).collect();
        let mut want = vec![0xAA];
        let text: String = codes.iter().map(|c| format!("{:09b}", c.0)).collect();
        for byte in text.as_bytes().chunks(8) {
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
