//! Where the objects of a PDF are.

use std::collections::HashMap;
use std::ops::Range;

use memchr::memmem;

use super::Budget;
use super::filters::unpacked;
use super::lexer::{Dict, Lexer, Object, is_white};
use crate::error::IngestResult;

/// Objects of one document.
const OBJECTS_MAX: usize = 1_000_000;

/// References that lead to references.
const JUMPS_MAX: usize = 16;

/// Where an object begins.
#[derive(Debug, Clone, Copy)]
enum Place {
    /// In the file, after `obj`.
    File(usize),
    /// In a stream of objects, by its rank among those.
    Packed(usize, usize),
}

/// The objects of a document.
#[derive(Debug)]
pub(super) struct Objects<'a> {
    bytes: &'a [u8],
    places: HashMap<u32, Place>,
    /// Streams of objects, unpacked.
    packed: Vec<Vec<u8>>,
    catalog: Option<u32>,
    pages: Vec<u32>,
    encrypted: bool,
}

impl<'a> Objects<'a> {
    /// Looks for the objects.
    pub(super) fn find(bytes: &'a [u8], budget: &mut Budget) -> IngestResult<Self> {
        let mut objects = Self {
            bytes,
            places: HashMap::new(),
            packed: Vec::new(),
            catalog: None,
            pages: Vec::new(),
            encrypted: false,
        };
        let mut from = 0;
        while let Some(at) = memmem::find(&bytes[from..], b"obj").map(|at| from + at) {
            from = at + 3;
            let Some(number) = number_before(bytes, at) else { continue };
            if objects.places.len() >= OBJECTS_MAX {
                break;
            }
            let (object, data) = objects.at(from, budget)?;
            objects.places.insert(number, Place::File(from));
            if let Some(data) = &data {
                from = data.end;
            }
            if let Some(Object::Dict(dict)) = &object {
                objects.note(number, dict, data, budget)?;
            }
        }
        for at in memmem::find_iter(bytes, b"trailer") {
            if let Some(Object::Dict(dict)) = Lexer::new(bytes, at + 7).next(budget)? {
                objects.encrypted |= dict.get("Encrypt").is_some();
            }
        }
        Ok(objects)
    }

    /// Whether the document is protected.
    pub(super) fn is_encrypted(&self) -> bool {
        self.encrypted
    }

    /// Number of the object from which all others can be reached.
    pub(super) fn catalog(&self) -> Option<u32> {
        self.catalog
    }

    /// Numbers of the objects that say that they are pages, in the order of the file.
    pub(super) fn pages(&self) -> &[u32] {
        &self.pages
    }

    /// What an object says of itself.
    fn note(
        &mut self,
        number: u32,
        dict: &Dict,
        data: Option<Range<usize>>,
        budget: &mut Budget,
    ) -> IngestResult<()> {
        match dict.name("Type") {
            Some("Catalog") => self.catalog = Some(number),
            Some("Page") => self.pages.push(number),
            Some("XRef") => self.encrypted |= dict.get("Encrypt").is_some(),
            Some("ObjStm") => {
                let Some(data) = data else { return Ok(()) };
                if let Some(content) = unpacked(dict, &self.bytes[data], budget)? {
                    self.unpack(dict, content, budget)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Takes in a stream of objects: pairs of number and place, then the objects.
    fn unpack(&mut self, dict: &Dict, content: Vec<u8>, budget: &mut Budget) -> IngestResult<()> {
        let count = dict.number("N").unwrap_or(0.0).clamp(0.0, OBJECTS_MAX as f64) as usize;
        let first = dict.number("First").unwrap_or(0.0).max(0.0) as usize;
        let mut lexer = Lexer::new(&content, 0);
        let mut listed = Vec::new();
        while listed.len() < count {
            let number = lexer.next(budget)?.and_then(|value| value.as_number());
            let offset = lexer.next(budget)?.and_then(|value| value.as_number());
            let (Some(number), Some(offset)) = (number, offset) else { break };
            listed.push((number as u32, first.saturating_add(offset as usize)));
        }
        let stream = self.packed.len();
        for (number, at) in listed {
            if self.places.len() >= OBJECTS_MAX {
                break;
            }
            self.places.insert(number, Place::Packed(stream, at));
            if at < content.len()
                && let Some(Object::Dict(dict)) = Lexer::new(&content, at).next(budget)?
                && dict.name("Type") != Some("ObjStm")
            {
                self.note(number, &dict, None, budget)?;
            }
        }
        self.packed.push(content);
        Ok(())
    }

    /// The object that begins at a place of the file, and where the bytes of its stream are.
    fn at(&self, at: usize, budget: &mut Budget) -> IngestResult<(Option<Object>, Option<Range<usize>>)> {
        let mut lexer = Lexer::new(self.bytes, at);
        let object = lexer.next(budget)?;
        let Some(Object::Dict(dict)) = &object else { return Ok((object, None)) };
        if !lexer.next(budget)?.is_some_and(|word| word.is_word("stream")) {
            return Ok((object, None));
        }
        let mut start = lexer.at;
        start += usize::from(self.bytes.get(start) == Some(&b'\r'));
        start += usize::from(self.bytes.get(start) == Some(&b'\n'));
        let start = start.min(self.bytes.len());
        let told = dict.number("Length").map(|length| start.saturating_add(length.max(0.0) as usize));
        let ends_there = |end: &usize| {
            let after = self.bytes.get(*end..).unwrap_or_default();
            let white = after.iter().take_while(|byte| is_white(**byte)).take(4).count();
            after[white..].starts_with(b"endstream")
        };
        let found = || memmem::find(&self.bytes[start..], b"endstream").map(|at| start + at);
        let end = told.filter(ends_there).or_else(found).unwrap_or(self.bytes.len());
        Ok((object, Some(start..end)))
    }

    /// An object by its number, references followed.
    pub(super) fn object(&self, number: u32, budget: &mut Budget) -> IngestResult<Option<Object>> {
        let mut number = number;
        for _ in 0..JUMPS_MAX {
            let object = match self.places.get(&number) {
                None => return Ok(None),
                Some(Place::File(at)) => Lexer::new(self.bytes, *at).next(budget)?,
                Some(Place::Packed(stream, at)) => {
                    let content = self.packed.get(*stream).filter(|content| *at < content.len());
                    let Some(content) = content else { return Ok(None) };
                    Lexer::new(content, *at).next(budget)?
                }
            };
            match object {
                Some(Object::Reference(next)) => number = next,
                object => return Ok(object),
            }
        }
        Ok(None)
    }

    /// A dictionary by its number.
    pub(super) fn dict(&self, number: u32, budget: &mut Budget) -> IngestResult<Option<Dict>> {
        Ok(self.object(number, budget)?.and_then(Object::into_dict))
    }

    /// What a dictionary has under a name, wherever it is.
    pub(super) fn get(&self, dict: &Dict, name: &str, budget: &mut Budget) -> IngestResult<Option<Object>> {
        match dict.get(name) {
            Some(Object::Reference(number)) => self.object(*number, budget),
            other => Ok(other.cloned()),
        }
    }

    /// The bytes of a stream by its number, unpacked; `None` when there is none that can be read.
    pub(super) fn stream(&self, number: u32, budget: &mut Budget) -> IngestResult<Option<Vec<u8>>> {
        Ok(self.form(number, budget)?.map(|(_, content)| content))
    }

    /// A stream by its number: its dictionary, and its bytes unpacked.
    pub(super) fn form(&self, number: u32, budget: &mut Budget) -> IngestResult<Option<(Dict, Vec<u8>)>> {
        let Some(Place::File(at)) = self.places.get(&number) else { return Ok(None) };
        let (Some(Object::Dict(dict)), Some(data)) = self.at(*at, budget)? else { return Ok(None) };
        Ok(unpacked(&dict, &self.bytes[data], budget)?.map(|content| (dict, content)))
    }
}

/// The number of the object whose `obj` is at this place: `12 0 obj`.
fn number_before(bytes: &[u8], at: usize) -> Option<u32> {
    let back = |from: usize, is: fn(u8) -> bool| {
        let length = bytes[..from].iter().rev().take(12).take_while(|byte| is(**byte)).count();
        from - length
    };
    let digit = |byte: u8| byte.is_ascii_digit();
    let after_generation = back(at, is_white);
    let generation = back(after_generation, digit);
    let after_number = back(generation, is_white);
    let number = back(after_number, digit);
    if after_generation == at || generation == after_generation || after_number == generation {
        return None;
    }
    std::str::from_utf8(&bytes[number..after_number]).ok()?.parse().ok()
}
