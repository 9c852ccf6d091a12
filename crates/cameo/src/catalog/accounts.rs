//! Who may ask the API for what: the tokens, beside the ledger that they open the door to.
//!
//! A secret is looked up by its SHA-256; it is nowhere itself. A token that was revoked or has expired stays in the table, so that
//! what was done with it can still be told from its id, and so that a server that ever had one asks for one.

use async_trait::async_trait;
use jiff::Timestamp;

use crate::model::{
    error::Result,
    token::{SecretHash, Token},
};

/// What keeps tokens.
#[async_trait]
pub trait Accounts: Send + Sync + std::fmt::Debug {
    /// Adds a token; false where one that can be used has its name. One that expired before this one was made gives its name up.
    async fn add_token(&self, token: &Token, secret: &SecretHash) -> Result<bool>;

    /// The token of a secret, whether or not it can still be used.
    async fn token_of(&self, secret: &SecretHash) -> Result<Option<Token>>;

    /// Tokens after an id, in the order of their ids, at most `max`; those that can no longer be used too.
    async fn tokens(&self, after: &str, max: usize) -> Result<Vec<Token>>;

    /// The token of an id; where there is none, the one of this name that can be used.
    async fn find_token(&self, id_or_name: &str) -> Result<Option<Token>>;

    /// Revokes a token; false where there is none of this id that is not revoked yet.
    async fn revoke_token(&self, id: &str, at: Timestamp) -> Result<bool>;

    /// Notes when a token was used.
    async fn note_token_use(&self, id: &str, at: Timestamp) -> Result<()>;
}
