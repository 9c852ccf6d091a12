//! A scope as a condition. Numbers are one value, an array, so that there may be as many as are asked for; PostgreSQL takes
//! it as one condition of an index.

use sqlx::{Postgres, QueryBuilder};

use crate::{catalog::columns::signed, ledger::Scope};

/// Adds the scope as a condition on columns of these names.
pub(super) fn push_scope(
    query: &mut QueryBuilder<Postgres>,
    scope: &Scope,
    [vertical_column, cd_idx_column]: [&str; 2],
) {
    let vertical = match scope {
        Scope::All => {
            query.push("true");
            return;
        }
        Scope::Vertical(vertical) => Some(vertical),
        Scope::Ids { vertical, cd_idx } => {
            let numbers: Vec<i64> = cd_idx.iter().map(|id| signed(*id)).collect();
            query.push(cd_idx_column).push(" = ANY(").push_bind(numbers).push(")");
            if vertical.is_some() {
                query.push(" AND ");
            }
            vertical.as_ref()
        }
    };
    if let Some(vertical) = vertical {
        query.push(vertical_column).push(" = ").push_bind(vertical.as_str().to_owned());
    }
}
