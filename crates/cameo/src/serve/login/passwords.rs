//! Passwords: argon2id with the parameters of OWASP's cheat sheet, on the blocking pool, a few side by side.
//!
//! Whoever has no password, or no account, costs exactly what a wrong password costs, so that the time of an answer names nobody.
//! No more wait than is useful: a flood of log-ins is refused, and takes neither memory nor all the processors.

use std::sync::Arc;

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHash as Phc, PasswordHasher, PasswordVerifier, SaltString},
};
use rand::Rng;
use tokio::sync::Semaphore;

use crate::{
    model::{
        account::{PASSWORD_MAX_BYTES, PasswordHash, normalised},
        error::{Error, Kind, Place, Result},
    },
    serve::problem::Problem,
};

/// Memory of a hash in KiB: 19 MiB (OWASP Password Storage Cheat Sheet, argon2id).
const MEMORY_KIB: u32 = 19 * 1024;
/// Passes over it.
const PASSES: u32 = 2;
/// Lanes.
const LANES: u32 = 1;
/// Bytes of a salt.
const SALT_BYTES: usize = 16;
/// Hashes that are made side by side: 38 MiB, and two processors for some twenty milliseconds.
const SIDE_BY_SIDE_MAX: usize = 2;
/// Hashes that wait for their turn, with those that are made; further ones are refused.
const WAITING_MAX: usize = 24;
/// Memory of a stored hash, at most: what somebody wrote into the database must not take all there is.
const STORED_MEMORY_MAX_KIB: u32 = 256 * 1024;
/// What a password is compared with where there is none: the same parameters, and a hash that no password has.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$Y2FtZW8gZHVtbXkgc2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Makes and compares hashes.
#[derive(Debug)]
pub(in crate::serve) struct Passwords {
    turns: Arc<Semaphore>,
    waiting: Semaphore,
}

impl Default for Passwords {
    fn default() -> Self {
        Self { turns: Arc::new(Semaphore::new(SIDE_BY_SIDE_MAX)), waiting: Semaphore::new(WAITING_MAX) }
    }
}

impl Passwords {
    /// The hash of a password.
    pub(in crate::serve) async fn hash(&self, password: &str) -> Result<PasswordHash, Problem> {
        let password = normalised(password);
        let random: [u8; SALT_BYTES] = rand::rng().random();
        let hashed = self.in_turn(move || {
            let salt = SaltString::encode_b64(&random).map_err(|error| failed(&error))?;
            let hash = argon2().hash_password(password.as_bytes(), &salt).map_err(|error| failed(&error))?;
            Ok(PasswordHash::stored(hash.to_string()))
        });
        hashed.await
    }

    /// Whether a password is that of a hash; of none it never is.
    pub(in crate::serve) async fn is_right(
        &self,
        password: &str,
        hash: Option<&PasswordHash>,
    ) -> Result<bool, Problem> {
        // What is too long cannot be right, and costs no more than what is not.
        let (fits, end) = (password.len() <= PASSWORD_MAX_BYTES, password.floor_char_boundary(PASSWORD_MAX_BYTES));
        let password = normalised(&password[..end]);
        let stored = hash.map_or(NOBODY, PasswordHash::as_str).to_owned();
        let has_hash = hash.is_some();
        self.in_turn(move || Ok(compare(&password, &stored)? && has_hash && fits)).await
    }

    /// Works on the blocking pool when its turn comes. The turn is the work's: who asked may leave before it ends.
    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<T, Problem> {
        let Ok(_waiting) = self.waiting.try_acquire() else { return Err(Problem::busy()) };
        let Ok(turn) = self.turns.clone().acquire_owned().await else { return Err(Problem::busy()) };
        let worked = tokio::task::spawn_blocking(move || {
            let done = work();
            drop(turn);
            done
        });
        let done = worked.await.map_err(|error| {
            Error::new(Place::System, Kind::Unavailable, "run the thread of a password").because(error)
        })?;
        Ok(done?)
    }
}

/// Whether a hash was made with other parameters than are used now.
pub(in crate::serve) fn is_outdated(hash: &PasswordHash) -> bool {
    Phc::new(hash.as_str())
        .ok()
        .and_then(|phc| Params::try_from(&phc).ok())
        .is_none_or(|params| (params.m_cost(), params.t_cost(), params.p_cost()) != (MEMORY_KIB, PASSES, LANES))
}

fn argon2() -> Argon2<'static> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).unwrap_or_default();
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

fn compare(password: &str, stored: &str) -> Result<bool> {
    let phc = Phc::new(stored).map_err(|error| damaged(&error))?;
    let params = Params::try_from(&phc).map_err(|error| damaged(&error))?;
    if params.m_cost() > STORED_MEMORY_MAX_KIB {
        return Err(damaged(&"it asks for too much memory"));
    }
    match argon2().verify_password(password.as_bytes(), &phc) {
        Ok(()) => Ok(true),
        Err(argon2::password_hash::Error::Password) => Ok(false),
        Err(error) => Err(damaged(&error)),
    }
}

fn failed(error: &dyn std::fmt::Display) -> Error {
    Error::new(Place::System, Kind::Unavailable, format!("hash a password: {error}"))
}

fn damaged(error: &dyn std::fmt::Display) -> Error {
    let doing =
        format!("read a password's hash in cameo_accounts: {error}; reset the account with `cameo account reset`");
    Error::new(Place::Catalog, Kind::Corrupt, doing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_is_that_of_its_hash_and_of_no_other() {
        let passwords = Passwords::default();
        let hash = passwords.hash("correct horse 가").await.unwrap();
        assert!(hash.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", hash.as_str());
        assert_ne!(passwords.hash("correct horse 가").await.unwrap(), hash, "salts differ");
        assert!(!is_outdated(&hash));
        for (typed, right) in [
            ("correct horse 가", true),
            ("correct horse \u{1100}\u{1161}", true),
            ("correct horse", false),
            ("", false),
            (&"x".repeat(PASSWORD_MAX_BYTES + 1), false),
        ] {
            assert_eq!(passwords.is_right(typed, Some(&hash)).await.unwrap(), right, "{typed}");
        }
        assert!(!passwords.is_right("correct horse 가", None).await.unwrap());
    }

    /// Whoever has no account costs what a wrong password costs.
    #[test]
    fn nobody_has_the_parameters_of_everybody() {
        assert!(!is_outdated(&PasswordHash::stored(NOBODY.to_owned())));
        assert!(!compare("anything", NOBODY).unwrap());
    }

    #[test]
    fn a_damaged_or_greedy_hash_is_an_error_and_no_wrong_password() {
        for stored in ["", "x", &NOBODY.replace("m=19456", "m=4000000"), &NOBODY.replace("argon2id", "argon3")] {
            assert!(compare("anything", stored).is_err(), "{stored}");
        }
        assert!(is_outdated(&PasswordHash::stored(NOBODY.replace("t=2", "t=1"))));
    }

    #[tokio::test]
    async fn no_more_wait_than_is_useful() {
        let passwords = Passwords::default();
        let _turns =
            passwords.turns.clone().acquire_many_owned(u32::try_from(SIDE_BY_SIDE_MAX).unwrap()).await.unwrap();
        let hashing: Vec<_> = (0..WAITING_MAX).map(|_| Box::pin(passwords.is_right("x", None))).collect();
        let mut hashing = futures::future::join_all(hashing);
        assert!(futures::poll!(&mut hashing).is_pending());
        assert!(passwords.is_right("x", None).await.is_err());
    }
}
