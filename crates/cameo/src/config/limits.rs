//! What an original may be at most, and what making its renditions may take.

use std::time::Duration;

use bytesize::ByteSize;
use serde::{Deserialize, Serialize};

use super::misconfigured;
use crate::{model::error::Result, render::children};

/// What an original may be at most.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OriginalLimits {
    /// Bytes of an original; a larger one is rejected without being read.
    pub original: ByteSize,
    /// Width times height.
    pub pixels: u64,
    /// The longer side in pixels.
    pub side: u32,
    /// Scans of a progressive JPEG.
    pub scans: u32,
    /// CPU time for making the renditions of one original.
    #[serde(with = "humantime_serde")]
    pub render_cpu: Duration,
    /// Time by the clock for the same: for a child that waits instead of working.
    #[serde(with = "humantime_serde")]
    pub render_wall: Duration,
    /// Memory for making the renditions of one original, beside the original itself.
    pub render_memory: ByteSize,
}

impl Default for OriginalLimits {
    fn default() -> Self {
        let engine = cameo_image::Limits::default();
        Self {
            original: ByteSize::b(engine.max_bytes),
            pixels: engine.max_pixels,
            side: engine.max_side,
            scans: engine.max_scans,
            render_cpu: children::RENDER_CPU,
            render_wall: children::RENDER_WALL,
            render_memory: ByteSize::b(children::RENDER_MEMORY_BYTES),
        }
    }
}

impl OriginalLimits {
    /// Refuses limits under which no original could be taken.
    pub(super) fn check(&self) -> Result<()> {
        let zero = [
            ("original", self.original.as_u64() == 0),
            ("pixels", self.pixels == 0),
            ("side", self.side == 0),
            ("scans", self.scans == 0),
            ("render_cpu", self.render_cpu.is_zero()),
            ("render_wall", self.render_wall.is_zero()),
            ("render_memory", self.render_memory.as_u64() == 0),
        ];
        match zero.iter().find(|(_, is_zero)| *is_zero) {
            Some((name, _)) => Err(misconfigured(format!("read limits.{name} = 0: every original would be refused"))),
            None => Ok(()),
        }
    }
}

impl From<&OriginalLimits> for cameo_image::Limits {
    fn from(limits: &OriginalLimits) -> Self {
        Self {
            max_bytes: limits.original.as_u64(),
            max_pixels: limits.pixels,
            max_side: limits.side,
            max_scans: limits.scans,
        }
    }
}
