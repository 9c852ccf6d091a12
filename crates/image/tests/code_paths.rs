//! The same renditions on every code path of this machine, and the promised size for any size set.

mod common;

use cameo_image::internals::{CodePath, render_with};
use cameo_image::{Fit, ImageSize, Limits, Rendered, SizeSet, encode_rgb};
use common::Pixels;

fn size(name: usize, width: u32, height: u32, fit: Fit, enlarge: bool) -> ImageSize {
    let name = format!("s{name}");
    ImageSize { name, width, height, fit, quality: 75, enlarge, optimize_coding: width % 2 == 1 }
}

/// A picture with edges, slopes and noise.
fn original(width: u32, height: u32) -> Vec<u8> {
    let mut state = width * 7 + height;
    let mut noise = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        u8::try_from(state >> 27).unwrap_or(0)
    };
    let byte = |value: u32| u8::try_from(value % 224).unwrap_or(0);
    let rgb: Vec<u8> = (0..width * height)
        .flat_map(|i| [byte(i % width * 3), byte(i / width * 2), if i / 64 % 3 == 0 { 200 } else { 20 }])
        .map(|value| value + noise())
        .collect();
    encode_rgb(&rgb, width, height, 92)
}

fn render(original: &[u8], size_set: &SizeSet, path: CodePath) -> Rendered {
    render_with(path, original, size_set, &Limits::default()).expect("a good original")
}

#[test]
fn all_code_paths_make_the_same_renditions_of_photos() {
    let Some(photos) = common::shared("photos", "code paths on real photos") else { return };
    for file in common::jpegs(&photos) {
        let bytes = std::fs::read(&file).expect("a photo");
        let want = render(&bytes, &SizeSet::default(), CodePath::Portable);
        for path in CodePath::available() {
            assert!(render(&bytes, &SizeSet::default(), path) == want, "{} differs on {path:?}", file.display());
        }
    }
}

#[test]
fn renditions_have_their_promised_sizes_whatever_the_size_set() {
    let boxes = [(1, 1), (3, 700), (64, 48), (199, 301), (640, 360), (1000, 1000)];
    let sizes = boxes.iter().enumerate().flat_map(|(i, &(w, h))| {
        [
            size(3 * i, w, h, Fit::Cover, true),
            size(3 * i + 1, w, h, Fit::Cover, false),
            size(3 * i + 2, w, h, Fit::Inside, true),
        ]
    });
    let size_set = SizeSet::new(sizes.collect()).expect("a size set");
    for (width, height) in [(1, 1), (2, 9), (17, 16), (333, 5), (401, 333), (640, 1203)] {
        let original = original(width, height);
        let want = render(&original, &size_set, CodePath::Portable);
        for path in CodePath::available() {
            assert!(render(&original, &size_set, path) == want, "{width}x{height} differs on {path:?}");
        }
        for (rendition, size) in want.renditions.iter().zip(size_set.sizes()) {
            let pixels = Pixels::decode(&rendition.jpeg);
            assert_eq!((pixels.width, pixels.height), (rendition.width as usize, rendition.height as usize));
            if size.fit == Fit::Cover && size.enlarge {
                assert_eq!((rendition.width, rendition.height), (size.width, size.height));
            } else {
                assert!(rendition.width <= width && rendition.height <= height, "{width}x{height} {size:?}");
            }
        }
    }
}
