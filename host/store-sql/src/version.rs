//! Whether anything was committed since: what lets readers keep what they read.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use halle_store::{FOREIGN_COMMITS_MILLIS_MAX, StoreResult};
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::dialect::Engine;

/// Counts the commits of this process, and notices those of others now and then.
#[derive(Debug, Default)]
pub(crate) struct Versions {
    commits: AtomicU64,
    others: Mutex<Others>,
}

/// What SQLite last said of commits by other connections.
#[derive(Debug, Default)]
struct Others {
    asked: Option<Instant>,
    data_version: i64,
}

/// A commit under way; counted when it is dropped, so that a failed or abandoned one counts too.
pub(crate) struct Committing<'a>(&'a AtomicU64);

impl Drop for Committing<'_> {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Versions {
    /// Says that a commit begins.
    pub(crate) fn committing(&self) -> Committing<'_> {
        Committing(&self.commits)
    }

    /// See [`halle_store::Store::version`]. PostgreSQL serves several processes, which would have to be asked each time.
    pub(crate) async fn current(&self, engine: &Engine) -> StoreResult<Option<u64>> {
        if !engine.tells_changes() {
            return Ok(None);
        }
        let mut others = self.others.lock().await;
        let fresh = Duration::from_millis(FOREIGN_COMMITS_MILLIS_MAX);
        if others.asked.is_none_or(|asked| asked.elapsed() >= fresh) {
            let asked = Instant::now();
            let data_version = engine.data_version().await?;
            if data_version != others.data_version {
                self.commits.fetch_add(1, Ordering::SeqCst);
            }
            *others = Others { asked: Some(asked), data_version };
        }
        drop(others);
        Ok(Some(self.commits.load(Ordering::SeqCst)))
    }
}
