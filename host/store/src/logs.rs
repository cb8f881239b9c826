//! Logs: append-only streams of JSON records. Journals of datasets and logs of runs.

use async_trait::async_trait;
use halle_base::Timestamp;
use serde_json::Value;

use crate::StoreResult;

/// Records kept per stream; older ones are removed as new ones come.
pub const RECORDS_PER_STREAM_MAX: u32 = 10_000;

/// One record of a stream.
#[derive(Debug, Clone, PartialEq)]
pub struct LogRecord {
    /// Number within the stream, from 1, without gaps at the end.
    pub seq: i64,
    /// When it was appended.
    pub at: Timestamp,
    /// The record.
    pub body: Value,
}

/// Streams of records. A stream is named `kind/id`, such as `journal/{dataset}` or `run/{run}`.
#[async_trait]
pub trait LogRepository: Send {
    /// Appends a record and returns its number. Keeps at most `keep_max` records of the stream.
    async fn append(&mut self, stream: &str, at: Timestamp, body: &Value, keep_max: u32) -> StoreResult<i64> {
        self.append_all(stream, &[(at, body)], keep_max).await
    }

    /// Appends records in their order and returns the number of the last; 0 where there is none. Keeps at most `keep_max`
    /// records of the stream.
    async fn append_all(
        &mut self,
        stream: &str,
        records: &[(Timestamp, &Value)],
        keep_max: u32,
    ) -> StoreResult<i64>;

    /// Records after number `after`, oldest first, at most `limit`.
    async fn after(&mut self, stream: &str, after: i64, limit: u32) -> StoreResult<Vec<LogRecord>>;

    /// The last records, newest first, at most `limit`.
    async fn latest(&mut self, stream: &str, limit: u32) -> StoreResult<Vec<LogRecord>>;

    /// Removes the stream.
    async fn clear(&mut self, stream: &str) -> StoreResult<()>;
}
