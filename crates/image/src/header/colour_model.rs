//! Which colours the components of a picture make, from what the header says: the rules of libjpeg, which browsers
//! follow.

use super::Component;

/// How the components of a picture make colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ColourModel {
    /// One component.
    Grey,
    /// Luma and two colour differences (JFIF, BT.601 full range).
    YCbCr,
    /// Red, green, blue as they are.
    Rgb,
    /// Four inks, inverted: 255 is no ink.
    Cmyk,
    /// CMY as YCbCr, and black; inverted too.
    Ycck,
}

/// The markers that speak of colour.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct ColourMarkers {
    /// A JFIF APP0 segment was there.
    pub(super) jfif: bool,
    /// The transform of an Adobe APP14 segment.
    pub(super) adobe_transform: Option<u8>,
}

impl ColourMarkers {
    /// Takes an APP0 segment.
    pub(super) fn see_app0(&mut self, payload: &[u8]) {
        self.jfif |= payload.starts_with(b"JFIF\0") && payload.len() >= 14;
    }

    /// Takes an APP14 segment: `Adobe`, version, two flag words, transform.
    pub(super) fn see_app14(&mut self, payload: &[u8]) {
        if payload.starts_with(b"Adobe") && payload.len() >= 12 {
            self.adobe_transform = Some(payload[11]);
        }
    }

    /// The colour model of a picture with these components.
    pub(super) fn model(self, components: &[Component]) -> ColourModel {
        match (components.len(), self.adobe_transform) {
            (1, _) => ColourModel::Grey,
            // Inverted, as Adobe writes it, whether its marker is there or not: so browsers, Pillow and libvips show it.
            (4, None | Some(0)) => ColourModel::Cmyk,
            (4, Some(_)) => ColourModel::Ycck,
            (_, Some(0)) if !self.jfif => ColourModel::Rgb,
            (_, None) if !self.jfif && ids_say_rgb(components) => ColourModel::Rgb,
            _ => ColourModel::YCbCr,
        }
    }
}

fn ids_say_rgb(components: &[Component]) -> bool {
    components.iter().map(|component| component.id).eq(*b"RGB")
}
