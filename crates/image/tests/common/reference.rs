//! What renditions are held against: a full decode, resized by Lanczos in floating point.
#![allow(dead_code, unreachable_pub, reason = "not every user needs everything")]
#![allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "pictures")]

use cameo_image::Fit;
use ssimulacra2::{ColorPrimaries, Rgb, TransferCharacteristic, compute_frame_ssimulacra2};

use super::common::Pixels;

/// A picture in floating point, 0 to 1.
pub struct Picture {
    pub width: usize,
    pub height: usize,
    rgb: Vec<[f32; 3]>,
}

impl Picture {
    pub fn of(pixels: &Pixels) -> Self {
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

    pub fn to_bytes(&self) -> Vec<u8> {
        self.rgb.iter().flatten().map(|value| (value * 255.0).round().clamp(0.0, 255.0) as u8).collect()
    }

    /// SSIMULACRA2 of another picture of the same size: 100 is the same, above 80 hardly anybody sees a difference.
    pub fn score_of(&self, other: &Self) -> f64 {
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
pub fn reference(original: &Picture, fit: Fit, width: u32, height: u32) -> Picture {
    let (w, h) = (original.width as f64, original.height as f64);
    let (ow, oh) = (f64::from(width), f64::from(height));
    let scale = (ow / w).max(oh / h);
    let (crop_w, crop_h) = if fit == Fit::Inside { (w, h) } else { (ow / scale, oh / scale) };
    let across = original.resized_across((w - crop_w) / 2.0, crop_w, width as usize);
    across.resized_across((h - crop_h) / 2.0, crop_h, height as usize)
}

/// Whether an original says that it is not upright.
pub fn is_turned(jpeg: &[u8]) -> bool {
    let tag = [0x12, 0x01, 0x03, 0x00, 0x01, 0x00, 0x00, 0x00];
    let swapped = [0x01, 0x12, 0x00, 0x03, 0x00, 0x00, 0x00, 0x01];
    let head = &jpeg[..jpeg.len().min(4096)];
    let value = |at: usize, index: usize| head.get(at + 8 + index).copied();
    let little = head.windows(8).position(|window| window == tag).and_then(|at| value(at, 0));
    let big = head.windows(8).position(|window| window == swapped).and_then(|at| value(at, 1));
    little.or(big).is_some_and(|orientation| orientation > 1)
}
