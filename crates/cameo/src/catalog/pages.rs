//! Everything of a scope, a page at a time, so that memory is bounded by a page however much there is.

use std::{borrow::Cow, collections::VecDeque};

use super::Catalog;
use crate::{
    ledger::{LedgerEntry, Row, Scope},
    model::error::Result,
};

/// Entries or rows that are asked for at once.
const PAGE: usize = 1000;
/// Numbers that one question names, at most: every page repeats them, and a server bounds the length of a question.
const IDS_AT_ONCE: usize = 1000;

/// The ledger's entries, in the order of their keys; of more than a thousand numbers, a thousand after the other.
#[derive(Debug)]
pub struct LedgerPages<'c> {
    catalog: &'c dyn Catalog,
    scopes: VecDeque<Cow<'c, Scope>>,
    after: String,
    page: usize,
}

/// The rows of the public table, in the order of their keys; of more than a thousand numbers, a thousand after the other.
#[derive(Debug)]
pub struct RowPages<'c> {
    catalog: &'c dyn Catalog,
    scopes: VecDeque<Cow<'c, Scope>>,
    after: Option<Row>,
    page: usize,
}

/// The scope in parts that a question may name.
fn parts(scope: &Scope) -> VecDeque<Cow<'_, Scope>> {
    match scope {
        Scope::Ids { vertical, cd_idx } if cd_idx.len() > IDS_AT_ONCE => cd_idx
            .chunks(IDS_AT_ONCE)
            .map(|some| Cow::Owned(Scope::Ids { vertical: vertical.clone(), cd_idx: some.to_vec() }))
            .collect(),
        scope => [Cow::Borrowed(scope)].into(),
    }
}

/// The keys between which all entries of a vertical are, where that can be said: of a name that has other forms in Unicode (NFD, as macOS
/// writes it) each form has keys of its own. With them a page is found in the order of keys, however large the vertical is.
#[cfg(feature = "embedded")]
pub(super) fn keys_of(scope: &Scope) -> Option<(String, String)> {
    use crate::model::key::ORIGIN_PREFIX;

    match scope {
        Scope::Vertical(vertical) if vertical.as_str().is_ascii() => {
            Some((format!("{ORIGIN_PREFIX}{vertical}/"), format!("{ORIGIN_PREFIX}{vertical}0")))
        }
        _ => None,
    }
}

/// What follows every key that begins with a prefix, in the order of bytes.
#[cfg(any(feature = "embedded", feature = "mysql", feature = "postgres"))]
pub(super) fn end_of(prefix: &str) -> String {
    format!("{prefix}{}", char::MAX)
}

impl<'c> LedgerPages<'c> {
    /// From the first one on.
    pub fn new(catalog: &'c dyn Catalog, scope: &'c Scope) -> Self {
        Self { catalog, scopes: parts(scope), after: String::new(), page: PAGE }
    }

    /// So many at once: whoever keeps them all anyway asks less often.
    #[must_use]
    pub fn by(self, page: usize) -> Self {
        Self { page, ..self }
    }

    /// The next entries; none after the last.
    pub async fn next(&mut self) -> Result<Option<Vec<LedgerEntry>>> {
        while let Some(scope) = self.scopes.front() {
            let page = self.catalog.ledger(scope, &self.after, self.page).await?;
            if let Some(last) = page.last().filter(|_| page.len() == self.page) {
                self.after.clone_from(&last.key);
            } else {
                self.scopes.pop_front();
                self.after.clear();
            }
            if !page.is_empty() {
                return Ok(Some(page));
            }
        }
        Ok(None)
    }
}

impl<'c> RowPages<'c> {
    /// From the first one on.
    pub fn new(catalog: &'c dyn Catalog, scope: &'c Scope) -> Self {
        Self { catalog, scopes: parts(scope), after: None, page: PAGE }
    }

    /// So many at once: whoever keeps them all anyway asks less often.
    #[must_use]
    pub fn by(self, page: usize) -> Self {
        Self { page, ..self }
    }

    /// The next rows; none after the last.
    pub async fn next(&mut self) -> Result<Option<Vec<Row>>> {
        while let Some(scope) = self.scopes.front() {
            let page = self.catalog.rows(scope, self.after.as_ref(), self.page).await?;
            self.after = page.last().filter(|_| page.len() == self.page).cloned();
            if self.after.is_none() {
                self.scopes.pop_front();
            }
            if !page.is_empty() {
                return Ok(Some(page));
            }
        }
        Ok(None)
    }
}
