//! Rows as Arrow batches.

use std::path::Path;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use halle_base::limits::{BATCH_BYTES_MAX, BATCH_ROWS_MAX};
use halle_model::Column;

use crate::analysis::Analysis;
use crate::batch::{BATCH_PROBLEMS_MAX, Batch, CellProblem, excerpt};
use crate::csv::dialect;
use crate::csv::records::Record;
use crate::csv::table::Table;
use crate::encoding::{self, Decoded};
use crate::error::{IngestError, IngestResult};
use crate::rows::arrow_schema;
use crate::source;
use crate::typing::cell::CellBuilder;

/// One column asked: where it is in the file, and what it is made into.
struct Target {
    key: String,
    /// `None` when the file does not have it.
    place: Option<usize>,
    builder: CellBuilder,
}

/// See [`crate::read`].
pub(crate) struct CsvRows {
    table: Table<Decoded>,
    record: Record,
    schema: SchemaRef,
    targets: Vec<Target>,
    is_done: bool,
}

impl CsvRows {
    pub(crate) fn open(path: &Path, analysis: &Analysis, columns: &[Column]) -> IngestResult<Self> {
        let encoding = encoding::by_label(&analysis.encoding)?;
        let text = Decoded::new(source::open(path, analysis.container)?, encoding)?;
        let table = Table::open(text, dialect::marks(&analysis.dialect))?;
        if !analysis.layout.iter().map(|place| &place.header).eq(table.headers()) {
            return Err(IngestError::Changed { reason: "l'en-tête n'est plus le même".to_owned() });
        }
        let targets = columns.iter().map(|column| target(column, analysis)).collect();
        Ok(Self { table, record: Record::default(), schema: arrow_schema(columns), targets, is_done: false })
    }

    /// Reads rows until the batch is full, in rows or in bytes; `None` at the end.
    fn next_batch(&mut self) -> IngestResult<Option<Batch>> {
        let (mut rows, mut bytes, mut first_line) = (0, 0, 0);
        let (mut problems, mut problems_total) = (Vec::new(), 0);
        while rows < BATCH_ROWS_MAX && bytes < BATCH_BYTES_MAX && self.table.next(&mut self.record)? {
            if rows == 0 {
                first_line = self.record.line();
            }
            for target in &mut self.targets {
                let cell = target.place.map_or("", |place| self.record.cell(place));
                bytes += cell.len();
                let Err(reason) = target.builder.append(cell) else { continue };
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
        Ok(Some(Batch { rows, first_line, problems, problems_total }))
    }
}

impl Iterator for CsvRows {
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

fn target(column: &Column, analysis: &Analysis) -> Target {
    let place = analysis.layout.iter().position(|place| place.key.as_deref() == Some(&column.key));
    let observed = analysis.columns.iter().find(|observed| observed.key == column.key);
    let pattern = [Some(column), observed]
        .into_iter()
        .flatten()
        .find_map(|column| column.date_format.as_deref().or(column.date_time_format.as_deref()));
    Target { key: column.key.clone(), place, builder: CellBuilder::new(column, pattern) }
}
