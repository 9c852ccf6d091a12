//! What the front of the S3 endpoint lets in, s3s reads alike: operation, bucket, key and parameters.
//!
//! The text is a request as a client sends it: method and target, then a header a line. It is looked at as it is, and
//! signed over whatever stands there, so that most texts reach s3s; `meaning` panics where the two differ.
#![no_main]

use std::sync::LazyLock;

use cameo::serve::s3_api::alike::Alike;
use libfuzzer_sys::fuzz_target;

static ALIKE: LazyLock<Alike> = LazyLock::new(Alike::default);

fuzz_target!(|bytes: &[u8]| {
    let Some(request) = Alike::request(bytes) else { return };
    assert_eq!(ALIKE.meaning(&request), None, "it is let in without a signature that could be right");
    if let Some(request) = ALIKE.sign(request) {
        let meaning = ALIKE.meaning(&request);
        assert_eq!(meaning, ALIKE.meaning(&request), "the same request means two things");
    }
});
