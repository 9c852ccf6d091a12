//! Baseline JPEG encoding, 4:2:0 or grey: planes in, a file out.
//!
//! Samples become quantised coefficients a few blocks at a time, and those become bits while they are still in the
//! cache. The file depends on the planes, the quality and the kind of Huffman tables, never on the code path.

#![allow(
    clippy::inline_always,
    reason = "hot code is written once and compiled for each code path, which works only where it is inlined there"
)]

#[cfg(target_arch = "x86_64")]
mod avx2;
mod bits;
mod blocks;
mod entropy;
mod headers;
mod huffman;
mod quantise;
mod zigzag;

use self::blocks::{Block, WIDE};
use self::entropy::{Counts, Direct, Sink};
use self::huffman::Huffman;
use self::quantise::{Channel, Quantiser};
use crate::code_path::{CodePath, Runnable};
use crate::picture::Picture;
use crate::planes::Plane;

/// MCUs whose blocks are transformed before their bits are written.
const STRIP: usize = 4;
/// Blocks of luma in a strip of a 4:2:0 picture.
const LUMA_BLOCKS: usize = 4 * STRIP;

/// Rows of MCUs, of those spread over the picture, that Huffman tables are made for: to look at all of a picture costs more time
/// than the last half percent of bytes is worth.
const SAMPLED_ROWS: usize = 5;
/// One of so many rows of MCUs is looked at, at least.
const MOST_STEP: usize = 8;

/// Encodes a picture. `quality` is 1 to 100; `optimize` makes Huffman tables for this picture.
pub(crate) fn encode(picture: &Picture, quality: u8, optimize: bool, path: CodePath) -> Vec<u8> {
    let quantisers = [Channel::Luma, Channel::Chroma].map(|channel| Quantiser::new(channel, quality));
    let standard = [Huffman::dc_luma(), Huffman::ac_luma(), Huffman::dc_chroma(), Huffman::ac_chroma()];
    let mut file = Vec::new();
    let tables = if optimize { tables_for(picture, &quantisers, path, &standard) } else { standard };
    let mut direct = Direct::new(&tables);
    direct.reserve(picture.width * picture.height / 1024);
    scan(picture, &quantisers, path, 1, &mut direct);
    headers::write(picture, &quantisers, &tables, &mut file);
    direct.bits.finish(direct.end, &mut file);
    file.extend(headers::END);
    file
}

/// Huffman tables made for some rows of MCUs, with a code for every symbol of the standard's; or for all rows of a picture that has few.
fn tables_for(picture: &Picture, quantisers: &[Quantiser; 2], path: CodePath, standard: &[Huffman; 4]) -> [Huffman; 4] {
    let step = (picture.height.div_ceil(16) / SAMPLED_ROWS).clamp(1, MOST_STEP);
    let mut counts = Counts::new();
    scan(picture, quantisers, path, step, &mut counts);
    if step == 1 { counts.best_tables() } else { counts.likely_tables(standard) }
}

/// Puts every block of the picture, in the order of an interleaved scan; or those of one of `step` rows of MCUs, the middle
/// one of the first so many and so on.
fn scan(picture: &Picture, quantisers: &[Quantiser; 2], path: CodePath, step: usize, sink: &mut impl Sink) {
    match Runnable::new(path).path() {
        #[cfg(target_arch = "x86_64")]
        CodePath::Avx512 | CodePath::Avx2 => avx2::scan(picture, quantisers, Runnable::new(path), step, sink),
        _ => scan_on(picture, quantisers, path, step, sink),
    }
}

/// [`scan`] in whatever instructions the caller is compiled for.
#[inline(always)]
fn scan_on(picture: &Picture, quantisers: &[Quantiser; 2], path: CodePath, step: usize, sink: &mut impl Sink) {
    if blocks::in_order(path) {
        scan_planes::<true>(picture, quantisers, path, step, sink);
    } else {
        scan_planes::<false>(picture, quantisers, path, step, sink);
    }
}

/// `IN_ORDER` as [`blocks::in_order`] tells.
#[inline(always)]
fn scan_planes<const IN_ORDER: bool>(
    picture: &Picture,
    quantisers: &[Quantiser; 2],
    path: CodePath,
    step: usize,
    sink: &mut impl Sink,
) {
    match picture.planes.as_slice() {
        [grey] => scan_grey::<IN_ORDER>(picture, grey, &quantisers[0], path, step, sink),
        [luma, blue, red] => scan_colour::<IN_ORDER>(picture, [luma, blue, red], quantisers, path, step, sink),
        _ => unreachable!("a picture has one plane or three"),
    }
}

#[inline(always)]
fn scan_grey<const IN_ORDER: bool>(
    picture: &Picture,
    plane: &Plane,
    by: &Quantiser,
    path: CodePath,
    step: usize,
    sink: &mut impl Sink,
) {
    let (across, down) = (picture.width.div_ceil(8), picture.height.div_ceil(8));
    let mut blocks = [Block::ZERO; WIDE];
    let mut before = 0;
    for row in (step / 2..down).step_by(step) {
        for from in (0..across).step_by(WIDE) {
            blocks::transform(&plane.data[row * 8 * plane.stride + from * 8..], plane.stride, by, path, &mut blocks);
            sink.reserve(WIDE);
            for block in &blocks[..WIDE.min(across - from)] {
                put::<IN_ORDER>(sink, 0, &mut before, block);
            }
        }
    }
}

#[inline(always)]
fn scan_colour<const IN_ORDER: bool>(
    picture: &Picture,
    [luma, blue, red]: [&Plane; 3],
    quantisers: &[Quantiser; 2],
    path: CodePath,
    step: usize,
    sink: &mut impl Sink,
) {
    let (across, down) = (picture.width.div_ceil(16), picture.height.div_ceil(16));
    let mut strip = Strip::new();
    let mut before = [0; 3];
    for row in (step / 2..down).step_by(step) {
        for from in (0..across).step_by(STRIP) {
            strip.transform_luma(luma, row, from, &quantisers[0], path);
            for (plane, out) in [blue, red].into_iter().zip(&mut strip.chroma) {
                let at = row * 8 * plane.stride + from * 8;
                blocks::transform(&plane.data[at..], plane.stride, &quantisers[1], path, out);
            }
            sink.reserve(6 * STRIP);
            for mcu in 0..STRIP.min(across - from) {
                for block in strip.luma_of(mcu) {
                    put::<IN_ORDER>(sink, 0, &mut before[0], block);
                }
                put::<IN_ORDER>(sink, 1, &mut before[1], &strip.chroma[0][mcu]);
                put::<IN_ORDER>(sink, 1, &mut before[2], &strip.chroma[1][mcu]);
            }
        }
    }
}

/// The blocks of a few MCUs side by side.
struct Strip {
    /// Two rows of luma blocks, in groups of [`WIDE`].
    luma: [[Block; WIDE]; LUMA_BLOCKS / WIDE],
    chroma: [[Block; WIDE]; 2],
}

impl Strip {
    fn new() -> Self {
        Self { luma: [[Block::ZERO; WIDE]; LUMA_BLOCKS / WIDE], chroma: [[Block::ZERO; WIDE]; 2] }
    }

    fn transform_luma(&mut self, luma: &Plane, row: usize, from: usize, by: &Quantiser, path: CodePath) {
        for (i, out) in self.luma.iter_mut().enumerate() {
            let (y, x) = (row * 16 + i / 2 * 8, from * 16 + i % 2 * 8 * WIDE);
            blocks::transform(&luma.data[y * luma.stride + x..], luma.stride, by, path, out);
        }
    }

    /// The four blocks of luma of an MCU.
    fn luma_of(&self, mcu: usize) -> [&Block; 4] {
        let blocks = self.luma.as_flattened();
        let (top, low) = (2 * mcu, 2 * mcu + 2 * STRIP);
        [&blocks[top], &blocks[top + 1], &blocks[low], &blocks[low + 1]]
    }
}

#[inline(always)]
fn put<const IN_ORDER: bool>(sink: &mut impl Sink, class: usize, before: &mut i32, block: &Block) {
    let dc = i32::from(block.coefficients[0]);
    sink.block::<IN_ORDER>(class, dc - *before, block);
    *before = dc;
}
