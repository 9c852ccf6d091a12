//! All eight EXIF orientations stand upright, at odd sizes too.

mod common;

use cameo_image::{Limits, SizeSet, encode_rgb, render};
use common::Pixels;

const RED: [u8; 3] = [200, 30, 30];
const GREEN: [u8; 3] = [30, 170, 40];
const BLUE: [u8; 3] = [40, 50, 210];
const WHITE: [u8; 3] = [230, 230, 230];
/// Top left, top right, bottom left, bottom right of the picture as it should be seen.
const UPRIGHT: [[u8; 3]; 4] = [RED, GREEN, BLUE, WHITE];

/// A picture of four coloured quarters, stored so that this EXIF orientation makes it upright.
fn stored(orientation: u8, width: u32, height: u32) -> Vec<u8> {
    let [tl, tr, bl, br] = UPRIGHT;
    let quarters = match orientation {
        1 => [tl, tr, bl, br],
        2 => [tr, tl, br, bl],
        3 => [br, bl, tr, tl],
        4 => [bl, br, tl, tr],
        5 => [tl, bl, tr, br],
        6 => [tr, br, tl, bl],
        7 => [br, tr, bl, tl],
        _ => [bl, tl, br, tr],
    };
    let quarter = |x: u32, y: u32| quarters[usize::from(2 * x >= width) + 2 * usize::from(2 * y >= height)];
    let rgb: Vec<u8> = (0..width * height).flat_map(|i| quarter(i % width, i / width)).collect();
    with_orientation(&encode_rgb(&rgb, width, height, 95), orientation)
}

fn with_orientation(jpeg: &[u8], orientation: u8) -> Vec<u8> {
    let ifd = [&b"\x01\0\x12\x01\x03\0\x01\0\0\0"[..], &[orientation, 0, 0, 0, 0, 0, 0, 0]].concat();
    let exif = [&b"Exif\0\0II*\0\x08\0\0\0"[..], &ifd].concat();
    let length = u16::try_from(exif.len() + 2).expect("a short segment").to_be_bytes();
    [&jpeg[..2], &[0xFF, 0xE1], &length, &exif, &jpeg[2..]].concat()
}

#[test]
fn every_orientation_stands_upright() {
    for (width, height) in [(400, 300), (333, 421), (165, 117)] {
        for orientation in 1..=8 {
            let original = stored(orientation, width, height);
            let rendered = render(&original, &SizeSet::default(), &Limits::default()).expect("a good original");
            let want = if orientation > 4 { (height, width) } else { (width, height) };
            assert_eq!((rendered.width, rendered.height), want, "orientation {orientation}");
            for rendition in &rendered.renditions {
                check(
                    &Pixels::decode(&rendition.jpeg),
                    &format!("orientation {orientation}, {}", rendition.image_size),
                );
            }
        }
    }
}

#[allow(clippy::cast_precision_loss, reason = "sizes of pictures")]
fn check(pixels: &Pixels, what: &str) {
    let (w, h) = (pixels.width as f64, pixels.height as f64);
    for (i, want) in UPRIGHT.iter().enumerate() {
        let (x, y) = ([0.2, 0.6][i % 2] * w, [0.2, 0.6][i / 2] * h);
        let found = pixels.mean(x, y, 0.2 * w, 0.2 * h);
        assert!(found.iter().zip(want).all(|(a, b)| (a - f64::from(*b)).abs() < 12.0), "{what}: {i} is {found:.0?}");
    }
}
