//! The ICC reassembly never panics, and invents no bytes. The input is cut into payloads at each `\n`.
#![no_main]

use cameo_image::internals::icc_profile;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let segments: Vec<Vec<u8>> =
        bytes.split(|&byte| byte == b'\n').map(|part| [b"ICC_PROFILE\0", part].concat()).collect();
    let payloads: Vec<&[u8]> = segments.iter().map(Vec::as_slice).collect();
    if let Some(profile) = icc_profile(&payloads) {
        assert!(profile.len() <= bytes.len());
    }
});
