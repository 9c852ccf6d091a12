//! Looking again before a difference is reported: what is in work is pending, and never different.
//!
//! The places cannot be read as of one moment. So entities that seem to differ are read twice, with a look at the queues before
//! and after: where nothing changed in between and no message is about them, the difference is real.

use std::time::Duration;

use super::{
    Delivery, EntityFacts,
    collect::{self, Facts},
    in_work::{InWork, Work},
    judge::{judge_all, soften_all},
    report::{EntityReport, EntityState},
    view::View,
};
use crate::model::{
    error::Result,
    key::{EntityId, PhotoId},
    lang::Text,
};

/// How often entities that keep changing are looked at.
const LOOKS_MAX: u32 = 6;
/// How often an unchanged difference is looked at where nobody can say what is in work.
const LOOKS_IN_THE_DARK: u32 = 3;
/// How long to wait between those looks.
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(500);

/// Looks at entities again until what is seen of them is steady; their reports.
pub(super) async fn settle(
    view: View<'_>,
    entities: &[EntityId],
    delivery: Option<&Delivery>,
) -> Result<Vec<EntityReport>> {
    let (mut settled, mut waiting) = (Vec::new(), entities.to_vec());
    let mut unsettled = Vec::new();
    for look in 1..=LOOKS_MAX {
        let before = view.in_work.look_again(view.places.queues).await?;
        let facts = collect::of_entities(view.places, &waiting, delivery).await?;
        let reports = judge_all(View { in_work: &before, ..view }, &facts).await?;
        let after = view.in_work.look_again(view.places.queues).await?;
        let facts_after = collect::of_entities(view.places, &waiting, delivery).await?;
        let seen = Seen { facts: &facts, facts_after: &facts_after, before: &before, after: &after };
        unsettled.clear();
        for report in reports {
            let is_settled = report.state != EntityState::Different || seen.is_steady(&report.entity(), look);
            if is_settled { settled.push(report) } else { unsettled.push(report) }
        }
        if unsettled.is_empty() {
            return Ok(settled);
        }
        waiting = unsettled.iter().map(EntityReport::entity).collect();
        if before.is_dark() {
            tokio::time::sleep(LOOK_AGAIN_AFTER).await;
        }
    }
    for mut report in unsettled {
        soften_all(&mut report);
        let entity = report.entity();
        report.findings = vec![Text::new(
            format!("{entity}: pending: it kept changing while it was looked at"),
            format!("{entity}: 처리 중: 확인하는 동안 계속 바뀌었습니다"),
        )];
        settled.push(report);
    }
    Ok(settled)
}

/// Two readings of the same entities.
struct Seen<'s> {
    facts: &'s Facts,
    facts_after: &'s Facts,
    before: &'s InWork,
    after: &'s InWork,
}

impl Seen<'_> {
    /// Whether nothing of the entity changed, and nothing came into work.
    fn is_steady(&self, entity: &EntityId, look: u32) -> bool {
        let (Some(first), Some(second)) = (self.facts.get(entity), self.facts_after.get(entity)) else { return false };
        let came = |of_entity: &EntityFacts| {
            of_entity.keys().any(|sequence| {
                let key = PhotoId { entity: entity.clone(), sequence: *sequence }.origin_key();
                self.after.of(&key) == Work::Busy && self.before.of(&key) != Work::Busy
            })
        };
        let in_the_dark = self.before.is_dark() && look < LOOKS_IN_THE_DARK;
        first == second && !came(second) && !in_the_dark
    }
}
