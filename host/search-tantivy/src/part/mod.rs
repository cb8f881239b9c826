//! A part: some rows of an index, written once, in a folder of its own or in memory.
//!
//! `columns` holds the values, `words/` the index of words (absent when no column is searchable), `stems` which of the words
//! have a stem (absent when no column is asked in both views). Row `n` of the columns is document `n` of the words.

pub(crate) mod column;
pub(crate) mod dictionary;
pub(crate) mod fields;
mod file;
pub(crate) mod postings;
pub(crate) mod shapes;
pub(crate) mod sorts;
pub(crate) mod statistics;
mod stems;
pub(crate) mod words;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow::array::{ArrayRef, RecordBatch};
use arrow::buffer::ScalarBuffer;
use arrow::datatypes::DataType;
use halle_geo::Position;
use halle_model::ColumnKind;
use halle_search::engine::SearchResult;
use halle_search::{IndexSpec, SearchError};
use serde::{Deserialize, Serialize};

use self::column::{Column, ColumnPlaces, Values};
use self::dictionary::Dictionary;
use self::file::{Buffers, FileWriter, Place};
use self::shapes::{ShapePlaces, Shapes, ShapesWriter};
use self::sorts::Sorts;
use self::words::Words;
use crate::geo::{self, PointSource};
use crate::hash;

/// The Arrow type in which a column of this kind comes.
pub(crate) fn arrow_type(kind: ColumnKind) -> DataType {
    match kind {
        ColumnKind::Text | ColumnKind::DateTime | ColumnKind::Object => DataType::Utf8,
        ColumnKind::Integer => DataType::Int64,
        ColumnKind::Number => DataType::Float64,
        ColumnKind::Boolean => DataType::Boolean,
        ColumnKind::Date => DataType::Date32,
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct Footer {
    rows: u32,
    columns: Vec<ColumnPlaces>,
    points: Option<(Place, Place)>,
    /// Absent of parts written before shapes were kept: their lines are where their points are.
    #[serde(default)]
    shapes: Option<ShapePlaces>,
}

/// Longitudes and latitudes of the rows, NaN where there is no point.
#[derive(Debug, Clone)]
pub(crate) struct Points {
    pub(crate) lon: ScalarBuffer<f64>,
    pub(crate) lat: ScalarBuffer<f64>,
}

impl Points {
    /// The point of a row: longitude and latitude.
    #[inline]
    pub(crate) fn get(&self, row: usize) -> Option<(f64, f64)> {
        let (lon, lat) = (self.lon[row], self.lat[row]);
        (!lon.is_nan() && !lat.is_nan()).then_some((lon, lat))
    }
}

/// A part, open for reading.
#[derive(Debug)]
pub(crate) struct Part {
    /// Number of rows.
    pub(crate) rows: usize,
    /// Number of the first row, where the spec has no `_i` column.
    pub(crate) first_line: u64,
    /// In the order of the spec.
    pub(crate) columns: Vec<Column>,
    pub(crate) points: Option<Points>,
    pub(crate) shapes: Option<Shapes>,
    pub(crate) words: Option<Words>,
    /// Values of the `_i` column, where the spec has one.
    lines: Option<ScalarBuffer<i64>>,
    /// Identifiers of the rows, where they were given and the spec does not name them: in a union.
    pub(crate) ids: Option<Dictionary>,
    /// The part of which this is a view; kept open, and never removed by the view.
    origin: Option<Arc<Self>>,
    /// Orders in which pages were turned.
    pub(crate) sorts: Sorts,
    home: Home,
    doomed: AtomicBool,
}

/// Where a part is.
#[derive(Debug, Clone)]
enum Home {
    /// In a folder.
    Folder(PathBuf),
    /// Nowhere else, in this many bytes.
    Memory { bytes: u64 },
}

/// Writes a part into `dir`, which must not exist yet.
pub(crate) fn write(dir: &Path, spec: &IndexSpec, batches: &[RecordBatch]) -> SearchResult<()> {
    let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
    std::fs::create_dir_all(dir).map_err(SearchError::engine)?;
    let columns = columns_of(spec, batches)?;
    std::thread::scope(|scope| {
        let words = (!fields::word_fields(spec).is_empty()).then(|| {
            scope.spawn(|| words::write(&dir.join("words"), &dir.join("stems"), spec, &columns, rows))
        });
        file::create(&dir.join("columns"), |file| write_columns(file, spec, &columns, rows))?;
        words.map_or(Ok(()), |thread| {
            thread.join().map_err(|_| SearchError::engine("the writer of words panicked"))?
        })
    })?;
    sync_dir(dir)
}

fn columns_of(spec: &IndexSpec, batches: &[RecordBatch]) -> SearchResult<Vec<Column>> {
    spec.columns
        .iter()
        .map(|declared| {
            let chunk = |batch: &RecordBatch| -> SearchResult<ArrayRef> {
                batch.column_by_name(&declared.key).cloned().ok_or_else(|| {
                    SearchError::Engine(format!("a batch lacks the column `{}`", declared.key))
                })
            };
            Column::build(declared, &batches.iter().map(chunk).collect::<SearchResult<Vec<_>>>()?)
        })
        .collect()
}

fn write_columns(
    mut file: FileWriter<'_>,
    spec: &IndexSpec,
    columns: &[Column],
    rows: usize,
) -> SearchResult<()> {
    let places = columns.iter().map(|column| column.write(&mut file)).collect::<SearchResult<Vec<_>>>()?;
    let texts = geo::shape_column(spec).and_then(|column| columns[column].texts());
    let (shapes, middles) = texts.map(|texts| ShapesWriter::of(texts, rows)).transpose()?.unzip();
    let middle = |row: usize| middles.as_ref().and_then(|middles: &Vec<Option<Position>>| middles[row]);
    let points = match PointSource::of(spec) {
        None => None,
        Some(source) => {
            let (lon, lat): (Vec<f64>, Vec<f64>) = (0..rows)
                .map(|row| source.point(columns, row, middle(row)).unwrap_or((f64::NAN, f64::NAN)))
                .unzip();
            let (lon, lat) = (ScalarBuffer::from(lon), ScalarBuffer::from(lat));
            Some((file.put(lon.inner())?, file.put(lat.inner())?))
        }
    };
    let shapes = shapes.map(|shapes| shapes.write(&mut file)).transpose()?;
    let rows = u32::try_from(rows).map_err(SearchError::engine)?;
    file.finish(&Footer { rows, columns: places, points, shapes })
}

/// Makes the names in a folder durable.
pub(crate) fn sync_dir(dir: &Path) -> SearchResult<()> {
    std::fs::File::open(dir).and_then(|dir| dir.sync_all()).map_err(SearchError::engine)
}

impl Part {
    /// Opens the part of a folder.
    pub(crate) fn open(dir: PathBuf, spec: &IndexSpec, first_line: u64) -> SearchResult<Self> {
        let (file, footer) = Buffers::map(&dir.join("columns"))?;
        let words_dir = dir.join("words");
        let words =
            words_dir.is_dir().then(|| Words::open(&words_dir, &dir.join("stems"), spec)).transpose()?;
        Self::of(&file, footer, words, spec, first_line, Home::Folder(dir))
    }

    /// A part of these rows in memory; it goes with its last reader.
    pub(crate) fn in_memory(spec: &IndexSpec, batches: &[RecordBatch]) -> SearchResult<Self> {
        let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
        let columns = columns_of(spec, batches)?;
        let buffer = file::in_memory(|file| write_columns(file, spec, &columns, rows))?;
        let mut bytes = buffer.len() as u64;
        let read = Buffers::read(buffer);
        let (file, footer) = read.ok_or_else(|| SearchError::engine("a part in memory has no footer"))?;
        let mut words = None;
        if !fields::word_fields(spec).is_empty() {
            let (written, more) = words::in_memory(spec, &columns, rows)?;
            bytes += more;
            words = Some(written);
        }
        Self::of(&file, footer, words, spec, 1, Home::Memory { bytes })
    }

    fn of(
        file: &Buffers,
        footer: Footer,
        words: Option<Words>,
        spec: &IndexSpec,
        first_line: u64,
        home: Home,
    ) -> SearchResult<Self> {
        let rows = footer.rows as usize;
        if footer.columns.len() != spec.columns.len() {
            return Err(SearchError::engine("a part has other columns than its index; rebuild the index"));
        }
        let columns = footer.columns.iter().map(|places| Column::open(file, places, rows));
        let columns = columns.collect::<SearchResult<Vec<_>>>()?;
        let points = match footer.points {
            None => None,
            Some((lon, lat)) => Some(Points { lon: file.slice(lon)?.into(), lat: file.slice(lat)?.into() }),
        };
        let shapes = footer.shapes.map(|places| Shapes::open(file, places)).transpose()?;
        let line_column = spec.columns.iter().position(|column| column.key == "_i");
        let lines = match line_column.map(|index| &columns[index].values) {
            Some(Values::Integer(lines)) => Some(lines.clone()),
            _ => None,
        };
        Ok(Self {
            rows,
            first_line,
            columns,
            points,
            shapes,
            words,
            lines,
            ids: None,
            origin: None,
            sorts: Sorts::default(),
            home,
            doomed: AtomicBool::new(false),
        })
    }

    /// The same rows with other columns, for a union: `columns` and `words` are in its terms. Files stay with `part`.
    pub(crate) fn view(
        part: &Arc<Self>,
        columns: Vec<Column>,
        (points, shapes): (Option<Points>, Option<Shapes>),
        words: Option<Words>,
        ids: Option<Dictionary>,
    ) -> Self {
        Self {
            rows: part.rows,
            first_line: part.first_line,
            columns,
            points,
            shapes,
            words,
            lines: part.lines.clone(),
            ids,
            origin: Some(Arc::clone(part)),
            sorts: Sorts::default(),
            home: part.home.clone(),
            doomed: AtomicBool::new(false),
        }
    }

    /// The number of a row: its `_i`.
    #[inline]
    pub(crate) fn line(&self, row: usize) -> i64 {
        match &self.lines {
            Some(lines) => lines[row],
            None => (self.first_line + row as u64).cast_signed(),
        }
    }

    /// The rows with these numbers (both included), where numbers follow from places.
    pub(crate) fn rows_of_lines(&self, low: i64, high: i64) -> Option<std::ops::Range<usize>> {
        if self.lines.is_some() {
            return None;
        }
        let first = i128::from(self.first_line);
        let row = |line: i128| usize::try_from((line - first).max(0)).unwrap_or(usize::MAX).min(self.rows);
        let (start, end) = (row(low.into()), row(i128::from(high) + 1));
        Some(start..end.max(start))
    }

    /// The stable random number of a row: `0..=999_999`.
    #[inline]
    pub(crate) fn random(&self, row: usize, seed: u64) -> i64 {
        (hash::mix(seed ^ self.line(row).cast_unsigned()) % 1_000_000).cast_signed()
    }

    /// Folder of the part; `None` of one in memory.
    pub(crate) fn dir(&self) -> Option<&Path> {
        match &self.home {
            Home::Folder(dir) => Some(dir),
            Home::Memory { .. } => None,
        }
    }

    /// Bytes on disk or in memory.
    pub(crate) fn bytes(&self) -> u64 {
        if let Some(origin) = &self.origin {
            return origin.bytes();
        }
        let dir = match &self.home {
            Home::Folder(dir) => dir,
            Home::Memory { bytes } => return *bytes,
        };
        [dir.clone(), dir.join("words")]
            .iter()
            .filter_map(|dir| std::fs::read_dir(dir).ok())
            .flat_map(Iterator::flatten)
            .filter_map(|entry| entry.metadata().ok().filter(std::fs::Metadata::is_file))
            .map(|file| file.len())
            .sum()
    }

    /// Has the folder stay, because an index names it.
    pub(crate) fn keep(&self) {
        self.doomed.store(false, Ordering::Relaxed);
    }

    /// Has the folder removed when the last reader lets go of the part.
    pub(crate) fn doom(&self) {
        self.doomed.store(true, Ordering::Relaxed);
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        let Home::Folder(dir) = &self.home else { return };
        if !*self.doomed.get_mut() {
            return;
        }
        if let Err(error) = std::fs::remove_dir_all(dir) {
            tracing::warn!(dir = %dir.display(), %error, "cannot remove a part; the next start will");
        }
        // The folder of a removed index goes with its last part; any other is not empty.
        if let Some(index) = dir.parent() {
            let _ = std::fs::remove_dir(index);
        }
    }
}
