//! Arrays in the text of statements: several statements in one send take no bound values.
//!
//! Every element is quoted as elements of an array are, and the array as a text is while `standard_conforming_strings` is
//! on, which every connection is set to.

use std::fmt::Write as _;

use crate::model::error::{Error, Kind, Place, Result};

/// An array of texts, some of which may be `NULL`.
pub(super) fn texts<'t>(elements: impl IntoIterator<Item = impl Into<Option<&'t str>>>) -> String {
    array(elements, |array, text: &str| {
        array.push('"');
        for character in text.chars() {
            match character {
                '"' | '\\' => array.extend(['\\', character]),
                '\'' => array.push_str("''"),
                _ => array.push(character),
            }
        }
        array.push('"');
    })
}

/// An array of numbers, some of which may be `NULL`.
pub(super) fn numbers(elements: impl IntoIterator<Item = impl Into<Option<i64>>>) -> String {
    array(elements, |array, number: i64| {
        // Writing to a string cannot fail.
        let _ = write!(array, "{number}");
    })
}

fn array<T>(elements: impl IntoIterator<Item = impl Into<Option<T>>>, push: impl Fn(&mut String, T)) -> String {
    let mut array = "'{".to_owned();
    for (at, element) in elements.into_iter().enumerate() {
        if at > 0 {
            array.push(',');
        }
        match element.into() {
            Some(element) => push(&mut array, element),
            None => array.push_str("NULL"),
        }
    }
    array.push_str("}'");
    array
}

/// Adds a statement with literals in the place of `$1`, `$2` …
pub(super) fn push_filled(sql: &mut String, statement: &str, literals: &[String]) -> Result<()> {
    let mut parts = statement.split('$');
    sql.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let digits = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
        let (number, rest) = part.split_at(digits);
        let literal = number.parse::<usize>().ok().and_then(|number| literals.get(number.checked_sub(1)?));
        let literal = literal.ok_or_else(|| malformed("a statement names a value that it was not given"))?;
        if literal.contains('\0') {
            // It would end the statement; and a text of PostgreSQL's cannot hold it.
            return Err(malformed("a text has a NUL character, which PostgreSQL does not store"));
        }
        sql.push_str(literal);
        sql.push_str(rest);
    }
    Ok(())
}

fn malformed(why: &str) -> Error {
    Error::new(Place::Catalog, Kind::Malformed, format!("register: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_ends_an_element_or_a_text_before_its_end() {
        let odd = [Some("a"), None, Some(""), Some("NULL"), Some(r#"",'\"#), Some("가, {나}")];
        assert_eq!(texts(odd), r#"'{"a",NULL,"","NULL","\",''\\","가, {나}"}'"#);
        assert_eq!(numbers([Some(1), None, Some(-3)]), "'{1,NULL,-3}'");
        assert_eq!((texts([""; 0]), numbers([0_i64; 0])), ("'{}'".into(), "'{}'".into()));
    }

    #[test]
    fn a_statement_is_filled_once() {
        let mut sql = String::new();
        let literals = ["'$2 $1'".to_owned(), "b".to_owned()].into_iter().chain((3..=10).map(|n| n.to_string()));
        push_filled(&mut sql, "$1::text[], $2 <> $10", &literals.collect::<Vec<_>>()).unwrap();
        assert_eq!(sql, "'$2 $1'::text[], b <> 10");
    }

    #[test]
    fn a_nul_character_is_refused_before_it_ends_the_statement() {
        let error = push_filled(&mut String::new(), "$1", &[texts(["a\0; DROP"])]).unwrap_err();
        assert_eq!(error.kind(), Kind::Malformed);
        assert!(push_filled(&mut String::new(), "$2", &["1".into()]).is_err());
    }
}
