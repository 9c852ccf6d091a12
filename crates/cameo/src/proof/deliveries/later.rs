//! What happened to a photo after its bytes were delivered, in words: what took their place or deleted them.

use jiff::{Timestamp, tz::TimeZone};
use serde::Serialize;

pub use crate::proof::last_good::is_served_still;
use crate::{
    ledger::history::ChangeKind,
    model::{actor::Actor, lang::Text, plain, reason::ReasonCode, when},
};

/// Items of which the history says who replaced or deleted them, at most.
pub const LATER_MAX: usize = 1000;

/// What happened to a photo after its bytes were delivered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Later {
    /// When.
    pub at: Timestamp,
    /// Who did it, where that is known.
    pub by: Option<Actor>,
    /// What happened.
    pub change: ChangeKind,
    /// The recorded delivery that it came with; null of a deletion, and of an upload that nobody recorded.
    pub delivery: Option<String>,
    /// Why that later upload was rejected, where it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<ReasonCode>,
    /// What was found of it and where, in English.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

impl Later {
    /// It in words, with the time of a zone.
    pub fn text(&self, zone: &TimeZone) -> Text {
        self.text_at(&when::local(self.at, zone))
    }

    /// It in words for scripts.
    pub fn detail(&self) -> String {
        self.text_at(&self.at.to_string()).to_string()
    }

    fn text_at(&self, at: &str) -> Text {
        let by = |nobody: &str| self.by.as_ref().map_or_else(|| nobody.to_owned(), ToString::to_string);
        let (done, korean) = match self.change {
            ChangeKind::Registered => ("registered", "등록"),
            ChangeKind::Replaced | ChangeKind::Rejected => ("replaced", "교체"),
            ChangeKind::Repeated => ("repeated", "같은 내용으로 다시 처리"),
            ChangeKind::Removed => ("removed", "삭제"),
        };
        let with = self.delivery.as_deref();
        let (with, with_korean) =
            with.map(|delivery| (format!(", delivery {delivery}"), format!(", 전달 {delivery}"))).unwrap_or_default();
        let rejected = self.rejection();
        let text = Text::new(
            format!("{done} by {} at {at}{with}{}", by("somebody"), rejected.english),
            format!("{at}에 {korean}됨({}{with_korean}){}", by("누가 했는지 모름"), rejected.korean),
        );
        Text { technical: rejected.technical, ..text }
    }

    /// That the later upload was itself rejected, where it was; to follow what is said of it.
    pub fn rejection(&self) -> Text {
        let Some(reason) = self.reason.filter(|_| self.change == ChangeKind::Rejected) else { return Text::default() };
        let found = plain::found(reason, self.detail.as_deref().unwrap_or_default());
        let text = Text::new(
            format!("; that one was rejected: {reason}: {}", found.english),
            format!("; 나중 파일은 거부됨: {reason}: {}", found.korean),
        );
        Text { technical: found.technical, ..text }
    }
}
