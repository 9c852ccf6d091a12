//! The open connections of one listener: who gets a place, whose place is taken for it, and what each is doing.
//!
//! A place is held for good only by a request that goes on. When all places are taken, the next connection gets that of one that asks
//! for nothing: first of those that never asked, then of those that have asked before, the longest idle first. Where none is idle, a client
//! that does not keep the minimum rate loses its place, then the slowest of all; and where all go on well, the next one waits, and those
//! behind it in the listen queue.

use std::{
    cmp::Reverse,
    collections::HashMap,
    io,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Waker,
    time::Duration,
};

use tokio::{sync::Notify, time::Instant};
use tokio_util::sync::CancellationToken;

use super::{
    clients::client_of,
    pace::{Pace, Rate},
    sometimes::Sometimes,
};
use crate::admission::ConnectionLimits;

/// How long a connection that never asked for anything is taken for one that is about to.
const FRESH: Duration = Duration::from_secs(1);
/// How long a connection is left alone from its first moment: the rest of its request may be under way. The kernel hands it over with
/// its first bytes (`server/listeners.rs`), so that this is about those of a head in several pieces.
const ARRIVING: Duration = Duration::from_millis(25);
/// How far a client must be behind to lose its place to another one.
const FAR_BEHIND: Duration = Duration::from_secs(2);
/// How slow a client must be to lose its place where all places are taken by requests under way: time for 1 KiB, which is 32 KiB/s.
const SLOW_KIB: Duration = Duration::from_millis(31);
/// For how long it must have been waited for in all.
const SLOW_AFTER: Duration = Duration::from_secs(10);
/// How often it is looked again whose place could be taken.
const LOOK_AGAIN: Duration = Duration::from_millis(25);
/// What clients are held to when the listener ends: with [`BEGINNING_AT_THE_END`], less than a second is lost to one that stands still.
const RATE_AT_THE_END: Rate = Rate { behind_max: Duration::from_millis(700), min_bytes_per_s: 16 * 1024 };
/// How long a request may still begin when the listener ends: it may be under way to us.
const BEGINNING_AT_THE_END: Duration = Duration::from_millis(100);

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The connections of a listener.
pub(super) struct Connections(Arc<Shared>);

struct Shared {
    listener: &'static str,
    limits: Arc<ConnectionLimits>,
    table: Mutex<Table>,
    /// A place became free, or a connection idle.
    changed: Notify,
    full: Sometimes,
    too_many: Sometimes,
    failed: Sometimes,
}

#[derive(Default)]
struct Table {
    next: u64,
    open: HashMap<u64, Arc<Connection>>,
    clients: HashMap<IpAddr, usize>,
}

/// How it ended to ask for a place.
pub(super) enum Admitted {
    Place(Place),
    /// The client has as many connections as it may have, and none of them is idle.
    TooMany,
}

/// A place among the connections, until it is dropped.
pub(super) struct Place {
    shared: Arc<Shared>,
    number: u64,
    connection: Arc<Connection>,
}

impl Place {
    pub(super) fn connection(&self) -> &Arc<Connection> {
        &self.connection
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut table = lock(&self.shared.table);
        table.open.remove(&self.number);
        let client = self.connection.client;
        if let Some(count) = table.clients.get_mut(&client) {
            *count -= 1;
            if *count == 0 {
                table.clients.remove(&client);
            }
        }
        drop(table);
        self.shared.changed.notify_one();
    }
}

/// Open connections of one client that is not trusted: never so many that no other finds a place.
fn connections_of_a_client(limits: &ConnectionLimits) -> usize {
    limits.connections_per_client.min(limits.connections_max / 2).max(1)
}

impl Connections {
    pub(super) fn new(listener: &'static str, limits: ConnectionLimits) -> Self {
        Self(Arc::new(Shared {
            listener,
            limits: Arc::new(limits),
            table: Mutex::default(),
            changed: Notify::new(),
            full: Sometimes::default(),
            too_many: Sometimes::default(),
            failed: Sometimes::default(),
        }))
    }

    pub(super) fn limits(&self) -> &Arc<ConnectionLimits> {
        &self.0.limits
    }

    /// A place for a connection from `address`, as soon as there is one.
    pub(super) async fn admit(&self, address: SocketAddr) -> Admitted {
        loop {
            match self.try_admit(address, Instant::now()) {
                Some(admitted) => return admitted,
                // Somebody may fall behind without anything happening.
                None => drop(tokio::time::timeout(LOOK_AGAIN, self.0.changed.notified()).await),
            }
        }
    }

    pub(super) fn try_admit(&self, address: SocketAddr, now: Instant) -> Option<Admitted> {
        let (shared, limits, client) = (&self.0, &self.0.limits, client_of(address.ip()));
        let mut table = lock(&shared.table);
        let is_trusted =
            client.is_loopback() || limits.trusted_clients.iter().any(|network| network.contains(address.ip()));
        let of_client = table.clients.get(&client).copied().unwrap_or(0);
        if !is_trusted && of_client >= connections_of_a_client(limits) {
            let mine = table.open.values().filter(|connection| connection.client == client);
            if !evict_one(mine, now) {
                drop(table);
                self.refused(client);
                return Some(Admitted::TooMany);
            }
        } else if table.open.len() < limits.connections_max {
            let number = table.next;
            table.next += 1;
            *table.clients.entry(client).or_default() += 1;
            let connection = Arc::new(Connection::new(client, limits, now));
            table.open.insert(number, connection.clone());
            return Some(Admitted::Place(Place { shared: shared.clone(), number, connection }));
        } else {
            let evicted = evict_one(table.open.values(), now);
            drop(table);
            self.is_full(evicted);
        }
        None
    }

    fn refused(&self, client: IpAddr) {
        if let Some(times) = self.0.too_many.happened() {
            tracing::warn!(
                listener = self.0.listener, %client, times, connections_max = connections_of_a_client(&self.0.limits),
                "a client has too many connections, and more are refused; if it is a proxy, name it in server.trusted_clients"
            );
        }
    }

    fn is_full(&self, evicted: bool) {
        if let Some(times) = self.0.full.happened() {
            let (listener, connections_max) = (self.0.listener, self.0.limits.connections_max);
            let instead = if evicted { "an idle or stalled one was closed for a new one" } else { "new ones wait" };
            tracing::warn!(listener, connections_max, times, "all connections of a listener are taken: {instead}");
        }
    }

    /// Accepting failed.
    pub(super) fn accept_failed(&self, error: &io::Error) {
        if let Some(times) = self.0.failed.happened() {
            tracing::warn!(listener = self.0.listener, %error, times, "a connection could not be accepted");
        }
        // More often than not for want of descriptors: one that nobody uses is worth more elsewhere.
        evict_one(lock(&self.0.table).open.values(), Instant::now());
    }
}

/// Takes the place of the connection that is missed least; whether there is one, or one is about to be free already.
fn evict_one<'c>(connections: impl Iterator<Item = &'c Arc<Connection>>, now: Instant) -> bool {
    let mut least: Option<(Dispensable, &Arc<Connection>)> = None;
    for connection in connections {
        if connection.is_evicted() {
            return true;
        }
        let Some(dispensable) = connection.state().dispensable(now) else { continue };
        if least.as_ref().is_none_or(|(other, _)| dispensable < *other) {
            least = Some((dispensable, connection));
        }
    }
    least.is_some_and(|(_, connection)| connection.evict(now))
}

/// Connections by how easily they are done without, the most dispensable first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Class {
    NeverAsked,
    HasAsked,
    /// Accepted a moment ago, so that its request is probably on its way.
    Fresh,
    /// It has a request under way, and its client does not keep the minimum rate.
    Behind,
    /// Its client keeps the minimum rate, and is slow nevertheless: only where all places are taken by such.
    Slow,
}

/// A class, and for how long, or how badly, it has been so: the worst first.
type Dispensable = (Class, Reverse<Duration>);

/// What the watch over a connection decides.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    GoOn,
    End(&'static str),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// No request has arrived as a whole head: none, half of one, or the next one on a connection that is kept.
    Idle { since: Instant },
    /// A request is being answered.
    Answering,
    /// All of the answer was handed to hyper, and not all of it to the kernel.
    Leaving,
}

/// One connection.
#[derive(Debug)]
pub(super) struct Connection {
    client: IpAddr,
    evicted: CancellationToken,
    state: Mutex<ConnectionState>,
}

#[derive(Debug)]
struct ConnectionState {
    phase: Phase,
    has_asked: bool,
    /// Whether the last look found nothing to read. A connection that nobody has looked at yet may hold a request.
    has_nothing_to_read: bool,
    receiving: Pace,
    sending: Pace,
    /// The task that waits for more of a body.
    receiver: Option<Waker>,
    has_given_up_receiving: bool,
    /// When its first request must be here, where something other than hyper must see to it.
    must_ask_by: Option<Instant>,
    ending_since: Option<Instant>,
}

/// A request that is being answered, until it is dropped.
#[derive(Debug)]
pub(super) struct RequestUnderWay(Arc<Connection>);

impl Drop for RequestUnderWay {
    fn drop(&mut self) {
        self.0.state().phase = Phase::Leaving;
    }
}

impl Connection {
    fn new(client: IpAddr, limits: &ConnectionLimits, now: Instant) -> Self {
        let rate = Rate { behind_max: limits.idle_timeout, min_bytes_per_s: limits.min_bytes_per_s };
        let state = ConnectionState {
            phase: Phase::Idle { since: now },
            has_asked: false,
            has_nothing_to_read: false,
            receiving: Pace::new(rate),
            sending: Pace::new(rate),
            receiver: None,
            has_given_up_receiving: false,
            must_ask_by: None,
            ending_since: None,
        };
        Self { client, evicted: CancellationToken::new(), state: Mutex::new(state) }
    }

    fn state(&self) -> MutexGuard<'_, ConnectionState> {
        lock(&self.state)
    }

    /// Completes when its place was given to another.
    pub(super) async fn evicted(&self) {
        self.evicted.cancelled().await;
    }

    pub(super) fn is_evicted(&self) -> bool {
        self.evicted.is_cancelled()
    }

    /// A request begins. An error where the connection's place was just given away: then nothing of the request has happened.
    pub(super) fn begin(self: &Arc<Self>) -> io::Result<RequestUnderWay> {
        let mut state = self.state();
        if self.is_evicted() {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        state.phase = Phase::Answering;
        state.has_asked = true;
        state.has_given_up_receiving = false;
        state.receiving.restart();
        state.sending.restart();
        drop(state);
        Ok(RequestUnderWay(self.clone()))
    }

    /// Its first request must be here by then, whatever comes before it.
    pub(super) fn must_ask_by(&self, at: Instant) {
        self.state().must_ask_by = Some(at);
    }

    pub(super) fn waits_to_receive(&self, waker: &Waker, now: Instant) {
        let mut state = self.state();
        state.receiving.waits(now);
        state.receiver = Some(waker.clone());
    }

    pub(super) fn received(&self, bytes: usize, now: Instant) {
        self.state().receiving.moved(bytes, now);
    }

    pub(super) fn stops_receiving(&self, now: Instant) {
        let mut state = self.state();
        state.receiving.stop(now);
        state.receiver = None;
    }

    pub(super) fn has_given_up_receiving(&self) -> bool {
        self.state().has_given_up_receiving
    }

    /// A look at the socket found bytes, or none.
    pub(super) fn looked(&self, found_bytes: bool) {
        self.state().has_nothing_to_read = !found_bytes;
    }

    pub(super) fn waits_to_send(&self, now: Instant) {
        self.state().sending.waits(now);
    }

    pub(super) fn sent(&self, bytes: usize, now: Instant) {
        self.state().sending.moved(bytes, now);
    }

    /// Everything that hyper held has left.
    pub(super) fn flushed(&self, now: Instant) {
        let mut state = self.state();
        if state.phase == Phase::Leaving {
            state.phase = Phase::Idle { since: now };
        }
    }

    /// Whether an answer is unfinished.
    pub(super) fn is_sending(&self) -> bool {
        !matches!(self.state().phase, Phase::Idle { .. })
    }

    /// The listener ends: from here on nobody is waited for who does not keep up.
    pub(super) fn begin_to_end(&self, now: Instant) {
        let mut state = self.state();
        state.ending_since = Some(now);
        state.receiving.hold_to(RATE_AT_THE_END, now);
        state.sending.hold_to(RATE_AT_THE_END, now);
    }

    /// Whether it may go on. A body that arrives too slowly is given up here, so that its client can be answered.
    pub(super) fn judge(&self, now: Instant) -> Verdict {
        let mut state = self.state();
        if state.sending.is_too_slow(now) {
            return Verdict::End("its client takes the answer too slowly");
        }
        if !state.has_asked && state.must_ask_by.is_some_and(|at| now >= at) {
            return Verdict::End("no request came in time");
        }
        match (state.ending_since, state.phase) {
            (Some(since), Phase::Idle { .. }) if now - since >= BEGINNING_AT_THE_END => {
                return Verdict::End("the listener ends, and no request is under way");
            }
            (Some(_), _) if state.receiving.is_too_slow(now) => {
                return Verdict::End("the listener ends, and its client sends nothing");
            }
            _ => {}
        }
        if state.receiving.is_too_slow(now) && !state.has_given_up_receiving {
            state.has_given_up_receiving = true;
            if let Some(receiver) = state.receiver.take() {
                receiver.wake();
            }
        }
        Verdict::GoOn
    }

    /// Gives its place to another, unless a request began since it was looked at.
    fn evict(&self, now: Instant) -> bool {
        // Under the lock under which `begin` looks: no request begins on a connection that is given up.
        let state = self.state();
        let is_dispensable = state.dispensable(now).is_some();
        if is_dispensable {
            self.evicted.cancel();
        }
        is_dispensable
    }
}

impl ConnectionState {
    /// How easily it is done without, the lowest first, and for how long that has been so; `None` while it goes on well.
    fn dispensable(&self, now: Instant) -> Option<Dispensable> {
        if let Phase::Idle { since } = self.phase {
            let idle = now.saturating_duration_since(since);
            let class = match (self.has_asked, idle) {
                (true, _) => Class::HasAsked,
                (false, idle) if idle >= FRESH => Class::NeverAsked,
                (false, _) => Class::Fresh,
            };
            let is_left_alone = !self.has_nothing_to_read || (class == Class::Fresh && idle < ARRIVING);
            return (!is_left_alone).then_some((class, Reverse(idle)));
        }
        let paces = [&self.receiving, &self.sending];
        let behind =
            paces.iter().filter_map(|pace| pace.falls_behind(now)).max().filter(|behind| *behind >= FAR_BEHIND);
        if let Some(behind) = behind {
            return Some((Class::Behind, Reverse(behind)));
        }
        let a_kib_takes = paces.iter().filter_map(|pace| pace.a_kib_takes(now, SLOW_AFTER)).max();
        a_kib_takes.filter(|took| *took >= SLOW_KIB).map(|took| (Class::Slow, Reverse(took)))
    }
}
