//! Memory that one call leaves to the next on the same thread.
//!
//! Planes and coefficients of a photo are megabytes. Given back to the system after each, they would come back page by page, and
//! each page costs as much as decoding hundreds of samples. Nothing of what was in them is ever looked at: whoever takes a buffer writes
//! all of it, or asks for zeros.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::thread::LocalKey;

/// Bytes of a kind of buffers that a thread keeps while no call is using them. Larger ones, and the oldest of many, go back to the system.
const MOST_KEPT: usize = 16 << 20;
/// Below this, memory from the system costs less than looking for a buffer.
const LEAST_KEPT: usize = 16 << 10;

/// What a thread keeps of a kind of buffers, the oldest first.
pub(crate) struct Kept<T>(VecDeque<Vec<T>>);

/// A kind of values that buffers are made of.
pub(crate) trait Scratch: Copy + Default + 'static {
    /// What this thread keeps.
    fn kept() -> &'static LocalKey<RefCell<Kept<Self>>>;
}

macro_rules! scratch {
    ($($kind:ty),*) => {$(
        impl Scratch for $kind {
            fn kept() -> &'static LocalKey<RefCell<Kept<Self>>> {
                thread_local!(static KEPT: RefCell<Kept<$kind>> = const { RefCell::new(Kept(VecDeque::new())) });
                &KEPT
            }
        }
    )*};
}

scratch!(u8, i16, u64);

impl<T: Scratch> Kept<T> {
    fn bytes(&self) -> usize {
        self.0.iter().map(bytes_of).sum()
    }

    /// The smallest that is long enough.
    fn take(&mut self, len: usize) -> Option<Vec<T>> {
        let long_enough = self.0.iter().enumerate().filter(|(_, buffer)| buffer.len() >= len);
        let (place, _) = long_enough.min_by_key(|(_, buffer)| buffer.len())?;
        self.0.remove(place)
    }

    /// Gives this many bytes back to the system, the oldest buffers first; tells how many are missing.
    fn give_back(&mut self, mut bytes: usize) -> usize {
        while bytes > 0
            && let Some(oldest) = self.0.pop_front()
        {
            bytes = bytes.saturating_sub(bytes_of(&oldest));
        }
        bytes
    }

    fn give(&mut self, buffer: Vec<T>) {
        let bytes = bytes_of(&buffer);
        if !(LEAST_KEPT..=MOST_KEPT).contains(&bytes) {
            return;
        }
        while self.bytes() + bytes > MOST_KEPT {
            self.0.pop_front();
        }
        self.0.push_back(buffer);
    }
}

/// Gives as much back to the system as is about to be taken from it: an original that needs much must not need more because of those
/// before it.
fn make_room<T: Scratch>(bytes: usize) {
    let missing = T::kept().try_with(|kept| kept.borrow_mut().give_back(bytes)).unwrap_or(0);
    let missing = u8::kept().try_with(|kept| kept.borrow_mut().give_back(missing)).unwrap_or(0);
    let missing = i16::kept().try_with(|kept| kept.borrow_mut().give_back(missing)).unwrap_or(0);
    let _ = u64::kept().try_with(|kept| kept.borrow_mut().give_back(missing));
}

fn bytes_of<T>(buffer: &Vec<T>) -> usize {
    buffer.capacity() * size_of::<T>()
}

/// Values in memory that goes to the next call when it is dropped.
pub(crate) struct Buffer<T: Scratch> {
    /// At least as long as asked for.
    values: Vec<T>,
    len: usize,
}

impl<T: Scratch> Buffer<T> {
    /// Values that are anything: they have to be written before they are read.
    pub(crate) fn unwritten(len: usize) -> Self {
        Self { values: Self::kept(len).unwrap_or_else(|| vec![T::default(); len]), len }
    }

    /// Zeros.
    pub(crate) fn zeroed(len: usize) -> Self {
        match Self::kept(len) {
            Some(mut values) => {
                values[..len].fill(T::default());
                Self { values, len }
            }
            None => Self { values: vec![T::default(); len], len },
        }
    }

    fn kept(len: usize) -> Option<Vec<T>> {
        if len * size_of::<T>() < LEAST_KEPT {
            return None;
        }
        let kept = T::kept().try_with(|kept| kept.borrow_mut().take(len)).ok().flatten();
        if kept.is_none() {
            make_room::<T>(len * size_of::<T>());
        }
        kept
    }

    /// Makes it longer; what is added is anything.
    pub(crate) fn grow(&mut self, len: usize) {
        if len <= self.values.len() {
            self.len = self.len.max(len);
            return;
        }
        let mut longer = Self::unwritten(len);
        longer[..self.len].copy_from_slice(self);
        *self = longer;
    }
}

impl<T: Scratch> Drop for Buffer<T> {
    fn drop(&mut self) {
        let values = std::mem::take(&mut self.values);
        // At the end of a thread there is no next call.
        let _ = T::kept().try_with(|kept| kept.borrow_mut().give(values));
    }
}

impl<T: Scratch> Deref for Buffer<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.values[..self.len]
    }
}

impl<T: Scratch> DerefMut for Buffer<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.values[..self.len]
    }
}

impl<T: Scratch> Clone for Buffer<T> {
    fn clone(&self) -> Self {
        Self::from(&self[..])
    }
}

impl<T: Scratch> From<&[T]> for Buffer<T> {
    fn from(values: &[T]) -> Self {
        let mut buffer = Self::unwritten(values.len());
        buffer.copy_from_slice(values);
        buffer
    }
}

impl<T: Scratch + PartialEq> PartialEq for Buffer<T> {
    fn eq(&self, other: &Self) -> bool {
        self[..] == other[..]
    }
}

impl<T: Scratch + fmt::Debug> fmt::Debug for Buffer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// Writes a byte over all that this thread keeps: what is made next must not depend on it.
pub(crate) fn overwrite(byte: u8) {
    u8::kept().with(|kept| kept.borrow_mut().0.iter_mut().for_each(|buffer| buffer.fill(byte)));
    let word = i16::from_ne_bytes([byte; 2]);
    i16::kept().with(|kept| kept.borrow_mut().0.iter_mut().for_each(|buffer| buffer.fill(word)));
    let long = u64::from_ne_bytes([byte; 8]);
    u64::kept().with(|kept| kept.borrow_mut().0.iter_mut().for_each(|buffer| buffer.fill(long)));
}

/// Bytes that this thread keeps.
pub(crate) fn kept_bytes() -> usize {
    let bytes = u8::kept().with(|kept| kept.borrow().bytes());
    bytes + i16::kept().with(|kept| kept.borrow().bytes()) + u64::kept().with(|kept| kept.borrow().bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_comes_back_and_zeros_are_zeros() {
        let mut first = Buffer::<i16>::unwritten(50_000);
        first.fill(7);
        let place = first.as_ptr();
        drop(first);
        let again = Buffer::<i16>::zeroed(40_000);
        assert_eq!((again.as_ptr(), again.len()), (place, 40_000));
        assert!(again.iter().all(|&value| value == 0));
    }

    #[test]
    fn no_more_is_kept_than_the_limit() {
        for len in [MOST_KEPT / 3, MOST_KEPT / 2, MOST_KEPT, MOST_KEPT + 1] {
            let both = [Buffer::<u8>::unwritten(len), Buffer::<u8>::unwritten(len)];
            drop(both);
            let kept = u8::kept().with(|kept| kept.borrow().bytes());
            assert!(kept <= MOST_KEPT, "{len}: {kept}");
        }
    }

    #[test]
    fn what_is_taken_from_the_system_is_given_back_before() {
        drop((Buffer::<u8>::unwritten(3 << 20), Buffer::<i16>::unwritten(3 << 20)));
        assert_eq!(kept_bytes(), 9 << 20);
        let large = Buffer::<u64>::unwritten(1 << 20);
        assert!(kept_bytes() <= 1 << 20, "{} bytes are kept beside {}", kept_bytes(), large.len() * 8);
    }

    #[test]
    fn what_grows_keeps_what_was_in_it() {
        let mut buffer = Buffer::<u8>::unwritten(20_000);
        buffer.fill(9);
        buffer.grow(90_000);
        assert_eq!((buffer.len(), buffer[19_999]), (90_000, 9));
    }
}
