//! Accounts, sessions and links on a database server of either kind. Statements are put together, since the servers write placeholders
//! differently.

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::QueryBuilder;

use super::{
    dialect::Fetch,
    reads::{OnServer, ServerReader},
};
use crate::{
    catalog::{
        people::{Added, People},
        people_columns::{AccountColumns, LinkColumns, SessionColumns},
    },
    clock::to_millis,
    model::{
        account::{Account, Link, PasswordHash, Session},
        error::{Kind, Result},
        token::SecretHash,
    },
};

const SELECT: &str =
    "SELECT id, name, language, role, verticals, password, subject, epoch, version, created_at, created_by,
    disabled_at, last_login_at FROM cameo_accounts WHERE ";
const INSERT: &str =
    "INSERT INTO cameo_accounts (first_admin, id, name, language, role, verticals, password, subject, epoch, version,
    created_at, created_by, disabled_at, last_login_at) VALUES (";
const SELECT_SESSION: &str =
    "SELECT id, account_id, epoch, created_at, last_used_at, expires_at, address, browser FROM cameo_sessions WHERE ";
const INSERT_SESSION: &str =
    "INSERT INTO cameo_sessions (id, secret_sha256, account_id, epoch, created_at, last_used_at, expires_at, address,
    browser) VALUES (";
const SELECT_LINK: &str = "SELECT account_id, epoch, created_at, expires_at FROM cameo_links WHERE secret_sha256 = ";
const INSERT_LINK: &str = "INSERT INTO cameo_links (secret_sha256, account_id, epoch, created_at, expires_at) VALUES (";

/// A value of a statement.
enum Value<'v> {
    Text(&'v str),
    Number(i64),
    Null,
}

impl<'v> Value<'v> {
    fn text(text: Option<&'v str>) -> Self {
        text.map_or(Self::Null, Self::Text)
    }

    fn time(at: Option<Timestamp>) -> Self {
        at.map_or(Self::Null, |at| Self::Number(to_millis(at)))
    }

    fn count(number: u64) -> Self {
        Self::Number(i64::try_from(number).unwrap_or(i64::MAX))
    }

    fn push<D: Fetch>(&self, query: &mut QueryBuilder<D>) {
        match self {
            Self::Text(text) => D::push_text(query, text),
            Self::Number(number) => D::push_number(query, *number),
            // A literal: what has no type cannot be bound alike everywhere.
            Self::Null => {
                query.push("NULL");
            }
        }
    }
}

/// A statement with values between its parts.
fn statement<D: Fetch>(parts: &[(&str, Value<'_>)]) -> QueryBuilder<D> {
    let mut query = QueryBuilder::new("");
    for (text, value) in parts {
        query.push(*text);
        value.push(&mut query);
    }
    query
}

/// `INSERT … VALUES (` with the values.
fn insert<D: Fetch>(into: &str, values: &[Value<'_>]) -> QueryBuilder<D> {
    let mut query = QueryBuilder::new(into);
    for (at, value) in values.iter().enumerate() {
        query.push(if at == 0 { "" } else { ", " });
        value.push(&mut query);
    }
    query.push(")");
    query
}

fn insert_account<D: Fetch>(account: &Account, first: bool) -> QueryBuilder<D> {
    let verticals = account.verticals.to_column();
    insert(
        INSERT,
        &[
            if first { Value::Number(1) } else { Value::Null },
            Value::Text(&account.id),
            Value::Text(&account.name),
            Value::Text(account.language.code()),
            Value::Text(account.role.as_str()),
            Value::text(verticals.as_deref()),
            Value::text(account.password.as_ref().map(PasswordHash::as_str)),
            Value::text(account.subject.as_deref()),
            Value::count(account.epoch),
            Value::count(account.version),
            Value::time(Some(account.created_at)),
            Value::Text(&account.created_by),
            Value::time(account.disabled_at),
            Value::time(account.last_login),
        ],
    )
}

fn change<D: Fetch>(account: &Account) -> QueryBuilder<D> {
    let verticals = account.verticals.to_column();
    statement(&[
        ("UPDATE cameo_accounts SET language = ", Value::Text(account.language.code())),
        (", role = ", Value::Text(account.role.as_str())),
        (", verticals = ", Value::text(verticals.as_deref())),
        (", password = ", Value::text(account.password.as_ref().map(PasswordHash::as_str))),
        (", subject = ", Value::text(account.subject.as_deref())),
        (", epoch = ", Value::count(account.epoch)),
        (", disabled_at = ", Value::time(account.disabled_at)),
        (", version = ", Value::count(account.version + 1)),
        (" WHERE id = ", Value::Text(&account.id)),
        (" AND version = ", Value::count(account.version)),
    ])
}

fn insert_session<D: Fetch>(session: &Session, secret: &SecretHash) -> QueryBuilder<D> {
    insert(
        INSERT_SESSION,
        &[
            Value::Text(&session.id),
            Value::Text(secret.as_str()),
            Value::Text(&session.account),
            Value::count(session.epoch),
            Value::time(Some(session.created_at)),
            Value::time(Some(session.last_used)),
            Value::time(Some(session.expires)),
            Value::text(session.address.as_deref()),
            Value::text(session.browser.as_deref()),
        ],
    )
}

fn insert_link<D: Fetch>(link: &Link, secret: &SecretHash) -> QueryBuilder<D> {
    insert(
        INSERT_LINK,
        &[
            Value::Text(secret.as_str()),
            Value::Text(link.account.as_deref().unwrap_or_default()),
            Value::count(link.epoch),
            Value::time(Some(link.created_at)),
            Value::time(Some(link.expires)),
        ],
    )
}

impl<D: Fetch> ServerReader<D> {
    async fn select_accounts(&self, doing: &str, query: QueryBuilder<D>) -> Result<Vec<Account>> {
        let mut connection = self.connection(doing).await?;
        let found = D::accounts(&mut connection, query).await;
        let found = connection.settle(found.map_err(|error| D::failed(doing, error)))?;
        Ok(found.into_iter().map(AccountColumns::account).collect())
    }

    async fn select_sessions(&self, doing: &str, query: QueryBuilder<D>) -> Result<Vec<Session>> {
        let mut connection = self.connection(doing).await?;
        let found = D::sessions(&mut connection, query).await;
        let found = connection.settle(found.map_err(|error| D::failed(doing, error)))?;
        Ok(found.into_iter().map(SessionColumns::session).collect())
    }

    async fn select_links(&self, doing: &str, query: QueryBuilder<D>) -> Result<Vec<Link>> {
        let mut connection = self.connection(doing).await?;
        let found = D::links(&mut connection, query).await;
        let found = connection.settle(found.map_err(|error| D::failed(doing, error)))?;
        Ok(found.into_iter().map(LinkColumns::link).collect())
    }

    async fn count_people(&self, doing: &str, query: QueryBuilder<D>) -> Result<u64> {
        let mut connection = self.connection(doing).await?;
        let found = D::number(&mut connection, query).await;
        let found = connection.settle(found.map_err(|error| D::failed(doing, error)))?;
        Ok(u64::try_from(found).unwrap_or_default())
    }

    async fn change_people(&self, doing: &str, query: QueryBuilder<D>) -> Result<u64> {
        let mut connection = self.connection(doing).await?;
        let done = D::execute(&mut connection, query).await;
        connection.settle(done.map_err(|error| D::failed(doing, error)))
    }

    async fn one_account(&self, condition: &str, text: &str) -> Result<Option<Account>> {
        let query = statement(&[(&format!("{SELECT}{condition} = "), Value::Text(text))]);
        Ok(self.select_accounts("look up an account", query).await?.pop())
    }
}

#[async_trait]
impl<C: OnServer> People for C {
    async fn add_account(&self, account: &Account, first: bool) -> Result<Added> {
        if first && self.count_accounts().await? > 0 {
            return Ok(Added::NotFirst);
        }
        match self.reader().change_people("add an account", insert_account(account, first)).await {
            // Ids are random: what is there twice is the name, or the first administrator.
            Err(error) if matches!(error.kind(), Kind::Refused | Kind::Conflict) => {
                if self.account_named(&account.name).await?.is_some() {
                    Ok(Added::NameTaken)
                } else if first && self.count_accounts().await? > 0 {
                    Ok(Added::NotFirst)
                } else {
                    Err(error)
                }
            }
            added => added.map(|_| Added::Added),
        }
    }

    async fn account(&self, id: &str) -> Result<Option<Account>> {
        self.reader().one_account("id", id).await
    }

    async fn account_named(&self, name: &str) -> Result<Option<Account>> {
        self.reader().one_account("name", name).await
    }

    async fn account_of_subject(&self, subject: &str) -> Result<Option<Account>> {
        self.reader().one_account("subject", subject).await
    }

    async fn accounts(&self, after: &str, max: usize) -> Result<Vec<Account>> {
        let query = statement(&[
            (&format!("{SELECT}id > "), Value::Text(after)),
            (" ORDER BY id LIMIT ", Value::count(max as u64)),
        ]);
        self.reader().select_accounts("list accounts", query).await
    }

    async fn count_accounts(&self) -> Result<u64> {
        let query = QueryBuilder::new("SELECT COUNT(*) FROM cameo_accounts");
        self.reader().count_people("count the accounts", query).await
    }

    async fn change_account(&self, account: &Account) -> Result<bool> {
        Ok(self.reader().change_people("change an account", change(account)).await? == 1)
    }

    async fn remove_account(&self, id: &str) -> Result<bool> {
        let doing = "remove an account";
        // The account first: without it nothing of its counts.
        let mut removed = Vec::new();
        for from in [
            "DELETE FROM cameo_accounts WHERE id = ",
            "DELETE FROM cameo_sessions WHERE account_id = ",
            "DELETE FROM cameo_links WHERE account_id = ",
        ] {
            removed.push(self.reader().change_people(doing, statement(&[(from, Value::Text(id))])).await?);
        }
        Ok(removed[0] == 1)
    }

    async fn note_login(&self, account: &str, at: Timestamp) -> Result<()> {
        let note = statement(&[
            ("UPDATE cameo_accounts SET last_login_at = ", Value::time(Some(at))),
            (" WHERE id = ", Value::Text(account)),
        ]);
        self.reader().change_people("note that somebody logged in", note).await.map(drop)
    }

    async fn add_session(&self, session: &Session, secret: &SecretHash) -> Result<()> {
        self.reader().change_people("begin a session", insert_session(session, secret)).await.map(drop)
    }

    async fn session_of(&self, secret: &SecretHash) -> Result<Option<(Session, Account)>> {
        let query = statement(&[(&format!("{SELECT_SESSION}secret_sha256 = "), Value::Text(secret.as_str()))]);
        let Some(session) = self.reader().select_sessions("look up a session", query).await?.pop() else {
            return Ok(None);
        };
        Ok(self.account(&session.account).await?.map(|account| (session, account)))
    }

    async fn sessions_of(&self, account: &str) -> Result<Vec<Session>> {
        let mut query = statement(&[(&format!("{SELECT_SESSION}account_id = "), Value::Text(account))]);
        query.push(" ORDER BY created_at DESC, id");
        self.reader().select_sessions("list sessions", query).await
    }

    async fn end_session(&self, id: &str) -> Result<bool> {
        let end = statement(&[("DELETE FROM cameo_sessions WHERE id = ", Value::Text(id))]);
        Ok(self.reader().change_people("end a session", end).await? == 1)
    }

    async fn note_session_use(&self, id: &str, at: Timestamp) -> Result<()> {
        let note = statement(&[
            ("UPDATE cameo_sessions SET last_used_at = ", Value::time(Some(at))),
            (" WHERE id = ", Value::Text(id)),
            (" AND last_used_at < ", Value::time(Some(at))),
        ]);
        self.reader().change_people("note that a session was used", note).await.map(drop)
    }

    async fn add_link(&self, link: &Link, secret: &SecretHash) -> Result<()> {
        let doing = "add a one-time link";
        let ended = ("DELETE FROM cameo_links WHERE expires_at <= ", Value::time(Some(link.created_at)));
        self.reader().change_people(doing, statement(&[ended])).await?;
        self.reader().change_people(doing, insert_link(link, secret)).await.map(drop)
    }

    async fn link_of(&self, secret: &SecretHash) -> Result<Option<Link>> {
        let query = statement(&[(SELECT_LINK, Value::Text(secret.as_str()))]);
        Ok(self.reader().select_links("look up a one-time link", query).await?.pop())
    }

    async fn count_links(&self, account: Option<&str>) -> Result<u64> {
        let of = Value::Text(account.unwrap_or_default());
        let query = statement(&[("SELECT COUNT(*) FROM cameo_links WHERE account_id = ", of)]);
        self.reader().count_people("count the one-time links", query).await
    }

    async fn remove_links(&self, account: Option<&str>) -> Result<()> {
        let of = Value::Text(account.unwrap_or_default());
        let remove = statement(&[("DELETE FROM cameo_links WHERE account_id = ", of)]);
        self.reader().change_people("forget one-time links", remove).await.map(drop)
    }
}
