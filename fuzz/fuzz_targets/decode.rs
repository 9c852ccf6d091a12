//! The decoder never panics, every code path gives the same planes or the same rejection, and every scale the same reason.
//!
//! Pictures are limited to 65,536 pixels, so that the fuzzer spends its time on odd files and not on large ones.
#![no_main]

use cameo_image::internals::{CodePath, PlaneView, decode_planes};
use cameo_image::{Limits, Rejection};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits { max_pixels: 1 << 16, ..Limits::default() };
    // One scale a file, so that more files are tried.
    let denominator = 1 << (bytes.iter().fold(0, |sum: u8, byte| sum.wrapping_mul(31).wrapping_add(*byte)) >> 6);
    let portable = decode_planes(bytes, &limits, &[denominator], CodePath::Portable);
    for path in CodePath::available().into_iter().filter(|path| *path != CodePath::Portable) {
        let planes = decode_planes(bytes, &limits, &[denominator], path);
        match (&planes, &portable) {
            (Ok(planes), Ok(portable)) => assert!(rows(planes) == rows(portable), "{path:?} at 1/{denominator}"),
            _ => assert_eq!(planes.as_ref().err(), portable.as_ref().err(), "{path:?} at 1/{denominator}"),
        }
    }
    if denominator > 1 {
        let full = decode_planes(bytes, &limits, &[1], CodePath::detect());
        let reason = |answer: &Result<_, Rejection>| answer.as_ref().err().map(|rejection| rejection.reason);
        assert_eq!(reason(&full), reason(&portable), "at 1/{denominator}");
    }
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
