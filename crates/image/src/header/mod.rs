//! Everything an original says about itself before its picture data, read and checked before any buffer is allocated.
//!
//! The marker pre-parser: sizes, components, colour, orientation, ICC profile, number of scans. It looks at no entropy
//! coded data and allocates nothing that grows with the size the header claims.

mod colour_model;
mod frame;
mod reader;
pub(crate) mod scan;
pub(crate) mod segments;
pub(crate) mod tables;
#[cfg(test)]
mod tests;

use crate::exif::Orientation;
use crate::reason::{Reason, Rejection};

pub(crate) use colour_model::ColourModel;
pub(crate) use frame::is_frame;
pub(crate) use reader::read_header;

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

impl Header {
    /// Width and height in pixels of the picture when it stands upright.
    pub(crate) fn upright_size(&self) -> (u32, u32) {
        upright(self.orientation, self.width, self.height)
    }

    /// The largest horizontal and vertical sampling factors.
    pub(crate) fn max_sampling(&self) -> (u8, u8) {
        let max = |factor: fn(&Component) -> u8| self.components.iter().map(factor).max().unwrap_or(1);
        (max(|c| c.h), max(|c| c.v))
    }
}

fn upright(orientation: Orientation, width: u32, height: u32) -> (u32, u32) {
    if orientation.swaps_sides() { (height, width) } else { (width, height) }
}

/// A rejection for what contradicts the standard or itself.
pub(crate) fn corrupt(detail: impl Into<String>) -> Rejection {
    Rejection::new(Reason::Corrupt, detail)
}

/// A rejection for a segment that may mean anything: no reader could pass over it and still show the right picture.
pub(crate) fn reserved(code: u8) -> Rejection {
    corrupt(format!("marker FF{code:02X} is reserved"))
}

/// A rejection for data that end before the picture does.
pub(crate) fn truncated(detail: impl Into<String>) -> Rejection {
    Rejection::new(Reason::Truncated, detail)
}
