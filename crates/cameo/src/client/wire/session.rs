//! Logging in, and who is logged in, as the console asks for it.
//!
//! The form of a page is posted to the console, which asks the API in process with the browser's own headers (`Cookie`, `Origin`,
//! `Sec-Fetch-Site`, `Host`) and hands `Set-Cookie` of the answer on. A form's field [`CSRF_FIELD`] becomes the header [`CSRF`].
//!
//! ```text
//! POST   /api/v1/session            LogIn       → 201 SessionView, Set-Cookie    (needs no session; 401 auth.login, 429 auth.throttled)
//! GET    /api/v1/session                        → 200 SessionView                (401 auth.required, auth.session: to the log-in page)
//! PATCH  /api/v1/session            OwnChange   → 200 SessionView
//! DELETE /api/v1/session                        → 204, Set-Cookie that deletes
//! POST   /api/v1/session/password   NewPassword → 200 SessionView, Set-Cookie    (other sessions of the account end)
//! POST   /api/v1/session/link       LinkUse     → 201 SessionView, Set-Cookie    (needs no session; 404 session.link)
//! POST   /api/v1/session/link/check LinkToCheck → 200 LinkView                   (needs no session; 404 session.link)
//! GET    /api/v1/session/oidc                   → 200 OidcView                   (needs no session)
//! POST   /api/v1/session/oidc       OidcBegin   → 200 OidcBegun, Set-Cookie      (needs no session; 503 oidc.unavailable, 404 oidc.off)
//! POST   /api/v1/session/oidc/callback OidcReturn → 201 OidcSession, Set-Cookie  (needs the cookie of the line above; 403 oidc.state)
//! GET    /api/v1/accounts                       → 200 Page<AccountView>
//! POST   /api/v1/accounts           NewAccount  → 201 AccountLink                (409 account.name_taken)
//! GET    /api/v1/accounts/{account}             → 200 AccountView                ({account}: id or name)
//! PATCH  /api/v1/accounts/{account} AccountChange → 200 AccountView              (409 account.last_admin)
//! DELETE /api/v1/accounts/{account}             → 200 RemovedAccount
//! POST   /api/v1/accounts/{account}/reset       → 200 AccountLink                (password gone, sessions ended, a link to set one)
//! GET    /api/v1/accounts/{account}/sessions    → 200 Page<AccountSession>
//! DELETE /api/v1/accounts/{account}/sessions    → 200 EndedSessions
//! DELETE /api/v1/accounts/{account}/sessions/{session} → 200 EndedSessions
//! ```
//!
//! A POST that needs no session must come from a page of the same origin, as `Sec-Fetch-Site` or `Origin` say, or bring `X-Cameo-Client`,
//! which the console never adds by itself. Pages with forms need `<meta name="referrer" content="same-origin">`: under `no-referrer` a browser
//! without `Sec-Fetch-Site` (plain HTTP beyond this machine) sends `Origin: null` with a form, which is refused.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::model::{
    lang::Lang,
    token::{Role, Verticals},
};

/// Header that every change with a session's cookie must carry: the `csrf` of [`SessionView`].
pub const CSRF: &str = "x-cameo-csrf";
/// The field of a form that the console turns into that header.
pub const CSRF_FIELD: &str = "csrf";
/// The page that browsers come back to from an `OpenID` provider.
pub const OIDC_CALLBACK_PAGE: &str = "/login/oidc/callback";
/// The cookie of a session over TLS. The prefix makes browsers demand `Secure`, `Path=/` and no `Domain` (RFC 6265bis, 4.1.3.2).
pub const COOKIE_OVER_TLS: &str = "__Host-cameo";
/// The cookie of a session over plain HTTP: this machine's own browsers, unless `console.plain_login` is set.
pub const COOKIE_IN_THE_CLEAR: &str = "cameo";

/// What somebody types who proves who they are. It is never printed by mistake: only [`expose`](Self::expose) returns its text.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = String, format = Password)]
pub struct Typed(String);

impl Typed {
    /// A text as it was typed.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Typed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Typed(…)")
    }
}

/// Logging in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LogIn {
    /// The account's name.
    pub name: String,
    /// Its password.
    pub password: Typed,
}

/// A one-time link, to see what it is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LinkToCheck {
    /// What is behind the `#` of its address.
    pub link: Typed,
}

/// What a one-time link is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LinkView {
    /// The account whose password it sets; null where it makes the first administrator, who chooses a name.
    pub name: Option<String>,
    /// When it ends.
    pub expires: Timestamp,
}

/// Using a one-time link: it sets the password, ends every session of the account, and logs in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LinkUse {
    /// What is behind the `#` of its address.
    pub link: Typed,
    /// The name that the first administrator chooses; left out where the link is an account's.
    #[serde(default)]
    pub name: Option<String>,
    /// The password: at least 12 characters.
    pub password: Typed,
    /// The language of the console; the account's own, or Korean, where this is left out.
    #[serde(default)]
    pub language: Option<Lang>,
}

/// What the log-in page shows of the `OpenID` provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OidcView {
    /// Whether people can log in through one.
    pub enabled: bool,
    /// What it is called; null where nobody named it.
    pub label: Option<String>,
    /// Whom those may ask who are kept out; null where nobody is named.
    pub contact: Option<String>,
}

/// Beginning to log in through the provider.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OidcBegin {
    /// The page that somebody wanted to see, from the host on; the first one where this is left out.
    #[serde(default)]
    pub next: Option<String>,
}

/// Where a browser goes to log in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OidcBegun {
    /// The provider's page; that of the console's own address where the browser is at another one.
    pub location: String,
}

/// What a browser comes back with from the provider: the query of its address.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OidcReturn {
    /// The code, which counts once.
    #[serde(default)]
    pub code: Option<String>,
    /// What the browser was sent there with.
    #[serde(default)]
    pub state: Option<String>,
    /// Who says that it sends the browser.
    #[serde(default)]
    pub iss: Option<String>,
    /// Why there is no code.
    #[serde(default)]
    pub error: Option<String>,
}

impl fmt::Debug for OidcReturn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OidcReturn").field("iss", &self.iss).field("error", &self.error).finish_non_exhaustive()
    }
}

/// Somebody who logged in through the provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OidcSession {
    /// The page that they wanted to see, as they named it: whoever leads them there looks whether it is one of ours.
    pub next: String,
    /// Their session.
    pub session: SessionView,
}

/// A new password of one's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPassword {
    /// The one until now.
    pub current: Typed,
    /// The one from now on: at least 12 characters.
    pub password: Typed,
}

/// What somebody may change of their own account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OwnChange {
    /// The language of the console.
    pub language: Lang,
}

/// Who asks, and what their pages need to know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SessionView {
    /// The account's name; that of a token; `loopback` where no log-in is needed yet, `local` over the socket in the data folder.
    pub name: String,
    /// The account's id; null where nobody logged in.
    pub account: Option<String>,
    /// What may be asked for.
    pub role: Role,
    /// The verticals that it is limited to; null where it is not.
    #[schema(value_type = Option<Vec<String>>)]
    pub verticals: Verticals,
    /// The account's language; null where nobody logged in.
    pub language: Option<Lang>,
    /// The session's id; null where nobody logged in.
    pub session: Option<String>,
    /// What every change must bring as `X-Cameo-CSRF`, or as the field `csrf` of a form; null where nobody logged in.
    pub csrf: Option<String>,
    /// When the session ends in any case.
    pub expires: Option<Timestamp>,
    /// When it ends unless it is used before.
    pub idle_expires: Option<Timestamp>,
    /// Whether another browser can log in: there are accounts.
    pub has_accounts: bool,
}
