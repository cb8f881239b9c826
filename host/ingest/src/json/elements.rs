//! Cuts JSON into its elements without understanding them: the objects of an array of any length, one at a time.

use std::io::{self, BufRead, BufReader, Read};

use memchr::memchr_iter;

use crate::RECORD_BYTES_MAX;
use crate::error::{IngestError, IngestResult};

/// Bytes read at a time.
const BUFFER_BYTES: usize = 64 << 10;

/// Brackets within brackets of one element.
const DEPTH_MAX: usize = 100;

/// JSON text being cut.
pub(crate) struct Elements<R> {
    input: BufReader<R>,
    line: u64,
}

impl<R: Read> Elements<R> {
    pub(crate) fn new(input: R) -> Self {
        Self { input: BufReader::with_capacity(BUFFER_BYTES, input), line: 1 }
    }

    /// Line at which reading is, from 1.
    pub(crate) fn line(&self) -> u64 {
        self.line
    }

    /// The next byte that is not blank, left in place; `None` at the end.
    pub(crate) fn peek(&mut self) -> IngestResult<Option<u8>> {
        loop {
            let buffer = fill(&mut self.input)?;
            if buffer.is_empty() {
                return Ok(None);
            }
            let blanks = buffer.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
            let found = buffer.get(blanks).copied();
            self.line += memchr_iter(b'\n', &buffer[..blanks]).count() as u64;
            self.input.consume(blanks);
            if found.is_some() {
                return Ok(found);
            }
        }
    }

    /// Takes the next byte that is not blank, which must be this one.
    pub(crate) fn expect(&mut self, wanted: u8) -> IngestResult<()> {
        if self.peek()? == Some(wanted) {
            self.input.consume(1);
            return Ok(());
        }
        Err(self.broken(format!("« {} » est attendu", char::from(wanted))))
    }

    /// In a list: takes what separates elements. False when the list is closed by `end`, which is taken.
    pub(crate) fn more(&mut self, end: u8, is_first: bool) -> IngestResult<bool> {
        match self.peek()? {
            Some(byte) if byte == end => {
                self.input.consume(1);
                Ok(false)
            }
            Some(b',') if !is_first => {
                self.input.consume(1);
                // So that the line is that of the element, not of the comma.
                self.peek().map(|_| true)
            }
            Some(_) if is_first => Ok(true),
            Some(_) => Err(self.broken("une virgule est attendue entre deux éléments")),
            None => Err(self.broken("le fichier est incomplet")),
        }
    }

    /// Takes one value as it is written. Fails when it is not closed or longer than [`RECORD_BYTES_MAX`].
    pub(crate) fn value(&mut self, value: &mut Vec<u8>) -> IngestResult<()> {
        value.clear();
        self.peek()?;
        let (start, mut depth, mut state) = (self.line, 0_usize, State::Plain);
        loop {
            let buffer = fill(&mut self.input)?;
            if buffer.is_empty() {
                let is_scalar = depth == 0 && state == State::Plain && !value.is_empty();
                return if is_scalar { Ok(()) } else { Err(self.broken("le fichier est incomplet")) };
            }
            let mut taken = buffer.len();
            let mut is_done = false;
            for (at, byte) in buffer.iter().enumerate() {
                if let Some(included) = state.step(*byte, &mut depth) {
                    taken = at + usize::from(included);
                    is_done = true;
                    break;
                }
                if depth > DEPTH_MAX {
                    return Err(self.broken(format!("plus de {DEPTH_MAX} niveaux imbriqués")));
                }
            }
            value.extend_from_slice(&buffer[..taken]);
            self.line += memchr_iter(b'\n', &buffer[..taken]).count() as u64;
            self.input.consume(taken);
            if value.len() > RECORD_BYTES_MAX {
                return Err(IngestError::RecordTooLong { line: start });
            }
            if is_done {
                return Ok(());
            }
        }
    }

    /// An error at the line where reading is.
    pub(crate) fn broken(&self, reason: impl std::fmt::Display) -> IngestError {
        IngestError::broken(format!("ligne {}", self.line), reason)
    }
}

/// Where the cut is in a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Plain,
    Quoted,
    Escaped,
}

impl State {
    /// Goes past a byte. When the value ends here, whether the byte belongs to it.
    fn step(&mut self, byte: u8, depth: &mut usize) -> Option<bool> {
        match (*self, byte) {
            (Self::Escaped, _) => *self = Self::Quoted,
            (Self::Quoted, b'\\') => *self = Self::Escaped,
            (Self::Quoted, b'"') => {
                *self = Self::Plain;
                if *depth == 0 {
                    return Some(true);
                }
            }
            (Self::Quoted, _) => {}
            (Self::Plain, b'"') => *self = Self::Quoted,
            (Self::Plain, b'{' | b'[') => *depth += 1,
            (Self::Plain, b'}' | b']') if *depth == 0 => return Some(false),
            (Self::Plain, b'}' | b']') => {
                *depth -= 1;
                if *depth == 0 {
                    return Some(true);
                }
            }
            (Self::Plain, b',' | b':') if *depth == 0 => return Some(false),
            (Self::Plain, _) => {}
        }
        None
    }
}

/// Fills the buffer, trying again when the system interrupted.
fn fill(input: &mut impl BufRead) -> IngestResult<&[u8]> {
    loop {
        match input.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
            Ok(_) => break,
        }
    }
    // What is buffered now is given without reading again.
    Ok(input.fill_buf()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str) -> Result<Vec<String>, String> {
        let mut elements = Elements::new(text.as_bytes());
        let (mut values, mut value) = (Vec::new(), Vec::new());
        let mut read = || -> IngestResult<()> {
            elements.expect(b'[')?;
            while elements.more(b']', values.is_empty())? {
                elements.value(&mut value)?;
                values.push(String::from_utf8_lossy(&value).into_owned());
            }
            Ok(())
        };
        read().map(|()| values).map_err(|error| error.to_string())
    }

    #[test]
    fn elements_are_cut_where_they_end() {
        let text = "\n[ {\"a\": \"]},\\\"\"} ,\n[1,[2]],\"x,y\",12,null]";
        assert_eq!(cut(text).unwrap(), [r#"{"a": "]},\""}"#, "[1,[2]]", r#""x,y""#, "12", "null"]);
        assert_eq!(cut("[]").unwrap(), Vec::<String>::new());
    }

    #[test]
    fn what_is_not_a_list_is_told_with_its_line() {
        for (text, reason) in [
            ("", "ligne 1 : « [ » est attendu."),
            ("{}", "ligne 1 : « [ » est attendu."),
            ("[\n{\"a\":1}\n{\"a\":2}]", "ligne 3 : une virgule est attendue entre deux éléments."),
            ("[\n{\"a\":1},\n{\"a\":", "ligne 3 : le fichier est incomplet."),
        ] {
            let error = cut(text).unwrap_err();
            assert!(error.ends_with(reason), "{error}");
        }
        assert!(cut(&"[".repeat(200)).unwrap_err().contains("plus de 100 niveaux"));
    }
}
