//! Fine patterns at every ratio: what the scale in the DCT domain lets through must not come out as coarser stripes.
//!
//! Held against a full decode, resized in floating point. Patterns run across and down, with periods around the limit of what a rendition can
//! show, and as zone plates, which have all of them.
#![allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "pictures")]

mod common;
#[path = "common/reference.rs"]
mod reference;

use cameo_image::{Fit, ImageSize, Limits, SizeSet, encode_rgb, render};
use common::Pixels;
use reference::{Picture, reference};

/// Side of the renditions, pixels.
const SIDE: u32 = 320;
/// Root mean square of the difference from the reference, levels, at most. With a headroom of 1.25 it is 23, with 1.5 it is 5.7.
const RMS_MAX: f64 = 6.5;

/// A picture of one pattern, `long` across or down.
fn pattern(long: u32, down: bool, value: impl Fn(f64, f64) -> f64) -> Vec<u8> {
    let short = 64;
    let (width, height) = if down { (short, long) } else { (long, short) };
    let pixel = |i: u32| {
        let (x, y) = (f64::from(i % width), f64::from(i / width));
        let level = if down { value(y, x) } else { value(x, y) };
        [(127.5 + 100.0 * level).round() as u8; 3]
    };
    let rgb: Vec<u8> = (0..width * height).flat_map(pixel).collect();
    encode_rgb(&rgb, width, height, 95)
}

/// How far the rendition is from the reference, levels.
fn rms(original: &[u8]) -> f64 {
    let size = ImageSize {
        name: "t".into(),
        width: SIDE,
        height: SIDE,
        fit: Fit::Inside,
        quality: 95,
        enlarge: false,
        optimize_coding: false,
    };
    let set = SizeSet::new(vec![size]).expect("a size set");
    let rendered = render(original, &set, &Limits::default()).expect("a pattern");
    let rendition = &rendered.renditions[0];
    let ours = Pixels::decode(&rendition.jpeg);
    let want =
        reference(&Picture::of(&Pixels::decode(original)), Fit::Inside, rendition.width, rendition.height).to_bytes();
    let squares = ours.rgb.iter().zip(want.chunks_exact(3)).map(|(a, b)| (f64::from(a[1]) - f64::from(b[1])).powi(2));
    (squares.sum::<f64>() / ours.rgb.len() as f64).sqrt()
}

#[test]
fn fine_patterns_do_not_come_out_as_coarse_ones() {
    let mut worst = Vec::new();
    for scale in [1.0, 2.0, 4.0, 8.0] {
        for step in 0..=12 {
            let ratio = scale * (1.0 + 0.25 * f64::from(step));
            let long = (f64::from(SIDE) * ratio) as u32;
            for down in [false, true] {
                for cycles in [0.55, 0.62, 0.7, 0.85] {
                    // Cycles for each pixel of the rendition; at 0.5 it can show no more.
                    let frequency = cycles / ratio * std::f64::consts::TAU;
                    let found = rms(&pattern(long, down, |along, across| (frequency * along + across * 0.02).sin()));
                    worst.push((found, format!("stripes of {cycles} cycles a pixel, ratio {ratio}, down {down}")));
                }
                let chirp = std::f64::consts::PI / (f64::from(long) * ratio.max(2.0));
                let found = rms(&pattern(long, down, |along, _| (chirp * along * along).cos()));
                worst.push((found, format!("a zone plate, ratio {ratio}, down {down}")));
            }
        }
    }
    worst.sort_by(|a, b| b.0.total_cmp(&a.0));
    let report: Vec<String> = worst.iter().take(12).map(|(rms, what)| format!("{rms:.1}: {what}")).collect();
    println!("{}", report.join("\n"));
    assert!(worst[0].0 <= RMS_MAX, "{}", report.join("\n"));
}
