//! ICC profiles: read by the `moxcms` crate, which converts by those of a matrix too; those of tables are evaluated by [`Tables`].

use std::sync::Arc;

use super::tables::Tables;
use moxcms::{ColorProfile, DataColorSpace, Layout, TransformExecutor, TransformOptions};

/// A profile that changes pixels.
pub(super) enum Profile {
    Matrix(Arc<dyn TransformExecutor<u8> + Send + Sync>),
    Tables(Box<Tables>),
}

/// How far a value may be moved by a profile that counts as sRGB: what rounding does.
const ROUNDING: u8 = 2;

impl Profile {
    /// A profile for RGB; `None` if it is of no use, or sRGB.
    pub(super) fn rgb(icc: &[u8]) -> Option<Self> {
        let profile = Self::new(icc, DataColorSpace::Rgb, Layout::Rgb, (&ColorProfile::new_srgb(), Layout::Rgb))?;
        let steps = || (0..=255_u8).step_by(51);
        let grid: Vec<u8> =
            steps().flat_map(|r| steps().flat_map(move |g| steps().flat_map(move |b| [r, g, b]))).collect();
        let mut converted = vec![0; grid.len()];
        let same = profile.to_srgb(&grid, &mut converted)
            && grid.iter().zip(&converted).all(|(a, b)| a.abs_diff(*b) <= ROUNDING);
        (!same).then_some(profile)
    }

    /// A profile for grey; `None` if it is of no use.
    pub(super) fn grey(icc: &[u8]) -> Option<Self> {
        let mut srgb_tones = ColorProfile::new_gray_with_gamma(2.2);
        srgb_tones.gray_trc = ColorProfile::new_srgb().green_trc;
        Self::new(icc, DataColorSpace::Gray, Layout::Gray, (&srgb_tones, Layout::Gray))
    }

    /// A profile for four inks; `None` if it is of no use.
    pub(super) fn cmyk(icc: &[u8]) -> Option<Self> {
        Self::new(icc, DataColorSpace::Cmyk, Layout::Rgba, (&ColorProfile::new_srgb(), Layout::Rgb))
    }

    fn new(icc: &[u8], space: DataColorSpace, layout: Layout, to: (&ColorProfile, Layout)) -> Option<Self> {
        let source = ColorProfile::new_from_slice(icc).ok().filter(|profile| profile.color_space == space)?;
        if let (3 | 4, Some(_)) = (layout.channels(), &source.lut_a_to_b_perceptual) {
            return Tables::of(&source, layout.channels()).map(|tables| Self::Tables(Box::new(tables)));
        }
        let transform = source.create_transform_8bit(layout, to.0, to.1, TransformOptions::default()).ok()?;
        Some(Self::Matrix(transform))
    }

    /// Converts interleaved samples; says whether it could.
    pub(super) fn to_srgb(&self, samples: &[u8], srgb: &mut [u8]) -> bool {
        match self {
            Self::Matrix(transform) => transform.transform(samples, srgb).is_ok(),
            Self::Tables(tables) => {
                tables.to_srgb(samples, srgb);
                true
            }
        }
    }

    /// What becomes of each value of grey.
    pub(super) fn tones(&self) -> [u8; 256] {
        let values: [u8; 256] = std::array::from_fn(|i| u8::try_from(i).unwrap_or(u8::MAX));
        let mut tones = [0; 256];
        if self.to_srgb(&values, &mut tones) { tones } else { values }
    }
}
