//! The public images.

use serde::{Deserialize, Serialize};

/// The public images.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Images {
    /// Base of the addresses in `image_url`; empty for the address of the images listener.
    pub public_url: String,
    /// `Cache-Control` of renditions and aliases. Addresses are stable, so never `immutable`.
    pub cache_control: String,
    /// Whether `{cd_idx}.jpg` is published for an entity's primary photo.
    pub alias: bool,
}

impl Default for Images {
    fn default() -> Self {
        Self { public_url: String::new(), cache_control: "public, max-age=60".to_owned(), alias: true }
    }
}
