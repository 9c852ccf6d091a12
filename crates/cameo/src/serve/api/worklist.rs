//! What waits for somebody, across verticals: rejected originals by reason, files outside of `origin/`, dead letters, what deliveries lack,
//! and webhooks that fail.
//!
//! How much there is comes from counts that are kept, so the sections cost the same however much is rejected. The items of a section are read in
//! the order of their keys, from any key on; nobody sees what is not of the verticals that they may see.

use super::rights::Caller;
use crate::{
    client::wire::WebhookTrouble,
    ledger::{LedgerEntry, counts::KeptCount},
    model::{
        key::{Misplaced, UploadKey, Vertical},
        reason::{Owner, ReasonCode},
        token::{Role, Verticals},
    },
    operate::letters::LETTERS_MAX,
    proof::verify::UnexpectedFile,
    queue::{DeadLetter, Queue},
    serve::{open_deliveries::OpenGroup, problem::Answer, site::Site},
};

/// Which part of what waits is asked for.
#[derive(Debug, Clone, Default)]
pub(super) struct Filter {
    pub(super) vertical: Option<Vertical>,
    pub(super) owner: Option<Owner>,
    pub(super) reason: Option<ReasonCode>,
}

impl Filter {
    fn lets(&self, reason: ReasonCode) -> bool {
        self.owner.is_none_or(|owner| owner == reason.owner()) && self.reason.is_none_or(|asked| asked == reason)
    }

    /// Whether something of a vertical, or of none, is asked for and may be seen.
    fn includes(&self, verticals: &Verticals, vertical: Option<&Vertical>) -> bool {
        verticals.include_of(vertical) && (self.vertical.is_none() || self.vertical.as_ref() == vertical)
    }

    /// The verticals that have to be asked for one by one; `None` in it stands for all at once.
    fn asked(&self, verticals: &Verticals) -> Vec<Option<Vertical>> {
        match (&self.vertical, verticals) {
            (Some(vertical), _) => vec![Some(vertical.clone())],
            (None, Verticals::All) => vec![None],
            (None, Verticals::Only(own)) => own.iter().cloned().map(Some).collect(),
        }
    }
}

/// Everything that waits for the same reason.
#[derive(Debug)]
pub(super) struct Section {
    /// The reason.
    pub(super) reason: ReasonCode,
    /// The code as it is stored: that of a newer version may be unknown here.
    pub(super) stored: String,
    /// Rejected originals under `origin/`.
    pub(super) rejected: u64,
    /// Files outside of it.
    pub(super) outside: Vec<UnexpectedFile>,
    /// Dead letters, each with its queue, in their order.
    pub(super) letters: Vec<(String, DeadLetter)>,
    /// How many dead letters there are.
    pub(super) dead: u64,
    /// What deliveries lack, in the order of their places.
    pub(super) open: Vec<OpenGroup>,
    /// Webhooks that fail, in the order of their ids.
    pub(super) webhooks: Vec<WebhookTrouble>,
}

impl Section {
    fn new(stored: &str) -> Self {
        let reason = stored.parse().unwrap_or(ReasonCode::SystemUnknownReason);
        Self {
            reason,
            stored: stored.to_owned(),
            rejected: 0,
            outside: Vec::new(),
            letters: Vec::new(),
            dead: 0,
            open: Vec::new(),
            webhooks: Vec::new(),
        }
    }

    /// How many items it has.
    pub(super) fn items(&self) -> u64 {
        let open: u64 = self.open.iter().map(|group| group.items).sum();
        self.rejected + self.outside.len() as u64 + self.dead + open + self.webhooks.len() as u64
    }
}

/// What waits, in the order of who must act and of the reasons' codes.
#[derive(Debug)]
pub(super) struct Worklist {
    pub(super) sections: Vec<Section>,
    /// Whether there are dead letters that are not among `letters`.
    pub(super) truncated: bool,
    /// Deliveries of which nobody knows yet what they lack.
    pub(super) unknown_deliveries: u64,
}

impl Worklist {
    /// How many items of each owner there are.
    pub(super) fn by_owner(&self, owner: Owner) -> u64 {
        self.sections.iter().filter(|section| section.reason.owner() == owner).map(Section::items).sum()
    }
}

/// How closely dead letters are looked at: with a queue service each look is a request, and hides them from others for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Letters {
    /// They are counted, where whoever asks may see all.
    Counted,
    /// They are listed.
    Listed,
}

/// What waits of what the filter lets through and the caller may see. `kept` are the counts of the catalog.
pub(super) async fn worklist(
    site: &Site,
    caller: &Caller,
    filter: &Filter,
    kept: &[KeptCount],
    letters: Letters,
) -> Answer<Worklist> {
    let mut work = Worklist { sections: Vec::new(), truncated: false, unknown_deliveries: 0 };
    for KeptCount { key, originals } in kept {
        let vertical: Option<Vertical> = key.vertical.as_deref().and_then(|name| name.parse().ok());
        if let Some(code) = key.reason.as_deref().filter(|_| filter.includes(&caller.verticals, vertical.as_ref())) {
            work.section(code).rejected += originals;
        }
    }
    let misnamed = ReasonCode::NameUnparseable;
    if filter.lets(misnamed) {
        let mut outside = site.outside.of(&*site.flow.store, &site.flow.settings.upload_bucket).await?;
        outside.retain(|file| filter.includes(&caller.verticals, vertical_outside(&file.key).as_ref()));
        if !outside.is_empty() {
            work.section(misnamed.code()).outside = outside;
        }
    }
    if filter.lets(ReasonCode::SystemDeadLetter) {
        dead_letters(site, caller, filter, letters, &mut work).await?;
    }
    open_deliveries(site, caller, filter, &mut work).await?;
    if filter.lets(ReasonCode::WebhookFailing) && filter.vertical.is_none() {
        failing_webhooks(site, caller, &mut work).await?;
    }
    work.sections.retain(|section| filter.lets(section.reason) && section.items() > 0);
    let place = |owner: Owner| Owner::ALL.iter().position(|other| *other == owner);
    work.sections.sort_by(|a, b| {
        let of = |section: &Section| (place(section.reason.owner()), section.reason.code());
        (of(a), &a.stored).cmp(&(of(b), &b.stored))
    });
    Ok(work)
}

impl Worklist {
    fn section(&mut self, stored: &str) -> &mut Section {
        let at = self.sections.iter().position(|section| section.stored == stored).unwrap_or_else(|| {
            self.sections.push(Section::new(stored));
            self.sections.len() - 1
        });
        &mut self.sections[at]
    }
}

/// What deliveries lack of what the caller may see.
async fn open_deliveries(site: &Site, caller: &Caller, filter: &Filter, work: &mut Worklist) -> Answer<()> {
    let found = site.open.of(site.deliveries(), &site.zone).await?;
    let is_seen = |vertical: &Vertical| filter.includes(&caller.verticals, Some(vertical));
    work.unknown_deliveries = found.unknown.iter().filter(|key| is_seen(&key.vertical)).count() as u64;
    for group in found.groups.into_iter().filter(|group| is_seen(&group.delivery.vertical)) {
        work.section(&group.code).open.push(group);
    }
    for section in &mut work.sections {
        section.open.sort_by_key(OpenGroup::place);
    }
    Ok(())
}

async fn failing_webhooks(site: &Site, caller: &Caller, work: &mut Worklist) -> Answer<()> {
    let webhooks = failing(site, caller).await?;
    if !webhooks.is_empty() {
        work.section(ReasonCode::WebhookFailing.code()).webhooks = webhooks;
    }
    Ok(())
}

/// Webhooks that fail, of those that send nothing but what the caller may see. At what they fail may name the receiver's machines, which is for
/// those who may change webhooks.
pub(super) async fn failing(site: &Site, caller: &Caller) -> Answer<Vec<WebhookTrouble>> {
    let mut all = site.flow.catalog.webhooks().await?;
    all.retain(|webhook| caller.covers(&webhook.verticals));
    all.sort_by(|a, b| a.id.cmp(&b.id));
    let mut failing: Vec<WebhookTrouble> = all.iter().filter_map(WebhookTrouble::of).collect();
    if caller.role < Role::Admin {
        for trouble in &mut failing {
            trouble.last_error = None;
        }
    }
    Ok(failing)
}

async fn dead_letters(site: &Site, caller: &Caller, filter: &Filter, how: Letters, work: &mut Worklist) -> Answer<()> {
    let sees_all = caller.verticals == Verticals::All && filter.vertical.is_none();
    let (mut found, mut dead) = (Vec::new(), 0);
    for queue in [&*site.events, &*site.registrations] {
        let depth = queue.depth().await?;
        if depth.dead == 0 || (how == Letters::Counted && sees_all) {
            dead += depth.dead;
            continue;
        }
        let (own, is_all) = letters_of(queue, caller, filter).await?;
        work.truncated |= !is_all;
        // What cannot be listed is counted all the same, for those who may see all.
        dead += if sees_all { depth.dead.max(own.len() as u64) } else { own.len() as u64 };
        found.extend(own);
    }
    if dead > 0 {
        found.sort_by(|(queue, a), (other, b)| (queue, &a.id).cmp(&(other, &b.id)));
        let section = work.section(ReasonCode::SystemDeadLetter.code());
        (section.letters, section.dead) = (found, dead);
    }
    Ok(())
}

/// The dead letters of a queue that are about nothing but what is asked for and may be seen, and whether all were looked at.
pub(super) async fn letters_of(
    queue: &dyn Queue,
    caller: &Caller,
    filter: &Filter,
) -> Answer<(Vec<(String, DeadLetter)>, bool)> {
    let mut letters = queue.dead_letters(LETTERS_MAX + 1).await?;
    let is_all = letters.len() <= LETTERS_MAX;
    letters.truncate(LETTERS_MAX);
    let sees_all = caller.verticals == Verticals::All && filter.vertical.is_none();
    letters.retain(|letter| {
        let is_own = |key: &String| filter.includes(&caller.verticals, UploadKey::vertical(key).as_ref());
        sees_all || (!letter.keys.is_empty() && letter.keys.iter().all(is_own))
    });
    Ok((letters.into_iter().map(|letter| (queue.name().to_owned(), letter)).collect(), is_all))
}

/// The vertical that a file outside of `origin/` evidently belongs to.
pub(super) fn vertical_outside(key: &str) -> Option<Vertical> {
    Misplaced::parse(key).and_then(|misplaced| misplaced.vertical)
}

/// The rejected originals of a section after a key, in the order of keys, at most `max`.
pub(super) async fn rejected(
    site: &Site,
    caller: &Caller,
    filter: &Filter,
    stored: &str,
    (after, max): (&str, usize),
) -> Answer<Vec<LedgerEntry>> {
    let mut entries = Vec::new();
    for vertical in filter.asked(&caller.verticals) {
        entries.extend(site.flow.catalog.rejected_for(stored, vertical.as_ref(), after, max).await?);
    }
    // Of several verticals each has its first ones here: what is behind them is behind the last that is kept, too.
    entries.sort_by(|a, b| a.key.cmp(&b.key));
    entries.truncate(max);
    Ok(entries)
}
