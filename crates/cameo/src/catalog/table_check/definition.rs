//! A column's definition in MySQL as `SHOW CREATE TABLE` has it, with something of it changed and all the rest kept:
//! `MODIFY` takes a whole definition, and what is left out of it is lost (unsigned, default, comment, character set).

/// What to change of a definition.
#[derive(Debug, Clone, Default)]
pub(super) struct Change {
    /// The type in place of its own.
    pub(super) to_type: Option<String>,
    /// Compared byte by byte, in a character set that holds everything.
    pub(super) by_bytes: bool,
    /// May be `NULL`.
    pub(super) nullable: bool,
    /// Numbers the rows.
    pub(super) numbers_rows: bool,
}

impl Change {
    /// The definition, changed.
    pub(super) fn of(&self, definition: &str) -> String {
        let words = words(definition);
        let (own_type, mut rest) = match words.split_first() {
            Some((own_type, rest)) => (*own_type, rest.to_vec()),
            None => ("", Vec::new()),
        };
        let mut changed = vec![self.to_type.as_deref().unwrap_or(own_type)];
        if self.to_type.is_some() {
            rest.retain(|word| !is(word, "unsigned") && !is(word, "zerofill"));
        }
        if self.by_bytes {
            remove(&mut rest, &["CHARACTER", "SET"], 1);
            remove(&mut rest, &["COLLATE"], 1);
            changed.extend(["CHARACTER", "SET", "utf8mb4", "COLLATE", "utf8mb4_bin"]);
        }
        if self.nullable {
            remove(&mut rest, &["NOT", "NULL"], 0);
            rest.insert(leading(&rest), "NULL");
        }
        if self.numbers_rows {
            remove(&mut rest, &["NOT", "NULL"], 0);
            remove(&mut rest, &["DEFAULT"], 1);
            let at = leading(&rest);
            rest.splice(at..at, ["NOT", "NULL", "AUTO_INCREMENT"]);
        }
        changed.extend(rest);
        changed.join(" ")
    }
}

/// Where attributes begin: after what belongs to the type, and is understood nowhere else.
fn leading(words: &[&str]) -> usize {
    let of_type = ["unsigned", "zerofill", "CHARACTER", "SET", "COLLATE"];
    let mut at = 0;
    while let Some(word) = words.get(at) {
        let names_next = is(word, "SET") || is(word, "COLLATE");
        if !of_type.iter().any(|known| is(word, known)) {
            break;
        }
        at += 1 + usize::from(names_next);
    }
    at
}

fn is(word: &str, known: &str) -> bool {
    word.eq_ignore_ascii_case(known)
}

/// Removes the first place where these words follow each other, and so many words after it.
fn remove(words: &mut Vec<&str>, pattern: &[&str], after: usize) {
    let found = words.windows(pattern.len()).position(|there| there.iter().zip(pattern).all(|(a, b)| is(a, b)));
    if let Some(at) = found {
        words.drain(at..(at + pattern.len() + after).min(words.len()));
    }
}

/// The words of a definition: what is quoted or in parentheses is not parted.
fn words(definition: &str) -> Vec<&str> {
    let (mut words, mut begun, mut depth, mut quote) = (Vec::new(), None, 0_u32, None);
    let mut characters = definition.char_indices().peekable();
    while let Some((at, c)) = characters.next() {
        match (quote, c) {
            // A quote that is part of a text is doubled, or follows a backslash.
            (Some('\''), '\\') => drop(characters.next()),
            (Some(open), c) if c == open => quote = None,
            (None, '\'' | '"' | '`') => quote = Some(c),
            (None, '(') => depth += 1,
            (None, ')') => depth = depth.saturating_sub(1),
            (None, ' ') if depth == 0 => {
                words.extend(begun.take().map(|begun: usize| &definition[begun..at]));
                continue;
            }
            _ => {}
        }
        begun.get_or_insert(at);
    }
    words.extend(begun.map(|begun| &definition[begun..]));
    words
}

/// The definitions of a table's columns by their names, read from what `SHOW CREATE TABLE` answers: a line a column.
#[cfg_attr(not(any(test, feature = "mysql")), expect(dead_code, reason = "only MySQL describes itself so"))]
pub(in crate::catalog) fn definitions(create_table: &str) -> Vec<(String, String)> {
    create_table.lines().filter_map(definition).collect()
}

fn definition(line: &str) -> Option<(String, String)> {
    let quoted = line.trim_start().strip_prefix('`')?;
    let mut end = 0;
    loop {
        end += quoted.get(end..)?.find('`')?;
        // A doubled one is part of the name.
        if !quoted.get(end + 1..)?.starts_with('`') {
            break;
        }
        end += 2;
    }
    let definition = quoted.get(end + 1..)?.trim();
    Some((quoted.get(..end)?.replace("``", "`"), definition.strip_suffix(',').unwrap_or(definition).to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `flow.md` 12: what the statements of `doctor` lost.
    #[test]
    fn a_change_keeps_the_rest_of_a_definition() {
        let nullable = Change { nullable: true, ..Change::default() };
        for (definition, changed) in [
            ("decimal(10,2) unsigned NOT NULL", "decimal(10,2) unsigned NULL"),
            (
                "datetime(6) NOT NULL COMMENT 'is NOT NULL, ''x'' \\' y'",
                "datetime(6) NULL COMMENT 'is NOT NULL, ''x'' \\' y'",
            ),
            ("enum('a b','NOT NULL') NOT NULL", "enum('a b','NOT NULL') NULL"),
            (
                "set('x','y') CHARACTER SET latin1 COLLATE latin1_bin NOT NULL",
                "set('x','y') CHARACTER SET latin1 COLLATE latin1_bin NULL",
            ),
            ("timestamp NOT NULL ON UPDATE current_timestamp()", "timestamp NULL ON UPDATE current_timestamp()"),
            ("longtext NOT NULL CHECK (json_valid(`x y`))", "longtext NULL CHECK (json_valid(`x y`))"),
        ] {
            assert_eq!(nullable.of(definition), changed);
        }
        let numbers = Change { numbers_rows: true, ..Change::default() };
        let numbered = "int(10) unsigned NOT NULL AUTO_INCREMENT COMMENT 'no'";
        assert_eq!(numbers.of("int(10) unsigned NOT NULL DEFAULT 0 COMMENT 'no'"), numbered);
        let longer = Change { to_type: Some("VARCHAR(64)".into()), by_bytes: true, ..Change::default() };
        assert_eq!(
            longer.of("varchar(20) CHARACTER SET latin1 COLLATE latin1_swedish_ci NOT NULL DEFAULT '' COMMENT 'a b'"),
            "VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL DEFAULT '' COMMENT 'a b'"
        );
    }

    #[test]
    fn definitions_are_read_whatever_names_and_comments_have() {
        let create =
            "CREATE TABLE `t` (\n  `a``b` int(11) NOT NULL COMMENT 'x, y',\n  `c` text,\n  PRIMARY KEY (`c`)\n)";
        let pair = |name: &str, definition: &str| (name.to_owned(), definition.to_owned());
        assert_eq!(definitions(create), [pair("a`b", "int(11) NOT NULL COMMENT 'x, y'"), pair("c", "text")]);
    }
}
