//! The steps of the flow, each a function of its inputs: the worker's loop, a Lambda function and the tests call the same.
//!
//! `receive → resize → publish → (message) → register`; and `requeue`, which has an original go through them again.
//! A step names no backend and is safe to repeat: every crash turns into a repeat, never into a loss.

pub mod alias;
pub mod frame;
mod old_version;
pub mod publish;
mod put_back;
pub mod receive;
pub mod register;
pub mod rendition_metadata;
pub mod requeue;
pub mod resize;
pub mod superseded;
mod went_back;

use std::{collections::BTreeMap, fmt::Write as _, sync::Arc};

use cameo_image::{Fit, SizeSet};

use crate::{
    catalog::Catalog,
    ledger::LedgerEntry,
    model::{actor::Actor, key::Vertical},
    render::Render,
    store::Store,
};

/// A size set with its name and version, as it is recorded with what it made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedSizeSet {
    /// `{name}/{version}`.
    pub label: String,
    /// What is rendered of each original.
    pub sizes: SizeSet,
    digest: String,
}

impl NamedSizeSet {
    /// A size set of this label.
    pub fn new(label: impl Into<String>, sizes: SizeSet) -> Self {
        Self { label: label.into(), digest: digest(&sizes), sizes }
    }

    /// 16 hexadecimal digits of everything that decides what its image sizes look like: they tell sets apart where nobody
    /// raised the version.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Whether what an entry serves was made into this very size set. An entry of an older version of Cameo has no digest:
    /// then name and version tell.
    pub fn made(&self, entry: &LedgerEntry) -> bool {
        entry.size_set.as_deref() == Some(self.label.as_str())
            && entry.size_set_digest.as_deref().is_none_or(|digest| digest == self.digest)
    }
}

/// In the order of names, since the order in which image sizes are configured changes nothing of them.
fn digest(sizes: &SizeSet) -> String {
    let mut sorted: Vec<_> = sizes.sizes().iter().collect();
    sorted.sort_by(|one, other| one.name.cmp(&other.name));
    let mut text = String::new();
    for size in sorted {
        let fit = match size.fit {
            Fit::Cover => "cover",
            Fit::Inside => "inside",
        };
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{} {}x{} {fit} {} {} {}",
            size.name, size.width, size.height, size.quality, size.enlarge, size.optimize_coding
        );
    }
    let mut digest = hex::encode(fast_md5::digest(text.as_bytes()));
    digest.truncate(16);
    digest
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
        let default = NamedSizeSet::new("default/1", SizeSet::default());
        Self { default: Arc::new(default), by_vertical: BTreeMap::new() }
    }
}

/// What the steps work with.
#[derive(Debug, Clone)]
pub struct Flow {
    /// Where originals are read and renditions are written.
    pub store: Arc<dyn Store>,
    /// The ledger and the rows.
    pub catalog: Arc<dyn Catalog>,
    /// Where originals become renditions; [`UnusedEngine`](crate::render::unused::UnusedEngine) in a process that renders none.
    pub render: Arc<dyn Render>,
    /// Names and rules.
    pub settings: Arc<Settings>,
}

impl Flow {
    /// The same for changes that somebody asks for: the events of what they change name them, where the store can.
    #[must_use]
    pub fn acting_for(&self, actor: Option<&Actor>) -> Self {
        let store = actor.and_then(|actor| self.store.acting_as(actor));
        Self { store: store.unwrap_or_else(|| self.store.clone()), ..self.clone() }
    }
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
    /// Whether what was made from an original is taken down with it, for the proof; `RegisterRules` decide.
    pub delete_unpublishes: bool,
}

#[cfg(test)]
mod tests {
    use cameo_image::ImageSize;

    use super::*;
    use crate::{
        catalog::contract::{rendered, rules},
        ledger::before::Before,
        ledger::decide::decide,
    };

    fn set(label: &str, change: impl Fn(&mut Vec<ImageSize>)) -> NamedSizeSet {
        let mut sizes = SizeSet::default().sizes().to_vec();
        change(&mut sizes);
        NamedSizeSet::new(label, SizeSet::new(sizes).unwrap())
    }

    #[test]
    fn a_digest_tells_size_sets_apart() {
        let plain = set("default/1", |_| {});
        assert_eq!(plain.digest(), "f56412d6385bbad3", "recorded in databases: it must never change");
        assert_eq!(set("other/7", |sizes| sizes.reverse()).digest(), plain.digest());
        let changes: [fn(&mut Vec<ImageSize>); 7] = [
            |sizes| sizes[0].name = "other".into(),
            |sizes| sizes[0].width += 1,
            |sizes| sizes[0].height += 1,
            |sizes| sizes[0].fit = Fit::Inside,
            |sizes| sizes[0].quality -= 1,
            |sizes| sizes[0].enlarge = false,
            |sizes| sizes[0].optimize_coding = true,
        ];
        for (n, change) in changes.into_iter().enumerate() {
            assert_ne!(set("default/1", change).digest(), plain.digest(), "change {n}");
        }
        assert_ne!(set("default/1", |sizes| drop(sizes.pop())).digest(), plain.digest());
    }

    /// users.md 19: a box was changed, whether or not somebody raised the version.
    #[test]
    fn an_entry_is_made_by_the_very_set_or_not() {
        let plain = set("default/1", |_| {});
        let outcome = rendered("origin/v/1_0.jpg", 1, &["sq"]);
        let before = Before { entry: None, rows: &std::collections::BTreeSet::new() };
        let old = decide(before, &outcome, &rules(), jiff::Timestamp::UNIX_EPOCH).entry.unwrap();
        let new = LedgerEntry { size_set_digest: Some(plain.digest().to_owned()), ..old.clone() };
        let wider = |label| set(label, |sizes| sizes[0].width += 1);
        assert!(plain.made(&new) && plain.made(&old) && wider("default/1").made(&old));
        assert!(!wider("default/1").made(&new));
        assert!(!wider("default/2").made(&new) && !set("default/2", |_| {}).made(&new));
    }
}
