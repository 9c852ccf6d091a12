//! Conditional requests (RFC 9110, section 13): pure decisions about what stands at a key.

use jiff::Timestamp;

use super::{
    object::StoredObject,
    refusal::{Refusal, StoreResult},
};
use crate::store::Condition;

/// What an `ETag` condition names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tag {
    /// `*`: anything that exists.
    Any,
    /// One `ETag`, without quotes.
    Is(String),
}

impl Tag {
    fn matches(&self, object: &StoredObject) -> bool {
        match self {
            Self::Any => true,
            Self::Is(etag) => object.info().is_named_by(etag),
        }
    }
}

/// The conditions of a request that writes or deletes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WriteConditions {
    /// `If-Match`.
    pub if_match: Option<Tag>,
    /// `If-None-Match`.
    pub if_none_match: Option<Tag>,
    /// `x-amz-if-match-size`, bytes.
    pub if_size: Option<u64>,
    /// `x-amz-if-match-last-modified-time`.
    pub if_modified_at: Option<Timestamp>,
}

impl WriteConditions {
    /// Refuses where the conditions do not hold for what stands at the key.
    pub fn check(&self, current: Option<&StoredObject>) -> StoreResult<()> {
        let Some(object) = current else {
            let must_exist = self.if_match.is_some() || self.if_size.is_some() || self.if_modified_at.is_some();
            return if must_exist { Err(Refusal::NoSuchKey) } else { Ok(()) };
        };
        let matched = self.if_match.as_ref().is_none_or(|tag| tag.matches(object))
            && !self.if_none_match.as_ref().is_some_and(|tag| tag.matches(object))
            && self.if_size.is_none_or(|size| size == object.size)
            && self.if_modified_at.is_none_or(|at| at.as_second() == object.modified_at.as_second());
        if matched { Ok(()) } else { Err(Refusal::ConditionFailed) }
    }
}

impl From<Condition> for WriteConditions {
    fn from(condition: Condition) -> Self {
        match condition {
            Condition::Always => Self::default(),
            Condition::Absent => Self { if_none_match: Some(Tag::Any), ..Self::default() },
            Condition::Matches(etag) => Self { if_match: Some(Tag::Is(etag)), ..Self::default() },
        }
    }
}

/// The conditions of a request that reads.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReadConditions {
    /// `If-Match`.
    pub if_match: Option<Tag>,
    /// `If-None-Match`.
    pub if_none_match: Option<Tag>,
    /// `If-Modified-Since`.
    pub if_modified_since: Option<Timestamp>,
    /// `If-Unmodified-Since`.
    pub if_unmodified_since: Option<Timestamp>,
}

/// How the conditions of a read came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Send the object.
    Send,
    /// 304: the client has it.
    NotModified,
    /// 412.
    Failed,
}

impl ReadConditions {
    /// Decides in the order of RFC 9110, section 13.2.2. Times are compared by the second, as HTTP carries them.
    pub fn judge(&self, object: &StoredObject) -> Verdict {
        let modified = object.modified_at.as_second();
        let changed_for = match (&self.if_match, self.if_unmodified_since) {
            (Some(tag), _) => !tag.matches(object),
            (None, Some(at)) => modified > at.as_second(),
            (None, None) => false,
        };
        let same_for = match (&self.if_none_match, self.if_modified_since) {
            (Some(tag), _) => tag.matches(object),
            (None, Some(at)) => modified <= at.as_second(),
            (None, None) => false,
        };
        match (changed_for, same_for) {
            (true, _) => Verdict::Failed,
            (false, true) => Verdict::NotModified,
            (false, false) => Verdict::Send,
        }
    }
}
