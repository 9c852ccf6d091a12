//! The marker pre-parser never panics, and gives the same answer twice.
#![no_main]

use cameo_image::{Limits, internals::upright_size};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits::default();
    let answer = upright_size(bytes, &limits);
    assert_eq!(answer, upright_size(bytes, &limits));
    if let Ok((width, height)) = answer {
        assert!(u64::from(width) * u64::from(height) <= limits.max_pixels && width > 0 && height > 0);
    }
});
