//! The size sets of the harness, and the vertical that they are for.

use cameo_image::{Fit, ImageSize};

/// The vertical that everything is uploaded to.
pub const VERTICAL: &str = "crash";
/// Size sets that differ: as by default, without one, with one more, with one of other dimensions.
pub(crate) const SIZE_SETS: usize = 4;

fn size(name: &str, width: u32, height: u32, fit: Fit) -> ImageSize {
    let name = name.to_owned();
    ImageSize { name, width, height, fit, quality: 82, enlarge: true, optimize_coding: false }
}

/// The image sizes of a size set of the harness, by its number: as by default, without one, with one more, with one of other
/// dimensions.
pub(crate) fn sizes_of(size_set: usize) -> Vec<ImageSize> {
    let mut sizes = default_sizes();
    match size_set {
        1 => sizes.retain(|size| size.name != "or"),
        2 => sizes.push(size("tn", 16, 16, Fit::Cover)),
        3 => sizes[0] = size("sq", 28, 28, Fit::Cover),
        _ => {}
    }
    sizes
}

/// The image sizes of the server under test: four, as by default, but small ones. Pixels are not what is tested here.
fn default_sizes() -> Vec<ImageSize> {
    vec![
        size("sq", 32, 32, Fit::Cover),
        size("ve", 24, 32, Fit::Cover),
        size("ho", 32, 18, Fit::Cover),
        size("or", 40, 40, Fit::Inside),
    ]
}
