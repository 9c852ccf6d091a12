//! The words of the site, in Korean and English.

use axum::http::{HeaderMap, header};

use crate::{
    model::{lang::Text, reason::ReasonCode},
    proof::verify::EntityState,
};

/// The language of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    /// Korean, the operators' language and the default.
    Korean,
    /// English.
    English,
}

impl Language {
    /// The language asked for, or the one that the browser prefers.
    pub(super) fn of(asked: Option<&str>, headers: &HeaderMap) -> Self {
        let preferred = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        match asked.or(preferred) {
            Some(language) if language.trim_start().starts_with("en") => Self::English,
            _ => Self::Korean,
        }
    }

    pub(super) fn code(self) -> &'static str {
        match self {
            Self::Korean => "ko",
            Self::English => "en",
        }
    }

    pub(super) fn other(self) -> &'static str {
        match self {
            Self::Korean => "en",
            Self::English => "ko",
        }
    }

    /// The Korean or the English text.
    pub(super) fn choose<'t>(self, korean: &'t str, english: &'t str) -> &'t str {
        match self {
            Self::Korean => korean,
            Self::English => english,
        }
    }

    /// The text in the page's language.
    pub(super) fn of_text(self, text: &Text) -> String {
        self.choose(&text.korean, &text.english).to_owned()
    }

    pub(super) fn state(self, state: EntityState) -> &'static str {
        match state {
            EntityState::Complete => self.choose("완료", "complete"),
            EntityState::Rejected => self.choose("거부됨", "rejected"),
            EntityState::Pending => self.choose("처리 중", "pending"),
            EntityState::Different => self.choose("불일치", "different"),
        }
    }

    pub(super) fn reason(self, reason: ReasonCode) -> &'static str {
        self.choose(reason.korean(), reason.english())
    }

    pub(super) fn action(self, reason: ReasonCode) -> &'static str {
        self.choose(reason.action_korean(), reason.action_english())
    }
}
