//! Whether somebody whom the door let in may still be here: what outlasts the moment of a request asks again.

use super::{
    rights::{Caller, LoggedIn},
    sessions::idle,
};
use crate::serve::{problem::Answer, site::Site};

impl Caller {
    /// Who asks, with the rights of now; none where session, account or token have ended since. Looking is no use of a session: one that is
    /// left alone ends, whatever is open of it.
    pub(super) async fn still(&self, site: &Site) -> Answer<Option<Self>> {
        let (catalog, now) = (&site.flow.catalog, site.clock.now());
        if let Some(LoggedIn { secret, .. }) = &self.session {
            let found = catalog.session_of(&secret.hash()).await?;
            let held = found.filter(|(session, account)| session.holds(account, now, idle(site)));
            let logged_in = held.map(|(session, account)| LoggedIn { account, session, secret: secret.clone() });
            return Ok(logged_in.map(Self::with_session));
        }
        if let Some(token) = &self.token {
            let found = catalog.find_token(&token.id).await?.filter(|found| found.id == token.id);
            return Ok(found.filter(|found| found.fault(now).is_none()).map(Self::with_token));
        }
        // From this machine alone, for as long as nobody needs more than that.
        let is_let_in = self.is_owner || !site.is_closed().await?;
        Ok(is_let_in.then(|| self.clone()))
    }
}
