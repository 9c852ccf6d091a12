//! How commands change things: through the running server of a data folder, or straight at the store, the queue and the database that
//! everybody shares.

use cameo::{
    client::{Client, Server},
    flow::Flow,
    ledger::image_urls::ImageUrls,
    model::{
        error::{Error, Kind, Place, Result},
        key::DeliveryKey,
    },
    operate::act::{Act, Direct},
    proof::{
        deliveries::dismissed_lines::DismissedLine,
        relocate::{Relocation, Staged},
        repair::Acted,
        restore::Restore,
    },
    server::deployment::Deployment,
};
use jiff::Timestamp;

use super::Context;

/// How things are changed.
pub(super) enum Changes<'m> {
    /// By the server, which has queues and database to itself.
    ThroughServer(Client),
    /// Here.
    Directly(Places<'m>),
}

/// The places that everybody shares.
pub(super) struct Places<'m> {
    flow: Flow,
    deployment: &'m Deployment,
    /// The base of the rows; without one there is nothing that addresses should begin with.
    urls: Option<&'m ImageUrls>,
    now: Timestamp,
}

impl Places<'_> {
    fn direct(&self) -> Direct<'_> {
        let queues = self.deployment.queues.as_ref().map(|queues| [&*queues.events, &*queues.registrations]);
        // Nobody's name is known here: whoever has the keys of the store is not asked for theirs.
        Direct { flow: &self.flow, queues, urls: self.urls, now: self.now, by: None }
    }
}

impl<'m> Changes<'m> {
    pub(super) fn by(context: &'m Context, places: &'m Deployment) -> Result<Self> {
        if !places.through_server {
            let urls = Some(&places.rules.urls).filter(|_| !context.config.images.public_url.is_empty());
            return Ok(Self::Directly(Places {
                flow: places.flow(),
                deployment: places,
                urls,
                now: context.clock.now(),
            }));
        }
        let folder = places.folder.as_ref().filter(|_| places.running.is_some());
        let unavailable = || {
            let doing = "reach the server: none is running on this data folder";
            let korean = "이 데이터 폴더의 서버가 실행되고 있지 않습니다. 서버를 시작한 뒤 다시 실행해 주세요";
            Error::new(Place::System, Kind::Unavailable, doing).in_korean(korean)
        };
        Ok(Self::ThroughServer(Client::new(&Server::InFolder(folder.ok_or_else(unavailable)?.clone()))?))
    }

    /// Returns the keys that have no original any more.
    pub(super) async fn requeue(&self, keys: &[String]) -> Result<Vec<String>> {
        match self {
            Self::ThroughServer(server) => Ok(server.requeue(keys).await?.gone),
            Self::Directly(places) => places.direct().requeue(keys).await,
        }
    }

    /// Sends dead letters again.
    pub(super) async fn redrive(&self, queue: &str, ids: &[String]) -> Result<()> {
        match self {
            Self::ThroughServer(server) => server.redrive(queue, ids).await.map(drop),
            Self::Directly(places) => places.direct().redrive(queue, ids).await,
        }
    }

    /// Has what is left of originals taken down that are gone.
    pub(super) async fn remove_absent(&self, keys: &[String]) -> Result<Acted> {
        match self {
            Self::ThroughServer(server) => server.remove_absent(keys).await,
            Self::Directly(places) => places.direct().remove_absent(keys).await,
        }
    }

    /// Moves objects of the image bucket to quarantine that nobody owns.
    pub(super) async fn take_down(&self, keys: &[String]) -> Result<Acted> {
        match self {
            Self::ThroughServer(server) => server.take_down(keys).await,
            Self::Directly(places) => places.direct().take_down(keys).await,
        }
    }

    /// Rewrites the addresses of rows.
    pub(super) async fn rewrite_urls(&self, keys: &[String]) -> Result<u64> {
        match self {
            Self::ThroughServer(server) => server.rewrite_urls(keys).await,
            Self::Directly(places) => places.direct().rewrite_urls(keys).await,
        }
    }

    /// Brings back what is in quarantine.
    pub(super) async fn restore(&self, restores: &[Restore]) -> Result<Acted> {
        match self {
            Self::ThroughServer(server) => server.restore(restores).await,
            Self::Directly(places) => places.direct().restore(restores).await,
        }
    }

    /// Moves rejected files to quarantine.
    pub(super) async fn dismiss(&self, keys: &[String], note: Option<&str>) -> Result<Acted> {
        match self {
            Self::ThroughServer(server) => server.dismiss(keys, note).await,
            Self::Directly(places) => places.direct().dismiss(keys, note).await,
        }
    }

    /// Notes that lines of the report of a delivery are settled.
    pub(super) async fn dismiss_lines(
        &self,
        delivery: &DeliveryKey,
        lines: &[DismissedLine],
        note: Option<&str>,
    ) -> Result<()> {
        match self {
            Self::ThroughServer(server) => server.dismiss_lines(delivery, lines, note).await,
            Self::Directly(places) => places.direct().dismiss_lines(delivery, lines, note).await,
        }
    }

    /// Takes one step with each photo that moves.
    pub(super) async fn relocate(&self, photos: &[Relocation]) -> Result<Vec<Staged>> {
        match self {
            Self::ThroughServer(server) => server.relocate(photos).await,
            Self::Directly(places) => places.direct().relocate(photos).await,
        }
    }
}
