//! Reads bits from entropy-coded data that have no byte stuffing left.
//!
//! The reader never fails: behind the end of the data stand zeros, and whoever reads them is told afterwards
//! ([`super::entropy::EntropyStream::overrun`]).

/// A position in a window of bytes, and the bits that come next.
#[derive(Clone, Copy)]
pub(super) struct BitReader<'w> {
    pub(super) window: &'w [u8],
    /// Bytes of the window that are in `bits` as a whole.
    pub(super) at: usize,
    /// The next bits, the first in the most significant place.
    pub(super) bits: u64,
    /// How many of them count; what follows them is the same as in the window, or zeros.
    pub(super) count: u32,
}

impl BitReader<'_> {
    /// Makes at least 56 bits available.
    #[inline(always)]
    pub(super) fn refill(&mut self) {
        if let Some(next) = self.window.get(self.at..).and_then(<[u8]>::first_chunk::<8>) {
            self.bits |= u64::from_be_bytes(*next) >> self.count;
            self.at += ((63 - self.count) >> 3) as usize;
            self.count |= 0b11_1000;
        }
    }

    /// The next bits of a number below 64, the first in the most significant place.
    #[inline(always)]
    #[allow(clippy::cast_possible_truncation, reason = "16 bits at most")]
    pub(super) fn peek(&self, bits: u32) -> usize {
        (self.bits >> (64 - bits)) as usize
    }

    /// Goes on by fewer bits than are available.
    #[inline(always)]
    pub(super) fn consume(&mut self, bits: u32) {
        self.bits <<= bits;
        self.count = self.count.wrapping_sub(bits) & 63;
    }

    /// A number of 0 to 15 bits behind `skip` others, in the sign notation of T.81 (F.2.2.1, EXTEND).
    #[inline(always)]
    #[allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap, reason = "15 bits at most")]
    pub(super) fn signed(&self, skip: u32, bits: u32) -> i32 {
        let rest = self.bits << skip;
        let value = ((rest >> 1) >> (63 - bits)) as i32;
        let below = !((rest as i64 >> 63) as i32);
        value + (below & (1 - (1 << bits)))
    }

    /// Reads a number of up to 16 bits without sign.
    #[inline(always)]
    #[allow(clippy::cast_possible_truncation, reason = "16 bits at most")]
    pub(super) fn take(&mut self, bits: u32) -> u32 {
        let value = ((self.bits >> 1) >> (63 - bits)) as u32;
        self.consume(bits);
        value
    }

    /// Reads a number of up to 56 bits without sign.
    #[inline(always)]
    pub(super) fn take_long(&mut self, bits: u32) -> u64 {
        let value = (self.bits >> 1) >> (63 - bits);
        self.consume(bits);
        value
    }
}
