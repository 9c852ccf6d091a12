//! Colour: from what an original's samples mean to sRGB.
//!
//! An ICC profile is used only where it can be read and belongs to the kind of samples it comes with; any other is
//! ignored, as browsers do, and never a reason to reject. A profile that is sRGB in all but name costs nothing.

use moxcms::{ColorProfile, DataColorSpace, Layout, TransformExecutor, TransformOptions};
use std::sync::Arc;

/// A profile that changes pixels.
pub(crate) struct Profile {
    transform: Arc<dyn TransformExecutor<u8> + Send + Sync>,
    channels: usize,
}

impl Profile {
    /// Reads the profile of an original of 1 or 3 components; `None` if it is of no use, or sRGB.
    pub(crate) fn other_than_srgb(icc: &[u8], components: u8) -> Option<Self> {
        let source = ColorProfile::new_from_slice(icc).ok()?;
        let (layout, channels) = match (source.color_space, components) {
            (DataColorSpace::Rgb, 3) => (Layout::Rgb, 3),
            (DataColorSpace::Gray, 1) => (Layout::Gray, 1),
            _ => return None,
        };
        let srgb = if channels == 1 { srgb_grey() } else { ColorProfile::new_srgb() };
        let transform = source.create_transform_8bit(layout, &srgb, layout, TransformOptions::default()).ok()?;
        let profile = Self { transform, channels };
        (!profile.changes_nothing()).then_some(profile)
    }

    /// Converts interleaved samples in place.
    pub(crate) fn to_srgb(&self, samples: &mut [u8]) {
        let mut converted = Vec::new();
        for strip in samples.chunks_mut(4096 * self.channels) {
            converted.resize(strip.len(), 0);
            if self.transform.transform(strip, &mut converted).is_ok() {
                strip.copy_from_slice(&converted);
            }
        }
    }

    /// Whether no colour of a coarse grid moves by more than rounding does.
    fn changes_nothing(&self) -> bool {
        let steps = || (0..=255u8).step_by(17);
        let grid: Vec<u8> = match self.channels {
            1 => steps().collect(),
            _ => steps().flat_map(|r| steps().flat_map(move |g| steps().flat_map(move |b| [r, g, b]))).collect(),
        };
        let mut converted = grid.clone();
        self.to_srgb(&mut converted);
        grid.iter().zip(&converted).all(|(a, b)| a.abs_diff(*b) <= 2)
    }
}

/// Grey with the tone curve of sRGB.
fn srgb_grey() -> ColorProfile {
    let mut grey = ColorProfile::new_gray_with_gamma(2.2);
    grey.gray_trc = ColorProfile::new_srgb().green_trc;
    grey
}
