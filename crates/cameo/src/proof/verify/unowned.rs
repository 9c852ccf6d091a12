//! Objects of the image bucket that nobody owns: nothing but renditions and aliases of what is served may be published.
//!
//! The bucket is listed a page at a time and held against the ledger; what seems to be nobody's is looked at again, alone, with
//! a look at the queues before and after.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Places,
    collect::scopes,
    files::folders,
    in_work::{InWork, Work},
    origin_prefix,
    report::Unowned,
    words,
};
use crate::{
    catalog::{Catalog, LedgerPages, RowPages},
    flow::Settings,
    ledger::{LedgerEntry, Scope, State},
    model::{
        error::Result,
        key::{EntityId, ImageKey, PhotoId, UploadKey, Vertical},
        lang::Text,
    },
    store::{OWN_METADATA, ObjectInfo, Store},
};

/// Keys fetched at a time.
const PAGE: usize = 1000;
/// Up to so many numbers are looked up one by one; for more of them whole verticals are listed.
const IDS_APART_MAX: usize = 200;

/// What was found.
pub(super) enum Found {
    /// An object that nobody owns.
    Nobodys(Unowned),
    /// An object whose photo is in work.
    InWork,
    /// A JPEG in the folder of a vertical that nobody knows, by its key.
    OfUnknownVertical(String),
}

/// Hears what is found.
pub(super) trait Hear: Send {
    /// An object was found.
    fn found(&mut self, found: Found);
    /// A page was looked at.
    fn page(&mut self) -> impl Future<Output = ()> + Send;
}

/// Lists the image bucket for a scope.
pub(super) async fn find(places: Places<'_>, scope: &Scope, hear: &mut impl Hear) -> Result<()> {
    let mut search = Search { places, ids: None, known: BTreeMap::new() };
    match scope {
        Scope::All => search.list("", hear).await,
        Scope::Vertical(vertical) => search.list(&format!("{vertical}/"), hear).await,
        Scope::Ids { vertical, cd_idx } => {
            search.ids = Some(cd_idx.iter().copied().collect());
            let bucket = &places.settings.image_bucket;
            let verticals = match vertical {
                Some(vertical) => vec![format!("{vertical}/")],
                None => folders(places.store, bucket, "").await?,
            };
            for vertical in verticals {
                if cd_idx.len() > IDS_APART_MAX {
                    search.list(&vertical, hear).await?;
                    continue;
                }
                for folder in folders(places.store, bucket, &vertical).await? {
                    for id in cd_idx {
                        search.list(&format!("{folder}{id}_"), hear).await?;
                        search.list(&format!("{folder}{id}.jpg"), hear).await?;
                    }
                }
            }
            Ok(())
        }
    }
}

struct Search<'s> {
    places: Places<'s>,
    /// Only objects of these numbers.
    ids: Option<BTreeSet<u64>>,
    /// Verticals that were looked up, and whether anything is known of them.
    known: BTreeMap<Vertical, bool>,
}

impl Search<'_> {
    async fn list(&mut self, prefix: &str, hear: &mut impl Hear) -> Result<()> {
        let mut after = String::new();
        loop {
            let page = self.places.store.list(&self.places.settings.image_bucket, prefix, &after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after.clone_from(&last.key);
            let full = page.len() == PAGE;
            self.page(page, hear).await?;
            hear.page().await;
            if !full {
                return Ok(());
            }
        }
    }

    async fn page(&mut self, page: Vec<ObjectInfo>, hear: &mut impl Hear) -> Result<()> {
        let keys: Vec<(String, ImageKey)> = page
            .into_iter()
            .map(|info| (ImageKey::parse(&info.key), info.key))
            .map(|(kind, key)| (key, kind))
            .collect();
        let entities: BTreeSet<EntityId> = keys.iter().filter_map(|(_, kind)| entity_of(kind)).cloned().collect();
        let served = Served::of(self.places.catalog, &entities).await?;
        let mut suspects = Vec::new();
        for (key, kind) in keys {
            if !self.is_asked_for(&kind) {
                continue;
            }
            if !self.is_owned(&kind, &served).await? {
                suspects.push((key, kind));
            } else if matches!(kind, ImageKey::Other(_)) && is_jpeg(&key) {
                hear.found(Found::OfUnknownVertical(key));
            }
        }
        if suspects.is_empty() {
            return Ok(());
        }
        let before = InWork::messages(self.places.queues).await?;
        let mut found = Vec::new();
        for (key, kind) in &suspects {
            let (store, catalog, settings) = (self.places.store, self.places.catalog, self.places.settings);
            found.extend(why_unowned(store, catalog, settings, key).await?.map(|unowned| (unowned, kind)));
        }
        let after = InWork::messages(self.places.queues).await?;
        for (unowned, kind) in found {
            let is_in_work = |seen: &InWork| entity_of(kind).is_some_and(|entity| seen.of_entity(entity) == Work::Busy);
            let in_work = is_in_work(&before) || is_in_work(&after);
            hear.found(if in_work { Found::InWork } else { Found::Nobodys(unowned) });
        }
        Ok(())
    }

    fn is_asked_for(&self, kind: &ImageKey) -> bool {
        match (&self.ids, entity_of(kind)) {
            (None, _) => true,
            (Some(ids), Some(entity)) => ids.contains(&entity.cd_idx),
            (Some(_), None) => false,
        }
    }

    /// Whether the ledger shows at once that somebody owns it.
    async fn is_owned(&mut self, kind: &ImageKey, served: &Served) -> Result<bool> {
        let settings = self.places.settings;
        Ok(match kind {
            ImageKey::Foreign => true,
            ImageKey::Other(vertical) => !self.is_known(vertical).await?,
            ImageKey::Rendition(photo, size) => {
                has_size(settings, &photo.entity.vertical, size) && served.photos.contains(photo)
            }
            ImageKey::Alias(entity, size) => {
                settings.publish_alias && has_size(settings, &entity.vertical, size) && served.entities.contains(entity)
            }
        })
    }

    async fn is_known(&mut self, vertical: &Vertical) -> Result<bool> {
        if let Some(known) = self.known.get(vertical) {
            return Ok(*known);
        }
        let known = knows(self.places.store, self.places.catalog, self.places.settings, vertical).await?;
        self.known.insert(vertical.clone(), known);
        Ok(known)
    }
}

fn is_jpeg(key: &str) -> bool {
    let extension = key.rsplit('.').next().unwrap_or_default();
    extension.eq_ignore_ascii_case("jpg") || extension.eq_ignore_ascii_case("jpeg")
}

/// What the ledger serves of some entities.
#[derive(Default)]
struct Served {
    photos: BTreeSet<PhotoId>,
    entities: BTreeSet<EntityId>,
}

impl Served {
    async fn of(catalog: &dyn Catalog, entities: &BTreeSet<EntityId>) -> Result<Self> {
        let mut served = Self::default();
        for scope in scopes(entities.iter()) {
            let mut ledger = LedgerPages::new(catalog, &scope);
            while let Some(page) = ledger.next().await? {
                for entry in page.into_iter().filter(|entry| entry.serving.is_some()) {
                    if let UploadKey::Photo(photo) = UploadKey::parse(&entry.key) {
                        served.entities.insert(photo.entity.clone());
                        served.photos.insert(photo);
                    }
                }
            }
        }
        Ok(served)
    }
}

fn entity_of(kind: &ImageKey) -> Option<&EntityId> {
    match kind {
        ImageKey::Rendition(photo, _) => Some(&photo.entity),
        ImageKey::Alias(entity, _) => Some(entity),
        ImageKey::Other(_) | ImageKey::Foreign => None,
    }
}

fn has_size(settings: &Settings, vertical: &Vertical, image_size: &str) -> bool {
    settings.size_sets.of(vertical).sizes.sizes().iter().any(|size| size.name == image_size)
}

/// Whether upload bucket or ledger know anything of a vertical.
async fn knows(store: &dyn Store, catalog: &dyn Catalog, settings: &Settings, vertical: &Vertical) -> Result<bool> {
    let has_original = !store.list(&settings.upload_bucket, &origin_prefix(vertical), "", 1).await?.is_empty();
    Ok(has_original || !catalog.ledger(&Scope::Vertical(vertical.clone()), "", 1).await?.is_empty())
}

/// Looks at an object of the image bucket as it is now: none where somebody owns it, or where it is gone. What Cameo did not
/// write is never to be taken down by it.
pub async fn why_unowned(
    store: &dyn Store,
    catalog: &dyn Catalog,
    settings: &Settings,
    key: &str,
) -> Result<Option<Unowned>> {
    let Some(info) = store.head(&settings.image_bucket, key).await? else { return Ok(None) };
    let why = match ImageKey::parse(key) {
        ImageKey::Foreign => None,
        ImageKey::Other(vertical) => {
            let known = knows(store, catalog, settings, &vertical).await?;
            known.then(|| words::no_image_key(&vertical))
        }
        ImageKey::Rendition(photo, size) => why_rendition(store, catalog, settings, &photo, &size).await?,
        ImageKey::Alias(entity, size) => why_alias(store, catalog, settings, &entity, &size).await?,
    };
    let is_of_grammar = !matches!(ImageKey::parse(key), ImageKey::Other(_));
    let removable = is_of_grammar && info.metadata.keys().any(|name| name.starts_with(OWN_METADATA));
    Ok(why.map(|why| Unowned { key: key.to_owned(), why, removable }))
}

async fn why_rendition(
    store: &dyn Store,
    catalog: &dyn Catalog,
    settings: &Settings,
    photo: &PhotoId,
    image_size: &str,
) -> Result<Option<Text>> {
    let key = photo.origin_key();
    let entry = catalog.entry(&key).await?;
    let is_served = entry.as_ref().is_some_and(|entry| entry.serving.is_some());
    if is_served && has_size(settings, &photo.entity.vertical, image_size) {
        return Ok(None);
    }
    if is_served {
        return why_dropped(catalog, &photo.entity, image_size, |of| of == photo).await;
    }
    let original = store.head(&settings.upload_bucket, &key).await?;
    let is_newer = |original: &ObjectInfo, entry: &LedgerEntry| match &original.write_generation {
        Some(written) => *written > entry.generation,
        None => original.etag != entry.etag,
    };
    Ok(match (original, entry) {
        (None, Some(_)) => Some(words::original_deleted()),
        (None, None) => Some(words::original_unknown()),
        (Some(original), Some(entry)) if !is_newer(&original, &entry) => match entry.state {
            State::Rejected { reason, .. } => Some(words::original_rejected(reason)),
            // Ledger and original contradict: that is said of the photo, and its repair renders it again.
            State::Serving | State::Ignored | State::Removed => None,
        },
        // Its photo is in work: it is published before the ledger hears of it.
        (Some(_), _) => None,
    })
}

/// An image size that the size set has no more. As long as a row leads there it is public: it goes with its row, when its photo is
/// rendered by the new set.
async fn why_dropped(
    catalog: &dyn Catalog,
    entity: &EntityId,
    image_size: &str,
    is_of: impl Fn(&PhotoId) -> bool,
) -> Result<Option<Text>> {
    let scope = Scope::Ids { vertical: Some(entity.vertical.clone()), cd_idx: vec![entity.cd_idx] };
    let mut rows = RowPages::new(catalog, &scope);
    while let Some(page) = rows.next().await? {
        if page.iter().any(|row| row.image_size == image_size && is_of(&row.photo)) {
            return Ok(None);
        }
    }
    Ok(Some(words::size_dropped(image_size)))
}

async fn why_alias(
    store: &dyn Store,
    catalog: &dyn Catalog,
    settings: &Settings,
    entity: &EntityId,
    image_size: &str,
) -> Result<Option<Text>> {
    if !settings.publish_alias {
        return Ok(Some(words::aliases_are_off()));
    }
    if !has_size(settings, &entity.vertical, image_size) {
        return why_dropped(catalog, entity, image_size, |_| true).await;
    }
    let served = Served::of(catalog, &BTreeSet::from([entity.clone()])).await?;
    if !served.entities.is_empty() {
        return Ok(None);
    }
    let prefix = format!("{}{}_", origin_prefix(&entity.vertical), entity.cd_idx);
    for original in store.list(&settings.upload_bucket, &prefix, "", PAGE).await? {
        let entry = catalog.entry(&original.key).await?;
        // One that is in work, or that the ledger contradicts: its own turn writes the alias.
        if !entry.is_some_and(|entry| matches!(entry.state, State::Rejected { .. })) {
            return Ok(None);
        }
    }
    Ok(Some(words::nothing_served(entity)))
}
