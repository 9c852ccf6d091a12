//! Coding compiled for x86-64-v3: the same code as everywhere, with shifts and stores that need fewer instructions.
#![allow(unsafe_code)]

use super::entropy::Sink;
use super::quantise::Quantiser;
use crate::code_path::{CodePath, Runnable};
use crate::picture::Picture;

/// [`super::scan_on`], in the instructions of x86-64-v3.
pub(super) fn scan(picture: &Picture, quantisers: &[Quantiser; 2], path: Runnable, step: usize, sink: &mut impl Sink) {
    assert!(path.path() != CodePath::Portable);
    // SAFETY: a `Runnable` that is not portable was made after the features named below were found.
    unsafe { scan_v3(picture, quantisers, path.path(), step, sink) }
}

#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,movbe,popcnt")]
fn scan_v3(picture: &Picture, quantisers: &[Quantiser; 2], path: CodePath, step: usize, sink: &mut impl Sink) {
    super::scan_on(picture, quantisers, path, step, sink);
}
