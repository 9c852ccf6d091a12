//! What is remarkable about a picture that the server would take: too small for an image size, of an extreme shape, in
//! the colours of print. Warnings: somebody should look, and the photo is published all the same.

use cameo_image::{Fit, ImageSize, Inspected, SizeSet};

use crate::model::{lang::Text, reason::ReasonCode};

/// How often the shorter side goes into the longer one from where on a shape is extreme: three quarters of it are cropped away for a square.
const EXTREME_SHAPE: f64 = 4.0;
/// By how much a picture may be enlarged before it is remarked on: a tenth is not seen.
const ENLARGED_UNSEEN: f64 = 1.1;

/// The remarks on a picture.
pub(super) fn remarks(picture: &Inspected, size_set: &SizeSet) -> Vec<(ReasonCode, Text)> {
    let (width, height) = (f64::from(picture.width), f64::from(picture.height));
    let shape = width.max(height) / width.min(height).max(1.0);
    let mut remarks = Vec::new();
    let is_extreme = shape >= EXTREME_SHAPE;
    if is_extreme {
        remarks.push((
            ReasonCode::FileExtremeShape,
            Text::new(
                format!(
                    "{}x{} pixels: {shape:.1} times as long as wide, or as wide as high",
                    picture.width, picture.height
                ),
                format!("{}x{}픽셀: 긴 변이 짧은 변의 {shape:.1}배입니다", picture.width, picture.height),
            ),
        ));
    }
    // A strip is enlarged because of its shape, which was remarked on; unless it is small on both sides.
    if let Some(text) = enlarged(picture, size_set, is_extreme) {
        remarks.push((ReasonCode::FileSmallerThanSize, text));
    }
    if picture.is_cmyk {
        remarks.push((ReasonCode::FileCmyk, Text::new("its colours are CMYK", "색상 방식이 CMYK 입니다")));
    }
    remarks
}

/// The image sizes that the picture is enlarged for.
fn enlarged(picture: &Inspected, size_set: &SizeSet, by_longer_side: bool) -> Option<Text> {
    let ratio = |size: &ImageSize| {
        if by_longer_side {
            let longer = |width: u32, height: u32| f64::from(width.max(height));
            return longer(size.width, size.height) / longer(picture.width, picture.height);
        }
        let across = f64::from(size.width) / f64::from(picture.width);
        across.max(f64::from(size.height) / f64::from(picture.height))
    };
    let is_enlarged = |size: &&ImageSize| size.fit == Fit::Cover && size.enlarge && ratio(size) > ENLARGED_UNSEEN;
    let sizes: Vec<String> = size_set
        .sizes()
        .iter()
        .filter(is_enlarged)
        .map(|size| format!("{} ({}x{}) {:.1}×", size.name, size.width, size.height, ratio(size)))
        .collect();
    (!sizes.is_empty()).then(|| {
        let (width, height, sizes) = (picture.width, picture.height, sizes.join(", "));
        Text::new(
            format!("{width}x{height} pixels, enlarged for: {sizes}"),
            format!("{width}x{height}픽셀이라 다음 규격에서 확대됩니다: {sizes}"),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(width: u32, height: u32) -> Vec<&'static str> {
        let picture = Inspected { width, height, is_cmyk: false };
        remarks(&picture, &SizeSet::default()).iter().map(|(code, _)| code.code()).collect()
    }

    #[test]
    fn ordinary_photos_are_not_remarked_on() {
        for (width, height) in [(4000, 3000), (1280, 960), (800, 600), (768, 1024), (640, 640), (2000, 700)] {
            assert_eq!(codes(width, height), Vec::<&str>::new(), "{width}x{height}");
        }
    }

    #[test]
    fn small_and_odd_ones_are() {
        assert_eq!(codes(50, 50), ["file.smaller_than_size"]);
        assert_eq!(codes(640, 480), ["file.smaller_than_size"]);
        assert_eq!(codes(12_000, 300), ["file.extreme_shape"]);
        assert_eq!(codes(700, 8000), ["file.extreme_shape"]);
        assert_eq!(codes(100, 20), ["file.extreme_shape", "file.smaller_than_size"]);
        let small = remarks(&Inspected { width: 50, height: 50, is_cmyk: true }, &SizeSet::default());
        assert_eq!(
            small[0].1.english,
            "50x50 pixels, enlarged for: sq (320x320) 6.4×, ve (480x640) 12.8×, ho (640x360) 12.8×"
        );
        assert_eq!(small[1].0, ReasonCode::FileCmyk);
    }

    /// A size that is fit inside is never enlarged, and one that may not be enlarged comes out smaller.
    #[test]
    fn only_enlarging_counts() {
        let mut sizes = SizeSet::default().sizes().to_vec();
        for size in &mut sizes {
            size.enlarge = false;
        }
        let picture = Inspected { width: 50, height: 50, is_cmyk: false };
        assert_eq!(remarks(&picture, &SizeSet::new(sizes).unwrap()), []);
    }
}
