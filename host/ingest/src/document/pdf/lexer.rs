//! The values of PDF: of objects, and of the operators of pages.

use super::Budget;
use crate::error::IngestResult;

/// Values within values.
const DEPTH_MAX: usize = 64;

/// Bytes of a name or of an operator; longer ones are cut.
const NAME_BYTES_MAX: usize = 200;

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Object {
    Null,
    Number(f64),
    String(Vec<u8>),
    Name(String),
    Array(Vec<Object>),
    Dict(Dict),
    /// Number of another object.
    Reference(u32),
    /// An operator of a page, or a word of the file such as `stream`.
    Word(String),
}

impl Object {
    pub(super) fn as_reference(&self) -> Option<u32> {
        match self {
            Self::Reference(number) => Some(*number),
            _ => None,
        }
    }

    pub(super) fn as_number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            _ => None,
        }
    }

    pub(super) fn as_name(&self) -> Option<&str> {
        match self {
            Self::Name(name) => Some(name),
            _ => None,
        }
    }

    pub(super) fn into_dict(self) -> Option<Dict> {
        match self {
            Self::Dict(dict) => Some(dict),
            _ => None,
        }
    }

    pub(super) fn is_word(&self, word: &str) -> bool {
        matches!(self, Self::Word(found) if found == word)
    }
}

/// Values by their names, in their order.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Dict(Vec<(String, Object)>);

impl Dict {
    pub(super) fn get(&self, name: &str) -> Option<&Object> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    pub(super) fn name(&self, name: &str) -> Option<&str> {
        self.get(name)?.as_name()
    }

    pub(super) fn number(&self, name: &str) -> Option<f64> {
        self.get(name)?.as_number()
    }

    pub(super) fn reference(&self, name: &str) -> Option<u32> {
        self.get(name)?.as_reference()
    }
}

/// Reads values one after the other.
pub(super) struct Lexer<'a> {
    bytes: &'a [u8],
    /// Where the next value begins, or the white space before it.
    pub(super) at: usize,
}

/// Whether a byte ends what stands before it.
fn is_delimiter(byte: u8) -> bool {
    is_white(byte) || matches!(byte, b'(' | b')' | b'<' | b'>' | b'[' | b']' | b'{' | b'}' | b'/' | b'%')
}

/// Whether a byte is white space.
pub(super) fn is_white(byte: u8) -> bool {
    matches!(byte, 0 | 9 | 10 | 12 | 13 | 32)
}

impl<'a> Lexer<'a> {
    pub(super) fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// Goes past white space and comments.
    fn skip_white(&mut self) {
        while let Some(byte) = self.peek() {
            if byte == b'%' {
                let line = self.bytes[self.at..].iter().take_while(|byte| !matches!(byte, b'\n' | b'\r'));
                self.at += line.count();
            } else if is_white(byte) {
                self.at += 1;
            } else {
                return;
            }
        }
    }

    /// The next value; `None` at the end. What makes no sense is left out.
    pub(super) fn next(&mut self, budget: &mut Budget) -> IngestResult<Option<Object>> {
        self.value(budget, 0)
    }

    fn value(&mut self, budget: &mut Budget, depth: usize) -> IngestResult<Option<Object>> {
        loop {
            budget.step()?;
            self.skip_white();
            let Some(byte) = self.peek() else { return Ok(None) };
            let is_dict = byte == b'<' && self.bytes.get(self.at + 1) == Some(&b'<');
            return Ok(Some(match byte {
                b'[' | b'<' if depth >= DEPTH_MAX => {
                    self.at += 1;
                    continue;
                }
                b'[' => {
                    self.at += 1;
                    Object::Array(self.values(b"]", budget, depth + 1)?)
                }
                b'<' if is_dict => {
                    self.at += 2;
                    Object::Dict(pairs(self.values(b">>", budget, depth + 1)?))
                }
                b'<' => self.hex(),
                b'(' => self.literal(),
                b'/' => {
                    self.at += 1;
                    Object::Name(self.name())
                }
                b')' | b'>' | b']' | b'{' | b'}' => {
                    self.at += 1;
                    continue;
                }
                b'+' | b'-' | b'.' | b'0'..=b'9' => self.number(),
                _ => self.word(),
            }));
        }
    }

    /// Values up to the sign that ends them.
    fn values(&mut self, end: &[u8], budget: &mut Budget, depth: usize) -> IngestResult<Vec<Object>> {
        let mut values = Vec::new();
        loop {
            self.skip_white();
            if self.bytes[self.at.min(self.bytes.len())..].starts_with(end) {
                self.at += end.len();
                return Ok(values);
            }
            let start = self.at;
            match self.value(budget, depth)? {
                // A list that was never closed ends with the object.
                Some(Object::Word(word)) if matches!(word.as_str(), "endobj" | "stream" | "obj") => {
                    self.at = start;
                    return Ok(values);
                }
                Some(value) => values.push(value),
                None => return Ok(values),
            }
        }
    }

    fn token(&mut self) -> &'a [u8] {
        let rest = &self.bytes[self.at..];
        let length = rest.iter().take_while(|byte| !is_delimiter(**byte)).count();
        self.at += length;
        &rest[..length]
    }

    fn word(&mut self) -> Object {
        let token = self.token();
        if token.is_empty() {
            self.at += 1;
        }
        match token {
            b"null" | b"true" | b"false" => Object::Null,
            token => Object::Word(lossy(token)),
        }
    }

    fn name(&mut self) -> String {
        let token = self.token();
        if !token.contains(&b'#') {
            return lossy(token);
        }
        let mut bytes = Vec::with_capacity(token.len());
        let mut rest = token;
        while let Some((&first, after)) = rest.split_first() {
            let code = after.get(..2).filter(|_| first == b'#').and_then(hex_byte);
            bytes.push(code.unwrap_or(first));
            rest = if code.is_some() { &after[2..] } else { after };
        }
        lossy(&bytes)
    }

    /// A number, or a reference `12 0 R`.
    fn number(&mut self) -> Object {
        let token = self.token();
        let text = std::str::from_utf8(token).unwrap_or_default();
        let number: f64 = text.parse().unwrap_or_default();
        let is_whole = token.iter().all(u8::is_ascii_digit);
        if is_whole && let Some(after) = self.after_reference() {
            self.at = after;
            return text.parse().map_or(Object::Null, Object::Reference);
        }
        Object::Number(if number.is_finite() { number } else { 0.0 })
    }

    /// Where ` 0 R` ends, if that is what follows.
    fn after_reference(&self) -> Option<usize> {
        let mut ahead = Lexer::new(self.bytes, self.at);
        ahead.skip_white();
        let generation = ahead.token();
        if !(1..=5).contains(&generation.len()) || !generation.iter().all(u8::is_ascii_digit) {
            return None;
        }
        ahead.skip_white();
        (ahead.token() == b"R").then_some(ahead.at)
    }

    /// A string in hexadecimal.
    fn hex(&mut self) -> Object {
        self.at += 1;
        let rest = &self.bytes[self.at..];
        let length = memchr::memchr(b'>', rest).unwrap_or(rest.len());
        self.at += length + 1;
        Object::String(super::filters::hex(&rest[..length]))
    }

    /// A string between parentheses.
    fn literal(&mut self) -> Object {
        self.at += 1;
        let mut out = Vec::new();
        let mut open = 1_usize;
        while let Some(byte) = self.peek() {
            self.at += 1;
            match byte {
                b'(' => open += 1,
                b')' => {
                    open -= 1;
                    if open == 0 {
                        break;
                    }
                }
                b'\\' => {
                    self.escaped(&mut out);
                    continue;
                }
                _ => {}
            }
            out.push(byte);
        }
        Object::String(out)
    }

    fn escaped(&mut self, out: &mut Vec<u8>) {
        let Some(byte) = self.peek() else { return };
        self.at += 1;
        match byte {
            b'n' => out.push(b'\n'),
            b'r' => out.push(b'\r'),
            b't' => out.push(b'\t'),
            b'b' | b'f' => out.push(b' '),
            b'0'..=b'7' => {
                let mut code = u32::from(byte - b'0');
                for _ in 0..2 {
                    let Some(digit @ b'0'..=b'7') = self.peek() else { break };
                    code = code * 8 + u32::from(digit - b'0');
                    self.at += 1;
                }
                out.push((code & 0xff) as u8);
            }
            // A line that goes on.
            b'\r' => self.at += usize::from(self.peek() == Some(b'\n')),
            b'\n' => {}
            byte => out.push(byte),
        }
    }
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&bytes[..bytes.len().min(NAME_BYTES_MAX)]).into_owned()
}

fn hex_byte(two: &[u8]) -> Option<u8> {
    u8::from_str_radix(std::str::from_utf8(two).ok()?, 16).ok()
}

/// Names and values that follow each other as a dictionary.
fn pairs(values: Vec<Object>) -> Dict {
    let mut dict = Vec::with_capacity(values.len() / 2);
    let mut values = values.into_iter().peekable();
    while let Some(key) = values.next() {
        let Object::Name(key) = key else { continue };
        if let Some(value) = values.next() {
            dict.push((key, value));
        }
    }
    Dict(dict)
}
