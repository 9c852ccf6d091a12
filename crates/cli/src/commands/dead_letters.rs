//! Dead letters as commands show them and send them again: with their photo, the reason and the cause.

use cameo::{
    ledger::Scope,
    model::{key::UploadKey, reason::ReasonCode},
    queue::{DeadLetter, Queue},
    server::backends::Queues,
};
use serde::Serialize;

/// Dead letters of one queue that are shown or sent again, at most.
pub(crate) const LETTERS_MAX: usize = 1000;

/// A line about a dead letter.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct LetterLine {
    pub(crate) queue: String,
    /// Names it within its queue.
    pub(crate) id: String,
    /// The originals that it is about, as far as they can be read.
    pub(crate) keys: Vec<String>,
    reason: ReasonCode,
    /// Why nobody tries it any more.
    detail: String,
    receive_count: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    dead_at: Option<String>,
}

impl LetterLine {
    fn new(queue: &str, letter: DeadLetter) -> Self {
        Self {
            queue: queue.to_owned(),
            id: letter.id,
            keys: letter.keys,
            reason: ReasonCode::SystemDeadLetter,
            detail: letter.error,
            receive_count: letter.receive_count,
            dead_at: letter.dead_at.map(|at| at.to_string()),
        }
    }

    /// What it is about, in a word.
    pub(crate) fn about(&self) -> String {
        match self.keys.as_slice() {
            [] => format!("message {} of {}", self.id, self.queue),
            keys => keys.join(", "),
        }
    }

    /// Its lines of text.
    pub(crate) fn text(&self) -> Vec<String> {
        let Self { reason, detail, .. } = self;
        let head = format!("{}: dead letter: {reason}: {detail}", self.about());
        vec![head, format!("  {}", reason.action_english())]
    }

    fn is_in(&self, scope: &Scope) -> bool {
        *scope == Scope::All || self.keys.iter().any(|key| is_in(key, scope))
    }
}

fn is_in(key: &str, scope: &Scope) -> bool {
    match scope {
        Scope::All => true,
        Scope::Vertical(wanted) => UploadKey::vertical(key).as_ref() == Some(wanted),
        Scope::Ids { vertical, cd_idx } => match UploadKey::parse(key) {
            UploadKey::Photo(photo) => {
                let is_of_vertical = vertical.as_ref().is_none_or(|wanted| *wanted == photo.entity.vertical);
                is_of_vertical && cd_idx.contains(&photo.entity.cd_idx)
            }
            _ => false,
        },
    }
}

/// The dead letters of a scope, of both queues. Those that name no photo belong to the whole alone.
pub(crate) async fn letters(queues: &Queues, scope: &Scope) -> anyhow::Result<Vec<LetterLine>> {
    let mut lines = Vec::new();
    for queue in [&queues.events, &queues.registrations] {
        let letters = queue.dead_letters(LETTERS_MAX).await?;
        lines.extend(letters.into_iter().map(|letter| LetterLine::new(queue.name(), letter)));
    }
    lines.retain(|line| line.is_in(scope));
    Ok(lines)
}

/// The ids of the letters that are in a queue.
pub(crate) fn ids_in(letters: &[LetterLine], queue: &dyn Queue) -> Vec<String> {
    letters.iter().filter(|letter| letter.queue == queue.name()).map(|letter| letter.id.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_is_in_the_scope_of_its_photo() {
        let letter = DeadLetter::new("7".into(), r#"{"key":"origin/v/12_0.jpg"}"#.into(), 5, "refused".into(), None);
        let line = LetterLine::new("registrations", letter);
        let ids = |cd_idx| Scope::Ids { vertical: None, cd_idx };
        assert!(
            line.is_in(&Scope::All) && line.is_in(&Scope::Vertical("v".parse().unwrap())) && line.is_in(&ids(vec![12]))
        );
        assert!(!line.is_in(&Scope::Vertical("w".parse().unwrap())) && !line.is_in(&ids(vec![13])));
        let unknown = LetterLine::new("events", DeadLetter::new("8".into(), "no json".into(), 1, "bad".into(), None));
        assert!(unknown.is_in(&Scope::All) && !unknown.is_in(&ids(vec![12])));
        let text = line.text();
        assert_eq!(text[0], "origin/v/12_0.jpg: dead letter: system.dead_letter: refused");
        assert!(text[1].starts_with("  Whoever runs"));
        assert_eq!(unknown.about(), "message 8 of events");
    }
}
