//! What the two SQL servers have in common: connections, retries, locks' names, and addresses without passwords.

use std::{
    future::Future,
    ops::{Deref, DerefMut},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use rand::Rng;
use sha2::{Digest, Sha256};
use sqlx::{Database, pool::PoolConnection};

use super::{table::Table, table_check::Mismatch};
use crate::model::{
    error::{Error, Kind, Place, Result, Subject},
    key::EntityId,
};

mod accounts;
mod counts;
pub(super) mod dialect;
mod history;
mod people;
pub(super) mod reads;
mod webhooks;

/// Pause before a transaction is tried again: doubles from this, and is drawn at random up to there.
const FIRST_PAUSE: Duration = Duration::from_millis(10);

/// A connection that was idle for longer is tried before it is used: the server, or a firewall, may have ended it.
pub(super) const IDLE_UNTESTED: Duration = Duration::from_secs(1);

/// Since when connections are trusted. One that was opened before a server refused to write, or went away, may still be to
/// the server that was in charge before, or in a session that was begun for reading only.
#[derive(Debug, Clone, Default)]
pub(super) struct Trust(Arc<Mutex<Option<Instant>>>);

impl Trust {
    /// No connection of now is used again.
    fn lose(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// Whether a connection of this age may be used.
    pub(super) fn includes(&self, age: Duration) -> bool {
        let since = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        since.is_none_or(|since| since.elapsed() > age)
    }
}

/// A connection in use. It goes back to the pool when [`settle`](Self::settle) knows what state it is in, and is closed
/// else: also with a future that nobody waits for any more, since the next one to get it would go on in somebody else's
/// transaction.
pub(super) struct Used<DB: Database> {
    connection: PoolConnection<DB>,
    trust: Trust,
    kept: bool,
}

impl<DB: Database> Used<DB> {
    /// The connection, before anything is asked on it.
    pub(super) fn new(connection: PoolConnection<DB>, trust: &Trust) -> Self {
        Self { connection, trust: trust.clone(), kept: false }
    }

    /// Keeps the connection, or closes it, with all that were opened before, as the result says. No transaction is open.
    pub(super) fn settle<T>(mut self, result: Result<T>) -> Result<T> {
        self.kept = is_sound(&result);
        if let Err(error) = &result
            && error.subject() == Subject::Outage
        {
            self.trust.lose();
        }
        result
    }

    /// The connection for whoever keeps it until they drop it.
    pub(super) fn into_kept(mut self) -> Self {
        self.kept = true;
        self
    }
}

impl<DB: Database> Deref for Used<DB> {
    type Target = DB::Connection;

    fn deref(&self) -> &DB::Connection {
        &self.connection
    }
}

impl<DB: Database> DerefMut for Used<DB> {
    fn deref_mut(&mut self) -> &mut DB::Connection {
        &mut self.connection
    }
}

impl<DB: Database> Drop for Used<DB> {
    fn drop(&mut self) {
        if !self.kept {
            self.connection.close_on_drop();
        }
    }
}

/// Whether a server that answered so is the one it was, in the state that it was in: it found fault with a row or a value.
/// After everything else the connection is closed.
pub(super) fn is_sound<T>(result: &Result<T>) -> bool {
    let of_the_row =
        |error: &Error| matches!(error.kind(), Kind::Conflict | Kind::Malformed | Kind::Refused | Kind::Corrupt);
    result.as_ref().err().is_none_or(of_the_row)
}

/// The error of a table that does not fit: the first reason, with what mends it, and how many more there are.
pub(super) fn refuse(mismatches: &[Mismatch], table: &Table, opening: &str) -> Result<()> {
    let Some(first) = mismatches.first() else { return Ok(()) };
    let mend = first.ddl.as_ref().map(|ddl| format!("; fix: {}", one_line(ddl))).unwrap_or_default();
    let more = match mismatches.len() - 1 {
        0 => String::new(),
        more => format!(" (and {more} more: `cameo doctor` lists them)"),
    };
    let doing = format!("{opening}: the table {} does not fit: {}{mend}{more}", table.name(), first.what);
    Err(Error::new(Place::Catalog, Kind::Misconfigured, doing))
}

fn one_line(ddl: &str) -> String {
    ddl.split_whitespace().collect::<Vec<_>>().join(" ")
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
                format!("{opening}: unsupported parameter {unknown:?} in its address; supported: {}", known.join(", "));
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
        let told = "failed to open it: unsupported parameter \"ssl-mod\" in its address; supported: ssl-mode, ssl-ca";
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
