//! Accounts, sessions and links in the two SQL servers as they are read.

use sqlx::FromRow;

use crate::{
    clock::from_millis,
    model::{
        account::{Account, Link, PasswordHash, Session},
        lang::Lang,
        token::{Role, Verticals},
    },
};

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

/// A row of `cameo_accounts`.
#[derive(Debug, FromRow)]
pub(super) struct AccountColumns {
    id: String,
    name: String,
    language: String,
    role: String,
    verticals: Option<String>,
    password: Option<String>,
    subject: Option<String>,
    epoch: i64,
    version: i64,
    created_at: i64,
    created_by: String,
    disabled_at: Option<i64>,
    last_login_at: Option<i64>,
}

impl AccountColumns {
    /// The account.
    pub(super) fn account(self) -> Account {
        Account {
            id: self.id,
            name: self.name,
            language: self.language.parse().unwrap_or(Lang::Ko),
            // What nobody can read gives nobody more than the least.
            role: self.role.parse().unwrap_or(Role::Viewer),
            verticals: Verticals::from_column(self.verticals.as_deref()),
            password: self.password.map(PasswordHash::stored),
            subject: self.subject,
            epoch: unsigned(self.epoch),
            version: unsigned(self.version),
            created_at: from_millis(self.created_at),
            created_by: self.created_by,
            disabled_at: self.disabled_at.map(from_millis),
            last_login: self.last_login_at.map(from_millis),
        }
    }
}

/// A row of `cameo_sessions`.
#[derive(Debug, FromRow)]
pub(super) struct SessionColumns {
    id: String,
    account_id: String,
    epoch: i64,
    created_at: i64,
    last_used_at: i64,
    expires_at: i64,
    address: Option<String>,
    browser: Option<String>,
}

impl SessionColumns {
    /// The session.
    pub(super) fn session(self) -> Session {
        Session {
            id: self.id,
            account: self.account_id,
            epoch: unsigned(self.epoch),
            created_at: from_millis(self.created_at),
            last_used: from_millis(self.last_used_at),
            expires: from_millis(self.expires_at),
            address: self.address,
            browser: self.browser,
        }
    }
}

/// A row of `cameo_links`.
#[derive(Debug, FromRow)]
pub(super) struct LinkColumns {
    account_id: String,
    epoch: i64,
    created_at: i64,
    expires_at: i64,
}

impl LinkColumns {
    /// The link.
    pub(super) fn link(self) -> Link {
        Link {
            account: Some(self.account_id).filter(|account| !account.is_empty()),
            epoch: unsigned(self.epoch),
            created_at: from_millis(self.created_at),
            expires: from_millis(self.expires_at),
        }
    }
}
