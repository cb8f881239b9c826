//! What is done to each JSON line on its way out: `truncate=N`, `arrays=true`, `wkt=true`.

use bytes::Bytes;
use halle_model::{Column, ColumnKind, concept};
use halle_search::params::Params;
use serde_json::{Map, Value};

use super::wkt;
use crate::error::{DatasetsError, DatasetsResult};
use crate::service::attachments::ATTACHMENT;

/// Concepts whose values are addresses: cut, they would point elsewhere.
const NEVER_CUT_CONCEPTS: [&str; 3] = ["image", "webPage", "email"];

/// The changes that the parameters ask for; none of them costs nothing.
pub(super) struct Rewrite {
    /// Longest text, in characters, and the columns it applies to.
    truncate: Option<(usize, Vec<String>)>,
    /// Multivalued columns and their separators.
    arrays: Vec<(String, String)>,
    /// Columns of geometries to write as WKT.
    wkt: Vec<String>,
}

impl Rewrite {
    /// Reads `truncate`, `arrays` and `wkt`.
    pub(super) fn of(params: &Params, columns: &[Column]) -> DatasetsResult<Self> {
        let truncate = match params.get("truncate") {
            None => None,
            Some(_) => {
                let chars = params.number("truncate", 0, halle_base::limits::CELL_BYTES_MAX)?;
                let cut = columns.iter().filter(|column| may_be_cut(column));
                Some((chars, cut.map(|column| column.key.clone()).collect()))
            }
        };
        let multivalued =
            columns.iter().filter_map(|column| Some((column.key.clone(), column.separator.clone()?)));
        let arrays = if params.flag("arrays") { multivalued.collect() } else { Vec::new() };
        Ok(Self { truncate, arrays, wkt: wkt::columns(params, columns) })
    }

    /// The line as it goes out.
    pub(super) fn line(&self, line: Bytes) -> DatasetsResult<Bytes> {
        if self.truncate.is_none() && self.arrays.is_empty() && self.wkt.is_empty() {
            return Ok(line);
        }
        let mut values: Map<String, Value> =
            serde_json::from_slice(&line).map_err(DatasetsError::internal)?;
        if let Some((chars, columns)) = &self.truncate {
            for key in columns {
                if let Some(Value::String(text)) = values.get_mut(key) {
                    truncate(text, *chars);
                }
            }
        }
        for key in &self.wkt {
            if let Some(value) = values.get_mut(key) {
                wkt::rewrite(value);
            }
        }
        for (key, separator) in &self.arrays {
            if let Some(value) = values.get_mut(key)
                && let Some(text) = value.as_str()
            {
                *value = split(text, separator);
            }
        }
        serde_json::to_vec(&values).map(Bytes::from).map_err(DatasetsError::internal)
    }
}

fn may_be_cut(column: &Column) -> bool {
    let uri = column.refers_to.as_deref();
    let address = NEVER_CUT_CONCEPTS
        .iter()
        .filter_map(|id| concept::by_id(id))
        .any(|concept| uri.is_some_and(|uri| concept.identifiers.contains(&uri)));
    column.kind() == ColumnKind::Text
        && column.separator.is_none()
        && !column.key.starts_with('_')
        && !address
        && uri != Some(ATTACHMENT)
}

fn truncate(text: &mut String, chars: usize) {
    if let Some((at, _)) = text.char_indices().nth(chars) {
        text.truncate(at);
        text.push_str("...");
    }
}

fn split(text: &str, separator: &str) -> Value {
    let separator = if separator.trim().is_empty() { separator } else { separator.trim() };
    text.split(separator).map(|part| Value::from(part.trim())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rewritten(params: &[(&str, &str)], line: &str) -> String {
        let mut tags = Column::new("tags", ColumnKind::Text);
        tags.separator = Some(", ".to_owned());
        let mut page = Column::new("page", ColumnKind::Text);
        page.refers_to = Some("https://schema.org/WebPage".to_owned());
        let columns = [Column::new("a", ColumnKind::Text), tags, page];
        let params = Params::new(params.iter().copied()).unwrap();
        let line = Rewrite::of(&params, &columns).unwrap().line(Bytes::from(line.to_owned())).unwrap();
        String::from_utf8(line.to_vec()).unwrap()
    }

    #[test]
    fn long_texts_are_cut_but_not_addresses() {
        let line = r#"{"a":"blablabla","tags":"xxxxx, y","page":"https://example.org"}"#;
        let expect = r#"{"a":"blab...","tags":"xxxxx, y","page":"https://example.org"}"#;
        assert_eq!(rewritten(&[("truncate", "4")], line), expect);
        assert_eq!(rewritten(&[("truncate", "9")], r#"{"a":"éléphants"}"#), r#"{"a":"éléphants"}"#);
    }

    #[test]
    fn multivalued_columns_become_arrays_when_asked() {
        let line = r#"{"tags":"x, y"}"#;
        assert_eq!(rewritten(&[("arrays", "true")], line), r#"{"tags":["x","y"]}"#);
        assert_eq!(rewritten(&[], line), line);
    }
}
