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
    store::{Attributes, ObjectInfo, Written},
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
    let updates = all_sizes.into_iter().map(|image_size| update_alias(flow, entity, image_size, version, &rows));
    Ok(futures::future::try_join_all(updates).await?.into_iter().flatten().collect())
}

/// Returns the primary photo when its rendition does not stand.
async fn update_alias(
    flow: &Flow,
    entity: &EntityId,
    image_size: &str,
    version: u64,
    rows: &[Row],
) -> Result<Option<PhotoId>> {
    let alias = entity.alias_key(image_size);
    let primary = rows.iter().filter(|row| row.image_size == image_size).min_by_key(|row| row.photo.sequence);
    for _ in 0..CONFLICTS_MAX {
        let current = flow.store.head(&flow.settings.image_bucket, &alias).await?;
        if is_settled(current.as_ref(), primary, version) {
            return Ok(None);
        }
        match write_alias(flow, &alias, current.as_ref(), primary, version).await? {
            Done::Written => {
                reached(Point::AliasWritten);
                return Ok(None);
            }
            Done::NoRendition => return Ok(primary.map(|row| row.photo.clone())),
            Done::Changed => {}
        }
    }
    Err(Error::new(
        Place::Store,
        Kind::Conflict,
        format!("write the alias {alias}: it changed {CONFLICTS_MAX} times meanwhile"),
    ))
}

/// Whether the alias is as the rows want it, or as newer rows do.
fn is_settled(current: Option<&ObjectInfo>, primary: Option<&Row>, version: u64) -> bool {
    match (current, primary) {
        (None, None) => true,
        (Some(info), primary) => {
            let newer = version_of(info).is_some_and(|written| written > version);
            newer || primary.is_some_and(|row| row.etag == info.etag)
        }
        (None, Some(_)) => false,
    }
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

async fn write_alias(
    flow: &Flow,
    alias: &str,
    current: Option<&ObjectInfo>,
    primary: Option<&Row>,
    version: u64,
) -> Result<Done> {
    let changed = |done| if done { Done::Written } else { Done::Changed };
    let bucket = &flow.settings.image_bucket;
    match (primary, current) {
        (Some(row), _) => {
            let from = row.photo.rendition_key(&row.image_size);
            let written =
                flow.store.copy(bucket, &from, alias, &attributes(flow, version), condition_on(current)).await?;
            Ok(match written {
                Some(Written::ConditionFailed) => Done::Changed,
                Some(Written::Done(_)) => Done::Written,
                None => Done::NoRendition,
            })
        }
        (None, Some(info)) => flow.store.delete(bucket, alias, &info.validator()).await.map(changed),
        (None, None) => Ok(Done::Written),
    }
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
