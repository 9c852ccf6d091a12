//! From the bytes of a JPEG to the planes of its components, scaled in the DCT domain.
//!
//! A picture stays in the components that its file has: no colour conversion, no chroma upsampling. Every MCU of the
//! picture must be there; one that is missing or contradicts its tables rejects the file. All code paths give the same
//! bytes.

#![allow(
    clippy::inline_always,
    reason = "hot code is written once and compiled for each code path, which works only where it is inlined there"
)]

mod ac_scan;
#[cfg(target_arch = "x86_64")]
mod avx2;
mod bits;
mod coefficients;
mod dc_scan;
mod entropy;
mod huffman;
mod idct;
mod layout;
mod mcus;
mod on_path;
mod progressive;
mod refinements;
mod sequential;
mod state;
#[cfg(test)]
mod tests;

use crate::code_path::{CodePath, Runnable};
use crate::header::Header;
use crate::header::scan::ScanHeader;
use crate::header::segments::{Ending, Segments, marker};
use crate::header::{corrupt, is_frame, reserved, truncated};
use crate::planes::Plane;
use crate::reason::Rejection;
use layout::Layout;
use progressive::Progressive;
use sequential::Sequential;
use state::TableState;

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

impl Scale {
    /// Samples on a side of a block.
    pub(crate) const fn block_side(self) -> usize {
        match self {
            Self::Full => 8,
            Self::Half => 4,
            Self::Quarter => 2,
            Self::Eighth => 1,
        }
    }
}

/// Decodes a picture to one plane per component, each at its scale.
///
/// `header` is what [`crate::header::read_header`] said of the same bytes; `scales` has an entry per component.
pub(crate) fn decode(bytes: &[u8], header: &Header, scales: &[Scale], path: CodePath) -> Result<Vec<Plane>, Rejection> {
    let layout = Layout::new(header, scales);
    let path = Runnable::new(path);
    let planes = if header.progressive {
        decode_with(Progressive::new(&layout, path), bytes, header)
    } else {
        decode_with(Sequential::new(&layout, path), bytes, header)
    };
    let (width, height) = header.upright_size();
    planes.map_err(|rejection| rejection.of_size(width, height))
}

/// What a process does with the scans of a file.
trait Process {
    /// Decodes a scan whose data begin at an offset; gives the offset where they end.
    fn scan(&mut self, bytes: &[u8], at: usize, scan: &ScanHeader, tables: &mut TableState)
    -> Result<usize, Rejection>;
    /// Whether no later scan can add to the picture.
    fn is_complete(&self) -> bool;
    /// The planes, when the scans seen make a whole picture. `at_eoi` tells whether the file said so itself.
    fn finish(self, at_eoi: bool) -> Result<Vec<Plane>, Rejection>;
}

fn decode_with(mut process: impl Process, bytes: &[u8], header: &Header) -> Result<Vec<Plane>, Rejection> {
    let mut tables = TableState::at_start(header.progressive);
    let mut segments = Segments::starting_at(bytes, 2);
    let mut scans = 0;
    let at_eoi = loop {
        let segment = match segments.next() {
            Ok(segment) => segment,
            Err(Ending::Eoi) => break true,
            Err(Ending::Clean) => break false,
            Err(Ending::Cut) => return Err(truncated("the data end inside a segment between two scans")),
            Err(Ending::BadLength) => return Err(corrupt("a segment shorter than its length field")),
        };
        match segment.marker {
            marker::DQT | marker::DHT | marker::DRI => tables.take(segment)?,
            marker::SOS => {
                let scan = ScanHeader::parse(segment.payload, &header.components, header.progressive)?;
                let end = process.scan(bytes, segment.end, &scan, &mut tables)?;
                scans += 1;
                if process.is_complete() {
                    break true;
                }
                segments = Segments::starting_at(bytes, end);
                segments.skip_entropy_coded();
            }
            code if scans > 0 && (code == marker::SOI || is_frame(code)) => {
                return Err(corrupt("a second picture before the first is whole"));
            }
            code @ marker::RES_FIRST..=marker::RES_LAST => return Err(reserved(code)),
            _ => {}
        }
    };
    process.finish(at_eoi)
}
