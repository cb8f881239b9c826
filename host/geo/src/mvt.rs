//! Mapbox vector tiles, version 2.1: one layer, written as protocol buffers.
//!
//! Four messages of a dozen fields: written by hand, so that names and values are interned where they stand and a tile is
//! written once.

use std::collections::HashMap;

use crate::compact::{varint, zigzag};
use crate::shape::Kind;
use crate::tile::EXTENT_UNITS;

/// A value of an attribute.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    /// Text.
    Text(&'a str),
    /// A whole number.
    Integer(i64),
    /// A number.
    Number(f64),
    /// A truth value.
    Boolean(bool),
}

/// Values that are interned in a layer at most: beyond, they are repeated, which readers accept.
const INTERNED_MAX: usize = 1 << 16;

/// A layer in the making.
#[derive(Debug, Default)]
pub struct Layer {
    name: String,
    keys: Vec<u8>,
    key_count: u32,
    values: Vec<u8>,
    value_count: u32,
    texts: HashMap<String, u32>,
    /// Encoded numbers: nine bytes at most, and the tag.
    numbers: HashMap<(u8, u64), u32>,
    features: Vec<u8>,
    feature_count: usize,
    message: Vec<u8>,
}

/// Tags: number of the field, and how it is written (0 varint, 1 eight bytes, 2 length and bytes).
const fn tag(field: u8, wire: u8) -> u8 {
    field << 3 | wire
}

fn bytes(field: u8, content: &[u8], out: &mut Vec<u8>) {
    out.push(tag(field, 2));
    varint(content.len() as u64, out);
    out.extend_from_slice(content);
}

impl Layer {
    /// A layer without features.
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    /// Adds the name of an attribute, once each; its number.
    pub fn key(&mut self, name: &str) -> u32 {
        bytes(3, name.as_bytes(), &mut self.keys);
        self.key_count += 1;
        self.key_count - 1
    }

    /// The number of a value, added if it is new.
    pub fn value(&mut self, value: Value<'_>) -> u32 {
        if let Value::Text(text) = value {
            if let Some(known) = self.texts.get(text) {
                return *known;
            }
            if self.texts.len() < INTERNED_MAX {
                self.texts.insert(text.to_owned(), self.value_count);
            }
            return self.add_value(value);
        }
        let key = match value {
            Value::Integer(number) => (0, number.cast_unsigned()),
            Value::Number(number) => (1, number.to_bits()),
            Value::Boolean(truth) => (2, u64::from(truth)),
            Value::Text(_) => (3, 0),
        };
        if let Some(known) = self.numbers.get(&key) {
            return *known;
        }
        if self.numbers.len() < INTERNED_MAX {
            self.numbers.insert(key, self.value_count);
        }
        self.add_value(value)
    }

    /// Adds a value that no other feature is known to have; its number.
    pub fn add_value(&mut self, value: Value<'_>) -> u32 {
        let message = &mut self.message;
        message.clear();
        match value {
            Value::Text(text) => bytes(1, text.as_bytes(), message),
            Value::Number(number) => {
                message.push(tag(3, 1));
                message.extend_from_slice(&number.to_le_bytes());
            }
            Value::Integer(number) => match u64::try_from(number) {
                Ok(number) => {
                    message.push(tag(5, 0));
                    varint(number, message);
                }
                Err(_) => {
                    message.push(tag(6, 0));
                    varint(zigzag(number), message);
                }
            },
            Value::Boolean(truth) => message.extend_from_slice(&[tag(7, 0), u8::from(truth)]),
        }
        bytes(4, message, &mut self.values);
        self.value_count += 1;
        self.value_count - 1
    }

    /// Adds a feature: its number, pairs of names and values, and what [`Pen::draw`](crate::tile::Pen::draw) gave; nothing
    /// when that is nothing.
    pub fn feature(&mut self, id: Option<u64>, tags: &[u32], kind: Kind, commands: &[u32]) {
        if commands.is_empty() {
            return;
        }
        let message = &mut self.message;
        message.clear();
        if let Some(id) = id {
            message.push(tag(1, 0));
            varint(id, message);
        }
        if !tags.is_empty() {
            packed(2, tags, message);
        }
        let kind = match kind {
            Kind::Point => 1,
            Kind::Line => 2,
            Kind::Polygon => 3,
        };
        message.extend_from_slice(&[tag(3, 0), kind]);
        packed(4, commands, message);
        bytes(2, message, &mut self.features);
        self.feature_count += 1;
    }

    /// Features so far.
    pub fn len(&self) -> usize {
        self.feature_count
    }

    /// Whether there is no feature.
    pub fn is_empty(&self) -> bool {
        self.feature_count == 0
    }

    /// The tile: this layer alone. Of no feature, nothing.
    pub fn finish(self) -> Vec<u8> {
        if self.is_empty() {
            return Vec::new();
        }
        let mut head = vec![tag(15, 0), 2];
        bytes(1, self.name.as_bytes(), &mut head);
        let mut tail = vec![tag(5, 0)];
        varint(u64::from(EXTENT_UNITS), &mut tail);
        let parts = [&head, &self.features, &self.keys, &self.values, &tail];
        let length: usize = parts.iter().map(|part| part.len()).sum();
        let mut out = Vec::with_capacity(length + 8);
        out.push(tag(3, 2));
        varint(length as u64, &mut out);
        parts.iter().for_each(|part| out.extend_from_slice(part));
        out
    }
}

fn packed(field: u8, numbers: &[u32], out: &mut Vec<u8>) {
    let length: usize = numbers.iter().map(|number| varint_bytes(*number)).sum();
    out.push(tag(field, 2));
    varint(length as u64, out);
    numbers.iter().for_each(|number| varint(u64::from(*number), out));
}

fn varint_bytes(number: u32) -> usize {
    (32 - (number | 1).leading_zeros()).div_ceil(7) as usize
}
