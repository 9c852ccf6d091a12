//! The alias `{cd_idx}.jpg`: the entity's primary photo, that of its lowest sequence, at each image size.
//!
//! It is written from the entity's rows, under the entity's lock, and carries the version of the rows it was made from: an
//! older version never overwrites a newer one. With the entity's last row it goes.

use std::collections::BTreeSet;

use super::{
    Flow,
    publish::{CONFLICTS_MAX, JPEG, condition_on},
};
use crate::{
    catalog::{EntityRows, Row},
    error::{Error, Kind, Place, Result},
    failpoint::{Point, reached},
    key::{EntityId, PhotoId},
    store::{Attributes, NewKey, ObjectInfo, Written},
};

/// Metadata name of the version of the rows that an alias was made from, zero-padded.
const VERSION_METADATA: &str = "cameo-entity-version";

/// Brings the aliases of an entity in line with its rows. `sizes` are image sizes that may have lost their last row.
/// Returns primary photos whose renditions do not stand.
pub async fn update_aliases(flow: &Flow, entity: &EntityId, sizes: &BTreeSet<String>) -> Result<Vec<PhotoId>> {
    if !flow.settings.publish_alias {
        return Ok(Vec::new());
    }
    let _lock = flow.catalog.lock_entity(entity).await?;
    let EntityRows { version, rows } = flow.catalog.entity_rows(entity).await?;
    let all_sizes: BTreeSet<&String> = sizes.iter().chain(rows.iter().map(|row| &row.image_size)).collect();
    let mut waiting: Vec<Alias<'_>> =
        all_sizes.into_iter().map(|image_size| Alias::new(entity, image_size, &rows)).collect();
    let mut without_rendition = Vec::new();
    for _ in 0..CONFLICTS_MAX {
        look(flow, &mut waiting, version).await?;
        if waiting.is_empty() {
            return Ok(without_rendition);
        }
        let mut changed = Vec::new();
        for (alias, done) in write(flow, waiting, version).await? {
            match done {
                Done::Written => reached(Point::AliasWritten),
                Done::Changed => changed.push(alias),
                Done::NoRendition => without_rendition.extend(alias.primary.map(|row| row.photo.clone())),
            }
        }
        if changed.is_empty() {
            return Ok(without_rendition);
        }
        waiting = changed;
    }
    let keys: Vec<_> = waiting.iter().map(|alias| alias.key.as_str()).collect();
    let doing = format!("write the alias {}: it changed {CONFLICTS_MAX} times meanwhile", keys.join(", "));
    Err(Error::new(Place::Store, Kind::Conflict, doing))
}

/// An alias that is to be as the rows want it.
struct Alias<'r> {
    key: String,
    primary: Option<&'r Row>,
    standing: Option<ObjectInfo>,
}

impl<'r> Alias<'r> {
    fn new(entity: &EntityId, image_size: &str, rows: &'r [Row]) -> Self {
        let primary = rows.iter().filter(|row| row.image_size == image_size).min_by_key(|row| row.photo.sequence);
        Self { key: entity.alias_key(image_size), primary, standing: None }
    }

    /// Whether it is as the rows want it, or as newer rows do.
    fn is_settled(&self, version: u64) -> bool {
        match (&self.standing, self.primary) {
            (None, None) => true,
            (Some(info), primary) => {
                let newer = version_of(info).is_some_and(|written| written > version);
                newer || primary.is_some_and(|row| row.etag == info.etag)
            }
            (None, Some(_)) => false,
        }
    }
}

/// Looks what stands, and leaves those that are not settled.
async fn look(flow: &Flow, aliases: &mut Vec<Alias<'_>>, version: u64) -> Result<()> {
    let keys: Vec<_> = aliases.iter().map(|alias| alias.key.as_str()).collect();
    let standing = flow.store.head_all(&flow.settings.image_bucket, &keys).await?;
    for (alias, standing) in aliases.iter_mut().zip(standing) {
        alias.standing = standing;
    }
    aliases.retain(|alias| !alias.is_settled(version));
    Ok(())
}

/// How writing an alias ended.
enum Done {
    /// It is as it should be.
    Written,
    /// Somebody else wrote meanwhile.
    Changed,
    /// The rendition that it shows does not stand: its row is about to be replaced or removed, and that change's own turn
    /// writes the alias; or a removal hit it.
    NoRendition,
}

/// Copies together what has rows, and deletes what has none.
async fn write<'r>(flow: &Flow, aliases: Vec<Alias<'r>>, version: u64) -> Result<Vec<(Alias<'r>, Done)>> {
    let bucket = &flow.settings.image_bucket;
    let copies = aliases.iter().filter_map(|alias| {
        let row = alias.primary?;
        Some(NewKey {
            from: row.photo.rendition_key(&row.image_size),
            to: alias.key.clone(),
            attributes: attributes(flow, version),
            condition: condition_on(alias.standing.as_ref()),
        })
    });
    let mut copied = flow.store.copy_all(bucket, copies.collect()).await?.into_iter();
    let mut written = Vec::with_capacity(aliases.len());
    for alias in aliases {
        let done = if alias.primary.is_some() {
            match copied.next().flatten() {
                Some(Written::Done(_)) => Done::Written,
                Some(Written::ConditionFailed) => Done::Changed,
                None => Done::NoRendition,
            }
        } else if let Some(info) = &alias.standing {
            let gone = flow.store.delete(bucket, &alias.key, &info.validator()).await?;
            if gone { Done::Written } else { Done::Changed }
        } else {
            Done::Written
        };
        written.push((alias, done));
    }
    Ok(written)
}

fn version_of(info: &ObjectInfo) -> Option<u64> {
    info.metadata.get(VERSION_METADATA)?.parse().ok()
}

fn attributes(flow: &Flow, version: u64) -> Attributes {
    Attributes {
        content_type: Some(JPEG.to_owned()),
        cache_control: Some(flow.settings.cache_control.clone()),
        metadata: [(VERSION_METADATA.to_owned(), format!("{version:020}"))].into(),
    }
}
