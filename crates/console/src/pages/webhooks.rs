//! Webhooks: where events are sent, how each receiver answers, what became of the newest messages, and sending them again.

use askama::Template;
use axum::{
    extract::Path,
    http::{Method, StatusCode},
    response::{IntoResponse, Response},
};
use cameo::{
    client::wire::{
        CreatedWebhook, NewWebhook, Page, ProblemBody, Replayed, RotatedWebhook, WebhookAttempt, WebhookChange,
        WebhookMessage, WebhookReplay, WebhookRotation, WebhookView,
    },
    model::{
        key::Vertical,
        lang::Text,
        token::Verticals,
        webhook::{Because, EventType, Events, MessageState},
    },
};
use jiff::{Timestamp, civil::DateTime};

use super::people::{Secret, verticals};
use crate::{
    address::part,
    ask::{Ask, Sent},
    detail,
    failure::{Answer, Failure},
    form::{Fields, Form},
    layout::{Chrome, html},
    notice::Done,
    show::{Badge, Time, Tone, thousands},
    words::Here,
};

/// Attempts and messages that a page shows.
const SHOWN: usize = 50;

#[derive(Template)]
#[template(path = "webhooks.html")]
struct WebhooksPage {
    c: Chrome,
    webhooks: Vec<WebhookView>,
    secret: Option<Secret>,
    done: bool,
    /// What is in the form, with what is wrong with it.
    form: MakeForm,
}

/// The form that makes a webhook: as somebody typed it, where it was refused.
#[derive(Debug, Default)]
struct MakeForm {
    url: String,
    description: String,
    verticals: String,
    /// The chosen events; all of them before anybody chose.
    events: Option<Vec<String>>,
    fault: Option<(Field, String)>,
}

/// A field of the form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Url,
    Description,
    Verticals,
    Events,
    /// None of them: the form as a whole.
    Form,
}

impl MakeForm {
    fn typed(form: &Fields, fault: (Field, String)) -> Self {
        let text = |name: &str| form.text(name).to_owned();
        Self {
            url: text("url"),
            description: text("description"),
            verticals: text("verticals"),
            events: Some(form.all("event")),
            fault: Some(fault),
        }
    }

    fn has(&self, event: &EventType) -> bool {
        self.events.as_ref().is_none_or(|chosen| chosen.iter().any(|name| name == event.as_str()))
    }

    /// What is wrong with a field.
    fn fault_of(&self, field: Field) -> Option<&str> {
        self.fault.as_ref().filter(|(of, _)| *of == field).map(|(_, why)| why.as_str())
    }
}

impl Field {
    /// The field that a refusal of the API is about.
    fn of(problem: &ProblemBody) -> Self {
        match (problem.code.as_str(), problem.detail.as_str()) {
            ("webhook.invalid", detail) if detail.starts_with("the description") => Self::Description,
            ("webhook.invalid", detail) if detail.contains("list of events") => Self::Events,
            ("webhook.invalid", _) => Self::Url,
            ("auth.vertical", _) => Self::Verticals,
            _ => Self::Form,
        }
    }
}

#[derive(Template)]
#[template(path = "webhook.html")]
struct WebhookPage {
    c: Chrome,
    w: WebhookView,
    attempts: Vec<WebhookAttempt>,
    messages: Vec<WebhookMessage>,
    secret: Option<Secret>,
    tested: Option<WebhookAttempt>,
    done: Option<Done>,
}

/// All of them.
pub(crate) async fn page(ask: Ask) -> Answer<Response> {
    all(&ask, None, MakeForm::default()).await
}

async fn all(ask: &Ask, secret: Option<Secret>, form: MakeForm) -> Answer<Response> {
    let (c, webhooks) =
        futures::try_join!(Chrome::of(ask, Here::People), ask.get::<Page<WebhookView>>("/api/v1/webhooks"),)?;
    let done = ask.done() == Some(Done::Webhook);
    Ok(html(&WebhooksPage { c, webhooks: webhooks.items, secret, done, form }))
}

/// One of them, with what became of its newest messages.
pub(crate) async fn one(ask: Ask, Path(id): Path<String>) -> Answer<Response> {
    shown(&ask, &id, None, None).await
}

fn path(id: &str, below: &str) -> String {
    format!("/api/v1/webhooks/{}{below}", part(id))
}

async fn shown(ask: &Ask, id: &str, secret: Option<Secret>, tested: Option<WebhookAttempt>) -> Answer<Response> {
    let (attempts, messages) =
        (path(id, &format!("/attempts?limit={SHOWN}")), path(id, &format!("/messages?limit={SHOWN}")));
    let one = path(id, "");
    let (c, w, attempts, messages) = futures::try_join!(
        Chrome::of(ask, Here::People),
        ask.get::<WebhookView>(&one),
        ask.get::<Page<WebhookAttempt>>(&attempts),
        ask.get::<Page<WebhookMessage>>(&messages),
    )?;
    let done = ask.done();
    Ok(html(&WebhookPage { c, w, attempts: attempts.items, messages: messages.items, secret, tested, done }))
}

/// Makes one, and shows its secret; where it is refused, the form again with what is wrong at its field.
pub(crate) async fn create(ask: Ask, Form(form): Form) -> Answer<Response> {
    let refused = |status: StatusCode, field: Field, why: String| {
        let (ask, form) = (&ask, MakeForm::typed(&form, (field, why)));
        async move { Ok((status, all(ask, None, form).await?).into_response()) }
    };
    let chosen = events(&form).map_err(|failure| (Field::Events, failure));
    let rights = chosen.and_then(|events| {
        verticals(&form).map(|verticals| (events, verticals)).map_err(|failure| (Field::Verticals, failure))
    });
    let (events, verticals) = match rights {
        Ok(rights) => rights,
        Err((field, Failure::Invalid(why))) => {
            return refused(StatusCode::UNPROCESSABLE_ENTITY, field, why.of(ask.lang).to_owned()).await;
        }
        Err((_, failure)) => return Err(failure),
    };
    let asked = NewWebhook {
        url: form.text("url").trim().to_owned(),
        description: form.text("description").trim().to_owned(),
        events,
        verticals,
        disabled: false,
    };
    let sent = Sent::json(&asked).by(&form);
    let made: CreatedWebhook = match ask.send(Method::POST, "/api/v1/webhooks", sent).await {
        Ok(made) => made,
        // Who may not make any gets no form again.
        Err(Failure::Refused(problem)) if matches!(problem.status, 409 | 422) || problem.code == "auth.vertical" => {
            let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::UNPROCESSABLE_ENTITY);
            return refused(status, Field::of(&problem), detail::of_problem(&problem, ask.lang)).await;
        }
        Err(failure) => return Err(failure),
    };
    let what = Text::new(
        format!("The secret of {}, by which its receiver verifies messages. It is shown only now:", made.of.id),
        format!("{} 의 서명용 비밀 값입니다. 받는 쪽이 메시지를 확인할 때 씁니다. 지금만 보입니다:", made.of.id),
    );
    let secret = Secret { what: what.of(ask.lang).to_owned(), text: made.secret };
    all(&ask, Some(secret), MakeForm::default()).await
}

/// The events that were chosen; a form without any would be all of them by mistake.
fn events(form: &Fields) -> Answer<Events> {
    let chosen: Vec<EventType> = form.all("event").iter().filter_map(|name| name.parse().ok()).collect();
    match chosen.len() {
        0 => Err(Failure::Invalid(Text::new("Choose the events to send.", "보낼 알림을 선택해 주세요."))),
        n if n == EventType::ALL.len() => Ok(Events::All),
        _ => Ok(Events::only_or_all(chosen)),
    }
}

/// Changes one, tests it, or replaces its secret.
pub(crate) async fn act(ask: Ask, Path(id): Path<String>, Form(form): Form) -> Answer<Response> {
    let disabled = |disabled| WebhookChange { disabled: Some(disabled), ..WebhookChange::default() };
    let change = match form.get("act") {
        Some("enable") => disabled(false),
        Some("disable") => disabled(true),
        Some("test") => {
            let sent = Sent::json(&serde_json::json!({})).by(&form);
            let tested = ask.send::<WebhookAttempt>(Method::POST, &path(&id, "/test"), sent).await?;
            return shown(&ask, &id, None, Some(tested)).await;
        }
        Some("rotate") => {
            let sent = Sent::json(&WebhookRotation::default()).by(&form);
            let rotated = ask.send::<RotatedWebhook>(Method::POST, &path(&id, "/secret"), sent).await?;
            let what = Text::new(
                "The new secret. The old one signs too for 24 hours. It is shown only now:",
                "새 비밀 값입니다. 이전 값도 24시간 동안 함께 서명합니다. 지금만 보입니다:",
            );
            let secret = Secret { what: what.of(ask.lang).to_owned(), text: rotated.secret };
            return shown(&ask, &id, Some(secret), None).await;
        }
        Some("remove") => {
            ask.response(Method::DELETE, &path(&id, ""), Sent::default().by(&form)).await?;
            return Ok(ask.lead("/webhooks", Done::Webhook));
        }
        _ => return Err(Failure::Invalid(Text::new("Choose what to do.", "할 일을 선택해 주세요."))),
    };
    ask.response(Method::PATCH, &path(&id, ""), Sent::json(&change).by(&form)).await?;
    Ok(ask.lead(&format!("/webhooks/{}", part(&id)), Done::Webhook))
}

/// Sends messages again: one, or those since a time of Seoul.
pub(crate) async fn replay(ask: Ask, Path(id): Path<String>, Form(form): Form) -> Answer<Response> {
    let asked = match form.get("message") {
        Some(message) => WebhookReplay { message: Some(message.to_owned()), since: None },
        None => WebhookReplay { message: None, since: Some(since(form.text("since"))?) },
    };
    let replayed: Replayed = ask.send(Method::POST, &path(&id, "/replay"), Sent::json(&asked).by(&form)).await?;
    Ok(ask.lead(&format!("/webhooks/{}", part(&id)), Done::Replayed(replayed.messages)))
}

/// A time as browsers write it (`2026-11-26T09:00`), of Seoul.
fn since(typed: &str) -> Answer<Timestamp> {
    let read = typed.trim().parse::<DateTime>().ok().and_then(|time| time.in_tz("Asia/Seoul").ok());
    let wrong = || Failure::Invalid(Text::new("Choose a date and a time.", "날짜와 시각을 선택해 주세요."));
    read.map(|time| time.timestamp()).ok_or_else(wrong)
}

fn state(c: &Chrome, webhook: &WebhookView) -> Badge {
    let lang = c.lang;
    match (webhook.disabled_because, webhook.failing_since) {
        (Some(Because::Person), _) => Badge::new(Tone::Quiet, lang.pick("stopped", "멈춤")),
        (Some(Because::Gone), _) => Badge::new(Tone::Bad, lang.pick("stopped: 410 Gone", "멈춤: 410 Gone")),
        (Some(Because::Failing), _) => {
            Badge::new(Tone::Bad, lang.pick("stopped: it failed for 3 days", "멈춤: 사흘 동안 실패"))
        }
        (None, Some(_)) => Badge::new(Tone::Bad, lang.pick("fails, tried again", "실패, 다시 시도 중")),
        (None, None) => Badge::new(Tone::Good, lang.pick("well", "정상")),
    }
}

/// At what it failed, in the language of the page.
fn failure(c: &Chrome, error: &str) -> String {
    detail::of_webhook(error, c.lang)
}

fn events_of(c: &Chrome, events: &Events) -> String {
    match events {
        Events::All => c.t("all", "모두").to_owned(),
        Events::Only(events) => events.iter().map(|event| event.as_str()).collect::<Vec<_>>().join(", "),
    }
}

fn verticals_of(c: &Chrome, verticals: &Verticals) -> String {
    match verticals {
        Verticals::All => c.t("all", "모두").to_owned(),
        Verticals::Only(own) => own.iter().map(Vertical::as_str).collect::<Vec<_>>().join(", "),
    }
}

impl WebhooksPage {
    fn failure(&self, error: &str) -> String {
        failure(&self.c, error)
    }

    fn state(&self, webhook: &WebhookView) -> Badge {
        state(&self.c, webhook)
    }

    fn events(&self, webhook: &WebhookView) -> String {
        events_of(&self.c, &webhook.events)
    }

    fn verticals(&self, webhook: &WebhookView) -> String {
        verticals_of(&self.c, &webhook.verticals)
    }

    fn n(&self, n: &u64) -> String {
        thousands(*n)
    }

    fn all_events(&self) -> [(EventType, &'static str); 6] {
        let lang = self.c.lang;
        EventType::ALL.map(|event| {
            let meaning = match event {
                EventType::DeliveryCompleted => lang.pick("a delivery is live", "전달이 모두 게시됨"),
                EventType::DeliveryFailed => lang.pick("something of a delivery failed", "전달 중 실패한 것이 있음"),
                EventType::OriginalRejected => lang.pick("an original was rejected", "원본이 거부됨"),
                EventType::EntityCompleted => {
                    lang.pick("an entity has all its images", "cd_idx 의 이미지가 모두 게시됨")
                }
                EventType::ImageReplaced => lang.pick("images were replaced", "이미지가 교체됨"),
                EventType::ImageRemoved => lang.pick("images were taken down", "이미지가 내려감"),
            };
            (event, meaning)
        })
    }
}

impl WebhookPage {
    fn failure(&self, error: &str) -> String {
        failure(&self.c, error)
    }

    fn state(&self) -> Badge {
        state(&self.c, &self.w)
    }

    fn events(&self) -> String {
        events_of(&self.c, &self.w.events)
    }

    fn verticals(&self) -> String {
        verticals_of(&self.c, &self.w.verticals)
    }

    fn time(&self, at: &Timestamp) -> Time {
        Time(*at)
    }

    fn n(&self, n: &u64) -> String {
        thousands(*n)
    }

    fn tried(&self, attempt: &WebhookAttempt) -> Badge {
        let lang = self.c.lang;
        if attempt.ok {
            Badge::new(Tone::Good, lang.pick("taken", "받음"))
        } else {
            Badge::new(Tone::Bad, lang.pick("failed", "실패"))
        }
    }

    fn message(&self, message: &WebhookMessage) -> Badge {
        let lang = self.c.lang;
        match message.state {
            MessageState::Pending => Badge::new(Tone::Waits, lang.pick("to be sent", "보낼 예정")),
            MessageState::Delivered => Badge::new(Tone::Good, lang.pick("delivered", "전달됨")),
            MessageState::Failed => Badge::new(Tone::Bad, lang.pick("given up", "포기")),
        }
    }
}
