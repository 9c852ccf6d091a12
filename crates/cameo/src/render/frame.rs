//! The frame header of a JPEG: what its own bytes say of width and height, without decoding it.
//!
//! It believes nothing: what is no JPEG, or ends before its frame header, has no size.

/// Width and height in pixels that the first frame header says (ITU T.81, B.2.2), as far as these first bytes of a JPEG hold it.
pub fn frame_size(jpeg: &[u8]) -> Option<(u32, u32)> {
    let mut at = jpeg.starts_with(&[0xff, 0xd8]).then_some(2)?;
    loop {
        // Fill bytes may stand before a marker.
        while jpeg.get(at) == Some(&0xff) && jpeg.get(at + 1) == Some(&0xff) {
            at += 1;
        }
        if *jpeg.get(at)? != 0xff {
            return None;
        }
        let marker = *jpeg.get(at + 1)?;
        let number = |at: usize| Some(u32::from(*jpeg.get(at)?) << 8 | u32::from(*jpeg.get(at + 1)?));
        match marker {
            // The tables that share the range: DHT, JPG and DAC.
            0xc0..=0xcf if !matches!(marker, 0xc4 | 0xc8 | 0xcc) => return Some((number(at + 7)?, number(at + 5)?)),
            // Markers without a segment, and those that no frame header follows.
            0x01 | 0xd0..=0xd7 => at += 2,
            0xd8..=0xda => return None,
            _ => at += 2 + usize::try_from(number(at + 2)?.max(2)).ok()?,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jpeg_says_its_size_and_nothing_else_does() {
        let jpeg = cameo_image::encode_rgb(&[7; 30 * 20 * 3], 30, 20, 90);
        assert_eq!(frame_size(&jpeg), Some((30, 20)));
        for cut in [0, 1, 3, 21, 100] {
            assert_eq!(frame_size(&jpeg[..cut]), None, "the first {cut} bytes");
        }
        assert_eq!(frame_size(b"<html>"), None);
        assert_eq!(frame_size(&[0xff, 0xd8, 0xff, 0xe0, 0, 0, 0xff]), None);
    }
}
