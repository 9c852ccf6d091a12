//! The decoder never panics, and every code path gives the same planes or the same rejection at every scale.
//!
//! Pictures are limited to a million pixels, so that the fuzzer spends its time on odd files and not on large ones.
#![no_main]

use cameo_image::internals::{PlaneView, decode_planes};
use cameo_image::{CodePath, Limits};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits { max_pixels: 1 << 20, ..Limits::default() };
    let mut reasons = Vec::new();
    for denominator in [1, 2, 4, 8] {
        let portable = decode_planes(bytes, &limits, &[denominator], CodePath::Portable);
        for path in CodePath::available() {
            let planes = decode_planes(bytes, &limits, &[denominator], path);
            match (&planes, &portable) {
                (Ok(planes), Ok(portable)) => assert!(rows(planes) == rows(portable), "{path:?} at 1/{denominator}"),
                _ => assert_eq!(planes.as_ref().err(), portable.as_ref().err(), "{path:?} at 1/{denominator}"),
            }
        }
        reasons.push(portable.err().map(|rejection| rejection.reason));
    }
    assert!(reasons.windows(2).all(|pair| pair[0] == pair[1]), "{reasons:?}");
});

/// The samples of the picture, without padding.
fn rows(planes: &[PlaneView]) -> Vec<&[u8]> {
    let lines = |plane: &'_ PlaneView| (plane.stride, plane.width, plane.height);
    planes
        .iter()
        .flat_map(|plane| {
            let (stride, width, height) = lines(plane);
            plane.data.chunks(stride).take(height).map(move |row| &row[..width])
        })
        .collect()
}
