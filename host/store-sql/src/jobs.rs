//! The queue on SQL.

use async_trait::async_trait;
use halle_base::Timestamp;
use halle_store::jobs::PAYLOAD_BYTES_MAX;
use halle_store::{Job, JobRepository, JobState, NewJob, StoreError, StoreResult};
use jiff::SignedDuration;

use crate::dialect::{Arg, Row};
use crate::documents::instant;
use crate::shape::{self, job_columns};
use crate::work::SqlWork;

#[async_trait]
impl JobRepository for SqlWork {
    async fn enqueue(&mut self, job: &NewJob) -> StoreResult<i64> {
        let payload = serde_json::to_string(&job.payload).map_err(StoreError::engine)?;
        if payload.len() > PAYLOAD_BYTES_MAX {
            return Err(StoreError::engine(format!(
                "the payload of job {} for {} has {} bytes, more than {PAYLOAD_BYTES_MAX}: give it identifiers only",
                job.kind,
                job.key,
                payload.len()
            )));
        }
        self.touches_jobs = true;
        let (kind, key, run_at) = (job.kind, job.key.as_str(), job.run_at.as_microsecond());
        let waits_for = job.waits_for.as_deref();
        let sql = "DELETE FROM job WHERE kind = $1 AND job_key = $2 AND state = 'failed'";
        self.connection.execute(sql, &[kind.into(), key.into()]).await?;
        if job.deduplicate {
            // Written rather than read, so that no worker leases it before this commits: it may not have seen the change.
            let sql = "UPDATE job SET run_at_us = CASE WHEN run_at_us > $3 THEN $3 ELSE run_at_us END, \
                waits_for = COALESCE($4, waits_for) WHERE state = 'ready' AND id = (SELECT MIN(id) FROM job \
                WHERE kind = $1 AND job_key = $2 AND state = 'ready') RETURNING id";
            let args = [kind.into(), key.into(), run_at.into(), waits_for.into()];
            if let Some(row) = self.connection.row(sql, &args).await? {
                return row.get(0);
            }
        }
        let sql = "INSERT INTO job (kind, job_key, payload, state, attempts, run_at_us, cancel_requested, waits_for) \
            VALUES ($1, $2, $3, 'ready', 0, $4, 0, $5) RETURNING id";
        let args = [kind.into(), key.into(), payload.into(), run_at.into(), waits_for.into()];
        let row = self.connection.row(sql, &args).await?;
        row.ok_or_else(|| StoreError::engine("an insert returned no row"))?.get(0)
    }

    async fn lease(
        &mut self,
        worker: &str,
        kinds: &[&'static str],
        now: Timestamp,
        lease: SignedDuration,
    ) -> StoreResult<Option<Job>> {
        if kinds.is_empty() {
            return Ok(None);
        }
        // Two leases at once could each take a job of the same key.
        self.connection.lock_leases().await?;
        let until = now.saturating_add(lease).unwrap_or(Timestamp::MAX);
        let mut args: Vec<Arg<'_>> =
            vec![worker.into(), until.as_microsecond().into(), now.as_microsecond().into()];
        args.extend(kinds.iter().map(|kind| Arg::from(*kind)));
        let sql = shape::lease(kinds.len(), self.connection.skip_locked());
        self.connection.row(sql, &args).await?.map(|row| job(&row)).transpose()
    }

    async fn heartbeat(
        &mut self,
        id: i64,
        worker: &str,
        until: Timestamp,
        progress: Option<f64>,
    ) -> StoreResult<Option<bool>> {
        let sql = "UPDATE job SET lease_until_us = $3, progress = COALESCE($4, progress) \
            WHERE id = $1 AND worker = $2 AND state = 'running' RETURNING cancel_requested";
        let args = [id.into(), worker.into(), until.as_microsecond().into(), progress.into()];
        let row = self.connection.row(sql, &args).await?;
        row.map(|row| Ok(row.get::<i64>(0)? != 0)).transpose()
    }

    async fn complete(&mut self, id: i64, worker: &str) -> StoreResult<bool> {
        self.settle(
            "DELETE FROM job WHERE id = $1 AND worker = $2 AND state = 'running'",
            &[id.into(), worker.into()],
        )
        .await
    }

    async fn fail(
        &mut self,
        id: i64,
        worker: &str,
        error: &str,
        retry_at: Option<Timestamp>,
    ) -> StoreResult<bool> {
        let mut args: Vec<Arg<'_>> = vec![id.into(), worker.into(), error.into()];
        let sql = match retry_at {
            Some(at) => {
                args.push(at.as_microsecond().into());
                "UPDATE job SET state = 'ready', error = $3, run_at_us = $4, worker = NULL, lease_until_us = NULL, \
                 progress = NULL WHERE id = $1 AND worker = $2 AND state = 'running'"
            }
            None => {
                "UPDATE job SET state = 'failed', error = $3, worker = NULL, lease_until_us = NULL \
                 WHERE id = $1 AND worker = $2 AND state = 'running'"
            }
        };
        self.settle(sql, &args).await
    }

    async fn release(&mut self, id: i64, worker: &str, run_at: Timestamp) -> StoreResult<bool> {
        self.settle(
            "UPDATE job SET state = 'ready', run_at_us = $3, attempts = attempts - 1, worker = NULL, \
             lease_until_us = NULL, progress = NULL WHERE id = $1 AND worker = $2 AND state = 'running'",
            &[id.into(), worker.into(), run_at.as_microsecond().into()],
        )
        .await
    }

    async fn cancel(&mut self, key: &str) -> StoreResult<u64> {
        self.touches_jobs = true;
        // Marked first, which holds them all: none can be leased or given back between the two statements.
        let sql = "UPDATE job SET cancel_requested = 1 WHERE job_key = $1 AND state IN ('ready', 'running')";
        let concerned = self.connection.execute(sql, &[key.into()]).await?;
        let sql = "DELETE FROM job WHERE job_key = $1 AND state = 'ready'";
        self.connection.execute(sql, &[key.into()]).await?;
        Ok(concerned)
    }

    async fn wake(&mut self, waits_for: &str, at: Timestamp) -> StoreResult<u64> {
        self.touches_jobs = true;
        let sql = "UPDATE job SET run_at_us = $2, waits_for = NULL \
            WHERE waits_for = $1 AND state = 'ready' AND run_at_us > $2";
        self.connection.execute(sql, &[waits_for.into(), at.as_microsecond().into()]).await
    }

    async fn awaited(&mut self, after: &str, limit: u32) -> StoreResult<Vec<String>> {
        let sql = "SELECT DISTINCT waits_for FROM job WHERE state = 'ready' AND waits_for > $1 \
            ORDER BY waits_for LIMIT $2";
        let rows = self.connection.rows(sql, &[after.into(), i64::from(limit).into()]).await?;
        rows.iter().map(|row| row.get(0)).collect()
    }

    async fn with_key(&mut self, key: &str) -> StoreResult<Vec<Job>> {
        let sql = concat!("SELECT ", job_columns!(), " FROM job WHERE job_key = $1 ORDER BY id");
        self.connection.rows(sql, &[key.into()]).await?.iter().map(job).collect()
    }

    async fn of_kind(&mut self, kind: &'static str) -> StoreResult<Vec<Job>> {
        let sql = concat!("SELECT ", job_columns!(), " FROM job WHERE kind = $1 ORDER BY id");
        self.connection.rows(sql, &[kind.into()]).await?.iter().map(job).collect()
    }

    async fn next_due(&mut self, kinds: &[&'static str]) -> StoreResult<Option<Timestamp>> {
        if kinds.is_empty() {
            return Ok(None);
        }
        let args: Vec<Arg<'_>> = kinds.iter().map(|kind| Arg::from(*kind)).collect();
        let row = self.connection.row(shape::next_due(kinds.len()), &args).await?;
        let due: Option<i64> = row.map(|row| row.get(0)).transpose()?.flatten();
        due.map(instant).transpose()
    }
}

impl SqlWork {
    /// Runs a statement that ends a lease, and may so free a key. Whether the lease was there.
    async fn settle(&mut self, sql: &'static str, args: &[Arg<'_>]) -> StoreResult<bool> {
        self.touches_jobs = true;
        Ok(self.connection.execute(sql, args).await? > 0)
    }
}

fn job(row: &Row) -> StoreResult<Job> {
    let id = row.get(0)?;
    let payload = serde_json::from_str(&row.get::<String>(3)?).map_err(|source| StoreError::Unreadable {
        collection: "job".to_owned(),
        id: format!("{id}"),
        source,
    })?;
    let state = match row.get::<String>(4)?.as_str() {
        "ready" => JobState::Ready,
        "running" => JobState::Running,
        _ => JobState::Failed,
    };
    Ok(Job {
        id,
        kind: row.get(1)?,
        key: row.get(2)?,
        payload,
        state,
        attempts: i32::try_from(row.get::<i64>(5)?).map_err(StoreError::engine)?,
        run_at: instant(row.get(6)?)?,
        progress: row.get(7)?,
        cancel_requested: row.get::<i64>(8)? != 0,
        error: row.get(9)?,
        waits_for: row.get(10)?,
    })
}
