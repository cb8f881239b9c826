//! The log of a run: what a plugin emits, written in order and shown while it grows.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use halle_base::Timestamp;
use halle_extensions::services::{LogLevel, RunLog};
use halle_store::{StoreResult, UnitOfWork};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::Processings;
use crate::model::{RUN_LOG_RECORDS_MAX, Run};

/// Records waiting to be written; a plugin that logs faster loses records, and the log says how many.
const BACKLOG_RECORDS_MAX: usize = 1_024;

/// Records are written together, at most this long after the first.
const WRITE_EVERY: Duration = Duration::from_millis(150);

/// The side that plugins and the host write to.
pub(super) struct LogWriter {
    records: mpsc::Sender<(Timestamp, Value)>,
    lost: Arc<AtomicBool>,
    processings: Processings,
}

impl LogWriter {
    /// A writer, and the task that stores what it is given; the task ends after the writer is dropped.
    pub(super) fn start(processings: &Processings, run: &Run) -> (Arc<Self>, tokio::task::JoinHandle<()>) {
        let (records, inbox) = mpsc::channel(BACKLOG_RECORDS_MAX);
        let lost = Arc::new(AtomicBool::new(false));
        let task = tokio::spawn(store_all(processings.clone(), run.clone(), inbox, Arc::clone(&lost)));
        (Arc::new(Self { records, lost, processings: processings.clone() }), task)
    }

    fn push(&self, mut record: Value) {
        let now = self.processings.clock.now();
        record["date"] = json!(now);
        if self.records.try_send((now, record)).is_err() {
            self.lost.store(true, Ordering::Relaxed);
        }
    }
}

impl RunLog for LogWriter {
    fn emit(&self, level: LogLevel, message: &str, fields: &[(String, String)]) {
        let kind = match level {
            LogLevel::Debug => "debug",
            LogLevel::Info => "info",
            LogLevel::Warn => "warning",
            LogLevel::Error => "error",
        };
        let extra: serde_json::Map<String, Value> =
            fields.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str()))).collect();
        let mut record = json!({ "type": kind, "msg": message });
        if !extra.is_empty() {
            record["extra"] = Value::Object(extra);
        }
        self.push(record);
    }

    fn task(&self, name: &str, total: Option<u64>) {
        self.push(json!({ "type": "task", "msg": name, "total": total }));
    }

    fn advance(&self, done: u64) {
        self.push(json!({ "type": "progress", "progress": done }));
    }
}

async fn store_all(
    processings: Processings,
    run: Run,
    mut inbox: mpsc::Receiver<(Timestamp, Value)>,
    lost: Arc<AtomicBool>,
) {
    while let Some(first) = inbox.recv().await {
        tokio::time::sleep(WRITE_EVERY).await;
        let mut records = vec![first];
        while let Ok(more) = inbox.try_recv() {
            records.push(more);
        }
        if lost.swap(false, Ordering::Relaxed) {
            let now = processings.clock.now();
            let text = "Des messages ont été perdus : le plugin écrit trop vite. Messages were lost.";
            records.push((now, json!({ "type": "warning", "msg": text, "date": now })));
        }
        if let Err(error) = append(&processings, &run, &merge_progress(records)).await {
            tracing::error!(run = %run.id, %error, "the log of a run could not be written");
        }
    }
}

/// Of several progress records in a row only the last one says something.
fn merge_progress(records: Vec<(Timestamp, Value)>) -> Vec<(Timestamp, Value)> {
    let mut merged: Vec<(Timestamp, Value)> = Vec::with_capacity(records.len());
    for record in records {
        let is_progress = |value: &Value| value["type"] == "progress";
        match merged.last_mut() {
            Some(last) if is_progress(&last.1) && is_progress(&record.1) => *last = record,
            _ => merged.push(record),
        }
    }
    merged
}

/// Stores records and tells who listens.
async fn append(processings: &Processings, run: &Run, records: &[(Timestamp, Value)]) -> StoreResult<()> {
    let mut work = processings.store.begin().await?;
    write(&mut *work, run, records).await?;
    work.commit().await?;
    tell(processings, run, records);
    Ok(())
}

/// Writes records within a unit of work: what a run became and why are read together.
pub(super) async fn write(
    work: &mut dyn UnitOfWork,
    run: &Run,
    records: &[(Timestamp, Value)],
) -> StoreResult<()> {
    for (at, record) in records {
        work.logs().append(&run.log_stream(), *at, record, RUN_LOG_RECORDS_MAX).await?;
    }
    Ok(())
}

/// Tells who listens of records that were written.
pub(super) fn tell(processings: &Processings, run: &Run, records: &[(Timestamp, Value)]) {
    let channel = format!("processings/{}/run-log", run.processing.id);
    for (_, record) in records {
        processings.hub.publish(&channel, json!({ "_id": run.id, "log": record }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_of_several_progress_records_is_kept() {
        let record = |value: Value| (Timestamp::UNIX_EPOCH, value);
        let progress = |done: u64| record(json!({ "type": "progress", "progress": done }));
        let info = record(json!({ "type": "info", "msg": "page" }));
        let merged = merge_progress(vec![progress(1), progress(2), info.clone(), progress(3)]);
        assert_eq!(merged, [progress(2), info, progress(3)]);
    }
}
