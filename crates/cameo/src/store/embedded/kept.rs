//! Quarantine of the embedded store: rows of a bucket that no client can name, which share the content with what was removed.
//!
//! A removal moves the row within the transaction of the change, so nothing is copied and nothing can be lost between the two. As long as
//! such a row is there its content is referred to like any other; when it expires, the content becomes garbage. On a disk that is nearly
//! full the oldest go early.

use jiff::Timestamp;
use rusqlite::Connection;

use super::{
    Embedded, Inner,
    condition::WriteConditions,
    garbage,
    object::{self, Description, StoredObject},
    refusal::StoreResult,
};
use crate::{
    db::Done,
    model::{
        error::{Place, Result},
        generation::Generation,
        key::QUARANTINE_PREFIX,
    },
    store::quarantine::{KeptId, Removal, Why, with_note},
};

/// Rows that expire in one job.
const BATCH: u32 = 500;
/// The oldest rows of a bucket, before an id.
const OLDEST: &str =
    "SELECT object_key FROM cameo_objects WHERE bucket = ?1 AND object_key < ?2 ORDER BY object_key LIMIT ?3";
/// Follows every id.
const AFTER_ALL: &str = "~";

/// The bucket of what was removed from a bucket: names of buckets hold no slash, so no request can mean it.
pub(super) fn hidden(bucket: &str) -> String {
    format!("{QUARANTINE_PREFIX}{bucket}")
}

/// Whether this is such a bucket.
pub(super) fn is_hidden(bucket: &str) -> bool {
    bucket.starts_with(QUARANTINE_PREFIX)
}

/// Keeps a row that was just removed, or replaced, under the id of its removal.
pub(super) fn keep(connection: &Connection, removed: StoredObject, removal: &Removal) -> Done<()> {
    let generation = Generation::from_counter(removed.generation);
    let id = KeptId::new(removal, &removed.key, Some(&generation));
    let StoredObject { bucket, description, .. } = removed.clone();
    let metadata = with_note(description.metadata, removal.note.as_deref());
    let description = Description { metadata, ..description };
    let row = StoredObject { bucket: hidden(&bucket), key: id.to_string(), description, ..removed };
    object::upsert(connection, &row)
}

/// Expires rows; their content is garbage from `since` on.
fn drop_rows(connection: &Connection, bucket: &str, ids: &[String], since: Timestamp) -> Done<u64> {
    let mut dropped = 0;
    for id in ids {
        if let Some(row) = object::find(connection, bucket, id)? {
            object::delete(connection, bucket, id)?;
            garbage::add(connection, row.position.file, since)?;
            dropped += 1;
        }
    }
    Ok(dropped)
}

impl Inner {
    /// The removal by which a client's change takes a row out: of an original it is kept, unless that is configured away.
    pub(super) fn removal_of(&self, row: &StoredObject, why: Why, now: Timestamp) -> Option<Removal> {
        let is_on = self.options.as_ref().is_some_and(|options| !options.keep_removed.is_zero());
        (is_on && self.is_original(&row.bucket, &row.key)).then_some(Removal { at: now, why, note: None })
    }
}

impl Embedded {
    /// Moves an object to quarantine if the conditions hold; true when there was one.
    pub(super) async fn move_to_quarantine(
        &self,
        bucket: &str,
        key: &str,
        conditions: WriteConditions,
        removal: &Removal,
    ) -> StoreResult<bool> {
        self.delete_for(bucket, key, conditions, Some(removal.clone())).await
    }

    /// Expires rows by their ids.
    pub(super) async fn drop_kept(&self, bucket: &str, ids: Vec<String>, since: Timestamp) -> Result<u64> {
        let place = hidden(bucket);
        let job = self.inner.db.write(Place::Store, "remove what is in quarantine", move |connection| {
            drop_rows(connection, &place, &ids, since)
        });
        job.await
    }

    /// Expires the oldest rows of both buckets that were removed before `until`, a batch of each; how many.
    pub(super) async fn expire_kept(&self, until: Option<Timestamp>, since: Timestamp) -> Result<u64> {
        let Some(options) = self.inner.options.as_ref() else { return Ok(0) };
        let before = until.map_or_else(|| AFTER_ALL.to_owned(), KeptId::least_of);
        let mut expired = 0;
        for bucket in [&options.upload_bucket, &options.image_bucket] {
            let (place, before) = (hidden(bucket), before.clone());
            let look = self.inner.db.read(Place::Store, "look what expires", move |connection| {
                let mut query = connection.prepare_cached(OLDEST)?;
                let ids = query.query_map((place, before, BATCH), |row| row.get(0))?;
                Ok(ids.collect::<Result<Vec<String>, _>>()?)
            });
            let ids = look.await?;
            if !ids.is_empty() {
                expired += self.drop_kept(bucket, ids, since).await?;
            }
        }
        Ok(expired)
    }
}
