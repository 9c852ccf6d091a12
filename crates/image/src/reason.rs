//! Why an original cannot be rendered. The names are the reason codes that operators see and scripts match on: they
//! may be added to, never changed.

use std::fmt;

/// A reason code of the `file` family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    /// No bytes at all.
    Empty,
    /// The bytes do not start as a JPEG does (`FF D8 FF`).
    NotJpeg,
    /// The data end before the picture does.
    Truncated,
    /// A JPEG whose headers or data contradict the standard or themselves.
    Corrupt,
    /// More pixels, or a longer side, than the limits allow.
    TooManyPixels,
    /// More scans than the limits allow.
    TooManyScans,
    /// Arithmetic, lossless, hierarchical or JPEG-LS coding.
    UnsupportedProcess,
    /// Samples of other than 8 bits.
    UnsupportedPrecision,
    /// A number of colour components other than 1, 3 or 4.
    UnsupportedComponents,
    /// More bytes than the limits allow.
    TooLarge,
}

impl Reason {
    /// The reason code, `family.detail`.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Empty => "file.empty",
            Self::NotJpeg => "file.not_jpeg",
            Self::Truncated => "file.truncated",
            Self::Corrupt => "file.corrupt",
            Self::TooManyPixels => "file.too_many_pixels",
            Self::TooManyScans => "file.too_many_scans",
            Self::UnsupportedProcess => "file.unsupported_process",
            Self::UnsupportedPrecision => "file.unsupported_precision",
            Self::UnsupportedComponents => "file.unsupported_components",
            Self::TooLarge => "file.too_large",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// Why an original has no renditions.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}: {detail}")]
pub struct Rejection {
    /// The reason code.
    pub reason: Reason,
    /// What was found and where, in English, for the person who has to mend the file.
    pub detail: String,
    /// Width and height of the upright original in pixels, where its header could be read.
    pub size: Option<(u32, u32)>,
}

impl Rejection {
    /// A rejection before the header told the original's size.
    pub fn new(reason: Reason, detail: impl Into<String>) -> Self {
        Self { reason, detail: detail.into(), size: None }
    }

    /// The same rejection, of an original whose header says it has this width and height in pixels.
    #[must_use]
    pub fn of_size(self, width: u32, height: u32) -> Self {
        Self { size: Some((width, height)), ..self }
    }
}
