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
const TYPE_SHORT: u16 = 3;
const ENTRY_BYTES: usize = 12;

/// Reads the orientation from the TIFF structure of an EXIF segment (what follows `Exif\0\0`).
///
/// IFD0 must lie in the segment as a whole: an entry count that points past the end is taken for damage, and the
/// orientation of a damaged directory for none.
pub(crate) fn read_orientation(tiff: &[u8]) -> Option<Orientation> {
    let tiff = Tiff::new(tiff)?;
    let ifd0 = usize::try_from(tiff.u32_at(4)?).ok()?;
    let entries = usize::from(tiff.u16_at(ifd0)?);
    let first = ifd0.checked_add(2)?;
    let directory = tiff.bytes.get(first..first.checked_add(entries * ENTRY_BYTES)?)?;
    let found =
        (0..entries).map(|i| i * ENTRY_BYTES).find(|&at| tiff.u16_in(directory, at) == Some(ORIENTATION_TAG))?;
    if tiff.u16_in(directory, found + 2)? != TYPE_SHORT {
        return None;
    }
    Orientation::from_exif(tiff.u16_in(directory, found + 8)?)
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

    fn u16_in(&self, from: &[u8], at: usize) -> Option<u16> {
        let pair = from.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(if self.big_endian { u16::from_be_bytes(pair) } else { u16::from_le_bytes(pair) })
    }

    fn u16_at(&self, at: usize) -> Option<u16> {
        self.u16_in(self.bytes, at)
    }

    fn u32_at(&self, at: usize) -> Option<u32> {
        let four = self.bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
        Some(if self.big_endian { u32::from_be_bytes(four) } else { u32::from_le_bytes(four) })
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
        assert_eq!(read_orientation(&tiff(false, &[(0x0112, 4, 6)])), None);
        assert_eq!(read_orientation(&tiff(false, &[(0x0100, 3, 6)])), None);
    }

    #[test]
    fn ignores_a_directory_that_does_not_fit_its_segment() {
        let whole = tiff(false, &[(0x0112, 3, 6)]);
        for len in 0..whole.len() - 4 {
            assert_eq!(read_orientation(&whole[..len]), None, "cut to {len}");
        }
        let mut many = whole.clone();
        many[8..10].copy_from_slice(&[0xFF, 0xFF]);
        assert_eq!(read_orientation(&many), None);
        let mut far = whole;
        far[4..8].copy_from_slice(&[0xFF; 4]);
        assert_eq!(read_orientation(&far), None);
    }
}
