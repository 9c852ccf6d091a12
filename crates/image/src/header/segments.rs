//! Walks the marker segments of a JPEG (ITU-T T.81, annex B), without a look inside them.
//!
//! Every position is checked against the file; nothing is copied. Bytes between segments that belong to none are
//! passed over, as the readers in browsers do.

/// Marker codes, the byte after `FF`.
pub(crate) mod marker {
    pub(crate) const TEM: u8 = 0x01;
    /// Reserved, the first and the last: no segment that a reader could pass over.
    pub(crate) const RES_FIRST: u8 = 0x02;
    pub(crate) const RES_LAST: u8 = 0xBF;
    pub(crate) const SOF0: u8 = 0xC0;
    pub(crate) const SOF1: u8 = 0xC1;
    pub(crate) const SOF2: u8 = 0xC2;
    pub(crate) const DHT: u8 = 0xC4;
    pub(crate) const DAC: u8 = 0xCC;
    pub(crate) const RST0: u8 = 0xD0;
    pub(crate) const RST7: u8 = 0xD7;
    pub(crate) const SOI: u8 = 0xD8;
    pub(crate) const EOI: u8 = 0xD9;
    pub(crate) const SOS: u8 = 0xDA;
    pub(crate) const DQT: u8 = 0xDB;
    pub(crate) const DNL: u8 = 0xDC;
    pub(crate) const DRI: u8 = 0xDD;
    pub(crate) const DHP: u8 = 0xDE;
    pub(crate) const EXP: u8 = 0xDF;
    pub(crate) const APP1: u8 = 0xE1;
    pub(crate) const APP2: u8 = 0xE2;
    pub(crate) const APP0: u8 = 0xE0;
    pub(crate) const APP15: u8 = 0xEF;
    pub(crate) const COM: u8 = 0xFE;
    pub(crate) const APP14: u8 = 0xEE;
    pub(crate) const JPG0: u8 = 0xF0;
    pub(crate) const JPG13: u8 = 0xFD;
}

/// A marker and what belongs to it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Segment<'a> {
    /// The marker code.
    pub marker: u8,
    /// What follows the length field; empty for a marker that stands alone.
    pub payload: &'a [u8],
    /// Offset of the byte after the segment.
    pub end: usize,
}

/// Why there is no further segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The EOI marker.
    Eoi,
    /// The file ends between two segments.
    Clean,
    /// The file ends inside a segment.
    Cut,
    /// A length field below its own two bytes.
    BadLength,
}

/// The segments of a file from some offset on.
#[derive(Debug, Clone)]
pub(crate) struct Segments<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Segments<'a> {
    /// Starts at an offset, usually 2: after SOI.
    pub(crate) fn starting_at(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at }
    }

    /// The next segment. RST and TEM markers, which say nothing between segments, are passed over.
    pub(crate) fn next(&mut self) -> Result<Segment<'a>, Ending> {
        loop {
            let marker = self.next_marker().ok_or(Ending::Clean)?;
            match marker {
                marker::EOI => return Err(Ending::Eoi),
                marker::TEM | marker::RST0..=marker::RST7 => {}
                marker::SOI => return Ok(Segment { marker, payload: &[], end: self.at }),
                _ => return self.with_length(marker),
            }
        }
    }

    /// Goes on at the first marker, other than RST, behind the entropy-coded data that start at the present offset.
    pub(crate) fn skip_entropy_coded(&mut self) {
        while let Some(at) = find_ff(self.bytes, self.at) {
            match self.bytes.get(at + 1) {
                Some(0xFF) => self.at = at + 1,
                Some(0x00 | marker::RST0..=marker::RST7) => self.at = at + 2,
                _ => {
                    self.at = at;
                    return;
                }
            }
        }
        self.at = self.bytes.len();
    }

    fn next_marker(&mut self) -> Option<u8> {
        loop {
            self.at = find_ff(self.bytes, self.at)? + 1;
            let code = *self.bytes.get(self.at)?;
            if code != 0 && code != 0xFF {
                self.at += 1;
                return Some(code);
            }
        }
    }

    fn with_length(&mut self, marker: u8) -> Result<Segment<'a>, Ending> {
        let field = self.bytes.get(self.at..self.at + 2).ok_or(Ending::Cut)?;
        let length = usize::from(u16::from_be_bytes([field[0], field[1]]));
        // A length that does not count its own two bytes, on a segment that says nothing of the picture: an empty one, to every reader.
        let is_application = matches!(marker, marker::APP0..=marker::APP15 | marker::COM);
        let length = if is_application { length.max(2) } else { length };
        if length < 2 {
            return Err(Ending::BadLength);
        }
        let payload = self.bytes.get(self.at + 2..self.at + length).ok_or(Ending::Cut)?;
        self.at += length;
        Ok(Segment { marker, payload, end: self.at })
    }
}

/// Offset of the first `FF` at or after `from`.
fn find_ff(bytes: &[u8], from: usize) -> Option<usize> {
    let rest = bytes.get(from..)?;
    let (words, _) = rest.as_chunks::<8>();
    let clean = words.iter().take_while(|word| !has_ff(u64::from_ne_bytes(**word))).count() * 8;
    rest[clean..].iter().position(|&byte| byte == 0xFF).map(|offset| from + clean + offset)
}

/// Whether a byte of the word is `FF`: the classic test for a zero byte, on the complement. It may err only in which
/// byte, never in whether there is one.
fn has_ff(word: u64) -> bool {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let flipped = !word;
    flipped.wrapping_sub(ONES) & !flipped & (ONES << 7) != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_every_ff() {
        for len in 0..40 {
            for at in 0..len {
                let mut bytes = vec![0xFE; len];
                bytes[at] = 0xFF;
                assert_eq!(find_ff(&bytes, 0), Some(at));
                assert_eq!(find_ff(&bytes, at + 1), None);
            }
        }
    }

    #[test]
    fn passes_over_fill_bytes_and_what_belongs_to_no_segment() {
        let bytes = [0x12, 0xFF, 0x00, 0xFF, 0xFF, 0xFF, 0xFE, 0x00, 0x03, 0x41, 0xFF, 0xD9];
        let mut segments = Segments::starting_at(&bytes, 0);
        let comment = segments.next().expect("a comment");
        assert_eq!((comment.marker, comment.payload, comment.end), (0xFE, &b"A"[..], 10));
        assert_eq!(segments.next().err(), Some(Ending::Eoi));
    }

    #[test]
    fn tells_a_cut_segment_from_a_clean_end() {
        let ending = |bytes: &[u8]| Segments::starting_at(bytes, 0).next().err();
        assert_eq!(ending(&[]), Some(Ending::Clean));
        assert_eq!(ending(&[0xFF]), Some(Ending::Clean));
        assert_eq!(ending(&[0xFF, 0xFE]), Some(Ending::Cut));
        assert_eq!(ending(&[0xFF, 0xFE, 0, 5, 1, 2]), Some(Ending::Cut));
        assert_eq!(ending(&[0xFF, 0xDB, 0, 1, 1, 2]), Some(Ending::BadLength));
    }

    /// images.md Q4.
    #[test]
    fn application_segments_that_are_shorter_than_their_length_field_are_empty() {
        for (marker, length) in [(0xE5, 0), (0xE0, 1), (0xEE, 0), (0xEF, 1), (0xFE, 0)] {
            let bytes = [0xFF, marker, 0, length, 0xFF, 0xDB, 0, 3, 7];
            let mut segments = Segments::starting_at(&bytes, 0);
            let empty = segments.next().expect("an empty segment");
            assert_eq!((empty.marker, empty.payload.len(), empty.end), (marker, 0, 4));
            assert_eq!(segments.next().map(|segment| segment.payload).ok(), Some(&[7][..]));
        }
    }

    #[test]
    fn skips_entropy_coded_data_up_to_the_next_marker() {
        let bytes = [1, 0xFF, 0, 2, 0xFF, 0xD0, 3, 0xFF, 0xFF, 0xDA, 0, 2];
        let mut segments = Segments::starting_at(&bytes, 0);
        segments.skip_entropy_coded();
        assert_eq!(segments.next().map(|s| s.marker).ok(), Some(marker::SOS));
    }
}
