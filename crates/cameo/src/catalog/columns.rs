//! Entries of the ledger in the two SQL servers as they are read, and what becomes of them.
//!
//! Both name their columns alike in every `SELECT`. What a server answers is made a value here and nowhere else; text that
//! is none names table, column and row. Rows of the public table are read by `rows`.

use sqlx::FromRow;

use crate::{
    clock::from_millis,
    ledger::{
        LedgerEntry, State,
        counts::{CountKey, KeptCount},
        decide::{is_misfiled, published_from_column, state_from_columns},
    },
    model::{
        error::{Error, Result},
        generation::Generation,
        token::{Role, Token, Verticals},
    },
};

/// A row of `cameo_originals`.
#[derive(Debug, FromRow)]
pub(super) struct EntryColumns {
    object_key: String,
    generation: String,
    etag: String,
    state: String,
    reason: Option<String>,
    detail: Option<String>,
    serving_generation: Option<String>,
    removed_generation: Option<String>,
    size_set: Option<String>,
    engine: Option<String>,
    updated_at: i64,
    published: Option<String>,
    size_set_digest: Option<String>,
    vertical: Option<String>,
    cd_idx: Option<i64>,
    sequence: Option<i32>,
}

impl TryFrom<EntryColumns> for LedgerEntry {
    type Error = Error;

    fn try_from(columns: EntryColumns) -> Result<Self> {
        let state = state_from_columns(&columns.object_key, &columns.state, columns.reason.as_deref(), columns.detail)?;
        let (vertical, sequence) = (columns.vertical.as_deref(), columns.sequence.map(i64::from));
        let misfiled = is_misfiled(&columns.object_key, vertical, columns.cd_idx, sequence);
        Ok(Self {
            key: columns.object_key,
            misfiled,
            generation: Generation::new(columns.generation),
            etag: columns.etag,
            state,
            serving: columns.serving_generation.map(Generation::new),
            removed: columns.removed_generation.map(Generation::new),
            size_set: columns.size_set,
            size_set_digest: columns.size_set_digest,
            engine: columns.engine,
            published: published_from_column(columns.published.as_deref()),
            updated_at: from_millis(columns.updated_at),
        })
    }
}

/// A row of `cameo_tokens`.
#[derive(Debug, FromRow)]
pub(super) struct TokenColumns {
    id: String,
    name: String,
    role: String,
    verticals: Option<String>,
    created_at: i64,
    created_by: String,
    expires_at: Option<i64>,
    revoked_at: Option<i64>,
    last_used_at: Option<i64>,
}

impl TokenColumns {
    /// The token.
    pub(super) fn token(self) -> Token {
        Token {
            id: self.id,
            name: self.name,
            // What nobody can read gives nobody more than the least.
            role: self.role.parse().unwrap_or(Role::Viewer),
            verticals: Verticals::from_column(self.verticals.as_deref()),
            created_at: from_millis(self.created_at),
            created_by: self.created_by,
            expires: self.expires_at.map(from_millis),
            revoked_at: self.revoked_at.map(from_millis),
            last_used: self.last_used_at.map(from_millis),
        }
    }
}

/// A line of counts.
#[derive(Debug, FromRow)]
pub(super) struct CountColumns {
    vertical: Option<String>,
    state: String,
    reason: Option<String>,
    serves: i64,
    originals: i64,
}

impl From<CountColumns> for KeptCount {
    fn from(columns: CountColumns) -> Self {
        let CountColumns { vertical, state, reason, serves, originals } = columns;
        let key = CountKey { vertical, state, reason, serves: serves != 0 };
        Self { key, originals: u64::try_from(originals).unwrap_or(0) }
    }
}

/// Reads what was fetched.
pub(super) fn read<C, T: TryFrom<C, Error = Error>>(columns: Vec<C>) -> Result<Vec<T>> {
    columns.into_iter().map(T::try_from).collect()
}

/// The columns that only a rejected original has: reason and detail.
pub(super) fn rejection(state: &State) -> (Option<&'static str>, Option<&str>) {
    match state {
        State::Rejected { reason, detail } => (Some(reason.code()), Some(detail)),
        _ => (None, None),
    }
}

/// SQL integers are signed; what we store is far below 2⁶³.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A limit as SQL takes it.
pub(super) fn limit(max: usize) -> i64 {
    i64::try_from(max).unwrap_or(i64::MAX)
}
