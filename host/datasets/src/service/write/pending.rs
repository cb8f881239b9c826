//! The changes of one transaction before they are written: later ones see what earlier ones did.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use halle_model::Dataset;
use halle_store::{LineRecord, UnitOfWork};
use serde_json::{Map, Value};

use super::attach::attachment_column;
use super::change::{Action, Size, bytes_of};
use crate::error::DatasetsResult;

/// What was asked for a line that is written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked {
    pub action: Action,
    /// Whether there was no such line before.
    pub created: bool,
}

/// Changes of one transaction, in their order.
#[derive(Default)]
pub(super) struct Batch {
    pub lines: Vec<LineRecord>,
    /// What was asked for each of them.
    pub changes: Vec<Asked>,
    /// The last write of each line.
    last: HashMap<String, usize>,
    /// Lines that were looked up together, as the store has them.
    known: HashMap<String, Option<LineRecord>>,
    lines_added: i64,
    /// Bytes of the lines as they were before this batch.
    pub bytes_before: HashMap<String, i64>,
    /// Lines that had a file, with its path.
    pub files_before: Vec<(String, String)>,
    /// Values of lines for which mandatory extensions must be asked first: then nothing of the batch is written.
    pub asked: Vec<Map<String, Value>>,
    /// The lines that these values are for, as they will be unless extensions refuse them: later changes of a line ask for what they
    /// make of it at the same time, not each for itself.
    expected: HashMap<String, LineRecord>,
}

impl Batch {
    /// Asks for what extensions give a line with these values, which is expected to be `line`.
    pub(super) fn ask(&mut self, values: Map<String, Value>, line: LineRecord) {
        self.asked.push(values);
        self.expected.insert(line.id.clone(), line);
    }

    pub(super) fn add(&mut self, action: Action, line: LineRecord, created: bool) -> usize {
        self.lines_added += i64::from(created) - i64::from(line.deleted);
        self.expected.remove(&line.id);
        let at = self.lines.len();
        self.last.insert(line.id.clone(), at);
        self.lines.push(line);
        self.changes.push(Asked { action, created });
        at
    }

    /// Reads the lines of these identifiers, so that each is not asked for by itself.
    pub(super) async fn look_up(
        &mut self,
        unit: &mut dyn UnitOfWork,
        dataset: &Dataset,
        ids: HashSet<&str>,
    ) -> DatasetsResult<()> {
        let ids: Vec<&str> = ids.into_iter().filter(|id| !self.known.contains_key(*id)).collect();
        if ids.is_empty() {
            return Ok(());
        }
        let found = unit.lines().get_all(&dataset.id, &ids).await?;
        self.known.extend(ids.into_iter().map(|id| (id.to_owned(), None)));
        self.known.extend(found.into_iter().map(|line| (line.id.clone(), Some(line))));
        Ok(())
    }

    /// The line as the changes of this batch leave it, or as the store knows it; `None` if there is none.
    pub(super) async fn before(
        &self,
        unit: &mut dyn UnitOfWork,
        dataset: &Dataset,
        id: &str,
    ) -> DatasetsResult<Option<LineRecord>> {
        if let Some(line) = self.expected.get(id) {
            return Ok(Some(line.clone()));
        }
        match self.last.get(id) {
            Some(&at) => Ok(Some(self.lines[at].clone()).filter(|line| !line.deleted)),
            None => match self.known.get(id) {
                Some(known) => Ok(known.clone()),
                None => Ok(unit.lines().get(&dataset.id, id).await?),
            },
        }
    }

    /// The size of a dataset with the changes of this batch.
    pub(super) fn added_to(&self, before: Size) -> Size {
        let bytes = self.last.iter().map(|(id, &at)| {
            let line = &self.lines[at];
            let after = if line.deleted { 0 } else { bytes_of(&line.body) };
            after - self.bytes_before.get(id).copied().unwrap_or(0)
        });
        Size {
            lines: before.lines.saturating_add_signed(self.lines_added),
            bytes: before.bytes.saturating_add_signed(bytes.sum()),
        }
    }

    /// Files that their lines no longer have; `lines` are those of the batch. A history keeps them.
    pub(super) fn orphans(&self, dataset: &Dataset, lines: &[Arc<LineRecord>]) -> Vec<String> {
        if dataset.rest.history {
            return Vec::new();
        }
        let left = self.files_before.iter().filter(|(id, path)| {
            let now = self.last.get(id).map(|&at| &*lines[at]);
            let own = path.strip_prefix(id.as_str()).is_some_and(|rest| rest.starts_with('/'));
            own && now.is_some_and(|line| file_of(dataset, line) != Some(path))
        });
        left.map(|(_, path)| path.clone()).collect()
    }

    /// Whether the line at this place is as the batch leaves it.
    pub(super) fn is_last(&self, at: usize, id: &str) -> bool {
        self.last.get(id) == Some(&at)
    }

    pub(super) fn len(&self) -> u64 {
        self.lines.len() as u64
    }
}

/// The path of the file that a line has.
pub(super) fn file_of<'a>(dataset: &Dataset, line: &'a LineRecord) -> Option<&'a str> {
    line.body.get(attachment_column(dataset)?)?.as_str()
}
