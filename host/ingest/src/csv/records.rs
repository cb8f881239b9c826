//! Splits text into records and cells, as tolerant as real files need and as strict as safety needs.
//!
//! - A quote opens a quoted cell only at its beginning; doubled quotes inside are one quote; line breaks inside are
//!   text. Blanks after the closing quote are dropped.
//! - A closing quote followed by anything else was no quoting: the cell is taken as it is written, so that
//!   `"Le Bois" SARL` neither loses its quotes nor swallows the rows that follow.
//! - A byte order mark at the beginning of a cell (files glued together) is dropped.

use std::io::{self, Read};

use halle_base::limits::CELL_BYTES_MAX;
use memchr::{memchr, memchr_iter, memchr2};

use crate::RECORD_BYTES_MAX;
use crate::record::Record;

/// Cells of one record.
const RECORD_CELLS_MAX: usize = 16 << 10;

const BUFFER_BYTES: usize = 128 << 10;

const MARK: [u8; 3] = [0xef, 0xbb, 0xbf];

/// The bytes that structure a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Marks {
    pub(crate) separator: u8,
    pub(crate) quote: u8,
    /// `\n` (which also ends `\r\n`) or `\r`.
    pub(crate) terminator: u8,
}

/// Why records cannot be read. Lines count from 1, cells from 0.
#[derive(Debug)]
pub(crate) enum RecordsError {
    UnclosedQuote { line: u64, cell: usize },
    CellTooLong { line: u64, cell: usize },
    RecordTooLong { line: u64 },
    Io(io::Error),
}

impl From<io::Error> for RecordsError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// At the beginning of a cell.
    Start,
    /// In a cell without quotes.
    Plain,
    /// Between quotes.
    Quoted,
    /// After what may be the closing quote, and `blanks`.
    Closing,
}

/// Reads records from UTF-8 text.
pub(crate) struct Records<R> {
    input: R,
    marks: Marks,
    buffer: Vec<u8>,
    position: usize,
    filled: usize,
    is_ended: bool,
    line: u64,
    is_line_open: bool,
    // The record in the making.
    text: Vec<u8>,
    ends: Vec<usize>,
    blanks: Vec<u8>,
    cell_line: u64,
}

impl<R: Read> Records<R> {
    pub(crate) fn new(input: R, marks: Marks) -> Self {
        Self {
            input,
            marks,
            buffer: vec![0; BUFFER_BYTES],
            position: 0,
            filled: 0,
            is_ended: false,
            line: 1,
            is_line_open: false,
            text: Vec::new(),
            ends: Vec::new(),
            blanks: Vec::new(),
            cell_line: 1,
        }
    }

    /// Physical lines read so far.
    pub(crate) fn lines(&self) -> u64 {
        self.line - 1 + u64::from(self.is_line_open)
    }

    /// Reads the next record, blank ones too; false at the end.
    pub(crate) fn next(&mut self, record: &mut Record) -> Result<bool, RecordsError> {
        self.text = std::mem::take(&mut record.text).into_bytes();
        self.text.clear();
        self.ends = std::mem::take(&mut record.ends);
        self.ends.clear();
        record.line = self.line;
        let is_record = self.advance(record.line)?;
        record.ends = std::mem::take(&mut self.ends);
        record.text = String::from_utf8(std::mem::take(&mut self.text)).map_err(|error| {
            // The decoder gives UTF-8 and cells are cut at ASCII bytes.
            io::Error::new(io::ErrorKind::InvalidData, error)
        })?;
        Ok(is_record)
    }

    fn advance(&mut self, first_line: u64) -> Result<bool, RecordsError> {
        let mut state = State::Start;
        self.cell_line = self.line;
        loop {
            if self.position == self.filled && !self.refill()? {
                return self.end_of_input(state);
            }
            let is_done = match state {
                State::Start => self.start(&mut state)?,
                State::Plain => self.plain(&mut state),
                State::Quoted => self.quoted(&mut state),
                State::Closing => self.closing(&mut state),
            };
            if is_done {
                return Ok(true);
            }
            self.check_limits(first_line)?;
        }
    }

    /// What the end of the input means where we are.
    fn end_of_input(&mut self, state: State) -> Result<bool, RecordsError> {
        match state {
            State::Start if self.ends.is_empty() => Ok(false),
            State::Quoted => Err(RecordsError::UnclosedQuote { line: self.cell_line, cell: self.ends.len() }),
            State::Start | State::Plain | State::Closing => {
                self.ends.push(self.text.len());
                Ok(true)
            }
        }
    }

    fn start(&mut self, state: &mut State) -> io::Result<bool> {
        self.cell_line = self.line;
        while self.filled - self.position < MARK.len() && self.refill()? {}
        if self.buffer[self.position..self.filled].starts_with(&MARK) {
            self.position += MARK.len();
        } else if self.buffer[self.position] == self.marks.quote {
            self.position += 1;
            self.is_line_open = true;
            *state = State::Quoted;
        } else {
            *state = State::Plain;
        }
        Ok(false)
    }

    fn plain(&mut self, state: &mut State) -> bool {
        let rest = &self.buffer[self.position..self.filled];
        let found = memchr2(self.marks.separator, self.marks.terminator, rest);
        let end = found.unwrap_or(rest.len());
        self.text.extend_from_slice(&rest[..end]);
        self.is_line_open = true;
        self.position += end;
        found.is_some() && self.structure(state)
    }

    fn quoted(&mut self, state: &mut State) -> bool {
        let rest = &self.buffer[self.position..self.filled];
        let found = memchr(self.marks.quote, rest);
        let end = found.unwrap_or(rest.len());
        self.text.extend_from_slice(&rest[..end]);
        self.line += memchr_iter(self.marks.terminator, &rest[..end]).count() as u64;
        self.position += end;
        if found.is_some() {
            self.position += 1;
            self.blanks.clear();
            *state = State::Closing;
        }
        false
    }

    fn closing(&mut self, state: &mut State) -> bool {
        let byte = self.buffer[self.position];
        if byte == self.marks.quote && self.blanks.is_empty() {
            self.text.push(byte);
            self.position += 1;
            *state = State::Quoted;
        } else if byte == self.marks.separator || byte == self.marks.terminator {
            return self.structure(state);
        } else if matches!(byte, b' ' | b'\t' | b'\r') && self.blanks.len() < 64 {
            self.blanks.push(byte);
            self.position += 1;
        } else {
            // It was no quoting: take everything as it is written.
            let start = self.ends.last().copied().unwrap_or(0);
            self.text.insert(start, self.marks.quote);
            self.text.push(self.marks.quote);
            self.text.append(&mut self.blanks);
            *state = State::Plain;
        }
        false
    }

    /// Takes the separator or the terminator at the position; true when the record is whole.
    fn structure(&mut self, state: &mut State) -> bool {
        let byte = self.buffer[self.position];
        self.position += 1;
        let is_plain = *state == State::Plain;
        *state = State::Start;
        if byte == self.marks.separator {
            self.ends.push(self.text.len());
            return false;
        }
        let start = self.ends.last().copied().unwrap_or(0);
        if is_plain && byte == b'\n' && self.text.len() > start && self.text.ends_with(b"\r") {
            self.text.pop();
        }
        self.ends.push(self.text.len());
        self.line += 1;
        self.is_line_open = false;
        true
    }

    fn check_limits(&self, first_line: u64) -> Result<(), RecordsError> {
        let start = self.ends.last().copied().unwrap_or(0);
        if self.text.len() - start > CELL_BYTES_MAX {
            return Err(RecordsError::CellTooLong { line: self.cell_line, cell: self.ends.len() });
        }
        if self.text.len() > RECORD_BYTES_MAX || self.ends.len() > RECORD_CELLS_MAX {
            return Err(RecordsError::RecordTooLong { line: first_line });
        }
        Ok(())
    }

    /// Reads more, keeping what is not consumed; false at the end.
    fn refill(&mut self) -> io::Result<bool> {
        if self.is_ended {
            return Ok(false);
        }
        self.buffer.copy_within(self.position..self.filled, 0);
        self.filled -= self.position;
        self.position = 0;
        let n = self.input.read(&mut self.buffer[self.filled..])?;
        self.filled += n;
        self.is_ended = n == 0;
        Ok(n > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARKS: Marks = Marks { separator: b';', quote: b'"', terminator: b'\n' };

    /// Cells joined with `|`, each record with its line, records joined with ` / `.
    fn parse(text: &str) -> String {
        let mut records = Records::new(text.as_bytes(), MARKS);
        let (mut record, mut seen) = (Record::default(), Vec::new());
        while records.next(&mut record).unwrap() {
            seen.push(format!("{}:{}", record.line(), record.cells().collect::<Vec<_>>().join("|")));
        }
        format!("{} ({} lines)", seen.join(" / "), records.lines())
    }

    #[test]
    fn records_are_split_as_people_mean_them() {
        for (text, expected) in [
            ("", " (0 lines)"),
            ("a;b\n1;2\n", "1:a|b / 2:1|2 (2 lines)"),
            ("a;b\r\n1;2", "1:a|b / 2:1|2 (2 lines)"),
            ("a;b;\n1;;", "1:a|b| / 2:1|| (2 lines)"),
            ("\"a;b\";c\n", "1:a;b|c (1 lines)"),
            ("\"a\nb\";c\nd;e\n", "1:a\nb|c / 3:d|e (3 lines)"),
            ("\"a \"\"b\"\" c\";d\n", "1:a \"b\" c|d (1 lines)"),
            ("\"a\" ;b\n", "1:a|b (1 lines)"),
            ("\"a\"\r\n\"b\"\r\n", "1:a / 2:b (2 lines)"),
            ("1;\"Le Bois\" SARL;5\n2;\"x\";6\n", "1:1|\"Le Bois\" SARL|5 / 2:2|x|6 (2 lines)"),
            ("5\" de diamètre;b\n", "1:5\" de diamètre|b (1 lines)"),
            ("\u{feff}\"a\";b\n\u{feff}c;\u{feff}d\n", "1:a|b / 2:c|d (2 lines)"),
            ("\n\na\n", "1: / 2: / 3:a (3 lines)"),
            ("\"\";\"\"\n", "1:| (1 lines)"),
        ] {
            assert_eq!(parse(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_quote_that_never_closes_is_told_where_it_opens() {
        let mut records = Records::new("a;b\n1;2\n3;\"oups\n4;5\n".as_bytes(), MARKS);
        let mut record = Record::default();
        assert!(records.next(&mut record).unwrap() && records.next(&mut record).unwrap());
        let error = records.next(&mut record).unwrap_err();
        assert!(matches!(error, RecordsError::UnclosedQuote { line: 3, cell: 1 }), "{error:?}");
    }

    #[test]
    fn what_never_ends_is_stopped() {
        let endless = "a;b\n1;\"".as_bytes().chain(io::repeat(b'x'));
        let mut records = Records::new(endless, MARKS);
        let mut record = Record::default();
        assert!(records.next(&mut record).unwrap());
        let error = records.next(&mut record).unwrap_err();
        assert!(matches!(error, RecordsError::CellTooLong { line: 2, cell: 1 }), "{error:?}");
        let mut records = Records::new(io::repeat(b';'), MARKS);
        let error = records.next(&mut record).unwrap_err();
        assert!(matches!(error, RecordsError::RecordTooLong { line: 1 }), "{error:?}");
    }

    #[test]
    fn cells_do_not_depend_on_where_reads_end() {
        struct OneByOne<'a>(&'a [u8]);
        impl Read for OneByOne<'_> {
            fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
                let n = self.0.len().min(1);
                out[..n].copy_from_slice(&self.0[..n]);
                self.0 = &self.0[n..];
                Ok(n)
            }
        }
        let text = "\u{feff}é;\"b \"\"q\"\"\r\n\"\r\n\u{feff}\"1\";2\r\n";
        let mut records = Records::new(OneByOne(text.as_bytes()), MARKS);
        let mut record = Record::default();
        assert!(records.next(&mut record).unwrap());
        assert_eq!(record.cells().collect::<Vec<_>>(), ["é", "b \"q\"\r\n"]);
        assert!(records.next(&mut record).unwrap());
        assert_eq!((record.line(), record.cell(0), record.cell(1)), (3, "1", "2"));
        assert!(!records.next(&mut record).unwrap());
    }
}
