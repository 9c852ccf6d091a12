//! Logging in and out, and what a page needs to know of whoever looks at it.
//!
//! Whoever logs in gets a new session, whatever cookie they sent (session fixation), and the same answer after the same work for a wrong
//! password, a name that nobody has, and an account that is refused.

use axum::{Extension, extract::State, http::StatusCode, response::IntoResponse};

use super::{
    super::{
        input::Json,
        rights::{LoggedIn, Viewer},
        sessions::{self, Anybody, Browser},
    },
    problems::Problems,
};
use crate::{
    catalog::people::Added,
    client::wire::{LinkToCheck, LinkUse, LinkView, LogIn, NewPassword, OwnChange, SessionView},
    model::{
        account::{Account, Link, PasswordHash, Secret, fault_of_password, fold, fold_new},
        token::{Role, Verticals},
    },
    serve::{
        audited::{Named, NotesItself},
        login::passwords::is_outdated,
        problem::{Answer, Problem},
        site::Site,
    },
};

/// How often a change of an account is tried that others come between.
const TRIES: usize = 3;
/// Characters of a name that nobody has in the audit trail: people type their password there.
const UNKNOWN_NAME_CHARS: usize = 4;

/// Logs in: with a name and its password.
#[utoipa::path(
    post,
    path = "/api/v1/session",
    operation_id = "log_in",
    tag = "session",
    request_body = LogIn,
    responses((status = 201, description = "The session, and its cookie.", body = SessionView), Problems),
    security(())
)]
pub(super) async fn log_in(
    State(site): State<Site>,
    Anybody(browser): Anybody,
    Json(asked): Json<LogIn>,
) -> axum::response::Response {
    let name = fold(&asked.name);
    let named = |account: Option<&Account>| match account {
        Some(account) => format!("account {}", account.name),
        None => format!("unknown account {}…", asked.name.chars().take(UNKNOWN_NAME_CHARS).collect::<String>()),
    };
    let mut found = None;
    match prove(&site, &browser, name.as_deref().ok(), &asked, &mut found).await {
        Ok(account) => match sessions::begin(&site, &browser, &account).await {
            Ok(answer) => (StatusCode::CREATED, Extension(Named(vec![named(Some(&account))])), answer).into_response(),
            Err(problem) => problem.into_response(),
        },
        Err(problem) => (Extension(Named(vec![named(found.as_ref())])), problem).into_response(),
    }
}

/// The account, where the password is its own. `found` is whose name it is, also where the password is not.
async fn prove(
    site: &Site,
    browser: &Browser,
    name: Option<&str>,
    asked: &LogIn,
    found: &mut Option<Account>,
) -> Answer<Account> {
    browser.may_log_in(site)?;
    let attempt = sessions::attempt(site, browser, name.unwrap_or(&asked.name)).await?;
    let looked = match name {
        Some(name) => site.flow.catalog.account_named(name).await,
        None => Ok(None),
    };
    *found = match looked {
        Ok(account) => account,
        Err(error) => {
            attempt.was_not_looked_at();
            return Err(error.into());
        }
    };
    let usable = found.as_ref().filter(|account| account.disabled_at.is_none());
    let hash = usable.and_then(|account| account.password.as_ref());
    let password = asked.password.expose();
    match site.door.0.passwords.is_right(password, hash).await {
        Ok(true) => attempt.was_right(),
        Ok(false) => return Err(wrong()),
        Err(problem) => {
            attempt.was_not_looked_at();
            return Err(problem);
        }
    }
    let account = usable.cloned().ok_or_else(wrong)?;
    Ok(renewed(site, account, password).await)
}

/// The account with its password hashed as it is now, where it was hashed otherwise. It may fail: the password is right.
async fn renewed(site: &Site, account: Account, password: &str) -> Account {
    if account.password.as_ref().is_none_or(|hash| !is_outdated(hash)) {
        return account;
    }
    let Ok(hash) = site.door.0.passwords.hash(password).await else { return account };
    let renewed = Account { password: Some(hash), ..account.clone() };
    match site.flow.catalog.change_account(&renewed).await {
        Ok(true) => Account { version: renewed.version + 1, ..renewed },
        _ => account,
    }
}

fn wrong() -> Problem {
    let detail = "the name or the password is wrong, or the account is refused; an administrator can reset it";
    Problem::new(StatusCode::UNAUTHORIZED, "auth.login", detail)
}

/// Who is logged in, and what their pages need to know.
#[utoipa::path(
    get,
    path = "/api/v1/session",
    operation_id = "session",
    tag = "session",
    responses((status = 200, description = "Who asks.", body = SessionView), Problems),
    security(("token" = ["viewer"]))
)]
pub(super) async fn show(State(site): State<Site>, Viewer(caller): Viewer) -> Answer<axum::Json<SessionView>> {
    Ok(axum::Json(sessions::view(&site, &caller).await?))
}

/// Changes what everybody may change of their own account.
#[utoipa::path(
    patch,
    path = "/api/v1/session",
    operation_id = "change_own_account",
    tag = "session",
    request_body = OwnChange,
    responses((status = 200, description = "As it is now.", body = SessionView), Problems),
    security(("token" = ["viewer"]))
)]
pub(super) async fn change(
    State(site): State<Site>,
    Viewer(mut caller): Viewer,
    Json(asked): Json<OwnChange>,
) -> Answer<axum::Json<SessionView>> {
    let logged_in = caller.session.as_mut().ok_or_else(nobody)?;
    let changed = |account: Account| Account { language: asked.language, ..account };
    logged_in.account = changed_account(&site, &logged_in.account.id, changed).await?.ok_or_else(nobody)?;
    Ok(axum::Json(sessions::view(&site, &caller).await?))
}

/// Logs out: the session ends, and its cookie goes.
#[utoipa::path(
    delete,
    path = "/api/v1/session",
    operation_id = "log_out",
    tag = "session",
    responses((status = 204, description = "Logged out."), Problems),
    security(("token" = ["viewer"]))
)]
pub(super) async fn log_out(
    State(site): State<Site>,
    Viewer(caller): Viewer,
    browser: Browser,
) -> Answer<impl IntoResponse> {
    if let Some(logged_in) = &caller.session {
        site.flow.catalog.end_session(&logged_in.session.id).await?;
    }
    Ok((StatusCode::NO_CONTENT, browser.forget()))
}

/// Sets a new password of one's own. Every other session of the account ends; this one goes on as a new one.
#[utoipa::path(
    post,
    path = "/api/v1/session/password",
    operation_id = "change_password",
    tag = "session",
    request_body = NewPassword,
    responses((status = 200, description = "The new session, and its cookie.", body = SessionView), Problems),
    security(("token" = ["viewer"]))
)]
pub(super) async fn change_password(
    State(site): State<Site>,
    Viewer(caller): Viewer,
    browser: Browser,
    Json(asked): Json<NewPassword>,
) -> Answer<impl IntoResponse> {
    let LoggedIn { account, .. } = caller.session.ok_or_else(nobody)?;
    let attempt = sessions::attempt(&site, &browser, &account.name).await?;
    match site.door.0.passwords.is_right(asked.current.expose(), account.password.as_ref()).await {
        Ok(true) => attempt.was_right(),
        Ok(false) => {
            let detail = "the current password is wrong";
            return Err(Problem::new(StatusCode::FORBIDDEN, "password.wrong", detail));
        }
        Err(problem) => {
            attempt.was_not_looked_at();
            return Err(problem);
        }
    }
    let hash = chosen(&site, asked.password.expose(), &account.name).await?;
    let changed = Account { password: Some(hash), epoch: account.epoch + 1, ..account };
    if !site.flow.catalog.change_account(&changed).await? {
        return Err(came_between());
    }
    let answer = sessions::begin(&site, &browser, &changed).await?;
    Ok((Extension(Named(vec![format!("account {}", changed.name)])), answer))
}

/// What a one-time link is for.
#[utoipa::path(
    post,
    path = "/api/v1/session/link/check",
    operation_id = "check_link",
    tag = "session",
    request_body = LinkToCheck,
    responses((status = 200, description = "Whose it is.", body = LinkView), Problems),
    security(())
)]
pub(super) async fn check_link(
    State(site): State<Site>,
    Anybody(_): Anybody,
    Json(asked): Json<LinkToCheck>,
) -> Answer<impl IntoResponse> {
    let (link, account) = usable_link(&site, asked.link.expose()).await?;
    let view = LinkView { name: account.map(|account| account.name), expires: link.expires };
    // It changes nothing, whatever its method.
    Ok((Extension(NotesItself), axum::Json(view)))
}

/// Uses a one-time link: sets the password, and logs in.
#[utoipa::path(
    post,
    path = "/api/v1/session/link",
    operation_id = "use_link",
    tag = "session",
    request_body = LinkUse,
    responses((status = 201, description = "The session, and its cookie.", body = SessionView), Problems),
    security(())
)]
pub(super) async fn use_link(
    State(site): State<Site>,
    Anybody(browser): Anybody,
    Json(asked): Json<LinkUse>,
) -> Answer<impl IntoResponse> {
    browser.may_log_in(&site)?;
    let (link, account) = usable_link(&site, asked.link.expose()).await?;
    let account = match account {
        Some(account) => set_password(&site, &link, account, &asked).await?,
        None => first_administrator(&site, &asked).await?,
    };
    // What is left of them does nothing: it is of an older epoch.
    site.flow.catalog.remove_links(link.account.as_deref()).await?;
    let answer = sessions::begin(&site, &browser, &account).await?;
    Ok((StatusCode::CREATED, Extension(Named(vec![format!("account {}", account.name)])), answer))
}

/// The link of a text with its account, where it can still be used; the first administrator's has none, and holds while there is none.
async fn usable_link(site: &Site, text: &str) -> Answer<(Link, Option<Account>)> {
    let secret = Secret::parse(text.trim()).ok_or_else(no_link)?;
    let link = site.flow.catalog.link_of(&secret.hash()).await?.ok_or_else(no_link)?;
    if !link.holds(site.clock.now()) {
        return Err(no_link());
    }
    let Some(id) = &link.account else {
        let is_first = site.flow.catalog.count_accounts().await? == 0;
        return if is_first { Ok((link, None)) } else { Err(no_link()) };
    };
    let account = site.flow.catalog.account(id).await?.ok_or_else(no_link)?;
    let is_usable = account.epoch == link.epoch && account.disabled_at.is_none();
    if is_usable { Ok((link, Some(account))) } else { Err(no_link()) }
}

async fn set_password(site: &Site, link: &Link, account: Account, asked: &LinkUse) -> Answer<Account> {
    let hash = chosen(site, asked.password.expose(), &account.name).await?;
    let set = |account: Account| Account {
        password: Some(hash.clone()),
        epoch: account.epoch + 1,
        language: asked.language.unwrap_or(account.language),
        ..account
    };
    let mut account = account;
    for _ in 0..TRIES {
        let changed = set(account.clone());
        if site.flow.catalog.change_account(&changed).await? {
            return Ok(Account { version: changed.version + 1, ..changed });
        }
        // Somebody changed the account, perhaps by this very link: then it is of an older epoch.
        let again = site.flow.catalog.account(&account.id).await?.ok_or_else(no_link)?;
        account = Some(again).filter(|again| again.epoch == link.epoch).ok_or_else(no_link)?;
    }
    Err(came_between())
}

async fn first_administrator(site: &Site, asked: &LinkUse) -> Answer<Account> {
    let name = asked
        .name
        .as_deref()
        .ok_or_else(|| Problem::invalid("name is missing: the first administrator chooses one"))?;
    let name = fold_new(name).map_err(Problem::invalid)?;
    let hash = chosen(site, asked.password.expose(), &name).await?;
    let made = Account::new(&name, Role::Admin, Verticals::All, "the first start", site.clock.now());
    let account = Account { password: Some(hash), language: asked.language.unwrap_or(made.language), ..made };
    match site.flow.catalog.add_account(&account, true).await? {
        Added::Added => Ok(account),
        Added::NameTaken | Added::NotFirst => Err(no_link()),
    }
}

/// The hash of a password that somebody chose.
async fn chosen(site: &Site, password: &str, name: &str) -> Answer<PasswordHash> {
    if let Some(fault) = fault_of_password(password, name) {
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "password.weak", fault));
    }
    site.door.0.passwords.hash(password).await
}

/// An account as `change` makes it, whatever comes between; none where there is none of this id.
pub(super) async fn changed_account(
    site: &Site,
    id: &str,
    change: impl Fn(Account) -> Account,
) -> Answer<Option<Account>> {
    for _ in 0..TRIES {
        let Some(account) = site.flow.catalog.account(id).await? else { return Ok(None) };
        let changed = change(account);
        if site.flow.catalog.change_account(&changed).await? {
            return Ok(Some(Account { version: changed.version + 1, ..changed }));
        }
    }
    Err(came_between())
}

fn came_between() -> Problem {
    Problem::new(StatusCode::CONFLICT, "conflict", "somebody else changed the account at the same time; try again")
}

fn no_link() -> Problem {
    let detail = "this link was used, has ended, or is not all of it; an administrator makes another one, and on the server's machine \
                  `cameo account link` or `cameo account reset NAME`";
    Problem::new(StatusCode::NOT_FOUND, "session.link", detail)
}

fn nobody() -> Problem {
    Problem::new(StatusCode::CONFLICT, "session.none", "this is for somebody who is logged in with an account")
}
