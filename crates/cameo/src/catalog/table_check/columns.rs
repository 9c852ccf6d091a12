//! Judging columns: whether each of ours is there and holds what is written into it, and whether rows can be written
//! without the others.

use super::{Asked, Dialect, FoundColumn, KEY, Mismatch, definition::Change, statements::Holds};
use crate::catalog::table::COLUMNS;

pub(super) fn misfit_of(asked: &Asked<'_>, column: &'static str) -> Option<Mismatch> {
    let name = asked.table.column(column);
    let Some(there) = asked.found.column(name) else { return Some(missing(asked, column)) };
    if column == "idx" {
        return misfit_of_idx(asked, there);
    }
    let told = told(&there.name, column);
    if there.is_generated {
        let what = format!(
            "{told} is computed by the database, so nothing can be written into it; name another column in catalog.columns"
        );
        return Some(Mismatch::in_words(what));
    }
    let holds = Holds::of(column);
    if !holds.is_type_of(there) {
        return Some(wrong_type(asked, column, there));
    }
    if is_too_narrow(column, there) {
        let what = format!("{told} is {}, which is too narrow for most renditions", there.data_type);
        return Some(match asked.dialect.widen(asked.names, column, there) {
            Some(ddl) => Mismatch::mended_by(what, ddl),
            None => Mismatch::in_words(what),
        });
    }
    misfit_of_text(asked, column, there)
}

/// A number that is too large is refused alone; but where most are, nothing would ever be registered.
fn is_too_narrow(column: &str, there: &FoundColumn) -> bool {
    match column {
        "width" | "height" => there.data_type == "tinyint",
        "bytes" => ["tinyint", "smallint"].contains(&there.data_type.as_str()),
        _ => false,
    }
}

fn missing(asked: &Asked<'_>, column: &'static str) -> Mismatch {
    let name = asked.table.column(column);
    let what = format!("the column {} is missing; or name the one that it is in catalog.columns", told(name, column));
    let numbered = asked.found.columns.iter().find(|there| asked.dialect == Dialect::MySql && is_numbered(there));
    match numbered {
        Some(other) if column == "idx" => {
            Mismatch::in_words(format!("{what}: {} numbers the rows, and a table has one such column", other.name))
        }
        _ => Mismatch::mended_by(what, asked.dialect.add_column(asked.names, column)),
    }
}

fn is_numbered(column: &FoundColumn) -> bool {
    column.definition.as_ref().is_some_and(|definition| definition.to_ascii_uppercase().contains("AUTO_INCREMENT"))
}

/// It needs a value of its own in every row, and Cameo writes none.
fn misfit_of_idx(asked: &Asked<'_>, there: &FoundColumn) -> Option<Mismatch> {
    if there.is_distinct_by_itself || there.is_null_when_left_out || there.is_generated {
        return None;
    }
    let alone = |index: &super::FoundIndex| index.is_of_exactly(&[&there.name]);
    if there.may_be_left_out && !asked.found.unique_indexes.iter().any(alone) {
        return None;
    }
    let what = format!("{} does not number new rows by itself", there.name);
    let other = asked.found.columns.iter().find(|other| other.name != there.name && is_numbered(other));
    if !Holds::Number.is_type_of(there) || other.is_some() {
        let name = "name the column that does in catalog.columns";
        return Some(Mismatch::in_words(format!("{what}, and is {}; {name}", there.data_type)));
    }
    match asked.dialect.number_rows(asked.names, there) {
        Some(ddl) => Some(Mismatch::mended_by(what, ddl)),
        None => Some(Mismatch::in_words(format!("{what}; give it a default value that differs from row to row"))),
    }
}

fn wrong_type(asked: &Asked<'_>, column: &'static str, there: &FoundColumn) -> Mismatch {
    let holds = Holds::of(column);
    let told = told(&there.name, column);
    let what = format!("{told} is {} and does not hold {}", there.data_type, holds.told());
    match asked.dialect.widen(asked.names, column, there) {
        Some(ddl) => Mismatch::mended_by(what, ddl),
        None => Mismatch::in_words(format!(
            "{what}; a change of its type could change what is in it, so copy it into a new column by hand and name that one \
             in catalog.columns"
        )),
    }
}

/// Length, character set and comparison of a text, which one statement mends together.
fn misfit_of_text(asked: &Asked<'_>, column: &'static str, there: &FoundColumn) -> Option<Mismatch> {
    let Holds::Text(least) = Holds::of(column) else { return None };
    let mut wrong = Vec::new();
    if let Some(most) = there.max_characters.filter(|most| *most < least) {
        wrong.push(format!("holds {most} characters, {least} are needed"));
    }
    if asked.dialect == Dialect::Postgres && there.data_type == "character" {
        wrong.push("pads what is written into it with blanks".to_owned());
    }
    if let Some(comparison) = there.comparison.as_ref().filter(|_| KEY.contains(&column)) {
        if !comparison.holds_unicode {
            wrong.push("does not hold every character (such as Hangul)".to_owned());
        }
        if !comparison.by_bytes {
            let how = &comparison.collation;
            wrong.push(format!("takes texts for equal that differ ({how}), so that two entities would share rows"));
        }
    }
    if wrong.is_empty() {
        return None;
    }
    let what = format!("{} is {} and {}", told(&there.name, column), there.data_type, wrong.join(", and "));
    match asked.dialect.widen(asked.names, column, there) {
        Some(ddl) => Some(Mismatch::mended_by(what, ddl)),
        None => Some(Mismatch::in_words(what)),
    }
}

/// A column that Cameo does not know must do without a value.
pub(super) fn misfit_of_other(asked: &Asked<'_>, there: &FoundColumn) -> Option<Mismatch> {
    let ours = COLUMNS.iter().filter_map(|column| asked.found.column(asked.table.column(column)));
    if ours.into_iter().any(|ours| ours.name == there.name) || there.may_be_left_out || there.is_generated {
        return None;
    }
    let what = format!("{} is not Cameo's, and a row cannot be written without it", there.name);
    let is_primary = |index: &super::FoundIndex| index.primary && index.has(&there.name);
    if asked.found.unique_indexes.iter().any(is_primary) {
        return Some(Mismatch::in_words(format!(
            "{what}; it belongs to the primary key, so give it a default that differs"
        )));
    }
    match asked.dialect.allow_null(asked.names, there) {
        Some(ddl) => Some(Mismatch::mended_by(what, ddl)),
        None => Some(Mismatch::in_words(format!("{what}; give it a default value"))),
    }
}

/// A column's name, with ours where it has another there.
fn told(name: &str, column: &str) -> String {
    if name == column { name.to_owned() } else { format!("{name} ({column})") }
}

impl Dialect {
    /// The statement that makes a column hold what it must, where that loses nothing.
    fn widen(self, names: &crate::catalog::table::Table, column: &'static str, there: &FoundColumn) -> Option<String> {
        let holds = Holds::of(column);
        if !holds.is_type_of(there) && !holds.can_be_made_of(there) {
            return None;
        }
        match self {
            Self::MySql => {
                let definition = there.definition.as_ref()?;
                let change = Change {
                    to_type: match holds {
                        Holds::Number => Some(self.column_type(column).to_owned()),
                        _ => holds.wider_type(there, KEY.contains(&column)),
                    },
                    by_bytes: KEY.contains(&column) && matches!(holds, Holds::Text(_)),
                    ..Change::default()
                };
                Some(self.modify(names, &there.name, &change.of(definition)))
            }
            Self::Postgres => Some(self.change_type(names, column, there)),
        }
    }
}
