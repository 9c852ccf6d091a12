//! `cameo reconcile` and `cameo retry`: send originals through the flow again, through the running server.

use std::path::PathBuf;

use cameo::{
    catalog::{Scope, State},
    error::{Error, Kind, Place},
    flow::{
        reconcile::keys_to_mend,
        verify::{self, Question},
    },
    host::places::Places,
    reason::ReasonCode,
    serve::console::client::ConsoleClient,
};
use serde::Serialize;

use super::{Context, json_line, line, scope::ScopeArgs};
use crate::exit::Exit;

/// Ledger entries fetched at a time.
const PAGE: usize = 1000;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  cameo reconcile\n  cameo reconcile --vertical ssgdfm_eye --apply\n\n\
Without --apply it only says what it would do. Nothing is ever deleted.")]
pub(crate) struct ReconcileArgs {
    #[command(flatten)]
    scope: ScopeArgs,
    /// Data folder of the server [default: ./cameo-data]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Do it, through the running server
    #[arg(long)]
    apply: bool,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  cameo retry --reason render.timeout\n  cameo retry --ids 351518,351519 --dry-run")]
pub(crate) struct RetryArgs {
    /// Only originals rejected for this reason
    #[arg(long, value_name = "CODE", required_unless_present_any = ["ids", "ids_from", "vertical"])]
    reason: Option<ReasonCode>,
    #[command(flatten)]
    scope: ScopeArgs,
    /// Data folder of the server [default: ./cameo-data]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
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
}

pub(crate) async fn reconcile(context: &Context, args: ReconcileArgs) -> anyhow::Result<Exit> {
    let places =
        Places::of_data_folder(&context.config, context.data(args.data.as_deref()), context.clock.clone()).await?;
    let question = Question { scope: args.scope.scope()?, delivery: None };
    let mut keys = Vec::new();
    verify::verify(places.to_verify(), &question, |report| keys.extend(keys_to_mend(report))).await?;
    let mut done = Done { applied: args.apply, keys, gone: Vec::new(), rewritten_urls: 0 };
    if args.apply {
        let server = server(&places)?;
        done.rewritten_urls = server.rewrite_urls().await?;
        done.gone = server.requeue(&done.keys).await?.gone;
    }
    tell(context, &done)?;
    Ok(if done.keys.is_empty() { Exit::Complete } else { Exit::Pending })
}

pub(crate) async fn retry(context: &Context, args: RetryArgs) -> anyhow::Result<Exit> {
    let places =
        Places::of_data_folder(&context.config, context.data(args.data.as_deref()), context.clock.clone()).await?;
    let keys = rejected_keys(&places, &args.scope.scope()?, args.reason).await?;
    let mut done = Done { applied: !args.dry_run, keys, gone: Vec::new(), rewritten_urls: 0 };
    if !args.dry_run && !done.keys.is_empty() {
        done.gone = server(&places)?.requeue(&done.keys).await?.gone;
    }
    tell(context, &done)?;
    Ok(if done.keys.is_empty() || args.dry_run { Exit::Complete } else { Exit::Pending })
}

async fn rejected_keys(places: &Places, scope: &Scope, asked: Option<ReasonCode>) -> anyhow::Result<Vec<String>> {
    let (mut keys, mut after) = (Vec::new(), String::new());
    loop {
        let page = places.catalog.ledger(scope, &after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(keys) };
        after.clone_from(&last.key);
        let wanted = |state: &State| matches!(state, State::Rejected { reason, .. } if asked.is_none_or(|asked| asked == *reason));
        keys.extend(page.into_iter().filter(|entry| wanted(&entry.state)).map(|entry| entry.key));
    }
}

fn server(places: &Places) -> anyhow::Result<ConsoleClient> {
    let console = places.running.as_ref().and_then(|running| running.console.as_deref());
    let console = console.ok_or_else(|| {
        let doing = "reach the server: none is running on this data folder, or its console listener is off";
        Error::new(Place::System, Kind::Unavailable, doing)
    })?;
    Ok(ConsoleClient::new(console)?)
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
    let rewritten =
        if done.rewritten_urls > 0 { format!("; {} addresses rewritten", done.rewritten_urls) } else { String::new() };
    line(&format!("{} originals{rewritten}", done.keys.len()))
}
