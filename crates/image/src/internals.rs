//! What fuzz targets, benches and measurements need of the inside. No part of the crate's promise.

#![allow(missing_docs, reason = "for the workspace's own measurements only")]

use crate::code_path::CodePath;
use crate::decode::Scale;
use crate::header::read_header;
use crate::{Limits, Rejection, decode, exif, icc};

/// A component plane, as [`decode_planes`] gives it.
#[derive(Debug, Clone, PartialEq)]
pub struct PlaneView {
    pub data: Vec<u8>,
    pub stride: usize,
    pub width: usize,
    pub height: usize,
    pub extent: (f64, f64),
}

/// Decodes an original; `denominators` (1, 2, 4 or 8) tell the scale of each component, the last that of the rest.
pub fn decode_planes(
    bytes: &[u8],
    limits: &Limits,
    denominators: &[u32],
    path: CodePath,
) -> Result<Vec<PlaneView>, Rejection> {
    let header = read_header(bytes, limits)?;
    let denominator = |index: usize| denominators.get(index).or(denominators.last()).copied().unwrap_or(1);
    let scales: Vec<Scale> = (0..header.components.len()).map(|index| scale(denominator(index))).collect();
    let planes = decode::decode(bytes, &header, &scales, path)?;
    let view = |p: crate::planes::Plane| PlaneView {
        data: p.data,
        stride: p.stride,
        width: p.width,
        height: p.height,
        extent: p.extent,
    };
    Ok(planes.into_iter().map(view).collect())
}

/// Reads the header of an original; gives its upright size.
pub fn upright_size(bytes: &[u8], limits: &Limits) -> Result<(u32, u32), Rejection> {
    read_header(bytes, limits).map(|header| header.upright_size())
}

/// The EXIF orientation (1–8) of a TIFF structure.
pub fn exif_orientation(tiff: &[u8]) -> Option<u8> {
    exif::read_orientation(tiff).map(|orientation| orientation as u8 + 1)
}

/// The ICC profile of some APP2 payloads.
pub fn icc_profile(payloads: &[&[u8]]) -> Option<Vec<u8>> {
    let mut chunks = icc::IccChunks::default();
    for payload in payloads {
        chunks.add_app2(payload);
    }
    chunks.reassemble()
}

fn scale(denominator: u32) -> Scale {
    match denominator {
        2 => Scale::Half,
        4 => Scale::Quarter,
        8 => Scale::Eighth,
        _ => Scale::Full,
    }
}
