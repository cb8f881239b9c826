//! Revisions of lines on SQL.

use async_trait::async_trait;
use halle_base::Timestamp;
use halle_store::{RevisionRecord, RevisionRepository, RevisionsOf, StoreError, StoreResult};

use crate::dialect::{Arg, Row};
use crate::documents::instant;
use crate::shape;
use crate::work::SqlWork;

/// Revisions written by one statement.
const REVISIONS_PER_STATEMENT_MAX: usize = 128;

#[async_trait]
impl RevisionRepository for SqlWork {
    async fn add(&mut self, dataset: &str, revisions: &[RevisionRecord]) -> StoreResult<()> {
        for chunk in revisions.chunks(REVISIONS_PER_STATEMENT_MAX) {
            let mut args: Vec<Arg<'_>> = Vec::with_capacity(chunk.len() * 7);
            for revision in chunk {
                let body = serde_json::to_string(&revision.body).map_err(StoreError::engine)?;
                args.extend([
                    dataset.into(),
                    revision.i.into(),
                    revision.line.as_str().into(),
                    revision.action.as_str().into(),
                    revision.at.as_microsecond().into(),
                    revision.owner.as_deref().into(),
                    body.into(),
                ]);
            }
            self.connection.execute(shape::add_revisions(chunk.len()), &args).await?;
        }
        Ok(())
    }

    async fn latest(
        &mut self,
        dataset: &str,
        which: RevisionsOf<'_>,
        before: Option<i64>,
        limit: u32,
    ) -> StoreResult<Vec<RevisionRecord>> {
        let before = before.unwrap_or(i64::MAX);
        let mut args: Vec<Arg<'_>> = vec![dataset.into(), before.into(), i64::from(limit).into()];
        args.extend(which.line.into_iter().chain(which.owner).map(Arg::from));
        let sql = shape::latest_revisions(which.line.is_some(), which.owner.is_some());
        self.connection.rows(sql, &args).await?.iter().map(|row| record(dataset, row)).collect()
    }

    async fn count(&mut self, dataset: &str, which: RevisionsOf<'_>) -> StoreResult<u64> {
        let mut args: Vec<Arg<'_>> = vec![dataset.into()];
        args.extend(which.line.into_iter().chain(which.owner).map(Arg::from));
        let sql = shape::count_revisions(which.line.is_some(), which.owner.is_some());
        let row = self.connection.row(sql, &args).await?;
        Ok(row.map(|row| row.get::<i64>(0)).transpose()?.unwrap_or(0).unsigned_abs())
    }

    async fn expire(&mut self, dataset: &str, before: Timestamp) -> StoreResult<u64> {
        let sql = "DELETE FROM line_revision WHERE dataset = $1 AND at_us < $2";
        self.connection.execute(sql, &[dataset.into(), before.as_microsecond().into()]).await
    }

    async fn clear(&mut self, dataset: &str) -> StoreResult<()> {
        let sql = "DELETE FROM line_revision WHERE dataset = $1";
        self.connection.execute(sql, &[dataset.into()]).await.map(drop)
    }
}

fn record(dataset: &str, row: &Row) -> StoreResult<RevisionRecord> {
    let line: String = row.get(0)?;
    let body = serde_json::from_str(&row.get::<String>(5)?).map_err(|source| StoreError::Unreadable {
        collection: format!("revision of {dataset}"),
        id: line.clone(),
        source,
    })?;
    Ok(RevisionRecord {
        line,
        i: row.get(1)?,
        action: row.get(2)?,
        at: instant(row.get(3)?)?,
        owner: row.get(4)?,
        body,
    })
}
