//! The log of a run: what a plugin emits, written in order and shown while it grows.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use halle_base::Timestamp;
use halle_extensions::services::{LogLevel, RunLog, left_out};
use halle_store::{StoreResult, UnitOfWork};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::Processings;
use crate::model::{RUN_LOG_RECORDS_MAX, Run};

/// Records waiting to be written; a plugin that logs faster loses records, and the log says so.
const BACKLOG_RECORDS_MAX: usize = 1_024;

/// Bytes of the records waiting to be written, the same.
const BACKLOG_BYTES_MAX: usize = 1 << 20;

/// Records are written together, at most this long after the first.
const WRITE_EVERY: Duration = Duration::from_millis(150);

/// Bytes written together, unless one record has more: those who read use the same database, and do not wait for a flood.
const PORTION_BYTES_MAX: usize = 64 << 10;

/// A record waits for the database with its instant and its size in bytes.
type Waiting = (Timestamp, Value, usize);

/// The side that plugins and the host write to.
pub(super) struct LogWriter {
    records: mpsc::Sender<Waiting>,
    backlog: Arc<Backlog>,
    processings: Processings,
}

/// What waits to be written.
#[derive(Debug, Default)]
struct Backlog {
    bytes: AtomicUsize,
    /// Whether records were lost since the log last said so.
    lost: AtomicBool,
    /// Records that the sandbox left out; told at the end, when nothing can push it out any more.
    left_out: AtomicU64,
}

impl Backlog {
    /// Whether a record of that many bytes may wait too; it is lost otherwise.
    fn takes(&self, bytes: usize) -> bool {
        let waiting = self.bytes.fetch_add(bytes, Ordering::Relaxed);
        let takes = waiting + bytes <= BACKLOG_BYTES_MAX;
        if !takes {
            self.loses(bytes);
        }
        takes
    }

    /// A record that was taken is lost all the same.
    fn loses(&self, bytes: usize) {
        self.wrote(bytes);
        self.lost.store(true, Ordering::Relaxed);
    }

    /// That many bytes wait no longer.
    fn wrote(&self, bytes: usize) {
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
    }
}

impl LogWriter {
    /// A writer, and the task that stores what it is given; the task ends after the writer is dropped.
    pub(super) fn start(processings: &Processings, run: &Run) -> (Arc<Self>, tokio::task::JoinHandle<()>) {
        let (records, inbox) = mpsc::channel(BACKLOG_RECORDS_MAX);
        let backlog = Arc::new(Backlog::default());
        let task = tokio::spawn(store_all(processings.clone(), run.clone(), inbox, Arc::clone(&backlog)));
        (Arc::new(Self { records, backlog, processings: processings.clone() }), task)
    }

    fn push(&self, mut record: Value) {
        let now = self.processings.clock.now();
        record["date"] = json!(now);
        // Progress takes no room: what waits of it is merged.
        let bytes = if is_progress(&record) { 0 } else { record.to_string().len() };
        if self.backlog.takes(bytes) && self.records.try_send((now, record, bytes)).is_err() {
            self.backlog.loses(bytes);
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

    fn left_out(&self, records: u64) {
        self.backlog.left_out.fetch_add(records, Ordering::Relaxed);
    }
}

async fn store_all(
    processings: Processings,
    run: Run,
    mut inbox: mpsc::Receiver<Waiting>,
    backlog: Arc<Backlog>,
) {
    let mut next = None;
    loop {
        let Some(first) = (match next.take() {
            Some(record) => Some(record),
            None => inbox.recv().await,
        }) else {
            break;
        };
        if !inbox.is_closed() {
            tokio::time::sleep(WRITE_EVERY).await;
        }
        let (records, after) = portion(first, &mut inbox);
        next = after;
        backlog.wrote(records.iter().map(|(_, _, bytes)| bytes).sum());
        let mut records: Vec<_> = records.into_iter().map(|(at, record, _)| (at, record)).collect();
        if backlog.lost.swap(false, Ordering::Relaxed) {
            let text = "Des messages ont été perdus : le plugin écrit trop vite. Messages were lost.";
            records.push(warning(&processings, text));
        }
        append(&processings, &run, &records).await;
    }
    match backlog.left_out.load(Ordering::Relaxed) {
        0 => {}
        records => append(&processings, &run, &[warning(&processings, &left_out(records))]).await,
    }
}

/// A record of the host's own.
fn warning(processings: &Processings, text: &str) -> (Timestamp, Value) {
    let now = processings.clock.now();
    (now, json!({ "type": "warning", "msg": text, "date": now }))
}

/// What is written together with `first`, and the record after it where that is known. Of several progress records in a row
/// only the last one says something.
fn portion(first: Waiting, inbox: &mut mpsc::Receiver<Waiting>) -> (Vec<Waiting>, Option<Waiting>) {
    let mut bytes = first.2;
    let mut records = vec![first];
    while let Ok(more) = inbox.try_recv() {
        bytes += more.2;
        match records.last_mut() {
            Some(last) if is_progress(&last.1) && is_progress(&more.1) => *last = more,
            _ if bytes > PORTION_BYTES_MAX => return (records, Some(more)),
            _ => records.push(more),
        }
    }
    (records, None)
}

fn is_progress(record: &Value) -> bool {
    record["type"] == "progress"
}

/// Stores records and tells who listens.
async fn append(processings: &Processings, run: &Run, records: &[(Timestamp, Value)]) {
    let stored = async {
        let mut work = processings.store.begin().await?;
        write(&mut *work, run, records).await?;
        work.commit().await
    };
    match stored.await {
        Ok(()) => tell(processings, run, records),
        Err(error) => tracing::error!(run = %run.id, %error, "the log of a run could not be written"),
    }
}

/// Writes records within a unit of work: what a run became and why are read together.
pub(super) async fn write(
    work: &mut dyn UnitOfWork,
    run: &Run,
    records: &[(Timestamp, Value)],
) -> StoreResult<()> {
    let records: Vec<_> = records.iter().map(|(at, record)| (*at, record)).collect();
    work.logs().append_all(&run.log_stream(), &records, RUN_LOG_RECORDS_MAX).await?;
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
    fn a_flood_is_written_in_portions_and_in_its_order() {
        let waiting = |number: usize, bytes: usize| (Timestamp::UNIX_EPOCH, json!(number), bytes);
        let (sender, mut inbox) = mpsc::channel(8);
        for (number, kib) in [(1, 30), (2, 40), (3, 100), (4, 1)] {
            sender.try_send(waiting(number, kib << 10)).unwrap();
        }
        let mut next = Some(waiting(0, 10 << 10));
        let mut portions = Vec::new();
        while let Some(first) = next {
            let (records, after) = portion(first, &mut inbox);
            portions.push(records.iter().map(|(_, record, _)| record.clone()).collect::<Vec<_>>());
            next = after;
        }
        assert_eq!(portions, [vec![json!(0), json!(1)], vec![json!(2)], vec![json!(3)], vec![json!(4)]]);
    }

    #[test]
    fn records_are_lost_while_too_many_bytes_wait_and_only_then() {
        let backlog = Backlog::default();
        assert!(backlog.takes(BACKLOG_BYTES_MAX - 10));
        assert!(backlog.takes(10));
        assert!(!backlog.lost.load(Ordering::Relaxed));
        assert!(!backlog.takes(1));
        assert!(backlog.lost.load(Ordering::Relaxed), "the log says so");
        backlog.wrote(10);
        assert!(backlog.takes(10));
        assert!(!backlog.takes(1));
    }

    #[test]
    fn only_the_last_of_several_progress_records_is_kept() {
        let (sender, mut inbox) = mpsc::channel(8);
        let progress =
            |done: u64| (Timestamp::UNIX_EPOCH, json!({ "type": "progress", "progress": done }), 0);
        let info = (Timestamp::UNIX_EPOCH, json!({ "type": "info", "msg": "page" }), 30);
        for record in [progress(2), info.clone(), progress(3)] {
            sender.try_send(record).unwrap();
        }
        let (merged, after) = portion(progress(1), &mut inbox);
        assert_eq!(merged, [progress(2), info, progress(3)]);
        assert_eq!(after, None);
    }
}
