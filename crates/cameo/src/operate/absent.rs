//! What was asked about and of which nothing is there: a vertical that nobody knows, ids that are found nowhere or are deleted.

use serde::Serialize;

use super::Output;
use crate::{
    ledger::Scope,
    model::{error::Result, key::Vertical, lang::Lang, token::Verticals},
    proof::verify::{AbsentIds, Places, Unmatched, absent_ids, unmatched},
};

/// How much of what was asked about is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Matched {
    /// All of it.
    Everything,
    /// Some ids are unknown, or everything of them is deleted.
    Some,
    /// Nothing: the command has nothing to do.
    Nothing,
}

/// What was asked about and of which nothing is left.
#[derive(Debug, Serialize)]
struct Absent<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    unmatched: &'a Option<Unmatched>,
    unknown_ids: &'a [u64],
    deleted_ids: &'a [u64],
}

/// Reports what of a scope is found nowhere, or is deleted.
pub async fn report(
    places: Places<'_>,
    verticals: &Verticals,
    scope: &Scope,
    output: &mut impl Output,
) -> Result<Matched> {
    let lang = output.lang();
    let mut unmatched = unmatched(places, scope).await?;
    show_own(verticals, &mut unmatched);
    if let Some(own) = unmatched.take_if(|unmatched| unmatched.is_own) {
        // Whoever gave the rights named it, so it is no slip of whoever asks: right after the first log-in nothing is there, and nothing is
        // wrong.
        output.note(&own.text(lang));
    }
    let absent = match unmatched {
        None => absent_ids(places, scope).await?,
        Some(_) => AbsentIds::default(),
    };
    let AbsentIds { unknown, deleted } = &absent;
    let texts = unmatched.iter().map(|unmatched| unmatched.text(lang)).chain(texts(unknown, deleted, lang));
    texts.for_each(|text| output.note(&text));
    let is_absent = unmatched.is_some() || !absent.is_empty();
    if is_absent {
        let absent = Absent { unmatched: &unmatched, unknown_ids: unknown, deleted_ids: deleted };
        output.item(Some(&absent), Vec::new);
    }
    output.ready().await;
    Ok(match scope {
        _ if unmatched.is_some() => Matched::Nothing,
        Scope::Ids { cd_idx, .. } if absent.len() == cd_idx.len() => Matched::Nothing,
        _ if is_absent => Matched::Some,
        _ => Matched::Everything,
    })
}

/// Reports that there is no such vertical; false where there is, and where whoever asks was given rights to it.
pub(super) async fn vertical(
    places: Places<'_>,
    verticals: &Verticals,
    vertical: &Vertical,
    output: &mut impl Output,
) -> Result<bool> {
    let mut unmatched = unmatched(places, &Scope::Vertical(vertical.clone())).await?;
    show_own(verticals, &mut unmatched);
    if let Some(found) = &unmatched {
        output.note(&found.text(output.lang()));
    }
    unmatched.take_if(|unmatched| unmatched.is_own);
    if unmatched.is_some() {
        output.item(Some(&Absent { unmatched: &unmatched, unknown_ids: &[], deleted_ids: &[] }), Vec::new);
    }
    Ok(unmatched.is_some())
}

/// Names ids of which nothing is found.
pub(super) fn unknown_ids(unknown: &[u64], output: &mut impl Output) {
    if !unknown.is_empty() {
        output.item(Some(&Absent { unmatched: &None, unknown_ids: unknown, deleted_ids: &[] }), Vec::new);
    }
}

/// Offers no names of verticals that whoever asks may not see, and notes whether they were given rights to the very vertical.
pub(super) fn show_own(verticals: &Verticals, unmatched: &mut Option<Unmatched>) {
    if let Some(unmatched) = unmatched {
        unmatched.is_own = *verticals != Verticals::All && verticals.include(&unmatched.vertical);
        unmatched.near.retain(|near| verticals.include(near));
    }
}

/// A line for each id of which nothing is left.
pub(super) fn texts<'t>(unknown: &'t [u64], deleted: &'t [u64], lang: Lang) -> impl Iterator<Item = String> + 't {
    let not_found = lang.pick("not found", "찾을 수 없습니다");
    let gone = lang.pick("deleted; nothing of it is left", "삭제되어 남은 것이 없습니다");
    let unknown = unknown.iter().map(move |id| format!("{id}: {not_found}"));
    unknown.chain(deleted.iter().map(move |id| format!("{id}: {gone}")))
}
