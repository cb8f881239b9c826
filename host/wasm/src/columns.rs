//! Rows between Arrow and the contract, column by column.
//!
//! To a guest, buffers are copied as they are. From a guest, nothing is believed: [`from_wit`] is the one place that checks
//! row counts, types, offsets, UTF-8, bitmaps and ranges.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Date32Array, Float64Array, Int64Array, StringArray, StringBuilder,
};
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, Date32Type, Field as ArrowField, Float64Type, Int64Type, Schema};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use encoding_rs::Encoding;
use halle_base::Timestamp;
use halle_base::limits::{BATCH_BYTES_MAX, BATCH_ROWS_MAX, CELL_BYTES_MAX};
use halle_extensions::Field;
use halle_model::ColumnKind;

use crate::bindings::shared::halle::base::types::{Batch, Column, ColumnData, Texts};
use crate::convert::kind_to_wit;

/// 0000-01-01 and 9999-12-31, in days since 1970-01-01.
const DAYS: std::ops::RangeInclusive<i32> = -719_528..=2_932_896;
/// The same, first and last millisecond.
const INSTANTS: std::ops::RangeInclusive<i64> = -62_167_219_200_000..=253_402_300_799_999;

/// The Arrow type that holds a kind.
pub fn data_type(kind: ColumnKind) -> DataType {
    match kind {
        ColumnKind::Text | ColumnKind::DateTime | ColumnKind::Object => DataType::Utf8,
        ColumnKind::Integer => DataType::Int64,
        ColumnKind::Number => DataType::Float64,
        ColumnKind::Boolean => DataType::Boolean,
        ColumnKind::Date => DataType::Date32,
    }
}

/// The kind of a column as it is, where something else was declared for it: codes are often numbers in a dataset.
pub fn kind_held(held: &DataType, declared: ColumnKind) -> ColumnKind {
    if *held == data_type(declared) {
        return declared;
    }
    match held {
        DataType::Utf8 => ColumnKind::Text,
        DataType::Int64 => ColumnKind::Integer,
        DataType::Float64 => ColumnKind::Number,
        DataType::Boolean => ColumnKind::Boolean,
        DataType::Date32 => ColumnKind::Date,
        // No column of rows is of another type; one that was would be refused as not being as declared.
        _ => declared,
    }
}

/// The Arrow schema of some fields. Every column may have missing values: a plugin leaves out rows it cannot treat.
pub fn schema(fields: &[Field]) -> Arc<Schema> {
    let fields: Vec<ArrowField> =
        fields.iter().map(|field| ArrowField::new(&field.key, data_type(field.kind), true)).collect();
    Arc::new(Schema::new(fields))
}

/// Lengths of the parts in which a batch may cross: at most 4,096 rows and about 4 MiB each.
pub fn parts(rows: &RecordBatch) -> Vec<(usize, usize)> {
    let count = rows.num_rows();
    let bytes: usize = rows.columns().iter().map(bytes_of).sum();
    let by_bytes = if bytes <= BATCH_BYTES_MAX { count } else { (count * BATCH_BYTES_MAX / bytes).max(1) };
    let step = by_bytes.clamp(1, BATCH_ROWS_MAX);
    (0..count).step_by(step).map(|start| (start, step.min(count - start))).collect()
}

/// Bytes of the values of a column; of a slice, those of the slice and not of what it was cut from.
fn bytes_of(column: &ArrayRef) -> usize {
    let data = column.to_data();
    data.get_slice_memory_size().unwrap_or_else(|_| data.get_buffer_memory_size())
}

/// A batch for a guest: the columns of `fields`, found by name. The error is a fault of the platform, not of the guest.
pub fn to_wit(rows: &RecordBatch, fields: &[Field]) -> Result<Batch, String> {
    let columns = fields.iter().map(|field| {
        let column = rows
            .column_by_name(&field.key)
            .ok_or_else(|| format!("the batch has no column `{}`", field.key))?;
        column_to_wit(column, field)
    });
    Ok(Batch { rows: as_u32(rows.num_rows())?, columns: columns.collect::<Result<_, _>>()? })
}

fn as_u32(count: usize) -> Result<u32, String> {
    u32::try_from(count).map_err(|_| format!("{count} does not fit into a batch"))
}

fn column_to_wit(column: &ArrayRef, field: &Field) -> Result<Column, String> {
    let expected = data_type(field.kind);
    if *column.data_type() != expected {
        return Err(format!("column `{}` is {}, not {expected}", field.key, column.data_type()));
    }
    if field.kind == ColumnKind::DateTime {
        return Ok(instants_to_wit(column.as_string::<i32>()));
    }
    let data = match field.kind {
        ColumnKind::Integer => ColumnData::Ints(column.as_primitive::<Int64Type>().values().to_vec()),
        ColumnKind::Number => ColumnData::Floats(column.as_primitive::<Float64Type>().values().to_vec()),
        ColumnKind::Date => ColumnData::Days(column.as_primitive::<Date32Type>().values().to_vec()),
        ColumnKind::Boolean => ColumnData::Bools(bitmap(column.as_boolean().values())),
        ColumnKind::Text | ColumnKind::Object | ColumnKind::DateTime => {
            ColumnData::Texts(texts_to_wit(column.as_string::<i32>()))
        }
    };
    Ok(Column { valid: validity(column.nulls()), data })
}

fn validity(nulls: Option<&NullBuffer>) -> Vec<u8> {
    nulls.filter(|nulls| nulls.null_count() > 0).map_or_else(Vec::new, |nulls| bitmap(nulls.inner()))
}

/// The bits from bit 0 on, in as many bytes as they need.
fn bitmap(bits: &BooleanBuffer) -> Vec<u8> {
    let mut bytes = bits.sliced().as_slice()[..bits.len().div_ceil(8)].to_vec();
    if let Some(last) = bytes.last_mut()
        && !bits.len().is_multiple_of(8)
    {
        *last &= (1 << (bits.len() % 8)) - 1;
    }
    bytes
}

fn texts_to_wit(texts: &StringArray) -> Texts {
    let offsets = texts.value_offsets();
    let (first, last) = (offsets[0], offsets[offsets.len() - 1]);
    // Arrow keeps offsets non-negative and in order, so neither conversion can wrap.
    let offsets = offsets.iter().map(|offset| (offset - first).unsigned_abs()).collect();
    let range = first.unsigned_abs() as usize..last.unsigned_abs() as usize;
    Texts { offsets, data: texts.value_data()[range].to_vec() }
}

/// Instants; a text that is none counts as missing.
fn instants_to_wit(texts: &StringArray) -> Column {
    let mut instants = Vec::with_capacity(texts.len());
    let mut valid = Vec::with_capacity(texts.len());
    for text in texts {
        let instant = text.and_then(|text| text.parse::<Timestamp>().ok()).map(Timestamp::as_millisecond);
        valid.push(instant.is_some());
        instants.push(instant.unwrap_or(0));
    }
    let nulls = NullBuffer::from(valid);
    Column { valid: validity(Some(&nulls)), data: ColumnData::Instants(instants) }
}

/// A batch from a guest, checked against the fields that were agreed and, where known, the number of rows. The error says
/// what is wrong with it.
pub fn from_wit(batch: Batch, fields: &[Field], rows_expected: Option<usize>) -> Result<RecordBatch, String> {
    let rows = batch.rows as usize;
    if let Some(expected) = rows_expected
        && rows != expected
    {
        return Err(format!("{rows} rows came back for {expected}"));
    }
    if rows > BATCH_ROWS_MAX {
        return Err(format!("a batch has {rows} rows, more than {BATCH_ROWS_MAX}"));
    }
    if batch.columns.len() != fields.len() {
        return Err(format!("{} columns came back instead of {}", batch.columns.len(), fields.len()));
    }
    let mut arrays = Vec::with_capacity(fields.len());
    for (column, field) in batch.columns.into_iter().zip(fields) {
        let array =
            column_from_wit(column, field, rows).map_err(|what| format!("column `{}`: {what}", field.key))?;
        arrays.push(array);
    }
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(schema(fields), arrays, &options).map_err(|error| error.to_string())
}

fn column_from_wit(column: Column, field: &Field, rows: usize) -> Result<ArrayRef, String> {
    let nulls = nulls_from_wit(column.valid, rows)?;
    let is_there = |row: usize| nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row));
    let counted = |count: usize| {
        if count == rows { Ok(()) } else { Err(format!("{count} values for {rows} rows")) }
    };
    Ok(match (field.kind, column.data) {
        (ColumnKind::Integer, ColumnData::Ints(values)) => {
            counted(values.len())?;
            Arc::new(Int64Array::new(values.into(), nulls))
        }
        (ColumnKind::Number, ColumnData::Floats(values)) => {
            counted(values.len())?;
            if let Some(row) = (0..rows).find(|row| !values[*row].is_finite() && is_there(*row)) {
                return Err(format!("row {row} is {}: write it as missing", values[row]));
            }
            Arc::new(Float64Array::new(values.into(), nulls))
        }
        (ColumnKind::Date, ColumnData::Days(values)) => {
            counted(values.len())?;
            if let Some(row) = (0..rows).find(|row| !DAYS.contains(&values[*row]) && is_there(*row)) {
                return Err(format!("row {row} is not between the years 0000 and 9999"));
            }
            Arc::new(Date32Array::new(values.into(), nulls))
        }
        (ColumnKind::DateTime, ColumnData::Instants(values)) => {
            counted(values.len())?;
            Arc::new(instants_from_wit(&values, nulls.as_ref())?)
        }
        (ColumnKind::Boolean, ColumnData::Bools(bits)) => {
            if bits.len() != rows.div_ceil(8) {
                return Err(format!("a bitmap of {} bytes for {rows} rows", bits.len()));
            }
            Arc::new(BooleanArray::new(BooleanBuffer::new(Buffer::from_vec(bits), 0, rows), nulls))
        }
        (ColumnKind::Text, ColumnData::Texts(texts)) => Arc::new(texts_from_wit(texts, nulls, rows)?),
        (ColumnKind::Object, ColumnData::Texts(texts)) => {
            let texts = texts_from_wit(texts, nulls, rows)?;
            for (row, text) in texts.iter().enumerate() {
                if text.is_some_and(|text| serde_json::from_str::<serde::de::IgnoredAny>(text).is_err()) {
                    return Err(format!("row {row} is no JSON"));
                }
            }
            Arc::new(texts)
        }
        (kind, _) => return Err(format!("the values are not of the kind `{}`", kind_to_wit(kind))),
    })
}

fn nulls_from_wit(valid: Vec<u8>, rows: usize) -> Result<Option<NullBuffer>, String> {
    if valid.is_empty() {
        return Ok(None);
    }
    if valid.len() != rows.div_ceil(8) {
        return Err(format!("a validity bitmap of {} bytes for {rows} rows", valid.len()));
    }
    Ok(Some(NullBuffer::new(BooleanBuffer::new(Buffer::from_vec(valid), 0, rows))))
}

fn texts_from_wit(texts: Texts, nulls: Option<NullBuffer>, rows: usize) -> Result<StringArray, String> {
    let Texts { offsets, data } = texts;
    if offsets.len() != rows + 1 {
        return Err(format!("{} offsets for {rows} rows", offsets.len()));
    }
    let ends_well = offsets[rows] as usize == data.len() && i32::try_from(data.len()).is_ok();
    if offsets[0] != 0 || !ends_well {
        return Err("the offsets do not begin at 0, or do not end where the data ends".to_owned());
    }
    // All rows without a branch, by vectors; which one is wrong is only asked when one is.
    let pairs = || offsets.windows(2);
    let all_in_order = pairs().fold(true, |all, pair| all & (pair[0] <= pair[1]));
    let longest = pairs().fold(0, |longest, pair| pair[1].wrapping_sub(pair[0]).max(longest));
    if !all_in_order || longest as usize > CELL_BYTES_MAX {
        return Err(unfit(&offsets));
    }
    // The same: one is UTF-8 by itself when it also begins where a character does.
    let begins = |offset: &u32| data.get(*offset as usize).is_none_or(|byte| byte & 0xc0 != 0x80);
    let all_begin = offsets.iter().fold(true, |all, offset| all & begins(offset));
    if Encoding::utf8_valid_up_to(&data) != data.len() || !all_begin {
        return Err("a text is not UTF-8".to_owned());
    }
    let offsets: Vec<i32> = offsets.into_iter().map(u32::cast_signed).collect();
    let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
    #[expect(
        unsafe_code,
        reason = "Arrow's own check looks at texts byte by byte, a tenth of an enricher's time"
    )]
    // SAFETY: the offsets are in order, within the data and between characters of it, and the data are UTF-8, all looked at
    // above on these very values, which are ours; there are as many validity bits as rows, by `nulls_from_wit`.
    let texts = unsafe { StringArray::new_unchecked(offsets, Buffer::from_vec(data), nulls) };
    Ok(texts)
}

/// What is wrong with the first of these offsets that is not in order, or ends too long a text.
#[cold]
fn unfit(offsets: &[u32]) -> String {
    let is_unfit = |pair: &[u32]| pair[0] > pair[1] || (pair[1] - pair[0]) as usize > CELL_BYTES_MAX;
    let row = offsets.windows(2).position(is_unfit).unwrap_or_default();
    if offsets[row] > offsets[row + 1] {
        return format!("the offsets go back at row {row}");
    }
    format!("the text of row {row} has more than {} KiB", CELL_BYTES_MAX >> 10)
}

fn instants_from_wit(values: &[i64], nulls: Option<&NullBuffer>) -> Result<StringArray, String> {
    let mut texts = StringBuilder::with_capacity(values.len(), values.len() * 24);
    for (row, value) in values.iter().enumerate() {
        if nulls.is_some_and(|nulls| nulls.is_null(row)) {
            texts.append_null();
            continue;
        }
        let instant = INSTANTS.contains(value).then(|| Timestamp::from_millisecond(*value).ok()).flatten();
        let instant = instant.ok_or_else(|| format!("row {row} is not between the years 0000 and 9999"))?;
        texts.append_value(instant.to_string());
    }
    Ok(texts.finish())
}

#[cfg(test)]
mod tests;
