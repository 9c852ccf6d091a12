//! Tokens as they are asked for and shown.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::model::token::{Role, Token, Verticals};

/// A token to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewToken {
    /// Its name: ASCII letters, digits and `-`, `_`, `.`, `@`.
    #[schema(min_length = 1, max_length = 64, pattern = "^[0-9A-Za-z][0-9A-Za-z._@-]*$")]
    pub name: String,
    /// What it may be used for.
    pub role: Role,
    /// The verticals that it is limited to; all of them where this is left out or null.
    #[serde(default)]
    #[schema(value_type = Option<Vec<String>>)]
    pub verticals: Verticals,
    /// When it ends; never by itself where this is left out or null.
    #[serde(default)]
    pub expires: Option<Timestamp>,
}

/// A token that was just made, with its secret, which is never shown again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CreatedToken {
    /// What to send as `Authorization: Bearer …`.
    pub token: String,
    /// What it is.
    #[serde(flatten)]
    pub of: Token,
}

/// A token that was just revoked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Revoked {
    /// Its id.
    pub revoked: String,
}
