//! What is done to each JSON line on its way out: `html=true`, `truncate=N`, `arrays=true`, `wkt=true`,
//! `thumbnail=true`.

use bytes::Bytes;
use halle_model::{Column, ColumnKind, concept};
use halle_search::params::{LinesParams, Params};
use serde_json::{Map, Value};

use super::{Reading, wkt};
use crate::documents;
use crate::error::{DatasetsError, DatasetsResult};
use crate::rich_text::{Rendering, truncated};
use crate::service::attachments::ATTACHMENT;
use crate::service::thumbnail;

/// Concepts whose values are addresses: cut, they would point elsewhere.
const NEVER_CUT_CONCEPTS: [&str; 3] = ["image", "webPage", "email"];

/// The changes that the parameters ask for; none of them costs nothing.
pub(super) struct Rewrite {
    /// Columns of Markdown, and what becomes of them.
    markdown: Option<(Rendering, Vec<String>)>,
    /// Longest text, in characters, and the columns it applies to.
    truncate: Option<(usize, Vec<String>)>,
    /// Multivalued columns and their separators.
    arrays: Vec<(String, String)>,
    /// Columns of geometries to write as WKT.
    wkt: Vec<String>,
    /// Small pictures.
    thumbnails: Option<Thumbnails>,
}

/// What `thumbnail=true|WxH` adds to each line: the address of a small picture.
pub(super) struct Thumbnails {
    /// Column that names the pictures.
    column: Column,
    /// Whether it was read for this only, and is no part of the answer.
    hidden: bool,
    /// Address of the dataset.
    dataset: String,
    /// Whether pictures are files of the children of a virtual dataset: only their addresses tell of which.
    of_children: bool,
    /// Whether these addresses were read for this only.
    hides_address: bool,
    size_px: (u32, u32),
}

impl Thumbnails {
    /// Reads `thumbnail`, and has the lines read with the column of pictures. 400 when there is none.
    pub(super) fn of(
        params: &Params,
        reading: &Reading,
        asked: &mut LinesParams,
    ) -> DatasetsResult<Option<Self>> {
        let Some(text) = params.get("thumbnail").filter(|text| *text != "false") else { return Ok(None) };
        let size_px = thumbnail::size_px(text)?;
        let column = thumbnail::picture_column(reading.dataset(), reading.columns());
        let column = column.cloned().ok_or_else(|| {
            DatasetsError::bad_request(
                "Le paramètre \"thumbnail\" ne peut pas être utilisé : aucune colonne n'a le concept \"image\".",
            )
        })?;
        let hidden = !asked.select.contains(&column.key);
        if hidden {
            asked.select.push(column.key.clone());
        }
        let of_children = reading.dataset().is_virtual && column.refers_to.as_deref() == Some(ATTACHMENT);
        let hides_address = of_children && !asked.select.iter().any(|key| key == documents::URL);
        if hides_address && reading.columns().iter().any(|column| column.key == documents::URL) {
            asked.select.push(documents::URL.to_owned());
        }
        let dataset = format!("{}/data-fair/api/v1/datasets/{}", reading.base, reading.dataset().id);
        Ok(Some(Self { column, hidden, dataset, of_children, hides_address, size_px }))
    }

    fn apply(&self, values: &mut Map<String, Value>) {
        let key = &self.column.key;
        let text = |key: &str| values.get(key).and_then(Value::as_str);
        let value = if self.of_children {
            let root = format!("{}/attachments/", self.dataset);
            text(documents::URL).and_then(|url| documents::path_of(url.strip_prefix(&root)?))
        } else {
            text(key).map(str::to_owned)
        };
        let address = value.and_then(|value| thumbnail::address(&self.column, &value, self.size_px));
        if self.hides_address {
            values.shift_remove(documents::URL);
        }
        if self.hidden {
            values.shift_remove(key);
        }
        if let Some(address) = address {
            values.insert("_thumbnail".to_owned(), format!("{}{address}", self.dataset).into());
        }
    }
}

impl Rewrite {
    /// Reads `html`, `truncate`, `arrays` and `wkt`.
    pub(super) fn of(params: &Params, columns: &[Column]) -> DatasetsResult<Self> {
        let chars_max = match params.get("truncate") {
            None => None,
            Some(_) => Some(params.number("truncate", 0, halle_base::limits::CELL_BYTES_MAX)?),
        };
        let rendering = Rendering::new(params.get("html"), chars_max);
        let (markdown, plain): (Vec<&Column>, Vec<&Column>) =
            columns.iter().partition(|column| rendering.html.is_some() && is_markdown(column));
        let keys = |columns: Vec<&Column>| columns.into_iter().map(|column| column.key.clone()).collect();
        let truncate = chars_max
            .map(|chars| (chars, keys(plain.into_iter().filter(|column| may_be_cut(column)).collect())));
        let markdown = (!markdown.is_empty()).then(|| (rendering, keys(markdown)));
        let multivalued =
            columns.iter().filter_map(|column| Some((column.key.clone(), column.separator.clone()?)));
        let arrays = if params.flag("arrays") { multivalued.collect() } else { Vec::new() };
        Ok(Self { markdown, truncate, arrays, wkt: wkt::columns(params, columns), thumbnails: None })
    }

    /// The same, with small pictures.
    pub(super) fn with(mut self, thumbnails: Option<Thumbnails>) -> Self {
        self.thumbnails = thumbnails;
        self
    }

    /// The line as it goes out.
    pub(super) fn line(&self, line: Bytes) -> DatasetsResult<Bytes> {
        if self.is_nothing() {
            return Ok(line);
        }
        let mut values: Map<String, Value> =
            serde_json::from_slice(&line).map_err(DatasetsError::internal)?;
        if let Some(thumbnails) = &self.thumbnails {
            thumbnails.apply(&mut values);
        }
        if let Some((rendering, columns)) = &self.markdown {
            for key in columns {
                if let Some(Value::String(text)) = values.get_mut(key) {
                    *text = rendering.markdown(text);
                }
            }
        }
        if let Some((chars, columns)) = &self.truncate {
            for key in columns {
                if let Some(Value::String(text)) = values.get_mut(key) {
                    *text = truncated(text, *chars);
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

    /// The lines as they go out. Markdown takes its time: then beside the asynchronous threads.
    pub(super) async fn lines(self, lines: Vec<Bytes>) -> DatasetsResult<Vec<Bytes>> {
        if self.is_nothing() {
            return Ok(lines);
        }
        let is_slow = self.markdown.is_some();
        let all = move || lines.into_iter().map(|line| self.line(line)).collect();
        if is_slow { tokio::task::spawn_blocking(all).await.map_err(DatasetsError::internal)? } else { all() }
    }

    fn is_nothing(&self) -> bool {
        self.markdown.is_none()
            && self.truncate.is_none()
            && self.arrays.is_empty()
            && self.wkt.is_empty()
            && self.thumbnails.is_none()
    }
}

/// Whether the column holds Markdown: it says so, or it is what describes the line.
fn is_markdown(column: &Column) -> bool {
    let described = concept::by_id("description");
    let uri = column.refers_to.as_deref();
    let describes =
        described.is_some_and(|concept| uri.is_some_and(|uri| concept.identifiers.contains(&uri)));
    column.kind() == ColumnKind::Text
        && column.separator.is_none()
        && (column.display.as_deref() == Some("markdown") || describes)
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
        let mut note = Column::new("note", ColumnKind::Text);
        note.display = Some("markdown".to_owned());
        let columns = [Column::new("a", ColumnKind::Text), tags, page, note];
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
    fn markdown_becomes_html_that_is_cut_by_what_it_shows() {
        let line = r##"{"a":"*abc*","note":"*abc* d"}"##;
        let expect = r##"{"a":"*abc*","note":"<p><em>abc</em> d</p>\n"}"##;
        assert_eq!(rewritten(&[("html", "true")], line), expect);
        let expect = r##"{"a":"*a...","note":"<p><em>ab...</em></p>"}"##;
        assert_eq!(rewritten(&[("html", "true"), ("truncate", "2")], line), expect);
        assert_eq!(rewritten(&[("html", "no")], line), line);
    }

    #[test]
    fn multivalued_columns_become_arrays_when_asked() {
        let line = r#"{"tags":"x, y"}"#;
        assert_eq!(rewritten(&[("arrays", "true")], line), r#"{"tags":["x","y"]}"#);
        assert_eq!(rewritten(&[], line), line);
    }
}
