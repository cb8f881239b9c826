//! Lines made equal to the files that are there: `_sync_attachments_lines`.

use std::collections::BTreeSet;

use halle_model::{Caller, Dataset};
use serde_json::{Map, Value};

use super::attach::attachment_column;
use super::bulk::BulkReport;
use super::change::{Action, Change, Write};
use super::transaction::Seen;
use crate::error::{DatasetsError, DatasetsResult};
use crate::service::names;
use crate::state::Datasets;

/// Lines read or written at a time.
const LINES_PER_STEP: usize = 1_000;

impl Datasets {
    /// Creates a line for each file that no line has, and removes lines whose file is gone. 400 when no column holds
    /// attachments.
    pub async fn sync_attachments(&self, caller: &Caller, id: &str) -> DatasetsResult<BulkReport> {
        let dataset = {
            let mut unit = self.store.read().await?;
            self.editable(unit.as_mut(), caller, id, "bulkLines").await?.entity
        };
        let Some(column) = attachment_column(&dataset) else {
            let message = "Le schéma ne prévoit pas de pièce jointe.";
            return Err(DatasetsError::bad_request(message));
        };
        let _turn = self.turn(&dataset.id, true).await?;
        let keys = self.blobs.keys(&names::attachments(&dataset.id)?).await?;
        let files: BTreeSet<String> = keys.iter().filter_map(names::attachment_path).collect();
        let changes = self.differences(&dataset, column, files).await?;
        let mut report = BulkReport::default();
        let mut number = 0;
        for chunk in changes.chunks(LINES_PER_STEP) {
            let changes = chunk.to_vec();
            let write = Write { caller: caller.clone(), operation: "bulkLines", owner: None, changes };
            for outcome in self.write_alone(&dataset.id, &write, &Seen::AtOnce).await? {
                number += 1;
                report.count(number, outcome);
            }
        }
        report.indexed_at = report.has_changes().then(|| self.clock.now());
        Ok(report)
    }

    async fn differences(
        &self,
        dataset: &Dataset,
        column: &str,
        mut files: BTreeSet<String>,
    ) -> DatasetsResult<Vec<Change>> {
        let known = files.clone();
        let mut changes = Vec::new();
        let mut from = 0;
        loop {
            let lines =
                self.store.read().await?.lines().after(&dataset.id, from, LINES_PER_STEP as u32).await?;
            let Some(last) = lines.last() else { break };
            from = last.i;
            for line in lines.into_iter().filter(|line| !line.deleted) {
                let Some(path) = line.body.get(column).and_then(Value::as_str) else { continue };
                files.remove(path);
                if !known.contains(path) {
                    changes.push(Change { action: Action::Delete, id: Some(line.id), body: Map::new() });
                }
            }
        }
        let created = files.into_iter().map(|path| {
            let body = Map::from_iter([(column.to_owned(), Value::from(path))]);
            Change { action: Action::CreateOrUpdate, id: None, body }
        });
        changes.extend(created);
        Ok(changes)
    }
}
