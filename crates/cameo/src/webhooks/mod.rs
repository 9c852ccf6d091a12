//! Webhooks: what happens is sent to whoever wants to hear of it, after the convention of Standard Webhooks (standardwebhooks.com).
//!
//! The history is the source, so nothing that was registered goes unsent whatever process ends when: for each endpoint a [`Dispatcher`] reads on
//! from the position that it reached, makes [messages](message) of what it reads, and what only shows later (whether an entity is complete, whether
//! a delivery came to its end) is watched and judged again until it is settled. A [`Courier`] sends one message once: signed, to an
//! [address] that was checked when it was connected to. What comes after an attempt is a pure function ([`schedule`]).
//!
//! A message is sent at least once. Its id comes from what it is about, so whoever gets it twice can tell.

use std::time::Duration;

pub mod act;
pub mod address;
mod courier;
mod dispatch;
mod judge;
pub mod message;
pub mod schedule;
mod sending;
pub mod signature;

pub use courier::Courier;
pub use dispatch::{Dispatcher, Looked, Sources};

use crate::model::webhook::RETRY;
use address::Reach;

/// How webhooks are sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Which addresses may be connected to.
    pub reach: Reach,
    /// How long one attempt may take, from looking up the name to the head of the answer.
    pub timeout: Duration,
    /// How long to wait before each further attempt.
    pub retry: Vec<Duration>,
    /// How long a message is tried, and how long an endpoint may fail until it is disabled.
    pub give_up: Duration,
    /// How often it is looked for something to send.
    pub poll: Duration,
    /// How long nothing more must happen to an entity or a delivery before it is judged.
    pub settle: Duration,
    /// How long nothing must happen to a delivery until files that never arrived count as failed.
    pub delivery_quiet: Duration,
    /// How long messages that ended, and attempts, are kept.
    pub keep: Duration,
    /// Messages of an endpoint that are pending, at most: beyond, the history is not read on for it.
    pub pending_max: usize,
    /// How long a process that sends has the lease without prolonging it.
    pub lease: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            reach: Reach::default(),
            timeout: Duration::from_secs(15),
            retry: RETRY.to_vec(),
            give_up: Duration::from_hours(72),
            poll: Duration::from_secs(1),
            settle: Duration::from_secs(5),
            delivery_quiet: Duration::from_mins(15),
            keep: Duration::from_hours(7 * 24),
            pending_max: 10_000,
            lease: Duration::from_secs(30),
        }
    }
}
