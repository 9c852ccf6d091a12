//! What a repair or another try did, or would do.

use serde::Serialize;

use super::{NO_JSON, Output, letters::LetterLine};
use crate::proof::repair::{Acted, Plan};

/// Lines that are passed on at a time.
const LINES: usize = 1000;

/// What was done, or would be.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// Whether it was done.
    pub applied: bool,
    /// Originals that go through the flow again.
    pub keys: Vec<String>,
    /// Those of them that are gone.
    pub gone: Vec<String>,
    /// Rows whose addresses were rewritten.
    pub rewritten_urls: u64,
    /// Messages of the dead-letter queues.
    pub dead_letters: Vec<LetterLine>,
    /// Rows whose addresses are to be rewritten.
    pub urls_to_rewrite: u64,
    /// One of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url_example: Option<Rewrite>,
    /// Entities whose aliases are to be written again.
    pub aliases: Vec<String>,
    /// Originals that are gone, and whose rows and renditions are to be taken down.
    pub removals: Vec<String>,
    /// What became of those.
    pub removed: Acted,
    /// Objects of the image bucket that are to be moved to quarantine.
    pub take_down: Vec<String>,
    /// What became of those.
    pub taken_down: Acted,
    /// Photos in work.
    pub waiting: u64,
    /// What is not Cameo's to repair, with who must act: the first 1,000.
    pub left: Vec<String>,
    /// How much of that there is.
    pub left_total: u64,
}

/// A row's address: that which it has, and that which it gets.
#[derive(Debug, Serialize)]
pub struct Rewrite {
    from: String,
    to: String,
}

impl Report {
    /// Of a plan.
    pub fn of(plan: &Plan, applied: bool) -> Self {
        let list = |keys: &std::collections::BTreeSet<String>| keys.iter().cloned().collect();
        Self {
            applied,
            keys: list(&plan.render),
            urls_to_rewrite: plan.addresses_total(),
            url_example: plan.example.clone().map(|(from, to)| Rewrite { from, to }),
            aliases: plan.aliases.iter().map(ToString::to_string).collect(),
            removals: list(&plan.remove),
            take_down: list(&plan.take_down),
            waiting: plan.waiting,
            left: plan.left.clone(),
            left_total: plan.left_total,
            ..Self::default()
        }
    }

    /// Writes it: one object, and its lines.
    pub(super) async fn write(&self, output: &mut impl Output) {
        output.item(Some(self), Vec::new);
        output.ready().await;
        let mut lines = self.lines().into_iter().peekable();
        while lines.peek().is_some() {
            let some = lines.by_ref().take(LINES).collect();
            output.item(NO_JSON, || some);
            output.ready().await;
        }
    }

    /// Its lines of text.
    fn lines(&self) -> Vec<String> {
        let would = if self.applied { "" } else { "would be " };
        let gone: std::collections::BTreeSet<&String> = self.gone.iter().collect();
        let mut lines = Vec::new();
        lines.extend(self.keys.iter().map(|key| {
            if gone.contains(key) {
                format!("{key}: gone")
            } else {
                format!("{key}: {would}sent through the flow again")
            }
        }));
        let outcome = if self.applied { "sent again" } else { "would be sent again" };
        lines.extend(self.dead_letters.iter().map(|letter| format!("{}: dead letter {outcome}", letter.about())));
        lines.extend(self.removals.iter().map(|key| format!("{key}: gone: rows and renditions {would}taken down")));
        lines.extend(self.take_down.iter().map(|key| format!("{key}: {would}moved to quarantine")));
        if let Some(Rewrite { from, to }) = &self.url_example {
            lines.push(format!("addresses {would}rewritten, such as {from:?} to {to:?}"));
        }
        lines.extend(self.left.iter().cloned());
        lines.push(if self.is_nothing() { "0 originals: nothing to do".to_owned() } else { self.sum() });
        lines
    }

    /// Whether there is nothing that anybody has to do or to wait for.
    fn is_nothing(&self) -> bool {
        let lists = [&self.keys, &self.aliases, &self.removals, &self.take_down];
        lists.iter().all(|list| list.is_empty())
            && self.dead_letters.is_empty()
            && self.urls_to_rewrite + self.waiting + self.left_total == 0
    }

    /// What it comes to, in a line.
    fn sum(&self) -> String {
        let planned = if self.applied {
            vec![
                (self.rewritten_urls, "addresses rewritten"),
                (self.removed.done, "removals sent"),
                (self.taken_down.done, "objects moved to quarantine"),
            ]
        } else {
            vec![
                (self.urls_to_rewrite, "addresses to rewrite"),
                (self.removals.len() as u64, "removals to send"),
                (self.take_down.len() as u64, "objects to move to quarantine"),
                (self.aliases.len() as u64, "entities with aliases to write"),
            ]
        };
        let others = [
            (self.dead_letters.len() as u64, "dead letters"),
            (self.waiting, "in work"),
            (self.left_total, "for somebody else to act on"),
        ];
        let counted = planned.into_iter().chain(others).filter(|(n, _)| *n > 0);
        counted.fold(format!("{} originals", self.keys.len()), |text, (n, what)| format!("{text}; {n} {what}"))
    }
}
