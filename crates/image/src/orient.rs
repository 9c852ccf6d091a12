//! Orientation: how the picture as coded lies to the picture as seen (EXIF tag 0x0112).
//!
//! Every one of the eight is a mirroring of the coded rows, of the coded columns, or both, and then possibly an exchange
//! of rows and columns. This module holds that fact alone; it must never read EXIF.

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
    /// The turn for an EXIF orientation; everything but 2 to 8 is upright already.
    pub(crate) const fn from_exif(orientation: u16) -> Self {
        let (flip_x, flip_y, transpose) = match orientation {
            2 => (true, false, false),
            3 => (true, true, false),
            4 => (false, true, false),
            5 => (false, false, true),
            6 => (false, true, true),
            7 => (true, true, true),
            8 => (true, false, true),
            _ => (false, false, false),
        };
        Self { flip_x, flip_y, transpose }
    }

    /// Width and height exchanged where rows and columns are. Its own inverse.
    pub(crate) fn size<T>(self, width: T, height: T) -> (T, T) {
        if self.transpose { (height, width) } else { (width, height) }
    }
}
