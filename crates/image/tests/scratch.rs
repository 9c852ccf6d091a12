//! What a call leaves to the next is memory alone: nothing made depends on what was in it, and it has a limit.

mod common;

use cameo_image::internals::{CodePath, overwrite_scratch, render_with, scratch_bytes};
use cameo_image::{Fit, ImageSize, Limits, Rejection, Rendered, SizeSet};

/// Every third file of the corpus, good ones and bad ones, and some photos.
fn originals() -> Option<Vec<Vec<u8>>> {
    let (corpus, photos) = (common::shared("corpus", "scratch memory")?, common::shared("photos", "scratch memory")?);
    let files = common::jpegs(&corpus).into_iter().step_by(3).chain(common::jpegs(&photos).into_iter().step_by(4));
    Some(files.map(|file| std::fs::read(file).expect("an original")).collect())
}

/// With a size of its own for every way through the engine: cut and whole, made of the original or of another, at full scale too.
fn size_set() -> SizeSet {
    let size = |name: &str, width, height, fit, optimize_coding| ImageSize {
        name: name.to_owned(),
        width,
        height,
        fit,
        quality: 80,
        enlarge: true,
        optimize_coding,
    };
    let sizes = vec![size("a", 700, 500, Fit::Inside, true), size("b", 90, 130, Fit::Cover, false)];
    SizeSet::new(sizes).expect("a size set")
}

fn render(original: &[u8], path: CodePath) -> Result<Rendered, Rejection> {
    render_with(path, original, &size_set(), &Limits { max_pixels: 5_000_000, ..Limits::default() })
}

#[test]
fn nothing_depends_on_what_was_in_memory_before() {
    let Some(originals) = originals() else { return };
    for path in CodePath::available() {
        for original in &originals {
            let want = render(original, path);
            for byte in [0xFF, 0x55] {
                overwrite_scratch(byte);
                assert!(render(original, path) == want, "{path:?}: {:?}", want.map(|rendered| rendered.width));
            }
        }
    }
}

#[test]
fn what_is_kept_has_a_limit() {
    let Some(originals) = originals() else { return };
    for original in &originals {
        let _ = render(original, CodePath::detect());
        assert!(scratch_bytes() <= 48 << 20);
    }
    assert!(scratch_bytes() > 0, "photos are larger than what is not worth keeping");
}
