//! The counter that gives every accepted change its generation, and which of them are under way.
//!
//! Below the oldest one under way every file of `objects/` is known to the index, so a start need not look there. Above the mark that was
//! reserved in the database none was ever given out, so a file from there is of another database's time.

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
    /// Of those under way, the ones whose commit ended without an answer.
    in_doubt: BTreeSet<u64>,
    /// The mark in the database.
    reserved: u64,
}

/// A generation under way; no longer when this is dropped.
#[derive(Debug)]
pub(super) struct InFlight {
    number: u64,
    generations: Generations,
}

impl Generations {
    /// Starts above every generation ever given; as far as the database has reserved them, which is at least there.
    pub(super) fn starting_after(highest: u64, reserved: u64) -> Self {
        let counter = Counter { next: highest + 1, in_flight: BTreeSet::new(), in_doubt: BTreeSet::new(), reserved };
        Self(Arc::new(Mutex::new(counter)))
    }

    /// Goes on above this, where it has not come so far.
    pub(super) fn raise(&self, highest: u64) {
        let mut counter = self.lock();
        counter.next = counter.next.max(highest.saturating_add(1));
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

    /// The mark in the database: nothing above it may be used.
    pub(super) fn reserved(&self) -> u64 {
        self.lock().reserved
    }

    /// The mark in the database is at least this, durably.
    pub(super) fn set_reserved(&self, mark: u64) {
        let mut counter = self.lock();
        counter.reserved = counter.reserved.max(mark);
    }

    /// Those whose commit ended without an answer; at most `max`.
    pub(super) fn in_doubt(&self, max: usize) -> Vec<u64> {
        self.lock().in_doubt.iter().copied().take(max).collect()
    }

    /// What became of one in doubt is known.
    pub(super) fn settle(&self, number: u64) {
        let mut counter = self.lock();
        counter.in_doubt.remove(&number);
        counter.in_flight.remove(&number);
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

    /// Counts as under way until it is settled.
    pub(super) fn doubt(self) {
        self.generations.lock().in_doubt.insert(self.number);
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let mut counter = self.generations.lock();
        if !counter.in_doubt.contains(&self.number) {
            counter.in_flight.remove(&self.number);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_under_way_holds_the_mark() {
        let generations = Generations::starting_after(6, 100);
        let (seven, eight) = (generations.next(), generations.next());
        assert_eq!((seven.number(), eight.number()), (7, 8));
        drop(eight);
        assert_eq!(generations.oldest_in_flight(), 7);
        drop(seven);
        assert_eq!(generations.oldest_in_flight(), 9);
        let nine = generations.next();
        nine.doubt();
        assert_eq!((generations.oldest_in_flight(), generations.in_doubt(10)), (9, vec![9]));
        generations.settle(9);
        assert_eq!((generations.oldest_in_flight(), generations.in_doubt(10)), (10, vec![]));
        generations.raise(5);
        generations.raise(20);
        assert_eq!(generations.next().number(), 21);
    }
}
