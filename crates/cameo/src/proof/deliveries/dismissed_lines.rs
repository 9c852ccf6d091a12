//! What somebody settled of a delivery where there is no file to put away: what was left out, never came, or is gone by now.
//!
//! Each time somebody does, an object of the upload bucket says which lines of the report, by whom, when and why. It is written once and
//! never changed, and it is about what the lines said: of a photo that comes after all, the report says something else.

use std::collections::BTreeMap;

use futures::future::try_join_all;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::dismissed::Dismissed;
use crate::{
    model::{
        error::{Error, Kind, Place, Result},
        key::{DISMISSALS_PREFIX, DeliveryKey},
    },
    store::{Attributes, Condition, ObjectInfo, Store},
};

/// The version that is written.
const VERSION: u32 = 1;
/// Lines of one note, at most.
pub const LINES_MAX: usize = 1000;
/// Times that somebody notes something of one delivery, at most.
const NOTES_MAX: usize = 1000;
/// Length of a note in bytes, at most: names of 1,024 bytes, written out as JSON.
const NOTE_MAX_BYTES: u64 = 16 << 20;
/// Notes that are read side by side.
const READ_AT_ONCE: usize = 8;

/// A line of a report, by what it says: the code, and the file or the entity.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct DismissedLine {
    /// The reason code.
    pub code: String,
    /// The file; none of an entity that was promised and has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The entity; none where a file is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cd_idx: Option<u64>,
}

impl DismissedLine {
    /// Of what a report says: the file says of which entity it is.
    pub fn new(code: &str, file: Option<&str>, cd_idx: Option<u64>) -> Self {
        let cd_idx = cd_idx.filter(|_| file.is_none());
        Self { code: code.to_owned(), file: file.map(str::to_owned), cd_idx }
    }
}

/// The object.
#[derive(Debug, Serialize, Deserialize)]
struct Note {
    version: u32,
    lines: Vec<DismissedLine>,
    #[serde(flatten)]
    dismissed: Dismissed,
}

/// Where the notes of a delivery are.
fn prefix(delivery: &DeliveryKey) -> String {
    format!("{DISMISSALS_PREFIX}{}/of-{}/", delivery.vertical, delivery.id)
}

/// Notes that lines of a delivery are settled; durable when this returns. Noting the same again changes nothing.
pub async fn write(
    store: &dyn Store,
    bucket: &str,
    delivery: &DeliveryKey,
    (lines, dismissed): (&[DismissedLine], &Dismissed),
) -> Result<()> {
    let refused = |why: &str| {
        let doing = format!("note what of {} is settled: {why}", delivery.key());
        Error::new(Place::Store, Kind::Refused, doing)
    };
    let there = listed(store, bucket, delivery).await?.len();
    if there + lines.len().div_ceil(LINES_MAX) > NOTES_MAX {
        return Err(refused(&format!("it has {there} notes, and at most {NOTES_MAX} are kept")));
    }
    let attributes = Attributes { content_type: Some("application/json".to_owned()), ..Attributes::default() };
    for some in lines.chunks(LINES_MAX) {
        let note = Note { version: VERSION, lines: some.to_vec(), dismissed: dismissed.clone() };
        let body = serde_json::to_vec(&note).map_err(|error| refused("it cannot be written").because(error))?;
        let digest = hex::encode(Sha256::digest(&body));
        // In the order in which they were written.
        let key = format!("{}{:013}-{}.json", prefix(delivery), dismissed.at.as_millisecond(), &digest[..16]);
        store.put(bucket, &key, body.into(), &attributes, Condition::Always).await?;
    }
    Ok(())
}

/// The lines of a delivery that somebody settled. The first to say so is named.
pub(super) async fn read(
    store: &dyn Store,
    bucket: &str,
    delivery: &DeliveryKey,
) -> Result<BTreeMap<DismissedLine, Dismissed>> {
    let mut settled = BTreeMap::new();
    for some in listed(store, bucket, delivery).await?.chunks(READ_AT_ONCE) {
        let reading = some.iter().map(|info| store.get(bucket, &info.key, NOTE_MAX_BYTES));
        for (info, object) in some.iter().zip(try_join_all(reading).await?) {
            let Some(object) = object else { continue };
            let note: Note = serde_json::from_slice(&object.body).map_err(|error| {
                let doing = format!("read {}, which says what of a delivery is settled; delete it", info.key);
                Error::new(Place::Store, Kind::Corrupt, doing).because(error)
            })?;
            for line in note.lines {
                // The code is what the line said; who looks later sees what was settled.
                let reason = Some(line.code.clone());
                settled.entry(line).or_insert_with(|| Dismissed { reason, ..note.dismissed.clone() });
            }
        }
    }
    Ok(settled)
}

/// Takes back everything that was settled of a delivery: it is open again.
pub async fn reopen(store: &dyn Store, bucket: &str, delivery: &DeliveryKey) -> Result<()> {
    for info in listed(store, bucket, delivery).await? {
        store.delete(bucket, &info.key, &info.validator()).await?;
    }
    Ok(())
}

async fn listed(store: &dyn Store, bucket: &str, delivery: &DeliveryKey) -> Result<Vec<ObjectInfo>> {
    store.list(bucket, &prefix(delivery), "", NOTES_MAX).await
}
