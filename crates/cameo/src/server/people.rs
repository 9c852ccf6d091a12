//! Accounts as the server's own machine makes them: the link of a first start, and what `cameo account` does where no server is running.

use jiff::Timestamp;

use super::data_folder::Running;
use crate::{
    catalog::{
        Catalog,
        people::{Added, is_taken_for_another},
    },
    client::wire::{AccountLink, NewAccount},
    config::{Config, TlsListener},
    model::{
        account::{Account, FIRST_LINKS_MAX, Link, Secret, fold, fold_new, welcome_path},
        error::{Error, Kind, Place, Result},
    },
};

/// How often a change of an account is tried that others come between.
const TRIES: usize = 3;

/// A link by which the first administrator chooses a name and a password; none once there is an account.
pub async fn first_link(catalog: &dyn Catalog, now: Timestamp) -> Result<Option<AccountLink>> {
    if catalog.count_accounts().await? > 0 {
        return Ok(None);
    }
    if catalog.count_links(None).await? >= FIRST_LINKS_MAX as u64 {
        catalog.remove_links(None).await?;
    }
    let (secret, link) = (Secret::generate(), Link::new(None, now));
    catalog.add_link(&link, &secret.hash()).await?;
    Ok(Some(AccountLink { link: welcome_path(&secret), expires: link.expires, account: None }))
}

/// The address of such a link, at a start: a database that does not answer now must not keep a server from starting.
pub(super) async fn announced_link(
    config: &Config,
    running: &Running,
    catalog: &dyn Catalog,
    now: Timestamp,
) -> Option<String> {
    let base = console_base(config, running)?;
    match first_link(catalog, now).await {
        Ok(made) => made.map(|made| format!("{base}{}", made.link)),
        Err(error) => {
            tracing::warn!(%error, "the link for the first administrator could not be made; `cameo account link` makes one");
            None
        }
    }
}

/// The console's address for people, if it is on: the configured one, or under its name where a proxy with TLS is in front of it or it has a
/// certificate itself.
pub fn console_base(config: &Config, running: &Running) -> Option<String> {
    let local = running.console.clone()?;
    let console = &config.console;
    if !console.public_url.is_empty() {
        return Some(console.public_url.clone());
    }
    match console.hosts.first() {
        Some(host) if !console.trusted_proxies.is_empty() => Some(format!("https://{host}")),
        Some(host) if config.server.tls.covers(TlsListener::Console) => {
            let port = local.rsplit_once(':').map(|(_, port)| port).filter(|port| *port != "443");
            Some(port.map_or_else(|| format!("https://{host}"), |port| format!("https://{host}:{port}")))
        }
        _ => Some(local),
    }
}

/// Makes an account; none where the name is taken.
pub async fn create_account(catalog: &dyn Catalog, asked: &NewAccount, now: Timestamp) -> Result<Option<AccountLink>> {
    let name = fold_new(&asked.name).map_err(misnamed)?;
    if is_taken_for_another(catalog, &name).await? {
        return Err(misnamed(format!(
            "{name} looks like the name of another account; choose one that nobody takes for it"
        )));
    }
    let made = Account::new(&name, asked.role, asked.verticals.clone(), "local", now);
    let account = Account { language: asked.language.unwrap_or(made.language), ..made };
    if catalog.add_account(&account, false).await? != Added::Added {
        return Ok(None);
    }
    link_for(catalog, &account, now).await.map(Some)
}

/// Takes an account's password away, ends its sessions and makes a link to set a new one; none where there is no such account.
pub async fn reset_account(catalog: &dyn Catalog, name: &str, now: Timestamp) -> Result<Option<AccountLink>> {
    let Some(account) = changed(catalog, name, Account::reset).await? else { return Ok(None) };
    catalog.remove_links(Some(&account.id)).await?;
    link_for(catalog, &account, now).await.map(Some)
}

/// Refuses an account, or lets it in again; none where there is no such account.
pub async fn disable_account(
    catalog: &dyn Catalog,
    name: &str,
    disabled: bool,
    now: Timestamp,
) -> Result<Option<Account>> {
    let change = |account: Account| Account {
        epoch: account.epoch + u64::from(disabled),
        disabled_at: disabled.then(|| account.disabled_at.unwrap_or(now)),
        ..account
    };
    changed(catalog, name, change).await
}

/// The account of an id or a name.
pub async fn find_account(catalog: &dyn Catalog, id_or_name: &str) -> Result<Option<Account>> {
    if let Some(account) = catalog.account(id_or_name).await? {
        return Ok(Some(account));
    }
    match fold(id_or_name) {
        Ok(name) => catalog.account_named(&name).await,
        Err(_) => Ok(None),
    }
}

async fn link_for(catalog: &dyn Catalog, account: &Account, now: Timestamp) -> Result<AccountLink> {
    let (secret, link) = (Secret::generate(), Link::new(Some(account), now));
    catalog.add_link(&link, &secret.hash()).await?;
    Ok(AccountLink { link: welcome_path(&secret), expires: link.expires, account: Some(account.into()) })
}

async fn changed(
    catalog: &dyn Catalog,
    id_or_name: &str,
    change: impl Fn(Account) -> Account,
) -> Result<Option<Account>> {
    for _ in 0..TRIES {
        let Some(account) = find_account(catalog, id_or_name).await? else { return Ok(None) };
        let account = change(account);
        if catalog.change_account(&account).await? {
            return Ok(Some(Account { version: account.version + 1, ..account }));
        }
    }
    let doing = format!("change the account {id_or_name}: somebody else changed it at the same time");
    Err(Error::new(Place::Catalog, Kind::Conflict, doing))
}

fn misnamed(fault: String) -> Error {
    Error::new(Place::System, Kind::Misconfigured, format!("make an account: {fault}"))
}
