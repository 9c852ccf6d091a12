//! The one thing read from EXIF: the orientation of the picture, from IFD0.
//!
//! Nothing here rejects a file: EXIF that is broken, hostile or silent means upright. No chain is followed, so no
//! loop in the data can hold it up; every read is checked against the segment.

/// How the stored picture must be turned to stand upright (TIFF 6.0, tag 274).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Orientation {
    /// 1: as stored.
    #[default]
    Upright,
    /// 2: mirrored left to right.
    MirrorHorizontal,
    /// 3: turned by 180°.
    Rotate180,
    /// 4: mirrored top to bottom.
    MirrorVertical,
    /// 5: mirrored along the main diagonal.
    Transpose,
    /// 6: must be turned 90° clockwise.
    Rotate90,
    /// 7: mirrored along the other diagonal.
    Transverse,
    /// 8: must be turned 90° anticlockwise.
    Rotate270,
}

impl Orientation {
    /// The orientation of an EXIF value; values outside 1..=8 mean nothing.
    pub(crate) fn from_exif(value: u16) -> Option<Self> {
        Some(match value {
            1 => Self::Upright,
            2 => Self::MirrorHorizontal,
            3 => Self::Rotate180,
            4 => Self::MirrorVertical,
            5 => Self::Transpose,
            6 => Self::Rotate90,
            7 => Self::Transverse,
            8 => Self::Rotate270,
            _ => return None,
        })
    }

    /// Whether width and height change places.
    pub(crate) fn swaps_sides(self) -> bool {
        matches!(self, Self::Transpose | Self::Rotate90 | Self::Transverse | Self::Rotate270)
    }
}

const ORIENTATION_TAG: u16 = 0x0112;
/// Types that hold a whole number, with their lengths in bytes: SHORT, LONG, SSHORT, SLONG (TIFF 6.0, section 2). The standard
/// wants SHORT; others write LONG, and readers take both.
const WHOLE_NUMBERS: [(u16, usize); 4] = [(3, 2), (4, 4), (8, 2), (9, 4)];
const ENTRY_BYTES: usize = 12;

/// Reads the orientation from the TIFF structure of an EXIF segment (what follows `Exif\0\0`).
///
/// A directory is read as far as it reaches: writers that state too many entries, or files cut there, still say how the picture stands
/// in those that are whole.
pub(crate) fn read_orientation(tiff: &[u8]) -> Option<Orientation> {
    let tiff = Tiff::new(tiff)?;
    let ifd0 = usize::try_from(tiff.u32_at(4)?).ok()?;
    let stated = usize::from(tiff.u16_at(ifd0)?);
    let entries = tiff.bytes.get(ifd0.checked_add(2)?..)?.chunks_exact(ENTRY_BYTES).take(stated);
    entries.filter(|entry| tiff.u16_in(entry, 0) == Some(ORIENTATION_TAG)).find_map(|entry| tiff.orientation_in(entry))
}

/// Whether these bytes begin a TIFF structure, as what follows `Exif\0\0` does.
pub(crate) fn is_tiff(bytes: &[u8]) -> bool {
    Tiff::new(bytes).is_some()
}

/// A TIFF structure and its byte order.
struct Tiff<'a> {
    bytes: &'a [u8],
    big_endian: bool,
}

impl<'a> Tiff<'a> {
    fn new(bytes: &'a [u8]) -> Option<Self> {
        let big_endian = match bytes.get(..4)? {
            [b'I', b'I', 42, 0] => false,
            [b'M', b'M', 0, 42] => true,
            _ => return None,
        };
        Some(Self { bytes, big_endian })
    }

    /// The orientation in an entry of its tag. One value stands in the entry itself; the first of more, where they do not fit there.
    fn orientation_in(&self, entry: &[u8]) -> Option<Orientation> {
        let kind = self.u16_in(entry, 2)?;
        let (_, bytes) = WHOLE_NUMBERS.into_iter().find(|&(known, _)| known == kind)?;
        let count = usize::try_from(self.u32_in(entry, 4)?).ok()?;
        let value = if count.saturating_mul(bytes) <= 4 {
            entry.get(8..)?
        } else {
            self.bytes.get(usize::try_from(self.u32_in(entry, 8)?).ok()?..)?
        };
        let value = if bytes == 2 { self.u16_in(value, 0)? } else { u16::try_from(self.u32_in(value, 0)?).ok()? };
        Orientation::from_exif(value)
    }

    fn u16_in(&self, from: &[u8], at: usize) -> Option<u16> {
        let pair = from.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(if self.big_endian { u16::from_be_bytes(pair) } else { u16::from_le_bytes(pair) })
    }

    fn u16_at(&self, at: usize) -> Option<u16> {
        self.u16_in(self.bytes, at)
    }

    fn u32_in(&self, from: &[u8], at: usize) -> Option<u32> {
        let four = from.get(at..at.checked_add(4)?)?.try_into().ok()?;
        Some(if self.big_endian { u32::from_be_bytes(four) } else { u32::from_le_bytes(four) })
    }

    fn u32_at(&self, at: usize) -> Option<u32> {
        self.u32_in(self.bytes, at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tiff(big_endian: bool, entries: &[(u16, u16, u16)]) -> Vec<u8> {
        let two = |v: u16| if big_endian { v.to_be_bytes() } else { v.to_le_bytes() };
        let four = |v: u32| if big_endian { v.to_be_bytes() } else { v.to_le_bytes() };
        let mut out = if big_endian { b"MM\0*".to_vec() } else { b"II*\0".to_vec() };
        out.extend(four(8));
        out.extend(two(u16::try_from(entries.len()).expect("few entries")));
        for &(tag, kind, value) in entries {
            out.extend(two(tag));
            out.extend(two(kind));
            out.extend(four(1));
            out.extend(two(value));
            out.extend([0, 0]);
        }
        out.extend(four(0));
        out
    }

    #[test]
    fn reads_both_byte_orders() {
        for big_endian in [false, true] {
            for value in 1..=8 {
                let found = read_orientation(&tiff(big_endian, &[(0x0100, 3, 7), (0x0112, 3, value)]));
                assert_eq!(found, Orientation::from_exif(value));
                assert_eq!(found.is_some_and(Orientation::swaps_sides), value >= 5);
            }
        }
    }

    #[test]
    fn ignores_what_is_no_orientation() {
        for value in [0, 9, 65535] {
            assert_eq!(read_orientation(&tiff(false, &[(0x0112, 3, value)])), None);
        }
        for kind in [0, 1, 2, 5, 7, 10, 12] {
            assert_eq!(read_orientation(&tiff(false, &[(0x0112, kind, 6)])), None, "type {kind}");
        }
        assert_eq!(read_orientation(&tiff(false, &[(0x0100, 3, 6)])), None);
    }

    /// images.md Q1.
    #[test]
    fn takes_every_type_of_whole_number() {
        for kind in [3, 4, 8, 9] {
            assert_eq!(
                read_orientation(&tiff(false, &[(0x0112, kind, 6)])),
                Some(Orientation::Rotate90),
                "type {kind}"
            );
        }
        let mut long = tiff(true, &[(0x0112, 4, 0)]);
        long[21] = 8;
        assert_eq!(read_orientation(&long), Some(Orientation::Rotate270), "big-endian, the value in the last byte");
    }

    #[test]
    fn finds_values_that_do_not_fit_into_their_entry() {
        let mut three = tiff(false, &[(0x0112, 3, 26)]);
        three[14] = 3;
        three.extend([6, 0, 1, 0, 1, 0]);
        assert_eq!(read_orientation(&three), Some(Orientation::Rotate90));
        three.truncate(27);
        assert_eq!(read_orientation(&three), None);
    }

    /// images.md P5.
    #[test]
    fn reads_a_directory_as_far_as_it_reaches() {
        let whole = tiff(false, &[(0x0112, 3, 6)]);
        for len in 0..whole.len() - 4 {
            assert_eq!(read_orientation(&whole[..len]), None, "cut to {len}");
        }
        for count in [2_u16, 200, u16::MAX] {
            let mut many = whole.clone();
            many[8..10].copy_from_slice(&count.to_le_bytes());
            assert_eq!(read_orientation(&many), Some(Orientation::Rotate90), "{count} entries stated");
        }
        let mut none = whole.clone();
        none[8..10].copy_from_slice(&[0, 0]);
        assert_eq!(read_orientation(&none), None);
        let mut far = whole;
        far[4..8].copy_from_slice(&[0xFF; 4]);
        assert_eq!(read_orientation(&far), None);
    }
}
