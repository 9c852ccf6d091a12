//! Whatever people read is Korean too: every text of two languages in the sources has a Korean one with Hangul in it.
//!
//! The sources are read as text: literals in calls of `pick` and `Text::new`, and nothing that is made by `format!` from parts that were
//! looked at where they are written.

use std::{fs, path::Path};

/// Pairs that are no words, each by its English.
const NO_WORDS: [&str; 6] = ["en", "failed.csv", ": ", ", ", " ", ""];

fn sources(folder: &Path, found: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && name != "tests" {
            sources(&path, found);
        } else if name.ends_with(".rs") && !matches!(name.as_str(), "tests.rs" | "messes.rs") {
            let text = fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]").next().unwrap().to_owned();
            found.push((path.display().to_string(), code));
        }
    }
}

/// The literal that a text begins with, and what is behind it; those that `format!` has in it are taken for it.
fn literal(text: &str) -> Option<(String, &str)> {
    let text = text.trim_start();
    let text = text.strip_prefix("format!(").unwrap_or(text).trim_start();
    let mut chars = text.strip_prefix('"')?.char_indices();
    let mut read = String::new();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((read, &text[at + 2..])),
            '\\' => match chars.next()?.1 {
                'u' => while chars.next().is_some_and(|(_, c)| c != '}') {},
                '\n' => {}
                escaped => read.push(escaped),
            },
            c => read.push(c),
        }
    }
    None
}

/// Both literals of a call, from behind its bracket.
fn pair(call: &str) -> Option<(String, String)> {
    let (english, rest) = literal(call)?;
    let rest = rest.trim_start();
    // Behind a format! the bracket closes, with or without arguments.
    let rest = if call.trim_start().starts_with("format!(") {
        rest.split_once("),").map_or(rest, |(_, rest)| rest)
    } else {
        rest.strip_prefix(',')?
    };
    let (korean, _) = literal(rest)?;
    Some((english, korean))
}

fn is_korean(text: &str) -> bool {
    text.chars().any(|c| ('가'..='힣').contains(&c))
}

/// Whether a text has words of its own, beside what is put into it.
fn has_words(text: &str) -> bool {
    let mut depth = 0_i32;
    let letters = text.chars().filter(|c| {
        depth += i32::from(*c == '{') - i32::from(*c == '}');
        depth == 0 && c.is_alphabetic()
    });
    letters.count() > 2
}

#[test]
fn every_text_of_two_languages_has_a_korean_one() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut found = Vec::new();
    for folder in ["crates/cameo/src", "crates/cli/src"] {
        sources(&root.join(folder), &mut found);
    }
    let (mut seen, mut missing) = (0, Vec::new());
    for (path, code) in &found {
        for start in [".pick(", "Text::new("] {
            for (at, _) in code.match_indices(start) {
                let Some((english, korean)) = pair(&code[at + start.len()..]) else { continue };
                seen += 1;
                if has_words(&english) && !is_korean(&korean) && !NO_WORDS.contains(&english.as_str()) {
                    missing.push(format!("{path}: {english:?}: {korean:?}"));
                }
            }
        }
    }
    assert!(seen > 200, "only {seen} texts were found");
    assert!(missing.is_empty(), "without Korean:\n  {}", missing.join("\n  "));
}

#[test]
fn a_text_without_korean_is_found() {
    for (call, is_found) in [
        ("\"no photo\", \"사진 없음\")", false),
        ("\"no photo\", \"\")", true),
        ("\"no photo\", \"no photo\")", true),
        ("format!(\"no {a}\", b), format!(\"{a} 없음\"))", false),
        ("format!(\"no photo {a}\"), format!(\"no photo {a}\"))", true),
    ] {
        let (english, korean) = pair(call).unwrap();
        assert_eq!(has_words(&english) && !is_korean(&korean), is_found, "{call}");
    }
}
