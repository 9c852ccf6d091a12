//! `cameo retry`: send originals and dead letters through the flow again.

use cameo::{
    catalog::LedgerPages,
    ledger::{Scope, State},
    model::reason::ReasonCode,
    server::deployment::Deployment,
};

use super::{
    Context,
    changes::{Changes, Report, print},
    dead_letters::letters,
    places::PlacesArgs,
    scope::{Matched, ScopeArgs, say_absent},
};
use crate::exit::Exit;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  cameo retry --reason render.timeout\n  cameo retry --ids 351518,351519 --dry-run\n  \
cameo retry --reason system.dead_letter\n\nDead letters of these entities are sent again too, and leave the dead-letter queue.\n\n\
Exit code 5 after sending: what was sent is in flight now, and `cameo status` shows what becomes of it. 0: there was nothing to send, or \
--dry-run. 7: nothing is known of what was asked about.",
    group = clap::ArgGroup::new("asked").required(true).multiple(true).args(["reason", "vertical", "ids", "ids_from"])
)]
pub(crate) struct RetryArgs {
    /// Only originals rejected for this reason
    #[arg(long, value_name = "CODE")]
    reason: Option<ReasonCode>,
    #[command(flatten)]
    scope: ScopeArgs,
    #[command(flatten)]
    places: PlacesArgs,
    /// Only say which originals it would be
    #[arg(long)]
    dry_run: bool,
}

pub(crate) async fn retry(context: &Context, args: RetryArgs) -> anyhow::Result<Exit> {
    let places = args.places.open(context).await?;
    let scope = args.scope.scope()?;
    if say_absent(context, &places, &scope).await? == Matched::Nothing {
        return Ok(Exit::Different);
    }
    let keys = rejected_keys(&places, &scope, args.reason).await?;
    let dead_letters = match &places.queues {
        Some(queues) if args.reason.is_none_or(|asked| asked == ReasonCode::SystemDeadLetter) => {
            letters(queues, &scope).await?
        }
        _ => Vec::new(),
    };
    let mut report = Report { applied: !args.dry_run, keys, dead_letters, ..Report::default() };
    let is_nothing = report.keys.is_empty() && report.dead_letters.is_empty();
    if !args.dry_run && !is_nothing {
        let changes = Changes::by(context, &places)?;
        report.gone = changes.requeue(&report.keys).await?;
        changes.redrive(&places, &report.dead_letters).await?;
    }
    print(context, &report)?;
    Ok(if is_nothing || args.dry_run { Exit::Complete } else { Exit::Pending })
}

async fn rejected_keys(places: &Deployment, scope: &Scope, asked: Option<ReasonCode>) -> anyhow::Result<Vec<String>> {
    let mut keys = Vec::new();
    let mut pages = LedgerPages::new(&*places.catalog, scope);
    while let Some(page) = pages.next().await? {
        let wanted = |state: &State| matches!(state, State::Rejected { reason, .. } if asked.is_none_or(|asked| asked == *reason));
        keys.extend(page.into_iter().filter(|entry| wanted(&entry.state)).map(|entry| entry.key));
    }
    Ok(keys)
}
