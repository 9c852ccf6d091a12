//! A scope as a condition. Numbers stand in the text, so that there may be as many as are asked for.

use sqlx::{MySql, QueryBuilder};

use super::values::{Values, push_tuples};
use crate::{catalog::columns::signed, ledger::Scope};

/// Adds the scope as a condition on columns of these names.
///
/// Entities of one vertical are asked for by pairs: for anything else MariaDB reads the whole vertical as long as its
/// statistics lag behind the table.
pub(super) fn push_scope(query: &mut QueryBuilder<MySql>, scope: &Scope, [vertical_column, cd_idx_column]: [&str; 2]) {
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
        Scope::Ids { vertical: Some(vertical), cd_idx } => {
            let mut pairs = String::new();
            push_tuples(&mut pairs, cd_idx, |pair, id| {
                pair.text(vertical.as_str()).number(signed(*id));
            });
            query.push("(").push(vertical_column).push(", ").push(cd_idx_column).push(") IN (").push(pairs).push(")");
        }
        Scope::Ids { vertical: None, cd_idx } => {
            let mut numbers = String::new();
            let mut list = Values::new(&mut numbers);
            for id in cd_idx {
                list.number(signed(*id));
            }
            query.push(cd_idx_column).push(" IN (").push(numbers).push(")");
        }
    }
}
