//! The marker segments of a rendition: JFIF, tables, frame and scan; nothing about where the picture came from.

use super::huffman::Huffman;
use super::quantise::Quantiser;
use crate::picture::Picture;

const START: [u8; 2] = [0xFF, 0xD8];
pub(super) const END: [u8; 2] = [0xFF, 0xD9];
/// JFIF 1.01, square pixels, no thumbnail.
const JFIF: [u8; 14] = [b'J', b'F', b'I', b'F', 0, 1, 1, 0, 0, 1, 0, 1, 0, 0];

/// Everything before the first scan's bits. `tables` are DC luma, AC luma, DC chroma and AC chroma.
pub(super) fn write(picture: &Picture, quantisers: &[Quantiser; 2], tables: &[Huffman; 4], out: &mut Vec<u8>) {
    let channels = if picture.planes.len() == 1 { 1 } else { 2 };
    out.extend(START);
    segment(out, 0xE0, &JFIF);
    for (id, quantiser) in (0..).zip(&quantisers[..channels]) {
        segment(out, 0xDB, &[&[id][..], &quantiser.zigzag].concat());
    }
    frame(out, picture);
    for (i, table) in (0_u8..).zip(&tables[..2 * channels]) {
        let class_and_id = ((i % 2) << 4) | (i / 2);
        segment(out, 0xC4, &[&[class_and_id][..], &table.counts, &table.symbols].concat());
    }
    scan(out, picture.planes.len());
}

fn frame(out: &mut Vec<u8>, picture: &Picture) {
    let side =
        |pixels: usize| u16::try_from(pixels).expect("a rendition has at most 65535 pixels a side").to_be_bytes();
    let mut body = vec![8];
    body.extend(side(picture.height));
    body.extend(side(picture.width));
    if picture.planes.len() == 1 {
        body.extend([1, 1, 0x11, 0]);
    } else {
        body.extend([3, 1, 0x22, 0, 2, 0x11, 1, 3, 0x11, 1]);
    }
    segment(out, 0xC0, &body);
}

fn scan(out: &mut Vec<u8>, planes: usize) {
    let components: &[u8] = if planes == 1 { &[1, 1, 0x00] } else { &[3, 1, 0x00, 2, 0x11, 3, 0x11] };
    segment(out, 0xDA, &[components, &[0, 63, 0]].concat());
}

fn segment(out: &mut Vec<u8>, marker: u8, body: &[u8]) {
    out.extend([0xFF, marker]);
    out.extend(u16::try_from(body.len() + 2).expect("a segment of ours is short").to_be_bytes());
    out.extend(body);
}
