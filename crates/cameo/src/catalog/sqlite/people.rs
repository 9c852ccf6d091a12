//! Accounts, sessions and links in the embedded database.

use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::{Connection, ErrorCode, OptionalExtension, Row, ToSql, params};

use super::{SqliteCatalog, remove};
use crate::{
    catalog::people::{Added, People},
    clock::{from_millis, to_millis},
    db::Done,
    model::{
        account::{Account, Link, PasswordHash, Session},
        error::{Place, Result},
        lang::Lang,
        token::{Role, SecretHash, Verticals},
    },
};

const INSERT: &str =
    "INSERT INTO cameo_accounts (id, name, first_admin, language, role, verticals, password, subject, epoch, version,
        created_at, created_by, disabled_at, last_login_at)
    SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14
    WHERE ?3 IS NULL OR NOT EXISTS (SELECT 1 FROM cameo_accounts)";
const SELECT: &str =
    "SELECT id, name, language, role, verticals, password, subject, epoch, version, created_at, created_by,
        disabled_at, last_login_at
    FROM cameo_accounts WHERE ";
const COUNT: &str = "SELECT count(*) FROM cameo_accounts";
const CHANGE: &str =
    "UPDATE cameo_accounts SET language = ?3, role = ?4, verticals = ?5, password = ?6, subject = ?7, epoch = ?8,
        disabled_at = ?9, version = version + 1
    WHERE id = ?1 AND version = ?2";
const REMOVE: [&str; 3] = [
    "DELETE FROM cameo_sessions WHERE account_id = ?1",
    "DELETE FROM cameo_links WHERE account_id = ?1",
    "DELETE FROM cameo_accounts WHERE id = ?1",
];
const NOTE_LOGIN: &str = "UPDATE cameo_accounts SET last_login_at = ?2 WHERE id = ?1";
const INSERT_SESSION: &str =
    "INSERT INTO cameo_sessions (id, secret_sha256, account_id, epoch, created_at, last_used_at, expires_at, address,
        browser) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
const SELECT_SESSION: &str =
    "SELECT id, account_id, epoch, created_at, last_used_at, expires_at, address, browser FROM cameo_sessions WHERE ";
const END_SESSION: &str = "DELETE FROM cameo_sessions WHERE id = ?1";
const NOTE_SESSION_USE: &str = "UPDATE cameo_sessions SET last_used_at = ?2 WHERE id = ?1 AND last_used_at < ?2";
const FORGET_LINKS: &str = "DELETE FROM cameo_links WHERE expires_at <= ?1";
const INSERT_LINK: &str =
    "INSERT INTO cameo_links (secret_sha256, account_id, epoch, created_at, expires_at) VALUES (?1, ?2, ?3, ?4, ?5)";
const SELECT_LINK: &str = "SELECT account_id, epoch, created_at, expires_at FROM cameo_links WHERE secret_sha256 = ?1";
const COUNT_LINKS: &str = "SELECT count(*) FROM cameo_links WHERE account_id = ?1";
const REMOVE_LINKS: &str = "DELETE FROM cameo_links WHERE account_id = ?1";

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn number(row: &Row<'_>, at: usize) -> rusqlite::Result<u64> {
    Ok(u64::try_from(row.get::<_, i64>(at)?).unwrap_or_default())
}

fn read(row: &Row<'_>) -> rusqlite::Result<Account> {
    let (language, role, verticals): (String, String, Option<String>) = (row.get(2)?, row.get(3)?, row.get(4)?);
    let time = |at| row.get::<_, Option<i64>>(at).map(|millis| millis.map(from_millis));
    Ok(Account {
        id: row.get(0)?,
        name: row.get(1)?,
        language: language.parse().unwrap_or(Lang::Ko),
        // What nobody can read gives nobody more than the least.
        role: role.parse().unwrap_or(Role::Viewer),
        verticals: Verticals::from_column(verticals.as_deref()),
        password: row.get::<_, Option<String>>(5)?.map(PasswordHash::stored),
        subject: row.get(6)?,
        epoch: number(row, 7)?,
        version: number(row, 8)?,
        created_at: from_millis(row.get(9)?),
        created_by: row.get(10)?,
        disabled_at: time(11)?,
        last_login: time(12)?,
    })
}

fn read_session(row: &Row<'_>) -> rusqlite::Result<Session> {
    Ok(Session {
        id: row.get(0)?,
        account: row.get(1)?,
        epoch: number(row, 2)?,
        created_at: from_millis(row.get(3)?),
        last_used: from_millis(row.get(4)?),
        expires: from_millis(row.get(5)?),
        address: row.get(6)?,
        browser: row.get(7)?,
    })
}

fn read_link(row: &Row<'_>) -> rusqlite::Result<Link> {
    let account: String = row.get(0)?;
    Ok(Link {
        account: Some(account).filter(|account| !account.is_empty()),
        epoch: number(row, 1)?,
        created_at: from_millis(row.get(2)?),
        expires: from_millis(row.get(3)?),
    })
}

fn one(connection: &Connection, condition: &str, value: &dyn ToSql) -> Done<Option<Account>> {
    let mut query = connection.prepare_cached(&format!("{SELECT}{condition}"))?;
    Ok(query.query_row([value], read).optional()?)
}

fn insert(connection: &Connection, account: &Account, first: bool) -> Done<Added> {
    let inserted = connection.prepare_cached(INSERT)?.execute(params![
        account.id,
        account.name,
        first.then_some(1),
        account.language.code(),
        account.role.as_str(),
        account.verticals.to_column(),
        account.password.as_ref().map(PasswordHash::as_str),
        account.subject,
        signed(account.epoch),
        signed(account.version),
        to_millis(account.created_at),
        account.created_by,
        account.disabled_at.map(to_millis),
        account.last_login.map(to_millis),
    ]);
    match inserted {
        // Ids are random: what is there twice is the name.
        Err(rusqlite::Error::SqliteFailure(error, _)) if error.code == ErrorCode::ConstraintViolation => {
            Ok(Added::NameTaken)
        }
        inserted => Ok(if inserted? == 1 { Added::Added } else { Added::NotFirst }),
    }
}

fn change(connection: &Connection, account: &Account) -> Done<bool> {
    let changed = connection.prepare_cached(CHANGE)?.execute(params![
        account.id,
        signed(account.version),
        account.language.code(),
        account.role.as_str(),
        account.verticals.to_column(),
        account.password.as_ref().map(PasswordHash::as_str),
        account.subject,
        signed(account.epoch),
        account.disabled_at.map(to_millis),
    ])?;
    Ok(changed == 1)
}

fn insert_session(connection: &Connection, session: &Session, secret: &SecretHash) -> Done<()> {
    connection.prepare_cached(INSERT_SESSION)?.execute(params![
        session.id,
        secret.as_str(),
        session.account,
        signed(session.epoch),
        to_millis(session.created_at),
        to_millis(session.last_used),
        to_millis(session.expires),
        session.address,
        session.browser,
    ])?;
    Ok(())
}

fn insert_link(connection: &Connection, link: &Link, secret: &SecretHash) -> Done<()> {
    connection.prepare_cached(FORGET_LINKS)?.execute([to_millis(link.created_at)])?;
    connection.prepare_cached(INSERT_LINK)?.execute(params![
        secret.as_str(),
        link.account.as_deref().unwrap_or_default(),
        signed(link.epoch),
        to_millis(link.created_at),
        to_millis(link.expires),
    ])?;
    Ok(())
}

#[async_trait]
impl People for SqliteCatalog {
    async fn add_account(&self, account: &Account, first: bool) -> Result<Added> {
        let account = account.clone();
        let job = move |connection: &Connection| insert(connection, &account, first);
        self.db.write(Place::Catalog, "add an account", job).await
    }

    async fn account(&self, id: &str) -> Result<Option<Account>> {
        self.db.look_up(Place::Catalog, "look up an account", |connection| one(connection, "id = ?1", &id))
    }

    async fn account_named(&self, name: &str) -> Result<Option<Account>> {
        self.db.look_up(Place::Catalog, "look up an account", |connection| one(connection, "name = ?1", &name))
    }

    async fn account_of_subject(&self, subject: &str) -> Result<Option<Account>> {
        self.db.look_up(Place::Catalog, "look up an account", |connection| one(connection, "subject = ?1", &subject))
    }

    async fn accounts(&self, after: &str, max: usize) -> Result<Vec<Account>> {
        let (after, max) = (after.to_owned(), i64::try_from(max).unwrap_or(i64::MAX));
        let look = move |connection: &Connection| {
            let mut query = connection.prepare_cached(&format!("{SELECT}id > ?1 ORDER BY id LIMIT ?2"))?;
            let accounts = query.query_map(params![after, max], read)?;
            Ok(accounts.collect::<rusqlite::Result<_>>()?)
        };
        self.db.read(Place::Catalog, "list accounts", look).await
    }

    async fn count_accounts(&self) -> Result<u64> {
        let look =
            |connection: &Connection| Ok(connection.prepare_cached(COUNT)?.query_row((), |row| number(row, 0))?);
        self.db.look_up(Place::Catalog, "count the accounts", look)
    }

    async fn change_account(&self, account: &Account) -> Result<bool> {
        let account = account.clone();
        self.db
            .write(Place::Catalog, "change an account", move |connection: &Connection| change(connection, &account))
            .await
    }

    async fn remove_account(&self, id: &str) -> Result<bool> {
        let id = id.to_owned();
        let job = move |connection: &Connection| remove(connection, &REMOVE, &id);
        self.db.write(Place::Catalog, "remove an account", job).await
    }

    async fn note_login(&self, account: &str, at: Timestamp) -> Result<()> {
        let account = account.to_owned();
        let job = move |connection: &Connection| {
            connection.prepare_cached(NOTE_LOGIN)?.execute(params![account, to_millis(at)])?;
            Ok(())
        };
        self.db.write_in_batch(Place::Catalog, "note that somebody logged in", job).await
    }

    async fn add_session(&self, session: &Session, secret: &SecretHash) -> Result<()> {
        let (session, secret) = (session.clone(), secret.clone());
        let job = move |connection: &Connection| insert_session(connection, &session, &secret);
        self.db.write(Place::Catalog, "begin a session", job).await
    }

    async fn session_of(&self, secret: &SecretHash) -> Result<Option<(Session, Account)>> {
        self.db.look_up(Place::Catalog, "look up a session", |connection| {
            let mut query = connection.prepare_cached(&format!("{SELECT_SESSION}secret_sha256 = ?1"))?;
            let Some(session) = query.query_row([secret.as_str()], read_session).optional()? else { return Ok(None) };
            let account = one(connection, "id = ?1", &session.account)?;
            Ok(account.map(|account| (session, account)))
        })
    }

    async fn sessions_of(&self, account: &str) -> Result<Vec<Session>> {
        let account = account.to_owned();
        let look = move |connection: &Connection| {
            let statement = format!("{SELECT_SESSION}account_id = ?1 ORDER BY created_at DESC, id");
            let mut query = connection.prepare_cached(&statement)?;
            let sessions = query.query_map([&account], read_session)?;
            Ok(sessions.collect::<rusqlite::Result<_>>()?)
        };
        self.db.read(Place::Catalog, "list sessions", look).await
    }

    async fn end_session(&self, id: &str) -> Result<bool> {
        let id = id.to_owned();
        let job = move |connection: &Connection| Ok(connection.prepare_cached(END_SESSION)?.execute([id])? == 1);
        self.db.write(Place::Catalog, "end a session", job).await
    }

    async fn note_session_use(&self, id: &str, at: Timestamp) -> Result<()> {
        let id = id.to_owned();
        let job = move |connection: &Connection| {
            connection.prepare_cached(NOTE_SESSION_USE)?.execute(params![id, to_millis(at)])?;
            Ok(())
        };
        self.db.write_in_batch(Place::Catalog, "note that a session was used", job).await
    }

    async fn add_link(&self, link: &Link, secret: &SecretHash) -> Result<()> {
        let (link, secret) = (link.clone(), secret.clone());
        let job = move |connection: &Connection| insert_link(connection, &link, &secret);
        self.db.write(Place::Catalog, "add a one-time link", job).await
    }

    async fn link_of(&self, secret: &SecretHash) -> Result<Option<Link>> {
        self.db.look_up(Place::Catalog, "look up a one-time link", |connection| {
            let mut query = connection.prepare_cached(SELECT_LINK)?;
            Ok(query.query_row([secret.as_str()], read_link).optional()?)
        })
    }

    async fn count_links(&self, account: Option<&str>) -> Result<u64> {
        let account = account.unwrap_or_default();
        self.db.look_up(Place::Catalog, "count the one-time links", |connection| {
            Ok(connection.prepare_cached(COUNT_LINKS)?.query_row([account], |row| number(row, 0))?)
        })
    }

    async fn remove_links(&self, account: Option<&str>) -> Result<()> {
        let account = account.unwrap_or_default().to_owned();
        let job = move |connection: &Connection| {
            connection.prepare_cached(REMOVE_LINKS)?.execute([account])?;
            Ok(())
        };
        self.db.write(Place::Catalog, "forget one-time links", job).await
    }
}
