//! Tokens on a database server of either kind. Statements are put together, since the servers write placeholders differently.

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::QueryBuilder;

use super::{
    dialect::Fetch,
    reads::{OnServer, ServerReader},
};
use crate::{
    catalog::{accounts::Accounts, columns::TokenColumns},
    clock::to_millis,
    model::{
        error::{Kind, Result},
        token::{SecretHash, Token},
    },
};

const SELECT: &str = "SELECT id, name, role, verticals, created_at, created_by, expires_at, revoked_at, last_used_at
    FROM cameo_tokens WHERE ";
const INSERT: &str =
    "INSERT INTO cameo_tokens (id, name, living_name, secret_sha256, role, verticals, created_at, created_by,
    expires_at) VALUES (";

/// A condition with one text: `{column} = ?`.
fn tokens_with<D: Fetch>(condition: &str, text: &str) -> QueryBuilder<D> {
    let mut query = QueryBuilder::new(format!("{SELECT}{condition}"));
    D::push_text(&mut query, text);
    query
}

/// `UPDATE … SET {column} = time WHERE …`, for a token.
fn set_time<D: Fetch>(columns: &str, at: Timestamp, condition: &str, text: &str) -> QueryBuilder<D> {
    let mut query = QueryBuilder::new(format!("UPDATE cameo_tokens SET {columns}"));
    D::push_number(&mut query, to_millis(at));
    query.push(format!(" WHERE {condition}"));
    D::push_text(&mut query, text);
    query
}

fn insert<D: Fetch>(token: &Token, secret: &SecretHash) -> QueryBuilder<D> {
    let mut query = QueryBuilder::new(INSERT);
    let verticals = token.verticals.to_column();
    let texts = [&token.id, &token.name, &token.name, secret.as_str(), token.role.as_str()];
    for text in texts {
        D::push_text(&mut query, text);
        query.push(", ");
    }
    match &verticals {
        Some(verticals) => D::push_text(&mut query, verticals),
        None => {
            query.push("NULL");
        }
    }
    query.push(", ");
    D::push_number(&mut query, to_millis(token.created_at));
    query.push(", ");
    D::push_text(&mut query, &token.created_by);
    query.push(", ");
    match token.expires {
        Some(expires) => D::push_number(&mut query, to_millis(expires)),
        None => {
            query.push("NULL");
        }
    }
    query.push(")");
    query
}

fn free_name<D: Fetch>(token: &Token) -> QueryBuilder<D> {
    let mut query = tokens_to_free();
    D::push_text(&mut query, &token.name);
    query.push(" AND expires_at <= ");
    D::push_number(&mut query, to_millis(token.created_at));
    query
}

fn tokens_to_free<D: Fetch>() -> QueryBuilder<D> {
    QueryBuilder::new("UPDATE cameo_tokens SET living_name = NULL WHERE living_name = ")
}

impl<D: Fetch> ServerReader<D> {
    async fn select_tokens(&self, doing: &str, query: QueryBuilder<D>) -> Result<Vec<Token>> {
        let mut connection = self.connection(doing).await?;
        let found = D::tokens(&mut connection, query).await;
        let found = connection.settle(found.map_err(|error| D::failed(doing, error)))?;
        Ok(found.into_iter().map(TokenColumns::token).collect())
    }

    async fn change_tokens(&self, doing: &str, query: QueryBuilder<D>) -> Result<u64> {
        let mut connection = self.connection(doing).await?;
        let done = D::execute(&mut connection, query).await;
        connection.settle(done.map_err(|error| D::failed(doing, error)))
    }
}

#[async_trait]
impl<C: OnServer> Accounts for C {
    async fn add_token(&self, token: &Token, secret: &SecretHash) -> Result<bool> {
        let doing = "add a token";
        self.reader().change_tokens(doing, free_name(token)).await?;
        match self.reader().change_tokens(doing, insert(token, secret)).await {
            // Ids and secrets are random: what is there twice is the name.
            Err(error) if matches!(error.kind(), Kind::Refused | Kind::Conflict) => {
                if self.find_token(&token.name).await?.is_some() { Ok(false) } else { Err(error) }
            }
            added => added.map(|rows| rows == 1),
        }
    }

    async fn token_of(&self, secret: &SecretHash) -> Result<Option<Token>> {
        let query = tokens_with("secret_sha256 = ", secret.as_str());
        Ok(self.reader().select_tokens("look up a token", query).await?.pop())
    }

    async fn tokens(&self, after: &str, max: usize) -> Result<Vec<Token>> {
        let mut query = tokens_with::<C::Server>("id > ", after);
        query.push(" ORDER BY id LIMIT ");
        C::Server::push_number(&mut query, i64::try_from(max).unwrap_or(i64::MAX));
        self.reader().select_tokens("list tokens", query).await
    }

    async fn find_token(&self, id_or_name: &str) -> Result<Option<Token>> {
        for condition in ["id = ", "living_name = "] {
            let mut found = self.reader().select_tokens("look up a token", tokens_with(condition, id_or_name)).await?;
            if let Some(token) = found.pop() {
                return Ok(Some(token));
            }
        }
        Ok(None)
    }

    async fn revoke_token(&self, id: &str, at: Timestamp) -> Result<bool> {
        let revoke = set_time("living_name = NULL, revoked_at = ", at, "revoked_at IS NULL AND id = ", id);
        Ok(self.reader().change_tokens("revoke a token", revoke).await? == 1)
    }

    async fn note_token_use(&self, id: &str, at: Timestamp) -> Result<()> {
        let note = set_time("last_used_at = ", at, "id = ", id);
        self.reader().change_tokens("note that a token was used", note).await.map(drop)
    }
}
