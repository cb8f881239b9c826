//! Lines of iCalendar: unfolded, and cut into name, parameters and value.

use std::io::{BufRead, BufReader, Read};

use halle_base::limits::CELL_BYTES_MAX;

use crate::error::{IngestError, IngestResult};

/// A property: a line, or several that were folded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Property {
    /// Line on which it begins, from 1.
    pub(super) line: u64,
    /// In upper case.
    pub(super) name: String,
    /// Names in upper case, values without quotes.
    parameters: Vec<(String, String)>,
    pub(super) value: String,
}

impl Property {
    pub(super) fn is(&self, name: &str) -> bool {
        self.name == name
    }

    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn parse(line: u64, text: &str) -> Option<Self> {
        let mut is_quoted = false;
        let end = text.find(|c| {
            is_quoted ^= c == '"';
            c == ':' && !is_quoted
        })?;
        let (head, value) = (&text[..end], text[end + 1..].to_owned());
        let mut parts = head.split(';');
        let name = parts.next()?.trim().to_ascii_uppercase();
        let parameter = |part: &str| {
            let (name, value) = part.split_once('=')?;
            Some((name.trim().to_ascii_uppercase(), value.trim_matches('"').to_owned()))
        };
        Some(Self { line, name, parameters: parts.filter_map(parameter).collect(), value })
    }
}

/// Properties being read.
pub(super) struct Contents<R> {
    input: BufReader<R>,
    line: u64,
    /// The line after the one in hand: it may be its continuation.
    ahead: Option<String>,
}

impl<R: Read> Contents<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input: BufReader::with_capacity(64 << 10, input), line: 0, ahead: None }
    }

    /// The next property; `None` at the end. Lines that are none are passed over.
    pub(super) fn next(&mut self) -> IngestResult<Option<Property>> {
        loop {
            let Some(mut text) = self.take_line()? else { return Ok(None) };
            let start = self.line;
            while let Some(more) = self.take_line()? {
                match more.strip_prefix([' ', '\t']) {
                    Some(more) => text.push_str(more),
                    None => {
                        self.ahead = Some(more);
                        self.line -= 1;
                        break;
                    }
                }
                if text.len() > CELL_BYTES_MAX {
                    return Err(too_long(start));
                }
            }
            if let Some(property) = Property::parse(start, &text) {
                return Ok(Some(property));
            }
        }
    }

    /// The next line without its end.
    fn take_line(&mut self) -> IngestResult<Option<String>> {
        if let Some(ahead) = self.ahead.take() {
            self.line += 1;
            return Ok(Some(ahead));
        }
        let mut bytes = Vec::new();
        let n = (&mut self.input).take(CELL_BYTES_MAX as u64 + 1).read_until(b'\n', &mut bytes)?;
        if n == 0 {
            return Ok(None);
        }
        self.line += 1;
        if n > CELL_BYTES_MAX {
            return Err(too_long(self.line));
        }
        let mut text = String::from_utf8_lossy(&bytes).into_owned();
        text.truncate(text.trim_end_matches(['\r', '\n']).len());
        Ok(Some(text))
    }
}

fn too_long(line: u64) -> IngestError {
    IngestError::broken(format!("ligne {line}"), format!("elle dépasse {} ko", CELL_BYTES_MAX >> 10))
}

/// A text without its escapes.
pub(super) fn unescaped(value: &str) -> String {
    let (mut out, mut chars) = (String::with_capacity(value.len()), value.chars());
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('n' | 'N') => out.push('\n'),
                Some(escaped) => out.push(escaped),
                None => {}
            },
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_unfolded_and_cut() {
        let text = "BEGIN:VCALENDAR\r\nn'importe quoi\r\nsummary;LANGUAGE=fr;X=\"a:b;c\":Un lo\r\n ng\r\n\t texte\r\nEND:X";
        let mut contents = Contents::new(text.as_bytes());
        assert_eq!(contents.next().unwrap().unwrap().name, "BEGIN");
        let summary = contents.next().unwrap().unwrap();
        assert_eq!(
            (summary.line, summary.name.as_str(), summary.value.as_str()),
            (3, "SUMMARY", "Un long texte")
        );
        assert_eq!(summary.parameter("LANGUAGE"), Some("fr"));
        assert_eq!(contents.next().unwrap().unwrap().line, 6);
        assert_eq!(contents.next().unwrap(), None);
    }

    #[test]
    fn escapes_are_undone() {
        assert_eq!(unescaped("a\\, b\\; c\\nd\\\\e\\"), "a, b; c\nd\\e");
    }
}
