//! What photos of others showed (`../shared/findings/images`), each beside its control, and more of each kind made here.
#![allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "pictures")]

mod common;

use std::fs;

use cameo_image::internals::{CodePath, render_with};
use cameo_image::{Limits, Rejection, Rendered, SizeSet, encode_rgb, render};
use common::Pixels;

fn try_render(original: &[u8]) -> Result<Rendered, Rejection> {
    let answer = render(original, &SizeSet::default(), &Limits::default());
    for path in CodePath::available() {
        assert_eq!(render_with(path, original, &SizeSet::default(), &Limits::default()), answer, "on {path:?}");
    }
    answer
}

/// The renditions of a file of the findings; nothing where they are not beside the project.
fn of(name: &str) -> Option<Rendered> {
    let path = common::shared("findings/images", "what photos of others showed")?.join(name);
    Some(
        try_render(&fs::read(path).expect("a file of the findings"))
            .unwrap_or_else(|rejection| panic!("{name}: {rejection}")),
    )
}

/// The rendition of an image size, decoded.
fn pixels(rendered: &Rendered, size: &str) -> Pixels {
    Pixels::decode(&rendered.renditions.iter().find(|rendition| rendition.image_size == size).expect("a size").jpeg)
}

/// Mean step between neighbours across: what halos and blur change.
fn sharpness(pixels: &Pixels) -> f64 {
    let luma = |[r, g, b]: [u8; 3]| 0.299 * f64::from(r) + 0.587 * f64::from(g) + 0.114 * f64::from(b);
    let steps = pixels.rgb.windows(2).map(|pair| (luma(pair[0]) - luma(pair[1])).abs());
    steps.sum::<f64>() / pixels.rgb.len() as f64
}

/// P1: what is smaller than a cover box of its own shape was made from its own enlargement.
#[test]
fn an_original_smaller_than_a_box_of_its_shape_is_copied_as_it_is() {
    let (Some(square), Some(control)) =
        (of("P1_small_square_300x300_or_is_blurred.jpg"), of("P1_control_301x300_or_is_sharp.jpg"))
    else {
        return;
    };
    let (square, control) = (sharpness(&pixels(&square, "or")), sharpness(&pixels(&control, "or")));
    assert!((square / control - 1.0).abs() < 0.02, "{square} beside {control}");
}

/// P1, of pictures made here: `or` of a small original has its very pixels, but for one generation of JPEG.
#[test]
fn small_originals_keep_their_pixels() {
    for (width, height) in [(300, 300), (320, 240), (200, 266), (640, 360), (240, 320), (90, 90), (479, 639)] {
        let rgb: Vec<u8> = (0..width * height)
            .flat_map(|i| {
                let (x, y) = (i % width, i / width);
                let value = if (x / 3 + y / 3) % 2 == 0 { 40 } else { 210 };
                [value; 3]
            })
            .collect();
        let original = encode_rgb(&rgb, width, height, 95);
        let rendered = try_render(&original).expect("a picture");
        let (whole, first) = (pixels(&rendered, "or"), Pixels::decode(&original));
        assert_eq!((whole.width, whole.height), (width as usize, height as usize));
        let difference = whole.rgb.iter().zip(&first.rgb).map(|(a, b)| f64::from(a[1].abs_diff(b[1]))).sum::<f64>();
        let mean = difference / whole.rgb.len() as f64;
        assert!(mean < 8.0, "{width}x{height}: {mean:.1} levels away");
    }
}

/// P2: four inks without Adobe's marker came out as a negative.
#[test]
fn four_inks_mean_the_same_without_adobes_marker() {
    let (Some(without), Some(with)) = (of("P2_cmyk_no_adobe_marker.jpg"), of("P2_control_cmyk_with_adobe_marker.jpg"))
    else {
        return;
    };
    let (without, with) = (pixels(&without, "or"), pixels(&with, "or"));
    let (w, h) = (without.width as f64, without.height as f64);
    for (x, y) in [(0.2, 0.2), (0.5, 0.5), (0.8, 0.2), (0.2, 0.8), (0.8, 0.8)] {
        let (a, b) = (without.mean(x * w - 4.0, y * h - 4.0, 8.0, 8.0), with.mean(x * w - 4.0, y * h - 4.0, 8.0, 8.0));
        assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() < 3.0), "at {x}, {y}: {a:.0?} beside {b:.0?}");
    }
}

/// P4, Q3 and Q4: what every reader accepts.
#[test]
fn what_every_reader_accepts_is_accepted() {
    for name in
        ["P4_mjpeg_frame_without_DHT.jpg", "Q3_progressive_last_bit_of_AC_never_sent.jpg", "Q4_APP5_length_0.jpg"]
    {
        let Some(rendered) = of(name) else { return };
        assert_eq!(rendered.renditions.len(), 4, "{name}");
    }
}

/// P5, Q1 and Q2: damaged or unusual EXIF.
#[test]
fn every_picture_stands_upright_that_says_how() {
    for name in [
        "P5_exif6_ifd0_count_too_large.jpg",
        "Q1_exif6_orientation_as_LONG.jpg",
        "Q2_two_exif_first_empty_second_6.jpg",
    ] {
        let Some(path) = common::shared("findings/images", "what photos of others showed") else { return };
        let original = fs::read(path.join(name)).expect("a file of the findings");
        let stored = Pixels::decode(&original);
        let rendered = try_render(&original).expect("a picture");
        assert_eq!((rendered.width as usize, rendered.height as usize), (stored.height, stored.width), "{name}");
    }
}

/// Q10: strips of product pictures are as long as a JPEG can be.
#[test]
fn long_strips_are_accepted_up_to_the_limit_of_pixels() {
    let limits = Limits::default();
    for (width, height) in [(860_u32, 24_000_u32), (24_000, 860), (100, 65_500), (65_500, 64)] {
        let rgb = vec![128; (width * height * 3) as usize];
        let original = encode_rgb(&rgb, width, height, 50);
        let rendered = render(&original, &SizeSet::default(), &limits).expect("a strip");
        assert_eq!((rendered.width, rendered.height), (width, height));
    }
    let original = encode_rgb(&vec![128; 65_501 * 8 * 3], 65_501, 8, 50);
    let rejection = render(&original, &SizeSet::default(), &limits).expect_err("too long a side");
    assert!(rejection.detail.contains("a side may have 65500"), "{rejection}");
}
