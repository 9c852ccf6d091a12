//! What tests, fuzz targets, benches and measurements need of the inside: code paths to compare, and the steps one by one.
//!
//! No part of the stable API: anything here may change or go with any version. Whoever renders photos needs nothing of it.

pub use crate::code_path::CodePath;
use crate::decode::Scale;
use crate::header::read_header;
use crate::picture::{Picture, PlaneSize};
use crate::planes::Plane;
use crate::resize::{Axis, Kernels, Resize, Span};
use crate::{Limits, Rejection, Rendered, SizeSet, decode, encode, engine, exif, icc, scratch};

/// [`render`](crate::render) on one code path: it changes the time it takes and nothing else.
///
/// # Errors
/// As [`render`](crate::render).
///
/// # Panics
/// If this machine does not have the code path.
pub fn render_with(
    path: CodePath,
    original: &[u8],
    size_set: &SizeSet,
    limits: &Limits,
) -> Result<Rendered, Rejection> {
    engine::render(original, size_set, limits, path)
}

/// A component plane, as [`decode_planes`] gives it.
#[derive(Debug, Clone, PartialEq)]
pub struct PlaneView {
    /// The samples, row by row.
    pub data: Vec<u8>,
    /// Samples from the beginning of a row to that of the next.
    pub stride: usize,
    /// Samples in a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Width and height of the picture in samples of this plane: a part of the last ones may lie beyond it.
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

/// Resizes the whole of a plane.
pub fn resize_plane(plane: &PlaneView, width: usize, height: usize, path: CodePath) -> PlaneView {
    let mut kernels = Kernels::default();
    let size = PlaneSize::luma(width, height);
    let span = |length| Span { start: 0.0, length, mirrored: false };
    let columns = Axis::new(plane.width, span(plane.extent.0), size.extent.0, width, &mut kernels);
    let rows = Axis::new(plane.height, span(plane.extent.1), size.extent.1, height, &mut kernels);
    view(Resize::new(columns, rows, size.extent, path).apply(&plane_of(plane)))
}

/// Encodes a grey plane of [`resize_plane`], or three of them as 4:2:0.
pub fn encode_planes(planes: &[PlaneView], quality: u8, optimize: bool, path: CodePath) -> Vec<u8> {
    let (width, height) = (planes[0].width, planes[0].height);
    let picture = Picture { width, height, planes: planes.iter().map(plane_of).collect() };
    encode::encode(&picture, quality, optimize, path)
}

/// Writes a byte over the memory that calls on this thread leave to the next. No rendition may depend on it.
pub fn overwrite_scratch(byte: u8) {
    scratch::overwrite(byte);
}

/// Bytes of that memory.
pub fn scratch_bytes() -> usize {
    scratch::kept_bytes()
}

fn view(p: Plane) -> PlaneView {
    PlaneView { data: p.data.to_vec(), stride: p.stride, width: p.width, height: p.height, extent: p.extent }
}

fn plane_of(p: &PlaneView) -> Plane {
    Plane { data: p.data[..].into(), stride: p.stride, width: p.width, height: p.height, extent: p.extent }
}
