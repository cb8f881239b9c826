//! Which columns have words, in which views, and the fields of tantivy that keep them.

use halle_model::{Column, ColumnKind, concept};
use halle_search::IndexSpec;
use halle_search::engine::FILE_TEXT;
use tantivy::schema::{IndexRecordOption, Schema, TextFieldIndexing, TextOptions};

use crate::analysis::View;

/// A view of a column in the index of words.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct WordField {
    /// Index of the column in the spec.
    pub(crate) column: usize,
    pub(crate) view: View,
    /// What a match counts for relevance.
    pub(crate) boost: f32,
    /// Place among the views of the spec.
    pub(crate) at: usize,
}

/// The views that the columns of a spec have, in the order of their fields.
pub(crate) fn word_fields(spec: &IndexSpec) -> Vec<WordField> {
    let mut fields = Vec::new();
    for (index, column) in spec.columns.iter().enumerate().filter(|(_, column)| is_searchable(column)) {
        let boost = boost(column);
        let able = column.capabilities;
        let mut push = |view, boost| {
            fields.push(WordField { column: index, view, boost, at: fields.len() });
        };
        match (able.text(), able.text_standard()) {
            (true, true) => {
                push(View::Stemmed, boost);
                push(View::Standard, boost * 0.5);
            }
            (true, false) => push(View::Stemmed, boost),
            (false, true) => push(View::Standard, boost),
            (false, false) if able.index() => push(View::Whole, boost),
            (false, false) => {}
        }
    }
    fields
}

fn is_searchable(column: &Column) -> bool {
    let internal = column.calculated || matches!(column.key.as_str(), "_id" | "_i" | "_rand");
    column.kind() == ColumnKind::Text && (!internal || column.key == FILE_TEXT)
}

fn boost(column: &Column) -> f32 {
    match column.refers_to.as_deref().and_then(concept::by_uri).map(|concept| concept.id) {
        Some("label") => 3.0,
        Some("description") => 2.0,
        _ => 1.0,
    }
}

/// The fields of tantivy in a part that is written now: for each the column, and the view that it is written in.
pub(super) fn written(spec: &IndexSpec) -> Vec<(usize, View)> {
    let mut written: Vec<(usize, View)> = Vec::new();
    for field in word_fields(spec) {
        match written.last_mut() {
            Some((column, view)) if *column == field.column => *view = View::Both,
            _ => written.push((field.column, field.view)),
        }
    }
    written
}

/// Name of a field of tantivy.
pub(super) fn name_of(column: usize, view: View) -> String {
    format!("{column}.{}", view.name())
}

/// The fields of tantivy.
pub(super) fn schema(spec: &IndexSpec) -> Schema {
    let mut builder = Schema::builder();
    for (column, view) in written(spec) {
        let record = match view {
            View::Whole => IndexRecordOption::Basic,
            _ => IndexRecordOption::WithFreqsAndPositions,
        };
        let indexing = TextFieldIndexing::default()
            .set_tokenizer(view.name())
            .set_index_option(record)
            .set_fieldnorms(view != View::Whole);
        builder.add_text_field(&name_of(column, view), TextOptions::default().set_indexing_options(indexing));
    }
    builder.build()
}
