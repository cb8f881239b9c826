//! A row as a JSON object, straight from the columns.

use std::io::Write as _;

use halle_search::engine::{LineFields, SearchResult};
use serde_json::{Number, Value};

use crate::geo;
use crate::order::RowAt;
use crate::part::column::Values;
use crate::snapshot::{Field, Snapshot};
use crate::time;

/// Writes rows with the same fields.
pub(crate) struct RowWriter<'a> {
    snapshot: &'a Snapshot,
    /// Each field after its name in JSON, colon included.
    fields: Vec<(Vec<u8>, Field)>,
    score: bool,
    place: Option<(f64, f64)>,
}

impl<'a> RowWriter<'a> {
    /// A writer of these columns and fields; `place` is where distances are measured from.
    ///
    /// # Errors
    ///
    /// `BadRequest` in the words of Data Fair for a column that does not exist.
    pub(crate) fn new(
        snapshot: &'a Snapshot,
        select: &[String],
        fields: LineFields,
        place: Option<(f64, f64)>,
    ) -> SearchResult<Self> {
        let wanted = [("_id", fields.id), ("_i", fields.line), ("_rand", fields.random)];
        let beside = wanted.iter().filter(|(_, wanted)| *wanted).map(|(name, _)| *name);
        let mut found: Vec<(Vec<u8>, Field)> = Vec::new();
        for name in select.iter().map(String::as_str).chain(beside) {
            let field = snapshot.selected(name)?;
            if found.iter().all(|(_, known)| *known != field) {
                found.push((key(name), field));
            }
        }
        let place = place.filter(|_| fields.distance);
        Ok(Self { snapshot, fields: found, score: fields.score, place })
    }

    /// Appends a row as an object.
    pub(crate) fn write(&self, out: &mut Vec<u8>, row: RowAt, score: Option<f32>) {
        out.push(b'{');
        let open = out.len();
        for (key, field) in &self.fields {
            let start = out.len();
            if start > open {
                out.push(b',');
            }
            out.extend_from_slice(key);
            if !self.value(out, *field, row) {
                out.truncate(start);
            }
        }
        if self.score {
            self.named(out, open, "_score");
            match score {
                Some(score) => number(out, f64::from(score)),
                None => out.extend_from_slice(b"null"),
            }
        }
        let point = || self.snapshot.parts[row.0 as usize].part.points.as_ref()?.get(row.1 as usize);
        if let (Some(place), Some(point)) = (self.place, self.place.and_then(|_| point())) {
            self.named(out, open, "_geo_distance");
            number(out, geo::distance_m(place, point));
        }
        out.push(b'}');
    }

    fn named(&self, out: &mut Vec<u8>, open: usize, name: &str) {
        if out.len() > open {
            out.push(b',');
        }
        out.extend_from_slice(&key(name));
    }

    /// Appends the value; false when the row has none.
    fn value(&self, out: &mut Vec<u8>, field: Field, (part, row): RowAt) -> bool {
        let (at, row) = (part as usize, row as usize);
        let part = &self.snapshot.parts[at].part;
        match field {
            Field::Line => integer(out, part.line(row)),
            Field::Random => integer(out, self.snapshot.random(at, row)),
            Field::Id => string(out, &self.snapshot.id_of(at, row)),
            Field::Point => match part.points.as_ref().and_then(|points| points.get(row)) {
                Some((lon, lat)) => string(out, &format!("{lat},{lon}")),
                None => return false,
            },
            Field::Column(index) => {
                let column = &part.columns[index];
                if !column.has(row) {
                    return false;
                }
                match &column.values {
                    Values::Integer(values) => integer(out, values[row]),
                    Values::Number(values) if values[row].is_finite() => number(out, values[row]),
                    Values::Number(_) => return false,
                    Values::Boolean(values) => {
                        out.extend_from_slice(if values.value(row) { b"true" } else { b"false" });
                    }
                    Values::Day(values) => string(out, &time::day_text(values[row])),
                    Values::Text(texts) | Values::Instant(texts, _) => {
                        let text = texts.text(texts.codes()[row]);
                        let kind = self.snapshot.spec.columns[index].kind();
                        match kind {
                            halle_model::ColumnKind::Object if is_json(text) => {
                                out.extend_from_slice(text.as_bytes());
                            }
                            _ => string(out, text),
                        }
                    }
                }
            }
        }
        true
    }
}

fn is_json(text: &str) -> bool {
    serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

fn key(name: &str) -> Vec<u8> {
    let mut key = Vec::with_capacity(name.len() + 3);
    string(&mut key, name);
    key.push(b':');
    key
}

fn integer(out: &mut Vec<u8>, value: i64) {
    // Writing to memory cannot fail.
    let _ = write!(out, "{value}");
}

/// A number as JavaScript writes it: whole numbers without a point.
fn number(out: &mut Vec<u8>, value: f64) {
    let _ = write!(out, "{}", value + 0.0);
}

/// The JSON value of a number; whole ones without a point.
pub(crate) fn number_value(value: f64) -> Value {
    if value.fract() == 0.0 && value.abs() < 9e15 {
        return Value::from(value as i64);
    }
    Number::from_f64(value).map_or(Value::Null, Value::Number)
}

/// Appends a JSON string.
pub(crate) fn string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let bytes = text.as_bytes();
    let mut done = 0;
    for (at, &byte) in bytes.iter().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.extend_from_slice(&bytes[done..at]);
        done = at + 1;
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            _ => {
                let _ = write!(out, "\\u{byte:04x}");
            }
        }
    }
    out.extend_from_slice(&bytes[done..]);
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_and_numbers_read_back() {
        for text in ["", "a\"b\\c", "ligne\nsuite\u{1}", "é€😀"] {
            let mut out = Vec::new();
            string(&mut out, text);
            assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text);
        }
        let written = |value| {
            let mut out = Vec::new();
            number(&mut out, value);
            String::from_utf8(out).unwrap()
        };
        assert_eq!([written(1.0), written(-0.0), written(0.1)], ["1", "0", "0.1"]);
    }
}
