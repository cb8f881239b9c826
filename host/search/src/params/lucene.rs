//! The syntax of `qs`: Lucene's query string, as a tree. [`super::qs`] gives it a meaning.
//!
//! Booleans follow Lucene's classic parser: `AND` requires what stands on both sides, `NOT` and `-` exclude, `+` requires,
//! and what is neither required nor excluded counts only if nothing is required.

use super::{FUZZY_LETTERS_MAX, QUERY_CLAUSES_MAX, QUERY_DEPTH_MAX};

/// What a clause asks for.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node {
    /// Clauses with what each means for the whole.
    Group(Vec<(Occur, Node)>),
    /// Clauses on one field.
    Field(String, Box<Node>),
    /// A word, unescaped.
    Term(String),
    /// A word with `*` or `?`, unescaped but for these.
    Pattern(String),
    /// A word, unescaped, and how many of its letters may differ.
    Fuzzy(String, u8),
    /// A quoted text, and how far apart its words may be.
    Phrase(String, u32),
    /// A range: bounds with whether they are included, `None` for `*`.
    Range { lower: Option<(String, bool)>, upper: Option<(String, bool)> },
}

/// Whether a clause must, should or must not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Occur {
    Must,
    Should,
    MustNot,
}

/// Where the text leaves the syntax, in characters from 1, and what is wrong there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SyntaxError {
    pub at: usize,
    pub what: String,
}

type Parsed<T> = Result<T, SyntaxError>;

/// Parses a whole text.
pub(super) fn parse(text: &str) -> Parsed<Node> {
    let mut parser = Parser { chars: text.chars().collect(), at: 0, clauses: 0 };
    let node = parser.group(0)?;
    if parser.peek().is_some() {
        return parser.fail("parenthèse fermante sans ouvrante");
    }
    Ok(node)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Conjunction {
    None,
    And,
    Or,
}

struct Parser {
    chars: Vec<char>,
    at: usize,
    clauses: usize,
}

impl Parser {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn fail<T>(&self, what: impl Into<String>) -> Parsed<T> {
        Err(SyntaxError { at: self.at + 1, what: what.into() })
    }

    fn blanks(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.at += 1;
        }
    }

    fn eat(&mut self, text: &str) -> bool {
        let found = text.chars().enumerate().all(|(i, c)| self.chars.get(self.at + i) == Some(&c));
        if found {
            self.at += text.chars().count();
        }
        found
    }

    /// A word of the language, followed by what cannot be part of a term.
    fn eat_keyword(&mut self, keyword: &str) -> bool {
        let start = self.at;
        if self.eat(keyword) && self.peek().is_none_or(|c| c.is_whitespace() || matches!(c, '(' | ')' | '"'))
        {
            return true;
        }
        self.at = start;
        false
    }

    fn group(&mut self, depth: usize) -> Parsed<Node> {
        if depth > QUERY_DEPTH_MAX {
            return self.fail(format!("plus de {QUERY_DEPTH_MAX} niveaux de parenthèses"));
        }
        let mut clauses: Vec<(Occur, Node)> = Vec::new();
        loop {
            self.blanks();
            if self.peek().is_none_or(|c| c == ')') {
                break;
            }
            let conjunction = self.conjunction();
            self.blanks();
            if conjunction != Conjunction::None && clauses.is_empty() {
                return self.fail("opérateur sans terme à sa gauche");
            }
            let modifier = self.modifier();
            let node = self.clause(depth)?;
            self.clauses += 1;
            if self.clauses > QUERY_CLAUSES_MAX {
                return self.fail(format!("plus de {QUERY_CLAUSES_MAX} termes"));
            }
            let and = conjunction == Conjunction::And;
            if let (true, Some((occur, _))) = (and, clauses.last_mut())
                && *occur == Occur::Should
            {
                *occur = Occur::Must;
            }
            let occur = modifier.unwrap_or(if and { Occur::Must } else { Occur::Should });
            clauses.push((occur, node));
        }
        if clauses.is_empty() {
            return self.fail("terme attendu");
        }
        Ok(Node::Group(clauses))
    }

    fn conjunction(&mut self) -> Conjunction {
        if self.eat_keyword("AND") || self.eat("&&") {
            Conjunction::And
        } else if self.eat_keyword("OR") || self.eat("||") {
            Conjunction::Or
        } else {
            Conjunction::None
        }
    }

    fn modifier(&mut self) -> Option<Occur> {
        let occur = if self.eat("+") {
            Occur::Must
        } else if self.eat("-") || self.eat("!") || self.eat_keyword("NOT") {
            Occur::MustNot
        } else {
            return None;
        };
        self.blanks();
        Some(occur)
    }

    fn clause(&mut self, depth: usize) -> Parsed<Node> {
        let start = self.at;
        if self.peek().is_some_and(is_term_start)
            && let Ok((name, _)) = self.term()
        {
            self.blanks();
            if self.eat(":") {
                self.blanks();
                let value = self.field_value(depth)?;
                return Ok(Node::Field(name, Box::new(value)));
            }
        }
        self.at = start;
        let node = self.value(depth)?;
        self.boost()?;
        Ok(node)
    }

    fn field_value(&mut self, depth: usize) -> Parsed<Node> {
        for (sign, lower, included) in
            [(">=", true, true), ("<=", false, true), (">", true, false), ("<", false, false)]
        {
            if self.eat(sign) {
                self.blanks();
                let text = if self.peek() == Some('"') { self.quoted()? } else { self.term()?.0 };
                let bound = Some((text, included));
                let range = if lower {
                    Node::Range { lower: bound, upper: None }
                } else {
                    Node::Range { lower: None, upper: bound }
                };
                self.boost()?;
                return Ok(range);
            }
        }
        // A number may be negative here, where `-` cannot be an operator.
        if self.peek() == Some('-') {
            self.at += 1;
            let (digits, _) = self.term()?;
            return Ok(Node::Term(format!("-{digits}")));
        }
        let node = self.value(depth)?;
        self.boost()?;
        Ok(node)
    }

    fn value(&mut self, depth: usize) -> Parsed<Node> {
        match self.peek() {
            Some('(') => {
                self.at += 1;
                let node = self.group(depth + 1)?;
                if !self.eat(")") {
                    return self.fail("parenthèse fermante attendue");
                }
                Ok(node)
            }
            Some('"') => {
                let text = self.quoted()?;
                let slop = if self.eat("~") { self.digits().parse().unwrap_or(0) } else { 0 };
                Ok(Node::Phrase(text, slop))
            }
            Some('[' | '{') => self.range(),
            Some('/') => {
                self.fail("les expressions régulières ne sont pas acceptées, échappez le caractère /")
            }
            Some(_) => {
                let (text, pattern) = self.term()?;
                if self.eat("~") {
                    let distance = fuzzy_letters(&text, &self.digits());
                    return Ok(if pattern { Node::Pattern(text) } else { Node::Fuzzy(text, distance) });
                }
                Ok(if pattern { Node::Pattern(text) } else { Node::Term(text) })
            }
            None => self.fail("terme attendu"),
        }
    }

    fn digits(&mut self) -> String {
        let start = self.at;
        while self.peek().is_some_and(|c| c.is_ascii_digit() || c == '.') {
            self.at += 1;
        }
        self.chars[start..self.at].iter().collect()
    }

    /// `^2`, read and ignored: relevance is the platform's.
    fn boost(&mut self) -> Parsed<()> {
        if self.eat("^") && self.digits().is_empty() {
            return self.fail("nombre attendu après ^");
        }
        Ok(())
    }

    /// A term, unescaped, and whether it has wildcards.
    fn term(&mut self) -> Parsed<(String, bool)> {
        let start = self.at;
        let (mut text, mut pattern) = (String::new(), false);
        while let Some(c) = self.peek() {
            if c == '\\' {
                let Some(&escaped) = self.chars.get(self.at + 1) else {
                    return self.fail("caractère attendu après \\");
                };
                text.push(escaped);
                self.at += 2;
                continue;
            }
            if !is_term_start(c) && (self.at == start || !matches!(c, '+' | '-' | '/')) {
                break;
            }
            pattern |= matches!(c, '*' | '?');
            text.push(c);
            self.at += 1;
        }
        if self.at == start {
            let found = self.peek().map_or_else(|| "la fin".to_owned(), |c| format!("\"{c}\""));
            return self.fail(format!("terme attendu au lieu de {found}"));
        }
        Ok((text, pattern))
    }

    fn quoted(&mut self) -> Parsed<String> {
        let start = self.at;
        self.at += 1;
        let mut text = String::new();
        while let Some(c) = self.peek() {
            self.at += 1;
            match c {
                '"' => return Ok(text),
                '\\' => {
                    text.extend(self.peek());
                    self.at += 1;
                }
                c => text.push(c),
            }
        }
        self.at = start;
        self.fail("guillemet fermant attendu")
    }

    fn range(&mut self) -> Parsed<Node> {
        let lower_included = self.peek() == Some('[');
        self.at += 1;
        let lower = self.range_end()?;
        self.blanks();
        if !self.eat_keyword("TO") {
            return self.fail("TO attendu");
        }
        let upper = self.range_end()?;
        self.blanks();
        let upper_included = match self.peek() {
            Some(']') => true,
            Some('}') => false,
            _ => return self.fail("] ou } attendu"),
        };
        self.at += 1;
        let bound = |end: String, included| (end != "*").then_some((end, included));
        Ok(Node::Range { lower: bound(lower, lower_included), upper: bound(upper, upper_included) })
    }

    fn range_end(&mut self) -> Parsed<String> {
        self.blanks();
        if self.peek() == Some('"') {
            return self.quoted();
        }
        let mut text = String::new();
        while let Some(c) = self.peek() {
            if c.is_whitespace() || matches!(c, ']' | '}') {
                break;
            }
            self.at += 1;
            if c == '\\' {
                text.extend(self.peek());
                self.at += 1;
            } else {
                text.push(c);
            }
        }
        if text.is_empty() { self.fail("borne attendue") } else { Ok(text) }
    }
}

/// Whether a term may begin with the character.
fn is_term_start(c: char) -> bool {
    let special =
        matches!(c, '+' | '-' | '!' | '(' | ')' | ':' | '^' | '[' | ']' | '"' | '{' | '}' | '~' | '/');
    !special && !c.is_whitespace()
}

/// How many letters of a fuzzy word may differ: as told; else none of two letters, one of five, two of more.
fn fuzzy_letters(word: &str, told: &str) -> u8 {
    if let Ok(told) = told.parse::<u8>() {
        return told.min(FUZZY_LETTERS_MAX);
    }
    match word.chars().count() {
        0..=2 => 0,
        3..=5 => 1,
        _ => FUZZY_LETTERS_MAX,
    }
}
