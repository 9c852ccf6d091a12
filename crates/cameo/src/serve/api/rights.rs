//! Who asks, and what they may: a handler takes a [`Viewer`], an [`Operator`] or an [`Admin`], and is reached by nobody less.
//!
//! The door puts a [`Caller`] into the request. A route that is not behind the door has none, and its handler lets nobody in.

use axum::{
    extract::FromRequestParts,
    http::{HeaderValue, StatusCode, header, request::Parts},
};
use jiff::Timestamp;

use crate::{
    model::{
        account::{Account, Secret, Session},
        key::Vertical,
        token::{Role, Token, Verticals},
    },
    serve::problem::{Answer, Problem},
};

/// Who asks.
#[derive(Debug, Clone)]
pub(in crate::serve) struct Caller {
    /// The name in the audit trail: the token's or the account's, or how somebody without one came in.
    pub(in crate::serve) name: String,
    /// What they may do.
    pub(in crate::serve) role: Role,
    /// The verticals that they may do it with.
    pub(in crate::serve) verticals: Verticals,
    /// Their token, or what stands for their account where keys are given to tokens; none where none is needed.
    pub(in crate::serve) token: Option<Token>,
    /// The session of somebody who logged in.
    pub(in crate::serve) session: Option<LoggedIn>,
    /// Whether they came through the socket of the data folder, which is its owner's.
    pub(super) is_owner: bool,
}

/// Somebody who logged in.
#[derive(Debug, Clone)]
pub(in crate::serve) struct LoggedIn {
    pub(in crate::serve) account: Account,
    pub(in crate::serve) session: Session,
    pub(in crate::serve) secret: Secret,
}

impl Caller {
    /// The owner of the data folder, who needs no token, and may do everything.
    pub(super) fn owner() -> Self {
        Self { is_owner: true, ..Self::without_token("local") }
    }

    /// Somebody who needs no token as long as nobody does, and may do everything.
    pub(super) fn without_token(name: &str) -> Self {
        let (name, verticals) = (name.to_owned(), Verticals::All);
        Self { name, role: Role::Admin, verticals, token: None, session: None, is_owner: false }
    }

    pub(super) fn with_token(token: Token) -> Self {
        let (name, role, verticals) = (token.name.clone(), token.role, token.verticals.clone());
        Self { name, role, verticals, token: Some(token), session: None, is_owner: false }
    }

    pub(super) fn with_session(logged_in: LoggedIn) -> Self {
        let LoggedIn { account, session, .. } = &logged_in;
        Self {
            name: account.name.clone(),
            role: account.role,
            verticals: account.verticals.clone(),
            token: Some(account.as_token(Some(session.expires))),
            session: Some(logged_in),
            is_owner: false,
        }
    }

    /// Whether what is limited to these verticals gives nothing that the caller has not: they may see, make and revoke it.
    pub(super) fn covers(&self, verticals: &Verticals) -> bool {
        match verticals {
            Verticals::All => self.verticals == Verticals::All,
            Verticals::Only(verticals) => verticals.iter().all(|vertical| self.verticals.include(vertical)),
        }
    }

    /// Refuses a vertical that the caller may not see, as if it did not exist.
    pub(in crate::serve) fn see(&self, vertical: &Vertical) -> Answer<()> {
        if self.verticals.include(vertical) {
            return Ok(());
        }
        Err(match &self.verticals {
            // Its own are no secret to whoever has the token.
            Verticals::Only(own) => {
                let own = own.iter().map(ToString::to_string).collect();
                Problem::foreign(&self.called(), vertical.to_string(), own)
            }
            Verticals::All => Problem::not_found("such vertical"),
        })
    }

    /// The vertical of this name, where the caller may see it.
    pub(in crate::serve) fn vertical(&self, name: &str) -> Answer<Vertical> {
        let vertical: Vertical = name.parse().map_err(|_| Problem::not_found("such vertical"))?;
        self.see(&vertical)?;
        Ok(vertical)
    }

    /// Refuses what is not of verticals that the caller may change; what belongs to none is for those who may change all.
    pub(in crate::serve) fn change(&self, verticals: impl IntoIterator<Item = Option<Vertical>>) -> Answer<()> {
        let may = verticals.into_iter().all(|vertical| self.verticals.include_of(vertical.as_ref()));
        if may {
            Ok(())
        } else {
            Err(forbidden(&format!(
                "{} is limited to verticals, and something named here is of none of them",
                self.called()
            )))
        }
    }

    /// When what the caller is given ends at the latest.
    pub(in crate::serve) fn expires(&self) -> Option<Timestamp> {
        self.token.as_ref().and_then(|token| token.expires)
    }

    /// What the caller is to people.
    fn called(&self) -> String {
        let what = if self.session.is_some() { "account" } else { "token" };
        format!("the {what} {}", self.name)
    }

    fn require(self, role: Role) -> Answer<Self> {
        if self.role >= role {
            return Ok(self);
        }
        Err(forbidden(&format!("this needs the role {role}, and {} has the role {}", self.called(), self.role)))
    }
}

fn forbidden(detail: &str) -> Problem {
    Problem::new(StatusCode::FORBIDDEN, "auth.role", detail)
}

/// What is answered to whoever must have a token and sent none.
pub(super) fn needs_token() -> Problem {
    let detail = "this needs a log-in at the console, or a token: make one on the server's machine with `cameo token create --name NAME --role viewer`, and send it as \
                  `Authorization: Bearer TOKEN` (commands: `cameo login URL`, or CAMEO_TOKEN)";
    Problem::new(StatusCode::UNAUTHORIZED, "auth.required", detail)
        .with(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"cameo\""))
}

macro_rules! roles {
    ($($(#[$doc:meta])* $extractor:ident = $role:expr;)*) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone)]
            pub(in crate::serve) struct $extractor(pub(in crate::serve) Caller);

            impl<S: Sync> FromRequestParts<S> for $extractor {
                type Rejection = Problem;

                async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
                    let caller = parts.extensions.get::<Caller>().cloned().ok_or_else(needs_token)?;
                    caller.require($role).map(Self)
                }
            }
        )*
    };
}

roles! {
    /// Somebody who may look.
    Viewer = Role::Viewer;
    /// Somebody who may also upload and retry.
    Operator = Role::Operator;
    /// Somebody who may do everything.
    Admin = Role::Admin;
}
