//! Generations: which of two accepted changes of a key is the newer one.
//!
//! Every accepted PUT or DELETE of a key has one. It is opaque text that is ordered for the same key only: the shorter
//! of two is right-padded with zeros and they are compared as text (the rule Amazon S3 gives for `sequencer`). Embedded,
//! it is a counter in 16 hexadecimal digits, for which the same rule holds.

use std::{cmp::Ordering, fmt};

use serde::{Deserialize, Serialize};

/// The generation of one accepted change of a key.
#[derive(Debug, Clone, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Generation(String);

impl Generation {
    /// A generation as an event or an object's metadata gave it.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// A generation of the embedded store's counter.
    pub fn from_counter(counter: u64) -> Self {
        Self(format!("{counter:016x}"))
    }

    /// One that is older than that of any event.
    pub fn before_every_event() -> Self {
        Self::new("0")
    }

    /// The counter of the embedded store, where this is one of its generations.
    pub fn counter(&self) -> Option<u64> {
        if self.0.len() == 16 { u64::from_str_radix(&self.0, 16).ok() } else { None }
    }

    /// The text, as it is stored and sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Ord for Generation {
    fn cmp(&self, other: &Self) -> Ordering {
        let length = self.0.len().max(other.0.len());
        let padded = |text: &str| text.bytes().chain(std::iter::repeat(b'0')).take(length).collect::<Vec<_>>();
        padded(&self.0).cmp(&padded(&other.0))
    }
}

impl PartialOrd for Generation {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Generation {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shorter_is_right_padded_with_zeros() {
        let generation = |text: &str| Generation::new(text);
        assert_eq!(generation("0055"), generation("005500"));
        assert!(generation("0055AED6DCD90281E5") < generation("0055AED6DCD90281E6"));
        assert!(generation("0055AE") < generation("0055AE01"));
    }

    #[test]
    fn counters_keep_their_order() {
        assert!(Generation::from_counter(9) < Generation::from_counter(10));
        assert_eq!(Generation::from_counter(77).counter(), Some(77));
    }
}
