//! Logs on SQL.

use async_trait::async_trait;
use halle_base::Timestamp;
use halle_store::logs::RECORDS_PER_STREAM_MAX;
use halle_store::{LogRecord, LogRepository, StoreError, StoreResult};
use serde_json::Value;

use crate::dialect::Row;
use crate::documents::instant;
use crate::work::SqlWork;

#[async_trait]
impl LogRepository for SqlWork {
    async fn append(&mut self, stream: &str, at: Timestamp, body: &Value, keep_max: u32) -> StoreResult<i64> {
        // The head's row stays locked until the commit, so numbers become visible in their order.
        let sql = "INSERT INTO log_head (stream, last_seq) VALUES ($1, 1) \
            ON CONFLICT (stream) DO UPDATE SET last_seq = log_head.last_seq + 1 RETURNING last_seq";
        let head = self.connection.row(sql, &[stream.into()]).await?;
        let seq: i64 = head.ok_or_else(|| StoreError::engine("an upsert returned no row"))?.get(0)?;

        let body = serde_json::to_string(body).map_err(StoreError::engine)?;
        let sql = "INSERT INTO log_record (stream, seq, at_us, body) VALUES ($1, $2, $3, $4)";
        let args = [stream.into(), seq.into(), at.as_microsecond().into(), body.into()];
        self.connection.execute(sql, &args).await?;

        let keep = i64::from(keep_max.clamp(1, RECORDS_PER_STREAM_MAX));
        if seq > keep {
            let sql = "DELETE FROM log_record WHERE stream = $1 AND seq <= $2";
            self.connection.execute(sql, &[stream.into(), (seq - keep).into()]).await?;
        }
        Ok(seq)
    }

    async fn after(&mut self, stream: &str, after: i64, limit: u32) -> StoreResult<Vec<LogRecord>> {
        let sql =
            "SELECT seq, at_us, body FROM log_record WHERE stream = $1 AND seq > $2 ORDER BY seq LIMIT $3";
        let args = [stream.into(), after.into(), i64::from(limit).into()];
        self.connection.rows(sql, &args).await?.iter().map(|row| record(stream, row)).collect()
    }

    async fn latest(&mut self, stream: &str, limit: u32) -> StoreResult<Vec<LogRecord>> {
        let sql = "SELECT seq, at_us, body FROM log_record WHERE stream = $1 ORDER BY seq DESC LIMIT $2";
        let args = [stream.into(), i64::from(limit).into()];
        self.connection.rows(sql, &args).await?.iter().map(|row| record(stream, row)).collect()
    }

    async fn clear(&mut self, stream: &str) -> StoreResult<()> {
        self.connection.execute("DELETE FROM log_record WHERE stream = $1", &[stream.into()]).await?;
        self.connection.execute("DELETE FROM log_head WHERE stream = $1", &[stream.into()]).await?;
        Ok(())
    }
}

fn record(stream: &str, row: &Row) -> StoreResult<LogRecord> {
    let seq = row.get(0)?;
    let body = serde_json::from_str(&row.get::<String>(2)?).map_err(|source| StoreError::Unreadable {
        collection: format!("log {stream}"),
        id: format!("{seq}"),
        source,
    })?;
    Ok(LogRecord { seq, at: instant(row.get(1)?)?, body })
}
