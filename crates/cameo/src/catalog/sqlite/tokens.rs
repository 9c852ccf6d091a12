//! Tokens in the embedded database.

use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::{Connection, ErrorCode, OptionalExtension, Row, ToSql, params};

use super::SqliteCatalog;
use crate::{
    catalog::accounts::Accounts,
    clock::{from_millis, to_millis},
    db::Done,
    model::{
        error::{Place, Result},
        token::{Role, SecretHash, Token, Verticals},
    },
};

const INSERT: &str =
    "INSERT INTO cameo_tokens (id, name, living_name, secret_sha256, role, verticals, created_at, created_by,
        expires_at, revoked_at, last_used_at) VALUES (?1, ?2, ?2, ?3, ?4, ?5, ?6, ?7, ?8, NULL, NULL)";
const FREE_NAME: &str = "UPDATE cameo_tokens SET living_name = NULL WHERE living_name = ?1 AND expires_at <= ?2";
const SELECT: &str = "SELECT id, name, role, verticals, created_at, created_by, expires_at, revoked_at, last_used_at
    FROM cameo_tokens WHERE ";
const REVOKE: &str = "UPDATE cameo_tokens SET revoked_at = ?2, living_name = NULL WHERE id = ?1 AND revoked_at IS NULL";
const NOTE_USE: &str = "UPDATE cameo_tokens SET last_used_at = ?2 WHERE id = ?1";

fn read(row: &Row<'_>) -> rusqlite::Result<Token> {
    let (role, verticals): (String, Option<String>) = (row.get(2)?, row.get(3)?);
    let time = |at| row.get::<_, Option<i64>>(at).map(|millis| millis.map(from_millis));
    Ok(Token {
        id: row.get(0)?,
        name: row.get(1)?,
        // What nobody can read gives nobody more than the least.
        role: role.parse().unwrap_or(Role::Viewer),
        verticals: Verticals::from_column(verticals.as_deref()),
        created_at: from_millis(row.get(4)?),
        created_by: row.get(5)?,
        expires: time(6)?,
        revoked_at: time(7)?,
        last_used: time(8)?,
    })
}

fn one(connection: &Connection, condition: &str, value: &dyn ToSql) -> Done<Option<Token>> {
    let mut query = connection.prepare_cached(&format!("{SELECT}{condition}"))?;
    Ok(query.query_row([value], read).optional()?)
}

fn insert(connection: &Connection, token: &Token, secret: &SecretHash) -> Done<bool> {
    connection.prepare_cached(FREE_NAME)?.execute(params![token.name, to_millis(token.created_at)])?;
    let inserted = connection.prepare_cached(INSERT)?.execute(params![
        token.id,
        token.name,
        secret.as_str(),
        token.role.as_str(),
        token.verticals.to_column(),
        to_millis(token.created_at),
        token.created_by,
        token.expires.map(to_millis),
    ]);
    match inserted {
        // Ids and secrets are random: what is there twice is the name.
        Err(rusqlite::Error::SqliteFailure(error, _)) if error.code == ErrorCode::ConstraintViolation => Ok(false),
        inserted => Ok(inserted? == 1),
    }
}

#[async_trait]
impl Accounts for SqliteCatalog {
    async fn add_token(&self, token: &Token, secret: &SecretHash) -> Result<bool> {
        let (token, secret) = (token.clone(), secret.clone());
        let job = move |connection: &Connection| insert(connection, &token, &secret);
        self.db.write(Place::Catalog, "add a token", job).await
    }

    async fn token_of(&self, secret: &SecretHash) -> Result<Option<Token>> {
        let look = |connection: &Connection| one(connection, "secret_sha256 = ?1", &secret.as_str());
        self.db.look_up(Place::Catalog, "look up a token", look)
    }

    async fn tokens(&self, after: &str, max: usize) -> Result<Vec<Token>> {
        let (after, max) = (after.to_owned(), i64::try_from(max).unwrap_or(i64::MAX));
        let look = move |connection: &Connection| {
            let mut query = connection.prepare_cached(&format!("{SELECT}id > ?1 ORDER BY id LIMIT ?2"))?;
            let tokens = query.query_map(params![after, max], read)?;
            Ok(tokens.collect::<rusqlite::Result<_>>()?)
        };
        self.db.read(Place::Catalog, "list tokens", look).await
    }

    async fn find_token(&self, id_or_name: &str) -> Result<Option<Token>> {
        self.db.look_up(Place::Catalog, "look up a token", |connection| {
            match one(connection, "id = ?1", &id_or_name)? {
                Some(token) => Ok(Some(token)),
                None => one(connection, "living_name = ?1", &id_or_name),
            }
        })
    }

    async fn revoke_token(&self, id: &str, at: Timestamp) -> Result<bool> {
        let id = id.to_owned();
        let job = move |connection: &Connection| {
            Ok(connection.prepare_cached(REVOKE)?.execute(params![id, to_millis(at)])? == 1)
        };
        self.db.write(Place::Catalog, "revoke a token", job).await
    }

    async fn note_token_use(&self, id: &str, at: Timestamp) -> Result<()> {
        let id = id.to_owned();
        let job = move |connection: &Connection| {
            connection.prepare_cached(NOTE_USE)?.execute(params![id, to_millis(at)])?;
            Ok(())
        };
        self.db.write_in_batch(Place::Catalog, "note that a token was used", job).await
    }
}
