//! Size sets: which renditions the originals of a vertical are made into.

use cameo_image::{Fit, ImageSize, SizeSet};
use serde::{Deserialize, Serialize};

use super::wrong;
use crate::{flow::NamedSizeSet, model::error::Result};

/// `[size_sets.NAME]`: the renditions that each original of a vertical gets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SizeSetConfig {
    /// Raise it with every change: it is recorded with what was made.
    pub version: u32,
    /// In the order in which they are rendered; their names are unique, since keys and rows hold them.
    pub sizes: Vec<SizeConfig>,
}

/// An image size.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SizeConfig {
    /// Name in addresses and rows.
    pub name: String,
    /// Width of the box in pixels.
    pub width: u32,
    /// Height of the box in pixels.
    pub height: u32,
    /// How the original is laid into the box.
    pub fit: FitName,
    /// JPEG quality, 1–100.
    #[serde(default = "default_quality")]
    pub quality: u8,
    /// Whether `cover` may enlarge a smaller original.
    #[serde(default = "default_enlarge")]
    pub enlarge: bool,
    /// Whether Huffman tables are made for each rendition: smaller files for a little more time.
    #[serde(default)]
    pub optimize_coding: bool,
}

/// How an original is laid into a box.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FitName {
    /// Fill it and crop.
    Cover,
    /// Fit inside, whole.
    Inside,
}

/// Settings of one vertical.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VerticalConfig {
    /// Name of its size set.
    pub size_set: String,
}

fn default_quality() -> u8 {
    82
}

fn default_enlarge() -> bool {
    true
}

impl Default for SizeSetConfig {
    fn default() -> Self {
        let sizes = SizeSet::default().sizes().iter().map(SizeConfig::from).collect();
        Self { version: 1, sizes }
    }
}

impl From<&ImageSize> for SizeConfig {
    fn from(size: &ImageSize) -> Self {
        Self {
            name: size.name.clone(),
            width: size.width,
            height: size.height,
            fit: match size.fit {
                Fit::Cover => FitName::Cover,
                Fit::Inside => FitName::Inside,
            },
            quality: size.quality,
            enlarge: size.enlarge,
            optimize_coding: size.optimize_coding,
        }
    }
}

impl From<&SizeConfig> for ImageSize {
    fn from(size: &SizeConfig) -> Self {
        Self {
            name: size.name.clone(),
            width: size.width,
            height: size.height,
            fit: match size.fit {
                FitName::Cover => Fit::Cover,
                FitName::Inside => Fit::Inside,
            },
            quality: size.quality,
            enlarge: size.enlarge,
            optimize_coding: size.optimize_coding,
        }
    }
}

impl SizeSetConfig {
    pub(super) fn resolve(&self, name: &str) -> Result<NamedSizeSet> {
        let sizes = SizeSet::new(self.sizes.iter().map(ImageSize::from).collect());
        let sizes = sizes.map_err(|error| wrong(format!("read size_sets.{name}"), error))?;
        Ok(NamedSizeSet::new(format!("{name}/{}", self.version), sizes))
    }
}
