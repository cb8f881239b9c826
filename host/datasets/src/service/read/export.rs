//! Lines as CSV or ndjson: a page, or with `size=all` everything that matches, streamed.

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use halle_model::{Caller, Column};
use halle_search::params::{LinesParams, Params, Size};
use halle_store::ByteStream;

use super::Reading;
use super::cells::{Cell, Cells, json_key, write_member, write_quoted};
use super::wkt;
use crate::error::{DatasetsError, DatasetsResult};
use crate::state::Datasets;

/// What tells spreadsheets that a CSV file is UTF-8.
const BOM: &[u8] = b"\xef\xbb\xbf";

/// A format that lines are exported in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportFormat {
    /// Comma-separated values, as spreadsheets like them.
    Csv,
    /// One JSON object per line, values that are missing left out.
    Ndjson,
}

impl ExportFormat {
    /// The format of this name: `csv`, `ndjson` or `jsonl`.
    pub fn of(name: &str) -> Option<Self> {
        match name {
            "csv" => Some(Self::Csv),
            "ndjson" | "jsonl" => Some(Self::Ndjson),
            _ => None,
        }
    }

    /// Media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::Ndjson => "application/x-ndjson",
        }
    }

    /// Extension of files.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Ndjson => "ndjson",
        }
    }
}

/// Lines in a file format.
pub struct Export {
    /// The bytes.
    pub body: ExportBody,
    /// Where the next page begins, for an export of one page.
    pub next: Option<String>,
}

/// The bytes of an export.
pub enum ExportBody {
    /// A page.
    Page(Vec<u8>),
    /// Everything, as it is read.
    Stream(ByteStream),
}

impl Datasets {
    /// Every line that matches the filters of `params`, in their order: `select`, `sort`, filters, and for CSV `sep` and
    /// `header` count; `size` and `page` do not.
    pub async fn export(
        &self,
        caller: &Caller,
        id: &str,
        params: &Params,
        format: ExportFormat,
    ) -> DatasetsResult<ByteStream> {
        let reading = self.open(caller, id, "readLines").await?;
        let all = params.clone().with("size", "all").with("page", "").with("after", "");
        match reading.export(&all, format).await?.body {
            ExportBody::Stream(stream) => Ok(stream),
            ExportBody::Page(bytes) => Ok(futures::stream::iter([Ok(Bytes::from(bytes))]).boxed()),
        }
    }
}

/// How rows become text.
#[derive(Clone)]
struct Writer {
    columns: Vec<Column>,
    /// The key of each column as a member of an object; empty for one that was there before.
    keys: Vec<Vec<u8>>,
    format: ExportFormat,
    separator: String,
    header: bool,
    /// Columns of geometries to write as WKT.
    wkt: Vec<String>,
}

impl Reading {
    /// Lines in a file format: one page, or everything with `size=all`.
    pub async fn export(&self, params: &Params, format: ExportFormat) -> DatasetsResult<Export> {
        let asked = LinesParams::parse(params, &self.fields())?;
        let writer = self.writer(params, &asked, format)?;
        if asked.size == Size::All {
            let keys = writer.columns.iter().map(|column| column.key.clone()).collect();
            let batches = self.index.scan(asked.scan(keys)).await?;
            let head = futures::stream::iter([Ok(Bytes::from(writer.head()))]);
            let rows = batches.map_err(DatasetsError::from).and_then(move |batch| {
                let rows = writer.batch(&batch);
                async { rows }
            });
            let rows = rows.map_ok(Bytes::from).map_err(std::io::Error::other);
            return Ok(Export { body: ExportBody::Stream(head.chain(rows).boxed()), next: None });
        }
        let page = self.page(params, &asked).await?;
        let mut out = writer.head();
        for line in page.values()? {
            writer.row(|column| Cell::of_json(line.get(&column.key)), &mut out);
        }
        Ok(Export { body: ExportBody::Page(out), next: page.next })
    }

    fn writer(&self, params: &Params, asked: &LinesParams, format: ExportFormat) -> DatasetsResult<Writer> {
        let separator = params.get("sep").unwrap_or(",").to_owned();
        if separator.chars().count() != 1 || separator.contains(['"', '\n', '\r']) {
            let message = "\"sep\" must be one character, neither a quote nor a line break";
            return Err(DatasetsError::bad_request(message));
        }
        let columns = self.exported(asked);
        let first = |at: usize, key: &str| columns[..at].iter().all(|column| column.key != key);
        let keys = columns
            .iter()
            .enumerate()
            .map(|(at, column)| if first(at, &column.key) { json_key(&column.key) } else { Vec::new() });
        Ok(Writer {
            keys: keys.collect(),
            columns,
            format,
            separator,
            header: params.get("header") != Some("false"),
            wkt: wkt::columns(params, self.columns()),
        })
    }

    /// Columns of an export, in order: those selected, or all that are not calculated.
    pub(super) fn exported(&self, asked: &LinesParams) -> Vec<Column> {
        let fields = self.fields();
        match &asked.selected {
            Some(keys) => keys.iter().filter_map(|key| fields.get(key)).cloned().collect(),
            None => fields.columns().iter().filter(|column| !column.calculated).cloned().collect(),
        }
    }
}

impl Writer {
    /// What comes before the first row.
    fn head(&self) -> Vec<u8> {
        if self.format == ExportFormat::Ndjson {
            return Vec::new();
        }
        let mut out = BOM.to_vec();
        if self.header {
            for (i, column) in self.columns.iter().enumerate() {
                if i > 0 {
                    out.extend_from_slice(self.separator.as_bytes());
                }
                write_quoted(column.original_name.as_deref().unwrap_or(&column.key), &mut out);
            }
            out.push(b'\n');
        }
        out
    }

    fn batch(&self, batch: &arrow::record_batch::RecordBatch) -> DatasetsResult<Vec<u8>> {
        let cells = Cells::of(batch)?;
        let mut out = Vec::with_capacity(batch.num_rows() * cells.len() * 12);
        for row in 0..batch.num_rows() {
            let mut columns = cells.iter();
            let cell = |column: &Column| {
                let cell = columns.next().map_or(Cell::Empty, |cells| cells.get(row));
                if self.wkt.contains(&column.key) { wkt::cell(cell) } else { cell }
            };
            self.row(cell, &mut out);
        }
        Ok(out)
    }

    /// Writes a row whose cells `cell` gives, column by column in order.
    fn row<'a>(&self, mut cell: impl FnMut(&Column) -> Cell<'a>, out: &mut Vec<u8>) {
        match self.format {
            ExportFormat::Csv => {
                for (i, column) in self.columns.iter().enumerate() {
                    if i > 0 {
                        out.extend_from_slice(self.separator.as_bytes());
                    }
                    let found = cell(column);
                    // A date is text to a reader of CSV, whatever holds it.
                    found.write_csv(out);
                }
            }
            ExportFormat::Ndjson => {
                out.push(b'{');
                let open = out.len();
                for (column, key) in self.columns.iter().zip(&self.keys) {
                    let cell = cell(column);
                    if !key.is_empty() {
                        write_member(out, open, key, |out| cell.write_json(column.kind(), out));
                    }
                }
                out.push(b'}');
            }
        }
        out.push(b'\n');
    }
}
