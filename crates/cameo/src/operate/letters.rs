//! Dead letters as commands show them and send them again: with their photo, the reason and the cause.

use serde::Serialize;

use super::System;
use crate::{
    ledger::Scope,
    model::{
        error::Result,
        key::{UploadKey, evident},
        lang::Lang,
        reason::ReasonCode,
        token::Verticals,
    },
    queue::DeadLetter,
};

/// Dead letters of one queue that are shown or sent again, at most.
pub const LETTERS_MAX: usize = 1000;

/// A line about a dead letter.
#[derive(Debug, Clone, Serialize)]
pub struct LetterLine {
    /// The queue that it failed in.
    pub queue: String,
    /// Names it within its queue.
    pub id: String,
    /// The originals that it is about, as far as they can be read.
    pub keys: Vec<String>,
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
    pub fn about(&self, lang: Lang) -> String {
        match (self.keys.as_slice(), lang) {
            ([], Lang::En) => format!("message {} of {}", self.id, self.queue),
            ([], Lang::Ko) => format!("{} 큐의 메시지 {}", self.queue, self.id),
            (keys, _) => keys.join(", "),
        }
    }

    /// Its lines of text.
    pub fn text(&self, lang: Lang) -> Vec<String> {
        let Self { reason, detail, .. } = self;
        let head = format!("{}: {}: {reason}: {detail}", self.about(lang), lang.pick("dead letter", "데드레터"));
        vec![head, format!("  {}", reason.action(lang))]
    }

    fn is_in(&self, scope: &Scope) -> bool {
        *scope == Scope::All || self.keys.iter().any(|key| is_in(key, scope))
    }
}

fn is_in(key: &str, scope: &Scope) -> bool {
    match scope {
        Scope::All => true,
        Scope::Vertical(wanted) => UploadKey::vertical(key).as_ref() == Some(wanted),
        Scope::Ids { vertical, cd_idx } => {
            let (of, id) = if let UploadKey::Photo(photo) = UploadKey::parse(key) {
                (Some(photo.entity.vertical), Some(photo.entity.cd_idx))
            } else {
                (UploadKey::vertical(key), evident(key).0)
            };
            vertical.as_ref().is_none_or(|wanted| of.as_ref() == Some(wanted))
                && id.is_some_and(|id| cd_idx.contains(&id))
        }
    }
}

/// Whether a message is about nothing but what whoever asks may see.
pub(super) fn is_own(verticals: &Verticals, keys: &[String]) -> bool {
    let is_own = |key: &String| verticals.include_of(UploadKey::vertical(key).as_ref());
    *verticals == Verticals::All || (!keys.is_empty() && keys.iter().all(is_own))
}

/// The dead letters of a scope, of both queues. Those that name no photo belong to the whole alone.
pub async fn of_scope(system: &System<'_>, scope: &Scope) -> Result<Vec<LetterLine>> {
    let mut lines = all(system).await?;
    lines.retain(|line| line.is_in(scope));
    Ok(lines)
}

/// The dead letters of both queues that whoever asks may see.
pub(super) async fn all(system: &System<'_>) -> Result<Vec<LetterLine>> {
    let Some(queues) = system.places.queues else { return Ok(Vec::new()) };
    let mut lines = Vec::new();
    for queue in [queues.events, queues.registrations] {
        let letters = queue.dead_letters(LETTERS_MAX).await?;
        lines.extend(letters.into_iter().map(|letter| LetterLine::new(queue.name(), letter)));
    }
    lines.retain(|line| is_own(system.verticals, &line.keys));
    Ok(lines)
}

/// Sends dead letters again.
pub(super) async fn redrive(system: &System<'_>, letters: &[LetterLine]) -> Result<()> {
    let Some(queues) = system.places.queues else { return Ok(()) };
    for queue in [queues.events.name(), queues.registrations.name()] {
        let of_queue = letters.iter().filter(|letter| letter.queue == queue);
        let ids: Vec<String> = of_queue.map(|letter| letter.id.clone()).collect();
        if !ids.is_empty() {
            system.act.redrive(queue, &ids).await?;
        }
    }
    Ok(())
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
        let text = line.text(Lang::En);
        assert_eq!(text[0], "origin/v/12_0.jpg: dead letter: system.dead_letter: refused");
        assert!(text[1].starts_with("  Whoever runs"));
        assert_eq!(unknown.about(Lang::En), "message 8 of events");
        assert_eq!(unknown.about(Lang::Ko), "events 큐의 메시지 8");
    }

    #[test]
    fn who_is_limited_to_verticals_sees_letters_about_nothing_else() {
        let own = Verticals::only_or_all(["v".parse().unwrap()]);
        let keys = |keys: &[&str]| keys.iter().map(|key| (*key).to_owned()).collect::<Vec<_>>();
        let (v, w) = ("origin/v/12_0.jpg", "origin/w/12_0.jpg");
        assert!(is_own(&own, &keys(&[v])) && !is_own(&own, &keys(&[v, w])) && !is_own(&own, &keys(&[])));
        assert!(is_own(&Verticals::All, &keys(&[])) && is_own(&Verticals::All, &keys(&[v, w])));
    }
}
