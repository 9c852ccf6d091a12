//! Logging in: passwords, whose guesses are slowed down, and the cookies and proofs that a browser's session needs.
//!
//! Nothing here knows a route; the handlers are in `serve/api/v1/session.rs`, and the door of the API asks `cookie` and `origin`.

pub(super) mod cookie;
pub(super) mod oidc;
pub(super) mod origin;
pub(super) mod passwords;
pub(super) mod spent;
pub(super) mod throttle;
