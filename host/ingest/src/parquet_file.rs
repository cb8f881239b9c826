//! Parquet: its own types are kept; GeoParquet's geometries become GeoJSON.
//!
//! Structures are flattened one level; lists and maps become JSON. Row groups are read in small batches of rows.

use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, TimeUnit};
use arrow::record_batch::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use serde_json::Value;

use crate::error::{IngestError, IngestResult};
use crate::geo;
use crate::geo::projection::Projection;
use crate::record::Record;
use crate::source::{self, EXPANDED_BYTES_MAX};
use crate::table::{Declared, Field, Opened, Reading, Table, check_header};

/// Rows decoded at a time: a cell may have a megabyte.
const BATCH_ROWS: usize = 256;

/// Structures within lists within structures.
const DEPTH_MAX: usize = 16;

struct ParquetTable {
    reader: ParquetRecordBatchReader,
    fields: Vec<Field>,
    /// How the geometry column becomes degrees.
    projection: Projection,
    batch: Option<RecordBatch>,
    columns: Vec<ArrayRef>,
    row: usize,
    number: u64,
    cell: String,
}

/// What GeoParquet says of the file.
struct Geo {
    column: String,
    projection: Projection,
}

/// Opens a file.
pub(crate) fn open(reading: &Reading<'_>) -> IngestResult<Opened> {
    let file = source::open_file(reading.path, reading.container)?;
    let builder = guarded(|| ParquetRecordBatchReaderBuilder::try_new(file))?;
    let metadata = builder.metadata();
    let expanded: i64 = metadata.row_groups().iter().map(|group| group.total_byte_size().max(0)).sum();
    if u64::try_from(expanded).unwrap_or(0) > EXPANDED_BYTES_MAX {
        return Err(IngestError::ZipBomb);
    }
    let pairs = metadata.file_metadata().key_value_metadata();
    let told = pairs.and_then(|pairs| pairs.iter().find(|pair| pair.key == "geo"));
    let geo = told.and_then(|pair| pair.value.as_deref()).map(|text| geo_of(text, reading.projection));
    let geo = geo.transpose()?.flatten();
    let mut fields = Vec::new();
    for field in builder.schema().fields() {
        if geo.as_ref().is_some_and(|geo| geo.column == *field.name()) && is_binary(field.data_type()) {
            fields.push(Field::geometry());
        } else if let DataType::Struct(members) = field.data_type() {
            let member = |member: &arrow::datatypes::FieldRef| {
                Field::new(&format!("{}.{}", field.name(), member.name()), declared(member.data_type()))
            };
            fields.extend(members.iter().map(member));
        } else {
            fields.push(Field::new(field.name(), declared(field.data_type())));
        }
    }
    check_header(&fields)?;
    let projection = geo.map_or_else(Projection::none, |geo| geo.projection);
    let reader = guarded(|| builder.with_batch_size(BATCH_ROWS).build())?;
    Ok(Opened::new(ParquetTable {
        reader,
        fields,
        projection,
        batch: None,
        columns: Vec::new(),
        row: 0,
        number: 0,
        cell: String::new(),
    }))
}

/// Runs a step of the library, which meets damaged files with panics as well as with errors: either way the file is at
/// fault, and the reader is not used again.
fn guarded<T, E: std::fmt::Display>(step: impl FnOnce() -> Result<T, E>) -> IngestResult<T> {
    match catch_unwind(AssertUnwindSafe(step)) {
        Ok(result) => result.map_err(broken),
        Err(_panic) => Err(broken("une page ne peut pas être décodée")),
    }
}

fn broken(error: impl std::fmt::Display) -> IngestError {
    IngestError::broken("le fichier Parquet", format!("il est endommagé ou incomplet ({error})"))
}

/// The primary geometry of GeoParquet's metadata; `None` when it is not in WKB.
fn geo_of(text: &str, given: Option<&str>) -> IngestResult<Option<Geo>> {
    let told: Value = serde_json::from_str(text).unwrap_or_default();
    let Some(name) = told.get("primary_column").and_then(Value::as_str) else { return Ok(None) };
    let Some(column) = told.get("columns").and_then(|columns| columns.get(name)) else { return Ok(None) };
    if column.get("encoding").and_then(Value::as_str) != Some("WKB") {
        return Ok(None);
    }
    let projection = match column.get("crs") {
        // Absent is longitude and latitude; null is unknown.
        None => Projection::none(),
        Some(Value::Null) => given.map_or_else(|| Ok(Projection::none()), Projection::named)?,
        Some(system) => {
            let text = |at: &str| system.pointer(at).map(|value| value.to_string().replace('"', ""));
            let authority = text("/id/authority").unwrap_or_default();
            Projection::named(&format!("{authority}:{}", text("/id/code").unwrap_or_default()))?
        }
    };
    Ok(Some(Geo { column: name.to_owned(), projection }))
}

fn is_binary(kind: &DataType) -> bool {
    matches!(kind, DataType::Binary | DataType::LargeBinary | DataType::BinaryView)
}

/// What a type of Arrow says of the values.
fn declared(kind: &DataType) -> Declared {
    match kind {
        DataType::Boolean => Declared::Boolean,
        kind if kind.is_integer() => Declared::Integer,
        kind if kind.is_floating() => Declared::Number,
        DataType::Decimal32(_, scale)
        | DataType::Decimal64(_, scale)
        | DataType::Decimal128(_, scale)
        | DataType::Decimal256(_, scale) => {
            if *scale > 0 {
                Declared::Number
            } else {
                Declared::Integer
            }
        }
        DataType::Date32 | DataType::Date64 => Declared::Date,
        DataType::Timestamp(..) => Declared::DateTime,
        DataType::Dictionary(_, values) => declared(values),
        _ => Declared::Text,
    }
}

impl ParquetTable {
    /// Reads more rows; false at the end.
    fn refill(&mut self) -> IngestResult<bool> {
        let Some(batch) = guarded(|| self.reader.next().transpose())? else { return Ok(false) };
        self.columns.clear();
        for array in batch.columns() {
            match array.as_struct_opt() {
                // Values of members count only where the structure is there.
                Some(members) => {
                    for member in members.columns() {
                        let nulls = arrow::buffer::NullBuffer::union(members.nulls(), member.nulls());
                        let data = member.to_data().into_builder().nulls(nulls).build().map_err(broken)?;
                        self.columns.push(arrow::array::make_array(data));
                    }
                }
                None => self.columns.push(array.clone()),
            }
        }
        self.row = 0;
        self.batch = Some(batch);
        Ok(true)
    }

    fn give(&mut self, record: &mut Record) -> IngestResult<()> {
        record.begin(self.number);
        for (array, field) in self.columns.iter().zip(&self.fields) {
            self.cell.clear();
            if array.is_null(self.row) {
            } else if field.declared == Declared::Geometry {
                let shape = geo::wkb::shape(binary(array, self.row).unwrap_or_default());
                let problem = geo::write_cell(shape, &self.projection, &mut self.cell);
                record.problem = problem.map(|reason| format!("ligne {} : {reason}", self.number));
            } else {
                guarded(|| write_value(array, self.row, &mut self.cell))?;
            }
            record.push(&self.cell);
        }
        Ok(())
    }
}

impl Table for ParquetTable {
    fn fields(&self) -> &[Field] {
        &self.fields
    }

    fn next(&mut self, record: &mut Record) -> IngestResult<bool> {
        loop {
            let rows = self.batch.as_ref().map_or(0, RecordBatch::num_rows);
            if self.row >= rows {
                if !self.refill()? {
                    return Ok(false);
                }
                continue;
            }
            self.number += 1;
            self.give(record)?;
            self.row += 1;
            if record.counts() {
                return Ok(true);
            }
        }
    }
}

fn binary(array: &ArrayRef, row: usize) -> Option<&[u8]> {
    match array.data_type() {
        DataType::Binary => Some(array.as_binary::<i32>().value(row)),
        DataType::LargeBinary => Some(array.as_binary::<i64>().value(row)),
        DataType::BinaryView => Some(array.as_binary_view().value(row)),
        _ => None,
    }
}

/// Appends a value that is not null, as its type is sniffed.
fn write_value(array: &ArrayRef, row: usize, out: &mut String) -> Result<(), arrow::error::ArrowError> {
    match array.data_type() {
        DataType::Timestamp(unit, zone) => {
            out.push_str(&moment(array, row, *unit, zone.is_some()).unwrap_or_default());
        }
        // Old writers do not say that their bytes are text.
        kind if is_binary(kind) => {
            out.push_str(
                binary(array, row).and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or_default(),
            );
        }
        kind if kind.is_floating() => {
            let options = FormatOptions::default();
            let text = ArrayFormatter::try_new(array, &options)?.value(row).to_string();
            // Not a number is no number.
            if text.parse::<f64>().is_ok_and(f64::is_finite) {
                out.push_str(&text);
            }
        }
        kind if kind.is_nested() => {
            // Writing to a text cannot fail.
            let _ = write!(out, "{}", json(array, row, 0)?);
        }
        DataType::Date64 => {
            let options = FormatOptions::default().with_datetime_format(Some("%Y-%m-%d"));
            let _ = write!(out, "{}", ArrayFormatter::try_new(array, &options)?.value(row));
        }
        _ => {
            let options = FormatOptions::default();
            let _ = write!(out, "{}", ArrayFormatter::try_new(array, &options)?.value(row));
        }
    }
    Ok(())
}

/// An instant in UTC where the column has a zone, else a local time to the second.
fn moment(array: &ArrayRef, row: usize, unit: TimeUnit, has_zone: bool) -> Option<String> {
    use arrow::datatypes as types;
    let (value, of_second) = match unit {
        TimeUnit::Second => (array.as_primitive::<types::TimestampSecondType>().value(row), 1),
        TimeUnit::Millisecond => (array.as_primitive::<types::TimestampMillisecondType>().value(row), 1_000),
        TimeUnit::Microsecond => {
            (array.as_primitive::<types::TimestampMicrosecondType>().value(row), 1_000_000)
        }
        TimeUnit::Nanosecond => {
            (array.as_primitive::<types::TimestampNanosecondType>().value(row), 1_000_000_000)
        }
    };
    let rest = value.rem_euclid(of_second) * (1_000_000_000 / of_second);
    let instant = jiff::Timestamp::new(value.div_euclid(of_second), i32::try_from(rest).ok()?).ok()?;
    Some(match (has_zone, rest) {
        (false, _) => instant.strftime("%Y-%m-%dT%H:%M:%S").to_string(),
        (true, 0) => instant.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        (true, _) => instant.strftime("%Y-%m-%dT%H:%M:%S%.fZ").to_string(),
    })
}

/// A value as JSON, lists and structures included.
fn json(array: &ArrayRef, row: usize, depth: usize) -> Result<Value, arrow::error::ArrowError> {
    if array.is_null(row) || depth > DEPTH_MAX {
        return Ok(Value::Null);
    }
    let list = |items: ArrayRef| -> Result<Value, arrow::error::ArrowError> {
        (0..items.len())
            .map(|item| json(&items, item, depth + 1))
            .collect::<Result<Vec<_>, _>>()
            .map(Value::Array)
    };
    match array.data_type() {
        DataType::List(_) => list(array.as_list::<i32>().value(row)),
        DataType::LargeList(_) => list(array.as_list::<i64>().value(row)),
        DataType::FixedSizeList(..) => list(array.as_fixed_size_list().value(row)),
        DataType::Map(..) => list(std::sync::Arc::new(array.as_map().value(row))),
        DataType::Struct(members) => {
            let columns = array.as_struct().columns();
            let named = members.iter().zip(columns);
            let entries =
                named.map(|(member, column)| Ok((member.name().clone(), json(column, row, depth + 1)?)));
            entries.collect::<Result<serde_json::Map<_, _>, _>>().map(Value::Object)
        }
        kind => {
            let mut text = String::new();
            write_value(array, row, &mut text)?;
            let is_literal =
                matches!(declared(kind), Declared::Boolean | Declared::Integer | Declared::Number);
            let literal = is_literal.then(|| serde_json::from_str(&text).ok()).flatten();
            Ok(literal.unwrap_or(Value::String(text)))
        }
    }
}
