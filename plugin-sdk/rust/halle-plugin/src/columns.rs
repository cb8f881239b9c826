//! Rows as they cross the border: by columns, in batches of at most 4,096 rows.
//!
//! Authors seldom touch these types: they read through [`crate::Rows`] and write through [`crate::BatchBuilder`].

use serde::{Deserialize, Serialize};

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Any text.
    Text,
    /// Whole numbers of 64 bits.
    Integer,
    /// Numbers of 64 bits.
    Number,
    /// Truth values.
    Boolean,
    /// Calendar days.
    Date,
    /// Instants.
    DateTime,
    /// JSON, as text.
    Object,
}

impl Kind {
    /// Name in the contract.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::Date => "date",
            Self::DateTime => "date-time",
            Self::Object => "object",
        }
    }

    /// Kind with a name of the contract. Kinds are an open list: one this SDK does not know crosses as text.
    pub fn from_name(name: &str) -> Self {
        match name {
            "integer" => Self::Integer,
            "number" => Self::Number,
            "boolean" => Self::Boolean,
            "date" => Self::Date,
            "date-time" => Self::DateTime,
            "object" => Self::Object,
            _ => Self::Text,
        }
    }
}

/// Description of a column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    /// Key: lower-case letters, digits and `_`.
    pub key: String,
    /// What it holds: the name of a [`Kind`], or one that this SDK does not know yet.
    pub kind: String,
    /// Whether values may be missing.
    #[serde(default)]
    pub nullable: bool,
    /// Title for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Concept, as a URI, such as `http://rdf.insee.fr/def/geo#codeCommune`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concept: Option<String>,
}

impl Field {
    /// A column whose values may be missing.
    pub fn new(key: impl Into<String>, kind: Kind) -> Self {
        Self { key: key.into(), kind: kind.as_str().to_owned(), nullable: true, title: None, concept: None }
    }

    /// What it holds; a kind that this SDK does not know is text.
    pub fn known_kind(&self) -> Kind {
        Kind::from_name(&self.kind)
    }

    /// The same, with a title for people.
    #[must_use]
    pub fn titled(mut self, title: impl Into<String>) -> Self {
        self.title = Some(title.into());
        self
    }

    /// The same, with a concept.
    #[must_use]
    pub fn about(mut self, concept: impl Into<String>) -> Self {
        self.concept = Some(concept.into());
        self
    }

    /// The same, whose values are never missing.
    #[must_use]
    pub fn required(mut self) -> Self {
        self.nullable = false;
        self
    }
}

/// Texts one after the other: value `i` is `data[offsets[i]..offsets[i + 1]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Texts {
    /// One more offset than values; the first is 0.
    pub offsets: Vec<u32>,
    /// Bytes of all values.
    pub data: Vec<u8>,
}

impl Texts {
    /// Bytes of a value; empty beyond the end.
    pub fn get(&self, index: usize) -> &[u8] {
        self.bounds(index).and_then(|(from, to)| self.data.get(from..to)).unwrap_or_default()
    }

    /// Where a value begins and ends.
    pub(crate) fn bounds(&self, index: usize) -> Option<(usize, usize)> {
        let (from, to) = self.offsets.get(index).zip(self.offsets.get(index + 1))?;
        Some((*from as usize, *to as usize))
    }
}

/// Values of a column.
#[derive(Debug, Clone, PartialEq)]
pub enum ColumnData {
    /// Truth values: one bit each, least significant bit first.
    Bools(Vec<u8>),
    /// Whole numbers.
    Ints(Vec<i64>),
    /// Numbers.
    Floats(Vec<f64>),
    /// UTF-8 texts; JSON for objects.
    Texts(Texts),
    /// Byte strings.
    Bytes(Texts),
    /// Days since 1970-01-01.
    Days(Vec<i32>),
    /// Milliseconds since 1970-01-01T00:00:00Z.
    Instants(Vec<i64>),
}

/// A column of a batch.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// Which values are there: one bit each, least significant bit first. Empty when all are.
    pub valid: Vec<u8>,
    /// Values; those that are missing have any value of the type.
    pub data: ColumnData,
}

impl Column {
    /// Whether a value is there.
    pub fn has(&self, index: usize) -> bool {
        self.valid.is_empty() || bit(&self.valid, index)
    }
}

/// Some rows, by columns. Columns come in the order of the fields they belong to.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// Number of rows, also when there is no column.
    pub rows: u32,
    /// The columns.
    pub columns: Vec<Column>,
}

/// Reads a bit of a bitmap; `false` beyond the end.
pub(crate) fn bit(bitmap: &[u8], index: usize) -> bool {
    bitmap.get(index / 8).is_some_and(|byte| byte >> (index % 8) & 1 == 1)
}

/// Appends a bit to a bitmap that holds `length` of them.
pub(crate) fn push_bit(bitmap: &mut Vec<u8>, length: usize, value: bool) {
    if length.is_multiple_of(8) {
        bitmap.push(0);
    }
    if let Some(last) = bitmap.last_mut() {
        *last |= u8::from(value) << (length % 8);
    }
}
