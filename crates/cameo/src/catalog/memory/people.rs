//! Accounts, sessions and links in memory.

use async_trait::async_trait;
use jiff::Timestamp;

use super::MemoryCatalog;
use crate::{
    catalog::people::{Added, People},
    model::{
        account::{Account, Link, Session},
        error::Result,
        token::SecretHash,
    },
};

#[async_trait]
impl People for MemoryCatalog {
    async fn add_account(&self, account: &Account, first: bool) -> Result<Added> {
        let mut tables = self.tables();
        if first && !tables.accounts.is_empty() {
            return Ok(Added::NotFirst);
        }
        if tables.accounts.values().any(|other| other.name == account.name) {
            return Ok(Added::NameTaken);
        }
        tables.accounts.insert(account.id.clone(), account.clone());
        Ok(Added::Added)
    }

    async fn account(&self, id: &str) -> Result<Option<Account>> {
        Ok(self.tables().accounts.get(id).cloned())
    }

    async fn account_named(&self, name: &str) -> Result<Option<Account>> {
        Ok(self.tables().accounts.values().find(|account| account.name == name).cloned())
    }

    async fn account_of_subject(&self, subject: &str) -> Result<Option<Account>> {
        let tables = self.tables();
        Ok(tables.accounts.values().find(|account| account.subject.as_deref() == Some(subject)).cloned())
    }

    async fn accounts(&self, after: &str, max: usize) -> Result<Vec<Account>> {
        let tables = self.tables();
        Ok(tables.accounts.values().filter(|account| account.id.as_str() > after).take(max).cloned().collect())
    }

    async fn count_accounts(&self) -> Result<u64> {
        Ok(self.tables().accounts.len() as u64)
    }

    async fn change_account(&self, account: &Account) -> Result<bool> {
        let mut tables = self.tables();
        let Some(known) = tables.accounts.get_mut(&account.id).filter(|known| known.version == account.version) else {
            return Ok(false);
        };
        let kept = known.clone();
        *known = Account {
            name: kept.name,
            created_at: kept.created_at,
            created_by: kept.created_by,
            last_login: kept.last_login,
            version: kept.version + 1,
            ..account.clone()
        };
        Ok(true)
    }

    async fn remove_account(&self, id: &str) -> Result<bool> {
        let mut tables = self.tables();
        tables.sessions.retain(|_, (session, _)| session.account != id);
        tables.links.retain(|_, link| link.account.as_deref() != Some(id));
        Ok(tables.accounts.remove(id).is_some())
    }

    async fn note_login(&self, account: &str, at: Timestamp) -> Result<()> {
        if let Some(account) = self.tables().accounts.get_mut(account) {
            account.last_login = Some(at);
        }
        Ok(())
    }

    async fn add_session(&self, session: &Session, secret: &SecretHash) -> Result<()> {
        self.tables().sessions.insert(session.id.clone(), (session.clone(), secret.clone()));
        Ok(())
    }

    async fn session_of(&self, secret: &SecretHash) -> Result<Option<(Session, Account)>> {
        let tables = self.tables();
        let session = tables.sessions.values().find(|(_, other)| other == secret).map(|(session, _)| session);
        let both = session.and_then(|session| Some((session.clone(), tables.accounts.get(&session.account)?.clone())));
        Ok(both)
    }

    async fn sessions_of(&self, account: &str) -> Result<Vec<Session>> {
        let tables = self.tables();
        let of_account = tables.sessions.values().map(|(session, _)| session).filter(|s| s.account == account);
        let mut sessions: Vec<Session> = of_account.cloned().collect();
        sessions.sort_by(|a, b| b.created_at.cmp(&a.created_at).then_with(|| a.id.cmp(&b.id)));
        Ok(sessions)
    }

    async fn end_session(&self, id: &str) -> Result<bool> {
        Ok(self.tables().sessions.remove(id).is_some())
    }

    async fn note_session_use(&self, id: &str, at: Timestamp) -> Result<()> {
        if let Some((session, _)) = self.tables().sessions.get_mut(id) {
            session.last_used = session.last_used.max(at);
        }
        Ok(())
    }

    async fn add_link(&self, link: &Link, secret: &SecretHash) -> Result<()> {
        let mut tables = self.tables();
        tables.links.retain(|_, other| other.expires > link.created_at);
        tables.links.insert(secret.clone(), link.clone());
        Ok(())
    }

    async fn link_of(&self, secret: &SecretHash) -> Result<Option<Link>> {
        Ok(self.tables().links.get(secret).cloned())
    }

    async fn count_links(&self, account: Option<&str>) -> Result<u64> {
        Ok(self.tables().links.values().filter(|link| link.account.as_deref() == account).count() as u64)
    }

    async fn remove_links(&self, account: Option<&str>) -> Result<()> {
        self.tables().links.retain(|_, link| link.account.as_deref() != account);
        Ok(())
    }
}
