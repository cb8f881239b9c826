//! The second pass: rows as Arrow batches.

use std::borrow::Cow;
use std::path::Path;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use halle_base::limits::{BATCH_BYTES_MAX, BATCH_ROWS_MAX};
use halle_model::Column;

use crate::analysis::{Analysis, FileColumn};
use crate::batch::{BATCH_PROBLEMS_MAX, Batch, CellProblem, excerpt};
use crate::error::{IngestError, IngestResult};
use crate::record::Record;
use crate::rows::arrow_schema;
use crate::table::{self, Label, Reading, Table};
use crate::transform::Transform;
use crate::typing::cell::CellBuilder;

/// One column asked: where it is in the file, and what it is made into.
struct Target {
    key: String,
    /// `None` when the file does not have it.
    place: Option<usize>,
    transform: Option<Transform>,
    builder: CellBuilder,
}

impl Target {
    /// Adds a cell, transformed; the reason when it has no value in this column, which is absent then.
    fn append(&mut self, cell: &str) -> Result<(), Cow<'static, str>> {
        let Some(transform) = self.transform.as_ref().filter(|_| !cell.trim().is_empty()) else {
            return self.builder.append(cell).map_err(Cow::Borrowed);
        };
        match transform.apply(cell) {
            Ok(cell) => self.builder.append(&cell).map_err(Cow::Borrowed),
            Err(reason) => {
                self.builder.append("").map_err(Cow::Borrowed)?;
                Err(Cow::Owned(reason))
            }
        }
    }
}

/// Rows of a file, batch by batch; ends after the first error.
pub struct Rows {
    table: Box<dyn Table>,
    record: Record,
    layout: Vec<FileColumn>,
    /// Columns of the table that were found to be those of the layout.
    checked: usize,
    schema: SchemaRef,
    targets: Vec<Target>,
    /// The table has no more rows.
    is_ended: bool,
    is_done: bool,
}

impl Rows {
    pub(crate) fn open(path: &Path, analysis: &Analysis, columns: &[Column]) -> IngestResult<Self> {
        let reading = Reading {
            path,
            container: analysis.container,
            encoding: Label::Known(&analysis.encoding),
            dialect: analysis.dialect.as_ref(),
            normalize: &analysis.normalize,
            projection: analysis.projection.as_deref(),
        };
        let table = table::open(analysis.format, &reading)?.table;
        let targets = columns.iter().map(|column| target(column, analysis)).collect::<IngestResult<_>>()?;
        let mut rows = Self {
            table,
            record: Record::default(),
            layout: analysis.layout.clone(),
            checked: 0,
            schema: arrow_schema(columns),
            targets,
            is_ended: false,
            is_done: false,
        };
        rows.check_layout()?;
        Ok(rows)
    }

    /// Makes sure that the columns met so far are those of the analysis.
    fn check_layout(&mut self) -> IngestResult<()> {
        let fields = self.table.fields();
        let known = self.layout.get(self.checked..fields.len());
        let met = fields[self.checked..].iter().map(|field| &field.header);
        if !known.is_some_and(|known| known.iter().map(|place| &place.header).eq(met)) {
            return Err(IngestError::Changed { reason: "l'en-tête n'est plus le même".to_owned() });
        }
        self.checked = fields.len();
        Ok(())
    }

    fn next_row(&mut self) -> IngestResult<bool> {
        if self.is_ended {
            return Ok(false);
        }
        self.is_ended = !self.table.next(&mut self.record)?;
        if self.table.fields().len() > self.checked {
            self.check_layout()?;
        }
        Ok(!self.is_ended)
    }

    /// Reads rows until the batch is full, in rows or in bytes; `None` at the end.
    fn next_batch(&mut self) -> IngestResult<Option<Batch>> {
        let (mut rows, mut bytes, mut first_line) = (0, 0, 0);
        let (mut problems, mut problems_total, mut lines) = (Vec::new(), 0, Vec::new());
        while rows < BATCH_ROWS_MAX && bytes < BATCH_BYTES_MAX && self.next_row()? {
            if rows == 0 {
                first_line = self.record.line();
            }
            lines.push(self.record.line());
            for target in &mut self.targets {
                let cell = target.place.map_or("", |place| self.record.cell(place));
                bytes += cell.len();
                let Err(reason) = target.append(cell) else { continue };
                problems_total += 1;
                if problems.len() < BATCH_PROBLEMS_MAX {
                    problems.push(CellProblem {
                        row: rows,
                        line: self.record.line(),
                        column: target.key.clone(),
                        value: excerpt(cell),
                        reason,
                    });
                }
            }
            rows += 1;
        }
        if rows == 0 {
            return Ok(None);
        }
        let arrays = self.targets.iter_mut().map(|target| target.builder.finish()).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let rows = RecordBatch::try_new_with_options(self.schema.clone(), arrays, &options)
            .map_err(|error| IngestError::Rows(error.to_string()))?;
        Ok(Some(Batch { rows, first_line, lines, problems, problems_total }))
    }
}

impl Iterator for Rows {
    type Item = IngestResult<Batch>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_done {
            return None;
        }
        let batch = self.next_batch().transpose();
        self.is_done = !matches!(batch, Some(Ok(_)));
        batch
    }
}

fn target(column: &Column, analysis: &Analysis) -> IngestResult<Target> {
    let place = analysis.layout.iter().position(|place| place.key.as_deref() == Some(&column.key));
    let observed = analysis.columns.iter().find(|observed| observed.key == column.key);
    let pattern = [Some(column), observed]
        .into_iter()
        .flatten()
        .find_map(|column| column.date_format.as_deref().or(column.date_time_format.as_deref()));
    let cells = place.and_then(|place| analysis.layout.get(place)).map_or(column.kind(), |place| place.kind);
    let transform = Transform::of(column, cells)?;
    Ok(Target { key: column.key.clone(), place, transform, builder: CellBuilder::new(column, pattern) })
}
