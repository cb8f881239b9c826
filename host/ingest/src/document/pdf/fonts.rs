//! Fonts: the text and the width of each code.

use std::collections::HashMap;
use std::rc::Rc;

use encoding_rs::{Encoding, MACINTOSH, UTF_16BE, WINDOWS_1252};

use super::Budget;
use super::lexer::{Dict, Object};
use super::objects::Objects;
use super::unicode::{ToUnicode, number};
use crate::document::letters;
use crate::error::IngestResult;

/// Fonts kept while a document is read.
const FONTS_MAX: usize = 1_000;

/// Widths of one font.
const WIDTHS_MAX: usize = 100_000;

/// Width of a character of which nothing is known, in thousandths of the size.
const WIDTH_DEFAULT: f64 = 500.0;

/// A font.
#[derive(Debug)]
pub(super) struct Font {
    /// Bytes of a code.
    code_bytes: usize,
    to_unicode: ToUnicode,
    /// What the codes of one byte stand for; `None` for fonts of which only the map tells.
    letters: Option<Vec<Option<String>>>,
    /// Whether codes are UTF-16.
    is_utf_16: bool,
    /// In thousandths of the size, by code.
    widths: HashMap<u32, f64>,
    width_default: f64,
    /// Whether the font tells how wide its characters are.
    pub(super) has_widths: bool,
}

/// A character that is shown.
#[derive(Debug)]
pub(super) struct Shown<'a> {
    /// Its text, empty when it is not known.
    pub(super) text: std::borrow::Cow<'a, str>,
    /// Width in parts of the size.
    pub(super) width: f64,
    /// Whether it is the space between words of a font of one byte.
    pub(super) is_space: bool,
}

/// The fonts that were read, by the number of their objects.
#[derive(Default)]
pub(super) struct Fonts(HashMap<u32, Rc<Font>>);

impl Fonts {
    /// The font of this name among the resources.
    pub(super) fn get(
        &mut self,
        objects: &Objects<'_>,
        resources: &Dict,
        name: &str,
        budget: &mut Budget,
    ) -> IngestResult<Option<Rc<Font>>> {
        let Some(fonts) = objects.get(resources, "Font", budget)?.and_then(Object::into_dict) else {
            return Ok(None);
        };
        let reference = fonts.reference(name);
        if let Some(known) = reference.and_then(|number| self.0.get(&number)) {
            return Ok(Some(Rc::clone(known)));
        }
        let Some(dict) = objects.get(&fonts, name, budget)?.and_then(Object::into_dict) else {
            return Ok(None);
        };
        let font = Rc::new(Font::read(objects, &dict, budget)?);
        if let Some(number) = reference.filter(|_| self.0.len() < FONTS_MAX) {
            self.0.insert(number, Rc::clone(&font));
        }
        Ok(Some(font))
    }
}

impl Font {
    fn read(objects: &Objects<'_>, dict: &Dict, budget: &mut Budget) -> IngestResult<Self> {
        let to_unicode = match dict.reference("ToUnicode") {
            Some(number) => match objects.stream(number, budget)? {
                Some(source) => ToUnicode::parse(&source, budget)?,
                None => ToUnicode::default(),
            },
            None => ToUnicode::default(),
        };
        if dict.name("Subtype") == Some("Type0") {
            return Self::composite(objects, dict, to_unicode, budget);
        }
        let letters = simple_letters(objects, dict, budget)?;
        let mut font = Self {
            code_bytes: 1,
            to_unicode,
            letters: Some(letters),
            is_utf_16: false,
            widths: HashMap::new(),
            width_default: WIDTH_DEFAULT,
            has_widths: false,
        };
        let first = dict.number("FirstChar").unwrap_or(0.0).clamp(0.0, 255.0) as u32;
        if let Some(Object::Array(widths)) = objects.get(dict, "Widths", budget)? {
            // A font of drawings has a scale of its own.
            let scale = match objects.get(dict, "FontMatrix", budget)? {
                Some(Object::Array(matrix)) => {
                    matrix.first().and_then(Object::as_number).unwrap_or(0.001) * 1_000.0
                }
                _ => 1.0,
            };
            font.has_widths = true;
            for (code, width) in (first..=255).zip(&widths) {
                let width = match width {
                    Object::Reference(number) => objects.object(*number, budget)?,
                    other => Some(other.clone()),
                };
                font.widths
                    .extend(width.and_then(|width| width.as_number()).map(|width| (code, width * scale)));
            }
        }
        Ok(font)
    }

    /// A font of many characters, whose codes have two bytes.
    fn composite(
        objects: &Objects<'_>,
        dict: &Dict,
        to_unicode: ToUnicode,
        budget: &mut Budget,
    ) -> IngestResult<Self> {
        let encoding = dict.name("Encoding").unwrap_or_default();
        let mut font = Self {
            code_bytes: to_unicode.code_bytes.filter(|_| !encoding.starts_with("Identity")).unwrap_or(2),
            is_utf_16: encoding.contains("UCS2") || encoding.contains("UTF16"),
            to_unicode,
            letters: None,
            widths: HashMap::new(),
            width_default: 1_000.0,
            has_widths: true,
        };
        let Some(Object::Array(descendants)) = objects.get(dict, "DescendantFonts", budget)? else {
            return Ok(font);
        };
        let descendant = match descendants.into_iter().next() {
            Some(Object::Reference(number)) => objects.dict(number, budget)?,
            Some(Object::Dict(descendant)) => Some(descendant),
            _ => None,
        };
        let Some(descendant) = descendant else { return Ok(font) };
        font.width_default =
            objects.get(&descendant, "DW", budget)?.and_then(|w| w.as_number()).unwrap_or(1_000.0);
        if let Some(Object::Array(widths)) = objects.get(&descendant, "W", budget)? {
            font.take_widths(&widths, objects, budget)?;
        }
        Ok(font)
    }

    /// Widths as `first [w w w]` and `first last w`.
    fn take_widths(
        &mut self,
        list: &[Object],
        objects: &Objects<'_>,
        budget: &mut Budget,
    ) -> IngestResult<()> {
        let mut at = 0;
        while at + 1 < list.len() && self.widths.len() < WIDTHS_MAX {
            let Some(first) = list[at].as_number() else { break };
            let first = first.clamp(0.0, 65_535.0) as u32;
            let second = match &list[at + 1] {
                Object::Reference(number) => objects.object(*number, budget)?,
                other => Some(other.clone()),
            };
            match second {
                Some(Object::Array(widths)) => {
                    let codes = first..=65_535;
                    self.widths.extend(codes.zip(widths.iter().filter_map(Object::as_number)));
                    at += 2;
                }
                Some(Object::Number(last)) => {
                    let width = list.get(at + 2).and_then(Object::as_number).unwrap_or(self.width_default);
                    let last = last.clamp(0.0, 65_535.0) as u32;
                    self.widths.extend((first..=last).map(|code| (code, width)));
                    at += 3;
                }
                _ => break,
            }
        }
        Ok(())
    }

    /// The characters of a string.
    pub(super) fn shown<'a>(&'a self, string: &'a [u8]) -> impl Iterator<Item = Shown<'a>> {
        string.chunks(self.code_bytes).map(|code| {
            let number = number(code);
            let width = self.widths.get(&number).copied().unwrap_or(self.width_default) / 1_000.0;
            Shown { text: self.text(code, number), width, is_space: self.code_bytes == 1 && number == 32 }
        })
    }

    fn text<'a>(&'a self, code: &[u8], number: u32) -> std::borrow::Cow<'a, str> {
        if let Some(text) = self.to_unicode.text(number) {
            return text.into();
        }
        if self.is_utf_16 {
            return UTF_16BE.decode_without_bom_handling(code).0.into_owned().into();
        }
        let letter = self.letters.as_ref().and_then(|letters| letters.get(number as usize)?.as_deref());
        // A font with a map of its own shows nothing that can be read where the map is silent, but spaces.
        letter.filter(|letter| self.to_unicode.is_empty() || *letter == " ").unwrap_or_default().into()
    }
}

/// What the codes of a simple font stand for: a table, and how the font differs from it.
fn simple_letters(
    objects: &Objects<'_>,
    dict: &Dict,
    budget: &mut Budget,
) -> IngestResult<Vec<Option<String>>> {
    let encoding = objects.get(dict, "Encoding", budget)?;
    let base = match &encoding {
        Some(Object::Name(name)) => Some(name.as_str()),
        Some(Object::Dict(encoding)) => encoding.name("BaseEncoding"),
        _ => None,
    };
    let mut letters = table(base);
    if let Some(Object::Dict(encoding)) = &encoding
        && let Some(Object::Array(differences)) = objects.get(encoding, "Differences", budget)?
    {
        let mut code = 0_usize;
        for item in &differences {
            match item {
                Object::Number(number) => code = number.clamp(0.0, 255.0) as usize,
                Object::Name(name) => {
                    if let Some(letter) = letters.get_mut(code) {
                        *letter = letters::by_name(name);
                    }
                    code += 1;
                }
                _ => {}
            }
        }
    }
    Ok(letters)
}

/// The 256 codes of an encoding of the standard.
fn table(name: Option<&str>) -> Vec<Option<String>> {
    let encoding: &'static Encoding = if name == Some("MacRomanEncoding") { MACINTOSH } else { WINDOWS_1252 };
    let is_standard = !matches!(name, Some("MacRomanEncoding" | "WinAnsiEncoding"));
    let letter = |code: u8| {
        if code < 32 {
            return None;
        }
        match code {
            // Where the oldest of the encodings, which old fonts are in when they say nothing, is not like the newest.
            0xae if is_standard => Some("fi".to_owned()),
            0xaf if is_standard => Some("fl".to_owned()),
            0xe1 if is_standard && name.is_some() => Some("Æ".to_owned()),
            0xea if is_standard && name.is_some() => Some("Œ".to_owned()),
            _ => Some(encoding.decode_without_bom_handling(&[code]).0.into_owned()),
        }
    };
    (0..=255).map(letter).collect()
}
