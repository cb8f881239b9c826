//! One row as text: what every format gives.

/// One row; reused from one to the next, so that reading allocates nothing once it runs.
#[derive(Debug, Default)]
pub(crate) struct Record {
    pub(crate) text: String,
    pub(crate) ends: Vec<usize>,
    pub(crate) line: u64,
    /// Why its shape is left out, and where it is; the row itself stays.
    pub(crate) problem: Option<String>,
}

impl Record {
    /// Begins another row, which is at `line`: physical line, row of the sheet, rank of the element; from 1.
    pub(crate) fn begin(&mut self, line: u64) {
        self.text.clear();
        self.ends.clear();
        self.line = line;
        self.problem = None;
    }

    /// Adds a cell.
    pub(crate) fn push(&mut self, cell: &str) {
        self.text.push_str(cell);
        self.ends.push(self.text.len());
    }

    /// Where it begins, from 1: see [`begin`](Self::begin).
    pub(crate) fn line(&self) -> u64 {
        self.line
    }

    /// Number of cells.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// A cell; empty beyond the last.
    pub(crate) fn cell(&self, index: usize) -> &str {
        let Some(&end) = self.ends.get(index) else { return "" };
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        self.text.get(start..end).unwrap_or("")
    }

    /// The cells.
    pub(crate) fn cells(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).map(|index| self.cell(index))
    }

    /// Whether it counts: a value is there, or would be.
    pub(crate) fn counts(&self) -> bool {
        !self.is_blank() || self.problem.is_some()
    }

    /// Whether no cell has anything but blanks.
    pub(crate) fn is_blank(&self) -> bool {
        self.text.trim().is_empty()
    }
}
