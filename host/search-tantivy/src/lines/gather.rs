//! Rows as Arrow batches.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Float64Array, Int64Array, RecordBatch, RecordBatchOptions,
    StringBuilder,
};
use arrow::datatypes::{DataType, Field as ArrowField, Schema};
use halle_search::SearchError;
use halle_search::engine::SearchResult;

use crate::order::RowAt;
use crate::part::Part;
use crate::part::column::Values;
use crate::snapshot::{Field, Snapshot};

/// The rows as a batch of these fields, under these names.
pub(crate) fn batch(
    snapshot: &Snapshot,
    fields: &[(String, Field)],
    rows: &[RowAt],
) -> SearchResult<RecordBatch> {
    let arrays: Vec<ArrayRef> = fields.iter().map(|(_, field)| array(snapshot, *field, rows)).collect();
    let schema: Vec<ArrowField> =
        fields.iter().map(|(name, field)| ArrowField::new(name, data_type(snapshot, *field), true)).collect();
    let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(schema)), arrays, &options)
        .map_err(SearchError::engine)
}

fn data_type(snapshot: &Snapshot, field: Field) -> DataType {
    match field {
        Field::Column(index) => crate::part::arrow_type(snapshot.spec.columns[index].kind()),
        Field::Line | Field::Random => DataType::Int64,
        Field::Id | Field::Point => DataType::Utf8,
    }
}

fn array(snapshot: &Snapshot, field: Field, rows: &[RowAt]) -> ArrayRef {
    let part = |row: &RowAt| -> (&Part, usize) { (&snapshot.parts[row.0 as usize].part, row.1 as usize) };
    let texts = |text: &dyn Fn(&RowAt) -> Option<String>| -> ArrayRef {
        let mut builder = StringBuilder::with_capacity(rows.len(), rows.len() * 16);
        rows.iter().for_each(|row| builder.append_option(text(row)));
        Arc::new(builder.finish())
    };
    match field {
        Field::Column(index) => column(snapshot, index, rows),
        Field::Line => {
            let lines = rows.iter().map(|row| part(row).0.line(part(row).1));
            Arc::new(Int64Array::from_iter_values(lines))
        }
        Field::Random => {
            let numbers = rows.iter().map(|row| snapshot.random(row.0 as usize, row.1 as usize));
            Arc::new(Int64Array::from_iter_values(numbers))
        }
        Field::Id => texts(&|row| Some(snapshot.id_of(row.0 as usize, row.1 as usize))),
        Field::Point => texts(&|row| {
            let (part, row) = part(row);
            part.points.as_ref()?.get(row).map(|(lon, lat)| format!("{lat},{lon}"))
        }),
    }
}

fn column(snapshot: &Snapshot, index: usize, rows: &[RowAt]) -> ArrayRef {
    /// One array of the values that `$values` gives for a row of the variant.
    macro_rules! collect {
        ($array:ty, $variant:path, |$values:ident, $row:ident| $value:expr) => {
            Arc::new(
                rows.iter()
                    .map(|&(part, row)| {
                        let ($row, column) =
                            (row as usize, &snapshot.parts[part as usize].part.columns[index]);
                        match &column.values {
                            $variant($values) if column.has($row) => Some($value),
                            _ => None,
                        }
                    })
                    .collect::<$array>(),
            )
        };
    }
    use halle_model::ColumnKind;
    match snapshot.spec.columns[index].kind() {
        ColumnKind::Integer => collect!(Int64Array, Values::Integer, |values, row| values[row]),
        ColumnKind::Number => collect!(Float64Array, Values::Number, |values, row| values[row]),
        ColumnKind::Date => collect!(Date32Array, Values::Day, |values, row| values[row]),
        ColumnKind::Boolean => collect!(BooleanArray, Values::Boolean, |values, row| values.value(row)),
        ColumnKind::Text | ColumnKind::DateTime | ColumnKind::Object => {
            let mut builder = StringBuilder::with_capacity(rows.len(), rows.len() * 16);
            for &(part, row) in rows {
                let texts = snapshot.parts[part as usize].part.columns[index].texts();
                builder.append_option(texts.and_then(|texts| texts.value(row as usize)));
            }
            Arc::new(builder.finish())
        }
    }
}
