//! What is known of a key before a message is decided, and what becomes of its rows: the words of deciding and of its history.

use std::collections::BTreeSet;

use super::{LedgerEntry, Row};

/// What is known of a key before a message.
#[derive(Debug, Clone, Copy)]
pub struct Before<'l> {
    /// The ledger's entry.
    pub entry: Option<&'l LedgerEntry>,
    /// Image sizes that the photo has rows of. An entry of an older version of Cameo does not know what was published.
    pub rows: &'l BTreeSet<String>,
}

/// What to do with a photo's rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowChange {
    /// Nothing.
    Keep,
    /// These are the photo's rows now, and no others.
    Replace(Vec<Row>),
    /// It has none.
    Remove,
}
