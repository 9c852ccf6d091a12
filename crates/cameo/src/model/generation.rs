//! Generations: which of two accepted changes of a key is the newer one.
//!
//! Every accepted PUT or DELETE of a key has one. It is opaque text that is ordered for the same key only: the shorter
//! of two is right-padded with zeros and they are compared as text (the rule Amazon S3 gives for `sequencer`). Embedded,
//! it is a counter in 16 hexadecimal digits, for which the same rule holds.
//!
//! Where generations went back (another store, an older data folder, a clock that was set) a change that is the truth is
//! *lifted*: it gets the next generation above the one in its way, below every later real one.

use std::{cmp::Ordering, fmt};

use serde::{Deserialize, Serialize};

/// Stands between a generation and the count of how often it was lifted: above nothing at all, and below every later
/// generation of the same store, which differs in a digit before it.
const LIFTED: &str = "00~";
/// Digits of that count. They are increased, so that lifting again and again does not make the text longer.
const LIFTED_DIGITS: usize = 8;
/// Digits of the embedded store's counter.
const COUNTER_DIGITS: usize = 16;
/// Counters are stored as signed 64-bit integers; far below their end, since a counter that has come there can never go on.
const COUNTER_MAX: u64 = 1 << 62;

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
        if self.0.len() == COUNTER_DIGITS { u64::from_str_radix(&self.0, 16).ok() } else { None }
    }

    /// The next generation above this one that no store gives: every later real one still passes it.
    #[must_use]
    pub fn lifted(&self) -> Self {
        let (base, count) = match self.0.rsplit_once(LIFTED) {
            Some((base, count)) if count.len() == LIFTED_DIGITS => (base, u32::from_str_radix(count, 16).ok()),
            _ => (self.0.as_str(), Some(0)),
        };
        match count.and_then(|count| count.checked_add(1)) {
            Some(count) => Self(format!("{base}{LIFTED}{count:0LIFTED_DIGITS$x}")),
            None => Self(format!("{}{LIFTED}{:0LIFTED_DIGITS$x}", self.0, 1)),
        }
    }

    /// The text, as it is stored and sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The lowest counter of an embedded store whose generations are all above this one; none where it would not fit into
/// the counter, as for a generation that begins with letters beyond `f`.
pub fn counter_above(generation: &Generation) -> Option<u64> {
    let digits: String = generation.0.chars().take(COUNTER_DIGITS).take_while(char::is_ascii_hexdigit).collect();
    if digits.is_empty() {
        return (Generation::from_counter(1) > *generation).then_some(1);
    }
    // At most 16 digits, so it fits; the shift is below 64 since there is at least one.
    let unit = 1_u64.checked_shl(4 * u32::try_from(COUNTER_DIGITS - digits.len()).ok()?)?;
    let begin = u64::from_str_radix(&digits, 16).ok()?.checked_mul(unit)?;
    let candidates = [begin.checked_add(1), begin.checked_add(unit)];
    let above = |counter: &u64| *counter <= COUNTER_MAX && Generation::from_counter(*counter) > *generation;
    candidates.into_iter().flatten().find(above)
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
    fn a_lifted_generation_is_just_above_and_never_grows() {
        for text in ["0000000000000005", "0055AED6DCD90281E5", "2026-11-22T00:00:01Zabc", "0"] {
            let base = Generation::new(text);
            let mut lifted = base.lifted();
            assert!(lifted > base, "{text}");
            let length = lifted.as_str().len();
            for _ in 0..1000 {
                let next = lifted.lifted();
                assert!(next > lifted && next.as_str().len() == length, "{next}");
                lifted = next;
            }
        }
        let lifted = Generation::from_counter(5).lifted();
        assert!(lifted.lifted() < Generation::from_counter(6));
        assert!(Generation::new("0055AED6DCD90281E5").lifted() < Generation::new("0055AED6DCD90281E6"));
        // What older versions made of a generation is one like any other.
        assert!(Generation::new("000000000000000501").lifted() > Generation::new("000000000000000501"));
        let last = Generation::new("0500~ffffffff");
        assert!(last.lifted() > last);
    }

    #[test]
    fn a_counter_begins_above_any_generation_that_it_can_pass() {
        let above = |text: &str| counter_above(&Generation::new(text));
        assert_eq!(above("0000000000000005"), Some(6));
        assert_eq!(above(Generation::from_counter(5).lifted().as_str()), Some(6));
        assert_eq!(above("0055aed6dcd90281e5"), Some(0x0055_aed6_dcd9_0282));
        assert_eq!(above("0"), Some(1));
        for text in ["0055AED6DCD90281E5", "0055AE", "2026-11-22T00:00:01Zabc", "00", "000000000000000fz", "05zz"] {
            let counter = above(text).expect(text);
            assert!(Generation::from_counter(counter) > Generation::new(text), "{text}: {counter:x}");
        }
        assert_eq!(above("zz"), None);
        assert_eq!(above("ffffffffffffffff"), None);
    }

    #[test]
    fn counters_keep_their_order() {
        assert!(Generation::from_counter(9) < Generation::from_counter(10));
        assert_eq!(Generation::from_counter(77).counter(), Some(77));
    }
}
