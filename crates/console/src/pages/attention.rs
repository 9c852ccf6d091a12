//! What waits for somebody: by who must act, then by reason; selected, tried again, dismissed with a note, and that undone.

use askama::Template;
use axum::{http::Method, response::Response};
use cameo::{
    client::wire::{
        Attention, AttentionGroup, AttentionItem, AttentionKind, LettersRetried, LettersToRetry, OriginalsRestored,
        OriginalsRetried, OriginalsToDismiss, OriginalsToRetry, SetAside, Undo,
    },
    escape::visible,
    model::{
        key::{EntityId, Vertical},
        lang::{Lang, Text},
    },
};

use crate::{
    address::{and, part},
    ask::{Ask, Sent},
    failure::{Answer, Failure},
    form::{Fields, Form, unnamed},
    layout::{Chrome, html},
    notice::Done as Notice,
    show::{Time, named, thousands},
    words::{self, Here},
};

/// Items of a page.
const ITEMS: usize = 100;
/// Filters of the list.
const FILTERS: [&str; 4] = ["vertical", "owner", "reason", "q"];

#[derive(Template)]
#[template(path = "attention.html")]
struct AttentionPage {
    c: Chrome,
    total: u64,
    owners: Vec<OwnerChip>,
    groups: Vec<GroupView>,
    next: Option<String>,
    truncated: bool,
    /// Deliveries of which nobody knows yet what they lack.
    unknown_deliveries: u64,
    filtered: bool,
    /// Whether an upload would go all the way now, as far as that is known.
    healthy: bool,
    q: String,
    done: Option<String>,
    /// The filters as a query.
    filters: String,
}

struct OwnerChip {
    code: String,
    name: String,
    n: u64,
    on: bool,
}

/// The items of a reason.
struct GroupView {
    owner: String,
    first_of_owner: bool,
    group: AttentionGroup,
    items: Vec<AttentionItem>,
}

#[derive(Template)]
#[template(path = "attention_done.html")]
struct Done {
    c: Chrome,
    moved: usize,
    left: Vec<String>,
    undo: Option<Undo>,
}

/// The filters of a query, as the API is asked with.
fn filters(query: &Fields) -> String {
    and(FILTERS.into_iter().filter_map(|name| Some((name, query.get(name)?))))
}

/// The page.
pub(crate) async fn page(ask: Ask) -> Answer<Response> {
    let after = ask.query.get("after").map(|after| format!("&after={}", part(after))).unwrap_or_default();
    let asked = format!("/api/v1/attention?limit={ITEMS}{}{after}", filters(&ask.query));
    let (c, work) = futures::try_join!(Chrome::of(&ask, Here::Attention), ask.get::<Attention>(&asked))?;
    let lang = c.lang;
    let page = AttentionPage {
        total: work.total,
        owners: owners(&work.groups, ask.query.get("owner"), lang),
        next: work.next.as_ref().map(|next| {
            let kept = ask.query.query_without(&["after", "lang", "theme"]);
            format!("?{kept}{}after={}", if kept.is_empty() { "" } else { "&" }, part(next))
        }),
        truncated: work.truncated,
        unknown_deliveries: work.unknown_deliveries,
        filtered: FILTERS.iter().any(|name| ask.query.get(name).is_some()),
        healthy: work.total > 0 || super::health::now(&ask).await.is_none_or(|health| health.ok),
        q: ask.query.text("q").to_owned(),
        done: ask.done().and_then(|done| said(done, lang)),
        filters: ask.query.query_without(&["after", "lang", "theme"]),
        groups: grouped(work, lang),
        c,
    };
    Ok(html(&page))
}

fn owners(groups: &[AttentionGroup], on: Option<&str>, lang: Lang) -> Vec<OwnerChip> {
    let mut chips: Vec<OwnerChip> = Vec::new();
    for group in groups {
        match chips.iter_mut().find(|chip| chip.code == group.owner) {
            Some(chip) => chip.n += group.items,
            None => chips.push(OwnerChip {
                code: group.owner.clone(),
                name: words::owner(&group.owner).of(lang).to_owned(),
                n: group.items,
                on: on == Some(&group.owner),
            }),
        }
    }
    chips
}

/// The items of this page under the groups that they are of.
fn grouped(work: Attention, lang: Lang) -> Vec<GroupView> {
    let Attention { groups, items, .. } = work;
    let mut views: Vec<GroupView> = Vec::new();
    for item in items {
        let is_last = views.last().is_some_and(|view| view.group.owner == item.owner && view.group.code == item.code);
        if !is_last {
            let owner = words::owner(&item.owner).of(lang).to_owned();
            let group = groups.iter().find(|group| group.owner == item.owner && group.code == item.code).cloned();
            let group = group.unwrap_or_else(|| of_item(&item));
            let first_of_owner = views.last().is_none_or(|view| view.group.owner != item.owner);
            views.push(GroupView { owner, first_of_owner, group, items: Vec::new() });
        }
        if let Some(view) = views.last_mut() {
            view.items.push(item);
        }
    }
    views
}

/// A group that the list of groups does not have: something changed in between.
fn of_item(item: &AttentionItem) -> AttentionGroup {
    AttentionGroup {
        owner: item.owner.clone(),
        owner_name: cameo::client::wire::Texts { ko: item.owner.clone(), en: item.owner.clone() },
        code: item.code.clone(),
        meaning: item.meaning.clone(),
        action: item.action.clone(),
        items: 1,
    }
}

/// What was done a moment ago.
fn said(done: Notice, lang: Lang) -> Option<String> {
    let (n, english, korean) = match done {
        Notice::Retried(n) => (n, "sent through the flow again.", "다시 처리를 시작했습니다."),
        Notice::BroughtBack(n) => (n, "brought back.", "되돌렸습니다."),
        _ => return None,
    };
    Some(format!("{} {}", words::items(n, lang), lang.pick(english, korean)))
}

/// What was chosen: keys, and dead letters by their queue.
#[derive(Debug, Default)]
struct Chosen {
    keys: Vec<String>,
    letters: Vec<(String, Vec<String>)>,
}

impl Chosen {
    /// A value of a box is `key:` and a key, or `letter:`, a queue, a slash and an id. None where one of them is neither, or names nothing.
    fn of(form: &Fields) -> Option<Self> {
        let mut chosen = Self::default();
        for value in form.all("item") {
            if let Some(key) = value.strip_prefix("key:") {
                chosen.keys.push(unnamed(key)?);
                continue;
            }
            let (queue, id) = value.strip_prefix("letter:")?.split_once('/')?;
            if queue.is_empty() || id.is_empty() {
                return None;
            }
            match chosen.letters.iter_mut().find(|(name, _)| name == queue) {
                Some((_, ids)) => ids.push(id.to_owned()),
                None => chosen.letters.push((queue.to_owned(), vec![id.to_owned()])),
            }
        }
        Some(chosen)
    }
}

/// Tries what was chosen again, or dismisses it.
pub(crate) async fn act(ask: Ask, Form(form): Form) -> Answer<Response> {
    let act = form.get("act").filter(|act| matches!(*act, "retry" | "dismiss")).ok_or(Failure::Unreadable)?;
    let chosen = Chosen::of(&form).ok_or(Failure::Unreadable)?;
    if chosen.keys.is_empty() && chosen.letters.is_empty() {
        let text = Text::new("Select at least one file first.", "먼저 하나 이상 선택해 주세요.");
        return Err(Failure::Invalid(text));
    }
    if act == "dismiss" { dismiss(&ask, &form, chosen).await } else { retry(&ask, &form, chosen).await }
}

async fn retry(ask: &Ask, form: &Fields, chosen: Chosen) -> Answer<Response> {
    let mut n = 0;
    if !chosen.keys.is_empty() {
        let sent = Sent::json(&OriginalsToRetry { keys: chosen.keys }).by(form);
        n += ask.send::<OriginalsRetried>(Method::POST, "/api/v1/originals/retry", sent).await?.retried;
    }
    for (queue, letters) in chosen.letters {
        let sent = Sent::json(&LettersToRetry { queue, letters }).by(form);
        n += ask.send::<LettersRetried>(Method::POST, "/api/v1/dead-letters/retry", sent).await?.retried;
    }
    Ok(ask.lead("/attention", Notice::Retried(n)))
}

async fn dismiss(ask: &Ask, form: &Fields, chosen: Chosen) -> Answer<Response> {
    let Some(note) = form.get("note") else {
        return Err(Failure::Invalid(Text::new(
            "Write why they are dismissed, for whoever looks later.",
            "정리하는 이유를 적어 주세요. 나중에 보는 사람에게 필요합니다.",
        )));
    };
    let sent = Sent::json(&OriginalsToDismiss { keys: chosen.keys, note: note.to_owned() }).by(form);
    let done: SetAside = ask.send(Method::POST, "/api/v1/originals/dismiss", sent).await?;
    let c = Chrome::of(ask, Here::Attention).await?;
    Ok(html(&Done { c, moved: done.moved.len(), left: done.left, undo: done.undo }))
}

/// Brings back what was dismissed.
pub(crate) async fn undo(ask: Ask, Form(form): Form) -> Answer<Response> {
    let since = form.get("since").and_then(|since| since.parse().ok()).ok_or(Failure::Unreadable)?;
    let keys = form.names("key").ok_or(Failure::Unreadable)?;
    let sent = Sent::json(&Undo { keys, since }).by(&form);
    let done: OriginalsRestored = ask.send(Method::POST, "/api/v1/originals/undo", sent).await?;
    Ok(ask.lead("/attention", Notice::BroughtBack(done.restored.len() as u64)))
}

/// The list as a table for spreadsheets.
pub(crate) async fn table(ask: Ask) -> Answer<Response> {
    ask.pass(&format!("/api/v1/attention.csv?lang={}{}", ask.lang.code(), filters(&ask.query))).await
}

/// Where the entity of an item has its page.
pub(super) fn entity_path(vertical: Option<&str>, cd_idx: Option<u64>) -> Option<String> {
    let vertical: Vertical = vertical?.parse().ok()?;
    let EntityId { vertical, cd_idx } = EntityId { vertical, cd_idx: cd_idx? };
    Some(format!("/verticals/{}/{cd_idx}", part(vertical.as_str())))
}

impl AttentionPage {
    fn n(&self, n: &u64) -> String {
        thousands(*n)
    }

    fn items(&self, n: &u64) -> String {
        words::items(*n, self.c.lang)
    }

    fn of<'t>(&self, texts: &'t cameo::client::wire::Texts) -> &'t str {
        self.c.lang.pick(&texts.en, &texts.ko)
    }

    fn time(&self, at: &jiff::Timestamp) -> Time {
        Time(*at)
    }

    fn entity(&self, item: &AttentionItem) -> Option<String> {
        entity_path(item.vertical.as_deref(), item.cd_idx)
    }

    /// What it is called: the file, else its key, else its id; of something that a delivery lacks and that has no file nothing.
    fn file<'i>(&self, item: &'i AttentionItem) -> Option<&'i str> {
        let id = Some(item.id.as_str()).filter(|_| item.kind != AttentionKind::Delivery);
        item.file.as_deref().or(item.key.as_deref()).or(id)
    }

    /// Where the delivery of an item has its page.
    fn delivery(&self, item: &AttentionItem) -> String {
        format!("/deliveries/{}", part(item.delivery.as_deref().unwrap_or_default()))
    }

    /// Where the webhook of an item has its page, for those who may see it.
    fn webhook(&self, item: &AttentionItem) -> Option<String> {
        let id = item.webhook.as_deref().filter(|_| self.c.administers())?;
        Some(format!("/webhooks/{}", part(id)))
    }

    /// The whole key, as it may be shown.
    fn key(&self, item: &AttentionItem) -> Option<String> {
        item.key.as_deref().map(|key| visible(key).into_owned())
    }

    /// What its box says.
    fn value(&self, item: &AttentionItem) -> Option<String> {
        match (item.kind, &item.queue, &item.letter, &item.key) {
            (AttentionKind::DeadLetter, Some(queue), Some(letter), _) => Some(format!("letter:{queue}/{letter}")),
            (AttentionKind::DeadLetter | AttentionKind::Delivery | AttentionKind::Webhook, ..) => None,
            (.., Some(key)) => Some(format!("key:{}", named(key))),
            _ => None,
        }
    }

    /// How many deliveries nobody has looked at.
    fn deliveries(&self, n: &u64) -> String {
        words::deliveries(*n, self.c.lang)
    }

    /// The table of what is shown.
    fn csv(&self) -> String {
        format!("/attention.csv?{}", self.filters)
    }
}

impl Done {
    fn count(&self) -> String {
        words::items(self.moved as u64, self.c.lang)
    }
}
