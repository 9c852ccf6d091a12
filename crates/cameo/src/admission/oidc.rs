//! Who may log in at the console through an `OpenID` provider, and what each of them may do.

use std::{fmt, time::Duration};

use crate::model::token::{Role, Verticals};

/// What a group may be called that everybody is in.
pub const EVERYBODY: &str = "*";

/// A provider, and what is made of what it says of people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OidcAccess {
    /// Its address, as it names itself.
    pub issuer: String,
    /// What it knows the console by.
    pub client_id: String,
    /// What the console proves that with; none where the provider asks for no proof.
    pub client_secret: Option<ClientSecret>,
    /// What is asked for: `openid`, and what brings the claims below.
    pub scopes: Vec<String>,
    /// The console's address for people: browsers are sent back to it.
    pub public_url: String,
    /// The claim that names an account when it is made.
    pub name_claim: String,
    /// The claim with the groups that somebody is in; parts of it with a dot between them.
    pub groups_claim: String,
    /// Domains of the addresses of those who may come in, in lower case; empty for any.
    pub email_domains: Vec<String>,
    /// What groups may do: the first one counts that somebody is in.
    pub grants: Vec<GroupGrant>,
    /// What people call the provider; empty for nothing in particular.
    pub label: String,
    /// Whom those may ask who are let in and may do nothing; empty for an administrator.
    pub contact: String,
    /// How long one request to the provider may take.
    pub timeout: Duration,
}

/// What those of a group may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupGrant {
    /// The group, or [`EVERYBODY`].
    pub group: String,
    /// What they may do.
    pub role: Role,
    /// The verticals that they are limited to.
    pub verticals: Verticals,
}

/// The secret of the console at its provider. It is never printed by mistake: only [`expose`](Self::expose) returns its text.
#[derive(Clone, PartialEq, Eq)]
pub struct ClientSecret(String);

impl ClientSecret {
    /// A secret as it was configured.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Its text.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ClientSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientSecret(…)")
    }
}
