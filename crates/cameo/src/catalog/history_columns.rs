//! Lines of the history as databases hold them, the same columns in each.
//!
//! Vertical, `cd_idx` and sequence are columns to find lines by; what a line says of them is read from its key, so that the two
//! cannot differ.

use crate::{
    clock::from_millis,
    ledger::history::{ChangeKind, HistoryChange, HistoryLine, named_by},
    model::{
        actor::Actor,
        error::{Error, Kind, Place, Result},
        generation::Generation,
        reason::ReasonCode,
    },
};

/// A row of `cameo_history`.
#[derive(Debug)]
#[cfg_attr(any(feature = "mysql", feature = "postgres"), derive(sqlx::FromRow))]
pub(super) struct HistoryColumns {
    pub(super) position: i64,
    pub(super) changed_at: i64,
    pub(super) object_key: String,
    pub(super) kind: String,
    pub(super) generation: String,
    pub(super) etag: String,
    pub(super) size_bytes: Option<i64>,
    pub(super) reason: Option<String>,
    pub(super) detail: Option<String>,
    pub(super) actor: Option<String>,
    pub(super) image_sizes: String,
}

impl TryFrom<HistoryColumns> for HistoryLine {
    type Error = Error;

    fn try_from(columns: HistoryColumns) -> Result<Self> {
        let (position, kind) = (columns.position, columns.kind.as_str());
        let change = ChangeKind::from_code(kind).ok_or_else(|| {
            let doing = format!("read the history: cameo_history.kind is {kind:?} at position {position}");
            Error::new(Place::Catalog, Kind::Malformed, doing)
        })?;
        let (vertical, cd_idx, sequence) = named_by(&columns.object_key);
        let (reason, detail) = reason(columns.reason, columns.detail);
        let change = HistoryChange {
            at: from_millis(columns.changed_at),
            key: columns.object_key,
            vertical,
            cd_idx,
            sequence,
            change,
            generation: Generation::new(columns.generation),
            etag: columns.etag,
            size: columns.size_bytes.and_then(|size| u64::try_from(size).ok()),
            reason,
            detail,
            actor: columns.actor.as_deref().and_then(Actor::new),
            image_sizes: columns.image_sizes.split_whitespace().map(str::to_owned).collect(),
        };
        Ok(Self { position: u64::try_from(position).unwrap_or(0), change })
    }
}

/// A reason of a newer version must not keep every other line from being read.
fn reason(code: Option<String>, detail: Option<String>) -> (Option<ReasonCode>, Option<String>) {
    let Some(code) = code else { return (None, detail) };
    if let Ok(reason) = code.parse() {
        return (Some(reason), detail);
    }
    let detail = format!("{code:?}: {}", detail.unwrap_or_default());
    (Some(ReasonCode::SystemUnknownReason), Some(detail))
}

/// Image sizes as they are stored.
pub(super) fn image_sizes(change: &HistoryChange) -> String {
    change.image_sizes.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(kind: &str, reason: Option<&str>) -> HistoryColumns {
        HistoryColumns {
            position: 7,
            changed_at: 1,
            object_key: "origin/v/1_0.jpg".into(),
            kind: kind.into(),
            generation: "1".into(),
            etag: "e".into(),
            size_bytes: Some(-1),
            reason: reason.map(str::to_owned),
            detail: Some("why".into()),
            actor: Some(String::new()),
            image_sizes: "sq ve".into(),
        }
    }

    #[test]
    fn what_a_newer_version_wrote_is_read_as_far_as_it_is_known() {
        let line = HistoryLine::try_from(columns("rejected", Some("file.haunted"))).unwrap();
        assert_eq!(line.change.reason, Some(ReasonCode::SystemUnknownReason));
        assert_eq!(line.change.detail.as_deref(), Some("\"file.haunted\": why"));
        assert_eq!((line.change.size, line.change.actor, line.change.image_sizes.len()), (None, None, 2));
        let error = HistoryLine::try_from(columns("vanished", None)).unwrap_err();
        assert!(error.to_string().contains("cameo_history.kind is \"vanished\" at position 7"), "{error}");
    }
}
