//! Where the blocks of each component lie: in the file's MCUs, and in the planes at their scales.

use super::Scale;
use crate::header::Header;
use crate::header::tables::ZIGZAG;
use crate::planes::Plane;
use crate::scratch::Buffer;

/// Blocks that a transform may write beyond the last of a row; rows of planes have room for them.
pub(super) const SPARE_BLOCKS: usize = 8;

/// The layout of a picture.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    pub(super) components: Vec<ComponentLayout>,
    /// MCUs of an interleaved scan in a row, and rows of them.
    pub(super) mcus_wide: usize,
    pub(super) mcus_high: usize,
}

/// The layout of one component.
#[derive(Debug, Clone)]
pub(super) struct ComponentLayout {
    /// Blocks of the component in an interleaved MCU.
    pub(super) h: usize,
    pub(super) v: usize,
    /// Quantisation table.
    pub(super) quant: usize,
    /// Blocks that the component has by itself, as a scan of it alone codes them.
    pub(super) blocks_wide: usize,
    pub(super) blocks_high: usize,
    /// Blocks in whole MCUs.
    pub(super) padded_wide: usize,
    pub(super) padded_high: usize,
    /// Samples on a side of a scaled block.
    pub(super) side: usize,
    /// Size of the picture in samples of the scaled component.
    extent: (f64, f64),
}

impl Layout {
    pub(super) fn new(header: &Header, scales: &[Scale]) -> Self {
        let alone = header.components.len() == 1;
        let (h_max, v_max) = header.max_sampling();
        // A picture of one component has no subsampling, whatever factors its header states (T.81, A.2.2).
        let (h_max, v_max) = if alone { (1, 1) } else { (usize::from(h_max), usize::from(v_max)) };
        let (width, height) = (header.width as usize, header.height as usize);
        let (mcus_wide, mcus_high) = (width.div_ceil(8 * h_max), height.div_ceil(8 * v_max));
        let component = |(component, scale): (&crate::header::Component, &Scale)| {
            let (h, v) = if alone { (1, 1) } else { (usize::from(component.h), usize::from(component.v)) };
            ComponentLayout {
                h,
                v,
                quant: usize::from(component.quant),
                blocks_wide: (width * h).div_ceil(h_max).div_ceil(8),
                blocks_high: (height * v).div_ceil(v_max).div_ceil(8),
                padded_wide: mcus_wide * h,
                padded_high: mcus_high * v,
                side: scale.block_side(),
                extent: (extent(header.width, h, h_max, *scale), extent(header.height, v, v_max, *scale)),
            }
        };
        Self { components: header.components.iter().zip(scales).map(component).collect(), mcus_wide, mcus_high }
    }

    /// Blocks of the whole picture, without padding.
    pub(super) fn blocks(&self) -> usize {
        self.components.iter().map(|c| c.blocks_wide * c.blocks_high).sum()
    }
}

/// Samples of a component along one side, fractional where the picture ends inside a sample.
fn extent(pixels: u32, factor: usize, factor_max: usize, scale: Scale) -> f64 {
    let eighths = |n: usize| f64::from(u32::try_from(n).unwrap_or(8));
    f64::from(pixels) * eighths(factor) * eighths(scale.block_side()) / (eighths(factor_max) * 8.0)
}

impl ComponentLayout {
    /// Bytes from a row of the plane to the next.
    pub(super) fn stride(&self) -> usize {
        ((self.padded_wide + SPARE_BLOCKS) * self.side).next_multiple_of(16)
    }

    /// Coefficients kept of a block.
    pub(super) fn kept(&self) -> usize {
        self.side * self.side
    }

    /// A plane for the component, without samples.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "sides are at most 65 535")]
    pub(super) fn plane(&self) -> Plane {
        let stride = self.stride();
        Plane {
            data: Buffer::unwritten(stride * self.padded_high * self.side),
            stride,
            width: self.extent.0.ceil() as usize,
            height: self.extent.1.ceil() as usize,
            extent: self.extent,
        }
    }
}

/// Where the coefficients of a block go, for a side: the slot of the `n`-th in zigzag order stands at `n + 1`.
///
/// Blocks are kept column by column, as the inverse transform's first pass wants them. What the scale does not need,
/// and every index that no block has, goes to the slot behind the block.
pub(super) type SlotTable = [u8; 256];

/// The slot table of a block side (8, 4, 2 or 1).
#[allow(clippy::cast_possible_truncation, reason = "a slot is 64 at most")]
pub(super) const fn slots(side: usize) -> SlotTable {
    let behind = (side * side) as u8;
    let mut table = [behind; 256];
    let mut n = 0;
    while n < 64 {
        let (row, column) = (ZIGZAG[n] as usize / 8, ZIGZAG[n] as usize % 8);
        if row < side && column < side {
            table[n + 1] = (column * side + row) as u8;
        }
        n += 1;
    }
    table
}

/// The slot table of a block side, made once.
pub(super) fn slots_of(side: usize) -> &'static SlotTable {
    static TABLES: [SlotTable; 4] = [slots(8), slots(4), slots(2), slots(1)];
    &TABLES[match side {
        8 => 0,
        4 => 1,
        2 => 2,
        _ => 3,
    }]
}
