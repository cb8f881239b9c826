//! Every line that matches, batch after batch.
//!
//! A batch is computed when it is asked for, so that a slow reader holds no thread. Unsorted, at most the row numbers of
//! one part are held; sorted, those of all matches.

use std::sync::Arc;

use arrow::array::RecordBatch;
use halle_base::limits::BATCH_ROWS_MAX;
use halle_search::SearchError;
use halle_search::engine::{ScanRequest, SearchResult};

use super::gather;
use crate::deadline::Deadline;
use crate::order::{First, Order, RowAt};
use crate::select::Selection;
use crate::snapshot::{Field, Snapshot};

/// Where a scan is.
pub(crate) struct Scan {
    snapshot: Arc<Snapshot>,
    request: ScanRequest,
    fields: Vec<(String, Field)>,
    /// Rows found and not yet sent, from `at` on.
    rows: Vec<RowAt>,
    at: usize,
    next_part: usize,
    left: usize,
}

impl Scan {
    /// Starts a scan.
    ///
    /// # Errors
    ///
    /// `BadRequest` when the request does not fit the columns.
    pub(crate) fn start(
        snapshot: Arc<Snapshot>,
        request: ScanRequest,
        deadline: &Deadline,
    ) -> SearchResult<Self> {
        let field = |name: &String| Ok((name.clone(), snapshot.selected(name)?));
        let fields = request.select.iter().map(field).collect::<SearchResult<Vec<_>>>()?;
        let left = request.limit.unwrap_or(usize::MAX);
        let mut scan = Self { fields, rows: Vec::new(), at: 0, next_part: 0, left, snapshot, request };
        let stored = scan.snapshot.field("_i") == Some(Field::Line);
        if !scan.request.sort.is_empty() || !stored {
            scan.sort(deadline)?;
        } else {
            Selection::new(&scan.snapshot, &scan.request.query, deadline)?;
        }
        Ok(scan)
    }

    fn sort(&mut self, deadline: &Deadline) -> SearchResult<()> {
        let snapshot = Arc::clone(&self.snapshot);
        let selection = Selection::new(&snapshot, &self.request.query, deadline)?;
        let by_line = [halle_search::SortKey { by: halle_search::ast::SortBy::Line, descending: false }];
        let sort = if self.request.sort.is_empty() { &by_line[..] } else { &self.request.sort };
        let order = Order::new(&snapshot, sort, &selection.plan)?;
        let mut first = First::new(&order, self.left.min(snapshot.rows() as usize), None);
        for at in 0..snapshot.parts.len() {
            let hits = selection.hits(at, order.needs_scores())?;
            first.add_part(at, &hits);
        }
        self.rows = first.into_rows().into_iter().map(|(row, _)| row).collect();
        self.next_part = snapshot.parts.len();
        Ok(())
    }

    /// The next batch, `None` at the end.
    pub(crate) fn next(&mut self, deadline: &Deadline) -> SearchResult<Option<RecordBatch>> {
        while self.at == self.rows.len() && self.next_part < self.snapshot.parts.len() && self.left > 0 {
            let part = self.next_part;
            let selection = Selection::new(&self.snapshot, &self.request.query, deadline)?;
            let hits = selection.hits(part, false)?;
            self.rows.clear();
            let at = u32::try_from(part).map_err(SearchError::engine)?;
            self.rows.extend(hits.rows.iter().map(|row| (at, row as u32)));
            self.at = 0;
            self.next_part += 1;
        }
        let end = (self.at + BATCH_ROWS_MAX.min(self.left)).min(self.rows.len());
        if end == self.at {
            return Ok(None);
        }
        let batch = gather::batch(&self.snapshot, &self.fields, &self.rows[self.at..end])?;
        self.left -= end - self.at;
        self.at = end;
        Ok(Some(batch))
    }
}
