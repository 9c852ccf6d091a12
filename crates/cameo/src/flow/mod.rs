//! The steps of the flow, each a function of its inputs: the worker's loop, a Lambda function and the tests call the same.
//!
//! `receive → resize → publish → (message) → register`, and beside it `verify`, which proves, and `reconcile`, which mends.
//! A step names no backend and is safe to repeat: every crash turns into a repeat, never into a loss.

pub mod adopt;
pub mod alias;
pub mod frame;
pub mod publish;
pub mod receive;
pub mod reconcile;
pub mod register;
pub mod repair;
pub mod resize;
pub mod superseded;
pub mod verify;
pub mod window;

use std::{collections::BTreeMap, sync::Arc};

use cameo_image::SizeSet;

use crate::{catalog::Catalog, key::Vertical, render::Render, store::Store};

/// A size set with its name and version, as it is recorded with what it made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedSizeSet {
    /// `{name}/{version}`.
    pub label: String,
    /// The image sizes.
    pub sizes: SizeSet,
}

/// Which size set the originals of a vertical are made into.
#[derive(Debug, Clone)]
pub struct SizeSets {
    /// That of every vertical that has none of its own.
    pub default: Arc<NamedSizeSet>,
    /// Those of single verticals.
    pub by_vertical: BTreeMap<Vertical, Arc<NamedSizeSet>>,
}

impl SizeSets {
    /// The size set of a vertical.
    pub fn of(&self, vertical: &Vertical) -> &Arc<NamedSizeSet> {
        self.by_vertical.get(vertical).unwrap_or(&self.default)
    }
}

impl Default for SizeSets {
    fn default() -> Self {
        let default = NamedSizeSet { label: "default/1".to_owned(), sizes: SizeSet::default() };
        Self { default: Arc::new(default), by_vertical: BTreeMap::new() }
    }
}

/// What the steps work with.
#[derive(Debug, Clone)]
pub struct Flow {
    /// The buckets.
    pub store: Arc<dyn Store>,
    /// The ledger and the rows.
    pub catalog: Arc<dyn Catalog>,
    /// The engine.
    pub render: Arc<dyn Render>,
    /// Names and rules.
    pub settings: Arc<Settings>,
}

/// Names and rules of the flow.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The bucket that originals are uploaded to.
    pub upload_bucket: String,
    /// The bucket that renditions are published in.
    pub image_bucket: String,
    /// Which image sizes are made.
    pub size_sets: SizeSets,
    /// An original's length in bytes, at most.
    pub max_original_bytes: u64,
    /// `Cache-Control` of renditions and aliases.
    pub cache_control: String,
    /// Whether `{cd_idx}.jpg` is published for an entity's primary photo.
    pub publish_alias: bool,
}
