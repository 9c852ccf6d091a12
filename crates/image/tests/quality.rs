//! Renditions look as good as they can: against a full decode resized in floating point, they score no worse than that
//! reference itself does once it went through an independent JPEG encoder of the same quality.
#![allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "pictures")]

mod common;
#[path = "common/reference.rs"]
mod reference;

use std::path::Path;

use cameo_image::{Limits, SizeSet, render};
use common::Pixels;
use reference::{Picture, is_turned, reference};

/// How much the mean score may lie below the yardstick's, and any single one.
const MEAN_SLACK: f64 = 0.5;
const SINGLE_SLACK: f64 = 1.5;
/// How much larger all renditions of an original may be than the yardstick's.
const BYTES_SLACK: f64 = 1.02;

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
        if bytes.len() <= most_bytes && !is_turned(&bytes) {
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
