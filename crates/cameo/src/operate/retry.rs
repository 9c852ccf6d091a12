//! Another try: rejected originals and dead letters go through the flow again, once the cause is fixed.

use std::collections::BTreeSet;

use super::{
    Output, Subject, System,
    absent::{self, Matched},
    delivery,
    letters::{self, LetterLine},
    report::Report,
};
use crate::{
    catalog::LedgerPages,
    ledger::{Scope, State},
    model::{error::Result, reason::ReasonCode},
    proof::{
        deliveries::state::ItemState,
        verify::{self, EntityState},
    },
};

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Retry {
    /// Of what.
    pub subject: Subject,
    /// Only what was rejected for this reason.
    pub reason: Option<ReasonCode>,
    /// Only say which it would be.
    pub dry_run: bool,
}

impl Retry {
    fn is_asked(&self, reason: ReasonCode) -> bool {
        self.reason.is_none_or(|asked| asked == reason)
    }
}

/// Sends again what is asked for.
pub async fn run(system: &System<'_>, asked: &Retry, output: &mut impl Output) -> Result<EntityState> {
    let mut matched = Matched::Everything;
    let found = match &asked.subject {
        Subject::Scope(scope) => {
            matched = absent::report(system.places, system.verticals, scope, output).await?;
            if matched == Matched::Nothing { None } else { Some(of_scope(system, asked, scope, output).await?) }
        }
        Subject::Delivery(name) => match delivery::find(system, name, output).await? {
            Some(delivery) => Some(of_delivery(system, asked, &delivery).await?),
            None => None,
        },
    };
    let Some((keys, dead_letters)) = found else { return Ok(EntityState::Different) };
    let mut report = Report { applied: !asked.dry_run, keys, dead_letters, ..Report::default() };
    let is_nothing = report.keys.is_empty() && report.dead_letters.is_empty();
    if !asked.dry_run && !is_nothing {
        report.gone = system.act.requeue(&report.keys).await?;
        letters::redrive(system, &report.dead_letters).await?;
    }
    report.write(output).await;
    // Whoever named an id that is not there must hear of it, whatever was sent of the others.
    Ok(if matched != Matched::Everything {
        EntityState::Different
    } else if is_nothing || asked.dry_run {
        EntityState::Complete
    } else {
        EntityState::Pending
    })
}

/// Keys of originals, and dead letters.
type Found = (Vec<String>, Vec<LetterLine>);

async fn of_scope(system: &System<'_>, asked: &Retry, scope: &Scope, output: &mut impl Output) -> Result<Found> {
    let mut keys = Vec::new();
    let mut pages = LedgerPages::new(system.places.catalog, scope);
    while let Some(page) = pages.next().await? {
        keys.extend(page.into_iter().filter(|entry| is_wanted(asked, &entry.state)).map(|entry| entry.key));
        output.ready().await;
    }
    // The ledger knows misnamed files by their keys alone; `status` lists them under the number that they begin with.
    let misnamed = verify::misnamed_with_ids(system.places, scope).await?;
    let misnamed = misnamed.into_iter().filter(|file| file.state.as_ref().is_some_and(|state| is_wanted(asked, state)));
    keys.extend(misnamed.map(|file| file.key));
    let is_asked = asked.is_asked(ReasonCode::SystemDeadLetter);
    let dead_letters = if is_asked { letters::of_scope(system, scope).await? } else { Vec::new() };
    Ok((keys, dead_letters))
}

/// A rejection that is asked for. A dead letter has its message still, which is sent again by itself.
fn is_wanted(asked: &Retry, state: &State) -> bool {
    matches!(state, State::Rejected { reason, .. } if *reason != ReasonCode::SystemDeadLetter && asked.is_asked(*reason))
}

/// Of a delivery: what was rejected of its very bytes, and dead letters about its files.
async fn of_delivery(system: &System<'_>, asked: &Retry, delivery: &delivery::Delivery) -> Result<Found> {
    let (wanted, items) = delivery.items(system).await?;
    // A dead letter has its message still, which is sent again below.
    let is_wanted = |reason: ReasonCode| reason != ReasonCode::SystemDeadLetter && asked.is_asked(reason);
    let rejected = wanted.iter().zip(&items).filter(|(_, item)| item.state == ItemState::Rejected);
    let rejected = rejected.filter(|(_, item)| item.reason.is_some_and(is_wanted));
    let keys = rejected.map(|(wanted, _)| wanted.key.clone()).collect();
    let mut dead_letters = Vec::new();
    if asked.is_asked(ReasonCode::SystemDeadLetter) {
        let own: BTreeSet<&String> = wanted.iter().map(|wanted| &wanted.key).collect();
        dead_letters = letters::all(system).await?;
        dead_letters.retain(|letter| letter.keys.iter().any(|key| own.contains(key)));
    }
    Ok((keys, dead_letters))
}
