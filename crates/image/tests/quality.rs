//! Renditions look as good as they can: against a full decode resized in floating point, they score no worse than that
//! reference itself does once it went through an independent JPEG encoder of the same quality.
#![allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "pictures")]

mod common;

use std::path::Path;

use cameo_image::{Fit, Limits, SizeSet, render};
use common::Pixels;
use ssimulacra2::{ColorPrimaries, Rgb, TransferCharacteristic, compute_frame_ssimulacra2};

/// How much the mean score may lie below the yardstick's, and any single one.
const MEAN_SLACK: f64 = 0.5;
const SINGLE_SLACK: f64 = 1.5;
/// How much larger all renditions of an original may be than the yardstick's.
const BYTES_SLACK: f64 = 1.02;

/// A picture in floating point, 0 to 1.
struct Picture {
    width: usize,
    height: usize,
    rgb: Vec<[f32; 3]>,
}

impl Picture {
    fn of(pixels: &Pixels) -> Self {
        let rgb = pixels.rgb.iter().map(|pixel| pixel.map(|value| f32::from(value) / 255.0)).collect();
        Self { width: pixels.width, height: pixels.height, rgb }
    }

    /// Makes `out` columns of a part of all columns, by Lanczos with three lobes, and exchanges rows and columns.
    fn resized_across(&self, start: f64, length: f64, out: usize) -> Self {
        let ratio = length / out as f64;
        let stretch = ratio.max(1.0);
        let mut rgb = vec![[0.0; 3]; out * self.height];
        for x in 0..out {
            let centre = start + (x as f64 + 0.5) * ratio;
            let low = (centre - 3.0 * stretch).floor().max(0.0) as usize;
            let high = ((centre + 3.0 * stretch).ceil() as usize).min(self.width);
            let weights: Vec<f64> = (low..high).map(|i| lanczos((i as f64 + 0.5 - centre) / stretch)).collect();
            let sum: f64 = weights.iter().sum();
            for y in 0..self.height {
                let row = &self.rgb[y * self.width..][low..high];
                let place = &mut rgb[x * self.height + y];
                for (pixel, weight) in row.iter().zip(&weights) {
                    for (total, value) in place.iter_mut().zip(pixel) {
                        *total += value * (weight / sum) as f32;
                    }
                }
            }
        }
        Self { width: self.height, height: out, rgb }
    }

    fn to_bytes(&self) -> Vec<u8> {
        self.rgb.iter().flatten().map(|value| (value * 255.0).round().clamp(0.0, 255.0) as u8).collect()
    }

    fn score_of(&self, other: &Self) -> f64 {
        let frame = |picture: &Self| {
            let clamped = picture.rgb.iter().map(|pixel| pixel.map(|value| value.clamp(0.0, 1.0))).collect();
            Rgb::new(clamped, picture.width, picture.height, TransferCharacteristic::SRGB, ColorPrimaries::BT709)
                .expect("a picture")
        };
        compute_frame_ssimulacra2(frame(self), frame(other)).expect("pictures of one size")
    }
}

fn lanczos(x: f64) -> f64 {
    if x.abs() >= 3.0 {
        return 0.0;
    }
    let sinc = |x: f64| if x == 0.0 { 1.0 } else { (std::f64::consts::PI * x).sin() / (std::f64::consts::PI * x) };
    sinc(x) * sinc(x / 3.0)
}

/// The original resized for a rendition, in floating point.
fn reference(original: &Picture, fit: Fit, width: u32, height: u32) -> Picture {
    let (w, h) = (original.width as f64, original.height as f64);
    let (ow, oh) = (f64::from(width), f64::from(height));
    let scale = (ow / w).max(oh / h);
    let (crop_w, crop_h) = if fit == Fit::Inside { (w, h) } else { (ow / scale, oh / scale) };
    let across = original.resized_across((w - crop_w) / 2.0, crop_w, width as usize);
    across.resized_across((h - crop_h) / 2.0, crop_h, height as usize)
}

fn yardstick(reference: &Picture, quality: u8) -> Vec<u8> {
    let mut jpeg = Vec::new();
    let mut encoder = jpeg_encoder::Encoder::new(&mut jpeg, quality);
    encoder.set_sampling_factor(jpeg_encoder::SamplingFactor::F_2_2);
    let (width, height) = (reference.width as u16, reference.height as u16);
    encoder.encode(&reference.to_bytes(), width, height, jpeg_encoder::ColorType::Rgb).expect("a picture");
    jpeg
}

/// Scores and bytes of all renditions of some photos, ours and the yardstick's.
#[derive(Default)]
struct Tally {
    ours: Vec<f64>,
    theirs: Vec<f64>,
    our_bytes: usize,
    their_bytes: usize,
}

impl Tally {
    fn add(&mut self, file: &Path) {
        let bytes = std::fs::read(file).expect("a photo");
        let size_set = SizeSet::default();
        let rendered = render(&bytes, &size_set, &Limits::default()).expect("a good original");
        let original = Picture::of(&Pixels::decode(&bytes));
        for (rendition, size) in rendered.renditions.iter().zip(size_set.sizes()) {
            let reference = reference(&original, size.fit, rendition.width, rendition.height);
            let yardstick = yardstick(&reference, size.quality);
            let our = reference.score_of(&Picture::of(&Pixels::decode(&rendition.jpeg)));
            let their = reference.score_of(&Picture::of(&Pixels::decode(&yardstick)));
            let (our_bytes, their_bytes) = (rendition.jpeg.len(), yardstick.len());
            eprintln!(
                "{} {}: {our:.2}, yardstick {their:.2}; {our_bytes} bytes, yardstick {their_bytes}",
                file.display(),
                size.name
            );
            assert!(our >= their - SINGLE_SLACK, "{} {}: {our:.2}, yardstick {their:.2}", file.display(), size.name);
            self.ours.push(our);
            self.theirs.push(their);
            self.our_bytes += our_bytes;
            self.their_bytes += their_bytes;
        }
    }

    fn check(&self) {
        let mean = |scores: &[f64]| scores.iter().sum::<f64>() / scores.len() as f64;
        let (our, their) = (mean(&self.ours), mean(&self.theirs));
        eprintln!("mean {our:.2}, yardstick {their:.2}; {} bytes, yardstick {}", self.our_bytes, self.their_bytes);
        assert!(our >= their - MEAN_SLACK, "mean {our:.2}, yardstick {their:.2}");
        let most = self.their_bytes as f64 * BYTES_SLACK;
        assert!(self.our_bytes as f64 <= most, "{} bytes, yardstick {}", self.our_bytes, self.their_bytes);
    }
}

/// The independent decoder turns nothing, so only photos that are upright as coded are looked at.
fn check_photos(most_bytes: usize) {
    let Some(photos) = common::shared("photos", "the quality of renditions") else { return };
    let mut tally = Tally::default();
    for file in common::jpegs(&photos) {
        let bytes = std::fs::read(&file).expect("a photo");
        if bytes.len() <= most_bytes && !turned(&bytes) {
            tally.add(&file);
        }
    }
    tally.check();
}

#[test]
fn renditions_of_small_photos_score_like_the_reference_they_are_made_for() {
    check_photos(400_000);
}

#[test]
#[ignore = "takes minutes"]
fn renditions_of_all_photos_score_like_the_reference_they_are_made_for() {
    check_photos(usize::MAX);
}

/// Whether an original says that it is not upright.
fn turned(jpeg: &[u8]) -> bool {
    let tag = [0x12, 0x01, 0x03, 0x00, 0x01, 0x00, 0x00, 0x00];
    let swapped = [0x01, 0x12, 0x00, 0x03, 0x00, 0x00, 0x00, 0x01];
    let head = &jpeg[..jpeg.len().min(4096)];
    let value = |at: usize, index: usize| head.get(at + 8 + index).copied();
    let little = head.windows(8).position(|window| window == tag).and_then(|at| value(at, 0));
    let big = head.windows(8).position(|window| window == swapped).and_then(|at| value(at, 1));
    little.or(big).is_some_and(|orientation| orientation > 1)
}
