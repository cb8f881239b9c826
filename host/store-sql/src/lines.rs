//! Lines of editable datasets on SQL.

use std::collections::BTreeMap;

use async_trait::async_trait;
use halle_store::{LineRecord, LineRepository, StoreError, StoreResult};

use crate::dialect::{Arg, Row};
use crate::shape;
use crate::work::SqlWork;

/// Lines written by one statement. SQLite looks up the name of each parameter among all: more of them cost more than fewer
/// statements save.
const LINES_PER_STATEMENT_MAX: usize = 48;

#[async_trait]
impl LineRepository for SqlWork {
    async fn get(&mut self, dataset: &str, id: &str) -> StoreResult<Option<LineRecord>> {
        let sql = "SELECT id, i, body, deleted FROM line WHERE dataset = $1 AND id = $2 AND deleted = 0";
        let row = self.connection.row(sql, &[dataset.into(), id.into()]).await?;
        row.map(|row| record(dataset, &row)).transpose()
    }

    async fn get_all(&mut self, dataset: &str, ids: &[&str]) -> StoreResult<Vec<LineRecord>> {
        let mut found = Vec::new();
        for chunk in ids.chunks(LINES_PER_STATEMENT_MAX) {
            let args = std::iter::once(dataset).chain(chunk.iter().copied());
            let args: Vec<Arg<'_>> = args.map(Arg::from).collect();
            for row in self.connection.rows(shape::get_lines(chunk.len()), &args).await? {
                found.push(record(dataset, &row)?);
            }
        }
        Ok(found)
    }

    async fn put(&mut self, dataset: &str, lines: &[LineRecord]) -> StoreResult<i64> {
        let (first, last) = self.take_numbers(dataset, lines.len()).await?;
        // One statement may not write a line twice, and only its last state matters.
        let numbered = (first..).zip(lines).map(|(i, line)| (line.id.as_str(), (i, line)));
        let last_states: BTreeMap<_, _> = numbered.collect();
        let last_states: Vec<_> = last_states.into_values().collect();
        for chunk in last_states.chunks(LINES_PER_STATEMENT_MAX) {
            let mut args: Vec<Arg<'_>> = Vec::with_capacity(chunk.len() * 4 + 1);
            args.push(dataset.into());
            for (i, line) in chunk {
                let body = serde_json::to_string(&line.body).map_err(StoreError::engine)?;
                args.extend([line.id.as_str().into(), (*i).into(), body.into(), line.deleted.into()]);
            }
            self.connection.execute(shape::put_lines(chunk.len()), &args).await?;
        }
        Ok(last)
    }

    async fn amend(&mut self, dataset: &str, lines: &[LineRecord]) -> StoreResult<u64> {
        let mut amended = 0;
        for chunk in lines.chunks(LINES_PER_STATEMENT_MAX) {
            let mut args: Vec<Arg<'_>> = vec![dataset.into()];
            for line in chunk {
                let body = serde_json::to_string(&line.body).map_err(StoreError::engine)?;
                args.extend([line.id.as_str().into(), line.i.into(), body.into()]);
            }
            amended += self.connection.execute(shape::amend_lines(chunk.len()), &args).await?;
        }
        Ok(amended)
    }

    async fn after(&mut self, dataset: &str, after: i64, limit: u32) -> StoreResult<Vec<LineRecord>> {
        let sql = "SELECT id, i, body, deleted FROM line WHERE dataset = $1 AND i > $2 ORDER BY i LIMIT $3";
        let args = [dataset.into(), after.into(), i64::from(limit).into()];
        self.connection.rows(sql, &args).await?.iter().map(|row| record(dataset, row)).collect()
    }

    async fn before(&mut self, dataset: &str, before: i64) -> StoreResult<i64> {
        let sql = "SELECT COALESCE(MAX(i), 0) FROM line WHERE dataset = $1 AND i < $2";
        let row = self.connection.row(sql, &[dataset.into(), before.into()]).await?;
        Ok(row.map(|row| row.get(0)).transpose()?.unwrap_or(0))
    }

    async fn count(&mut self, dataset: &str) -> StoreResult<u64> {
        // Both are counted in an index alone.
        let sql = "SELECT (SELECT COUNT(*) FROM line WHERE dataset = $1) \
            - (SELECT COUNT(*) FROM line WHERE dataset = $1 AND deleted = 1)";
        let row = self.connection.row(sql, &[dataset.into()]).await?;
        Ok(row.map(|row| row.get::<i64>(0)).transpose()?.unwrap_or(0).unsigned_abs())
    }

    async fn purge(&mut self, dataset: &str, up_to: i64) -> StoreResult<()> {
        let sql = "DELETE FROM line WHERE dataset = $1 AND deleted = 1 AND i <= $2";
        self.connection.execute(sql, &[dataset.into(), up_to.into()]).await.map(drop)
    }

    async fn clear(&mut self, dataset: &str) -> StoreResult<()> {
        // The head stays: whoever remembers how far it read must not miss what comes.
        self.connection.execute("DELETE FROM line WHERE dataset = $1", &[dataset.into()]).await.map(drop)
    }
}

impl SqlWork {
    /// Takes `count` numbers in a row, above all that the dataset ever had: milliseconds since 1970 times 1,000, or what
    /// follows the last. The first and the last. The head's row stays locked until the commit, so that numbers become
    /// visible in their order.
    async fn take_numbers(&mut self, dataset: &str, count: usize) -> StoreResult<(i64, i64)> {
        let count = i64::try_from(count).map_err(StoreError::engine)?;
        let now = self.clock.now().as_millisecond().saturating_mul(1_000);
        if count == 0 {
            let sql = "SELECT last_i FROM line_head WHERE dataset = $1";
            let row = self.connection.row(sql, &[dataset.into()]).await?;
            let last = row.map(|row| row.get(0)).transpose()?.unwrap_or(0);
            return Ok((last, last));
        }
        let sql = "INSERT INTO line_head (dataset, last_i) VALUES ($1, $2 + $3 - 1) \
            ON CONFLICT (dataset) DO UPDATE SET last_i = $3 + \
            CASE WHEN line_head.last_i >= $2 THEN line_head.last_i ELSE $2 - 1 END RETURNING last_i";
        let head = self.connection.row(sql, &[dataset.into(), now.into(), count.into()]).await?;
        let last: i64 = head.ok_or_else(|| StoreError::engine("an upsert returned no row"))?.get(0)?;
        Ok((last - count + 1, last))
    }
}

fn record(dataset: &str, row: &Row) -> StoreResult<LineRecord> {
    let id: String = row.get(0)?;
    let body = serde_json::from_str(&row.get::<String>(2)?).map_err(|source| StoreError::Unreadable {
        collection: format!("line of {dataset}"),
        id: id.clone(),
        source,
    })?;
    Ok(LineRecord { id, i: row.get(1)?, body, deleted: row.get::<i64>(3)? != 0 })
}
