//! What the encoder takes: an upright picture in sRGB's YCbCr, 4:2:0, or grey.

use crate::planes::Plane;
use crate::resize::{blank, pad};

/// Luma alone, or luma and two chroma planes of half its width and height (rounded up).
///
/// The planes are padded as those of [`resize::blank`](crate::resize::blank) are.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Picture {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) planes: Vec<Plane>,
}

/// Size of a plane in samples, and how much of that is picture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct PlaneSize {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) extent: (f64, f64),
}

impl PlaneSize {
    /// The luma plane of a picture.
    #[allow(clippy::cast_precision_loss, reason = "a side has at most 65535 pixels")]
    pub(crate) fn luma(width: usize, height: usize) -> Self {
        Self { width, height, extent: (width as f64, height as f64) }
    }

    /// A chroma plane of a 4:2:0 picture.
    pub(crate) fn chroma(width: usize, height: usize) -> Self {
        let luma = Self::luma(width, height);
        let extent = (luma.extent.0 / 2.0, luma.extent.1 / 2.0);
        Self { width: width.div_ceil(2), height: height.div_ceil(2), extent }
    }

    pub(crate) fn blank(self) -> Plane {
        blank(self.width, self.height, self.extent)
    }
}

impl Picture {
    /// A picture from rows of RGB: `row` fills in row `y`, three bytes a pixel.
    pub(crate) fn from_rgb_rows(width: usize, height: usize, mut row: impl FnMut(usize, &mut [u8])) -> Self {
        let mut luma = PlaneSize::luma(width, height).blank();
        let mut chroma = [(); 2].map(|()| PlaneSize::chroma(width, height).blank());
        let mut rgb = vec![0; 3 * width];
        let mut sums = vec![[0_u16; 2]; width.div_ceil(2)];
        for y in 0..height {
            row(y, &mut rgb);
            let stride = luma.stride;
            convert_row(&rgb, &mut luma.data[y * stride..][..width], &mut sums);
            if y % 2 == 0 && y + 1 < height {
                continue;
            }
            // The last row of an odd height stands for the missing one too.
            let rows = if y % 2 == 0 { 1 } else { 2 };
            store_chroma(&mut sums, width, rows, y / 2, &mut chroma);
        }
        let [blue, red] = chroma;
        let mut planes = vec![luma, blue, red];
        planes.iter_mut().for_each(pad);
        Self { width, height, planes }
    }
}

/// Luma of a row, and its chroma added up in pairs.
fn convert_row(rgb: &[u8], luma: &mut [u8], sums: &mut [[u16; 2]]) {
    for (x, (pixel, luma)) in rgb.as_chunks().0.iter().zip(luma).enumerate() {
        let [y, blue, red] = to_ycbcr(*pixel);
        *luma = y;
        sums[x / 2][0] += u16::from(blue);
        sums[x / 2][1] += u16::from(red);
    }
}

/// The mean of the pixels that each chroma sample covers.
fn store_chroma(sums: &mut [[u16; 2]], width: usize, rows: u16, y: usize, chroma: &mut [Plane; 2]) {
    for (x, sum) in sums.iter_mut().enumerate() {
        let columns = if 2 * x + 1 < width { 2 } else { 1 };
        let count = rows * columns;
        for (plane, total) in chroma.iter_mut().zip(*sum) {
            let mean = (total + count / 2) / count;
            plane.data[y * plane.stride + x] = u8::try_from(mean).unwrap_or(u8::MAX);
        }
        *sum = [0; 2];
    }
}

/// JFIF's YCbCr (BT.601, full range), in 16-bit fixed point.
#[inline]
fn to_ycbcr([r, g, b]: [u8; 3]) -> [u8; 3] {
    let [r, g, b] = [r, g, b].map(i32::from);
    let half = 1 << 15;
    let centre = (128 << 16) + half - 1;
    [
        clamp((19_595 * r + 38_470 * g + 7_471 * b + half) >> 16),
        clamp((-11_059 * r - 21_709 * g + 32_768 * b + centre) >> 16),
        clamp((32_768 * r - 27_439 * g - 5_329 * b + centre) >> 16),
    ]
}

/// The inverse of the above.
#[inline]
pub(crate) fn to_rgb([y, blue, red]: [u8; 3]) -> [u8; 3] {
    let (y, blue, red) = (i32::from(y), i32::from(blue) - 128, i32::from(red) - 128);
    let half = 1 << 15;
    [
        clamp(y + ((91_881 * red + half) >> 16)),
        clamp(y + ((-22_554 * blue - 46_802 * red + half) >> 16)),
        clamp(y + ((116_130 * blue + half) >> 16)),
    ]
}

#[inline]
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to a byte")]
fn clamp(value: i32) -> u8 {
    value.clamp(0, 255) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_survive_there_and_back() {
        for colour in [[0, 0, 0], [255, 255, 255], [255, 0, 0], [12, 200, 99], [1, 2, 253]] {
            let back = to_rgb(to_ycbcr(colour));
            assert!(colour.iter().zip(back).all(|(a, b)| a.abs_diff(b) <= 2), "{colour:?} {back:?}");
        }
    }

    #[test]
    fn odd_sides_do_not_darken_the_last_chroma() {
        let picture = Picture::from_rgb_rows(3, 5, |_, row| row.copy_from_slice(&[200, 30, 60].repeat(3)));
        let want = to_ycbcr([200, 30, 60]);
        for (plane, want) in picture.planes.iter().zip(want) {
            assert!(plane.data.iter().all(|&sample| sample == want));
        }
        assert_eq!((picture.planes[1].width, picture.planes[1].height), (2, 3));
    }
}
