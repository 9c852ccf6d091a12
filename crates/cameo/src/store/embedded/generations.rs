//! The counter that gives every accepted change its generation, and which of them are under way.
//!
//! Below the oldest one under way every file of `objects/` is known to the index, so a start need not look there.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// The counter. Clones share it.
#[derive(Debug, Clone)]
pub(super) struct Generations(Arc<Mutex<Counter>>);

#[derive(Debug)]
struct Counter {
    next: u64,
    in_flight: BTreeSet<u64>,
}

/// A generation under way; no longer when this is dropped.
#[derive(Debug)]
pub(super) struct InFlight {
    number: u64,
    generations: Generations,
}

impl Generations {
    /// Starts above every generation ever given.
    pub(super) fn starting_after(highest: u64) -> Self {
        Self(Arc::new(Mutex::new(Counter { next: highest + 1, in_flight: BTreeSet::new() })))
    }

    fn lock(&self) -> MutexGuard<'_, Counter> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next generation.
    pub(super) fn next(&self) -> InFlight {
        let mut counter = self.lock();
        let number = counter.next;
        counter.next += 1;
        counter.in_flight.insert(number);
        InFlight { number, generations: self.clone() }
    }

    /// The first generation that is under way or still to be given.
    pub(super) fn oldest_in_flight(&self) -> u64 {
        let counter = self.lock();
        counter.in_flight.first().copied().unwrap_or(counter.next)
    }
}

impl InFlight {
    /// The generation as a number.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// Counts as under way until the process ends.
    pub(super) fn doubt(self) {
        std::mem::forget(self);
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.generations.lock().in_flight.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_under_way_holds_the_mark() {
        let generations = Generations::starting_after(6);
        let (seven, eight) = (generations.next(), generations.next());
        assert_eq!((seven.number(), eight.number()), (7, 8));
        drop(eight);
        assert_eq!(generations.oldest_in_flight(), 7);
        drop(seven);
        assert_eq!(generations.oldest_in_flight(), 9);
    }
}
