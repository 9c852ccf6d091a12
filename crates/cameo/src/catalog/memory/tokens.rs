//! Tokens in memory.

use async_trait::async_trait;
use jiff::Timestamp;

use super::MemoryCatalog;
use crate::{
    catalog::accounts::Accounts,
    model::{
        error::Result,
        token::{SecretHash, Token},
    },
};

#[async_trait]
impl Accounts for MemoryCatalog {
    async fn add_token(&self, token: &Token, secret: &SecretHash) -> Result<bool> {
        let mut tables = self.tables();
        let holder = tables.token_names.get(&token.name).and_then(|id| tables.tokens.get(id));
        let taken = holder.is_some_and(|(other, _)| other.fault(token.created_at).is_none());
        if !taken {
            tables.token_names.insert(token.name.clone(), token.id.clone());
            tables.tokens.insert(token.id.clone(), (token.clone(), secret.clone()));
        }
        Ok(!taken)
    }

    async fn token_of(&self, secret: &SecretHash) -> Result<Option<Token>> {
        Ok(self.tables().tokens.values().find(|(_, other)| other == secret).map(|(token, _)| token.clone()))
    }

    async fn tokens(&self, after: &str, max: usize) -> Result<Vec<Token>> {
        let tables = self.tables();
        let tokens = tables.tokens.values().map(|(token, _)| token).filter(|token| token.id.as_str() > after);
        Ok(tokens.take(max).cloned().collect())
    }

    async fn find_token(&self, id_or_name: &str) -> Result<Option<Token>> {
        let tables = self.tables();
        let named = || tables.tokens.get(tables.token_names.get(id_or_name)?);
        Ok(tables.tokens.get(id_or_name).or_else(named).map(|(token, _)| token.clone()))
    }

    async fn revoke_token(&self, id: &str, at: Timestamp) -> Result<bool> {
        let mut tables = self.tables();
        let token = tables.tokens.get_mut(id).map(|(token, _)| token).filter(|token| token.revoked_at.is_none());
        let found = token.is_some();
        if let Some(token) = token {
            token.revoked_at = Some(at);
        }
        tables.token_names.retain(|_, named| !found || named != id);
        Ok(found)
    }

    async fn note_token_use(&self, id: &str, at: Timestamp) -> Result<()> {
        if let Some((token, _)) = self.tables().tokens.get_mut(id) {
            token.last_used = Some(at);
        }
        Ok(())
    }
}
