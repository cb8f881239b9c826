//! Requests at the pace that servers bear. The host waits, since guests have no clock.
//!
//! A server that wants a request later (429, 502, 503, 504), or that cannot be reached, holds back what the same instance
//! asks of its origin next: for the time of `Retry-After`, or else for one that doubles with each failure in a row. A
//! request that may be made twice is then made again in the guest's place; the guest sees the last answer only.
//!
//! Waiting is part of the call: it ends with a cancellation, and counts against the call's time.

mod state;

#[cfg(test)]
mod tests;

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use halle_extensions::Problem;
use halle_extensions::metering::Subject;
use halle_extensions::services::{HttpRequest, HttpResponse};
use tokio::time::Instant;
use url::Url;

use super::blobs::BlobHandle;
pub use state::{Origin, Paces};
use state::{heard_answer, heard_problem};

/// An answer, as far as its pace is concerned.
pub trait Answered {
    /// Status, and headers with names in lower case.
    fn head(&self) -> (u16, &[(String, String)]);
}

impl Answered for HttpResponse {
    fn head(&self) -> (u16, &[(String, String)]) {
        (self.status, &self.headers)
    }
}

impl Answered for (u16, Vec<(String, String)>, BlobHandle) {
    fn head(&self) -> (u16, &[(String, String)]) {
        (self.0, &self.1)
    }
}

/// One request of a guest, made as often as it takes.
pub struct Paced {
    paces: Arc<Paces>,
    origin: Origin,
    /// Whether it may be made twice.
    is_idempotent: bool,
    /// When the call ends.
    deadline: Instant,
    tries: AtomicU64,
}

impl Paced {
    /// A request of an instance, whose call ends in `left`.
    pub fn new(paces: Arc<Paces>, subject: &Arc<Subject>, request: &HttpRequest, left: Duration) -> Self {
        let origin = Url::parse(&request.url).map(|url| url.origin().ascii_serialization());
        Self {
            paces,
            origin: Origin { subject: Arc::clone(subject), origin: origin.unwrap_or_default() },
            // RFC 9110, 9.2.2: made twice, these do what they do once.
            is_idempotent: matches!(&*request.method, "GET" | "HEAD" | "OPTIONS" | "PUT" | "DELETE"),
            deadline: Instant::now() + left,
            tries: AtomicU64::new(0),
        }
    }

    /// How often it was made.
    pub fn tries(&self) -> u64 {
        self.tries.load(Ordering::Relaxed)
    }

    /// Makes it when its origin bears it, and again while that may help and fits into the call. Each time it has its whole
    /// `timeout_ms`, if the call has.
    pub async fn exchange<T: Answered, F: Future<Output = Result<T, Problem>>>(
        &self,
        request: HttpRequest,
        make: impl Fn(HttpRequest) -> F,
    ) -> Result<T, Problem> {
        loop {
            // Meanwhile, another call of the instance may have been told to wait longer.
            while let Some(wait) = self.paces.wait(&self.origin, Instant::now()) {
                tokio::time::sleep(wait).await;
            }
            self.tries.fetch_add(1, Ordering::Relaxed);
            let outcome = make(self.in_time(&request)).await;
            let heard = match &outcome {
                Ok(answer) => heard_answer(answer.head()),
                Err(problem) => heard_problem(problem),
            };
            let now = Instant::now();
            let again = self.paces.note(&self.origin, &heard, now);
            let is_in_time = |wait: Duration| now + wait < self.deadline;
            if !(self.is_idempotent && again.is_some_and(is_in_time)) {
                return outcome;
            }
        }
    }

    fn in_time(&self, request: &HttpRequest) -> HttpRequest {
        let left = self.deadline.saturating_duration_since(Instant::now()).as_millis();
        let left = u32::try_from(left).unwrap_or(u32::MAX).max(1);
        let timeout_ms = request.timeout_ms.map(|ms| ms.min(left));
        HttpRequest { timeout_ms, ..request.clone() }
    }
}
