//! Ids in SQL that somebody pasted: the lists `cd_idx IN (…)` and what stands around them.
//!
//! The SQL of a statement is blanked, so that lines and columns stay as they are. Whatever is not certainly SQL stays in the text: numbers
//! before and behind a statement are ids, as are those of `cd_idx = 1`, and what is neither is reported by whoever reads the rest.

use std::ops::Range;

use super::{IdsError, clear_header, has_id_digits};

mod tokens;

use tokens::{Is, Token, tokens_of};

/// Words that begin a statement or go on with it, and that an operand follows.
const KEYWORDS: [&str; 38] = [
    "select", "distinct", "from", "where", "and", "or", "not", "with", "as", "on", "join", "left", "right", "inner",
    "outer", "union", "all", "order", "group", "by", "having", "limit", "offset", "between", "like", "is", "set",
    "update", "delete", "using", "when", "then", "else", "case", "into", "values", "exists", "in",
];
/// Words that are operands, or behind one.
const ENDS: [&str; 8] = ["null", "true", "false", "asc", "desc", "end", "current_date", "default"];
/// Words that begin what is certainly SQL.
const BEGINNINGS: [&str; 7] = ["select", "with", "delete", "update", "where", "and", "or"];
/// Words behind which a number by itself is an operand. Behind any other it is an id, unless it is compared with something.
const OPERANDS: [&str; 9] = ["select", "distinct", "by", "limit", "offset", "values", "when", "then", "else"];
/// Words behind which commas separate operands.
const LISTS: [&str; 7] = ["select", "distinct", "by", "limit", "values", "set", "from"];
/// Words behind which a name may have a second one.
const ALIASED: [&str; 6] = ["select", "distinct", "from", "join", "update", "into"];
/// Words that take one result from another.
const SETS_APART: [&str; 2] = ["except", "minus"];
/// Words that ask for other ids than those that they name.
const RANGES: [&str; 2] = ["between", "like"];

/// A list `IN (…)`: the places of its tokens.
struct InList {
    /// The name before it, or `IN` itself where there is none.
    from: usize,
    /// Behind the bracket that opens it, up to the one that closes it.
    content: Range<usize>,
    is_of_ids: bool,
    /// Tuples and selects are no lists of ids.
    is_nested: bool,
    /// The token of the name of another column.
    other: Option<usize>,
    /// The `NOT` before it.
    not: Option<usize>,
}

/// A text in which lists `IN (…)` are.
#[derive(Debug)]
pub(super) struct Sql {
    /// The text with the SQL blanked.
    pub(super) rest: String,
    /// The places of what asks for other ids than those that are named.
    pub(super) negated: Vec<Range<usize>>,
    /// The place of the name before the only list, where it is that of another column.
    pub(super) other: Option<Range<usize>>,
}

/// The text without its SQL; none where there is no list `IN (…)`.
pub(super) fn read(text: &str) -> Result<Option<Sql>, IdsError> {
    if !has_in_list(text) {
        return Ok(None);
    }
    let tokens = tokens_of(text);
    let mut lists = lists_of(text, &tokens);
    if lists.is_empty() {
        return Ok(None);
    }
    let mut other = None;
    if lists.iter().all(|list| !list.is_of_ids) {
        match lists.as_mut_slice() {
            [only] => {
                other = only.other.map(|name| tokens[name].at.clone());
                only.is_of_ids = true;
            }
            _ => return Err(IdsError::SeveralLists),
        }
    }
    let negated = negated(text, &tokens, &lists);
    let mut reader = Reader { text, tokens: &tokens, blank: vec![false; tokens.len()], now: None };
    reader.read(&lists);
    let mut is_in_list = vec![false; tokens.len()];
    for list in &lists {
        is_in_list[list.content.clone()].fill(true);
    }
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    for (n, token) in tokens.iter().enumerate() {
        // In SQL a comma is never part of a number.
        let is_comma = !reader.blank[n] && token.of(text) == "," && is_in_list[n];
        if is_comma || reader.blank[n] {
            out.push_str(&text[done..token.at.start]);
            let instead = |c| if c == '\n' { '\n' } else { ' ' };
            out.extend(text[token.at.clone()].chars().map(|c| if is_comma { ';' } else { instead(c) }));
            done = token.at.end;
        }
    }
    out.push_str(&text[done..]);
    Ok(Some(Sql { rest: out, negated, other }))
}

/// What asks for other ids than those of the lists: `NOT`, `!` and `IS` of a condition with a list of ids, `<>` and `!=` of a column of ids, and
/// what takes one result from another.
fn negated(text: &str, tokens: &[Token], lists: &[InList]) -> Vec<Range<usize>> {
    let word = |n: usize| tokens.get(n).map_or("", |token| token.of(text));
    let is_id =
        |n: usize| tokens.get(n).is_some_and(|token| token.is == Is::Word) && is_column_name(bare_name(word(n)));
    let of_ids = || lists.iter().filter(|list| list.is_of_ids);
    let mut negated = Vec::new();
    for (n, token) in tokens.iter().enumerate() {
        let text = token.of(text);
        let asks_for_others = match token.is {
            Is::Word if text.eq_ignore_ascii_case("not") => {
                of_ids().any(|list| list.not == Some(n)) || negates_ids(n, tokens, &word, &is_id, lists)
            }
            Is::Word if text.eq_ignore_ascii_case("is") => {
                let before = (0..n).rev().find(|at| word(*at) != ")");
                before.is_some_and(|at| of_ids().any(|list| list.content.end == at + 1 || list.content.contains(&at)))
            }
            Is::Word => is_one_of(&SETS_APART, text),
            Is::Operator if text == "!" => negates_ids(n, tokens, &word, &is_id, lists),
            Is::Operator if matches!(text, "!=" | "<>") => is_id(n + 1) || n.checked_sub(1).is_some_and(is_id),
            _ => false,
        };
        if asks_for_others {
            negated.push(token.at.clone());
        }
    }
    negated
}

/// Whether what a `NOT` at a place is of has a list or a column of ids.
fn negates_ids<'t>(
    not: usize,
    tokens: &[Token],
    word: &impl Fn(usize) -> &'t str,
    is_id: &impl Fn(usize) -> bool,
    lists: &[InList],
) -> bool {
    let mut end = not + 1;
    // `NOT EXISTS (…)`
    if word(end).eq_ignore_ascii_case("exists") {
        end += 1;
    }
    if word(end) != "(" {
        return is_id(end) && !is_one_of(&RANGES, word(end + 1));
    }
    let close = closing(tokens, end, word);
    lists.iter().any(|list| list.is_of_ids && (end..close).contains(&list.from)) || (end..close).any(is_id)
}

/// The token that closes the bracket that opens at a place, or the end.
fn closing<'t>(tokens: &[Token], open: usize, word: &impl Fn(usize) -> &'t str) -> usize {
    let mut depth = 0_usize;
    let close = (open..tokens.len()).find(|n| {
        match word(*n) {
            "(" => depth += 1,
            ")" => depth -= 1,
            _ => {}
        }
        depth == 0
    });
    close.unwrap_or(tokens.len())
}

/// Whether a column in SQL has ids: of `id`, `idx` and the like nobody knows whose they are.
fn is_column_name(name: &str) -> bool {
    clear_header(name).is_some()
}

/// A name without those of its schema and table, and without its quotes.
fn bare_name(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or_default().trim_matches(['`', '"', '[', ']'])
}

/// Whether a bracket opens behind the word IN: most lists have none, and are not cut into tokens.
pub(super) fn has_in_list(text: &str) -> bool {
    text.match_indices('(').any(|(at, _)| {
        let before = text[..at].trim_end();
        before.len() >= 2
            && before.is_char_boundary(before.len() - 2)
            && before[before.len() - 2..].eq_ignore_ascii_case("in")
    })
}

fn lists_of(text: &str, tokens: &[Token]) -> Vec<InList> {
    let word = |n: Option<usize>| {
        n.and_then(|n| tokens.get(n)).filter(|token| token.is == Is::Word).map(|token| token.of(text))
    };
    let mut lists = Vec::new();
    for open in 1..tokens.len() {
        if tokens[open].of(text) != "(" || !word(Some(open - 1)).is_some_and(|word| word.eq_ignore_ascii_case("in")) {
            continue;
        }
        let mut from = open - 1;
        let not = from.checked_sub(1).filter(|n| word(Some(*n)).is_some_and(|word| word.eq_ignore_ascii_case("not")));
        from = not.unwrap_or(from);
        let name = word(from.checked_sub(1)).filter(|word| !is_keyword(word)).unwrap_or_default();
        from -= usize::from(!name.is_empty());
        let content = open + 1..closing(tokens, open, &|n| tokens[n].of(text));
        let is_nested = tokens[content.clone()].iter().any(|token| token.of(text) == "(");
        let is_of_ids = is_column_name(bare_name(name));
        // Of `made in (Korea)` the name is no column.
        let has_values = tokens[content.clone()].iter().any(|token| matches!(token.is, Is::Number | Is::Text));
        let other = (!name.is_empty() && !is_of_ids && has_values).then_some(from);
        lists.push(InList { from, content, is_of_ids, is_nested, other, not });
    }
    lists
}

fn is_keyword(word: &str) -> bool {
    KEYWORDS.iter().chain(&ENDS).any(|known| word.eq_ignore_ascii_case(known))
}

fn is_one_of(words: &[&str], word: &str) -> bool {
    words.iter().any(|known| word.eq_ignore_ascii_case(known))
}

/// Where in a statement the reader is.
#[derive(Debug, Clone, Default)]
struct Statement<'t> {
    /// Whether an operand follows.
    wants: bool,
    /// The keyword before.
    clause: &'t str,
    /// The name that the next operator compares.
    name: &'t str,
    /// The comparison before the operand.
    operator: &'t str,
    /// Brackets that are open, and whether each is that of a function.
    brackets: Vec<bool>,
    /// Whether an `AND` is the one of `BETWEEN`.
    is_between: bool,
    /// Whether a second name may follow the first: `FROM table t`.
    may_be_alias: bool,
}

struct Reader<'t> {
    text: &'t str,
    tokens: &'t [Token],
    blank: Vec<bool>,
    /// The statement that it is in.
    now: Option<Statement<'t>>,
}

impl<'t> Reader<'t> {
    fn read(&mut self, lists: &[InList]) {
        let mut lists = lists.iter().peekable();
        let mut n = 0;
        while n < self.tokens.len() {
            if let Some(list) = lists.next_if(|list| list.from == n) {
                self.take_list(list);
                n = list.content.end + 1;
                // Lists within a list are of the statement that it selects from.
                while lists.next_if(|inner| inner.from < n).is_some() {}
                continue;
            }
            self.take(n);
            n += 1;
        }
    }

    fn take_list(&mut self, list: &InList) {
        let end = (list.content.end + 1).min(self.tokens.len());
        for n in list.from..end {
            // Of what is no plain list everything is left, to be reported.
            self.blank[n] = !list.is_of_ids || !(list.is_nested || list.content.contains(&n));
        }
        let statement = self.now.take().unwrap_or_default();
        self.now =
            Some(Statement { wants: false, name: "", operator: "", may_be_alias: false, clause: "in", ..statement });
    }

    /// Takes one token, which is blanked where it is SQL.
    fn take(&mut self, n: usize) {
        let token = &self.tokens[n];
        let text = token.of(self.text);
        let line_start = self.text[..token.at.start].trim_end_matches([' ', '\t']);
        let begins_line = line_start.is_empty() || line_start.ends_with('\n');
        let begins = token.is == Is::Word && is_one_of(&BEGINNINGS, text);
        let Some(mut now) = self.now.take().or_else(|| begins.then(Statement::default)) else { return };
        let is_sql = match token.is {
            Is::Comment => {
                self.blank[n] = !has_id_digits(text);
                self.now = Some(now);
                return;
            }
            Is::Word if is_keyword(text) => Self::keyword(text, &mut now),
            Is::Word => now.name(text),
            Is::Number | Is::Text => self.literal(n, &mut now),
            Is::Operator => now.operator(text, begins_line),
            Is::Mark => now.mark(text),
            Is::Other => false,
        };
        if text == ";" {
            self.blank[n] = true;
        } else if is_sql {
            self.blank[n] = true;
            self.now = Some(now);
        }
    }

    fn keyword(word: &'t str, now: &mut Statement<'t>) -> bool {
        if is_one_of(&ENDS, word) {
            let was_wanted = now.wants;
            now.wants = false;
            return was_wanted || is_one_of(&["asc", "desc", "end"], word);
        }
        if is_one_of(&RANGES, word) && is_column_name(now.bare_name()) {
            return false;
        }
        let is_second = std::mem::take(&mut now.is_between) && word.eq_ignore_ascii_case("and");
        now.is_between = word.eq_ignore_ascii_case("between");
        now.operator = if is_second || now.is_between { "between" } else { "" };
        if !is_one_of(&["is", "not"], word) {
            now.name = "";
        }
        now.clause = word;
        now.wants = true;
        now.may_be_alias = false;
        true
    }

    /// A number or a quoted text: an operand of SQL, or an id.
    fn literal(&mut self, n: usize, now: &mut Statement<'t>) -> bool {
        if !now.wants {
            return false;
        }
        let is_compared = self.tokens.get(n + 1).is_some_and(|next| next.is == Is::Operator);
        let is_operand = !now.operator.is_empty() || is_compared || now.brackets.contains(&true);
        if !is_operand && !is_one_of(&OPERANDS, now.clause) {
            return false;
        }
        now.wants = false;
        now.may_be_alias = false;
        let is_of_id = is_column_name(now.bare_name());
        match (is_of_id, now.operator) {
            // The id of `cd_idx = 1` stays, and the statement goes on.
            (true, "=") => {
                self.blank[n] = false;
                self.now = Some(std::mem::take(now));
                false
            }
            (true, operator) if !operator.is_empty() => false,
            _ => true,
        }
    }
}

impl<'t> Statement<'t> {
    fn bare_name(&self) -> &'t str {
        bare_name(self.name)
    }

    fn name(&mut self, word: &'t str) -> bool {
        if !self.wants && !self.may_be_alias {
            return false;
        }
        self.may_be_alias = self.wants && is_one_of(&ALIASED, self.clause) && self.operator.is_empty();
        self.wants = false;
        self.name = word;
        self.operator = "";
        true
    }

    fn operator(&mut self, text: &'t str, begins_line: bool) -> bool {
        // A line `-1001` behind a statement is a slip of whoever wrote the id, and no difference.
        if begins_line && !self.wants && matches!(text, "-" | "+") {
            return false;
        }
        // `count(*)`, `SELECT *`
        if text == "*" && self.wants {
            self.wants = false;
            return true;
        }
        if self.clause == "in" || (is_column_name(self.bare_name()) && text != "=") {
            return false;
        }
        self.wants = true;
        self.operator = text;
        true
    }

    fn mark(&mut self, text: &str) -> bool {
        match text {
            "(" => {
                self.brackets.push(!self.wants);
                self.wants = true;
                self.name = "";
                self.operator = "";
                true
            }
            ")" => {
                self.brackets.pop();
                self.wants = false;
                self.name = "";
                self.may_be_alias = self.clause != "in";
                true
            }
            "," if self.brackets.contains(&true) || is_one_of(&LISTS, self.clause) => {
                self.wants = true;
                self.operator = "";
                true
            }
            _ => false,
        }
    }
}
