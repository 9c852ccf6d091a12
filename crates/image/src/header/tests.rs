//! The marker parser on files made here, byte by byte.

use super::*;
use crate::Limits;

/// A file of SOI and these segments.
fn file(segments: &[(u8, &[u8])]) -> Vec<u8> {
    let mut out = vec![0xFF, 0xD8];
    for (marker, payload) in segments {
        let length = u16::try_from(payload.len() + 2).expect("short").to_be_bytes();
        out.extend([0xFF, *marker, length[0], length[1]]);
        out.extend(*payload);
    }
    out
}

const SOF: (u8, &[u8]) = (0xC0, &[8, 0, 16, 0, 32, 3, 1, 0x22, 0, 2, 0x11, 0, 3, 0x11, 0]);
const SOS: (u8, &[u8]) = (0xDA, &[3, 1, 0, 2, 0, 3, 0, 0, 63, 0]);
const DQT: (u8, &[u8]) = (0xDB, &[0; 65]);
/// A DC and an AC table of one code each.
const DHT: (u8, &[u8]) = {
    const BYTES: [u8; 36] = {
        let mut bytes = [0; 36];
        (bytes[1], bytes[18], bytes[19]) = (1, 0x10, 1);
        bytes
    };
    (0xC4, &BYTES)
};

fn reason(bytes: &[u8]) -> Result<Header, Reason> {
    read_header(bytes, &Limits::default()).map_err(|rejection| rejection.reason)
}

#[test]
fn reads_what_the_frame_says() {
    let header = reason(&file(&[DQT, SOF, DHT, SOS])).expect("a header");
    assert_eq!((header.width, header.height, header.components.len()), (32, 16, 3));
    assert_eq!((header.colour, header.progressive, header.max_sampling()), (ColourModel::YCbCr, false, (2, 2)));
}

#[test]
fn a_cut_between_segments_is_truncated_and_inside_one_corrupt() {
    let whole = file(&[SOF, DQT, DHT, SOS]);
    let boundaries = [2, 21, 90, 130];
    for len in 2..whole.len() {
        let expected = if len >= 21 && boundaries.iter().any(|&b| len == b || len == b + 1) {
            Reason::Truncated
        } else {
            Reason::Corrupt
        };
        assert_eq!(reason(&whole[..len]), Err(expected), "cut to {len}");
    }
}

#[test]
fn a_rejection_tells_the_upright_size() {
    let exif: &[u8] = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0";
    let limits = Limits { max_pixels: 100, ..Limits::default() };
    let rejection = read_header(&file(&[SOF, (0xE1, exif), DQT, DHT, SOS]), &limits).expect_err("too many pixels");
    assert_eq!((rejection.reason, rejection.size), (Reason::TooManyPixels, Some((16, 32))));
}

#[test]
fn every_limit_has_its_reason() {
    let bytes = file(&[SOF, DQT, DHT, SOS]);
    let with = |limits: Limits| read_header(&bytes, &limits).map_err(|rejection| rejection.reason);
    assert_eq!(with(Limits { max_bytes: 10, ..Limits::default() }), Err(Reason::TooLarge));
    assert_eq!(with(Limits { max_side: 31, ..Limits::default() }), Err(Reason::TooManyPixels));
    let scans = file(&[(0xC2, SOF.1), DQT, DHT, (0xDA, &[1, 1, 0, 0, 0, 0]), (0xDA, &[1, 2, 0, 0, 0, 0])]);
    let two = Limits { max_scans: 2, ..Limits::default() };
    let one = Limits { max_scans: 1, ..Limits::default() };
    assert!(read_header(&scans, &two).is_ok());
    assert_eq!(read_header(&scans, &one).map_err(|rejection| rejection.reason), Err(Reason::TooManyScans));
}

#[test]
fn unsupported_coding_has_its_reason() {
    for code in [0xC3, 0xC5, 0xC9, 0xCA, 0xDE, 0xF7] {
        assert_eq!(reason(&file(&[DQT, (code, SOF.1), DHT, SOS])), Err(Reason::UnsupportedProcess), "{code:02X}");
    }
    let with = |at: usize, value: u8| {
        let mut payload = SOF.1.to_vec();
        payload[at] = value;
        reason(&file(&[DQT, (0xC1, &payload), DHT, SOS]))
    };
    assert_eq!(with(0, 12), Err(Reason::UnsupportedPrecision));
    assert_eq!(with(4, 0).map(|h| h.width), Err(Reason::Corrupt));
    assert_eq!(with(7, 0x02), Err(Reason::Corrupt));
    assert_eq!(with(7, 0x52), Err(Reason::Corrupt));
    let two = [8, 0, 16, 0, 32, 2, 1, 0x11, 0, 2, 0x11, 0];
    assert_eq!(reason(&file(&[(0xC0, &two)])), Err(Reason::UnsupportedComponents));
}

#[test]
fn a_height_of_zero_is_read_from_dnl() {
    let mut sof = SOF.1.to_vec();
    (sof[1], sof[2]) = (0, 0);
    let mut bytes = file(&[DQT, (0xC0, &sof), DHT, SOS]);
    bytes.extend([1, 2, 0xFF, 0, 0xFF, 0xD0, 3]);
    assert_eq!(reason(&bytes), Err(Reason::Corrupt));
    bytes.extend([0xFF, 0xDC, 0, 4, 0, 24]);
    assert_eq!(reason(&bytes).map(|header| header.height), Ok(24));
}

#[test]
fn colour_follows_the_markers() {
    let adobe = |transform: u8| [&b"Adobe\0\x64\0\0\0\0"[..], &[transform]].concat();
    let jfif: &[u8] = b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0";
    let colour = |extra: &[(u8, &[u8])]| reason(&file(&[extra, &[DQT, SOF, DHT, SOS]].concat())).map(|h| h.colour);
    assert_eq!(colour(&[(0xEE, &adobe(0))]), Ok(ColourModel::Rgb));
    assert_eq!(colour(&[(0xEE, &adobe(1))]), Ok(ColourModel::YCbCr));
    assert_eq!(colour(&[(0xE0, jfif), (0xEE, &adobe(0))]), Ok(ColourModel::YCbCr));
    assert_eq!(colour(&[(0xEE, b"Adobe\0")]), Ok(ColourModel::YCbCr));
}

/// images.md Q2: an empty first segment hid the second.
#[test]
fn an_exif_segment_without_a_directory_hides_nothing() {
    let whole = [EXIF_6, &[6, 0, 0, 0]].concat();
    let orientation = |segments: &[&[u8]]| {
        let mut all: Vec<(u8, &[u8])> = segments.iter().map(|segment| (0xE1, *segment)).collect();
        all.extend([DQT, SOF, DHT, SOS]);
        reason(&file(&all)).map(|header| header.orientation)
    };
    for first in [&b"Exif\0\0"[..], b"Exif\0", b"Exif\0\0\0\0\0\0", b"Exif\0\0no TIFF at all"] {
        assert_eq!(orientation(&[first, &whole]), Ok(Orientation::Rotate90), "{first:?}");
    }
    let (begin, end) = whole.split_at(20);
    assert_eq!(orientation(&[begin, &[b"Exif\0\0", end].concat()]), Ok(Orientation::Rotate90), "in two segments");
    let many = vec![&b"Exif\0\0"[..]; 100];
    assert_eq!(orientation(&many), Ok(Orientation::Upright));
}

/// images.md P4: frames of Motion JPEG define no Huffman tables.
#[test]
fn sequential_files_have_the_standard_tables_where_they_define_none() {
    let whole = [file(&[DQT, SOF, SOS]), vec![0; 2]].concat();
    assert!(reason(&whole).is_ok());
    assert_eq!(reason(&whole[..whole.len() - 2]), Err(Reason::Corrupt), "no data for its eight blocks");
    let third: (u8, &[u8]) = (0xDA, &[3, 1, 0x20, 2, 0, 3, 0, 0, 63, 0]);
    assert_eq!(reason(&[file(&[DQT, SOF, third]), vec![0; 2]].concat()), Err(Reason::Corrupt), "there are two of each");
    let progressive: (u8, &[u8]) = (0xDA, &[1, 1, 0, 0, 0, 0]);
    assert_eq!(reason(&[file(&[DQT, (0xC2, SOF.1), progressive]), vec![0; 9]].concat()), Err(Reason::Corrupt));
}

/// An EXIF segment of one entry, up to the value of its orientation.
const EXIF_6: &[u8] = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0";

#[test]
fn only_the_first_exif_counts_and_xmp_never() {
    let exif = |value: u8| [EXIF_6, &[value, 0, 0, 0]].concat();
    let xmp: &[u8] = b"http://ns.adobe.com/xap/1.0/\0<tiff:Orientation>6</tiff:Orientation>";
    let bytes = file(&[(0xE1, xmp), (0xE1, &exif(3)), (0xE1, &exif(6)), DQT, SOF, DHT, SOS]);
    assert_eq!(reason(&bytes).map(|h| h.orientation), Ok(Orientation::Rotate180));
}

#[test]
fn what_is_no_jpeg_is_told_at_once() {
    assert_eq!(reason(b""), Err(Reason::Empty));
    assert_eq!(reason(b"\x89PNG\r\n"), Err(Reason::NotJpeg));
    assert_eq!(reason(&[0xFF]), Err(Reason::NotJpeg));
    assert_eq!(reason(&[0xFF, 0xD8]), Err(Reason::Corrupt));
}

#[test]
fn a_reserved_marker_is_corrupt_wherever_it_stands() {
    for code in [0x02, 0x30, 0xBF] {
        let reserved: (u8, &[u8]) = (code, &[1, 2, 3]);
        assert_eq!(reason(&file(&[reserved, DQT, SOF, DHT, SOS])), Err(Reason::Corrupt));
        assert_eq!(reason(&file(&[DQT, SOF, DHT, reserved, SOS])), Err(Reason::Corrupt));
    }
    let comment: (u8, &[u8]) = (0xFE, &[1, 2, 3]);
    assert!(reason(&file(&[comment, DQT, SOF, DHT, SOS])).is_ok());
}

#[test]
fn the_components_of_a_scan_stand_in_the_order_of_the_frame() {
    let swapped: (u8, &[u8]) = (0xDA, &[3, 2, 0, 1, 0, 3, 0, 0, 63, 0]);
    assert_eq!(reason(&file(&[DQT, SOF, DHT, swapped])), Err(Reason::Corrupt));
    let part: (u8, &[u8]) = (0xDA, &[2, 2, 0, 3, 0, 0, 63, 0]);
    assert!(reason(&file(&[DQT, SOF, DHT, part])).is_ok());
}
