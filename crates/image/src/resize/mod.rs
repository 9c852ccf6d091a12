//! Resizing of one plane of samples: rows first, then columns, both by weights of an [`Axis`] each.
//!
//! Source rows are blended into a few rows of the output's height, which are made narrower while they are still in the
//! cache: there is no picture in between. Integers throughout; the code paths differ in speed, never in a byte.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod axis;
#[cfg(target_arch = "aarch64")]
mod neon;
mod portable;
#[cfg(target_arch = "x86_64")]
mod sheets;
#[cfg(target_arch = "x86_64")]
mod sse2;
mod transpose;

pub(crate) use axis::{Axis, Kernels, Span};
pub(crate) use transpose::transpose;

use crate::code_path::CodePath;
use crate::planes::Plane;
use crate::scratch::Buffer;

/// Rows that are made narrower together.
const BATCH: usize = 4;

/// Samples a row is padded to: whole vectors of every code path, and whole blocks.
const STRIDE_STEP: usize = 64;
/// Rows a plane is padded to: whole blocks of a luma row.
const ROW_STEP: usize = 16;

/// A plane of a size, without samples, with room for whole blocks.
pub(crate) fn blank(width: usize, height: usize, extent: (f64, f64)) -> Plane {
    let stride = width.next_multiple_of(STRIDE_STEP);
    let data = Buffer::unwritten(stride * height.next_multiple_of(ROW_STEP));
    Plane { data, stride, width, height, extent }
}

/// Repeats the last column and the last row to the end of the plane's room.
pub(crate) fn pad(plane: &mut Plane) {
    let (stride, height) = (plane.stride, plane.height);
    pad_columns(&mut plane.data[..height * stride], stride, plane.width);
    pad_rows(&mut plane.data, stride, height);
}

fn pad_columns(lines: &mut [u8], stride: usize, width: usize) {
    if width < stride {
        for line in lines.chunks_exact_mut(stride) {
            let last = line[width - 1];
            line[width..].fill(last);
        }
    }
}

fn pad_rows(data: &mut [u8], stride: usize, height: usize) {
    let (rows, padding) = data.split_at_mut(height * stride);
    for row in padding.chunks_exact_mut(stride) {
        row.copy_from_slice(&rows[(height - 1) * stride..]);
    }
}

/// A resize made ready: for any number of planes of the same size.
pub(crate) struct Resize {
    columns: Axis,
    rows: Axis,
    extent: (f64, f64),
    /// The first source column in use, and how many are.
    first: usize,
    span: usize,
    weights: RowWeights,
    layout: ColumnLayout,
    /// Taken instead of weights and layout where there is one.
    #[cfg(target_arch = "x86_64")]
    sheets: Option<(CodePath, sheets::Sheets)>,
    /// The same for NEON.
    #[cfg(target_arch = "aarch64")]
    neon: Option<neon::Layout>,
}

/// The weights of the rows, packed for a code path.
enum RowWeights {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2(Vec<i32>),
    #[cfg(target_arch = "x86_64")]
    Avx512(Vec<[i32; 2]>),
}

/// The weights of the columns, laid out for a code path.
enum ColumnLayout {
    Copy,
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2(avx2::Layout),
    #[cfg(target_arch = "x86_64")]
    Avx512(avx512::Layout),
}

impl RowWeights {
    #[cfg_attr(not(target_arch = "x86_64"), allow(unused_variables))]
    fn new(rows: &Axis, span: usize, path: CodePath) -> Self {
        match path {
            #[cfg(target_arch = "x86_64")]
            CodePath::Avx512 if span >= avx512::LEAST_WIDTH => Self::Avx512(avx512::fours(&rows.weights)),
            #[cfg(target_arch = "x86_64")]
            CodePath::Avx512 | CodePath::Avx2 if span >= avx2::LEAST_WIDTH => Self::Avx2(avx2::pairs(&rows.weights)),
            _ => Self::Portable,
        }
    }
}

impl ColumnLayout {
    #[cfg_attr(not(target_arch = "x86_64"), allow(unused_variables))]
    fn new(columns: &Axis, first: usize, path: CodePath) -> Self {
        if columns.is_copy() {
            return Self::Copy;
        }
        #[cfg(target_arch = "x86_64")]
        if path == CodePath::Avx512
            && let Some(layout) = avx512::Layout::new(columns, first)
        {
            return Self::Avx512(layout);
        }
        #[cfg(target_arch = "x86_64")]
        if path != CodePath::Portable
            && let Some(layout) = avx2::Layout::new(columns, first)
        {
            return Self::Avx2(layout);
        }
        Self::Portable
    }

    /// How far beyond the samples in use a row is read.
    fn slack(&self) -> usize {
        match self {
            Self::Copy | Self::Portable => 0,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(_) => avx2::SLACK,
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(_) => avx512::SLACK,
        }
    }
}

impl Resize {
    /// Of the output, `extent` is picture (see [`Plane::extent`]).
    pub(crate) fn new(columns: Axis, rows: Axis, extent: (f64, f64), path: CodePath) -> Self {
        let (first, end) = columns.reach();
        let span = end - first;
        let layout = ColumnLayout::new(&columns, first, path);
        let weights = RowWeights::new(&rows, span, path);
        #[cfg(target_arch = "aarch64")]
        let neon = (path == CodePath::Neon).then(|| neon::Layout::new(&columns, &rows, first, span)).flatten();
        #[cfg(target_arch = "x86_64")]
        let strips = [(CodePath::Avx2, avx2::STRIP), (CodePath::Portable, sse2::STRIP)];
        #[cfg(target_arch = "x86_64")]
        let sheets = strips
            .into_iter()
            .find_map(|(of, strip)| (of == path).then_some(strip))
            .filter(|_| !columns.is_copy())
            .and_then(|strip| sheets::Sheets::new(&columns, &rows, (first, span), strip).map(|sheets| (path, sheets)));
        Self {
            columns,
            rows,
            extent,
            first,
            span,
            weights,
            layout,
            #[cfg(target_arch = "aarch64")]
            neon,
            #[cfg(target_arch = "x86_64")]
            sheets,
        }
    }

    /// Makes a plane from another; it is padded to whole blocks with copies of its last samples.
    pub(crate) fn apply(&self, source: &Plane) -> Plane {
        assert_eq!((source.width, source.height), (self.columns.source, self.rows.source), "made for another size");
        let (width, height) = (self.columns.len(), self.rows.len());
        let mut out = blank(width, height, self.extent);
        let stride = out.stride;
        #[cfg(target_arch = "aarch64")]
        if let Some(neon) = &self.neon {
            neon.apply(source, &mut out.data, stride);
            pad_rows(&mut out.data, stride, height);
            return out;
        }
        #[cfg(target_arch = "x86_64")]
        if let Some((path, sheets)) = &self.sheets {
            match path {
                CodePath::Avx2 => avx2::apply(sheets, source, &mut out),
                _ => sse2::apply(sheets, source, &mut out),
            }
            pad(&mut out);
            return out;
        }
        let length = self.span + self.columns.taps + self.layout.slack();
        let mut lines: [Vec<u8>; BATCH] = std::array::from_fn(|_| vec![0; length]);
        for from in (0..height).step_by(BATCH) {
            let count = BATCH.min(height - from);
            for (y, line) in (from..from + count).zip(&mut lines) {
                self.blend(source, y, line);
            }
            let made = &mut out.data[from * stride..][..count * stride];
            self.gather(&lines, made, stride);
            pad_columns(made, stride, width);
        }
        pad_rows(&mut out.data, stride, height);
        out
    }

    /// Makes the line for row `y` of the output.
    fn blend(&self, source: &Plane, y: usize, line: &mut [u8]) {
        let weights = self.rows.weights_of(y);
        let start = self.rows.starts[y] as usize;
        let row = |k: usize| {
            let from = (start + k).min(source.height - 1) * source.stride + self.first;
            &source.data[from..from + self.span]
        };
        let out = &mut line[..self.span];
        if i32::from(weights[0]) == axis::ONE {
            out.copy_from_slice(row(0));
            return;
        }
        let rows: Vec<&[u8]> = (0..weights.len()).map(row).collect();
        // What the next row of the output takes and this one does not.
        #[cfg(target_arch = "x86_64")]
        let ahead: Vec<&[u8]> = {
            let next = self.rows.starts.get(y + 1).map_or(start, |&next| next as usize);
            let end = start + weights.len();
            (end..(next + weights.len()).min(source.height)).map(|at| row(at - start)).collect()
        };
        match &self.weights {
            RowWeights::Portable => portable::blend(&rows, weights, out),
            #[cfg(target_arch = "x86_64")]
            RowWeights::Avx2(packed) => avx2::blend(&rows, &ahead, row_of(packed, y, self.rows.len()), out),
            #[cfg(target_arch = "x86_64")]
            RowWeights::Avx512(packed) => avx512::blend(&rows, &ahead, row_of(packed, y, self.rows.len()), out),
        }
    }

    /// Makes rows of the output, `stride` apart, from the lines of the batch.
    fn gather(&self, lines: &[Vec<u8>; BATCH], out: &mut [u8], stride: usize) {
        let width = self.columns.len();
        #[cfg(target_arch = "x86_64")]
        if let ColumnLayout::Avx512(layout) = &self.layout
            && let Some(outs) = batch_of(out, stride, width)
        {
            return avx512::gather(layout, lines.each_ref().map(Vec::as_slice), outs);
        }
        for (line, out) in lines.iter().zip(out.chunks_exact_mut(stride)) {
            self.gather_one(line, &mut out[..width]);
        }
    }

    fn gather_one(&self, line: &[u8], out: &mut [u8]) {
        match &self.layout {
            ColumnLayout::Copy => {
                let from = self.columns.starts[0] as usize - self.first;
                out.copy_from_slice(&line[from..from + out.len()]);
            }
            #[cfg(target_arch = "x86_64")]
            ColumnLayout::Avx2(layout) => avx2::gather(layout, line, out),
            #[cfg(target_arch = "x86_64")]
            ColumnLayout::Avx512(layout) => avx512::gather(layout, [line], [out]),
            ColumnLayout::Portable => portable::gather(&self.columns, self.first, line, out),
        }
    }
}

/// The packed weights of one of `rows` rows.
#[cfg(target_arch = "x86_64")]
fn row_of<T>(packed: &[T], row: usize, rows: usize) -> &[T] {
    let each = packed.len() / rows;
    &packed[row * each..][..each]
}

/// The first `width` samples of every row of a batch; `None` if it is not a whole batch.
#[cfg(target_arch = "x86_64")]
fn batch_of(out: &mut [u8], stride: usize, width: usize) -> Option<[&mut [u8]; BATCH]> {
    let mut lines = out.chunks_exact_mut(stride).map(|line| &mut line[..width]);
    let batch = [lines.next()?, lines.next()?, lines.next()?, lines.next()?];
    Some(batch)
}

#[cfg(test)]
#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "small numbers, made up")]
mod tests {
    use super::*;

    /// Noise without a pattern: a linear congruential generator.
    fn noise(width: usize, height: usize) -> Plane {
        let mut plane = blank(width, height, (width as f64, height as f64));
        let mut state = 12345_u32;
        for sample in plane.data.iter_mut() {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            *sample = (state >> 24) as u8;
        }
        plane
    }

    fn axis(source: usize, start: f64, length: f64, out: usize, mirrored: bool) -> Axis {
        Axis::new(source, Span { start, length, mirrored }, out as f64, out, &mut Kernels::default())
    }

    #[test]
    fn all_code_paths_make_the_same_bytes() {
        for (width, height, out_width, out_height) in [
            (300, 200, 140, 93),
            (300, 200, 300, 200),
            (333, 65, 100, 31),
            (640, 70, 90, 16),
            (700, 64, 20, 9),
            (40, 30, 77, 81),
            (5, 5, 1, 1),
            (1, 1, 130, 3),
            (2000, 9, 3, 5),
        ] {
            let source = noise(width, height);
            for mirrored in [false, true] {
                let columns = axis(width, 0.25, width as f64 - 0.5, out_width, mirrored);
                let rows = axis(height, 0.0, height as f64, out_height, mirrored);
                let extent = (out_width as f64, out_height as f64);
                let on = |path| Resize::new(columns.clone(), rows.clone(), extent, path).apply(&source);
                let alone = Resize::new(columns.clone(), rows.clone(), extent, CodePath::Portable);
                #[cfg(target_arch = "x86_64")]
                let alone = Resize { sheets: None, ..alone };
                let want = alone.apply(&source);
                for path in CodePath::available() {
                    assert_eq!(on(path).data, want.data, "{width}x{height} to {out_width}x{out_height} on {path:?}");
                }
            }
        }
    }

    #[test]
    fn a_flat_picture_stays_flat_to_its_padding() {
        let mut source = noise(123, 77);
        source.data.fill(201);
        let (columns, rows) = (axis(123, 0.0, 123.0, 50, false), axis(77, 0.0, 77.0, 33, false));
        let out = Resize::new(columns, rows, (50.0, 33.0), CodePath::detect()).apply(&source);
        assert!(out.data.iter().all(|&sample| sample == 201));
        assert_eq!((out.stride, out.data.len()), (64, 64 * 48));
    }

    #[test]
    fn mirroring_is_reversing() {
        let source = noise(200, 100);
        let make = |mirrored| {
            let columns = axis(200, 10.5, 180.0, 96, mirrored);
            let rows = axis(100, 0.0, 100.0, 40, false);
            Resize::new(columns, rows, (96.0, 40.0), CodePath::detect()).apply(&source)
        };
        let (forward, back) = (make(false), make(true));
        for (a, b) in forward.data.chunks(forward.stride).zip(back.data.chunks(back.stride)).take(40) {
            assert!(a[..96].iter().zip(b[..96].iter().rev()).all(|(a, b)| a.abs_diff(*b) <= 1));
        }
    }
}
