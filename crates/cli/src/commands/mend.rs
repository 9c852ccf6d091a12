//! `cameo reconcile` and `cameo retry`: send originals through the flow again: through the running server of a data
//! folder, or straight to the queue that everybody shares.

use cameo::{
    catalog::{LedgerPages, Scope, State},
    error::{Error, Kind, Place},
    flow::{
        reconcile::{keys_to_mend, requeue, rewrite_urls},
        verify::{self, Question},
    },
    host::places::Places,
    reason::ReasonCode,
    serve::console::client::ConsoleClient,
};
use serde::Serialize;

use super::{
    Context,
    dead_letters::{LetterLine, ids_in, letters},
    json_line, line,
    places::PlacesArgs,
    scope::ScopeArgs,
};
use crate::exit::Exit;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  cameo reconcile\n  cameo reconcile --vertical ssgdfm_eye --apply\n\n\
Without --apply it only says what it would do. Nothing is ever deleted.")]
pub(crate) struct ReconcileArgs {
    #[command(flatten)]
    scope: ScopeArgs,
    #[command(flatten)]
    places: PlacesArgs,
    /// Do it: embedded, through the running server
    #[arg(long)]
    apply: bool,
}

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  cameo retry --reason render.timeout\n  cameo retry --ids 351518,351519 --dry-run\n  \
cameo retry --reason system.dead_letter\n\nDead letters of these entities are sent again too, and leave the dead-letter queue."
)]
pub(crate) struct RetryArgs {
    /// Only originals rejected for this reason
    #[arg(long, value_name = "CODE", required_unless_present_any = ["ids", "ids_from", "vertical"])]
    reason: Option<ReasonCode>,
    #[command(flatten)]
    scope: ScopeArgs,
    #[command(flatten)]
    places: PlacesArgs,
    /// Only say which originals it would be
    #[arg(long)]
    dry_run: bool,
}

/// What was done, or would be.
#[derive(Debug, Serialize)]
struct Done {
    applied: bool,
    keys: Vec<String>,
    gone: Vec<String>,
    rewritten_urls: u64,
    /// Messages of the dead-letter queues.
    dead_letters: Vec<LetterLine>,
}

pub(crate) async fn reconcile(context: &Context, args: ReconcileArgs) -> anyhow::Result<Exit> {
    let places = args.places.open(context).await?;
    let question = Question { scope: args.scope.scope()?, delivery: None };
    let mut keys = Vec::new();
    verify::verify(places.to_verify(), &question, |report| keys.extend(keys_to_mend(report))).await?;
    let mut done = Done { applied: args.apply, keys, gone: Vec::new(), rewritten_urls: 0, dead_letters: Vec::new() };
    if args.apply {
        let mend = Mend::with(context, &places)?;
        done.rewritten_urls = mend.rewrite_urls().await?;
        done.gone = mend.requeue(&done.keys).await?;
    }
    tell(context, &done)?;
    Ok(if done.keys.is_empty() { Exit::Complete } else { Exit::Pending })
}

pub(crate) async fn retry(context: &Context, args: RetryArgs) -> anyhow::Result<Exit> {
    let places = args.places.open(context).await?;
    let scope = args.scope.scope()?;
    let keys = rejected_keys(&places, &scope, args.reason).await?;
    let dead_letters = match &places.queues {
        Some(queues) if args.reason.is_none_or(|asked| asked == ReasonCode::SystemDeadLetter) => {
            letters(queues, &scope).await?
        }
        _ => Vec::new(),
    };
    let mut done = Done { applied: !args.dry_run, keys, gone: Vec::new(), rewritten_urls: 0, dead_letters };
    let is_nothing = done.keys.is_empty() && done.dead_letters.is_empty();
    if !args.dry_run && !is_nothing {
        let mend = Mend::with(context, &places)?;
        done.gone = mend.requeue(&done.keys).await?;
        mend.redrive(&places, &done.dead_letters).await?;
    }
    tell(context, &done)?;
    Ok(if is_nothing || args.dry_run { Exit::Complete } else { Exit::Pending })
}

async fn rejected_keys(places: &Places, scope: &Scope, asked: Option<ReasonCode>) -> anyhow::Result<Vec<String>> {
    let mut keys = Vec::new();
    let mut pages = LedgerPages::new(&*places.catalog, scope);
    while let Some(page) = pages.next().await? {
        let wanted = |state: &State| matches!(state, State::Rejected { reason, .. } if asked.is_none_or(|asked| asked == *reason));
        keys.extend(page.into_iter().filter(|entry| wanted(&entry.state)).map(|entry| entry.key));
    }
    Ok(keys)
}

/// How things are changed.
enum Mend<'m> {
    /// By the server, which has queues and database to itself.
    ThroughServer(ConsoleClient),
    /// Here.
    Directly { context: &'m Context, places: &'m Places },
}

impl<'m> Mend<'m> {
    fn with(context: &'m Context, places: &'m Places) -> anyhow::Result<Self> {
        if !places.through_server {
            return Ok(Self::Directly { context, places });
        }
        let console = places.running.as_ref().and_then(|running| running.console.as_deref());
        let console = console.ok_or_else(|| {
            unavailable("reach the server: none is running on this data folder, or its console listener is off")
        })?;
        Ok(Self::ThroughServer(ConsoleClient::new(console)?))
    }

    /// Returns the keys that have no original any more.
    async fn requeue(&self, keys: &[String]) -> anyhow::Result<Vec<String>> {
        let requeued = match self {
            Self::ThroughServer(server) => server.requeue(keys).await?,
            Self::Directly { context, places } => {
                let queues = places.queues.as_ref().ok_or_else(|| {
                    unavailable("send events: the queue is not known here; set queue.url to that of the system")
                })?;
                requeue(&places.flow(), &*queues.events, keys, context.clock.now()).await?
            }
        };
        Ok(requeued.gone)
    }

    /// Sends dead letters again.
    async fn redrive(&self, places: &Places, letters: &[LetterLine]) -> anyhow::Result<()> {
        let Some(queues) = &places.queues else { return Ok(()) };
        for queue in [&queues.events, &queues.registrations] {
            let ids = ids_in(letters, &**queue);
            match self {
                _ if ids.is_empty() => 0,
                Self::ThroughServer(server) => server.redrive(queue.name(), &ids).await?,
                Self::Directly { .. } => queue.redrive(&ids).await?,
            };
        }
        Ok(())
    }

    async fn rewrite_urls(&self) -> anyhow::Result<u64> {
        Ok(match self {
            Self::ThroughServer(server) => server.rewrite_urls().await?,
            // Without a base there is nothing that addresses should begin with.
            Self::Directly { context, .. } if context.config.images.public_url.is_empty() => 0,
            Self::Directly { places, .. } => rewrite_urls(&places.flow(), &places.rules.urls).await?,
        })
    }
}

fn unavailable(doing: &str) -> Error {
    Error::new(Place::System, Kind::Unavailable, doing)
}

fn tell(context: &Context, done: &Done) -> anyhow::Result<()> {
    if context.json {
        return json_line(done);
    }
    for key in &done.keys {
        let outcome = if done.gone.contains(key) {
            "gone"
        } else if done.applied {
            "sent through the flow again"
        } else {
            "would be sent through the flow again"
        };
        line(&format!("{key}: {outcome}"))?;
    }
    for letter in &done.dead_letters {
        let outcome = if done.applied { "sent again" } else { "would be sent again" };
        line(&format!("{}: dead letter {outcome}", letter.about()))?;
    }
    let dead = if done.dead_letters.is_empty() {
        String::new()
    } else {
        format!("; {} dead letters", done.dead_letters.len())
    };
    let rewritten =
        if done.rewritten_urls > 0 { format!("; {} addresses rewritten", done.rewritten_urls) } else { String::new() };
    line(&format!("{} originals{dead}{rewritten}", done.keys.len()))
}
