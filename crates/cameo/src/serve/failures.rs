//! Wrong signatures and tokens by address: whoever tries secrets is slowed down, whoever has the right one never notices.
//!
//! A signature is verified before anybody is asked to wait, so an honest client behind the address of a guesser (one NAT, one
//! proxy) is served as ever: only answers that are refusals anyway come late, as 503. The table and the waiting places are bounded.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::{sync::Semaphore, time::Instant};

use crate::serve::http::client_of;

/// Wrong signatures of an address within [`WINDOW`] that are answered at once: a tool with an old secret tries a few times.
const FREE: u32 = 50;
const WINDOW: Duration = Duration::from_mins(1);
/// How late each further one is answered.
const PAUSE: Duration = Duration::from_secs(1);
/// Answers that wait at a time; more are answered at once, so that waiting costs the guesser and not the server.
const WAITING_MAX: usize = 64;
/// Addresses that are kept.
const ADDRESSES_MAX: usize = 10_000;

/// Who has signed wrongly lately.
#[derive(Debug)]
pub(super) struct Failures {
    addresses: Mutex<HashMap<IpAddr, Counted>>,
    waiting: Semaphore,
}

#[derive(Debug, Clone, Copy)]
struct Counted {
    failures: u32,
    since: Instant,
}

impl Default for Failures {
    fn default() -> Self {
        Self { addresses: Mutex::default(), waiting: Semaphore::new(WAITING_MAX) }
    }
}

impl Failures {
    /// Counts a wrong signature. True where the address has had so many that the answer came late, and is to be 503.
    pub(super) async fn slow_down(&self, address: IpAddr) -> bool {
        if !self.count(address, Instant::now()) {
            return false;
        }
        if let Ok(_place) = self.waiting.try_acquire() {
            tokio::time::sleep(PAUSE).await;
        }
        true
    }

    fn count(&self, address: IpAddr, now: Instant) -> bool {
        let mut addresses = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = !addresses.contains_key(&client_of(address));
        if is_new && addresses.len() >= ADDRESSES_MAX {
            addresses.retain(|_, counted| now.duration_since(counted.since) < WINDOW);
        }
        // So many addresses at once are one guesser: those without a place of their own share one.
        let client =
            if is_new && addresses.len() >= ADDRESSES_MAX { Ipv6Addr::UNSPECIFIED.into() } else { client_of(address) };
        let counted = addresses.entry(client).or_insert(Counted { failures: 0, since: now });
        if now.duration_since(counted.since) >= WINDOW {
            *counted = Counted { failures: 0, since: now };
        }
        counted.failures = counted.failures.saturating_add(1);
        counted.failures > FREE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn only_the_address_that_fails_again_and_again_waits() {
        let failures = Failures::default();
        let (guesser, other) = (IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2]));
        let begun = Instant::now();
        for _ in 0..FREE {
            assert!(!failures.slow_down(guesser).await);
        }
        assert_eq!(begun.elapsed(), Duration::ZERO);
        assert!(failures.slow_down(guesser).await);
        assert_eq!(begun.elapsed(), PAUSE);
        assert!(!failures.slow_down(other).await);
        tokio::time::advance(WINDOW).await;
        assert!(!failures.slow_down(guesser).await);
    }

    #[test]
    fn a_network_of_addresses_is_one_guesser_and_the_table_is_bounded() {
        let (failures, now) = (Failures::default(), Instant::now());
        for n in 0..=u64::from(FREE) {
            let address = Ipv6Addr::from_bits((0x2001_0db8 << 96) | u128::from(n));
            assert_eq!(failures.count(address.into(), now), n >= u64::from(FREE));
        }
        for n in 0..2 * u32::try_from(ADDRESSES_MAX).unwrap() {
            failures.count(std::net::Ipv4Addr::from_bits(n).into(), now);
        }
        assert!(failures.addresses.lock().unwrap().len() <= ADDRESSES_MAX + 1);
        assert!(failures.count(IpAddr::from([198, 51, 100, 7]), now), "those without a place share one");
        assert!(!failures.count(IpAddr::from([198, 51, 100, 7]), now + WINDOW));
    }
}
