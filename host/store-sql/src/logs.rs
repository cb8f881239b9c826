//! Logs on SQL.

use async_trait::async_trait;
use halle_base::Timestamp;
use halle_store::logs::RECORDS_PER_STREAM_MAX;
use halle_store::{LogRecord, LogRepository, StoreError, StoreResult};
use serde_json::Value;

use crate::dialect::{Arg, Row};
use crate::documents::instant;
use crate::shape;
use crate::work::SqlWork;

/// Records written by one statement.
const RECORDS_PER_STATEMENT_MAX: usize = 128;

#[async_trait]
impl LogRepository for SqlWork {
    async fn append_all(
        &mut self,
        stream: &str,
        records: &[(Timestamp, &Value)],
        keep_max: u32,
    ) -> StoreResult<i64> {
        let Ok(count @ 1..) = i64::try_from(records.len()) else { return Ok(0) };
        // The head's row stays locked until the commit, so numbers become visible in their order.
        let sql = "INSERT INTO log_head (stream, last_seq) VALUES ($1, $2) \
            ON CONFLICT (stream) DO UPDATE SET last_seq = log_head.last_seq + excluded.last_seq RETURNING last_seq";
        let head = self.connection.row(sql, &[stream.into(), count.into()]).await?;
        let last: i64 = head.ok_or_else(|| StoreError::engine("an upsert returned no row"))?.get(0)?;
        let mut seq = last - count;
        for chunk in records.chunks(RECORDS_PER_STATEMENT_MAX) {
            let mut args: Vec<Arg<'_>> = Vec::with_capacity(chunk.len() * 4);
            for (at, body) in chunk {
                seq += 1;
                let body = serde_json::to_string(body).map_err(StoreError::engine)?;
                args.extend([stream.into(), seq.into(), at.as_microsecond().into(), body.into()]);
            }
            self.connection.execute(shape::add_log_records(chunk.len()), &args).await?;
        }
        let keep = i64::from(keep_max.clamp(1, RECORDS_PER_STREAM_MAX));
        if last > keep {
            let sql = "DELETE FROM log_record WHERE stream = $1 AND seq <= $2";
            self.connection.execute(sql, &[stream.into(), (last - keep).into()]).await?;
        }
        Ok(last)
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
