//! Accounts: listed, made, changed and removed by administrators, each within the verticals of their own; and the sessions of each.
//!
//! No administrator ever knows a password: an account that is made or reset gets a one-time link, by which its owner sets one.

use axum::{Extension, extract::State, http::StatusCode, response::IntoResponse};

use super::{
    super::{
        input::{Json, Paging, Path, Query},
        rights::{Admin, Caller, Viewer},
        sessions::idle,
    },
    problems::Problems,
    session::changed_account,
};
use crate::{
    catalog::people::{Added, is_taken_for_another},
    client::wire::{
        AccountChange, AccountLink, AccountSession, AccountView, EndedSessions, NewAccount, Page, RemovedAccount,
    },
    model::{
        account::{ACCOUNTS_MAX, Account, FIRST_LINKS_MAX, Link, Secret, Session, fold, fold_new, welcome_path},
        token::{Role, Verticals},
    },
    serve::{
        audited::Named,
        problem::{Answer, Problem},
        site::Site,
    },
};

/// Accounts that are read at a time, where all are.
const AT_ONCE: usize = 1000;

/// What the audit trail calls an account.
fn named(account: &Account) -> Extension<Named> {
    Extension(Named(vec![format!("account {}", account.name)]))
}

fn none() -> Problem {
    Problem::not_found("such account")
}

/// The account of an id or a name, where the caller may see it.
async fn find(site: &Site, caller: &Caller, id_or_name: &str) -> Answer<Account> {
    let by_id = site.flow.catalog.account(id_or_name).await?;
    let found = match (by_id, fold(id_or_name)) {
        (None, Ok(name)) => site.flow.catalog.account_named(&name).await?,
        (by_id, _) => by_id,
    };
    found.filter(|account| caller.covers(&account.verticals)).ok_or_else(none)
}

fn require_covered(caller: &Caller, verticals: &Verticals) -> Answer<()> {
    if caller.covers(verticals) {
        return Ok(());
    }
    let detail = "an administrator who is limited to verticals makes only accounts that are limited to them too";
    Err(Problem::new(StatusCode::FORBIDDEN, "auth.vertical", detail))
}

/// Refuses what would leave nobody who may do everything.
async fn require_another_chief(site: &Site, account: &Account) -> Answer<()> {
    if !account.is_chief() {
        return Ok(());
    }
    let mut after = String::new();
    loop {
        let page = site.flow.catalog.accounts(&after, AT_ONCE).await?;
        if page.iter().any(|other| other.id != account.id && other.is_chief() && other.password.is_some()) {
            return Ok(());
        }
        match page.last().filter(|_| page.len() == AT_ONCE) {
            Some(last) => after.clone_from(&last.id),
            None => break,
        }
    }
    let detail = "this is the last administrator of all verticals who can log in: make another one first";
    Err(Problem::new(StatusCode::CONFLICT, "account.last_admin", detail))
}

/// A new link for the password of an account.
async fn link_for(site: &Site, account: &Account) -> Answer<AccountLink> {
    let (secret, link) = (Secret::generate(), Link::new(Some(account), site.clock.now()));
    site.flow.catalog.add_link(&link, &secret.hash()).await?;
    Ok(AccountLink { link: welcome_path(&secret), expires: link.expires, account: Some(account.into()) })
}

/// Takes the keys by which an account's sessions upload.
fn take_keys(site: &Site, account: &Account) {
    site.uploads.token_revoked(&account.as_token(None));
}

/// The accounts.
#[utoipa::path(
    get,
    path = "/api/v1/accounts",
    operation_id = "list_accounts",
    tag = "accounts",
    params(Paging),
    responses((status = 200, description = "Accounts in the order of their ids.", body = Page<AccountView>), Problems),
    security(("token" = ["admin"]))
)]
pub(super) async fn list(
    State(site): State<Site>,
    Admin(caller): Admin,
    Query(paging): Query<Paging>,
) -> Answer<axum::Json<Page<AccountView>>> {
    let limit = paging.limit()?;
    let accounts = site.flow.catalog.accounts(paging.after()?, limit).await?;
    let next = accounts.last().filter(|_| accounts.len() == limit).map(|account| account.id.clone());
    let seen = accounts.iter().filter(|account| caller.covers(&account.verticals));
    Ok(axum::Json(Page { items: seen.map(AccountView::from).collect(), next }))
}

/// Makes an account. The link of the answer, by which its owner sets a password, is nowhere else.
#[utoipa::path(
    post,
    path = "/api/v1/accounts",
    operation_id = "create_account",
    tag = "accounts",
    request_body = NewAccount,
    responses((status = 201, description = "The account with its link.", body = AccountLink), Problems),
    security(("token" = ["admin"]))
)]
pub(super) async fn create(
    State(site): State<Site>,
    Admin(caller): Admin,
    Json(asked): Json<NewAccount>,
) -> Answer<impl IntoResponse> {
    let name = fold_new(&asked.name).map_err(Problem::invalid)?;
    require_covered(&caller, &asked.verticals)?;
    if site.flow.catalog.count_accounts().await? >= ACCOUNTS_MAX as u64 {
        let detail = format!("there are {ACCOUNTS_MAX} accounts, which is the limit: remove some first");
        return Err(Problem::new(StatusCode::CONFLICT, "account.too_many", detail));
    }
    if is_taken_for_another(&*site.flow.catalog, &name).await? {
        // Whose name it is may be more than the caller may see.
        let detail = format!("{name} looks like the name of another account; choose one that nobody takes for it");
        return Err(Problem::new(StatusCode::CONFLICT, "account.name_confusable", detail));
    }
    let made = Account::new(&name, asked.role, asked.verticals, &caller.name, site.clock.now());
    let account = Account { language: asked.language.unwrap_or(made.language), ..made };
    if site.flow.catalog.add_account(&account, false).await? != Added::Added {
        let detail = format!("there is an account {name} already; choose another name");
        return Err(Problem::new(StatusCode::CONFLICT, "account.name_taken", detail));
    }
    Ok((StatusCode::CREATED, named(&account), axum::Json(link_for(&site, &account).await?)))
}

/// An account.
#[utoipa::path(
    get,
    path = "/api/v1/accounts/{account}",
    operation_id = "account",
    tag = "accounts",
    params(("account" = String, Path, description = "Its id or its name.")),
    responses((status = 200, description = "The account.", body = AccountView), Problems),
    security(("token" = ["admin"]))
)]
pub(super) async fn one(
    State(site): State<Site>,
    Admin(caller): Admin,
    Path(named_by): Path<String>,
) -> Answer<axum::Json<AccountView>> {
    Ok(axum::Json((&find(&site, &caller, &named_by).await?).into()))
}

/// Changes an account; one that is disabled loses its sessions and links at once.
#[utoipa::path(
    patch,
    path = "/api/v1/accounts/{account}",
    operation_id = "change_account",
    tag = "accounts",
    params(("account" = String, Path, description = "Its id or its name.")),
    request_body = AccountChange,
    responses((status = 200, description = "As it is now.", body = AccountView), Problems),
    security(("token" = ["admin"]))
)]
pub(super) async fn change(
    State(site): State<Site>,
    Admin(caller): Admin,
    Path(named_by): Path<String>,
    Json(asked): Json<AccountChange>,
) -> Answer<impl IntoResponse> {
    let before = find(&site, &caller, &named_by).await?;
    if let Some(verticals) = &asked.verticals {
        require_covered(&caller, verticals)?;
    }
    let now = site.clock.now();
    let change = |account: Account| {
        let disabled_at = match asked.disabled {
            Some(true) => account.disabled_at.or(Some(now)),
            Some(false) => None,
            None => account.disabled_at,
        };
        Account {
            role: asked.role.unwrap_or(account.role),
            verticals: asked.verticals.clone().unwrap_or(account.verticals),
            language: asked.language.unwrap_or(account.language),
            epoch: account.epoch + u64::from(asked.disabled == Some(true)),
            disabled_at,
            ..account
        }
    };
    if !change(before.clone()).is_chief() {
        require_another_chief(&site, &before).await?;
    }
    let account = changed_account(&site, &before.id, change).await?.ok_or_else(none)?;
    if account.disabled_at.is_some() || account.role < Role::Operator || account.verticals != before.verticals {
        take_keys(&site, &account);
    }
    Ok((named(&account), axum::Json(AccountView::from(&account))))
}

/// Removes an account. What it did stays in the history and in the audit trail under its name.
#[utoipa::path(
    delete,
    path = "/api/v1/accounts/{account}",
    operation_id = "remove_account",
    tag = "accounts",
    params(("account" = String, Path, description = "Its id or its name.")),
    responses((status = 200, description = "It is gone.", body = RemovedAccount), Problems),
    security(("token" = ["admin"]))
)]
pub(super) async fn remove(
    State(site): State<Site>,
    Admin(caller): Admin,
    Path(named_by): Path<String>,
) -> Answer<impl IntoResponse> {
    let account = find(&site, &caller, &named_by).await?;
    require_another_chief(&site, &account).await?;
    take_keys(&site, &account);
    if !site.flow.catalog.remove_account(&account.id).await? {
        return Err(none());
    }
    Ok((named(&account), axum::Json(RemovedAccount { removed: account.id })))
}

/// Takes the password away, ends every session, and makes a link to set a new one.
#[utoipa::path(
    post,
    path = "/api/v1/accounts/{account}/reset",
    operation_id = "reset_account",
    tag = "accounts",
    params(("account" = String, Path, description = "Its id or its name.")),
    responses((status = 200, description = "The account with its link.", body = AccountLink), Problems),
    security(("token" = ["admin"]))
)]
pub(super) async fn reset(
    State(site): State<Site>,
    Admin(caller): Admin,
    Path(named_by): Path<String>,
) -> Answer<impl IntoResponse> {
    let before = find(&site, &caller, &named_by).await?;
    let account = changed_account(&site, &before.id, Account::reset).await?.ok_or_else(none)?;
    site.flow.catalog.remove_links(Some(&account.id)).await?;
    take_keys(&site, &account);
    Ok((named(&account), axum::Json(link_for(&site, &account).await?)))
}

/// The account whose sessions are asked for: one's own, or one that an administrator may see.
async fn of_sessions(site: &Site, caller: &Caller, id_or_name: &str) -> Answer<Account> {
    if let Some(own) = caller.session.as_ref().map(|logged_in| &logged_in.account)
        && (own.id == id_or_name || fold(id_or_name).is_ok_and(|name| name == own.name))
    {
        return Ok(own.clone());
    }
    if caller.role < Role::Admin {
        return Err(none());
    }
    find(site, caller, id_or_name).await
}

/// The sessions of an account, the newest first: everybody's own, and of others for administrators.
#[utoipa::path(
    get,
    path = "/api/v1/accounts/{account}/sessions",
    operation_id = "list_sessions",
    tag = "accounts",
    params(("account" = String, Path, description = "Its id or its name.")),
    responses((status = 200, description = "Those that hold.", body = Page<AccountSession>), Problems),
    security(("token" = ["viewer"]))
)]
pub(super) async fn sessions(
    State(site): State<Site>,
    Viewer(caller): Viewer,
    Path(named_by): Path<String>,
) -> Answer<axum::Json<Page<AccountSession>>> {
    let account = of_sessions(&site, &caller, &named_by).await?;
    let current = caller.session.as_ref().map(|logged_in| logged_in.session.id.as_str());
    let items = living(&site, &account).await?.into_iter().map(|session| AccountSession {
        current: current == Some(session.id.as_str()),
        id: session.id,
        created_at: session.created_at,
        last_used: session.last_used,
        expires: session.expires,
        address: session.address,
        browser: session.browser,
    });
    Ok(axum::Json(Page { items: items.collect(), next: None }))
}

async fn living(site: &Site, account: &Account) -> Answer<Vec<Session>> {
    let (now, idle) = (site.clock.now(), idle(site));
    let sessions = site.flow.catalog.sessions_of(&account.id).await?;
    Ok(sessions.into_iter().filter(|session| session.holds(account, now, idle)).collect())
}

/// Ends all sessions of an account, at once: everybody's own, and of others for administrators. Its password stays.
#[utoipa::path(
    delete,
    path = "/api/v1/accounts/{account}/sessions",
    operation_id = "end_sessions",
    tag = "accounts",
    params(("account" = String, Path, description = "Its id or its name.")),
    responses((status = 200, description = "They have ended.", body = EndedSessions), Problems),
    security(("token" = ["viewer"]))
)]
pub(super) async fn end_sessions(
    State(site): State<Site>,
    Viewer(caller): Viewer,
    Path(named_by): Path<String>,
) -> Answer<impl IntoResponse> {
    let account = of_sessions(&site, &caller, &named_by).await?;
    let ended = living(&site, &account).await?;
    for session in &ended {
        site.flow.catalog.end_session(&session.id).await?;
    }
    take_keys(&site, &account);
    Ok((named(&account), axum::Json(EndedSessions { ended: ended.len() as u64 })))
}

/// Ends a session of an account, at once: everybody's own, and of others for administrators.
#[utoipa::path(
    delete,
    path = "/api/v1/accounts/{account}/sessions/{session}",
    operation_id = "end_session",
    tag = "accounts",
    params(
        ("account" = String, Path, description = "Its id or its name."),
        ("session" = String, Path, description = "The session's id."),
    ),
    responses((status = 200, description = "It has ended.", body = EndedSessions), Problems),
    security(("token" = ["viewer"]))
)]
pub(super) async fn end_session(
    State(site): State<Site>,
    Viewer(caller): Viewer,
    Path((named_by, id)): Path<(String, String)>,
) -> Answer<impl IntoResponse> {
    let account = of_sessions(&site, &caller, &named_by).await?;
    let is_its = site.flow.catalog.sessions_of(&account.id).await?.iter().any(|session| session.id == id);
    if !is_its || !site.flow.catalog.end_session(&id).await? {
        return Err(Problem::not_found("such session of this account"));
    }
    Ok((named(&account), axum::Json(EndedSessions { ended: 1 })))
}

/// Makes the link by which the first administrator chooses a name and a password, while there is no account.
#[utoipa::path(
    post,
    path = "/api/v1/first-link",
    operation_id = "first_link",
    tag = "accounts",
    responses((status = 201, description = "The link.", body = AccountLink), Problems),
    security(("token" = ["admin"]))
)]
pub(super) async fn first_link(State(site): State<Site>, Admin(caller): Admin) -> Answer<impl IntoResponse> {
    require_covered(&caller, &Verticals::All)?;
    let catalog = &site.flow.catalog;
    if catalog.count_accounts().await? > 0 {
        let detail = "there are accounts already: reset one for somebody who cannot log in";
        return Err(Problem::new(StatusCode::CONFLICT, "account.exists", detail));
    }
    if catalog.count_links(None).await? >= FIRST_LINKS_MAX as u64 {
        catalog.remove_links(None).await?;
    }
    let (secret, link) = (Secret::generate(), Link::new(None, site.clock.now()));
    catalog.add_link(&link, &secret.hash()).await?;
    let body = AccountLink { link: welcome_path(&secret), expires: link.expires, account: None };
    Ok((StatusCode::CREATED, axum::Json(body)))
}
