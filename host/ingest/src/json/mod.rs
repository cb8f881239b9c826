//! Rows as JSON objects: an array of them, or one per line.
//!
//! Objects within a row are flattened one level (`adresse.ville`); what is deeper, and lists, stay JSON.

pub(crate) mod elements;

use std::fmt::Write as _;

use serde_json::{Map, Value};

use crate::encoding::Decoded;
use crate::error::{IngestError, IngestResult};
use crate::format::Format;
use crate::json::elements::Elements;
use crate::record::Record;
use crate::table::{Discovery, Field, Opened, Reading, Table};

struct JsonTable {
    elements: Elements<Decoded>,
    is_array: bool,
    rank: u64,
    value: Vec<u8>,
    row: Discovery,
}

/// Opens an array of objects or objects one after the other. Either is accepted under either name.
pub(crate) fn open(format: Format, reading: &Reading<'_>) -> IngestResult<Opened> {
    let (text, encoding) = reading.text()?;
    let mut elements = Elements::new(text);
    let is_array = match elements.peek()? {
        Some(b'[') => true,
        Some(b'{') if format == Format::Ndjson => false,
        None => return Err(IngestError::broken("ligne 1", "le fichier est vide")),
        _ => {
            let reason = "le fichier doit contenir un tableau d'objets, « [{\"colonne\": \"valeur\"}, …] »";
            return Err(elements.broken(reason));
        }
    };
    if is_array {
        elements.expect(b'[')?;
    }
    let table = JsonTable { elements, is_array, rank: 0, value: Vec::new(), row: Discovery::default() };
    Ok(Opened::encoded(table, encoding))
}

impl JsonTable {
    /// Whether there is another element, at which reading then is.
    fn more(&mut self) -> IngestResult<bool> {
        if self.is_array {
            return self.elements.more(b']', self.rank == 0);
        }
        Ok(self.elements.peek()?.is_some())
    }
}

impl Table for JsonTable {
    fn fields(&self) -> &[Field] {
        self.row.fields()
    }

    fn next(&mut self, record: &mut Record) -> IngestResult<bool> {
        while self.more()? {
            self.rank += 1;
            let line = self.elements.line();
            let place = || format!("ligne {line}, élément {}", self.rank);
            self.elements.value(&mut self.value)?;
            let object: Map<String, Value> = serde_json::from_slice(&self.value)
                .map_err(|error| IngestError::broken(place(), reason(&error, "un objet JSON")))?;
            set_properties(&mut self.row, &object)?;
            self.row.give(line, record);
            if !record.is_blank() {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Gives the row in the making the members of an object.
pub(crate) fn set_properties(row: &mut Discovery, object: &Map<String, Value>) -> IngestResult<()> {
    for (name, value) in object {
        match value {
            Value::Object(members) if !members.is_empty() => {
                for (member, value) in members {
                    set(row, &format!("{name}.{member}"), value)?;
                }
            }
            value => set(row, name, value)?,
        }
    }
    Ok(())
}

fn set(row: &mut Discovery, name: &str, value: &Value) -> IngestResult<()> {
    let cell = row.cell(name, crate::table::Declared::Unknown)?;
    cell.clear();
    match value {
        Value::Null => {}
        Value::String(text) => cell.push_str(text),
        // Writing to a text cannot fail.
        other => {
            let _ = write!(cell, "{other}");
        }
    }
    Ok(())
}

/// What serde says, in words for the producer.
pub(crate) fn reason(error: &serde_json::Error, wanted: &str) -> String {
    if error.is_data() {
        format!("{wanted} est attendu ({error})")
    } else {
        format!("le JSON est incorrect ({error})")
    }
}
