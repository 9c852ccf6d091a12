//! A log-in at the provider that is under way, as the browser keeps it: a cookie with a secret, from which everything follows that the
//! provider is told of it.
//!
//! The server remembers nothing until the browser comes back, so that nobody can fill its memory, and any server of several can end what
//! another began. What the browser changes in the cookie changes `state` and `nonce` too, which then fit nothing.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

use crate::model::account::{CLOCKS_DIFFER_MAX, Secret};

/// How long somebody may take at the provider.
pub(in crate::serve) const PENDING_HOLDS: SignedDuration = SignedDuration::from_mins(10);
/// Bytes of the page that somebody wanted to see, at most; longer, it is the first one.
const NEXT_MAX_BYTES: usize = 1024;

/// A log-in that is under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::serve) struct Pending {
    secret: Secret,
    began: Timestamp,
    next: String,
}

impl Pending {
    /// One that begins now, and ends at a page of ours.
    pub(in crate::serve) fn begin(next: &str, now: Timestamp) -> Self {
        let next = if next.len() <= NEXT_MAX_BYTES { next } else { "/" };
        let began = Timestamp::from_second(now.as_second()).unwrap_or(now);
        Self { secret: Secret::generate(), began, next: next.to_owned() }
    }

    /// That of a cookie.
    pub(in crate::serve) fn parse(cookie: &str) -> Option<Self> {
        let mut parts = cookie.split('.');
        let (secret, began, next) = (parts.next()?, parts.next()?, parts.next()?);
        let next = String::from_utf8(URL_SAFE_NO_PAD.decode(next).ok()?).ok()?;
        let began = Timestamp::from_second(began.parse().ok()?).ok()?;
        let is_whole = parts.next().is_none() && next.len() <= NEXT_MAX_BYTES;
        Some(Self { secret: Secret::parse(secret)?, began, next }).filter(|_| is_whole)
    }

    /// The cookie.
    pub(in crate::serve) fn written(&self) -> String {
        format!("{}.{}.{}", self.secret.expose(), self.began.as_second(), URL_SAFE_NO_PAD.encode(&self.next))
    }

    /// Where it ends.
    pub(in crate::serve) fn next(&self) -> &str {
        &self.next
    }

    /// Whether its time is.
    pub(in crate::serve) fn holds(&self, now: Timestamp) -> bool {
        now.duration_since(self.began) < PENDING_HOLDS && self.began.duration_since(now) <= CLOCKS_DIFFER_MAX
    }

    /// What the provider sends back beside the code: a browser that did not begin this log-in does not have it.
    pub(in crate::serve) fn state(&self) -> String {
        self.derived("state")
    }

    /// What the provider signs: its token is of this log-in.
    pub(super) fn nonce(&self) -> String {
        self.derived("nonce")
    }

    /// What the code is exchanged with, so that who intercepts it has nothing (PKCE, RFC 7636).
    pub(super) fn verifier(&self) -> String {
        self.derived("verifier")
    }

    /// What the provider is told of [`verifier`](Self::verifier) before.
    pub(super) fn challenge(&self) -> String {
        URL_SAFE_NO_PAD.encode(Sha256::digest(self.verifier()))
    }

    fn derived(&self, what: &str) -> String {
        URL_SAFE_NO_PAD.encode(Sha256::digest(format!("cameo oidc {what} {}", self.written())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_follows_from_the_cookie_and_from_all_of_it() {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let pending = Pending::begin("/deliveries/20261126-k3f9?a=b", now);
        assert_eq!(Pending::parse(&pending.written()), Some(pending.clone()));
        let of = |pending: &Pending| [pending.state(), pending.nonce(), pending.verifier(), pending.challenge()];
        let all = of(&pending);
        for (at, one) in all.iter().enumerate() {
            // 43 characters of base64url, as RFC 7636, 4.1 asks for at least.
            assert_eq!(one.len(), 43);
            assert!(!pending.written().contains(one) && !all[..at].contains(one));
        }
        for other in [
            Pending { next: "/".to_owned(), ..pending.clone() },
            Pending { began: now + SignedDuration::from_secs(1), ..pending.clone() },
            Pending { secret: Secret::generate(), ..pending.clone() },
        ] {
            assert!(of(&other).iter().zip(&all).all(|(other, one)| other != one), "{other:?}");
        }
        for bad in ["", "a.b.c", &pending.written()[1..], &format!("{}.x", pending.written()), "..", "\u{e9}"] {
            assert_eq!(Pending::parse(bad), None, "{bad}");
        }
        assert_eq!(Pending::begin(&format!("/{}", "x".repeat(NEXT_MAX_BYTES)), now).next(), "/");
        let at = |seconds| now + SignedDuration::from_secs(seconds);
        assert!(pending.holds(now) && pending.holds(at(599)) && !pending.holds(at(600)));
        assert!(pending.holds(at(-300)) && !pending.holds(at(-301)));
    }
}
