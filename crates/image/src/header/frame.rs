//! The frame header (SOF): process, precision, size and components.

use super::segments::marker;
use super::{Component, corrupt};
use crate::reason::{Reason, Rejection};

/// A frame header whose process, precision and components the decoder knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) width: u32,
    /// 0 where a DNL segment is to tell.
    pub(super) height: u32,
    pub(super) components: Vec<Component>,
    pub(super) progressive: bool,
}

/// Whether a marker starts a frame of any process, supported or not.
pub(crate) fn is_frame(code: u8) -> bool {
    let is_sof = (0xC0..=0xCF).contains(&code) && code != marker::DHT && code != marker::DAC;
    is_sof || matches!(code, marker::DHP | marker::EXP) || (marker::JPG0..=marker::JPG13).contains(&code)
}

/// Width and height as a frame header of any process states them; for the report of a rejection.
pub(super) fn claimed_size(payload: &[u8]) -> Option<(u32, u32)> {
    let two = |at: usize| payload.get(at..at + 2).map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]])));
    Some((two(3)?, two(1)?))
}

impl Frame {
    /// Reads and checks the payload of a frame header.
    pub(super) fn parse(code: u8, payload: &[u8]) -> Result<Self, Rejection> {
        if !matches!(code, marker::SOF0 | marker::SOF1 | marker::SOF2) {
            let detail =
                format!("marker FF{code:02X}: only baseline, extended and progressive Huffman coding are supported");
            return Err(Rejection::new(Reason::UnsupportedProcess, detail));
        }
        let (head, rest) = payload.split_at_checked(6).ok_or_else(|| corrupt("a frame header cut short"))?;
        let (width, height) = claimed_size(head).ok_or_else(|| corrupt("a frame header cut short"))?;
        if head[0] != 8 {
            let detail = format!("samples of {} bits, only 8 are supported", head[0]);
            return Err(Rejection::new(Reason::UnsupportedPrecision, detail));
        }
        if width == 0 {
            return Err(corrupt("a width of 0"));
        }
        let components = parse_components(usize::from(head[5]), rest)?;
        Ok(Self { width, height, components, progressive: code == marker::SOF2 })
    }
}

fn parse_components(count: usize, rest: &[u8]) -> Result<Vec<Component>, Rejection> {
    if rest.len() != count * 3 {
        return Err(corrupt(format!("{} bytes in a frame header for {count} components", rest.len())));
    }
    if !matches!(count, 1 | 3 | 4) {
        let detail = format!("{count} colour components, only 1, 3 and 4 have a meaning");
        return Err(Rejection::new(Reason::UnsupportedComponents, detail));
    }
    rest.chunks_exact(3).map(parse_component).collect()
}

fn parse_component(three: &[u8]) -> Result<Component, Rejection> {
    let component = Component { id: three[0], h: three[1] >> 4, v: three[1] & 15, quant: three[2] };
    if !(1..=4).contains(&component.h) || !(1..=4).contains(&component.v) {
        return Err(corrupt(format!("sampling factors {}x{}, 1 to 4 are allowed", component.h, component.v)));
    }
    if component.quant > 3 {
        return Err(corrupt(format!("quantisation table {}, 0 to 3 exist", component.quant)));
    }
    Ok(component)
}
