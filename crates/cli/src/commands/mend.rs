//! `cameo reconcile` and `cameo retry`: repair what verifying finds: through the running server of a data folder, or
//! straight to the store, the queue and the database that everybody shares.

use cameo::{
    catalog::LedgerPages,
    flow::{
        reconcile::requeue,
        repair::{Acted, Plan, remove_absent, rewrite_urls, take_down},
        verify::{self, EntityReport, Listen, Question, Unowned},
    },
    ledger::{Scope, State},
    model::{
        error::{Error, Kind, Place},
        reason::ReasonCode,
    },
    serve::console::client::ConsoleClient,
    server::deployment::Deployment,
};
use serde::Serialize;

use super::{
    Context,
    dead_letters::{LetterLine, ids_in, letters},
    json_line, line, note,
    places::PlacesArgs,
    scope::{ScopeArgs, say_unknown},
};
use crate::exit::Exit;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  cameo reconcile\n  cameo reconcile --vertical ssgdfm_eye --apply\n\n\
Without --apply it only says what it would do. Nothing in the upload bucket is ever changed; of the image bucket only what Cameo wrote \
and nobody owns is deleted. What it cannot repair it names, with who must act.")]
pub(crate) struct ReconcileArgs {
    #[command(flatten)]
    scope: ScopeArgs,
    #[command(flatten)]
    places: PlacesArgs,
    /// Do it: embedded, through the running server
    #[arg(long)]
    apply: bool,
    /// Read and hash every original, rendition and alias first
    #[arg(long)]
    deep: bool,
}

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  cameo retry --reason render.timeout\n  cameo retry --ids 351518,351519 --dry-run\n  \
cameo retry --reason system.dead_letter\n\nDead letters of these entities are sent again too, and leave the dead-letter queue.",
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

/// What was done, or would be.
#[derive(Debug, Default, Serialize)]
struct Done {
    applied: bool,
    /// Originals that go through the flow again.
    keys: Vec<String>,
    /// Those of them that are gone.
    gone: Vec<String>,
    /// Rows whose addresses were rewritten.
    rewritten_urls: u64,
    /// Messages of the dead-letter queues.
    dead_letters: Vec<LetterLine>,
    /// Rows whose addresses are to be rewritten.
    urls_to_rewrite: u64,
    /// One of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    url_example: Option<Rewrite>,
    /// Entities whose aliases are to be written again.
    aliases: Vec<String>,
    /// Originals that are gone, and whose rows and renditions are to be taken down.
    removals: Vec<String>,
    removed: Acted,
    /// Objects of the image bucket that are to be deleted.
    take_down: Vec<String>,
    taken_down: Acted,
    /// Photos in work.
    waiting: u64,
    /// What is not Cameo's to repair, with who must act: the first 1,000.
    left: Vec<String>,
    left_total: u64,
}

/// A row's address: that which it has, and that which it gets.
#[derive(Debug, Serialize)]
struct Rewrite {
    from: String,
    to: String,
}

/// Makes a plan of what verifying finds.
#[derive(Default)]
struct Planner(Plan);

impl Listen for Planner {
    fn entity(&mut self, report: &EntityReport) {
        self.0.add(report);
    }

    fn unowned(&mut self, unowned: &Unowned) {
        self.0.add_unowned(unowned);
    }
}

pub(crate) async fn reconcile(context: &Context, args: ReconcileArgs) -> anyhow::Result<Exit> {
    let places = args.places.open(context).await?;
    let look = if args.deep { verify::Look::Deep } else { verify::Look::Everything };
    let question = Question { look, ..Question::of(args.scope.scope()?) };
    if say_unknown(context, &places, &question.scope).await? {
        return Ok(Exit::Different);
    }
    let mut planner = Planner::default();
    let summary = verify::verify(places.to_verify(), &question, &mut planner).await?;
    let mut plan = planner.0;
    if let Some(why) = summary.not_fetched.as_ref().filter(|_| !plan.addresses.is_empty()) {
        note(&format!(
            "rows would lead to where nobody answers from here: {why}; if the public does not either, correct images.public_url first"
        ));
    }
    // A misnamed file whose event was lost is never rejected otherwise.
    let waiting = summary.strays.iter().filter(|stray| stray.state.is_none());
    plan.render.extend(waiting.map(|stray| stray.key.clone()));
    let mut done = Done::of(&plan, args.apply);
    if args.apply && !plan.is_empty() {
        Mend::with(context, &places)?.apply(&plan, &mut done).await?;
    }
    tell(context, &done)?;
    // Addresses and objects are done with at once; what goes through the flow is not.
    let in_flight = plan.waiting > 0 || !plan.render.is_empty() || !plan.remove.is_empty();
    Ok(if in_flight || (!args.apply && !plan.is_empty()) {
        Exit::Pending
    } else if plan.left_total > 0 {
        Exit::Different
    } else {
        Exit::Complete
    })
}

pub(crate) async fn retry(context: &Context, args: RetryArgs) -> anyhow::Result<Exit> {
    let places = args.places.open(context).await?;
    let scope = args.scope.scope()?;
    if say_unknown(context, &places, &scope).await? {
        return Ok(Exit::Different);
    }
    let keys = rejected_keys(&places, &scope, args.reason).await?;
    let dead_letters = match &places.queues {
        Some(queues) if args.reason.is_none_or(|asked| asked == ReasonCode::SystemDeadLetter) => {
            letters(queues, &scope).await?
        }
        _ => Vec::new(),
    };
    let mut done = Done { applied: !args.dry_run, keys, dead_letters, ..Done::default() };
    let is_nothing = done.keys.is_empty() && done.dead_letters.is_empty();
    if !args.dry_run && !is_nothing {
        let mend = Mend::with(context, &places)?;
        done.gone = mend.requeue(&done.keys).await?;
        mend.redrive(&places, &done.dead_letters).await?;
    }
    tell(context, &done)?;
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

/// How things are changed.
enum Mend<'m> {
    /// By the server, which has queues and database to itself.
    ThroughServer(ConsoleClient),
    /// Here.
    Directly { context: &'m Context, places: &'m Deployment },
}

impl<'m> Mend<'m> {
    fn with(context: &'m Context, places: &'m Deployment) -> anyhow::Result<Self> {
        if !places.through_server {
            return Ok(Self::Directly { context, places });
        }
        let console = places.running.as_ref().and_then(|running| running.console.as_deref());
        let console = console.ok_or_else(|| {
            unavailable("reach the server: none is running on this data folder, or its console listener is off")
        })?;
        Ok(Self::ThroughServer(ConsoleClient::new(console)?))
    }

    /// Does what a plan says; each act looks again by itself.
    async fn apply(&self, plan: &Plan, done: &mut Done) -> anyhow::Result<()> {
        let addresses: Vec<String> = plan.addresses.keys().filter(|key| !plan.render.contains(*key)).cloned().collect();
        // What is in the way of an alias goes before the alias is written again.
        done.taken_down = self.take_down(&done.take_down).await?;
        done.removed = self.remove_absent(&done.removals).await?;
        done.rewritten_urls = self.rewrite_urls(&addresses).await?;
        done.gone = self.requeue(&done.keys).await?;
        Ok(())
    }

    /// Returns the keys that have no original any more.
    async fn requeue(&self, keys: &[String]) -> anyhow::Result<Vec<String>> {
        let requeued = match self {
            Self::ThroughServer(server) => server.requeue(keys).await?,
            Self::Directly { context, places } => {
                requeue(&places.flow(), events(places)?, keys, context.clock.now()).await?
            }
        };
        Ok(requeued.gone)
    }

    /// Sends dead letters again.
    async fn redrive(&self, places: &Deployment, letters: &[LetterLine]) -> anyhow::Result<()> {
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

    async fn remove_absent(&self, keys: &[String]) -> anyhow::Result<Acted> {
        Ok(match self {
            _ if keys.is_empty() => Acted::default(),
            Self::ThroughServer(server) => server.remove_absent(keys).await?,
            Self::Directly { context, places } => {
                remove_absent(&places.flow(), events(places)?, keys, context.clock.now()).await?
            }
        })
    }

    async fn take_down(&self, keys: &[String]) -> anyhow::Result<Acted> {
        Ok(match self {
            Self::ThroughServer(server) => server.take_down(keys).await?,
            Self::Directly { places, .. } => take_down(&places.flow(), keys).await?,
        })
    }

    async fn rewrite_urls(&self, keys: &[String]) -> anyhow::Result<u64> {
        Ok(match self {
            Self::ThroughServer(server) => server.rewrite_urls(keys).await?,
            // Without a base there is nothing that addresses should begin with.
            Self::Directly { context, .. } if context.config.images.public_url.is_empty() => 0,
            Self::Directly { places, .. } => rewrite_urls(&places.flow(), &places.rules.urls, keys).await?,
        })
    }
}

fn events(places: &Deployment) -> anyhow::Result<&dyn cameo::queue::Queue> {
    let queues = places
        .queues
        .as_ref()
        .ok_or_else(|| unavailable("send events: the queue is not known here; set queue.url to that of the system"))?;
    Ok(&*queues.events)
}

fn unavailable(doing: &str) -> Error {
    Error::new(Place::System, Kind::Unavailable, doing)
}

impl Done {
    fn of(plan: &Plan, applied: bool) -> Self {
        let list = |keys: &std::collections::BTreeSet<String>| keys.iter().cloned().collect();
        Self {
            applied,
            keys: list(&plan.render),
            urls_to_rewrite: plan.addresses_total(),
            url_example: plan.example.clone().map(|(from, to)| Rewrite { from, to }),
            aliases: plan.aliases.iter().map(ToString::to_string).collect(),
            removals: list(&plan.remove),
            take_down: list(&plan.take_down),
            waiting: plan.waiting,
            left: plan.left.clone(),
            left_total: plan.left_total,
            ..Self::default()
        }
    }

    /// Whether there is nothing that anybody has to do or to wait for.
    fn is_nothing(&self) -> bool {
        let lists = [&self.keys, &self.aliases, &self.removals, &self.take_down];
        lists.iter().all(|list| list.is_empty())
            && self.dead_letters.is_empty()
            && self.urls_to_rewrite + self.waiting + self.left_total == 0
    }

    /// What it comes to, in a line.
    fn text(&self) -> String {
        let mut text = format!("{} originals", self.keys.len());
        if self.applied {
            let counted = [
                (self.rewritten_urls, "addresses rewritten"),
                (self.removed.done, "removals sent"),
                (self.taken_down.done, "objects taken down"),
            ];
            for (n, what) in counted.into_iter().filter(|(n, _)| *n > 0) {
                text += &format!("; {n} {what}");
            }
        } else {
            let counted = [
                (self.urls_to_rewrite, "addresses to rewrite"),
                (self.removals.len() as u64, "removals to send"),
                (self.take_down.len() as u64, "objects to take down"),
                (self.aliases.len() as u64, "entities with aliases to write"),
            ];
            for (n, what) in counted.into_iter().filter(|(n, _)| *n > 0) {
                text += &format!("; {n} {what}");
            }
        }
        let counted = [
            (self.dead_letters.len() as u64, "dead letters"),
            (self.waiting, "in work"),
            (self.left_total, "for somebody else to act on"),
        ];
        for (n, what) in counted.into_iter().filter(|(n, _)| *n > 0) {
            text += &format!("; {n} {what}");
        }
        text
    }
}

fn tell(context: &Context, done: &Done) -> anyhow::Result<()> {
    if context.json {
        return json_line(done);
    }
    let would = if done.applied { "" } else { "would be " };
    for key in &done.keys {
        let outcome = if done.gone.contains(key) { "gone" } else { "sent through the flow again" };
        line(&format!("{key}: {}{outcome}", if outcome == "gone" { "" } else { would }))?;
    }
    for letter in &done.dead_letters {
        let outcome = if done.applied { "sent again" } else { "would be sent again" };
        line(&format!("{}: dead letter {outcome}", letter.about()))?;
    }
    for key in &done.removals {
        line(&format!("{key}: gone: rows and renditions {would}taken down"))?;
    }
    for key in &done.take_down {
        line(&format!("{key}: {would}taken down"))?;
    }
    if let Some(Rewrite { from, to }) = &done.url_example {
        line(&format!("addresses {would}rewritten, such as {from:?} to {to:?}"))?;
    }
    for left in &done.left {
        line(left)?;
    }
    line(&if done.is_nothing() { "0 originals: nothing to do".to_owned() } else { done.text() })
}
