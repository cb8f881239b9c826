//! The *simple query string* language of `q` and `_search`: `+` and, `|` or, `-` not, `"phrase"`, `prefix*`, `(…)`, `~n`.
//!
//! No text is an error: what makes no sense is ignored, as in Elasticsearch. Operators apply from left to right, without
//! precedence. `word~1` finds words that differ by a letter, `word~` those that differ by two at most.

use super::{FUZZY_LETTERS_MAX, QUERY_CLAUSES_MAX, QUERY_DEPTH_MAX, bad, is_stop_word};
use crate::ast::{Query, TextView};
use crate::engine::SearchResult;

/// How the words of a text are searched.
#[derive(Debug, Clone, Copy)]
pub(super) struct Words<'a> {
    /// Columns; all searchable ones when empty.
    pub columns: &'a [String],
    /// Analysis.
    pub view: TextView,
    /// Whether words without operator are all required; stop words never are.
    pub all: bool,
}

impl Words<'_> {
    /// One word as it was written. Where every word is required, one that analysis cuts (`saint-denis`) is a phrase: any
    /// of its pieces alone would not do.
    pub(super) fn word(&self, word: impl Into<String>) -> Query {
        let (columns, word, view) = (self.columns.to_vec(), word.into(), self.view);
        let mut pieces = word.split(|c: char| !c.is_alphanumeric()).filter(|piece| !piece.is_empty());
        let is_cut = pieces.next().is_some() && pieces.next().is_some();
        if self.all && is_cut {
            return Query::Phrase { columns, words: word, slop: 0, view };
        }
        Query::Word { columns, word, view }
    }

    /// A word and those that are nearly the same.
    pub(super) fn fuzzy(&self, word: &str, distance: u8) -> Query {
        if distance == 0 {
            return self.word(word);
        }
        Query::FuzzyWord { columns: self.columns.to_vec(), word: word.to_owned(), distance }
    }

    pub(super) fn prefix(&self, prefix: impl Into<String>) -> Query {
        Query::WordPrefix { columns: self.columns.to_vec(), prefix: prefix.into() }
    }

    /// Words one after the other; a single word is a word, and none is nothing.
    pub(super) fn phrase(&self, text: &str, slop: u32) -> Query {
        let words: Vec<&str> = text.split_whitespace().collect();
        match words.as_slice() {
            [] => Query::Nothing,
            [word] => self.word(*word),
            _ => Query::Phrase {
                columns: self.columns.to_vec(),
                words: words.join(" "),
                slop,
                view: self.view,
            },
        }
    }
}

/// Parses a text. `parameter` is named in the errors, which are about size only.
pub(super) fn parse(text: &str, words: Words<'_>, parameter: &str) -> SearchResult<Query> {
    super::check_length(parameter, text)?;
    let chars: Vec<char> = text.chars().collect();
    let mut clauses = 0;
    let parsed = Parser { chars: &chars, at: 0, words, parameter, depth: 0, clauses: &mut clauses }.run()?;
    Ok(parsed.unwrap_or(Query::Nothing))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    And,
    Or,
}

/// The query so far, and the operator that its outermost level is made of.
#[derive(Default)]
struct Tree {
    top: Option<Query>,
    previous: Option<Operator>,
    current: Option<Operator>,
}

impl Tree {
    fn add(&mut self, branch: Query, default: Operator) {
        let Some(top) = self.top.take() else {
            self.top = Some(branch);
            self.current = None;
            return;
        };
        let operator = self.current.take().unwrap_or(default);
        let mut parts = match (top, self.previous == Some(operator)) {
            (Query::And(parts) | Query::Or(parts), true) => parts,
            (top, _) => vec![top],
        };
        parts.push(branch);
        self.top = Some(match operator {
            Operator::And => Query::And(parts),
            Operator::Or => Query::Or(parts),
        });
        self.previous = Some(operator);
    }
}

struct Parser<'a> {
    chars: &'a [char],
    at: usize,
    words: Words<'a>,
    parameter: &'a str,
    depth: usize,
    clauses: &'a mut usize,
}

impl Parser<'_> {
    fn run(mut self) -> SearchResult<Option<Query>> {
        let default = if self.words.all { Operator::And } else { Operator::Or };
        let mut tree = Tree::default();
        let mut negated = false;
        while let Some(&c) = self.chars.get(self.at) {
            let branch = match c {
                '-' => {
                    negated = !negated;
                    self.at += 1;
                    continue;
                }
                '+' | '|' => {
                    self.at += 1;
                    if tree.current.is_none() && tree.top.is_some() {
                        tree.current = Some(if c == '+' { Operator::And } else { Operator::Or });
                    }
                    None
                }
                '(' => self.group()?,
                '"' => self.phrase(),
                c if c == ')' || c.is_whitespace() => {
                    self.at += 1;
                    None
                }
                _ => self.token(),
            };
            if let Some(branch) = branch {
                self.count()?;
                tree.add(if negated { Query::Not(Box::new(branch)) } else { branch }, default);
            }
            // As in the model, not even a blank may stand between `-` and what it negates.
            negated = false;
        }
        Ok(tree.top)
    }

    fn count(&mut self) -> SearchResult<()> {
        *self.clauses += 1;
        if *self.clauses > QUERY_CLAUSES_MAX {
            let name = self.parameter;
            return Err(bad(format!("\"{name}\" cannot have more than {QUERY_CLAUSES_MAX} words")));
        }
        Ok(())
    }

    fn group(&mut self) -> SearchResult<Option<Query>> {
        self.at += 1;
        let Some(end) = self.closing_parenthesis() else { return Ok(None) };
        if self.depth + 1 > QUERY_DEPTH_MAX {
            let name = self.parameter;
            return Err(bad(format!("\"{name}\" cannot nest more than {QUERY_DEPTH_MAX} parentheses")));
        }
        let inner = Parser {
            chars: &self.chars[self.at..end],
            at: 0,
            words: self.words,
            parameter: self.parameter,
            depth: self.depth + 1,
            clauses: &mut *self.clauses,
        };
        self.at = end + 1;
        inner.run()
    }

    /// Where the parenthesis that is open here closes.
    fn closing_parenthesis(&self) -> Option<usize> {
        let (mut open, mut at) = (1, self.at);
        while let Some(&c) = self.chars.get(at) {
            match c {
                '\\' => at += 1,
                '(' => open += 1,
                ')' => open -= 1,
                _ => {}
            }
            if open == 0 {
                return Some(at);
            }
            at += 1;
        }
        None
    }

    fn phrase(&mut self) -> Option<Query> {
        self.at += 1;
        let mut text = String::new();
        let mut at = self.at;
        loop {
            match *self.chars.get(at)? {
                '\\' => {
                    at += 1;
                    text.extend(self.chars.get(at));
                }
                '"' => break,
                c => text.push(c),
            }
            at += 1;
        }
        self.at = at + 1;
        let slop = self.slop();
        (!text.trim().is_empty()).then(|| self.words.phrase(&text, slop))
    }

    /// `~n` after a phrase; 0 when there is none.
    fn slop(&mut self) -> u32 {
        if self.chars.get(self.at) != Some(&'~') {
            return 0;
        }
        let digits: String = self.chars[self.at + 1..].iter().take_while(|c| c.is_ascii_digit()).collect();
        self.at += 1 + digits.len();
        digits.parse().unwrap_or(0)
    }

    fn token(&mut self) -> Option<Query> {
        let mut text = String::new();
        let mut prefix = false;
        while let Some(&c) = self.chars.get(self.at) {
            if matches!(c, '"' | '|' | '+' | '(' | ')') || c.is_whitespace() {
                break;
            }
            self.at += 1;
            prefix = c == '*';
            if c == '\\' {
                text.extend(self.chars.get(self.at));
                self.at += 1;
            } else {
                text.push(c);
            }
        }
        if prefix {
            let stem = text.trim_end_matches('*');
            return (!stem.is_empty()).then(|| self.words.prefix(stem));
        }
        let (word, distance) = fuzziness(&text);
        let needless = word.is_empty() || self.words.all && is_stop_word(word);
        (!needless).then(|| self.words.fuzzy(word, distance))
    }
}

/// The word of `word~` and `word~2`, and how many letters may differ.
fn fuzziness(text: &str) -> (&str, u8) {
    match text.rsplit_once('~') {
        Some((word, "")) => (word, FUZZY_LETTERS_MAX),
        Some((word, distance)) if distance.bytes().all(|b| b.is_ascii_digit()) => {
            (word, distance.parse().map_or(FUZZY_LETTERS_MAX, |distance: u8| distance.min(FUZZY_LETTERS_MAX)))
        }
        _ => (text, 0),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A query in few characters: `a`, `a*`, `"a b"~1`, `(x & y)`, `(x | y)`, `!x`.
    pub(crate) fn short(query: &Query) -> String {
        let join =
            |parts: &[Query], by: &str| format!("({})", parts.iter().map(short).collect::<Vec<_>>().join(by));
        match query {
            Query::And(parts) => join(parts, " & "),
            Query::Or(parts) => join(parts, " | "),
            Query::Not(part) => format!("!{}", short(part)),
            Query::Word { word, columns, .. } => format!("{}{word}", at(columns)),
            Query::FuzzyWord { word, columns, distance } => format!("{}{word}~{distance}", at(columns)),
            Query::WordPrefix { prefix, columns } => format!("{}{prefix}*", at(columns)),
            Query::Phrase { words, slop: 0, columns, .. } => format!("{}{:?}", at(columns), words),
            Query::Phrase { words, slop, columns, .. } => {
                format!("{}{:?}~{slop}", at(columns), words)
            }
            Query::Unscored(part) => format!("?{}", short(part)),
            other => format!("{other:?}"),
        }
    }

    fn at(columns: &[String]) -> String {
        if columns.is_empty() { String::new() } else { format!("{}:", columns.join(",")) }
    }

    fn check(text: &str, all: bool, expect: &str) {
        let words = Words { columns: &[], view: TextView::Stemmed, all };
        assert_eq!(short(&parse(text, words, "q").unwrap()), expect, "{text}");
    }

    #[test]
    fn operators_apply_from_left_to_right() {
        for (text, expect) in [
            ("a", "a"),
            ("a b c", "(a | b | c)"),
            ("a +b", "(a & b)"),
            ("a b +c", "((a | b) & c)"),
            ("a | b + c | d", "(((a | b) & c) | d)"),
            ("a -b", "(a | !b)"),
            ("a + -b", "(a & !b)"),
            ("- b", "b"),
            ("a + (b | c)", "(a & (b | c))"),
            ("\"une rue\" rue*", "(\"une rue\" | rue*)"),
            ("\"a b\"~2", "\"a b\"~2"),
            ("paris~1", "paris~1"),
            ("paris~ lion~0 lille~9", "(paris~2 | lion | lille~2)"),
            ("saint-denis", "saint-denis"),
            (r"a\+b", "a+b"),
        ] {
            check(text, false, expect);
        }
    }

    #[test]
    fn what_makes_no_sense_is_ignored() {
        for (text, expect) in [
            ("", "Nothing"),
            ("+ | -", "Nothing"),
            ("(a", "a"),
            ("a)", "a"),
            ("\"a", "a"),
            ("()", "Nothing"),
            ("*", "Nothing"),
        ] {
            check(text, false, expect);
        }
    }

    #[test]
    fn when_all_words_are_required_stop_words_are_not() {
        check("la rue de Paris", true, "(rue & Paris)");
    }

    #[test]
    fn a_group_that_is_an_and_is_not_mixed_with_what_follows() {
        check("(a + b) + c", false, "((a & b) & c)");
    }

    #[test]
    fn too_much_is_refused() {
        let words = Words { columns: &[], view: TextView::Stemmed, all: false };
        let deep = format!("{}a{}", "(".repeat(40), ")".repeat(40));
        assert_eq!(
            parse(&deep, words, "q").unwrap_err().to_string(),
            "\"q\" cannot nest more than 32 parentheses"
        );
        assert!(parse(&"a ".repeat(2000), words, "q").is_err());
    }
}
