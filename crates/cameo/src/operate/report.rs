//! What a repair or another try did, or would do.

use serde::Serialize;

use super::{NO_JSON, Output, letters::LetterLine};
use crate::{
    model::lang::{Lang, Text},
    proof::repair::{Acted, Plan},
};

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
    pub left: Vec<Text>,
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
        let mut lines = self.lines(output.lang()).into_iter().peekable();
        while lines.peek().is_some() {
            let some = lines.by_ref().take(LINES).collect();
            output.item(NO_JSON, || some);
            output.ready().await;
        }
    }

    /// Its lines of text.
    fn lines(&self, lang: Lang) -> Vec<String> {
        let words = Words::of(lang, self.applied);
        let gone: std::collections::BTreeSet<&String> = self.gone.iter().collect();
        let mut lines = Vec::new();
        lines.extend(self.keys.iter().map(|key| {
            let becomes = if gone.contains(key) { words.gone } else { words.sent_again };
            format!("{key}: {becomes}")
        }));
        lines.extend(self.dead_letters.iter().map(|letter| format!("{}: {}", letter.about(lang), words.redriven)));
        lines.extend(self.removals.iter().map(|key| format!("{key}: {}", words.removed)));
        lines.extend(self.take_down.iter().map(|key| format!("{key}: {}", words.taken_down)));
        lines.extend(self.url_example.as_ref().map(|rewrite| self.rewrite_text(rewrite, lang)));
        lines.extend(self.left.iter().map(|left| left.of(lang).to_owned()));
        lines.push(if self.is_nothing() { words.nothing.to_owned() } else { self.sum(lang) });
        lines
    }

    fn rewrite_text(&self, Rewrite { from, to }: &Rewrite, lang: Lang) -> String {
        match (lang, self.applied) {
            (Lang::En, applied) => {
                let would = if applied { "" } else { "would be " };
                format!("addresses {would}rewritten, such as {from:?} to {to:?}")
            }
            (Lang::Ko, true) => format!("이미지 주소를 고쳤습니다. 예: {from:?} → {to:?}"),
            (Lang::Ko, false) => format!("이미지 주소를 고칠 예정입니다. 예: {from:?} → {to:?}"),
        }
    }

    /// Whether there is nothing that anybody has to do or to wait for.
    fn is_nothing(&self) -> bool {
        let lists = [&self.keys, &self.aliases, &self.removals, &self.take_down];
        lists.iter().all(|list| list.is_empty())
            && self.dead_letters.is_empty()
            && self.urls_to_rewrite + self.waiting + self.left_total == 0
    }

    /// What it comes to, in a line.
    fn sum(&self, lang: Lang) -> String {
        let planned = if self.applied {
            vec![
                (self.rewritten_urls, "addresses rewritten", "이미지 주소 수정"),
                (self.removed.done, "removals sent", "삭제 처리 요청"),
                (self.taken_down.done, "objects moved to quarantine", "격리 보관한 객체"),
            ]
        } else {
            vec![
                (self.urls_to_rewrite, "addresses to rewrite", "고칠 이미지 주소"),
                (self.removals.len() as u64, "removals to send", "삭제 처리할 것"),
                (self.take_down.len() as u64, "objects to move to quarantine", "격리 보관할 객체"),
                (self.aliases.len() as u64, "entities with aliases to write", "대표 사진을 다시 만들 엔티티"),
            ]
        };
        let others = [
            (self.dead_letters.len() as u64, "dead letters", "데드레터"),
            (self.waiting, "in work", "처리 중"),
            (self.left_total, "for somebody else to act on", "다른 사람이 조치할 것"),
        ];
        let head = match lang {
            Lang::En => format!("{} originals", self.keys.len()),
            Lang::Ko => format!("원본 {}개", self.keys.len()),
        };
        let counted = planned.into_iter().chain(others).filter(|(n, ..)| *n > 0);
        counted.fold(head, |text, (n, english, korean)| match lang {
            Lang::En => format!("{text}; {n} {english}"),
            Lang::Ko => format!("{text}; {korean} {n}개"),
        })
    }
}

/// What was done, or would be, in words.
struct Words {
    gone: &'static str,
    sent_again: &'static str,
    redriven: &'static str,
    removed: &'static str,
    taken_down: &'static str,
    nothing: &'static str,
}

impl Words {
    const fn of(lang: Lang, applied: bool) -> Self {
        match (lang, applied) {
            (Lang::En, true) => Self {
                gone: "gone",
                sent_again: "sent through the flow again",
                redriven: "dead letter sent again",
                removed: "gone: rows and renditions taken down",
                taken_down: "moved to quarantine",
                nothing: "0 originals: nothing to do",
            },
            (Lang::En, false) => Self {
                gone: "gone",
                sent_again: "would be sent through the flow again",
                redriven: "dead letter would be sent again",
                removed: "gone: rows and renditions would be taken down",
                taken_down: "would be moved to quarantine",
                nothing: "0 originals: nothing to do",
            },
            (Lang::Ko, true) => Self {
                gone: "원본이 없어졌습니다",
                sent_again: "다시 처리하도록 보냈습니다",
                redriven: "데드레터를 다시 보냈습니다",
                removed: "원본이 없어져 행과 이미지를 내렸습니다",
                taken_down: "격리 보관했습니다",
                nothing: "원본 0개: 할 일이 없습니다",
            },
            (Lang::Ko, false) => Self {
                gone: "원본이 없어졌습니다",
                sent_again: "다시 처리하도록 보낼 예정입니다",
                redriven: "데드레터를 다시 보낼 예정입니다",
                removed: "원본이 없어져 행과 이미지를 내릴 예정입니다",
                taken_down: "격리 보관할 예정입니다",
                nothing: "원본 0개: 할 일이 없습니다",
            },
        }
    }
}
