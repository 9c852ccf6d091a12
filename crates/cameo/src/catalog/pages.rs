//! Everything of a scope, a page at a time, so that memory is bounded by a page however much there is.

use super::Catalog;
use crate::{
    ledger::{LedgerEntry, Row, Scope},
    model::error::Result,
};

/// Entries or rows that are asked for at once.
const PAGE: usize = 1000;

/// The ledger's entries, in the order of their keys.
#[derive(Debug)]
pub struct LedgerPages<'c> {
    catalog: &'c dyn Catalog,
    scope: &'c Scope,
    after: String,
}

/// The rows of the public table, in the order of their keys.
#[derive(Debug)]
pub struct RowPages<'c> {
    catalog: &'c dyn Catalog,
    scope: &'c Scope,
    after: Option<Row>,
}

impl<'c> LedgerPages<'c> {
    /// From the first one on.
    pub fn new(catalog: &'c dyn Catalog, scope: &'c Scope) -> Self {
        Self { catalog, scope, after: String::new() }
    }

    /// The next entries; none after the last.
    pub async fn next(&mut self) -> Result<Option<Vec<LedgerEntry>>> {
        let page = self.catalog.ledger(self.scope, &self.after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(None) };
        self.after.clone_from(&last.key);
        Ok(Some(page))
    }
}

impl<'c> RowPages<'c> {
    /// From the first one on.
    pub fn new(catalog: &'c dyn Catalog, scope: &'c Scope) -> Self {
        Self { catalog, scope, after: None }
    }

    /// The next rows; none after the last.
    pub async fn next(&mut self) -> Result<Option<Vec<Row>>> {
        let page = self.catalog.rows(self.scope, self.after.as_ref(), PAGE).await?;
        let Some(last) = page.last() else { return Ok(None) };
        self.after = Some(last.clone());
        Ok(Some(page))
    }
}
