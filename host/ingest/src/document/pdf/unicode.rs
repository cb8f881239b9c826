//! Which characters the codes of a font stand for: its `ToUnicode` map.

use std::collections::HashMap;

use super::Budget;
use super::lexer::{Lexer, Object};
use crate::error::IngestResult;

/// Codes of one map.
const CODES_MAX: usize = 100_000;

/// Code units of the text of one code.
const UNITS_MAX: usize = 16;

/// A map of codes to text.
#[derive(Debug, Default)]
pub(super) struct ToUnicode {
    texts: HashMap<u32, String>,
    /// Bytes of a code, when the map says that all are of one length.
    pub(super) code_bytes: Option<usize>,
}

impl ToUnicode {
    /// Reads a map.
    pub(super) fn parse(source: &[u8], budget: &mut Budget) -> IngestResult<Self> {
        let mut map = Self::default();
        let mut lexer = Lexer::new(source, 0);
        let mut operands: Vec<Object> = Vec::new();
        while let Some(object) = lexer.next(budget)? {
            let Object::Word(word) = object else {
                operands.push(object);
                continue;
            };
            match word.as_str() {
                "endcodespacerange" => map.code_space(&operands),
                "endbfchar" => {
                    for pair in operands.chunks_exact(2) {
                        if let (Object::String(code), Some(text)) = (&pair[0], text_of(&pair[1])) {
                            map.put(number(code), text);
                        }
                    }
                }
                "endbfrange" => {
                    for three in operands.chunks_exact(3) {
                        map.range(&three[0], &three[1], &three[2]);
                    }
                }
                _ => {}
            }
            operands.clear();
        }
        Ok(map)
    }

    /// The text of a code.
    pub(super) fn text(&self, code: u32) -> Option<&str> {
        self.texts.get(&code).map(String::as_str)
    }

    /// Whether nothing is known.
    pub(super) fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    fn put(&mut self, code: u32, text: String) {
        if self.texts.len() < CODES_MAX {
            self.texts.insert(code, text);
        }
    }

    fn code_space(&mut self, ranges: &[Object]) {
        let lengths = ranges.iter().map(|end| if let Object::String(end) = end { end.len() } else { 0 });
        let mut lengths: Vec<usize> = lengths.collect();
        lengths.sort_unstable();
        lengths.dedup();
        self.code_bytes = if let [length @ 1..=4] = lengths[..] { Some(length) } else { None };
    }

    fn range(&mut self, first: &Object, last: &Object, texts: &Object) {
        let (Object::String(first), Object::String(last)) = (first, last) else { return };
        let (first, last) = (number(first), number(last).min(number(first).saturating_add(0xffff)));
        if let Object::Array(texts) = texts {
            for (code, text) in (first..=last).zip(texts) {
                if let Some(text) = text_of(text) {
                    self.put(code, text);
                }
            }
            return;
        }
        let Some(start) = text_of(texts) else { return };
        let mut characters = start.chars();
        // The last character counts up.
        let Some(end) = characters.next_back() else { return };
        let before = characters.as_str().to_owned();
        for (step, code) in (first..=last).enumerate() {
            if self.texts.len() >= CODES_MAX {
                return;
            }
            let character = char::from_u32(u32::from(end).saturating_add(step as u32));
            let Some(character) = character else { continue };
            self.put(code, format!("{before}{character}"));
        }
    }
}

/// A code as a number: its bytes, the first one counting most.
pub(super) fn number(code: &[u8]) -> u32 {
    code.iter().take(4).fold(0, |number, byte| number << 8 | u32::from(*byte))
}

/// UTF-16 as text.
fn text_of(object: &Object) -> Option<String> {
    let Object::String(bytes) = object else { return None };
    let units = bytes.chunks(2).take(UNITS_MAX).map(|two| match two {
        [high, low] => u16::from_be_bytes([*high, *low]),
        other => u16::from(other[0]),
    });
    let text: String = char::decode_utf16(units).filter_map(Result::ok).filter(|c| *c != '\0').collect();
    (!text.is_empty()).then_some(text)
}
