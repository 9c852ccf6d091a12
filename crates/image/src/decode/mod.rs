//! From the bytes of a JPEG to the planes of its components, scaled in the DCT domain.
//!
//! A picture stays in the components that its file has: no colour conversion, no chroma upsampling. Every MCU of the
//! picture must be there; one that is missing or contradicts its tables rejects the file. All code paths give the same
//! bytes.

use crate::code_path::CodePath;
use crate::header::Header;
use crate::planes::Plane;
use crate::reason::Rejection;

/// Scale of one component in the DCT domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scale {
    /// 1/1: 8×8 samples a block.
    Full,
    /// 1/2: 4×4 samples a block.
    Half,
    /// 1/4: 2×2 samples a block.
    Quarter,
    /// 1/8: one sample a block.
    Eighth,
}

/// Decodes a picture to one plane per component, each at its scale.
pub(crate) fn decode(
    _bytes: &[u8],
    _header: &Header,
    _scales: &[Scale],
    _path: CodePath,
) -> Result<Vec<Plane>, Rejection> {
    todo!("the decoder")
}
