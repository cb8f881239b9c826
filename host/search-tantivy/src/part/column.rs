//! The columns of a part.

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use arrow::buffer::{BooleanBuffer, Buffer, ScalarBuffer};
use arrow::datatypes::{Date32Type, Float64Type, Int64Type};
use halle_model::{Column as Declared, ColumnKind};
use halle_search::SearchError;
use halle_search::engine::SearchResult;
use serde::{Deserialize, Serialize};

use super::dictionary::{Dictionary, DictionaryPlaces};
use super::file::{Buffers, FileWriter, Place};
use crate::time;

/// An instant that is not known: the text of the row is not a date-time.
pub(crate) const NO_INSTANT: i64 = i64::MIN;

/// Values of a column, one per row; what stands at a row without value is of no meaning.
#[derive(Debug, Clone)]
pub(crate) enum Values {
    Integer(ScalarBuffer<i64>),
    Number(ScalarBuffer<f64>),
    Boolean(BooleanBuffer),
    /// Days since 1970-01-01.
    Day(ScalarBuffer<i32>),
    /// Text and objects.
    Text(Dictionary),
    /// Date-times: as written, and in milliseconds since 1970-01-01 UTC.
    Instant(Dictionary, ScalarBuffer<i64>),
}

/// A column of a part.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    pub(crate) values: Values,
    /// Which rows have a value; all when `None`. Texts say it by their codes.
    valid: Option<BooleanBuffer>,
}

/// Where the buffers of a column are.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ColumnPlaces {
    kind: ColumnKind,
    values: Option<Place>,
    dictionary: Option<DictionaryPlaces>,
    valid: Option<Place>,
}

fn gather<T: arrow::datatypes::ArrowPrimitiveType>(chunks: &[ArrayRef]) -> ScalarBuffer<T::Native> {
    chunks.iter().flat_map(|chunk| chunk.as_primitive::<T>().values().iter().copied()).collect()
}

impl Column {
    /// The column that these arrays make, one after the other.
    ///
    /// # Errors
    ///
    /// When an array has not the type of the declared kind; the text names the column.
    pub(crate) fn build(declared: &Declared, chunks: &[ArrayRef]) -> SearchResult<Self> {
        let kind = declared.kind();
        let wanted = super::arrow_type(kind);
        if let Some(other) = chunks.iter().find(|chunk| *chunk.data_type() != wanted) {
            let (key, found) = (&declared.key, other.data_type());
            return Err(SearchError::Engine(format!("column `{key}` must come as {wanted}, it is {found}")));
        }
        let texts = || chunks.iter().map(AsArray::as_string::<i32>).collect::<Vec<&StringArray>>();
        let values = match kind {
            ColumnKind::Integer => Values::Integer(gather::<Int64Type>(chunks)),
            ColumnKind::Number => Values::Number(gather::<Float64Type>(chunks)),
            ColumnKind::Date => Values::Day(gather::<Date32Type>(chunks)),
            ColumnKind::Boolean => {
                Values::Boolean(chunks.iter().flat_map(|chunk| chunk.as_boolean().values().iter()).collect())
            }
            ColumnKind::Text | ColumnKind::Object => Values::Text(Dictionary::build(&texts())?),
            ColumnKind::DateTime => {
                let dictionary = Dictionary::build(&texts())?;
                let zone = time::zone(declared.zone());
                let by_code: Vec<i64> = (0..dictionary.len() as u32)
                    .map(|code| time::instant(dictionary.text(code), &zone).unwrap_or(NO_INSTANT))
                    .collect();
                let of_row = |code: &u32| by_code.get(*code as usize).copied().unwrap_or(NO_INSTANT);
                let millis = dictionary.codes().iter().map(of_row).collect();
                Values::Instant(dictionary, millis)
            }
        };
        let is_text = matches!(values, Values::Text(_) | Values::Instant(..));
        let has_nulls = chunks.iter().any(|chunk| chunk.null_count() > 0);
        let valid = (!is_text && has_nulls).then(|| {
            chunks.iter().flat_map(|chunk| (0..chunk.len()).map(|row| chunk.is_valid(row))).collect()
        });
        Ok(Self { values, valid })
    }

    /// A column of this kind in which no row has a value.
    pub(crate) fn absent(declared: &Declared, rows: usize) -> SearchResult<Self> {
        let none = arrow::array::new_null_array(&super::arrow_type(declared.kind()), rows);
        Self::build(declared, &[none])
    }

    /// Writes the buffers.
    pub(crate) fn write(&self, file: &mut FileWriter<'_>) -> SearchResult<ColumnPlaces> {
        let mut dictionary = None;
        let (kind, values) = match &self.values {
            Values::Integer(values) => (ColumnKind::Integer, Some(file.put(values.inner())?)),
            Values::Number(values) => (ColumnKind::Number, Some(file.put(values.inner())?)),
            Values::Day(values) => (ColumnKind::Date, Some(file.put(values.inner())?)),
            Values::Boolean(values) => (ColumnKind::Boolean, Some(file.put(values.values())?)),
            Values::Text(texts) => {
                dictionary = Some(texts.write(file)?);
                (ColumnKind::Text, None)
            }
            Values::Instant(texts, millis) => {
                dictionary = Some(texts.write(file)?);
                (ColumnKind::DateTime, Some(file.put(millis.inner())?))
            }
        };
        let valid = self.valid.as_ref().map(|valid| file.put(valid.values())).transpose()?;
        Ok(ColumnPlaces { kind, values, dictionary, valid })
    }

    /// Maps the buffers.
    pub(crate) fn open(file: &Buffers, places: &ColumnPlaces, rows: usize) -> SearchResult<Self> {
        let missing = || SearchError::engine("a column lacks a buffer; rebuild the index");
        let buffer = || file.slice(places.values.ok_or_else(missing)?);
        let texts = || Dictionary::open(file, places.dictionary.as_ref().ok_or_else(missing)?);
        let values = match places.kind {
            ColumnKind::Integer => Values::Integer(buffer()?.into()),
            ColumnKind::Number => Values::Number(buffer()?.into()),
            ColumnKind::Date => Values::Day(buffer()?.into()),
            ColumnKind::Boolean => Values::Boolean(BooleanBuffer::new(buffer()?, 0, rows)),
            ColumnKind::Text | ColumnKind::Object => Values::Text(texts()?),
            ColumnKind::DateTime => Values::Instant(texts()?, buffer()?.into()),
        };
        let valid = places.valid.map(|place| file.slice(place)).transpose()?;
        Ok(Self { values, valid: valid.map(|valid: Buffer| BooleanBuffer::new(valid, 0, rows)) })
    }

    /// Whether the row has a value.
    #[inline]
    pub(crate) fn has(&self, row: usize) -> bool {
        match &self.values {
            Values::Text(texts) | Values::Instant(texts, _) => {
                texts.codes()[row] != super::dictionary::NO_VALUE
            }
            _ => self.valid.as_ref().is_none_or(|valid| valid.value(row)),
        }
    }

    /// Whether every row is known to have a value without asking.
    pub(crate) fn is_full(&self) -> bool {
        self.valid.is_none() && !matches!(self.values, Values::Text(_) | Values::Instant(..))
    }

    /// The texts of a text or date-time column.
    pub(crate) fn texts(&self) -> Option<&Dictionary> {
        match &self.values {
            Values::Text(texts) | Values::Instant(texts, _) => Some(texts),
            _ => None,
        }
    }
}
