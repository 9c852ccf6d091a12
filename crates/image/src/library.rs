//! [`render`](crate::render) made of crates from the shelf, until the engine of this crate takes its place.
//!
//! It decodes the whole original to RGB (or grey), resizes from there, and encodes. It refuses what the limits refuse
//! before it decodes, and is strict about truncated data. It must not grow: what is missing here is the engine's work.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{PixelType, ResizeOptions, Resizer};
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use crate::colour::Profile;
use crate::exif::Orientation;
use crate::orient::Turn;
use crate::plan::{self, Target};
use crate::{Limits, Reason, Rejection, Rendered, Rendition, SizeSet};

/// An upright original, 1 or 3 bytes a pixel.
struct Picture {
    width: u32,
    height: u32,
    samples: Vec<u8>,
    grey: bool,
}

pub(crate) fn render(original: &[u8], size_set: &SizeSet, limits: &Limits) -> Result<Rendered, Rejection> {
    let frame = markers::read(original, limits)?;
    let coded = decode(original, &frame)?;
    let turn = Turn::new(Orientation::from_exif(frame.orientation).unwrap_or_default());
    let picture = upright(coded, turn);
    let renditions = size_set
        .sizes()
        .iter()
        .map(|size| {
            let target = plan::target(size, picture.width, picture.height);
            let pixels = resize(&picture, &target)?;
            let jpeg = encode(&pixels, target.width, target.height, picture.grey, size.quality, size.optimize_coding);
            Ok(Rendition { image_size: size.name.clone(), width: target.width, height: target.height, jpeg })
        })
        .collect::<Result<_, Rejection>>()?;
    Ok(Rendered { width: picture.width, height: picture.height, renditions })
}

pub(crate) fn encode_rgb(rgb: &[u8], width: u32, height: u32, quality: u8) -> Vec<u8> {
    encode(rgb, width, height, false, quality, false)
}

fn decode(original: &[u8], frame: &markers::Frame) -> Result<Picture, Rejection> {
    let grey = frame.components == 1;
    let options = DecoderOptions::default()
        .set_strict_mode(true)
        .set_max_width(usize::from(u16::MAX))
        .set_max_height(usize::from(u16::MAX))
        .jpeg_set_max_scans(usize::MAX)
        .jpeg_set_out_colorspace(if grey { ColorSpace::Luma } else { ColorSpace::RGB });
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(original), options);
    let mut samples = decoder.decode().map_err(|error| {
        let text = format!("{error:?}");
        let lower = text.to_ascii_lowercase();
        let cut = ["exhausted", "premature", "eof", "not enough"].iter().any(|word| lower.contains(word));
        frame.reject(if cut { Reason::Truncated } else { Reason::Corrupt }, text)
    })?;
    let icc = decoder.icc_profile();
    if let Some(profile) = icc.as_deref().filter(|_| frame.components == 3).and_then(Profile::rgb) {
        let coded = samples.clone();
        profile.to_srgb(&coded, &mut samples);
    }
    Ok(Picture { width: frame.width, height: frame.height, samples, grey })
}

fn upright(coded: Picture, turn: Turn) -> Picture {
    if turn == Turn::default() {
        return coded;
    }
    let bytes = if coded.grey { 1 } else { 3 };
    let (cw, ch) = (coded.width as usize, coded.height as usize);
    let (width, height) = turn.size(coded.width, coded.height);
    let mut samples = Vec::with_capacity(coded.samples.len());
    for y in 0..height as usize {
        for x in 0..width as usize {
            let (cx, cy) = turn.size(x, y);
            let cx = if turn.flip_x { cw - 1 - cx } else { cx };
            let cy = if turn.flip_y { ch - 1 - cy } else { cy };
            let at = (cy * cw + cx) * bytes;
            samples.extend_from_slice(&coded.samples[at..at + bytes]);
        }
    }
    Picture { width, height, samples, grey: coded.grey }
}

fn resize(picture: &Picture, target: &Target) -> Result<Vec<u8>, Rejection> {
    let pixel = if picture.grey { PixelType::U8 } else { PixelType::U8x3 };
    let failed = |text: String| Rejection::new(Reason::Corrupt, text).of_size(picture.width, picture.height);
    let source =
        ImageRef::new(picture.width, picture.height, &picture.samples, pixel).map_err(|e| failed(e.to_string()))?;
    let mut out = Image::new(target.width, target.height, pixel);
    let a = target.source;
    let options = ResizeOptions::new().crop(a.left, a.top, a.width, a.height);
    Resizer::new().resize(&source, &mut out, &options).map_err(|e| failed(e.to_string()))?;
    Ok(out.into_vec())
}

fn encode(pixels: &[u8], width: u32, height: u32, grey: bool, quality: u8, optimize: bool) -> Vec<u8> {
    let mut jpeg = Vec::new();
    let mut encoder = Encoder::new(&mut jpeg, quality);
    encoder.set_sampling_factor(SamplingFactor::F_2_2);
    encoder.set_optimized_huffman_tables(optimize);
    let side = |pixels: u32| u16::try_from(pixels).expect("an image size has at most 8192 pixels a side");
    let colour = if grey { ColorType::Luma } else { ColorType::Rgb };
    encoder.encode(pixels, side(width), side(height), colour).expect("a buffer of the size it is said to have");
    jpeg
}

/// What has to be known before anything is decoded.
mod markers {
    use crate::{Limits, Reason, Rejection};

    pub(super) struct Frame {
        pub(super) width: u32,
        pub(super) height: u32,
        pub(super) components: u8,
        pub(super) orientation: u16,
    }

    impl Frame {
        pub(super) fn reject(&self, reason: Reason, detail: impl Into<String>) -> Rejection {
            let turn = super::Turn::new(super::Orientation::from_exif(self.orientation).unwrap_or_default());
            let (width, height) = turn.size(self.width, self.height);
            Rejection::new(reason, detail).of_size(width, height)
        }
    }

    pub(super) fn read(bytes: &[u8], limits: &Limits) -> Result<Frame, Rejection> {
        if bytes.is_empty() {
            return Err(Rejection::new(Reason::Empty, "the file has no bytes"));
        }
        if bytes.len() as u64 > limits.max_bytes {
            return Err(Rejection::new(
                Reason::TooLarge,
                format!("{} bytes, at most {}", bytes.len(), limits.max_bytes),
            ));
        }
        if !bytes.starts_with(&[0xFF, 0xD8, 0xFF]) {
            return Err(Rejection::new(Reason::NotJpeg, "the file does not start with FF D8 FF"));
        }
        let mut frame = None;
        let (mut orientation, mut scans, mut at) = (1, 0, 2);
        while let Some((marker, start)) = next_marker(bytes, at) {
            let body = match bytes.get(start..start + 2) {
                Some(length) => {
                    let length = usize::from(u16::from_be_bytes([length[0], length[1]]));
                    bytes.get(start + 2..start + length.max(2)).unwrap_or(&[])
                }
                None => &[],
            };
            at = start;
            match marker {
                0xD9 => break,
                0xC4 | 0xCC | 0xC8 => at += body.len(),
                0xC0..=0xCF if frame.is_none() => {
                    frame = Some(start_of_frame(marker, body, limits)?);
                    at += body.len();
                }
                0xE1 if orientation == 1 => {
                    orientation = exif_orientation(body).unwrap_or(1);
                    at += body.len() + 2;
                }
                0xDA => scans += 1,
                0xD0..=0xD7 => {}
                _ if scans == 0 => at += body.len() + 2,
                _ => {}
            }
        }
        let Some((width, height, components)) = frame else {
            return Err(Rejection::new(Reason::Truncated, "no frame header"));
        };
        let frame = Frame { width, height, components, orientation };
        if scans > limits.max_scans {
            return Err(frame.reject(Reason::TooManyScans, format!("{scans} scans, at most {}", limits.max_scans)));
        }
        Ok(frame)
    }

    /// The next marker at or after `at`, and where its segment begins.
    fn next_marker(bytes: &[u8], mut at: usize) -> Option<(u8, usize)> {
        loop {
            at += bytes.get(at..)?.iter().position(|&b| b == 0xFF)? + 1;
            match *bytes.get(at)? {
                0x00 | 0xFF => {}
                marker => return Some((marker, at + 1)),
            }
        }
    }

    fn start_of_frame(marker: u8, body: &[u8], limits: &Limits) -> Result<(u32, u32, u8), Rejection> {
        let &[precision, h1, h0, w1, w0, components, ..] = body else {
            return Err(Rejection::new(Reason::Truncated, "the frame header is cut off"));
        };
        let (width, height) = (u32::from(u16::from_be_bytes([w1, w0])), u32::from(u16::from_be_bytes([h1, h0])));
        let reject = |reason, detail: String| Err(Rejection::new(reason, detail).of_size(width, height));
        if !matches!(marker, 0xC0..=0xC2) {
            return reject(Reason::UnsupportedProcess, format!("coding process SOF{}", marker - 0xC0));
        }
        if precision != 8 {
            return reject(Reason::UnsupportedPrecision, format!("{precision} bits a sample, only 8 are supported"));
        }
        if width == 0 {
            return reject(Reason::Corrupt, "a width of 0 pixels".into());
        }
        let too_large = u64::from(width) * u64::from(height) > limits.max_pixels;
        if too_large || width.max(height) > limits.max_side {
            return reject(Reason::TooManyPixels, format!("{width}x{height} pixels"));
        }
        if !matches!(components, 1 | 3 | 4) {
            return reject(
                Reason::UnsupportedComponents,
                format!("{components} components, only 1, 3 and 4 are supported"),
            );
        }
        Ok((width, height, components))
    }

    fn exif_orientation(body: &[u8]) -> Option<u16> {
        let tiff = body.strip_prefix(b"Exif\0\0")?;
        let little = tiff.starts_with(b"II");
        let u16_at = |at: usize| {
            let b: [u8; 2] = tiff.get(at..at.checked_add(2)?)?.try_into().ok()?;
            Some(if little { u16::from_le_bytes(b) } else { u16::from_be_bytes(b) })
        };
        let u32_at = |at: usize| {
            let (first, second) = (u32::from(u16_at(at)?), u32::from(u16_at(at + 2)?));
            Some(if little { second << 16 | first } else { first << 16 | second })
        };
        let ifd = u32_at(4)? as usize;
        let count = usize::from(u16_at(ifd)?);
        let entry = (0..count).map(|i| ifd + 2 + 12 * i).take_while(|&at| at < tiff.len());
        entry.into_iter().find(|&at| u16_at(at) == Some(0x0112)).and_then(|at| u16_at(at + 8))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn original(width: u32, height: u32) -> Vec<u8> {
        let ramp = |at: u32, of: u32| u8::try_from(at * 255 / of).unwrap();
        let pixel = |x: u32, y: u32| [ramp(x, width), ramp(y, height), 90];
        let rgb: Vec<u8> = (0..height).flat_map(|y| (0..width).flat_map(move |x| pixel(x, y))).collect();
        encode_rgb(&rgb, width, height, 90)
    }

    fn with_orientation(jpeg: &[u8], orientation: u8) -> Vec<u8> {
        let exif = [b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0", &[orientation, 0, 0, 0, 0, 0, 0, 0][..]]
            .concat();
        let length = u16::try_from(exif.len() + 2).unwrap().to_be_bytes();
        [&jpeg[..2], &[0xFF, 0xE1], &length, &exif, &jpeg[2..]].concat()
    }

    #[test]
    fn the_default_size_set_comes_out_at_its_sizes() {
        let rendered = render(&original(1500, 1000), &SizeSet::default(), &Limits::default()).unwrap();
        let sizes: Vec<_> = rendered.renditions.iter().map(|r| (r.image_size.as_str(), r.width, r.height)).collect();
        assert_eq!(sizes, [("sq", 320, 320), ("ve", 480, 640), ("ho", 640, 360), ("or", 1280, 853)]);
        assert!(
            rendered.renditions.iter().all(|r| r.jpeg.starts_with(&[0xFF, 0xD8]) && r.jpeg.ends_with(&[0xFF, 0xD9]))
        );
    }

    #[test]
    fn a_turned_original_is_upright() {
        let turned = with_orientation(&original(300, 200), 6);
        let rendered = render(&turned, &SizeSet::default(), &Limits::default()).unwrap();
        assert_eq!((rendered.width, rendered.height), (200, 300));
        let or = &rendered.renditions[3];
        let picture = decode(&or.jpeg, &markers::read(&or.jpeg, &Limits::default()).unwrap()).unwrap();
        let top_right = &picture.samples[199 * 3..200 * 3];
        assert!(
            top_right[0] < 20 && top_right[1] < 20,
            "the coded top left, dark, is now at the top right: {top_right:?}"
        );
    }

    #[test]
    fn reasons_are_told_apart() {
        let reason = |bytes: &[u8], limits: &Limits| render(bytes, &SizeSet::default(), limits).unwrap_err().reason;
        let (good, limits) = (original(64, 64), Limits::default());
        assert_eq!(reason(b"", &limits), Reason::Empty);
        assert_eq!(reason(b"GIF89a", &limits), Reason::NotJpeg);
        assert_eq!(reason(&good[..good.len() / 2], &limits), Reason::Truncated);
        assert_eq!(reason(&good, &Limits { max_pixels: 64 * 63, ..Limits::default() }), Reason::TooManyPixels);
        assert_eq!(reason(&good, &Limits { max_bytes: 10, ..Limits::default() }), Reason::TooLarge);
    }
}
