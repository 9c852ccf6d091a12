//! `cameo webhook`: where events are sent.

#[cfg(feature = "embedded")]
use cameo::{
    catalog::{Catalog, webhooks::Replay},
    model::{
        error::{Error, Kind, Place},
        webhook::Webhook,
    },
    webhooks::{
        Courier,
        act::{self, Fault},
    },
};
use cameo::{
    client::wire::{
        CreatedWebhook, NewWebhook, Page, RemovedWebhook, Replayed, RotatedWebhook, WebhookAttempt, WebhookChange,
        WebhookReplay, WebhookRotation, WebhookView,
    },
    model::{
        key::Vertical,
        lang::Lang,
        token::Verticals,
        webhook::{Because, EventType, Events},
        when::local,
    },
};
use jiff::Timestamp;

use super::{
    Context, json_line, line, lines,
    token::{Keeper, WhereArgs, zone_of},
};
use crate::exit::Exit;

/// Attempts that are shown where nobody says how many.
const ATTEMPTS: u16 = 20;
/// Attempts that are shown, at most: a page of the API.
const ATTEMPTS_MAX: u16 = 1000;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  cameo webhook create https://receiver.example/cameo --event delivery.completed --event delivery.failed\n  \
cameo webhook list\n  cameo webhook test wh_k3f9abcdefgh\n  cameo webhook attempts wh_k3f9abcdefgh\n  \
cameo webhook replay wh_k3f9abcdefgh --since 2026-11-26T09:00+09:00\n\n\
Events: delivery.completed, delivery.failed, original.rejected, entity.completed, image.replaced, image.removed. They are signed as Standard \
Webhooks says, and sent again for three days where the receiver does not take them. Private addresses are reached only where the configuration \
([webhooks]) allows them. A running server sends; see docs/webhooks.md.\n\n\
Exit codes: 0 done; 5 the receiver did not take the test."
)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Make a webhook; the secret that signs is shown once and never again
    Create(CreateArgs),
    /// List the webhooks, and how each is
    List(WhereArgs),
    /// Remove a webhook with its messages, for good
    Remove(OfArgs),
    /// Send to a webhook again that gets nothing, what it missed included
    Enable(OfArgs),
    /// Send nothing to a webhook
    Disable(OfArgs),
    /// Make a new secret and show it once; the old one signs too for 24 hours
    Rotate(RotateArgs),
    /// Send a test, once and now, and show what came of it
    Test(OfArgs),
    /// Show what became of the newest messages
    Attempts(AttemptsArgs),
    /// Send messages again that are still kept
    Replay(ReplayArgs),
}

#[derive(Debug, clap::Args)]
struct CreateArgs {
    /// Where to send: https://…
    #[arg(value_name = "URL")]
    url: String,
    /// Send this event; may be given several times [default: all events]
    #[arg(long, value_name = "EVENT")]
    event: Vec<EventType>,
    /// Limit it to a vertical; may be given several times [default: all verticals]
    #[arg(long, value_name = "VERTICAL")]
    vertical: Vec<Vertical>,
    /// What it is, for people
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    description: String,
    /// Send nothing yet
    #[arg(long)]
    disabled: bool,
    #[command(flatten)]
    at: WhereArgs,
}

#[derive(Debug, clap::Args)]
struct OfArgs {
    /// The webhook's id
    #[arg(value_name = "ID", value_parser = parse_id)]
    webhook: String,
    #[command(flatten)]
    at: WhereArgs,
}

#[derive(Debug, clap::Args)]
struct RotateArgs {
    /// The webhook's id
    #[arg(value_name = "ID", value_parser = parse_id)]
    webhook: String,
    /// Sign with the old secret no more, as where it has become known
    #[arg(long)]
    at_once: bool,
    #[command(flatten)]
    at: WhereArgs,
}

#[derive(Debug, clap::Args)]
struct AttemptsArgs {
    /// The webhook's id
    #[arg(value_name = "ID", value_parser = parse_id)]
    webhook: String,
    /// How many, newest first
    #[arg(long, value_name = "N", default_value_t = ATTEMPTS, value_parser = clap::value_parser!(u16).range(1..=i64::from(ATTEMPTS_MAX)))]
    limit: u16,
    #[command(flatten)]
    at: WhereArgs,
}

#[derive(Debug, clap::Args)]
struct ReplayArgs {
    /// The webhook's id
    #[arg(value_name = "ID", value_parser = parse_id)]
    webhook: String,
    /// The message of this id: the value of its header webhook-id
    #[arg(long, value_name = "ID", value_parser = parse_id, conflicts_with = "since", required_unless_present = "since")]
    message: Option<String>,
    /// Every message that was made since: 2026-11-26T09:00+09:00 or 2026-11-26T00:00Z
    #[arg(long, value_name = "TIME", value_parser = super::scope::parse_time)]
    since: Option<Timestamp>,
    #[command(flatten)]
    at: WhereArgs,
}

/// Ids become part of a path.
fn parse_id(text: &str) -> Result<String, String> {
    let is_id = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if is_id { Ok(text.to_owned()) } else { Err("an id has ASCII letters, digits and _".to_owned()) }
}

pub(crate) async fn run(context: &Context, args: Args) -> anyhow::Result<Exit> {
    match args.action {
        Action::Create(args) => create(context, args).await,
        Action::List(at) => list(context, &at).await,
        Action::Remove(of) => remove(context, &of).await,
        Action::Enable(of) => set_disabled(context, &of, false).await,
        Action::Disable(of) => set_disabled(context, &of, true).await,
        Action::Rotate(args) => rotate(context, &args).await,
        Action::Test(of) => test(context, &of).await,
        Action::Attempts(args) => attempts(context, &args).await,
        Action::Replay(args) => replay(context, &args).await,
    }
}

fn path(webhook: &str, below: &str) -> String {
    format!("/api/v1/webhooks/{webhook}{below}")
}

async fn create(context: &Context, args: CreateArgs) -> anyhow::Result<Exit> {
    let asked = NewWebhook {
        url: args.url,
        description: args.description,
        events: Events::only_or_all(args.event),
        verticals: Verticals::only_or_all(args.vertical),
        disabled: args.disabled,
    };
    let made: CreatedWebhook = match args.at.open(context).await? {
        Keeper::Server(server) => server.post("/api/v1/webhooks", &asked).await?,
        #[cfg(feature = "embedded")]
        Keeper::Here(accounts) => {
            let (courier, now) = (courier(context)?, context.clock.now());
            act::create(&*accounts.catalog, &courier, asked, "local", now).await?.map_err(refused)?
        }
    };
    if context.json {
        json_line(&made)?;
    } else {
        let (id, url) = (&made.of.id, &made.of.url);
        let (head, end) = match context.lang {
            Lang::En => (
                format!("The webhook {id} to {url} was made. The secret that signs is shown only now:"),
                format!("Try it: cameo webhook test {id}"),
            ),
            Lang::Ko => (
                format!("{url} 로 보내는 웹훅 {id} 를 만들었습니다. 서명용 비밀 값은 지금 한 번만 표시됩니다:"),
                format!("시험해 보려면: cameo webhook test {id}"),
            ),
        };
        lines([head, format!("  {}", made.secret), end])?;
    }
    Ok(Exit::Complete)
}

async fn list(context: &Context, at: &WhereArgs) -> anyhow::Result<Exit> {
    let page: Page<WebhookView> = match at.open(context).await? {
        Keeper::Server(server) => server.get("/api/v1/webhooks").await?,
        #[cfg(feature = "embedded")]
        Keeper::Here(accounts) => {
            let mut items = Vec::new();
            for webhook in accounts.catalog.webhooks().await? {
                let pending = accounts.catalog.count_pending_webhook_messages(&webhook.id).await?;
                items.push(WebhookView::of(&webhook, pending));
            }
            Page { items, next: None }
        }
    };
    for webhook in &page.items {
        if context.json { json_line(webhook)? } else { lines(listed(context, webhook))? }
    }
    if page.items.is_empty() && !context.json {
        line(context.lang.pick(
            "no webhooks: make one with `cameo webhook create`",
            "웹훅이 없습니다. `cameo webhook create` 로 만들 수 있습니다",
        ))?;
    }
    Ok(Exit::Complete)
}

fn listed(context: &Context, webhook: &WebhookView) -> Vec<String> {
    let (lang, zone) = (context.lang, zone_of(context));
    let all = lang.pick("all", "모두").to_owned();
    let events = match &webhook.events {
        Events::All => all.clone(),
        Events::Only(events) => events.iter().map(|event| event.as_str()).collect::<Vec<_>>().join(", "),
    };
    let verticals = match &webhook.verticals {
        Verticals::All => all,
        Verticals::Only(verticals) => verticals.iter().map(Vertical::as_str).collect::<Vec<_>>().join(", "),
    };
    let at = |at: Timestamp| local(at, &zone);
    let state = match (webhook.disabled_at, webhook.failing_since, lang) {
        (Some(since), _, Lang::En) => format!("disabled since {} ({})", at(since), because(webhook, lang)),
        (Some(since), _, Lang::Ko) => format!("{} 부터 멈춤({})", at(since), because(webhook, lang)),
        (None, Some(since), Lang::En) => format!("failing since {}", at(since)),
        (None, Some(since), Lang::Ko) => format!("{} 부터 실패 중", at(since)),
        (None, None, Lang::En) => "well".to_owned(),
        (None, None, Lang::Ko) => "정상".to_owned(),
    };
    let pending = webhook.pending;
    let (id, url) = (&webhook.id, &webhook.url);
    let mut lines = vec![match lang {
        Lang::En => format!("{id}: {url}; events: {events}; verticals: {verticals}; {pending} pending; {state}"),
        Lang::Ko => format!("{id}: {url}; 알림: {events}; 버티컬: {verticals}; 보낼 것 {pending}개; {state}"),
    }];
    lines.extend(Some(&webhook.description).filter(|text| !text.is_empty()).map(|text| format!("  {text}")));
    lines.extend(
        webhook.last_error.as_ref().map(|error| format!("  {}: {error}", lang.pick("last failure", "마지막 실패"))),
    );
    lines
}

fn because(webhook: &WebhookView, lang: Lang) -> &'static str {
    match webhook.disabled_because {
        Some(Because::Gone) => lang.pick("it answered 410 Gone", "받는 쪽이 410 Gone 으로 답함"),
        Some(Because::Failing) => lang.pick("it failed for too long", "너무 오래 실패함"),
        Some(Because::Person) | None => lang.pick("by a person", "사람이 멈춤"),
    }
}

async fn remove(context: &Context, of: &OfArgs) -> anyhow::Result<Exit> {
    let removed: RemovedWebhook = match of.at.open(context).await? {
        Keeper::Server(server) => server.delete(&path(&of.webhook, "")).await?,
        #[cfg(feature = "embedded")]
        Keeper::Here(accounts) => {
            if !accounts.catalog.remove_webhook(&of.webhook).await? {
                return Err(none(&of.webhook).into());
            }
            RemovedWebhook { removed: of.webhook.clone() }
        }
    };
    said(context, &of.webhook, ("removed", "지웠습니다"), &removed)
}

async fn set_disabled(context: &Context, of: &OfArgs, disabled: bool) -> anyhow::Result<Exit> {
    let asked = WebhookChange { disabled: Some(disabled), ..WebhookChange::default() };
    let changed: WebhookView = match of.at.open(context).await? {
        Keeper::Server(server) => server.patch(&path(&of.webhook, ""), &asked).await?,
        #[cfg(feature = "embedded")]
        Keeper::Here(accounts) => {
            let (catalog, courier) = (&*accounts.catalog, courier(context)?);
            let webhook = found(catalog, &of.webhook).await?;
            let now = context.clock.now();
            let changed = act::change(catalog, &courier, webhook, asked, now).await?.map_err(refused)?;
            WebhookView::of(&changed, catalog.count_pending_webhook_messages(&changed.id).await?)
        }
    };
    let said_as = if disabled { ("disabled", "멈췄습니다") } else { ("enabled", "다시 보냅니다") };
    said(context, &of.webhook, said_as, &changed)
}

async fn rotate(context: &Context, args: &RotateArgs) -> anyhow::Result<Exit> {
    let asked = WebhookRotation { at_once: args.at_once };
    let rotated: RotatedWebhook = match args.at.open(context).await? {
        Keeper::Server(server) => server.post(&path(&args.webhook, "/secret"), &asked).await?,
        #[cfg(feature = "embedded")]
        Keeper::Here(accounts) => {
            let webhook = found(&*accounts.catalog, &args.webhook).await?;
            act::rotate(&*accounts.catalog, webhook, asked.at_once, context.clock.now()).await?.map_err(refused)?
        }
    };
    if context.json {
        json_line(&rotated)?;
        return Ok(Exit::Complete);
    }
    let until = rotated.old_secret_until.map(|until| local(until, &zone_of(context)));
    let (head, end) = match (context.lang, until) {
        (Lang::En, Some(until)) => {
            ("The new secret is shown only now:", format!("The old one signs too until {until}."))
        }
        (Lang::En, None) => ("The new secret is shown only now:", "The old one signs no more.".to_owned()),
        (Lang::Ko, Some(until)) => {
            ("새 비밀 값은 지금 한 번만 표시됩니다:", format!("이전 값도 {until} 까지 함께 서명합니다."))
        }
        (Lang::Ko, None) => ("새 비밀 값은 지금 한 번만 표시됩니다:", "이전 값은 더 쓰지 않습니다.".to_owned()),
    };
    lines([head.to_owned(), format!("  {}", rotated.secret), end])?;
    Ok(Exit::Complete)
}

async fn test(context: &Context, of: &OfArgs) -> anyhow::Result<Exit> {
    let attempt: WebhookAttempt = match of.at.open(context).await? {
        Keeper::Server(server) => server.post(&path(&of.webhook, "/test"), &serde_json::json!({})).await?,
        #[cfg(feature = "embedded")]
        Keeper::Here(accounts) => {
            let webhook = found(&*accounts.catalog, &of.webhook).await?;
            act::test(&*accounts.catalog, &courier(context)?, &webhook, context.clock.now()).await?.into()
        }
    };
    if context.json {
        json_line(&attempt)?;
    } else {
        line(&tried(context, &attempt))?;
    }
    Ok(if attempt.ok { Exit::Complete } else { Exit::Pending })
}

async fn attempts(context: &Context, args: &AttemptsArgs) -> anyhow::Result<Exit> {
    let limit = args.limit;
    let items = match args.at.open(context).await? {
        Keeper::Server(server) => {
            let asked = path(&args.webhook, &format!("/attempts?limit={limit}"));
            server.get::<Page<WebhookAttempt>>(&asked).await?.items
        }
        #[cfg(feature = "embedded")]
        Keeper::Here(accounts) => {
            found(&*accounts.catalog, &args.webhook).await?;
            let attempts = accounts.catalog.webhook_attempts(&args.webhook, None, limit.into()).await?;
            attempts.into_iter().map(WebhookAttempt::from).collect()
        }
    };
    for attempt in &items {
        if context.json { json_line(attempt)? } else { line(&tried(context, attempt))? }
    }
    if items.is_empty() && !context.json {
        line(context.lang.pick("nothing was sent yet", "아직 보낸 것이 없습니다"))?;
    }
    Ok(Exit::Complete)
}

fn tried(context: &Context, attempt: &WebhookAttempt) -> String {
    let (lang, zone) = (context.lang, zone_of(context));
    let WebhookAttempt { message, kind, duration_ms, .. } = attempt;
    let at = local(attempt.at, &zone);
    let status = attempt.status.map(|status| format!("{status}, ")).unwrap_or_default();
    let ended = match &attempt.error {
        None => lang.pick("delivered", "받음").to_owned(),
        Some(error) => format!("{}: {error}", lang.pick("failed", "실패")),
    };
    let next = attempt.next.map(|next| local(next, &zone)).map(|next| match lang {
        Lang::En => format!("; again at {next}"),
        Lang::Ko => format!("; {next} 에 다시"),
    });
    format!("{at} {kind} {message}: {status}{duration_ms} ms, {ended}{}", next.unwrap_or_default())
}

async fn replay(context: &Context, args: &ReplayArgs) -> anyhow::Result<Exit> {
    let asked = WebhookReplay { message: args.message.clone(), since: args.since };
    let replayed: Replayed = match args.at.open(context).await? {
        Keeper::Server(server) => server.post(&path(&args.webhook, "/replay"), &asked).await?,
        #[cfg(feature = "embedded")]
        Keeper::Here(accounts) => {
            let webhook = found(&*accounts.catalog, &args.webhook).await?;
            let which = match (&asked.message, asked.since) {
                (Some(message), _) => Replay::Message(message),
                (None, since) => Replay::Since(since.unwrap_or(Timestamp::MAX)),
            };
            let now = context.clock.now();
            let messages = accounts.catalog.replay_webhook_messages(&webhook.id, which, now).await?;
            if messages == 0 && asked.message.is_some() {
                let doing = "replay a message: there is none of this id that is still kept";
                return Err(usage(doing).in_korean("이 id 의 메시지가 없거나 보관 기간이 지났습니다").into());
            }
            Replayed { messages }
        }
    };
    let messages = replayed.messages;
    if context.json {
        json_line(&replayed)?;
    } else {
        line(&match context.lang {
            Lang::En => format!("{}: {messages} messages are sent again", args.webhook),
            Lang::Ko => format!("{}: 메시지 {messages}개를 다시 보냅니다", args.webhook),
        })?;
    }
    Ok(Exit::Complete)
}

fn said(context: &Context, webhook: &str, said: (&str, &str), json: &impl serde::Serialize) -> anyhow::Result<Exit> {
    if context.json {
        json_line(json)?;
    } else {
        line(&format!(
            "{webhook}: {}",
            match context.lang {
                Lang::En => said.0,
                Lang::Ko => said.1,
            }
        ))?;
    }
    Ok(Exit::Complete)
}

#[cfg(feature = "embedded")]
fn courier(context: &Context) -> anyhow::Result<Courier> {
    Ok(Courier::new(context.config.webhooks.settings()?))
}

#[cfg(feature = "embedded")]
async fn found(catalog: &dyn Catalog, id: &str) -> anyhow::Result<Webhook> {
    Ok(catalog.webhook(id).await?.ok_or_else(|| none(id))?)
}

#[cfg(feature = "embedded")]
fn none(id: &str) -> Error {
    usage(&format!("find the webhook {id}: there is none of this id; `cameo webhook list` shows them"))
        .in_korean(format!("id 가 {id} 인 웹훅이 없습니다. `cameo webhook list` 로 확인해 주세요"))
}

#[cfg(feature = "embedded")]
fn refused(fault: Fault) -> Error {
    match fault {
        Fault::Invalid(what) => usage(&format!("make the webhook: {what}")).in_korean(format!(
            "웹훅으로 쓸 수 없는 값입니다. https:// 로 시작하는 공개 주소인지 확인해 주세요 ({what})"
        )),
        Fault::TooMany => usage("make the webhook: there are too many; remove one first")
            .in_korean("웹훅이 너무 많습니다. 쓰지 않는 웹훅을 먼저 지워 주세요"),
        Fault::Changed => Error::new(Place::Catalog, Kind::Conflict, "change the webhook: somebody else did just now"),
    }
}

#[cfg(feature = "embedded")]
fn usage(doing: &str) -> Error {
    Error::new(Place::System, Kind::Misconfigured, doing)
}
