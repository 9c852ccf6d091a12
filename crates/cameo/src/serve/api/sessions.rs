//! Sessions: how one begins, what its pages are told, and the browser that asks.

use axum::{
    extract::FromRequestParts,
    http::{HeaderValue, StatusCode, header, request::Parts},
    response::AppendHeaders,
};
use jiff::{SignedDuration, Timestamp};

use super::rights::{Caller, LoggedIn};
use crate::{
    client::wire::SessionView,
    model::account::{Account, BROWSER_MAX_BYTES, SESSIONS_MAX, Secret, Session},
    serve::{
        audited::Who,
        http::{ClientAddress, Peer},
        login::{cookie, oidc::Pending, throttle::Attempt},
        problem::{Answer, Problem},
        reached::Reached,
        site::Site,
    },
};

/// The browser that asks, as far as a session of its is concerned.
#[derive(Debug, Clone)]
pub(super) struct Browser {
    is_tls: bool,
    peer: Option<Peer>,
    client: Option<ClientAddress>,
    /// The session that it had until now.
    cookie: cookie::Sent,
    /// The log-in at the provider that it is in.
    pub(super) pending: Option<Pending>,
    reached: Option<Reached>,
    name: Option<String>,
    who: Option<Who>,
}

/// `Set-Cookie`.
pub(super) type SetCookie = AppendHeaders<[(header::HeaderName, HeaderValue); 1]>;

impl<S: Sync> FromRequestParts<S> for Browser {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Answer<Self> {
        let is_tls = parts.extensions.get::<Reached>().is_some_and(|reached| reached.is_tls);
        let name = parts.headers.get(header::USER_AGENT).and_then(|name| name.to_str().ok());
        Ok(Self {
            is_tls,
            peer: parts.extensions.get().copied(),
            client: parts.extensions.get().copied(),
            cookie: cookie::sent(&parts.headers, is_tls),
            pending: cookie::pending(&parts.headers, is_tls),
            reached: parts.extensions.get().cloned(),
            name: name.map(|name| name[..name.floor_char_boundary(BROWSER_MAX_BYTES)].to_owned()),
            who: parts.extensions.get().cloned(),
        })
    }
}

impl Browser {
    /// Refuses to take a password, and to give a cookie, that others can read on the way.
    pub(super) fn may_log_in(&self, site: &Site) -> Answer<()> {
        let is_here = match self.peer {
            Some(Peer::LocalUser) => true,
            Some(Peer::Tcp(address)) => address.ip().to_canonical().is_loopback(),
            None => false,
        };
        if self.is_tls || is_here || site.door.0.access.plain_login {
            return Ok(());
        }
        let detail = "passwords are taken over TLS, or on the server's own machine: put a proxy with TLS in front and name it in \
                      console.trusted_proxies, or set console.plain_login = true if nobody else can read what is sent";
        Err(Problem::new(StatusCode::FORBIDDEN, "session.insecure", detail))
    }

    /// Whether it asked for this origin.
    pub(super) fn is_at(&self, origin: &str) -> bool {
        self.reached.as_ref().is_some_and(|reached| reached.is_origin(origin))
    }

    /// The header that keeps a log-in at the provider until the browser comes back.
    pub(super) fn keep(&self, pending: &Pending) -> SetCookie {
        AppendHeaders([(header::SET_COOKIE, cookie::set_pending(pending, self.is_tls))])
    }

    /// The header that forgets it.
    pub(super) fn forget_pending(&self) -> SetCookie {
        AppendHeaders([(header::SET_COOKIE, cookie::delete_pending(self.is_tls))])
    }

    /// The header that deletes the cookie.
    pub(super) fn forget(&self) -> SetCookie {
        AppendHeaders([(header::SET_COOKIE, cookie::delete(self.is_tls))])
    }
}

/// Anybody, where the door lets a request in before it is known whose it is (`OPEN` in `door.rs`): who logs in.
#[derive(Debug, Clone)]
pub(super) struct Anybody(pub(super) Browser);

impl<S: Sync> FromRequestParts<S> for Anybody {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        Browser::from_request_parts(parts, state).await.map(Self)
    }
}

/// Begins an attempt with a password, or says when the next one may be made.
pub(super) async fn attempt<'s>(site: &'s Site, browser: &Browser, name: &str) -> Answer<Attempt<'s>> {
    let client = browser.client.map_or(std::net::Ipv4Addr::UNSPECIFIED.into(), |client| client.0.ip());
    site.door.0.throttle.begin(name, client).await.map_err(|wait| {
        let seconds = wait.as_secs() + 1;
        let detail = format!(
            "too many wrong passwords came from this address: try again in {seconds} seconds; another address is not affected"
        );
        Problem::new(StatusCode::TOO_MANY_REQUESTS, "auth.throttled", detail)
            .with(header::RETRY_AFTER, HeaderValue::from(seconds))
    })
}

/// Begins a session of somebody who has proved who they are. The one that the browser had until now ends.
pub(super) async fn begin(
    site: &Site,
    browser: &Browser,
    account: &Account,
) -> Answer<(SetCookie, axum::Json<SessionView>)> {
    let (catalog, now) = (&site.flow.catalog, site.clock.now());
    let holds = site.door.0.access.session_max;
    let secret = Secret::generate();
    let session = Session {
        address: browser.client.map(|client| client.0.ip().to_canonical().to_string()),
        browser: browser.name.clone(),
        ..Session::new(account, now, SignedDuration::try_from(holds).unwrap_or(SignedDuration::MAX))
    };
    if let cookie::Sent::Secret(before) = &browser.cookie
        && let Some((before, _)) = catalog.session_of(&before.hash()).await?
    {
        catalog.end_session(&before.id).await?;
    }
    catalog.add_session(&session, &secret.hash()).await?;
    trim(site, account, now).await?;
    catalog.note_login(&account.id, now).await?;
    if let Some(who) = &browser.who {
        who.is(&account.name);
    }
    let caller = Caller::with_session(LoggedIn { account: account.clone(), session, secret: secret.clone() });
    let set = cookie::set(&secret, browser.is_tls, holds.as_secs());
    Ok((AppendHeaders([(header::SET_COOKIE, set)]), axum::Json(view(site, &caller).await?)))
}

/// Ends those that no longer count, and the oldest ones beyond the limit.
async fn trim(site: &Site, account: &Account, now: Timestamp) -> Answer<()> {
    let (idle, sessions) = (idle(site), site.flow.catalog.sessions_of(&account.id).await?);
    let (mut kept, ended): (Vec<_>, Vec<_>) =
        sessions.into_iter().partition(|session| session.holds(account, now, idle));
    kept.sort_by(|a, b| b.last_used.cmp(&a.last_used).then_with(|| b.created_at.cmp(&a.created_at)));
    for session in ended.iter().chain(kept.iter().skip(SESSIONS_MAX)) {
        site.flow.catalog.end_session(&session.id).await?;
    }
    Ok(())
}

/// How long a session that nobody uses holds.
pub(super) fn idle(site: &Site) -> SignedDuration {
    SignedDuration::try_from(site.door.0.access.session_idle).unwrap_or(SignedDuration::MAX)
}

/// What pages need to know of who asks.
pub(super) async fn view(site: &Site, caller: &Caller) -> Answer<SessionView> {
    let has_accounts = caller.session.is_some() || site.flow.catalog.count_accounts().await? > 0;
    let logged_in = caller.session.as_ref();
    let now = site.clock.now();
    Ok(SessionView {
        name: caller.name.clone(),
        account: logged_in.map(|logged_in| logged_in.account.id.clone()),
        role: caller.role,
        verticals: caller.verticals.clone(),
        language: logged_in.map(|logged_in| logged_in.account.language),
        session: logged_in.map(|logged_in| logged_in.session.id.clone()),
        csrf: logged_in.map(|logged_in| logged_in.secret.csrf()),
        expires: caller.expires(),
        idle_expires: logged_in.and_then(|logged_in| {
            let idle = now.checked_add(idle(site)).ok()?;
            Some(idle.min(logged_in.session.expires))
        }),
        has_accounts,
    })
}
