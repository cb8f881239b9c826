//! When a question must stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use halle_search::SearchError;
use halle_search::engine::SearchResult;

/// The instant after which a question is stopped, or the fact that nobody waits for it any more.
#[derive(Debug, Clone)]
pub(crate) struct Deadline {
    end: Option<Instant>,
    abandoned: Arc<AtomicBool>,
}

/// Marks the question as abandoned when dropped: held by the future that waits.
#[derive(Debug)]
pub(crate) struct Waiting(Arc<AtomicBool>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Deadline {
    /// A deadline `after` now (or none), and the handle of who waits.
    pub(crate) fn start(after: Option<Duration>) -> (Self, Waiting) {
        let abandoned = Arc::new(AtomicBool::new(false));
        let end = after.and_then(|after| Instant::now().checked_add(after));
        (Self { end, abandoned: Arc::clone(&abandoned) }, Waiting(abandoned))
    }

    /// Fails with [`SearchError::TooLong`] once the time is over. Cheap: call it every few thousand rows.
    pub(crate) fn check(&self) -> SearchResult<()> {
        let over = self.end.is_some_and(|end| Instant::now() > end);
        if over || self.abandoned.load(Ordering::Relaxed) { Err(SearchError::TooLong) } else { Ok(()) }
    }
}
