//! Words of an expression, cut as expr-eval cuts them.

use crate::error::{ParseError, Place};
use crate::number;
use crate::operators::Unary;

/// A word, and the byte where it begins.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) at: usize,
}

/// What a word is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Kind {
    End,
    Operator(&'static str),
    Number(f64),
    Boolean(bool),
    Text(String),
    /// `(` or `)`.
    Paren(char),
    /// `[` or `]`.
    Bracket(char),
    Comma,
    Semicolon,
    Name(String),
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::End => f.write_str("TEOF: EOF"),
            Self::Operator(text) => write!(f, "TOP: {text}"),
            Self::Number(number) => write!(f, "TNUMBER: {}", number::to_text(*number)),
            Self::Boolean(yes) => write!(f, "TNUMBER: {yes}"),
            Self::Text(text) => write!(f, "TSTRING: {text}"),
            Self::Paren(c) => write!(f, "TPAREN: {c}"),
            Self::Bracket(c) => write!(f, "TBRACKET: {c}"),
            Self::Comma => f.write_str("TCOMMA: ,"),
            Self::Semicolon => f.write_str("TSEMICOLON: ;"),
            Self::Name(name) => write!(f, "TNAME: {name}"),
        }
    }
}

/// Operators of signs; longer ones first.
const SIGNS: &[(&str, &str)] = &[
    (">=", ">="),
    ("<=", "<="),
    ("||", "||"),
    ("==", "=="),
    ("!=", "!="),
    ("+", "+"),
    ("-", "-"),
    ("*", "*"),
    ("/", "/"),
    ("%", "%"),
    ("^", "^"),
    ("?", "?"),
    (":", ":"),
    (".", "."),
    (">", ">"),
    ("<", "<"),
    ("=", "="),
    ("!", "!"),
    ("∙", "*"),
    ("•", "*"),
];

/// The words of a text; the last one is [`Kind::End`].
pub(crate) fn tokens(text: &str) -> Result<Vec<Token>, ParseError> {
    let mut lexer = Lexer { text, at: 0 };
    let mut tokens = Vec::new();
    loop {
        lexer.skip_blank();
        let at = lexer.at;
        let kind = lexer.next()?;
        let is_end = kind == Kind::End;
        tokens.push(Token { kind, at });
        if is_end {
            return Ok(tokens);
        }
    }
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn error(&self, reason: impl Into<String>) -> ParseError {
        ParseError { place: Place::of(self.text, self.at), reason: reason.into() }
    }

    /// Moves past blanks and `/* comments */`; one that does not end goes to the end.
    fn skip_blank(&mut self) {
        loop {
            let trimmed = self.rest().trim_start_matches([' ', '\t', '\n', '\r']);
            self.at = self.text.len() - trimmed.len();
            let Some(comment) = trimmed.strip_prefix("/*") else { return };
            self.at += comment.find("*/").map_or(trimmed.len(), |end| 2 + end + 2);
        }
    }

    fn next(&mut self) -> Result<Kind, ParseError> {
        let Some(first) = self.rest().chars().next() else { return Ok(Kind::End) };
        if let Some(number) = self.radix().or_else(|| self.decimal()) {
            return Ok(Kind::Number(number));
        }
        if let Some((sign, name)) = SIGNS.iter().find(|(sign, _)| self.rest().starts_with(sign)) {
            self.at += sign.len();
            return Ok(Kind::Operator(name));
        }
        let simple = match first {
            '\'' | '"' => return self.quoted(first),
            '(' | ')' => Some(Kind::Paren(first)),
            '[' | ']' => Some(Kind::Bracket(first)),
            ',' => Some(Kind::Comma),
            ';' => Some(Kind::Semicolon),
            _ => None,
        };
        if let Some(kind) = simple {
            self.at += first.len_utf8();
            return Ok(kind);
        }
        self.word().ok_or_else(|| self.error(format!("Unknown character \"{first}\"")))
    }

    /// `0x1F` or `0b101`.
    fn radix(&mut self) -> Option<f64> {
        let (digits, base) = match self.rest().get(..2)? {
            "0x" => (&self.rest()[2..], 16),
            "0b" => (&self.rest()[2..], 2),
            _ => return None,
        };
        let length = digits.find(|c: char| !c.is_digit(base)).unwrap_or(digits.len());
        let number = number::of_digits(&digits[..length], base)?;
        self.at += 2 + length;
        Some(number)
    }

    /// `12`, `1.5`, `.5`, `5.`, `1e-3`.
    fn decimal(&mut self) -> Option<f64> {
        let bytes = self.rest().as_bytes();
        let digits = |from: usize| bytes[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let whole = digits(0);
        let mut end = whole;
        let mut fraction = 0;
        if bytes.get(end) == Some(&b'.') {
            fraction = digits(end + 1);
            end += 1 + fraction;
        }
        if whole + fraction == 0 {
            return None;
        }
        if matches!(bytes.get(end), Some(b'e' | b'E')) {
            let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
            let exponent = if end + 1 + sign <= bytes.len() { digits(end + 1 + sign) } else { 0 };
            end += if exponent > 0 { 1 + sign + exponent } else { 0 };
        }
        let number = self.rest()[..end].parse().ok()?;
        self.at += end;
        Some(number)
    }

    fn quoted(&mut self, quote: char) -> Result<Kind, ParseError> {
        let body = &self.rest()[1..];
        // As in expr-eval, a quote after a backslash never ends the text, whatever is before the backslash.
        let end = body.match_indices(quote).map(|(end, _)| end).find(|&end| !body[..end].ends_with('\\'));
        let Some(end) = end else { return Err(self.error(format!("Unknown character \"{quote}\""))) };
        let text = self.unescaped(&body[..end])?;
        self.at += end + 2;
        Ok(Kind::Text(text))
    }

    fn unescaped(&self, raw: &str) -> Result<String, ParseError> {
        let mut text = String::with_capacity(raw.len());
        // UTF-16 units wait for their second half.
        let mut units: Vec<u16> = Vec::new();
        let mut rest = raw;
        loop {
            let (plain, escape) = rest.split_once('\\').unwrap_or((rest, ""));
            let is_last = plain.len() == rest.len();
            if !plain.is_empty() || is_last {
                text.push_str(&String::from_utf16_lossy(&std::mem::take(&mut units)));
            }
            text.push_str(plain);
            if is_last {
                return Ok(text);
            }
            let c = escape.chars().next().unwrap_or(' ');
            let known = match c {
                '\'' | '"' | '\\' | '/' => c,
                'b' => '\u{8}',
                'f' => '\u{c}',
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'u' => {
                    let unit = escape.get(1..5).and_then(|hex| u16::from_str_radix(hex, 16).ok());
                    let wrong =
                        || self.error(format!("Illegal escape sequence: \\u{}", head(&escape[1..], 4)));
                    units.push(unit.ok_or_else(wrong)?);
                    rest = &escape[5..];
                    continue;
                }
                _ => return Err(self.error(format!("Illegal escape sequence: \"\\{}\"", head(escape, 1)))),
            };
            text.push_str(&String::from_utf16_lossy(&std::mem::take(&mut units)));
            text.push(known);
            rest = &escape[c.len_utf8()..];
        }
    }

    /// An operator that is a word, a constant, or a name.
    fn word(&mut self) -> Option<Kind> {
        let rest = self.rest();
        let is_letter = |c: char| c.is_alphabetic() && (c.is_lowercase() || c.is_uppercase());
        let mut has_letter = false;
        let mut end = rest.len();
        for (at, c) in rest.char_indices() {
            let fits = if at == 0 {
                has_letter = c == '_' || is_letter(c);
                has_letter || c == '$'
            } else if is_letter(c) {
                has_letter = true;
                true
            } else {
                has_letter && (c == '_' || c.is_ascii_digit())
            };
            if !fits {
                end = at;
                break;
            }
        }
        if !has_letter {
            return None;
        }
        let word = &rest[..end];
        self.at += end;
        let named = ["and", "or", "in"].into_iter().find(|name| *name == word);
        if let Some(name) = named.or_else(|| Unary::by_word(word).map(Unary::name)) {
            return Some(Kind::Operator(name));
        }
        Some(match word {
            "true" => Kind::Boolean(true),
            "false" => Kind::Boolean(false),
            "E" => Kind::Number(std::f64::consts::E),
            "PI" => Kind::Number(std::f64::consts::PI),
            _ => Kind::Name(word.to_owned()),
        })
    }
}

/// The first characters of a text.
fn head(text: &str, chars: usize) -> String {
    text.chars().take(chars).collect()
}
