//! Rows of the two SQL servers as they are read, and what becomes of them.
//!
//! Both name their columns alike in every `SELECT`, whatever the table calls them, and widen numbers to 64 bits there,
//! so that a table that already exists may hold narrower ones.

use sqlx::{Database, Encode, FromRow, QueryBuilder, Type};

use super::{
    Count, LedgerEntry, Row, Scope, State,
    ledger::{published_from_column, state_from_columns},
};
use crate::{
    clock::from_millis,
    error::{Error, Kind, Place, Result},
    generation::Generation,
    key::{EntityId, PhotoId},
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
}

impl TryFrom<EntryColumns> for LedgerEntry {
    type Error = Error;

    fn try_from(columns: EntryColumns) -> Result<Self> {
        let state = state_from_columns(&columns.object_key, &columns.state, columns.reason.as_deref(), columns.detail)?;
        Ok(Self {
            key: columns.object_key,
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

/// A row of the public table.
#[derive(Debug, FromRow)]
pub(super) struct RowColumns {
    vertical: String,
    cd_idx: i64,
    image_size: String,
    sequence: i64,
    image_url: String,
    width: i64,
    height: i64,
    bytes: i64,
    etag: String,
}

impl TryFrom<RowColumns> for Row {
    type Error = Error;

    fn try_from(columns: RowColumns) -> Result<Self> {
        let cd_idx = columns.cd_idx;
        let malformed = |column: &str, found: String| {
            let doing = format!("read the public table: {column} is {found} in a row of cd_idx {cd_idx}");
            Error::new(Place::Catalog, Kind::Malformed, doing)
        };
        let number = |column, number: i64| malformed(column, number.to_string());
        let vertical = columns
            .vertical
            .parse()
            .map_err(|error| malformed("vertical", format!("{:?}", columns.vertical)).because(error))?;
        let entity = EntityId { vertical, cd_idx: u64::try_from(cd_idx).map_err(|_| number("cd_idx", cd_idx))? };
        let sequence = u16::try_from(columns.sequence).map_err(|_| number("sequence", columns.sequence))?;
        Ok(Self {
            photo: PhotoId { entity, sequence },
            image_size: columns.image_size,
            image_url: columns.image_url,
            width: u32::try_from(columns.width).map_err(|_| number("width", columns.width))?,
            height: u32::try_from(columns.height).map_err(|_| number("height", columns.height))?,
            bytes: u64::try_from(columns.bytes).map_err(|_| number("bytes", columns.bytes))?,
            etag: columns.etag,
        })
    }
}

/// A line of counts.
#[derive(Debug, FromRow)]
pub(super) struct CountColumns {
    vertical: Option<String>,
    state: String,
    reason: Option<String>,
    originals: i64,
}

impl From<CountColumns> for Count {
    fn from(columns: CountColumns) -> Self {
        let CountColumns { vertical, state, reason, originals } = columns;
        Self { vertical, state, reason, originals: u64::try_from(originals).unwrap_or(0) }
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

/// How entities of one vertical are asked for, so that the server looks them up in an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lookup {
    /// By pairs: for anything else MariaDB reads the whole vertical as long as its statistics lag behind the table.
    #[cfg(feature = "mysql")]
    Pairs,
    /// By number, and the vertical besides: PostgreSQL takes a list of numbers as one condition of an index.
    #[cfg(feature = "postgres")]
    Numbers,
}

/// Adds the scope as a condition on columns of these names.
pub(super) fn push_scope<DB: Database>(
    query: &mut QueryBuilder<DB>,
    scope: &Scope,
    [vertical_column, cd_idx_column]: [&str; 2],
    lookup: Lookup,
) where
    String: for<'q> Encode<'q, DB> + Type<DB>,
    i64: for<'q> Encode<'q, DB> + Type<DB>,
{
    match scope {
        Scope::All => {
            query.push("1 = 1");
        }
        Scope::Vertical(vertical) => {
            query.push(vertical_column).push(" = ").push_bind(vertical.as_str().to_owned());
        }
        Scope::Ids { cd_idx, .. } if cd_idx.is_empty() => {
            query.push("1 = 0");
        }
        #[cfg(feature = "mysql")]
        Scope::Ids { vertical: Some(vertical), cd_idx } if lookup == Lookup::Pairs => {
            query.push("(").push(vertical_column).push(", ").push(cd_idx_column).push(") IN ");
            query.push_tuples(cd_idx, |mut pair, id| {
                pair.push_bind(vertical.as_str().to_owned()).push_bind(signed(*id));
            });
        }
        Scope::Ids { vertical, cd_idx } => {
            query.push(cd_idx_column).push(" IN (");
            let mut list = query.separated(", ");
            for id in cd_idx {
                list.push_bind(signed(*id));
            }
            query.push(")");
            if let Some(vertical) = vertical {
                query.push(" AND ").push(vertical_column).push(" = ").push_bind(vertical.as_str().to_owned());
            }
        }
    }
}
