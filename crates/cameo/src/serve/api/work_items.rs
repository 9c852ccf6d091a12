//! The items of the work list, part by part: where a part ends is named by its section, its kind and its key, so that whatever is settled
//! or added meanwhile, none that stays is passed over or shown twice.

use std::fmt;

use futures::{StreamExt, TryStreamExt, stream};

use super::{
    rights::Caller,
    worklist::{Filter, Section, Worklist, rejected, vertical_outside},
};
use crate::{
    client::wire::{AttentionItem, AttentionKind, Texts, WebhookTrouble},
    escape::visible_lines,
    ledger::{
        LedgerEntry, State,
        history::{ChangeKind, named_by},
    },
    model::{
        error::Result,
        key::{EntityId, UploadKey, evident},
        lang::Text,
        plain,
        reason::ReasonCode,
        webhook,
    },
    proof::verify::UnexpectedFile,
    queue::DeadLetter,
    serve::{
        open_deliveries::{OpenGroup, OpenLine},
        problem::{Answer, Problem},
        site::Site,
    },
};

/// Originals that one part looks at, at most; then it ends early.
const LOOKED_AT_MAX: usize = 20_000;
/// Originals that are read at a time where not each is wanted.
const AT_ONCE: usize = 1000;
/// Lines of the history of a photo that are looked at for who uploaded it.
const LINES_OF_PHOTO: usize = 10;
/// Photos whose history is read side by side.
const HISTORIES_AT_ONCE: usize = 8;

/// The place of an item in the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cursor {
    section: String,
    kind: AttentionKind,
    /// The key; of a dead letter queue and id.
    place: String,
}

const KINDS: [(AttentionKind, &str); 5] = [
    (AttentionKind::Rejected, "r"),
    (AttentionKind::Misplaced, "m"),
    (AttentionKind::DeadLetter, "d"),
    (AttentionKind::Delivery, "o"),
    (AttentionKind::Webhook, "w"),
];

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = KINDS.iter().find(|(kind, _)| *kind == self.kind).map_or("r", |(_, letter)| letter);
        // Keys may hold anything.
        write!(f, "{}~{kind}~{}", hex::encode(&self.section), hex::encode(&self.place))
    }
}

impl Cursor {
    /// The place that a text names; none where it is empty.
    pub(super) fn parse(text: &str) -> Answer<Option<Self>> {
        if text.is_empty() {
            return Ok(None);
        }
        let parse = || {
            let mut parts = text.splitn(3, '~');
            let text = |part: Option<&str>| String::from_utf8(hex::decode(part?).ok()?).ok();
            let section = text(parts.next())?;
            let letter = parts.next()?;
            let (kind, _) = KINDS.iter().find(|(_, known)| *known == letter)?;
            Some(Self { section, kind: *kind, place: text(parts.next())? })
        };
        parse().map(Some).ok_or_else(|| Problem::invalid("after is not the next of a page"))
    }
}

/// Items after a place, at most `limit`, and the place to go on after.
pub(super) async fn page(
    site: &Site,
    caller: &Caller,
    filter: &Filter,
    work: &Worklist,
    q: &str,
    (after, limit): (Option<Cursor>, usize),
) -> Answer<(Vec<AttentionItem>, Option<Cursor>)> {
    let mut gathered = Gathered { items: Vec::new(), ended: None, is_full: false, limit, q };
    let order = |stored: &str| work.sections.iter().position(|section| section.stored == stored);
    // A section that was settled meanwhile is gone: what comes behind it is what is behind its place in the order.
    let from = after.as_ref().map_or(0, |after| order(&after.section).unwrap_or_else(|| behind(work, &after.section)));
    for section in &work.sections[from.min(work.sections.len())..] {
        let after = after.as_ref().filter(|after| after.section == section.stored);
        if !gathered.section(site, caller, filter, section, after).await? {
            break;
        }
    }
    let Gathered { items, ended, is_full, .. } = gathered;
    let items = stream::iter(items.into_iter().map(|item| with_actor(site, item)));
    let items = items.buffered(HISTORIES_AT_ONCE).try_collect().await?;
    Ok((items, ended.filter(|_| is_full)))
}

/// Where the sections behind one begin that is there no more.
fn behind(work: &Worklist, stored: &str) -> usize {
    let reason: ReasonCode = stored.parse().unwrap_or(ReasonCode::SystemUnknownReason);
    let place = |reason: ReasonCode| {
        let owner = crate::model::reason::Owner::ALL.iter().position(|owner| *owner == reason.owner());
        (owner, reason.code())
    };
    let gone = (place(reason), stored);
    let is_before = |section: &&Section| (place(section.reason), section.stored.as_str()) < gone;
    work.sections.iter().take_while(is_before).count()
}

struct Gathered<'q> {
    items: Vec<AttentionItem>,
    /// The last place that was passed.
    ended: Option<Cursor>,
    /// Whether there may be more behind it.
    is_full: bool,
    limit: usize,
    q: &'q str,
}

impl Gathered<'_> {
    /// Adds the items of a section; false where this part is full.
    async fn section(
        &mut self,
        site: &Site,
        caller: &Caller,
        filter: &Filter,
        section: &Section,
        after: Option<&Cursor>,
    ) -> Answer<bool> {
        let place = |kind: AttentionKind| match after {
            Some(after) if after.kind > kind => None,
            Some(after) if after.kind == kind => Some(after.place.as_str()),
            _ => Some(""),
        };
        if section.rejected > 0
            && let Some(after) = place(AttentionKind::Rejected)
            && !self.rejected(site, caller, filter, section, after).await?
        {
            return Ok(false);
        }
        if let Some(after) = place(AttentionKind::Misplaced) {
            for file in section.outside.iter().filter(|file| file.key.as_str() > after) {
                let is_wanted = self.wants(&file.key);
                if is_wanted && !self.add(section, AttentionKind::Misplaced, &file.key, || of_outside(file)) {
                    return Ok(false);
                }
            }
        }
        if let Some(after) = place(AttentionKind::DeadLetter) {
            for (queue, letter) in &section.letters {
                let place = format!("{queue}/{}", letter.id);
                let is_wanted = letter.keys.iter().any(|key| self.wants(key)) || self.wants(&place);
                if is_wanted
                    && place.as_str() > after
                    && !self.add(section, AttentionKind::DeadLetter, &place, || of_letter(queue, letter))
                {
                    return Ok(false);
                }
            }
        }
        if let Some(after) = place(AttentionKind::Delivery)
            && !self.open(section, after)
        {
            return Ok(false);
        }
        if let Some(after) = place(AttentionKind::Webhook) {
            for trouble in section.webhooks.iter().filter(|trouble| trouble.webhook.as_str() > after) {
                let is_wanted = self.wants(&trouble.webhook) || self.wants(&trouble.description);
                if is_wanted && !self.add(section, AttentionKind::Webhook, &trouble.webhook, || of_webhook(trouble)) {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// Adds what deliveries lack: the lines that are kept, and how many more there are.
    fn open(&mut self, section: &Section, after: &str) -> bool {
        for group in &section.open {
            let (delivery, more) = (group.place(), group.more());
            for line in &group.lines {
                let place = format!("{delivery}/{}", line.place);
                let number = line.cd_idx.map(|cd_idx| cd_idx.to_string());
                let named = [line.file.as_deref(), number.as_deref(), Some(group.delivery.id.as_str())];
                let is_wanted = named.into_iter().flatten().any(|name| self.wants(name));
                if is_wanted
                    && place.as_str() > after
                    && !self.add(section, AttentionKind::Delivery, &place, || of_open(section, group, line))
                {
                    return false;
                }
            }
            // Behind every line: they begin with digits. It may stand for what is looked for.
            let place = format!("{delivery}/~");
            if more > 0
                && place.as_str() > after
                && !self.add(section, AttentionKind::Delivery, &place, || of_more(section, group))
            {
                return false;
            }
        }
        true
    }

    async fn rejected(
        &mut self,
        site: &Site,
        caller: &Caller,
        filter: &Filter,
        section: &Section,
        after: &str,
    ) -> Answer<bool> {
        let at_once = if self.q.is_empty() { AT_ONCE.min(self.limit + 1) } else { AT_ONCE };
        let (mut after, mut looked_at) = (after.to_owned(), 0);
        loop {
            let entries = rejected(site, caller, filter, &section.stored, (&after, at_once)).await?;
            let is_last = entries.len() < at_once;
            looked_at += entries.len();
            for entry in &entries {
                let is_wanted = self.wants(&entry.key);
                if is_wanted && !self.add(section, AttentionKind::Rejected, &entry.key, || of_entry(entry)) {
                    return Ok(false);
                }
            }
            let Some(last) = entries.last().filter(|_| !is_last) else { return Ok(true) };
            after.clone_from(&last.key);
            if looked_at >= LOOKED_AT_MAX {
                self.end(section, AttentionKind::Rejected, &after);
                self.is_full = true;
                return Ok(false);
            }
        }
    }

    /// Whether a key is one that is looked for.
    fn wants(&self, key: &str) -> bool {
        self.q.is_empty() || key.to_lowercase().contains(self.q)
    }

    /// Adds an item, if there is room; where there is none, this part ends before it.
    fn add(
        &mut self,
        section: &Section,
        kind: AttentionKind,
        place: &str,
        item: impl FnOnce() -> AttentionItem,
    ) -> bool {
        if self.items.len() >= self.limit {
            self.is_full = true;
            return false;
        }
        self.items.push(item());
        self.end(section, kind, place);
        true
    }

    fn end(&mut self, section: &Section, kind: AttentionKind, place: &str) {
        self.ended = Some(Cursor { section: section.stored.clone(), kind, place: place.to_owned() });
    }
}

fn of_entry(entry: &LedgerEntry) -> AttentionItem {
    let (reason, detail) = match &entry.state {
        State::Rejected { reason, detail } => (*reason, detail.as_str()),
        _ => (ReasonCode::SystemUnknownReason, ""),
    };
    let serves_older = entry.serving.is_some();
    AttentionItem {
        at: Some(entry.updated_at),
        serves_older,
        dismissable: !serves_older,
        retryable: true,
        ..item(AttentionKind::Rejected, Some(&entry.key), (reason, detail))
    }
}

fn of_outside(file: &UnexpectedFile) -> AttentionItem {
    let detail = match &file.state {
        Some(State::Rejected { detail, .. }) => detail.as_str(),
        _ => "",
    };
    let vertical = vertical_outside(&file.key).map(String::from);
    let (cd_idx, _) = evident(&file.key);
    let item = item(AttentionKind::Misplaced, Some(&file.key), (ReasonCode::NameUnparseable, detail));
    AttentionItem { vertical, cd_idx, dismissable: true, ..item }
}

fn of_letter(queue: &str, letter: &DeadLetter) -> AttentionItem {
    let key = letter.keys.first().map(String::as_str);
    AttentionItem {
        id: format!("letter:{queue}/{}", letter.id),
        at: letter.dead_at,
        retryable: true,
        queue: Some(queue.to_owned()),
        letter: Some(letter.id.clone()),
        ..item(AttentionKind::DeadLetter, key, (ReasonCode::SystemDeadLetter, &letter.error))
    }
}

fn of_delivery(section: &Section, group: &OpenGroup, name: &str, (english, korean): (&str, &str)) -> AttentionItem {
    let id = &group.delivery.id;
    let base = item(AttentionKind::Delivery, None, (section.reason, english));
    // Where nothing was found besides, the code says it all.
    let found = if korean.is_empty() {
        base.found.clone()
    } else {
        Texts { ko: visible_lines(korean).into_owned(), en: visible_lines(english).into_owned() }
    };
    AttentionItem {
        id: format!("delivery:{}/{id}/{}/{name}", group.delivery.vertical, group.code),
        vertical: Some(group.delivery.vertical.to_string()),
        found,
        at: Some(group.created),
        actor: Some(group.by.clone()).filter(|by| !by.is_empty()),
        delivery: Some(id.to_string()),
        ..base
    }
}

fn of_open(section: &Section, group: &OpenGroup, line: &OpenLine) -> AttentionItem {
    let OpenLine { place, cd_idx, sequence, file, found } = line;
    AttentionItem {
        cd_idx: *cd_idx,
        sequence: *sequence,
        file: file.clone(),
        ..of_delivery(section, group, place, (&found.english, &found.korean))
    }
}

/// What stands for those that are not listed.
fn of_more(section: &Section, group: &OpenGroup) -> AttentionItem {
    let more = group.more();
    let text =
        Text::new(format!("{more} more, on the page of the delivery"), format!("이 전달에 {more}건이 더 있습니다"));
    AttentionItem { more, ..of_delivery(section, group, "more", (&text.english, &text.korean)) }
}

fn of_webhook(trouble: &WebhookTrouble) -> AttentionItem {
    let WebhookTrouble { webhook, description, failing_since, disabled_at, last_error } = trouble;
    let name = Some(description).filter(|text| !text.is_empty()).unwrap_or(webhook);
    let (error, failure) = match last_error {
        Some(error) => (format!(": {error}"), format!(": {}", webhook::failure_in_korean(error))),
        None => (String::new(), String::new()),
    };
    let found = match disabled_at {
        Some(_) => {
            Text::new(format!("stopped, nothing is sent any more{error}"), format!("멈춤, 더 보내지 않음{failure}"))
        }
        None => Text::new(format!("fails, tried again{error}"), format!("실패, 다시 시도 중{failure}")),
    };
    AttentionItem {
        id: format!("webhook:{webhook}"),
        file: Some(name.clone()),
        found: Texts { ko: visible_lines(&found.korean).into_owned(), en: visible_lines(&found.english).into_owned() },
        at: failing_since.or(*disabled_at),
        webhook: Some(webhook.clone()),
        ..item(AttentionKind::Webhook, None, (ReasonCode::WebhookFailing, last_error.as_deref().unwrap_or_default()))
    }
}

/// What every item has.
fn item(kind: AttentionKind, key: Option<&str>, (reason, detail): (ReasonCode, &str)) -> AttentionItem {
    let (vertical, cd_idx, sequence) = key.map(named_by).unwrap_or_default();
    let found = plain::found(reason, detail);
    AttentionItem {
        kind,
        id: format!("original:{}", key.unwrap_or_default()),
        key: key.map(str::to_owned),
        file: key.and_then(|key| key.rsplit('/').next()).map(str::to_owned),
        vertical: vertical.map(String::from),
        cd_idx,
        sequence,
        code: reason.code().to_owned(),
        owner: reason.owner().code().to_owned(),
        meaning: Texts::new(reason.korean(), reason.english()),
        action: Texts::new(reason.action_korean(), reason.action_english()),
        // For people: a name in it is shown as what it is.
        found: Texts { ko: visible_lines(&found.korean).into_owned(), en: visible_lines(&found.english).into_owned() },
        detail: detail.to_owned(),
        at: None,
        actor: None,
        delivery: None,
        serves_older: false,
        dismissable: false,
        retryable: false,
        queue: None,
        letter: None,
        webhook: None,
        more: 0,
    }
}

/// The item with who uploaded it, where the history knows.
async fn with_actor(site: &Site, mut item: AttentionItem) -> Result<AttentionItem> {
    let Some(key) = item.key.as_deref().filter(|_| item.kind == AttentionKind::Rejected) else { return Ok(item) };
    let (Some(vertical), Some(cd_idx)) = (UploadKey::vertical(key), item.cd_idx) else { return Ok(item) };
    let entity = EntityId { vertical, cd_idx };
    let lines = site.flow.catalog.history_of(&entity, item.sequence, None, LINES_OF_PHOTO).await?;
    let rejection = lines.into_iter().find(|line| line.change.key == key && line.change.change == ChangeKind::Rejected);
    item.actor = rejection.and_then(|line| line.change.actor).map(|actor| actor.to_string());
    Ok(item)
}
