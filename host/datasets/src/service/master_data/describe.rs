//! What the searches of a dataset take and give, for documentation and for extensions.

use halle_model::{Column, ColumnKind, Dataset, concept};

use super::{Input, InputKind, offers};

/// A bulk search: what each line must have, and what it gets.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct BulkDescription {
    /// Identifier, unique in the dataset.
    pub id: String,
    /// Title for people.
    pub title: String,
    /// More for people.
    pub description: String,
    /// What each line must have, with the concepts by which the columns of other datasets are found.
    pub input: Vec<Column>,
    /// Columns of the line that is found. Without `_key` and `_error`.
    pub output: Vec<Column>,
}

/// A single search.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SingleDescription {
    /// Identifier, unique in the dataset.
    pub id: String,
    /// Title for people.
    pub title: String,
}

/// The bulk searches that the dataset offers.
pub(crate) fn bulk_searches(dataset: &Dataset) -> Vec<BulkDescription> {
    let output: Vec<Column> = dataset.schema.iter().filter(|column| !column.calculated).cloned().collect();
    let described = offers(dataset).bulk_searchs.into_iter().map(|search| BulkDescription {
        title: search.title.unwrap_or_else(|| search.id.clone()),
        description: search.description.unwrap_or_default(),
        input: search.input.iter().map(|input| taken(input, dataset)).collect(),
        output: output.clone(),
        id: search.id,
    });
    described.collect()
}

/// The single searches that the dataset offers.
pub(crate) fn single_searches(dataset: &Dataset) -> Vec<SingleDescription> {
    let described = offers(dataset).single_searchs.into_iter().map(|search| SingleDescription {
        title: search.title.unwrap_or_else(|| search.id.clone()),
        id: search.id,
    });
    described.collect()
}

/// What a line must have, as a column of its own: it need not be one of the dataset.
fn taken(input: &Input, dataset: &Dataset) -> Column {
    let key = input.property.key();
    let of = |id: &str| concept::by_id(id).map(|concept| concept.identifiers[0].to_owned());
    let mut column = match input.kind {
        InputKind::Equals => match dataset.column(key) {
            Some(column) => Column { separator: None, ..column.clone() },
            None => Column::new(key, ColumnKind::Text),
        },
        InputKind::DateInInterval => Column { refers_to: of("date"), ..Column::new(key, ColumnKind::Date) },
        InputKind::GeoDistance => Column { refers_to: of("latLon"), ..Column::new(key, ColumnKind::Text) },
    };
    if let Some(uri) = input.property.refers_to() {
        column.refers_to = Some(uri.to_owned());
    }
    if let Some(title) = input.property.title() {
        column.title = Some(title.to_owned());
    }
    column
}
