//! Orientation: how the picture as coded lies to the picture as seen (EXIF tag 0x0112).
//!
//! Every one of the eight is a mirroring of the coded rows, of the coded columns, or both, and then possibly an exchange
//! of rows and columns. This module holds that fact alone; it must never read EXIF.

use crate::exif::Orientation;
use crate::plan::Area;

/// The eight orientations, as three independent steps from the coded to the upright picture, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Turn {
    /// Mirror the coded picture left to right.
    pub(crate) flip_x: bool,
    /// Mirror the coded picture top to bottom.
    pub(crate) flip_y: bool,
    /// Then exchange rows and columns.
    pub(crate) transpose: bool,
}

impl Turn {
    /// The turn that makes a picture of this orientation upright.
    pub(crate) const fn new(orientation: Orientation) -> Self {
        let (flip_x, flip_y, transpose) = match orientation {
            Orientation::Upright => (false, false, false),
            Orientation::MirrorHorizontal => (true, false, false),
            Orientation::Rotate180 => (true, true, false),
            Orientation::MirrorVertical => (false, true, false),
            Orientation::Transpose => (false, false, true),
            Orientation::Rotate90 => (false, true, true),
            Orientation::Transverse => (true, true, true),
            Orientation::Rotate270 => (true, false, true),
        };
        Self { flip_x, flip_y, transpose }
    }

    /// Width and height exchanged where rows and columns are. Its own inverse.
    pub(crate) fn size<T>(self, width: T, height: T) -> (T, T) {
        if self.transpose { (height, width) } else { (width, height) }
    }

    /// Where an area of the upright picture lies in the coded picture of `width` × `height` pixels.
    pub(crate) fn coded_area(self, upright: Area, width: f64, height: f64) -> Area {
        let (left, top) = self.size(upright.left, upright.top);
        let (area_width, area_height) = self.size(upright.width, upright.height);
        Area {
            left: if self.flip_x { width - left - area_width } else { left },
            top: if self.flip_y { height - top - area_height } else { top },
            width: area_width,
            height: area_height,
        }
    }
}
