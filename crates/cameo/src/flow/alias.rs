//! The alias `{cd_idx}.jpg`: the entity's primary photo, that of its lowest sequence, at each image size.
//!
//! It is written from the entity's rows, under the entity's lock, and carries the version of the rows it was made from: an
//! older version never overwrites a newer one, unless the database itself went back. With the entity's last row it goes,
//! and with the setting that asks for it.

use std::collections::BTreeSet;

use tracing::warn;

use super::{
    Flow,
    publish::{CONFLICTS_MAX, JPEG, condition_on},
};
use crate::{
    failpoint::{Point, reached},
    ledger::{EntityRows, Row},
    model::{
        error::{Error, Kind, Place, Result},
        key::{EntityId, PhotoId},
    },
    store::{Attributes, Copied, NewKey, ObjectInfo},
};

/// Metadata name of the version of the rows that an alias was made from, zero-padded.
const VERSION_METADATA: &str = "cameo-entity-version";

/// Brings the aliases of an entity in line with its rows; takes them down where none are to be published. `sizes` are
/// image sizes that may have lost their last row. Where these are an entity's `first` rows no alias is expected, and who writes first
/// does not look for one. Returns primary photos whose renditions do not exist.
pub async fn update_aliases(
    flow: &Flow,
    entity: &EntityId,
    sizes: &BTreeSet<String>,
    first: bool,
) -> Result<Vec<PhotoId>> {
    let _lock = flow.catalog.lock_entity(entity).await?;
    let mut current = flow.catalog.entity_rows(entity).await?;
    let mut expected = Expected { database_went_back: false, none: first && flow.store.writes_first() };
    for _ in 0..CONFLICTS_MAX {
        let newer = match bring_in_line(flow, entity, sizes, &current, expected).await? {
            Ended::Settled { without_rendition } => return Ok(without_rendition),
            Ended::NewerAlias { version } => version,
        };
        expected.none = false;
        // Whoever wrote it read the database before the lock was ours, or after it was lost: what the database says now is
        // as new. If it is not, it is an older database than the one that the alias was made from.
        current = flow.catalog.entity_rows(entity).await?;
        if current.version < newer {
            warn!(%entity, alias = newer, database = current.version, "the database went back: aliases are written from its rows");
            expected.database_went_back = true;
        }
    }
    Err(conflict(&format!("{entity}, whose rows")))
}

/// What is expected of the aliases that exist.
#[derive(Debug, Clone, Copy)]
struct Expected {
    /// They may be of newer rows than the database has.
    database_went_back: bool,
    /// There are none where the rows want one: it is written on that condition, and looked at only where that does not hold.
    none: bool,
}

/// How bringing aliases in line ended.
enum Ended {
    /// They are as the rows want them.
    Settled { without_rendition: Vec<PhotoId> },
    /// One that is not was made from newer rows than those at hand.
    NewerAlias { version: u64 },
}

async fn bring_in_line(
    flow: &Flow,
    entity: &EntityId,
    sizes: &BTreeSet<String>,
    EntityRows { version, rows }: &EntityRows,
    expected: Expected,
) -> Result<Ended> {
    let shown: &[Row] = if flow.settings.publish_alias { rows } else { &[] };
    let all_sizes: BTreeSet<&String> = sizes.iter().chain(rows.iter().map(|row| &row.image_size)).collect();
    let mut waiting: Vec<Alias<'_>> =
        all_sizes.into_iter().map(|image_size| Alias::new(entity, image_size, shown)).collect();
    let mut without_rendition = Vec::new();
    for round in 0..CONFLICTS_MAX {
        let is_unseen = |alias: &mut Alias<'_>| expected.none && round == 0 && alias.primary.is_some();
        let unseen: Vec<_> = waiting.extract_if(.., is_unseen).collect();
        look(flow, &mut waiting).await?;
        waiting.extend(unseen);
        if waiting.is_empty() {
            return Ok(Ended::Settled { without_rendition });
        }
        let newest = waiting.iter().filter_map(|alias| version_of(alias.standing.as_ref()?)).max();
        if let Some(newer) = newest.filter(|newest| newest > version && !expected.database_went_back) {
            return Ok(Ended::NewerAlias { version: newer });
        }
        let mut changed = Vec::new();
        for (alias, done) in write(flow, waiting, *version).await? {
            match done {
                AliasWrite::Written => reached(Point::AliasWritten),
                AliasWrite::Changed => changed.push(alias),
                AliasWrite::NoRendition => without_rendition.extend(alias.primary.map(|row| row.photo.clone())),
            }
        }
        if changed.is_empty() {
            return Ok(Ended::Settled { without_rendition });
        }
        waiting = changed;
    }
    let keys: Vec<_> = waiting.iter().map(|alias| alias.key.as_str()).collect();
    Err(conflict(&keys.join(", ")))
}

fn conflict(aliases: &str) -> Error {
    let doing = format!("write the alias {aliases}: it changed {CONFLICTS_MAX} times in between");
    Error::new(Place::Store, Kind::Conflict, doing)
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

    /// Whether it is as the rows want it.
    fn is_settled(&self) -> bool {
        match (&self.standing, self.primary) {
            (None, None) => true,
            (Some(info), Some(row)) => row.etag == info.etag,
            (None, Some(_)) | (Some(_), None) => false,
        }
    }
}

/// Looks what stands, and leaves those that are not settled.
async fn look(flow: &Flow, aliases: &mut Vec<Alias<'_>>) -> Result<()> {
    if aliases.is_empty() {
        return Ok(());
    }
    let keys: Vec<_> = aliases.iter().map(|alias| alias.key.as_str()).collect();
    let standing = flow.store.head_all(&flow.settings.image_bucket, &keys).await?;
    for (alias, standing) in aliases.iter_mut().zip(standing) {
        alias.standing = standing;
    }
    aliases.retain(|alias| !alias.is_settled());
    Ok(())
}

/// How writing an alias ended.
enum AliasWrite {
    /// It is as it should be.
    Written,
    /// Somebody else wrote meanwhile.
    Changed,
    /// The rendition that it shows does not stand: its row is about to be replaced or removed, and that change's own turn
    /// writes the alias; or a removal hit it.
    NoRendition,
}

/// Copies together what has rows, and deletes what has none.
async fn write<'r>(flow: &Flow, aliases: Vec<Alias<'r>>, version: u64) -> Result<Vec<(Alias<'r>, AliasWrite)>> {
    let bucket = &flow.settings.image_bucket;
    let copies = aliases.iter().filter_map(|alias| {
        let row = alias.primary?;
        Some(NewKey {
            from: row.photo.rendition_key(&row.image_size),
            etag: row.etag.clone(),
            to: alias.key.clone(),
            attributes: attributes(flow, version),
            condition: condition_on(alias.standing.as_ref()),
        })
    });
    let mut copied = flow.store.copy_all(bucket, copies.collect()).await?.into_iter();
    let mut written = Vec::with_capacity(aliases.len());
    for alias in aliases {
        let done = if alias.primary.is_some() {
            match copied.next() {
                Some(Copied::Done) => AliasWrite::Written,
                Some(Copied::ConditionFailed) => AliasWrite::Changed,
                Some(Copied::NoSource) | None => AliasWrite::NoRendition,
            }
        } else if let Some(info) = &alias.standing {
            let gone = flow.store.delete(bucket, &alias.key, &info.validator()).await?;
            if gone { AliasWrite::Written } else { AliasWrite::Changed }
        } else {
            AliasWrite::Written
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
