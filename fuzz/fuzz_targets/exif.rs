//! The EXIF reader never panics; an orientation is 1 to 8.
#![no_main]

use cameo_image::internals::exif_orientation;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|tiff: &[u8]| {
    if let Some(orientation) = exif_orientation(tiff) {
        assert!((1..=8).contains(&orientation));
    }
});
