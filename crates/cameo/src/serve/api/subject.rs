//! What a question is about, read from a request and held against the verticals that the caller may see.

use super::rights::Caller;
use crate::{
    client::wire::FILES_MAX,
    ledger::Scope,
    model::{
        ids::IDS_MAX,
        key::{CD_IDX_MAX, DeliveryName, Vertical},
        reason::ReasonCode,
        token::Verticals,
    },
    operate::Subject,
    serve::problem::{Answer, Problem},
};

/// Entities, or a delivery, as a request names them.
#[derive(Debug, Default)]
pub(super) struct Named {
    /// The vertical.
    pub(super) vertical: Option<String>,
    /// Numbers of entities.
    pub(super) ids: Option<Vec<u64>>,
    /// A delivery.
    pub(super) delivery: Option<String>,
}

impl Named {
    /// What is asked about; nothing named is everything that the caller may see, however many verticals that is. Only for what looks at no
    /// other by itself.
    pub(super) fn subject_or_all(self, caller: &Caller) -> Answer<Subject> {
        let names_something = self.vertical.is_some() || self.ids.is_some() || self.delivery.is_some();
        if names_something { self.subject(caller) } else { Ok(Subject::Scope(Scope::All)) }
    }

    /// What is asked about.
    pub(super) fn subject(self, caller: &Caller) -> Answer<Subject> {
        let Some(name) = self.delivery else { return self.scope(caller).map(Subject::Scope) };
        if self.ids.is_some() {
            return Err(Problem::invalid("ids and delivery: name one of the two"));
        }
        let delivery: DeliveryName = name.parse().map_err(|error| Problem::invalid(format!("delivery: {error}")))?;
        let vertical = self.vertical.map(|name| caller.vertical(&name)).transpose()?;
        Subject::delivery(delivery, vertical.as_ref()).ok_or_else(|| {
            Problem::invalid(format!("delivery: {name} is of another vertical than the one named beside it"))
        })
    }

    /// The entities that are asked about: never beyond the verticals that the caller may see.
    pub(super) fn scope(self, caller: &Caller) -> Answer<Scope> {
        let vertical = match self.vertical {
            Some(name) => Some(caller.vertical(&name)?),
            None => only_vertical(caller)?,
        };
        Ok(match (self.ids, vertical) {
            (Some(ids), vertical) => Scope::Ids { vertical, cd_idx: checked(ids)? },
            (None, Some(vertical)) => Scope::Vertical(vertical),
            (None, None) => Scope::All,
        })
    }
}

/// The vertical of a caller who is limited to one; none of who is not limited.
fn only_vertical(caller: &Caller) -> Answer<Option<Vertical>> {
    let Verticals::Only(own) = &caller.verticals else { return Ok(None) };
    let mut names = own.iter();
    if let (Some(only), None) = (names.next(), names.next()) {
        return Ok(Some(only.clone()));
    }
    Err(Problem::name_one(own.iter().map(ToString::to_string).collect()))
}

/// A reason, by its code.
pub(super) fn reason_code(code: &str) -> Answer<ReasonCode> {
    code.parse().map_err(|_| Problem::invalid(format!("reason: {code:?} is not a reason code")))
}

/// Refuses more keys than are looked at in one question.
pub(super) fn few_enough(keys: &[String]) -> Answer<()> {
    if keys.len() > FILES_MAX {
        return Err(Problem::invalid(format!("{} keys: at most {FILES_MAX} at a time", keys.len())));
    }
    Ok(())
}

/// Numbers of entities, ascending, each once.
pub(super) fn checked(mut ids: Vec<u64>) -> Answer<Vec<u64>> {
    if ids.is_empty() {
        // Whatever is asked about nothing is complete, and must not pass for proof.
        return Err(Problem::invalid("ids is empty: leave it out for all entities"));
    }
    if ids.len() > IDS_MAX {
        return Err(Problem::invalid(format!("{} ids: at most {IDS_MAX} at a time", ids.len())));
    }
    if let Some(wrong) = ids.iter().find(|id| !(1..=CD_IDX_MAX).contains(*id)) {
        return Err(Problem::invalid(format!("ids: {wrong} is not a cd_idx: it must be from 1 to {CD_IDX_MAX}")));
    }
    ids.sort_unstable();
    ids.dedup();
    Ok(ids)
}
