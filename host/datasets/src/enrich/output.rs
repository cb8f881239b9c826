//! Columns that an extension adds, from the outputs of whatever fills them.

use std::sync::Arc;

use arrow::array::StringArray;
use arrow::datatypes::{DataType, Field as ArrowField, Schema};
use arrow::record_batch::RecordBatch;
use halle_extensions::Field;
use halle_extensions::types::RowProblem;
use halle_model::slug::column_key;
use halle_model::{Column, ColumnKind, Extension};
use serde_json::Value;

use super::EnrichError;

/// Output that tells why a row has no other.
const ERROR: &str = "_error";

/// An output that an extension selected, and the column it becomes.
#[derive(Debug, Clone, PartialEq)]
pub struct OutputColumn {
    /// Position among the outputs of the source.
    pub index: usize,
    /// The column.
    pub column: Column,
}

/// The columns of the outputs that `extension` selects (all when it says nothing), in the order of the source.
///
/// Keys are `{prefix}.{output}`, or made from `overwrite.{output}.x-originalName`; titles and descriptions may be
/// overwritten too. A concept is kept only when no column of the dataset has it yet. `source` is what `x-extension` says.
pub fn output_columns(
    extension: &Extension,
    source: &str,
    outputs: &[Field],
    columns: &[Column],
) -> Result<Vec<OutputColumn>, EnrichError> {
    let unknown = extension.select.iter().find(|name| !outputs.iter().any(|output| output.key == **name));
    if let Some(name) = unknown {
        let known: Vec<&str> = outputs.iter().map(|output| output.key.as_str()).collect();
        let message = format!("L'extension n'a pas de sortie \"{name}\". Au choix : {}.", known.join(", "));
        return Err(EnrichError::Invalid(message));
    }
    let selected = outputs
        .iter()
        .enumerate()
        .filter(|(_, output)| extension.select.is_empty() || extension.select.contains(&output.key));
    Ok(selected
        .map(|(index, output)| OutputColumn { index, column: column_of(extension, source, output, columns) })
        .collect())
}

/// The column of an extension that says why a row has no other of its columns.
pub fn error_column(extension: &Extension, source: &str) -> Column {
    let mut column = Column::new(format!("{}.{ERROR}", extension.prefix()), ColumnKind::Text);
    column.title = Some("Erreur d'enrichissement".to_owned());
    column.original_name = Some(ERROR.to_owned());
    column.extension = Some(source.to_owned());
    column
}

/// The values of a batch with, as the last column, the text of the first problem of each row.
pub fn with_errors(values: &RecordBatch, problems: &[RowProblem]) -> Result<RecordBatch, EnrichError> {
    let mut texts: Vec<Option<&str>> = vec![None; values.num_rows()];
    for (row, problem) in problems {
        if let Some(text) = texts.get_mut(*row as usize) {
            text.get_or_insert(&problem.message);
        }
    }
    let mut fields: Vec<_> = values.schema().fields().iter().cloned().collect();
    fields.push(Arc::new(ArrowField::new(ERROR, DataType::Utf8, true)));
    let mut columns = values.columns().to_vec();
    columns.push(Arc::new(StringArray::from(texts)));
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
        .map_err(|error| EnrichError::Invalid(error.to_string()))
}

/// Key of the column that an output becomes; `None` when the extension does not select it.
pub(super) fn output_key(extension: &Extension, output: &str) -> Option<String> {
    let is_selected = extension.select.is_empty() || extension.select.iter().any(|name| name == output);
    is_selected.then(|| key_of(extension, output))
}

fn key_of(extension: &Extension, output: &str) -> String {
    let name = extension.overwrite.get(output).and_then(|value| value.get("x-originalName")?.as_str());
    let renamed = name.map(column_key).filter(|key| !key.is_empty());
    renamed.unwrap_or_else(|| format!("{}.{output}", extension.prefix()))
}

fn column_of(extension: &Extension, source: &str, output: &Field, columns: &[Column]) -> Column {
    let overwrite = extension.overwrite.get(&output.key);
    let text =
        |name: &str| overwrite.and_then(|value| value.get(name)).and_then(Value::as_str).map(str::to_owned);
    let mut column = Column::new(key_of(extension, &output.key), output.kind);
    column.original_name = text("x-originalName").or_else(|| Some(output.key.clone()));
    column.title = text("title").or_else(|| output.title.clone());
    column.description = text("description");
    column.extension = Some(source.to_owned());
    column.refers_to = output
        .concept
        .clone()
        .filter(|concept| !columns.iter().any(|other| other.refers_to.as_ref() == Some(concept)));
    column
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn outputs() -> Vec<Field> {
        let field = |key: &str, concept: Option<&str>| Field {
            key: key.to_owned(),
            kind: ColumnKind::Text,
            nullable: true,
            title: Some(key.to_uppercase()),
            concept: concept.map(str::to_owned),
        };
        vec![field("departement", None), field("region", Some("https://schema.org/addressRegion"))]
    }

    fn keys(extension: serde_json::Value) -> Result<Vec<String>, String> {
        let extension: Extension = serde_json::from_value(extension).unwrap();
        output_columns(&extension, "territory", &outputs(), &[])
            .map(|columns| columns.into_iter().map(|output| output.column.key).collect())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn keys_have_the_prefix_unless_renamed() {
        let all = json!({ "type": "enricher", "plugin": "territory" });
        assert_eq!(keys(all).unwrap(), ["_territory.departement", "_territory.region"]);
        let renamed = json!({
            "type": "enricher", "plugin": "territory", "propertyPrefix": "t", "select": ["region"],
            "overwrite": { "region": { "x-originalName": "Nom Région" } },
        });
        assert_eq!(keys(renamed).unwrap(), ["nom_region"]);
        let wrong = json!({ "type": "enricher", "plugin": "territory", "select": ["x"] });
        assert_eq!(
            keys(wrong).unwrap_err(),
            "L'extension n'a pas de sortie \"x\". Au choix : departement, region."
        );
    }

    #[test]
    fn a_concept_that_the_dataset_has_is_not_given_twice() {
        let extension: Extension =
            serde_json::from_value(json!({ "type": "enricher", "plugin": "t" })).unwrap();
        let mut has = Column::new("region", ColumnKind::Text);
        has.refers_to = Some("https://schema.org/addressRegion".to_owned());
        let concept = |columns: &[Column]| {
            output_columns(&extension, "t", &outputs(), columns).unwrap()[1].column.refers_to.clone()
        };
        assert_eq!(concept(&[has]), None);
        assert!(concept(&[]).is_some());
    }
}
