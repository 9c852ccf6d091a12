//! Guesses of passwords are slowed down, more with each; whoever has the right one is let in from elsewhere, however many guess.
//!
//! ```text
//! by name and client   refused until a growing time is over: a guesser, or somebody who forgot
//! by client            refused likewise, unless they logged in from there before: a list of names tried one by one
//! by name              only answered later, never refused: many clients try one name
//! ```
//!
//! An attempt counts before its password is looked at, so that a thousand at once are not a thousand free ones, and is forgiven when it was
//! right or could not be looked at. What is refused does not count, so that nobody keeps a door shut by knocking. Every table is bounded.

use std::{
    collections::HashMap,
    hash::Hash,
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use sha2::{Digest, Sha256};
use tokio::{sync::Semaphore, time::Instant};

use crate::serve::http::client_of;

/// Wrong passwords for one name from one client that cost nothing.
const FREE_OF_BOTH: u32 = 5;
/// The longest time between two of them after that.
const WAIT_OF_BOTH_MAX: Duration = Duration::from_mins(15);
/// Wrong passwords from one client, for any names, that cost nothing.
const FREE_OF_CLIENT: u32 = 20;
const WAIT_OF_CLIENT_MAX: Duration = Duration::from_mins(1);
/// Wrong passwords for one name, from any clients, that are answered at once.
const FREE_OF_NAME: u32 = 20;
/// How late an attempt for such a name is answered, at most.
const PAUSE_MAX: Duration = Duration::from_secs(4);
/// Attempts that are answered late at a time; more are answered at once, so that waiting costs the guesser and not the server.
const PAUSED_MAX: usize = 16;
/// How long a wrong password is remembered.
const REMEMBERED: Duration = Duration::from_hours(1);
/// Entries of each table; the one that was touched longest ago goes.
const ENTRIES_MAX: usize = 10_000;

type Name = [u8; 32];

/// Who guessed lately.
#[derive(Debug)]
pub(in crate::serve) struct Throttle {
    tables: Mutex<Tables>,
    paused: Semaphore,
}

impl Default for Throttle {
    fn default() -> Self {
        Self { tables: Mutex::default(), paused: Semaphore::new(PAUSED_MAX) }
    }
}

#[derive(Debug, Default)]
struct Tables {
    both: Table<(Name, IpAddr)>,
    clients: Table<IpAddr>,
    names: Table<Name>,
    /// Who logged in, and from where.
    known: HashMap<(Name, IpAddr), Instant>,
}

#[derive(Debug)]
struct Table<K>(HashMap<K, Counted>);

impl<K> Default for Table<K> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

#[derive(Debug, Clone, Copy)]
struct Counted {
    failures: u32,
    at: Instant,
}

/// An attempt that has begun, and counts as wrong until it is forgiven.
#[derive(Debug)]
pub(in crate::serve) struct Attempt<'t> {
    throttle: &'t Throttle,
    name: Name,
    client: IpAddr,
}

impl Throttle {
    /// Begins an attempt; an error is how long to wait before the next one.
    pub(in crate::serve) async fn begin(&self, name: &str, client: IpAddr) -> Result<Attempt<'_>, Duration> {
        let attempt = Attempt { throttle: self, name: Sha256::digest(name).into(), client: client_of(client) };
        let pause = self.tables().count(attempt.name, attempt.client, Instant::now())?;
        if !pause.is_zero()
            && let Ok(_place) = self.paused.try_acquire()
        {
            tokio::time::sleep(pause).await;
        }
        Ok(attempt)
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Attempt<'_> {
    /// The password was right.
    pub(in crate::serve) fn was_right(self) {
        let (mut tables, now) = (self.throttle.tables(), Instant::now());
        tables.both.0.remove(&(self.name, self.client));
        tables.forgive(self.name, self.client);
        make_room(&mut tables.known, |at| *at);
        tables.known.insert((self.name, self.client), now);
    }

    /// It could not be looked at.
    pub(in crate::serve) fn was_not_looked_at(self) {
        let mut tables = self.throttle.tables();
        tables.both.take_back(&(self.name, self.client));
        tables.forgive(self.name, self.client);
    }
}

impl Tables {
    fn count(&mut self, name: Name, client: IpAddr, now: Instant) -> Result<Duration, Duration> {
        let is_known = self.known.contains_key(&(name, client));
        self.both.wait(&(name, client), now, FREE_OF_BOTH, WAIT_OF_BOTH_MAX)?;
        if !is_known {
            self.clients.wait(&client, now, FREE_OF_CLIENT, WAIT_OF_CLIENT_MAX)?;
        }
        let of_name = self.names.failures(&name, now);
        self.both.add((name, client), now);
        self.clients.add(client, now);
        self.names.add(name, now);
        let pause = grown(of_name, FREE_OF_NAME, Duration::from_millis(250), PAUSE_MAX);
        Ok(if is_known { Duration::ZERO } else { pause })
    }

    fn forgive(&mut self, name: Name, client: IpAddr) {
        self.clients.take_back(&client);
        self.names.take_back(&name);
    }
}

impl<K: Copy + Eq + Hash> Table<K> {
    fn failures(&self, key: &K, now: Instant) -> u32 {
        let counted = self.0.get(key).filter(|counted| now.duration_since(counted.at) < REMEMBERED);
        counted.map_or(0, |counted| counted.failures)
    }

    /// An error while the time since the last one is shorter than it must be.
    fn wait(&self, key: &K, now: Instant, free: u32, max: Duration) -> Result<(), Duration> {
        let Some(counted) = self.0.get(key) else { return Ok(()) };
        let until = grown(self.failures(key, now), free, Duration::from_secs(1), max);
        match until.checked_sub(now.duration_since(counted.at)) {
            Some(rest) if !rest.is_zero() => Err(rest),
            _ => Ok(()),
        }
    }

    fn add(&mut self, key: K, now: Instant) {
        let failures = self.failures(&key, now).saturating_add(1);
        if !self.0.contains_key(&key) {
            make_room(&mut self.0, |counted| counted.at);
        }
        self.0.insert(key, Counted { failures, at: now });
    }

    fn take_back(&mut self, key: &K) {
        if let Some(counted) = self.0.get_mut(key) {
            counted.failures = counted.failures.saturating_sub(1);
            if counted.failures == 0 {
                self.0.remove(key);
            }
        }
    }
}

/// Nothing for the free ones, then `first`, twice that, and so on up to `max`.
fn grown(failures: u32, free: u32, first: Duration, max: Duration) -> Duration {
    match failures.checked_sub(free) {
        None => Duration::ZERO,
        Some(over) => first.saturating_mul(2_u32.saturating_pow(over)).min(max),
    }
}

fn make_room<K: Copy + Eq + Hash, V>(table: &mut HashMap<K, V>, at: impl Fn(&V) -> Instant) {
    if table.len() >= ENTRIES_MAX
        && let Some(oldest) = table.iter().min_by_key(|(_, value)| at(value)).map(|(key, _)| *key)
    {
        table.remove(&oldest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
    const ELSEWHERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2));

    #[tokio::test(start_paused = true)]
    async fn who_guesses_waits_longer_each_time_and_others_do_not() {
        let throttle = Throttle::default();
        for _ in 0..FREE_OF_BOTH {
            throttle.begin("kim", HERE).await.unwrap();
        }
        let mut waits = Vec::new();
        for _ in 0..12 {
            let wait = throttle.begin("kim", HERE).await.unwrap_err();
            assert_eq!(throttle.begin("kim", HERE).await.unwrap_err(), wait, "what is refused does not count");
            waits.push(wait.as_secs());
            tokio::time::advance(wait).await;
            throttle.begin("kim", HERE).await.unwrap();
        }
        assert_eq!(waits[..4], [1, 2, 4, 8]);
        assert_eq!(*waits.last().unwrap(), WAIT_OF_BOTH_MAX.as_secs());
        throttle.begin("kim", ELSEWHERE).await.unwrap().was_right();
        throttle.begin("lee", HERE).await.unwrap().was_right();
        tokio::time::advance(REMEMBERED).await;
        throttle.begin("kim", HERE).await.unwrap().was_right();
        throttle.begin("kim", HERE).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_tries_many_names_waits_but_not_for_a_name_that_logged_in_there() {
        let throttle = Throttle::default();
        throttle.begin("kim", HERE).await.unwrap().was_right();
        for n in 0..FREE_OF_CLIENT {
            throttle.begin(&format!("name{n}"), HERE).await.unwrap();
        }
        assert!(throttle.begin("another", HERE).await.is_err());
        throttle.begin("kim", HERE).await.unwrap().was_right();
        throttle.begin("another", ELSEWHERE).await.unwrap().was_right();
    }

    #[tokio::test(start_paused = true)]
    async fn many_clients_that_guess_one_name_delay_it_and_never_shut_it() {
        let throttle = Throttle::default();
        throttle.begin("kim", HERE).await.unwrap().was_right();
        let begun = Instant::now();
        for n in 0..30 {
            throttle.begin("kim", IpAddr::from([198, 51, 100, n])).await.unwrap();
        }
        assert!(begun.elapsed() > PAUSE_MAX);
        let begun = Instant::now();
        throttle.begin("kim", ELSEWHERE).await.unwrap().was_right();
        assert_eq!(begun.elapsed(), PAUSE_MAX);
        throttle.begin("kim", HERE).await.unwrap().was_right();
        assert_eq!(begun.elapsed(), PAUSE_MAX, "who logged in from there does not wait");
    }

    #[tokio::test(start_paused = true)]
    async fn attempts_that_come_together_are_not_free_and_one_that_was_not_looked_at_is() {
        let throttle = Throttle::default();
        let together = futures::future::join_all((0..100).map(|_| throttle.begin("kim", HERE))).await;
        assert_eq!(together.iter().filter(|begun| begun.is_ok()).count(), FREE_OF_BOTH as usize);
        let throttle = Throttle::default();
        for _ in 0..100 {
            throttle.begin("kim", HERE).await.unwrap().was_not_looked_at();
        }
    }

    #[test]
    fn the_tables_are_bounded() {
        let (mut tables, now) = (Tables::default(), Instant::now());
        for n in 0..u32::try_from(ENTRIES_MAX).unwrap() + 10 {
            let name: Name = Sha256::digest(n.to_be_bytes()).into();
            let _ = tables.count(name, IpAddr::from(std::net::Ipv4Addr::from_bits(n)), now);
        }
        assert_eq!(
            (tables.both.0.len(), tables.names.0.len(), tables.clients.0.len()),
            (ENTRIES_MAX, ENTRIES_MAX, ENTRIES_MAX)
        );
    }
}
