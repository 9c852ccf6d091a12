//! Logging in through an `OpenID` provider: what the log-in page shows of it, where the browser goes, and its way back.
//!
//! Whoever comes back gets the account of their issuer and subject, which is made at the first time; what they may do follows their groups
//! each time. A log-in is begun by a page of ours, and ended by the browser that began it: the provider sends it here from its own site.

use axum::{Extension, extract::State, http::StatusCode, response::IntoResponse};
use tokio::time::Instant;

use super::{
    super::{
        input::Json,
        sessions::{self, Anybody, Browser},
    },
    problems::Problems,
    session::changed_account,
};
use crate::{
    admission::{GroupGrant, OidcAccess},
    catalog::people::{Added, is_taken_for_another},
    client::wire::{OidcBegin, OidcBegun, OidcReturn, OidcSession, OidcView},
    model::account::{ACCOUNTS_MAX, Account},
    serve::{
        audited::{Named, NotesItself},
        login::oidc::{Failed, KeptOut, Oidc, Pending, Person, Returned},
        problem::{Answer, Problem},
        site::Site,
    },
};

/// Whether people can log in through a provider, and what it is called.
#[utoipa::path(
    get,
    path = "/api/v1/session/oidc",
    operation_id = "oidc",
    tag = "session",
    responses((status = 200, description = "What the log-in page shows.", body = OidcView), Problems),
    security(())
)]
pub(super) async fn show(State(site): State<Site>, Anybody(_): Anybody) -> axum::Json<OidcView> {
    let access = site.door.0.oidc.as_ref().map(|oidc| &oidc.access);
    let text = |of: fn(&OidcAccess) -> &String| access.map(|access| of(access).clone()).filter(|text| !text.is_empty());
    axum::Json(OidcView {
        enabled: access.is_some(),
        label: text(|access| &access.label),
        contact: text(|access| &access.contact),
    })
}

/// Begins to log in: where the browser is to go, and the cookie by which it is known when it comes back.
#[utoipa::path(
    post,
    path = "/api/v1/session/oidc",
    operation_id = "begin_oidc",
    tag = "session",
    request_body = OidcBegin,
    responses((status = 200, description = "Where to go.", body = OidcBegun), Problems),
    security(())
)]
pub(super) async fn begin(
    State(site): State<Site>,
    Anybody(browser): Anybody,
    Json(asked): Json<OidcBegin>,
) -> Answer<axum::response::Response> {
    let oidc = provider(&site)?;
    browser.may_log_in(&site)?;
    // It changes nothing here.
    let unnoted = Extension(NotesItself);
    // A browser that is not at the address that it is sent back to would not have its cookie there.
    if !browser.is_at(&oidc.access.public_url) {
        let location = format!("{}/login", oidc.access.public_url);
        return Ok((unnoted, axum::Json(OidcBegun { location })).into_response());
    }
    let pending = Pending::begin(asked.next.as_deref().unwrap_or("/"), site.clock.now());
    let location = oidc.authorization(&pending).await.map_err(problem_of)?;
    Ok((unnoted, browser.keep(&pending), axum::Json(OidcBegun { location })).into_response())
}

/// Ends logging in: who comes back from the provider, and the session of their account.
#[utoipa::path(
    post,
    path = "/api/v1/session/oidc/callback",
    operation_id = "end_oidc",
    tag = "session",
    request_body = OidcReturn,
    responses((status = 201, description = "The session, and its cookie.", body = OidcSession), Problems),
    security(())
)]
pub(super) async fn end(
    State(site): State<Site>,
    Anybody(browser): Anybody,
    Json(asked): Json<OidcReturn>,
) -> axum::response::Response {
    let mut named = Named(Vec::new());
    let ended = log_in(&site, &browser, &asked, &mut named).await;
    match ended {
        Ok((session, next, set_cookie)) => {
            let body = axum::Json(OidcSession { next, session });
            (StatusCode::CREATED, Extension(named), set_cookie, browser.forget_pending(), body).into_response()
        }
        Err(problem) => {
            // Whatever went wrong, this log-in is over.
            let (name, value) = browser.forget_pending().0[0].clone();
            (Extension(named), problem.with(name, value)).into_response()
        }
    }
}

type LoggedIn = (crate::client::wire::SessionView, String, sessions::SetCookie);

async fn log_in(site: &Site, browser: &Browser, asked: &OidcReturn, named: &mut Named) -> Answer<LoggedIn> {
    let oidc = provider(site)?;
    browser.may_log_in(site)?;
    let now = site.clock.now();
    let pending = browser.pending.as_ref().filter(|pending| pending.holds(now)).ok_or_else(not_begun)?;
    let state = pending.state();
    if asked.state.as_deref() != Some(state.as_str()) || !site.door.0.spent.end(&state, Instant::now()) {
        return Err(not_begun());
    }
    let code = match (&asked.code, &asked.error) {
        (Some(code), None) => code,
        (_, Some(error)) => {
            let error: String = error.chars().filter(char::is_ascii_graphic).take(64).collect();
            let detail = format!("the provider did not let you log in ({error})");
            return Err(Problem::new(StatusCode::FORBIDDEN, "oidc.refused", detail));
        }
        (None, None) => return Err(not_begun()),
    };
    let returned = Returned { code, issuer: asked.iss.as_deref() };
    let person = oidc.person(pending, returned, now).await.map_err(problem_of)?;
    let account = admitted(site, oidc, &person, named).await?;
    named.0 = vec![format!("account {}", account.name)];
    let (set_cookie, axum::Json(session)) = sessions::begin(site, browser, &account).await?;
    Ok((session, pending.next().to_owned(), set_cookie))
}

/// The account of somebody whom the provider knows, as their groups let them have it now.
async fn admitted(site: &Site, oidc: &Oidc, person: &Person, named: &mut Named) -> Answer<Account> {
    let found = site.flow.catalog.account_of_subject(&person.subject).await?;
    named.0 = vec![
        found
            .as_ref()
            .map_or_else(|| format!("oidc {}", person.subject), |account| format!("account {}", account.name)),
    ];
    let grant = match person.grant(&oidc.access) {
        Ok(grant) => grant,
        Err(kept_out) => {
            if let Some(account) = found {
                end_all(site, &account).await?;
            }
            return Err(problem_of_kept_out(kept_out, &oidc.access));
        }
    };
    let Some(account) = found else { return make(site, &oidc.access, person, grant).await };
    if account.disabled_at.is_some() {
        let detail = "the account is refused here; an administrator can let it in again";
        return Err(Problem::new(StatusCode::FORBIDDEN, "oidc.disabled", detail));
    }
    if account.role == grant.role && account.verticals == grant.verticals {
        return Ok(account);
    }
    let granted = |account: Account| Account { role: grant.role, verticals: grant.verticals.clone(), ..account };
    let account = changed_account(site, &account.id, granted).await?.ok_or_else(not_begun)?;
    site.uploads.token_revoked(&account.as_token(None));
    Ok(account)
}

/// Ends every session of somebody whom the provider's word keeps out now.
async fn end_all(site: &Site, account: &Account) -> Answer<()> {
    let ended = |account: Account| Account { epoch: account.epoch + 1, ..account };
    changed_account(site, &account.id, ended).await?;
    site.uploads.token_revoked(&account.as_token(None));
    Ok(())
}

/// An account for somebody who never was here. A name that somebody else has, or that looks like it, is not theirs: the next one is tried.
async fn make(site: &Site, access: &OidcAccess, person: &Person, grant: &GroupGrant) -> Answer<Account> {
    let catalog = &site.flow.catalog;
    if catalog.count_accounts().await? >= ACCOUNTS_MAX as u64 {
        let detail = format!("there are {ACCOUNTS_MAX} accounts, which is the limit: remove some first");
        return Err(Problem::new(StatusCode::CONFLICT, "account.too_many", detail));
    }
    for name in person.names() {
        if is_taken_for_another(&**catalog, &name).await? {
            continue;
        }
        let made = Account::new(&name, grant.role, grant.verticals.clone(), &access.issuer, site.clock.now());
        let account = Account { subject: Some(person.subject.clone()), ..made };
        if catalog.add_account(&account, false).await? == Added::Added {
            return Ok(account);
        }
        // Two log-ins of one person at once: the other one has made it.
        if let Some(account) = catalog.account_of_subject(&person.subject).await? {
            return Ok(account);
        }
    }
    Err(Problem::new(
        StatusCode::CONFLICT,
        "account.name_taken",
        "every name for the account is taken; an administrator can remove one",
    ))
}

fn provider(site: &Site) -> Answer<&Oidc> {
    let off = || Problem::new(StatusCode::NOT_FOUND, "oidc.off", "this server has no OpenID provider (console.oidc)");
    site.door.0.oidc.as_ref().ok_or_else(off)
}

/// A browser that did not begin this log-in, or began it long ago, or has ended it.
fn not_begun() -> Problem {
    let detail = "this log-in was not begun in this browser, took longer than 10 minutes, or is over: begin again";
    Problem::new(StatusCode::FORBIDDEN, "oidc.state", detail)
}

fn problem_of(failed: Failed) -> Problem {
    match failed {
        Failed::Away(why) => {
            tracing::warn!(error = why, "the OpenID provider (console.oidc) cannot be reached");
            let detail = "the OpenID provider does not answer; log in with a password, or try again";
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "oidc.unavailable", detail)
        }
        Failed::Wrong(why) => {
            tracing::warn!(error = why, "an answer of the OpenID provider (console.oidc) does not count");
            let detail = "the OpenID provider's answer does not count; the log of the server says why";
            Problem::new(StatusCode::BAD_GATEWAY, "oidc.invalid", detail)
        }
        Failed::Code(_) => not_begun(),
        Failed::Busy => Problem::busy(),
    }
}

fn problem_of_kept_out(kept_out: KeptOut, access: &OidcAccess) -> Problem {
    let whom = if access.contact.is_empty() { "an administrator of the console" } else { access.contact.as_str() };
    match kept_out {
        KeptOut::NoRole => {
            let detail = format!("the provider knows you, and none of your groups may do anything here: ask {whom}");
            Problem::new(StatusCode::FORBIDDEN, "oidc.no_role", detail)
        }
        KeptOut::Domain => {
            let detail = format!("only people with a verified address of certain domains may come in: ask {whom}");
            Problem::new(StatusCode::FORBIDDEN, "oidc.domain", detail)
        }
    }
}
