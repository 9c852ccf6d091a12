//! Lists whose lines somebody numbered: of `1) 1001` and `(1) 1001` the first number is no id, and nothing but its bracket says so.

/// The lines with such a number, each with its number, the character of the bracket, and its text.
pub(super) fn lines_of(text: &str) -> Vec<(usize, usize, String)> {
    let mut found = Vec::new();
    // What the brackets hold that are open, and whether each begins a cell.
    let mut open: Vec<(String, bool)> = Vec::new();
    for (n, line) in text.lines().enumerate() {
        let chars: Vec<char> = line.chars().collect();
        let marks = (0..chars.len()).filter(|at| is_mark(&chars, *at, &mut open)).collect::<Vec<_>>();
        if let Some(first) = marks.first() {
            found.push((n + 1, first + 1, line.trim().to_owned()));
        }
        if let Some((content, _)) = open.last_mut() {
            content.push('\n');
        }
    }
    found
}

/// Whether a bracket closes behind the number of a line, or of one of its cells, with another number behind it.
fn is_mark(chars: &[char], at: usize, open: &mut Vec<(String, bool)>) -> bool {
    let before = || chars[..at].iter().rev().copied().find(|c| !c.is_whitespace());
    match chars[at] {
        '(' | '[' => {
            open.push((String::new(), before().is_none_or(|c| matches!(c, ',' | ';' | '|'))));
            false
        }
        ')' | ']' => {
            let is_number = match open.pop() {
                Some((content, begins)) => {
                    let content = content.trim();
                    begins && !content.is_empty() && content.bytes().all(|byte| byte.is_ascii_digit())
                }
                None => before().is_some_and(|c| c.is_ascii_digit()),
            };
            let between = |c: &&char| c.is_whitespace() || matches!(c, '\'' | '"' | '=' | ',' | ';' | '|' | '.');
            is_number && chars[at + 1..].iter().find(|c| !between(c)).is_some_and(char::is_ascii_digit)
        }
        c => {
            open.last_mut().into_iter().for_each(|(content, _)| content.push(c));
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_lines_are_told_from_brackets_around_ids() {
        for text in
            ["1) 1001", "(1) 1001", "[1] 1001", "1)1001", "1)\t1001", "7\n 2) 1002", "1001, 2) 1002", "(1) '1001"]
        {
            assert_eq!(lines_of(text).len(), 1, "{text:?}");
        }
        for text in ["(1,2,3)", "[1, 2, 3]", "(1)\n(2)", "1001 (2)", "(1,\n2) 3", "1001)", "1001 (a) 3"] {
            assert_eq!(lines_of(text), [], "{text:?}");
        }
    }
}
