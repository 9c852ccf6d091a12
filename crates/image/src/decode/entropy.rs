//! The entropy-coded data of a scan, without byte stuffing, a window at a time.
//!
//! Stuffing is removed before bits are read, so that reading bits has no cases. The window is small and always ends
//! with more bytes than an MCU can have, or with zeros behind the end of the data.

use super::bits::BitReader;
use crate::header::segments::marker;
use crate::header::{corrupt, truncated};
use crate::reason::Rejection;

/// Bytes that the blocks of an MCU cannot exceed: 10 blocks of 64 coefficients of 16 + 15 bits, and a refill.
const MCU_BYTES: usize = 10 * 64 * 4 + 64;
/// Bytes without stuffing that are held at a time.
const WINDOW_BYTES: usize = 16 * 1024;

/// Where reading bits went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// Bits that are no code of their table.
    BadCode,
    /// A coefficient behind the last.
    BadIndex,
}

/// The data of one scan.
pub(super) struct EntropyStream<'a> {
    source: &'a [u8],
    /// Offset in the source of the first byte not yet in the window.
    next: usize,
    window: Box<[u8; WINDOW_BYTES + MCU_BYTES]>,
    /// Bytes of the window that are data.
    filled: usize,
    /// Whether a marker or the end of the file follows the window.
    ended: bool,
    at: usize,
    bits: u64,
    count: u32,
    /// Restart markers passed.
    intervals: u32,
}

impl<'a> EntropyStream<'a> {
    /// The data that begin at an offset.
    pub(super) fn new(source: &'a [u8], at: usize) -> Self {
        let window = vec![0; WINDOW_BYTES + MCU_BYTES].into_boxed_slice();
        let window = window.try_into().unwrap_or_else(|_| unreachable!("the window has the length it was made with"));
        Self { source, next: at, window, filled: 0, ended: false, at: 0, bits: 0, count: 0, intervals: 0 }
    }

    /// Sees to it that the window holds the whole next MCU, or the end of the data and zeros.
    #[inline(always)]
    pub(super) fn prepare(&mut self) {
        if self.filled - self.at.min(self.filled) < MCU_BYTES && !self.ended {
            self.advance();
        }
    }

    /// As [`Self::prepare`]; gives up to where in the window an MCU may begin that does not reach the end of the data. Whoever goes
    /// beyond has to ask again, behind every MCU.
    #[inline(always)]
    pub(super) fn prepare_many(&mut self) -> usize {
        self.prepare();
        self.filled.saturating_sub(MCU_BYTES)
    }

    /// The bits from here on.
    #[inline(always)]
    pub(super) fn reader(&self) -> BitReader<'_> {
        BitReader { window: &self.window[..], at: self.at, bits: self.bits, count: self.count }
    }

    /// Goes on where a reader stopped.
    #[inline(always)]
    pub(super) fn resume(&mut self, at: usize, bits: u64, count: u32) {
        (self.at, self.bits, self.count) = (at, bits, count);
    }

    /// Whether bits behind the end of the data were read.
    #[inline(always)]
    pub(super) fn overrun(&self) -> bool {
        self.at * 8 > self.filled * 8 + self.count as usize
    }

    /// What a fault, or reading behind the end, means for the file.
    #[cold]
    pub(super) fn reject(&mut self, fault: Option<Fault>) -> Rejection {
        let interval = self.intervals;
        match fault {
            // A file that breaks off ends there; one that goes on is damaged.
            _ if self.overrun() && self.file_goes_on() => {
                corrupt(format!("restart interval {interval} of a scan has too few data for its MCUs"))
            }
            _ if self.overrun() => truncated("the data of a scan end before its last MCU"),
            Some(Fault::BadIndex) => corrupt("a block has more than 64 coefficients"),
            Some(Fault::BadCode) | None => corrupt("the data have a code that is not in its Huffman table"),
        }
    }

    /// Passes over what is left of a restart interval and its marker.
    pub(super) fn next_interval(&mut self) -> Result<(), Rejection> {
        while !self.ended {
            self.at = self.filled;
            self.advance();
        }
        let number = self.restart_marker().ok_or_else(|| truncated("a restart interval is missing"))?;
        let due = self.intervals % 8;
        // Where an interval was lost, what follows would stand in the wrong place.
        if u32::from(number) != due {
            return Err(corrupt(format!("restart marker {number} where {due} is due")));
        }
        while self.source.get(self.next) == Some(&0xFF) {
            self.next += 1;
        }
        self.next += 1;
        self.intervals += 1;
        (self.filled, self.ended, self.at, self.bits, self.count) = (0, false, 0, 0, 0);
        Ok(())
    }

    /// Offset in the source from which to look for the next segment.
    pub(super) fn end(&self) -> usize {
        self.next
    }

    /// The marker that ended the data.
    fn marker(&self) -> Option<u8> {
        self.source.get(self.next..)?.iter().copied().find(|&byte| byte != 0xFF).filter(|_| self.ended)
    }

    /// The number of the restart marker that ended the data.
    fn restart_marker(&self) -> Option<u8> {
        self.marker()?.checked_sub(marker::RST0).filter(|number| *number < 8)
    }

    fn file_goes_on(&self) -> bool {
        self.marker().is_some_and(|code| code != marker::EOI)
    }

    /// Moves what is left of the window to its front and fills up the rest.
    #[cold]
    #[inline(never)]
    fn advance(&mut self) {
        let start = self.at.min(self.filled);
        self.window.copy_within(start..self.filled, 0);
        self.filled -= start;
        self.at -= start;
        while self.filled < WINDOW_BYTES && !self.ended {
            self.unstuff();
        }
        if self.ended {
            self.window[self.filled..].fill(0);
        }
    }

    /// Copies bytes up to the end of the window, the next `FF` and what it means, or the end.
    fn unstuff(&mut self) {
        let source = &self.source[self.next..];
        let room = &mut self.window[self.filled..WINDOW_BYTES];
        let copied = copy_up_to_ff(source, room);
        self.next += copied;
        self.filled += copied;
        if self.filled == WINDOW_BYTES {
            return;
        }
        let fills = self.source[self.next..].iter().take_while(|&&byte| byte == 0xFF).count();
        if self.source.get(self.next + fills) == Some(&0) && fills > 0 {
            self.window[self.filled] = 0xFF;
            self.filled += 1;
            self.next += fills + 1;
        } else {
            self.ended = true;
        }
    }
}

/// Copies bytes until one slice ends or an `FF` stands next in the source; gives how many.
fn copy_up_to_ff(source: &[u8], room: &mut [u8]) -> usize {
    const LANES: usize = 16;
    let len = source.len().min(room.len());
    let (source, room) = (&source[..len], &mut room[..len]);
    let mut done = 0;
    for (from, to) in source.as_chunks::<LANES>().0.iter().zip(room.as_chunks_mut::<LANES>().0) {
        *to = *from;
        if from.iter().fold(0u8, |any, &byte| any | u8::from(byte == 0xFF)) != 0 {
            return done + first_ff(*from);
        }
        done += LANES;
    }
    while done < len && source[done] != 0xFF {
        room[done] = source[done];
        done += 1;
    }
    done
}

/// How many bytes stand before the first `FF`.
fn first_ff(bytes: [u8; 16]) -> usize {
    const ONES: u128 = u128::from_ne_bytes([1; 16]);
    let rest = !u128::from_le_bytes(bytes);
    // The lowest byte that is zero borrows from none below it.
    let zeros = rest.wrapping_sub(ONES) & !rest & (ONES << 7);
    (zeros.trailing_zeros() / 8) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(source: &[u8]) -> (Vec<u8>, Option<u8>) {
        let mut stream = EntropyStream::new(source, 0);
        let mut out = Vec::new();
        while !stream.ended {
            stream.at = stream.filled;
            stream.advance();
            out.extend_from_slice(&stream.window[..stream.filled]);
        }
        (out, stream.restart_marker())
    }

    #[test]
    fn removes_stuffing_and_stops_at_a_marker() {
        assert_eq!(all(&[1, 0xFF, 0, 2, 0xFF, 0xFF, 0, 3, 0xFF, 0xD9, 9]), (vec![1, 0xFF, 2, 0xFF, 3], None));
        assert_eq!(all(&[1, 2, 0xFF, 0xFF, 0xD3, 9]), (vec![1, 2], Some(3)));
        assert_eq!(all(&[1, 2, 0xFF]), (vec![1, 2], None));
        assert_eq!(all(&[]), (vec![], None));
    }

    #[test]
    fn the_first_ff_is_found_wherever_it_stands() {
        for (at, other) in (0..16).flat_map(|at| [0, 1, 0x7F, 0x80, 0xFE, 0xFF].map(|other| (at, other))) {
            let mut bytes = [0xFE; 16];
            bytes[at..].fill(other);
            bytes[at] = 0xFF;
            assert_eq!(first_ff(bytes), at, "{other}");
        }
    }

    #[test]
    fn restart_markers_come_in_their_order() {
        let bytes = [1, 0xFF, 0xD0, 2, 0xFF, 0xFF, 0xD1, 3, 0xFF, 0xD1, 4];
        let mut stream = EntropyStream::new(&bytes, 0);
        assert!(stream.next_interval().is_ok() && stream.next_interval().is_ok());
        assert_eq!(stream.next_interval().map_err(|rejection| rejection.reason), Err(crate::Reason::Corrupt));
    }

    #[test]
    fn long_data_pass_through_the_window_unchanged() {
        let plain: Vec<u8> = (0..100_000u32).map(|i| i.wrapping_mul(2_654_435_761).to_be_bytes()[1]).collect();
        let stuffed: Vec<u8> =
            plain.iter().flat_map(|&b| if b == 0xFF { vec![0xFF, 0] } else { vec![b] }).chain([0xFF, 0xD9]).collect();
        assert!(all(&stuffed).0 == plain);
    }
}
