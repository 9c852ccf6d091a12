//! Accounts and their sessions as they are asked for and shown.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use crate::model::{
    account::Account,
    lang::Lang,
    token::{Role, Verticals},
};

/// An account to be made. Its password is set by whoever gets the link of the answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAccount {
    /// Its name: letters of any script, digits and `-`, `_`, `.`, `@`; upper case becomes lower case.
    #[schema(min_length = 1, max_length = 64)]
    pub name: String,
    /// What it may be used for.
    pub role: Role,
    /// The verticals that it is limited to; all of them where this is left out or null.
    #[serde(default)]
    #[schema(value_type = Option<Vec<String>>)]
    pub verticals: Verticals,
    /// The language of the console; Korean where this is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<Lang>,
}

/// What is to be different; what is left out stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountChange {
    /// What it may be used for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// The verticals that it is limited to; null for all of them.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    #[schema(value_type = Option<Vec<String>>)]
    pub verticals: Option<Verticals>,
    /// The language of the console.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<Lang>,
    /// Whether it is refused. Its sessions end at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled: Option<bool>,
}

/// A null is an answer here, and not the same as nothing.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Verticals>, D::Error> {
    Verticals::deserialize(deserializer).map(Some)
}

/// An account. Its password is nowhere in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AccountView {
    /// Its id, which no other ever has.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What it may be used for.
    pub role: Role,
    /// The verticals that it is limited to; null where it is not.
    #[schema(value_type = Option<Vec<String>>)]
    pub verticals: Verticals,
    /// The language of the console.
    pub language: Lang,
    /// When it was made.
    pub created_at: Timestamp,
    /// Who made it.
    pub created_by: String,
    /// Since when it is refused; null where it is not.
    pub disabled_at: Option<Timestamp>,
    /// When somebody logged in last; null where nobody ever did.
    pub last_login: Option<Timestamp>,
    /// Whether it has a password: not before its link was used.
    pub has_password: bool,
    /// Whether it belongs to somebody at the `OpenID` provider.
    pub has_openid: bool,
}

impl From<&Account> for AccountView {
    fn from(account: &Account) -> Self {
        Self {
            id: account.id.clone(),
            name: account.name.clone(),
            role: account.role,
            verticals: account.verticals.clone(),
            language: account.language,
            created_at: account.created_at,
            created_by: account.created_by.clone(),
            disabled_at: account.disabled_at,
            last_login: account.last_login,
            has_password: account.password.is_some(),
            has_openid: account.subject.is_some(),
        }
    }
}

/// An account with a one-time link that sets its password, which is never shown again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AccountLink {
    /// The link from the console's host on: `/welcome#…`.
    pub link: String,
    /// When it ends.
    pub expires: Timestamp,
    /// Whose it is; null for the first administrator's.
    pub account: Option<AccountView>,
}

/// A session of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AccountSession {
    /// Its id, which is no secret.
    pub id: String,
    /// Whether it is that of the request.
    pub current: bool,
    /// When somebody logged in.
    pub created_at: Timestamp,
    /// When it was used last, to the minute.
    pub last_used: Timestamp,
    /// When it ends in any case.
    pub expires: Timestamp,
    /// The address that logged in.
    pub address: Option<String>,
    /// What the browser calls itself, cut to 200 bytes.
    pub browser: Option<String>,
}

/// Sessions that were just ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EndedSessions {
    /// How many.
    pub ended: u64,
}

/// An account that was just removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RemovedAccount {
    /// Its id.
    pub removed: String,
}
