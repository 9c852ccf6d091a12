//! Colour: from what an original's samples mean to sRGB.
//!
//! An ICC profile is used only where it can be read and belongs to the kind of samples it comes with; any other is
//! ignored, as browsers do, and never a reason to reject. A profile that is sRGB in all but name costs nothing.

mod inks;
mod profile;
mod tables;

use crate::header::{ColourModel, Header};
use crate::picture::{Picture, to_rgb};
use crate::planes::Plane;

use self::profile::Profile;

/// What has to happen to the samples of an original.
pub(crate) enum Conversion {
    /// They are what an encoder takes.
    None,
    /// Grey by another tone curve: a table of all values.
    Tones(Box<[u8; 256]>),
    /// Pixel by pixel, all components at one size.
    Pixels(Pixels),
}

/// A conversion that looks at all components of a pixel.
pub(crate) struct Pixels {
    model: ColourModel,
    profile: Option<Profile>,
}

impl Conversion {
    /// What an original of this header needs.
    pub(crate) fn new(header: &Header) -> Self {
        let icc = header.icc.as_deref();
        let model = header.colour;
        match model {
            ColourModel::Grey => match icc.and_then(Profile::grey) {
                Some(profile) => Self::Tones(Box::new(profile.tones())),
                None => Self::None,
            },
            ColourModel::YCbCr => match icc.and_then(Profile::rgb) {
                Some(profile) => Self::Pixels(Pixels { model, profile: Some(profile) }),
                None => Self::None,
            },
            ColourModel::Rgb => Self::Pixels(Pixels { model, profile: icc.and_then(Profile::rgb) }),
            ColourModel::Cmyk | ColourModel::Ycck => {
                Self::Pixels(Pixels { model, profile: icc.and_then(Profile::cmyk) })
            }
        }
    }
}

impl Conversion {
    /// Whether every component carries the detail of the picture: inks, or red, green and blue.
    pub(crate) fn is_of_separate_colours(&self) -> bool {
        matches!(self, Self::Pixels(pixels) if matches!(pixels.model, ColourModel::Rgb | ColourModel::Cmyk))
    }
}

impl Pixels {
    /// Converts planes of one size, one for each component, to a picture in sRGB.
    pub(crate) fn convert(&self, planes: &[Plane]) -> Picture {
        let (width, height) = (planes[0].width, planes[0].height);
        let mut pixels = Vec::new();
        Picture::from_rgb_rows(width, height, |y, rgb| {
            let rows: Vec<&[u8]> = planes.iter().map(|plane| &plane.data[y * plane.stride..][..width]).collect();
            self.convert_row(&rows, &mut pixels, rgb);
        })
    }

    fn convert_row(&self, rows: &[&[u8]], pixels: &mut Vec<u8>, rgb: &mut [u8]) {
        pixels.resize(rows.len() * rows[0].len(), 0);
        match (self.model, rows) {
            (ColourModel::YCbCr, &[y, blue, red]) => interleave([y, blue, red], pixels, to_rgb),
            (_, &[r, g, b]) => interleave([r, g, b], pixels, |rgb| rgb),
            (ColourModel::Ycck, &[y, blue, red, black]) => interleave([y, blue, red, black], pixels, inks::from_ycck),
            (ColourModel::Cmyk, &[c, m, y, k]) => interleave([c, m, y, k], pixels, inks::from_cmyk),
            _ => unreachable!("a picture that is converted has three components or four"),
        }
        let converted = self.profile.as_ref().is_some_and(|profile| profile.to_srgb(pixels, rgb));
        if !converted {
            match rows.len() {
                4 => inks::to_rgb(pixels, rgb),
                _ => rgb.copy_from_slice(pixels),
            }
        }
    }
}

/// Puts the samples of each pixel together and converts them.
fn interleave<const N: usize>(rows: [&[u8]; N], pixels: &mut [u8], convert: impl Fn([u8; N]) -> [u8; N]) {
    let width = rows[0].len();
    let rows = rows.map(|row| &row[..width]);
    for (x, pixel) in pixels.as_chunks_mut::<N>().0.iter_mut().enumerate() {
        *pixel = convert(rows.map(|row| row[x]));
    }
}

/// Replaces every sample, padding included, by its entry in a table.
pub(crate) fn map_tones(plane: &mut Plane, tones: &[u8; 256]) {
    for sample in plane.data.iter_mut() {
        *sample = tones[usize::from(*sample)];
    }
}
