//! What the two SQL servers have in common: connections, retries, locks' names, and addresses without passwords.

use std::{
    future::Future,
    ops::{Deref, DerefMut},
    time::Duration,
};

use rand::Rng;
use sha2::{Digest, Sha256};
use sqlx::{Database, pool::PoolConnection};

use crate::{
    error::{Error, Kind, Place, Result},
    key::EntityId,
};

/// Pause before a transaction is tried again: doubles from this, and is drawn at random up to there.
const FIRST_PAUSE: Duration = Duration::from_millis(10);

/// A connection that was idle for longer is tried before it is used: the server, or a firewall, may have ended it.
pub(super) const IDLE_UNTESTED: Duration = Duration::from_secs(1);

/// A connection on which a transaction may be open. Unless that [ended](Self::ended), it is closed when it is dropped,
/// as with a future that nobody waits for any more: the next one to get it would go on in somebody else's transaction.
pub(super) struct InTransaction<DB: Database> {
    connection: PoolConnection<DB>,
    ended: bool,
}

impl<DB: Database> InTransaction<DB> {
    /// The connection, before a transaction is begun on it.
    pub(super) fn on(connection: PoolConnection<DB>) -> Self {
        Self { connection, ended: false }
    }

    /// Says that no transaction is open any more.
    pub(super) fn ended(&mut self) {
        self.ended = true;
    }
}

impl<DB: Database> Deref for InTransaction<DB> {
    type Target = DB::Connection;

    fn deref(&self) -> &DB::Connection {
        &self.connection
    }
}

impl<DB: Database> DerefMut for InTransaction<DB> {
    fn deref_mut(&mut self) -> &mut DB::Connection {
        &mut self.connection
    }
}

impl<DB: Database> Drop for InTransaction<DB> {
    fn drop(&mut self) {
        if !self.ended {
            self.connection.close_on_drop();
        }
    }
}

/// Runs a transaction again while others are in its way ([`Kind::Conflict`]), a bounded number of times.
pub(super) async fn retry_conflicts<T, F: Future<Output = Result<T>>>(
    tries: u32,
    mut transaction: impl FnMut() -> F,
) -> Result<T> {
    for tried in 1..tries {
        match transaction().await {
            Err(error) if error.kind() == Kind::Conflict => {
                tracing::debug!(%error, tried, "trying the transaction again");
                let longest = FIRST_PAUSE * 2u32.saturating_pow(tried);
                let pause = longest.mul_f64(rand::rng().random_range(0.0..1.0));
                tokio::time::sleep(pause).await;
            }
            ended => return ended,
        }
    }
    transaction().await
}

/// The error of a server that did not answer.
pub(super) fn no_answer(doing: &str, waited: Duration) -> Error {
    Error::new(Place::Catalog, Kind::Unavailable, format!("{doing}: no answer for {} s", waited.as_secs()))
}

/// 64 bits that stand for an entity in this database. Two entities that share them wait for each other: harmless.
pub(super) fn lock_number(database: &str, entity: &EntityId) -> i64 {
    let digest = Sha256::digest(format!("cameo\n{database}\n{entity}"));
    i64::from_be_bytes(std::array::from_fn(|at| digest[at]))
}

/// The address of a server as a person may read it: without the password.
pub(super) fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let rest = rest.split('?').next().unwrap_or(rest);
    let Some((user, host)) = rest.rsplit_once('@') else { return format!("{scheme}://{rest}") };
    format!("{scheme}://{}@{host}", user.split(':').next().unwrap_or(user))
}

/// Refuses parameters that the driver would pass over: a misspelt one of TLS would leave the server unverified.
pub(super) fn check_parameters(opening: &str, url: &str, known: &[&str]) -> Result<()> {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    let names = query.split('&').filter(|pair| !pair.is_empty()).map(|pair| pair.split('=').next().unwrap_or(pair));
    match names.into_iter().find(|name| !known.contains(name)) {
        Some(unknown) => {
            let doing =
                format!("{opening}: no parameter of its address is {unknown:?}; known are {}", known.join(", "));
            Err(Error::new(Place::Catalog, Kind::Misconfigured, doing))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn misspelt_parameters_are_refused() {
        let check = |url| check_parameters("open it", url, &["ssl-mode", "ssl-ca"]);
        assert!(check("mysql://h/d").is_ok() && check("mysql://h/d?ssl-mode=REQUIRED&ssl-ca=x").is_ok());
        let error = check("mysql://u:secret@h/d?ssl-mod=REQUIRED").unwrap_err();
        assert_eq!(error.kind(), Kind::Misconfigured);
        let told = "failed to open it: no parameter of its address is \"ssl-mod\"; known are ssl-mode, ssl-ca";
        assert_eq!(error.to_string(), told);
    }

    #[test]
    fn addresses_are_told_without_the_password() {
        assert_eq!(without_password("mysql://app:p@ss:w@db:3306/celeb?ssl-mode=x"), "mysql://app@db:3306/celeb");
        assert_eq!(without_password("postgres://db/celeb"), "postgres://db/celeb");
    }

    #[tokio::test(start_paused = true)]
    async fn conflicts_are_tried_again_a_bounded_number_of_times() {
        let tried = std::cell::Cell::new(0);
        let result: Result<()> = retry_conflicts(3, || {
            tried.set(tried.get() + 1);
            async { Err(Error::new(Place::Catalog, Kind::Conflict, "register")) }
        })
        .await;
        assert_eq!((result.unwrap_err().kind(), tried.get()), (Kind::Conflict, 3));
    }
}
