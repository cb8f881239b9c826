//! The unit of work: one transaction, seen as its repositories.

use std::sync::Arc;

use async_trait::async_trait;
use halle_base::Clock;
use halle_store::{
    DocumentRepository, JobRepository, LineRepository, LogRepository, RevisionRepository, StoreResult,
    UnitOfWork, UsageRepository,
};
use tokio::sync::Notify;

use crate::dialect::Connection;
use crate::version::Versions;

/// One transaction. Each repository is implemented in the file of its name.
pub(crate) struct SqlWork {
    pub(crate) connection: Connection,
    pub(crate) clock: Arc<dyn Clock>,
    /// Whether a commit may make a job ready, or ask one to stop.
    pub(crate) touches_jobs: bool,
    jobs_changed: Arc<Notify>,
    /// Told of the commit; absent when nothing can be written.
    versions: Option<Arc<Versions>>,
}

impl SqlWork {
    pub(crate) fn new(
        connection: Connection,
        clock: Arc<dyn Clock>,
        jobs_changed: Arc<Notify>,
        versions: Option<Arc<Versions>>,
    ) -> Self {
        Self { connection, clock, touches_jobs: false, jobs_changed, versions }
    }
}

#[async_trait]
impl UnitOfWork for SqlWork {
    fn documents(&mut self) -> &mut dyn DocumentRepository {
        self
    }

    fn logs(&mut self) -> &mut dyn LogRepository {
        self
    }

    fn lines(&mut self) -> &mut dyn LineRepository {
        self
    }

    fn revisions(&mut self) -> &mut dyn RevisionRepository {
        self
    }

    fn usage(&mut self) -> &mut dyn UsageRepository {
        self
    }

    fn jobs(&mut self) -> &mut dyn JobRepository {
        self
    }

    async fn commit(self: Box<Self>) -> StoreResult<()> {
        // Dropped at the end whatever happens: a commit that failed half-way may still have been made.
        let _committing = self.versions.as_deref().map(Versions::committing);
        self.connection.commit().await?;
        if self.touches_jobs {
            self.jobs_changed.notify_waiters();
        }
        Ok(())
    }
}
