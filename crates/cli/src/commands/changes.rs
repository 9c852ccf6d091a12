//! How commands change things: through the running server of a data folder, or straight at the store, the queue and the database that
//! everybody shares; and the report of it.

use cameo::{
    client::{Client, Server},
    flow::requeue::requeue,
    model::error::{Error, Kind, Place},
    proof::{
        dismiss::dismiss,
        relocate::{Relocation, Staged, advance},
        repair::{Acted, Plan, remove_absent, rewrite_urls, take_down},
        restore::{self, Restore},
    },
    server::deployment::Deployment,
};
use serde::Serialize;

use super::{
    Context,
    dead_letters::{LetterLine, ids_in},
    json_line, line,
};

/// What was done, or would be.
#[derive(Debug, Default, Serialize)]
pub(super) struct Report {
    pub(super) applied: bool,
    /// Originals that go through the flow again.
    pub(super) keys: Vec<String>,
    /// Those of them that are gone.
    pub(super) gone: Vec<String>,
    /// Rows whose addresses were rewritten.
    pub(super) rewritten_urls: u64,
    /// Messages of the dead-letter queues.
    pub(super) dead_letters: Vec<LetterLine>,
    /// Rows whose addresses are to be rewritten.
    pub(super) urls_to_rewrite: u64,
    /// One of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) url_example: Option<Rewrite>,
    /// Entities whose aliases are to be written again.
    pub(super) aliases: Vec<String>,
    /// Originals that are gone, and whose rows and renditions are to be taken down.
    pub(super) removals: Vec<String>,
    pub(super) removed: Acted,
    /// Objects of the image bucket that are to be moved to quarantine.
    pub(super) take_down: Vec<String>,
    pub(super) taken_down: Acted,
    /// Photos in work.
    pub(super) waiting: u64,
    /// What is not Cameo's to repair, with who must act: the first 1,000.
    pub(super) left: Vec<String>,
    pub(super) left_total: u64,
}

/// A row's address: that which it has, and that which it gets.
#[derive(Debug, Serialize)]
pub(super) struct Rewrite {
    from: String,
    to: String,
}

/// How things are changed.
pub(super) enum Changes<'m> {
    /// By the server, which has queues and database to itself.
    ThroughServer(Client),
    /// Here.
    Directly { context: &'m Context, places: &'m Deployment },
}

impl<'m> Changes<'m> {
    pub(super) fn by(context: &'m Context, places: &'m Deployment) -> anyhow::Result<Self> {
        if !places.through_server {
            return Ok(Self::Directly { context, places });
        }
        let folder = places.folder.as_ref().filter(|_| places.running.is_some());
        let folder = folder.ok_or_else(|| unavailable("reach the server: none is running on this data folder"))?;
        Ok(Self::ThroughServer(Client::new(&Server::InFolder(folder.clone()))?))
    }

    /// Does what a plan says; each act looks again by itself.
    pub(super) async fn apply(&self, plan: &Plan, report: &mut Report) -> anyhow::Result<()> {
        let addresses: Vec<String> = plan.addresses.keys().filter(|key| !plan.render.contains(*key)).cloned().collect();
        // What is in the way of an alias goes before the alias is written again.
        report.taken_down = self.take_down(&report.take_down).await?;
        report.removed = self.remove_absent(&report.removals).await?;
        report.rewritten_urls = self.rewrite_urls(&addresses).await?;
        report.gone = self.requeue(&report.keys).await?;
        Ok(())
    }

    /// Returns the keys that have no original any more.
    pub(super) async fn requeue(&self, keys: &[String]) -> anyhow::Result<Vec<String>> {
        let requeued = match self {
            Self::ThroughServer(server) => server.requeue(keys).await?,
            Self::Directly { context, places } => {
                requeue(&places.flow(), events(places)?, keys, context.clock.now()).await?
            }
        };
        Ok(requeued.gone)
    }

    /// Sends dead letters again.
    pub(super) async fn redrive(&self, places: &Deployment, letters: &[LetterLine]) -> anyhow::Result<()> {
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
            Self::Directly { context, places } => take_down(&places.flow(), keys, context.clock.now()).await?,
        })
    }

    /// Brings back what is in quarantine.
    pub(super) async fn restore(&self, restores: &[Restore]) -> anyhow::Result<Acted> {
        Ok(match self {
            Self::ThroughServer(server) => server.restore(restores).await?,
            Self::Directly { places, .. } => restore::restore(&places.flow(), restores).await?,
        })
    }

    /// Moves rejected files to quarantine.
    pub(super) async fn dismiss(&self, keys: &[String], note: Option<&str>) -> anyhow::Result<Acted> {
        Ok(match self {
            Self::ThroughServer(server) => server.dismiss(keys, note).await?,
            Self::Directly { context, places } => dismiss(&places.flow(), keys, note, context.clock.now()).await?,
        })
    }

    /// Takes one step with each photo that moves.
    pub(super) async fn relocate(&self, photos: &[Relocation]) -> anyhow::Result<Vec<Staged>> {
        Ok(match self {
            Self::ThroughServer(server) => server.relocate(photos).await?,
            Self::Directly { context, places } => advance(&places.flow(), photos, context.clock.now()).await?,
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

impl Report {
    pub(super) fn of(plan: &Plan, applied: bool) -> Self {
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
                (self.taken_down.done, "objects moved to quarantine"),
            ];
            for (n, what) in counted.into_iter().filter(|(n, _)| *n > 0) {
                text += &format!("; {n} {what}");
            }
        } else {
            let counted = [
                (self.urls_to_rewrite, "addresses to rewrite"),
                (self.removals.len() as u64, "removals to send"),
                (self.take_down.len() as u64, "objects to move to quarantine"),
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

/// Prints what was done, or would be.
pub(super) fn print(context: &Context, report: &Report) -> anyhow::Result<()> {
    if context.json {
        return json_line(report);
    }
    let would = if report.applied { "" } else { "would be " };
    for key in &report.keys {
        let outcome = if report.gone.contains(key) { "gone" } else { "sent through the flow again" };
        line(&format!("{key}: {}{outcome}", if outcome == "gone" { "" } else { would }))?;
    }
    for letter in &report.dead_letters {
        let outcome = if report.applied { "sent again" } else { "would be sent again" };
        line(&format!("{}: dead letter {outcome}", letter.about()))?;
    }
    for key in &report.removals {
        line(&format!("{key}: gone: rows and renditions {would}taken down"))?;
    }
    for key in &report.take_down {
        line(&format!("{key}: {would}moved to quarantine"))?;
    }
    if let Some(Rewrite { from, to }) = &report.url_example {
        line(&format!("addresses {would}rewritten, such as {from:?} to {to:?}"))?;
    }
    for left in &report.left {
        line(left)?;
    }
    line(&if report.is_nothing() { "0 originals: nothing to do".to_owned() } else { report.text() })
}
