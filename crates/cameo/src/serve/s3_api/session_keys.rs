//! Access keys of tokens: with them the server signs the addresses that it gives to whoever may upload.
//!
//! Nobody is ever told such a key. Its secret is derived from one of the data folder and the token's id, so that addresses hold over a
//! restart; it may upload originals of the token's verticals and nothing else, and ends with the token.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

use jiff::Timestamp;
use ring::hmac;

use super::keys::{AccessKey, Grant, Rights};
use crate::{
    clock::Clock,
    model::{
        actor::{OWN_KEY_PREFIX, own_key_id},
        key::ORIGIN_PREFIX,
        token::{Role, Token, Verticals},
    },
};

/// The id of those who need no token.
const LOCAL: &str = "token.local";

/// The keys of the tokens that can be used.
pub struct SessionKeys {
    secret: hmac::Key,
    bucket: String,
    clock: Arc<dyn Clock>,
    known: RwLock<Known>,
}

#[derive(Default)]
struct Known {
    sessions: HashMap<String, Session>,
    /// Rises with every change that was made here: a list that was read before it says nothing about it.
    changes: u64,
}

#[derive(Clone)]
struct Session {
    key: Arc<AccessKey>,
    expires: Option<Timestamp>,
}

impl fmt::Debug for SessionKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionKeys").field("bucket", &self.bucket).finish_non_exhaustive()
    }
}

impl SessionKeys {
    /// Keys for the bucket of originals, derived from a secret of the data folder.
    pub fn new(secret: &[u8], bucket: &str, clock: Arc<dyn Clock>) -> Self {
        let keys = Self {
            secret: hmac::Key::new(hmac::HMAC_SHA256, secret),
            bucket: bucket.to_owned(),
            clock,
            known: RwLock::default(),
        };
        let local = Session { key: keys.derive(LOCAL, &Verticals::All), expires: None };
        keys.write(|known| drop(known.sessions.insert(LOCAL.to_owned(), local)));
        keys
    }

    /// The key that signs for a token, or for those who need none; nothing where the token may not upload.
    pub fn key_for(&self, token: Option<&Token>) -> Option<Arc<AccessKey>> {
        let Some(token) = token else { return self.find(LOCAL) };
        self.add(token);
        self.find(&id_of(token))
    }

    /// A token can be used from now on.
    pub fn add(&self, token: &Token) {
        let Some((id, session)) = self.session(token) else { return };
        if self.find(&id).is_some_and(|key| *key == *session.key) {
            return;
        }
        self.write(|known| {
            known.sessions.insert(id, session);
            known.changes += 1;
        });
    }

    /// A token cannot be used any more.
    pub fn remove(&self, token: &Token) {
        self.write(|known| {
            known.sessions.remove(&id_of(token));
            known.changes += 1;
        });
    }

    /// The number of changes so far, to be asked for before all tokens are read.
    pub fn changes(&self) -> u64 {
        self.known.read().unwrap_or_else(PoisonError::into_inner).changes
    }

    /// Takes the whole list of tokens, unless something changed since `changes` was asked for: then the next list says more.
    pub fn replace(&self, tokens: &[Token], changes: u64) {
        let sessions: HashMap<_, _> = tokens.iter().filter_map(|token| self.session(token)).collect();
        self.write(|known| {
            if known.changes == changes {
                known.sessions.retain(|id, _| id == LOCAL);
                known.sessions.extend(sessions);
            }
        });
    }

    /// The key of an id, while its token can be used.
    pub(super) fn find(&self, id: &str) -> Option<Arc<AccessKey>> {
        if !id.starts_with(OWN_KEY_PREFIX) {
            return None;
        }
        let session = self.known.read().unwrap_or_else(PoisonError::into_inner).sessions.get(id).cloned()?;
        let has_ended = session.expires.is_some_and(|expires| expires <= self.clock.now());
        (!has_ended).then_some(session.key)
    }

    fn session(&self, token: &Token) -> Option<(String, Session)> {
        let may_upload = token.role >= Role::Operator && token.fault(self.clock.now()).is_none();
        let id = id_of(token);
        may_upload.then(|| (id.clone(), Session { key: self.derive(&id, &token.verticals), expires: token.expires }))
    }

    fn derive(&self, id: &str, verticals: &Verticals) -> Arc<AccessKey> {
        let secret = hex::encode(hmac::sign(&self.secret, id.as_bytes()));
        let grant = |prefix| Grant { bucket: self.bucket.clone(), prefix, rights: Rights::Upload };
        let grants = match verticals {
            Verticals::All => vec![grant(ORIGIN_PREFIX.to_owned())],
            Verticals::Only(verticals) => verticals.iter().map(|vertical| grant(vertical.originals_prefix())).collect(),
        };
        Arc::new(AccessKey::with(id, &secret, grants))
    }

    fn write(&self, change: impl FnOnce(&mut Known)) {
        change(&mut self.known.write().unwrap_or_else(PoisonError::into_inner));
    }
}

/// The name is in it, so that the audit trail says whose uploads they are.
fn id_of(token: &Token) -> String {
    own_key_id(&token.name, &token.id)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::Request;
    use jiff::SignedDuration;

    use super::*;
    use crate::{
        clock::{ManualClock, SystemClock},
        presign::{PutSigner, SigningKeys},
        serve::s3_api::{S3Limits, fault_of_pair, hosts::Hosts, keys::Action, reading::Reading, signature},
    };

    fn token(name: &str, role: Role, verticals: &[&str]) -> Token {
        let verticals = Verticals::only_or_all(verticals.iter().map(|name| name.parse().unwrap()));
        Token::new(name, role, verticals, "local", Timestamp::UNIX_EPOCH)
    }

    fn keys(clock: &Arc<ManualClock>) -> SessionKeys {
        SessionKeys::new(b"of the folder", "uploads", clock.clone())
    }

    #[test]
    fn a_key_may_upload_originals_of_its_tokens_verticals_and_nothing_else() {
        let clock = Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH));
        let keys = keys(&clock);
        let key = keys.key_for(Some(&token("kim@example.com", Role::Operator, &["eye"]))).unwrap();
        assert_eq!(fault_of_pair(&key.id, &key.secret), None);
        assert!(key.id.contains("kim@example.com"));
        assert!(key.permits(Action::Write, "uploads", "origin/eye/1_0.jpg"));
        for (action, bucket, at) in [
            (Action::Read, "uploads", "origin/eye/1_0.jpg"),
            (Action::Manage, "uploads", "origin/eye/1_0.jpg"),
            (Action::Write, "uploads", "origin/eye2/1_0.jpg"),
            (Action::Write, "uploads", "deliveries/eye/1.json"),
            (Action::Write, "images", "origin/eye/1_0.jpg"),
        ] {
            assert!(!key.permits(action, bucket, at), "{action:?} {bucket}/{at}");
        }
        assert!(keys.key_for(Some(&token("reader", Role::Viewer, &[]))).is_none());
        assert!(keys.key_for(None).is_some_and(|key| key.permits(Action::Write, "uploads", "origin/any/1_0.jpg")));
    }

    #[test]
    fn a_key_is_the_same_after_a_restart_and_ends_with_its_token() {
        let clock = Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH));
        let ends = Token {
            expires: Some(Timestamp::UNIX_EPOCH + SignedDuration::from_mins(1)),
            ..token("ci", Role::Admin, &[])
        };
        let first = keys(&clock);
        let key = first.key_for(Some(&ends)).unwrap();
        let second = keys(&clock);
        assert!(second.find(&key.id).is_none());
        second.replace(std::slice::from_ref(&ends), second.changes());
        assert_eq!(second.find(&key.id), Some(key.clone()));
        first.remove(&ends);
        assert!(first.find(&key.id).is_none());
        clock.advance(Duration::from_mins(1));
        assert!(second.find(&key.id).is_none(), "it has expired");
        assert!(SessionKeys::new(b"of another", "uploads", clock).key_for(None) != second.key_for(None));
    }

    #[tokio::test]
    async fn an_address_holds_for_its_time_and_no_longer() {
        let keys = keys(&Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH)));
        let key = keys.key_for(None).unwrap();
        let pair = SigningKeys::Pair { id: key.id.clone(), secret: key.secret.clone(), token: None };
        let signer = PutSigner::new(Some("http://127.0.0.1:9000"), "us-east-1", "uploads", pair).unwrap();
        let now = SystemClock.now();
        let put = signer.put("origin/가나/1_0.jpg", &[7; 16], Duration::from_mins(1)).await.unwrap();
        let target = put.url.strip_prefix("http://127.0.0.1:9000").unwrap();
        let request =
            Request::put(target).header("host", "127.0.0.1:9000").header("content-md5", &put.headers["content-md5"]);
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let reading = Reading::of(&parts, &Hosts::new(&[])).unwrap();
        let after = |seconds| {
            let now = now + SignedDuration::from_secs(seconds);
            signature::verify(&reading, &parts.headers, Some(key.clone()), now, &S3Limits::default()).map(drop)
        };
        assert!(after(0).is_ok() && after(59).is_ok(), "{:?}", after(0));
        assert!(after(62).unwrap_err().message().unwrap().contains("expired"));
    }

    #[test]
    fn a_list_that_was_read_before_a_change_undoes_nothing() {
        let clock = Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH));
        let keys = keys(&clock);
        let before = keys.changes();
        let key = keys.key_for(Some(&token("ci", Role::Operator, &[]))).unwrap();
        keys.replace(&[], before);
        assert!(keys.find(&key.id).is_some());
        keys.replace(&[], keys.changes());
        assert!(keys.find(&key.id).is_none());
    }
}
