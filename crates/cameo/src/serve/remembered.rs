//! What the door of the API knows and remembers between requests: who may come in how, whether there was ever a token or an account, and who
//! sent wrong ones.

use std::sync::{Arc, atomic::AtomicBool};

use crate::{
    admission::ConsoleAccess,
    model::error::{Error, Kind, Place, Result},
    serve::{
        failures::Failures,
        login::{
            oidc::{Failed, Oidc},
            passwords::Passwords,
            spent::Spent,
            throttle::Throttle,
        },
    },
};

/// What the door knows and remembers. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Door(pub(in crate::serve) Arc<Remembered>);

impl Door {
    /// A door of these settings, that remembers nothing yet.
    pub fn new(access: ConsoleAccess) -> Self {
        let oidc = access.oidc.clone().map(Oidc::new);
        Self(Arc::new(Remembered { access, oidc, ..Remembered::default() }))
    }

    /// Whether people could log in through the provider now; none where there is no provider.
    pub async fn probe_oidc(&self) -> Option<Result<()>> {
        let doing = "log in through the provider of console.oidc";
        let probed = self.0.oidc.as_ref()?.probe().await;
        Some(probed.map_err(|failed| match failed {
            Failed::Away(why) => Error::new(Place::System, Kind::Unavailable, doing).because(why),
            Failed::Wrong(why) | Failed::Code(why) => {
                Error::new(Place::System, Kind::Misconfigured, doing).because(why)
            }
            Failed::Busy => Error::new(Place::System, Kind::Unavailable, doing),
        }))
    }
}

#[derive(Debug, Default)]
pub(in crate::serve) struct Remembered {
    /// Names, proxies and times of the console.
    pub(in crate::serve) access: ConsoleAccess,
    /// A token or an account was seen: from then on everybody needs one.
    pub(in crate::serve) is_closed: AtomicBool,
    /// Wrong tokens, by client.
    pub(in crate::serve) failures: Failures,
    /// Wrong passwords, by name and client.
    pub(in crate::serve) throttle: Throttle,
    /// What makes and compares the hashes of passwords.
    pub(in crate::serve) passwords: Passwords,
    /// The provider that people may log in through.
    pub(in crate::serve) oidc: Option<Oidc>,
    /// Log-ins through it that have ended.
    pub(in crate::serve) spent: Spent,
}
