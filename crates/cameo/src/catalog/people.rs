//! Accounts of people, their sessions and one-time links, beside the tokens that programs have.
//!
//! Secrets are looked up by their SHA-256. Whether something still counts is decided by the model (`model/account.rs`), for every
//! backend alike; a backend keeps it, makes names unique, and changes an account only as long as nobody else did.

use async_trait::async_trait;
use jiff::Timestamp;

use crate::model::{
    account::{Account, Link, Session, shape},
    error::Result,
    token::SecretHash,
};

/// What became of an account that was to be added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Added {
    /// It is there.
    Added,
    /// Another has its name.
    NameTaken,
    /// It was to be the first, and is not.
    NotFirst,
}

/// What keeps people.
#[async_trait]
pub trait People: Send + Sync + std::fmt::Debug {
    /// Adds an account; as the `first`, only while there is none: of several at once, one is.
    async fn add_account(&self, account: &Account, first: bool) -> Result<Added>;

    /// The account of an id.
    async fn account(&self, id: &str) -> Result<Option<Account>>;

    /// The account of a name, as `fold` writes it.
    async fn account_named(&self, name: &str) -> Result<Option<Account>>;

    /// The account of somebody at the `OpenID` provider.
    async fn account_of_subject(&self, subject: &str) -> Result<Option<Account>>;

    /// Accounts after an id, in the order of their ids, at most `max`.
    async fn accounts(&self, after: &str, max: usize) -> Result<Vec<Account>>;

    /// How many accounts there are.
    async fn count_accounts(&self) -> Result<u64>;

    /// Makes an account as it is told (but for its name, and when it was made and logged in to), unless it was changed since it was read:
    /// then false. Its version rises by one.
    async fn change_account(&self, account: &Account) -> Result<bool>;

    /// Removes an account with its sessions and links; false where there is none.
    async fn remove_account(&self, id: &str) -> Result<bool>;

    /// Notes that somebody logged in.
    async fn note_login(&self, account: &str, at: Timestamp) -> Result<()>;

    /// Begins a session.
    async fn add_session(&self, session: &Session, secret: &SecretHash) -> Result<()>;

    /// The session of a secret with its account, whether or not they can still be used.
    async fn session_of(&self, secret: &SecretHash) -> Result<Option<(Session, Account)>>;

    /// The sessions of an account, the newest first.
    async fn sessions_of(&self, account: &str) -> Result<Vec<Session>>;

    /// Ends a session; false where there is none of this id.
    async fn end_session(&self, id: &str) -> Result<bool>;

    /// Notes when a session was used; never earlier than it was noted before.
    async fn note_session_use(&self, id: &str, at: Timestamp) -> Result<()>;

    /// Adds a one-time link, and forgets those that ended before it was made.
    async fn add_link(&self, link: &Link, secret: &SecretHash) -> Result<()>;

    /// The link of a secret, whether or not it can still be used.
    async fn link_of(&self, secret: &SecretHash) -> Result<Option<Link>>;

    /// How many links there are for an account, or for the first administrator.
    async fn count_links(&self, account: Option<&str>) -> Result<u64>;

    /// Forgets the links for an account, or for the first administrator.
    async fn remove_links(&self, account: Option<&str>) -> Result<()>;
}

/// Accounts that are read at a time, where all are.
const AT_ONCE: usize = 1000;

/// Whether a name that nobody has yet looks like that of another account. Two that are made at the same moment are not compared.
pub async fn is_taken_for_another(people: &(impl People + ?Sized), name: &str) -> Result<bool> {
    let (looks, mut after) = (shape(name), String::new());
    loop {
        let page = people.accounts(&after, AT_ONCE).await?;
        if page.iter().any(|other| other.name != name && shape(&other.name) == looks) {
            return Ok(true);
        }
        match page.last().filter(|_| page.len() == AT_ONCE) {
            Some(last) => after.clone_from(&last.id),
            None => return Ok(false),
        }
    }
}
