//! Counts on a database server of either kind: kept by `register`, spread over several rows that are added up here.

use async_trait::async_trait;

use super::{
    dialect::{Dialect, Fetch},
    reads::{OnServer, ServerReader},
};
use crate::{
    catalog::{Counts, columns::CountColumns},
    ledger::counts::KeptCount,
    model::error::Result,
};

impl<D: Fetch> ServerReader<D> {
    async fn counts_by(&self, doing: &str, statement: &'static str) -> Result<Vec<KeptCount>> {
        let mut connection = self.connection(doing).await?;
        let counts = D::counts(&mut connection, statement).await;
        let counts = connection.settle(counts.map_err(|error| D::failed(doing, error)))?;
        Ok(counts.into_iter().map(KeptCount::from).collect())
    }
}

#[async_trait]
impl<C: OnServer> Counts for C {
    async fn kept_counts(&self) -> Result<Vec<KeptCount>> {
        self.reader().counts_by("read the counts", C::Server::KEPT_COUNTS).await
    }

    async fn counted(&self) -> Result<Vec<KeptCount>> {
        self.reader().counts_by("count originals", C::Server::COUNTED).await
    }

    async fn counts_drifted(&self) -> Result<bool> {
        let doing = "compare the counts with the ledger";
        let mut connection = self.reader().connection(doing).await?;
        let compared = async {
            C::Server::run(&mut connection, C::Server::BEGIN_SNAPSHOT).await?;
            let kept = C::Server::counts(&mut connection, C::Server::KEPT_COUNTS).await?;
            let counted = C::Server::counts(&mut connection, C::Server::COUNTED).await?;
            let of = |counts: Vec<CountColumns>| counts.into_iter().map(KeptCount::from).collect::<Vec<_>>();
            Ok(of(kept) != of(counted))
        }
        .await;
        // What was read is read; a connection that cannot end its transaction is closed for its own error.
        let ended = C::Server::run(&mut connection, "ROLLBACK").await;
        let compared = compared.and_then(|drifted| ended.map(|()| drifted));
        connection.settle(compared.map_err(|error| C::Server::failed(doing, error)))
    }

    async fn recount(&self) -> Result<()> {
        let doing = "count originals again";
        let mut connection = self.reader().connection(doing).await?;
        let done = C::Server::run(&mut connection, C::Server::RECOUNT).await;
        if done.is_err() {
            // A connection that cannot even do this is closed for its own error.
            let _ = C::Server::run(&mut connection, "ROLLBACK").await;
        }
        connection.settle(done.map_err(|error| C::Server::failed(doing, error)))
    }
}
