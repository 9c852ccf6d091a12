//! Everything an original says about itself before its picture data, read and checked before any buffer is allocated.
//!
//! The marker pre-parser: sizes, components, colour, orientation, ICC profile, number of scans. It looks at no entropy
//! coded data and allocates nothing that grows with the size the header claims.

use crate::exif::Orientation;
use crate::reason::Rejection;

/// How the components of a picture make colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ColourModel {
    /// One component.
    Grey,
    /// Luma and two colour differences (JFIF, BT.601 full range).
    YCbCr,
    /// Red, green, blue as they are.
    Rgb,
    /// Four inks; inverted when Adobe's marker is there (255 is no ink).
    Cmyk {
        /// Whether 255 means no ink.
        inverted: bool,
    },
    /// CMY as YCbCr, and black.
    Ycck {
        /// Whether 255 means no ink.
        inverted: bool,
    },
}

/// A component of the frame header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Component {
    /// Component identifier, as scans name it.
    pub id: u8,
    /// Horizontal sampling factor, 1–4.
    pub h: u8,
    /// Vertical sampling factor, 1–4.
    pub v: u8,
    /// Quantisation table, 0–3.
    pub quant: u8,
}

/// What an original's header says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Header {
    /// Width in pixels, as coded.
    pub width: u32,
    /// Height in pixels, as coded.
    pub height: u32,
    /// How the coded picture must be turned.
    pub orientation: Orientation,
    /// What the components mean.
    pub colour: ColourModel,
    /// The ICC profile; none when it is broken or incomplete.
    pub icc: Option<Vec<u8>>,
    /// The components in the order of the frame header.
    pub components: Vec<Component>,
    /// Whether the frame is progressive.
    pub progressive: bool,
}

/// Reads and checks the header of an original.
pub(crate) fn read_header(_bytes: &[u8], _limits: &crate::Limits) -> Result<Header, Rejection> {
    todo!("the marker parser")
}
