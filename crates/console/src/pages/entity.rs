//! An entity: each photo with its original and its renditions side by side, its history, and what can be done with it.

use askama::Template;
use axum::{
    extract::Path,
    http::{Method, StatusCode},
    response::{IntoResponse, Response},
};
use cameo::{
    client::wire::{
        Attention, AttentionItem, CellView, ChangeView, Ended, EntityView, KeptOriginal, OriginalsRestored,
        OriginalsToRestore, Page, QuarantineView, ReasonView, SetAside, Unpublish, VerifyRequest, VerticalView,
    },
    model::{
        key::{EntityId, Vertical},
        lang::{Lang, Text},
    },
};
use serde::Deserialize;

use super::vertical::{Cell, Entity, address};
use crate::{
    address::part,
    ask::{Ask, Sent},
    detail,
    failure::{Answer, Failure},
    form::Form,
    layout::{Chrome, html},
    notice::Done,
    show::{self, Badge, Time, bytes},
    words::Here,
};

/// Lines of the history.
const HISTORY: usize = 50;
/// Items of the work list that are looked at for a number of which nothing came.
const LACKED: usize = 100;

#[derive(Template)]
#[template(path = "entity.html")]
struct EntityPage {
    c: Chrome,
    vertical: String,
    cd_idx: u64,
    entity: Entity,
    sizes: Vec<String>,
    history: Vec<ChangeView>,
    kept: Vec<KeptOriginal>,
    done: Option<String>,
    proof: Option<Proof>,
}

/// A number of which nothing ever came.
#[derive(Template)]
#[template(path = "never_came.html")]
struct NeverCame {
    c: Chrome,
    vertical: String,
    cd_idx: u64,
    /// Where it was promised or left out.
    lacked: Vec<AttentionItem>,
    /// When registering goes on, where what came waits for it.
    registers_at: Option<String>,
}

/// What verifying found just now.
struct Proof {
    badge: Badge,
    findings: Vec<String>,
}

type At = Path<(String, u64)>;

/// The page.
pub(crate) async fn page(ask: Ask, Path((vertical, cd_idx)): At) -> Answer<Response> {
    shown(&ask, &vertical, cd_idx, None).await
}

async fn shown(ask: &Ask, vertical: &str, cd_idx: u64, proof: Option<Proof>) -> Answer<Response> {
    let at = api(vertical, cd_idx)?;
    let (history, kept) = (format!("{at}/history?limit={HISTORY}"), format!("{at}/quarantine"));
    let (c, known, view, history, kept) = futures::try_join!(
        Chrome::of(ask, Here::Entities),
        ask.get::<Page<VerticalView>>("/api/v1/verticals?limit=1000"),
        ask.find::<EntityView>(&at),
        ask.get::<Page<ChangeView>>(&history),
        ask.find::<QuarantineView>(&kept),
    )?;
    let (history, kept) = (history.items, kept.map(|kept| kept.items).unwrap_or_default());
    if view.is_none() && history.is_empty() && kept.is_empty() {
        let is_known = known.items.iter().any(|it| it.name == vertical);
        // Outside of the window nothing of a new vertical is registered, so nobody knows it.
        let registers_at = super::health::now(ask).await.and_then(|health| health.registers_at);
        let may_wait = is_known || registers_at.is_some();
        return if may_wait {
            never_came(ask, c, (vertical, cd_idx), registers_at).await
        } else {
            Err(Failure::NotFound)
        };
    }
    let view =
        view.unwrap_or_else(|| EntityView { vertical: vertical.to_owned(), cd_idx, version: 0, photos: Vec::new() });
    // In the order of the size set, as everywhere.
    let known = known.items.into_iter().find(|it| it.name == vertical);
    let mut sizes: Vec<String> = known.into_iter().flat_map(|it| it.image_sizes).map(|size| size.name).collect();
    for photo in &view.photos {
        let names = photo.cells.iter().map(|cell| &cell.image_size).chain(&photo.missing);
        names.for_each(|name| {
            if !sizes.contains(name) {
                sizes.push(name.clone());
            }
        });
    }
    let lang = c.lang;
    let done = said(ask, lang).await;
    let entity = Entity::of(view, &sizes, lang);
    Ok(html(&EntityPage { c, vertical: vertical.to_owned(), cd_idx, entity, sizes, history, kept, done, proof }))
}

/// The page of a number of which nothing ever came: what is known of it all the same, and what to do.
async fn never_came(
    ask: &Ask,
    c: Chrome,
    (vertical, cd_idx): (&str, u64),
    registers_at: Option<String>,
) -> Answer<Response> {
    let asked = format!("/api/v1/attention?limit={LACKED}&vertical={}&q={cd_idx}", part(vertical));
    let work: Option<Attention> = ask.find(&asked).await?;
    let mut lacked = work.map(|work| work.items).unwrap_or_default();
    // What is looked for may be a part of another number.
    lacked.retain(|item| item.cd_idx == Some(cd_idx));
    let page = NeverCame { c, vertical: vertical.to_owned(), cd_idx, lacked, registers_at };
    Ok((StatusCode::NOT_FOUND, html(&page)).into_response())
}

/// What was done a moment ago.
async fn said(ask: &Ask, lang: Lang) -> Option<String> {
    let text = match ask.done()? {
        Done::EntityRetried => lang.pick("It goes through the flow again.", "다시 처리를 시작했습니다."),
        Done::Restored => lang.pick("It came back, and is published in a moment.", "복원했습니다. 곧 게시됩니다."),
        Done::Left => lang.pick(
            "It was left as it is: it was taken down or replaced already.",
            "그대로 두었습니다. 이미 내려갔거나 다른 파일로 바뀌었습니다.",
        ),
        Done::Unpublished => return Some(unpublished(ask, lang).await),
        _ => return None,
    };
    Some(text.to_owned())
}

/// What is said of a photo that was taken down: outside of the window its images are public until registering goes on.
async fn unpublished(ask: &Ask, lang: Lang) -> String {
    match (super::health::now(ask).await.and_then(|health| health.registers_at), lang) {
        (None, _) => lang
            .pick(
                "It is no longer published. It can be restored below.",
                "게시를 내렸습니다. 아래에서 복원할 수 있습니다.",
            )
            .to_owned(),
        (Some(at), Lang::En) => {
            format!("Its original is taken down. Its images stay public until registering goes on, at {at}.")
        }
        (Some(at), Lang::Ko) => {
            format!("원본을 내렸습니다. 지금은 등록 시간이 아니라서 공개된 이미지는 {at}에 내려갑니다.")
        }
    }
}

/// Looks at every place, now.
pub(crate) async fn verify(ask: Ask, Path((vertical, cd_idx)): At, Form(form): Form) -> Answer<Response> {
    /// What is read of a line about an entity.
    #[derive(Deserialize)]
    struct Reported {
        cd_idx: Option<u64>,
        state: Option<String>,
    }
    let lang = ask.lang;
    let asked = VerifyRequest {
        vertical: Some(vertical.clone()),
        ids: Some(vec![cd_idx]),
        all: true,
        lang,
        ..Default::default()
    };
    let frames = ask.frames("/api/v1/verify", Sent::json(&asked).by(&form)).await?;
    let mut proof = Proof { badge: show::state("unknown", lang), findings: Vec::new() };
    for frame in &frames {
        let Some(json) = &frame.json else { continue };
        let Ok(line) = serde_json::from_str::<Reported>(json.get()) else { continue };
        if let (Some(_), Some(state)) = (line.cd_idx, line.state) {
            proof.badge = show::state(&state, lang);
            proof.findings.extend(frame.text.iter().flatten().map(|text| text.trim().to_owned()));
        }
    }
    if let Some(Ended { state, .. }) = frames.last().and_then(|frame| frame.summary) {
        let text = serde_json::to_value(state).ok();
        proof.badge = show::state(text.as_ref().and_then(|text| text.as_str()).unwrap_or_default(), lang);
    }
    shown(&ask, &vertical, cd_idx, Some(proof)).await
}

/// Sends it through the flow again.
pub(crate) async fn retry(ask: Ask, Path((vertical, cd_idx)): At, Form(form): Form) -> Answer<Response> {
    let asked = cameo::client::wire::RetryRequest {
        vertical: Some(vertical.clone()),
        ids: Some(vec![cd_idx]),
        ..Default::default()
    };
    ask.frames("/api/v1/retry", Sent::json(&asked).by(&form)).await?;
    Ok(ask.lead(&own(&vertical, cd_idx), Done::EntityRetried))
}

/// Takes a photo, or all of them, off the public.
pub(crate) async fn unpublish(ask: Ask, Path((vertical, cd_idx)): At, Form(form): Form) -> Answer<Response> {
    let Some(note) = form.get("note") else {
        return Err(Failure::Invalid(Text::new("Write why it is taken down.", "게시를 내리는 이유를 적어 주세요.")));
    };
    // Left out it is every photo: what cannot be read must not come to mean that.
    let sequence = form.get("sequence").map(str::parse).transpose().map_err(|_| Failure::NotFound)?;
    let asked = Unpublish { vertical: vertical.clone(), cd_idx, sequence, note: note.to_owned() };
    let done: SetAside = ask.send(Method::POST, "/api/v1/originals/unpublish", Sent::json(&asked).by(&form)).await?;
    let done = if done.moved.is_empty() { Done::Left } else { Done::Unpublished };
    Ok(ask.lead(&own(&vertical, cd_idx), done))
}

/// Brings an original back from quarantine.
pub(crate) async fn restore(ask: Ask, Path((vertical, cd_idx)): At, Form(form): Form) -> Answer<Response> {
    let ids = form.names("id").ok_or(Failure::Unreadable)?;
    let over = match form.get("over") {
        None => false,
        Some("1") => true,
        Some(_) => return Err(Failure::Unreadable),
    };
    // What the page is not about comes back nowhere from here.
    let asked = OriginalsToRestore { ids, over, vertical: Some(vertical.clone()), cd_idx: Some(cd_idx) };
    let path = "/api/v1/originals/restore";
    let done: OriginalsRestored = ask.send(Method::POST, path, Sent::json(&asked).by(&form)).await?;
    let done = if done.restored.is_empty() { Done::Left } else { Done::Restored };
    Ok(ask.lead(&own(&vertical, cd_idx), done))
}

/// Where the API has it; of what can be no entity nothing is asked.
fn api(vertical: &str, cd_idx: u64) -> Answer<String> {
    let vertical: Vertical = vertical.parse().map_err(|_| Failure::NotFound)?;
    let entity = EntityId { vertical, cd_idx };
    Ok(format!("/api/v1/verticals/{}/entities/{}", part(entity.vertical.as_str()), entity.cd_idx))
}

fn own(vertical: &str, cd_idx: u64) -> String {
    format!("/verticals/{}/{cd_idx}", part(vertical))
}

impl NeverCame {
    fn vertical_path(&self) -> String {
        format!("/verticals/{}", part(&self.vertical))
    }
}

impl EntityPage {
    fn address(&self, cell: &CellView) -> String {
        address(cell)
    }

    fn size(&self, n: &u64) -> String {
        bytes(*n)
    }

    fn time(&self, at: &jiff::Timestamp) -> Time {
        Time(*at)
    }

    /// Where the original can be had by whoever is let in.
    fn original(&self, sequence: &u16) -> String {
        let vertical = part(&self.vertical);
        format!("/api/v1/verticals/{vertical}/entities/{}/photos/{sequence}/original", self.cd_idx)
    }

    fn own(&self) -> String {
        own(&self.vertical, self.cd_idx)
    }

    fn vertical_path(&self) -> String {
        format!("/verticals/{}", part(&self.vertical))
    }

    /// What was found of a photo that was rejected, in the language of the page.
    fn found(&self, reason: &ReasonView) -> String {
        detail::found(Some(&reason.code), &reason.detail, self.c.lang)
    }

    /// The same of a line of the history.
    fn found_then(&self, line: &ChangeView) -> Option<String> {
        let detail = line.detail.as_deref()?;
        Some(detail::found(line.reason.as_deref(), detail, self.c.lang))
    }

    fn badge_of(&self, state: &str) -> Badge {
        show::state(state, self.c.lang)
    }

    /// What a change was, in words.
    fn change(&self, line: &ChangeView) -> &'static str {
        change(line.act.as_deref().unwrap_or(&line.change), self.c.lang)
    }

    /// Why something is in quarantine, in words.
    fn why(&self, code: &str) -> &'static str {
        let lang = self.c.lang;
        match code {
            "deleted" => lang.pick("deleted", "삭제됨"),
            "replaced" => lang.pick("replaced by a newer one", "새 사진으로 교체됨"),
            "unpublished" => lang.pick("taken down", "게시를 내림"),
            "dismissed" => lang.pick("dismissed", "정리함"),
            "moved" => lang.pick("moved to another vertical", "다른 버티컬로 옮김"),
            "superfluous" => lang.pick("superfluous", "남는 파일"),
            _ => lang.pick("removed", "제거됨"),
        }
    }
}

/// What a change was, in words.
pub(super) fn change(code: &str, lang: Lang) -> &'static str {
    match code {
        "registered" => lang.pick("registered", "등록"),
        "replaced" => lang.pick("replaced", "교체"),
        "repeated" => lang.pick("uploaded again, the same", "같은 사진 다시 올림"),
        "removed" => lang.pick("removed", "삭제"),
        "rejected" => lang.pick("rejected", "거부"),
        "dismissed" => lang.pick("dismissed", "정리"),
        "moved" => lang.pick("moved to another vertical", "다른 버티컬로 옮김"),
        "unpublished" => lang.pick("taken down", "게시 내림"),
        "restored" => lang.pick("restored", "복원"),
        _ => lang.pick("changed", "변경"),
    }
}
