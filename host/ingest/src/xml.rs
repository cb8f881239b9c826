//! XML as a stream of tags and text: never a tree, no entity beyond the five of XML, no document type.

use std::io::{self, BufReader, Read};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use crate::RECORD_BYTES_MAX;
use crate::error::{IngestError, IngestResult};
use crate::source::Bytes;

/// Elements within elements.
const DEPTH_MAX: usize = 200;

/// What was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Token {
    /// An opening tag: [`Xml::name`] and [`Xml::attribute`] tell which.
    Start,
    /// A closing tag, also of an element that has nothing in it: [`Xml::name`] tells which.
    End,
    /// A piece of text, in [`Xml::text`]; others may follow.
    Text,
    /// The end of the document, all elements being closed.
    Eof,
}

/// A document being read.
pub(crate) struct Xml {
    reader: Reader<BufReader<Metered>>,
    budget: Arc<AtomicUsize>,
    /// How errors name the document.
    part: String,
    buffer: Vec<u8>,
    depth: usize,
    name: String,
    /// Names and values of the attributes, one after the other.
    attributes: String,
    places: Vec<(Range<usize>, Range<usize>)>,
    text: String,
}

impl Xml {
    /// Reads UTF-8 text. `part` names it in errors.
    pub(crate) fn new(bytes: Bytes, part: impl Into<String>) -> Self {
        let budget = Arc::new(AtomicUsize::new(0));
        let metered = Metered { inner: bytes, since: Arc::clone(&budget) };
        let mut reader = Reader::from_reader(BufReader::with_capacity(64 << 10, metered));
        let config = reader.config_mut();
        config.expand_empty_elements = true;
        config.check_end_names = true;
        Self {
            reader,
            budget,
            part: part.into(),
            buffer: Vec::new(),
            depth: 0,
            name: String::new(),
            attributes: String::new(),
            places: Vec::new(),
            text: String::new(),
        }
    }

    /// Goes to the next tag or piece of text.
    pub(crate) fn next(&mut self) -> IngestResult<Token> {
        loop {
            self.buffer.clear();
            self.budget.store(0, Ordering::Relaxed);
            let mut buffer = std::mem::take(&mut self.buffer);
            let token = match self.reader.read_event_into(&mut buffer) {
                Ok(event) => take(event, self.depth, &mut self.name, &mut self.text, |tag| {
                    attributes(tag, &mut self.attributes, &mut self.places)
                }),
                Err(error) => Err(error),
            };
            self.buffer = buffer;
            match token {
                Ok(Some(token)) => {
                    match token {
                        Token::Start => self.depth += 1,
                        Token::End => self.depth = self.depth.saturating_sub(1),
                        _ => {}
                    }
                    if self.depth > DEPTH_MAX {
                        return Err(self.broken(format!("plus de {DEPTH_MAX} éléments imbriqués")));
                    }
                    return Ok(token);
                }
                Ok(None) => {}
                Err(error) => return Err(self.failed(error)),
            }
        }
    }

    /// Name of the tag, without its prefix.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// An attribute of the opening tag, by its name without prefix.
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        let place = self.places.iter().find(|(key, _)| &self.attributes[key.clone()] == name)?;
        Some(&self.attributes[place.1.clone()])
    }

    /// The piece of text.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Elements that are open.
    pub(crate) fn depth(&self) -> usize {
        self.depth
    }

    /// Goes to the end of the element whose opening tag was read last.
    pub(crate) fn skip(&mut self) -> IngestResult<()> {
        let outside = self.depth.saturating_sub(1);
        while self.depth > outside {
            self.next()?;
        }
        Ok(())
    }

    /// Appends all the text in the element whose opening tag was read last, and goes to its end.
    pub(crate) fn read_text(&mut self, out: &mut String) -> IngestResult<()> {
        let outside = self.depth.saturating_sub(1);
        while self.depth > outside {
            if self.next()? == Token::Text {
                out.push_str(&self.text);
                self.check_length(out)?;
            }
        }
        Ok(())
    }

    /// Stops a text that many pieces make too long.
    pub(crate) fn check_length(&self, text: &str) -> IngestResult<()> {
        if text.len() > RECORD_BYTES_MAX {
            return Err(self.broken(format!("un texte dépasse {} Mo", RECORD_BYTES_MAX >> 20)));
        }
        Ok(())
    }

    /// An error where reading is.
    pub(crate) fn broken(&self, reason: impl std::fmt::Display) -> IngestError {
        IngestError::broken(format!("{}, octet {}", self.part, self.reader.buffer_position()), reason)
    }

    fn failed(&self, error: quick_xml::Error) -> IngestError {
        match error {
            quick_xml::Error::Io(shared) => match Arc::try_unwrap(shared) {
                Ok(error) => error.into(),
                Err(shared) => IngestError::Io(io::Error::new(shared.kind(), shared.to_string())),
            },
            error => self.broken(format!("le XML est incorrect ({error})")),
        }
    }
}

/// Keeps what an event tells; `None` when it tells nothing.
fn take(
    event: Event<'_>,
    depth: usize,
    name: &mut String,
    text: &mut String,
    attributes: impl FnOnce(&BytesStart<'_>) -> quick_xml::Result<()>,
) -> quick_xml::Result<Option<Token>> {
    let set = |to: &mut String, value: &str| {
        to.clear();
        to.push_str(value);
    };
    Ok(Some(match event {
        Event::Start(tag) | Event::Empty(tag) => {
            set(name, tag.local_name().as_ref());
            attributes(&tag)?;
            Token::Start
        }
        Event::End(tag) => {
            set(name, tag.local_name().as_ref());
            Token::End
        }
        Event::Text(piece) => {
            set(text, &piece.xml10_content());
            Token::Text
        }
        Event::CData(piece) => {
            set(text, &piece.xml10_content());
            Token::Text
        }
        Event::GeneralRef(reference) => {
            set(text, "");
            match reference.resolve_char_ref()? {
                Some(char) => text.push(char),
                None => text.push_str(entity(&reference)),
            }
            Token::Text
        }
        Event::Eof if depth > 0 => {
            let expected = name.clone();
            return Err(quick_xml::errors::IllFormedError::MissingEndTag(expected).into());
        }
        Event::Eof => Token::Eof,
        Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => return Ok(None),
    }))
}

/// The character of one of XML's own entities; nothing for those that a document type would define.
fn entity(name: &str) -> &'static str {
    match name {
        "amp" => "&",
        "lt" => "<",
        "gt" => ">",
        "quot" => "\"",
        "apos" => "'",
        _ => "",
    }
}

fn attributes(
    tag: &BytesStart<'_>,
    text: &mut String,
    places: &mut Vec<(Range<usize>, Range<usize>)>,
) -> quick_xml::Result<()> {
    text.clear();
    places.clear();
    for attribute in tag.attributes().with_checks(false) {
        let attribute = attribute?;
        let start = text.len();
        text.push_str(attribute.key.local_name().as_ref());
        let middle = text.len();
        text.push_str(&attribute.normalized_value(XmlVersion::Implicit1_0)?);
        places.push((start..middle, middle..text.len()));
    }
    Ok(())
}

/// Counts the bytes of one tag or piece of text, and stops one that does not end.
struct Metered {
    inner: Bytes,
    since: Arc<AtomicUsize>,
}

impl Read for Metered {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        if self.since.fetch_add(n, Ordering::Relaxed) > RECORD_BYTES_MAX {
            let reason = format!("un élément dépasse {} Mo", RECORD_BYTES_MAX >> 20);
            return Err(IngestError::broken("le XML", reason).into());
        }
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn xml(text: &str) -> Xml {
        Xml::new(Box::new(io::Cursor::new(text.as_bytes().to_vec())), "le document")
    }

    fn outline(text: &str) -> IngestResult<String> {
        let (mut xml, mut out) = (xml(text), String::new());
        loop {
            match xml.next()? {
                Token::Start => out += &format!("<{} {}>", xml.name(), xml.attribute("id").unwrap_or("-")),
                Token::End => out += &format!("</{}>", xml.name()),
                Token::Text => out += xml.text(),
                Token::Eof => return Ok(out),
            }
        }
    }

    #[test]
    fn tags_and_text_come_without_prefixes_and_escapes() {
        let text =
            "<?xml version=\"1.0\"?><!-- x --><k:a k:id=\"1 &amp; 2\">&lt;é&#233;<![CDATA[<b>]]><c/></k:a>";
        assert_eq!(outline(text).unwrap(), "<a 1 & 2><éé<b><c -></c></a>");
    }

    #[test]
    fn entities_are_never_expanded() {
        let bomb = "<!DOCTYPE a [<!ENTITY b \"bbbb\">]><a>&b;</a>";
        assert_eq!(outline(bomb).unwrap(), "<a -></a>");
    }

    #[test]
    fn broken_documents_are_told_with_their_place() {
        for text in ["<a>", "<a></b>", "<a b=></a>", "<a", "</a>"] {
            let error = outline(text).unwrap_err().to_string();
            assert!(error.contains("le document, octet"), "{text}: {error}");
        }
        assert!(outline(&"<a>".repeat(300)).unwrap_err().to_string().contains("plus de 200 éléments"));
    }

    #[test]
    fn an_element_is_read_or_left_out_whole() {
        let mut xml = xml("<a><b>un<c>deux</c></b><d>trois<e/></d>fin</a>");
        let mut text = String::new();
        assert_eq!((xml.next().unwrap(), xml.next().unwrap()), (Token::Start, Token::Start));
        xml.read_text(&mut text).unwrap();
        assert_eq!((text.as_str(), xml.depth()), ("undeux", 1));
        assert_eq!(xml.next().unwrap(), Token::Start);
        xml.skip().unwrap();
        assert_eq!((xml.next().unwrap(), xml.text()), (Token::Text, "fin"));
    }

    #[test]
    fn what_never_ends_is_stopped() {
        let endless = b"<a>".chain(io::repeat(b'x'));
        let mut xml = Xml::new(Box::new(endless), "le document");
        assert_eq!(xml.next().unwrap(), Token::Start);
        assert!(matches!(xml.next(), Err(IngestError::Broken { .. })));
    }
}
