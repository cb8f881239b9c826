//! Sending the requests of an adapter, at the pace that a service bears.

use std::time::Duration;

use futures::{StreamExt, TryStreamExt, stream};
use halle_datasets::enrich::EnrichError;
use halle_extensions::Problem;
use halle_extensions::host::RemoteCall;
use halle_extensions::services::{Egress, EgressPolicy, HttpRequest, HttpResponse};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Requests to one service at a time, per dataset.
const REQUESTS_AT_ONCE: usize = 4;

/// Time for one request, in milliseconds (Data Fair: 10 s).
const REQUEST_MS_MAX: u32 = 10_000;

/// Times that a request is made which the service wants later (429, 503).
const TRIES_MAX: u32 = 6;

/// Seconds to wait before the second time, when the service does not say; twice as many before each time after.
const WAIT_SECONDS: u64 = 1;

/// Seconds to wait at most. A service that wants more has the whole job tried again later.
const WAIT_SECONDS_MAX: u64 = 60;

/// How a service is reached.
pub(crate) struct Reachable {
    /// Where requests may go.
    pub policy: EgressPolicy,
    /// Header and value that authorise them.
    pub key: Option<(String, halle_base::Secret<String>)>,
}

/// A request, and what came of it.
pub(crate) type Sent = (RemoteCall, Result<HttpResponse, Problem>);

impl Reachable {
    /// Sends every request, a few at a time, and keeps their order. A service that refuses some rows does not stop the
    /// others; one that cannot be reached at all stops the job, which is tried again later. One that wants a request later
    /// is waited for if that is before `until`.
    pub async fn send_all(
        &self,
        egress: &dyn Egress,
        cancel: &CancellationToken,
        calls: Vec<RemoteCall>,
        until: Instant,
    ) -> Result<Vec<Sent>, EnrichError> {
        stream::iter(calls)
            .map(|remote| async move {
                let outcome = self.send(egress, cancel, &remote.request, until).await?;
                Ok((remote, outcome))
            })
            .buffered(REQUESTS_AT_ONCE)
            .try_collect()
            .await
    }

    async fn send(
        &self,
        egress: &dyn Egress,
        cancel: &CancellationToken,
        request: &HttpRequest,
        until: Instant,
    ) -> Result<Result<HttpResponse, Problem>, EnrichError> {
        let mut request = request.clone();
        request.timeout_ms = Some(request.timeout_ms.unwrap_or(REQUEST_MS_MAX).min(REQUEST_MS_MAX));
        if let Some((header, key)) = &self.key {
            request.headers.retain(|(name, _)| !name.eq_ignore_ascii_case(header));
            request.headers.push((header.clone(), key.reveal().clone()));
        }
        let mut tries = 1;
        loop {
            if cancel.is_cancelled() {
                return Err(EnrichError::Cancelled);
            }
            let response = match egress.send(&self.policy, request.clone()).await {
                Ok(response) => response,
                Err(problem) if problem.code.starts_with("denied/") => {
                    return Err(EnrichError::Invalid(problem.message));
                }
                Err(problem) => return Err(EnrichError::Temporary(problem.message)),
            };
            let status = response.status;
            match status {
                200..300 => return Ok(Ok(response)),
                429 | 503 if tries < TRIES_MAX => {
                    if let Some(wait) = wait(&response, tries).filter(|wait| Instant::now() + *wait <= until)
                    {
                        tries += 1;
                        tokio::select! {
                            () = tokio::time::sleep(wait) => continue,
                            () = cancel.cancelled() => return Err(EnrichError::Cancelled),
                        }
                    }
                }
                429 | 500.. => {}
                _ => {
                    let message = format!("le service distant a refusé la demande (statut {status})");
                    return Ok(Err(Problem::new("remote/status", message)));
                }
            }
            let message = format!("Le service distant a répondu par le statut {status}.");
            return Err(EnrichError::Temporary(message));
        }
    }
}

/// Time until the service wants a request again, after so many tries; `None` when that is too long.
fn wait(response: &HttpResponse, tries: u32) -> Option<Duration> {
    let header = response.headers.iter().find(|(name, _)| name == "retry-after");
    let told = header.and_then(|(_, value)| value.trim().parse::<u64>().ok());
    let seconds = told.unwrap_or(WAIT_SECONDS << (tries - 1));
    (seconds <= WAIT_SECONDS_MAX).then(|| Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use async_trait::async_trait;
    use bytes::Bytes;
    use futures::stream::BoxStream;
    use halle_extensions::services::HttpStream;

    use super::*;

    /// A service that always wants a request later.
    #[derive(Default)]
    struct Busy(AtomicU32);

    #[async_trait]
    impl Egress for Busy {
        async fn send(&self, _: &EgressPolicy, _: HttpRequest) -> Result<HttpResponse, Problem> {
            self.0.fetch_add(1, Ordering::Relaxed);
            let headers = vec![("retry-after".to_owned(), "0".to_owned())];
            Ok(HttpResponse { status: 503, headers, body: Vec::new().into(), truncated: false })
        }

        async fn stream(&self, _: &EgressPolicy, _: HttpRequest) -> Result<HttpStream, Problem> {
            Err(Problem::new("test/unused", "no test asks for a stream"))
        }

        async fn upload(
            &self,
            _: &EgressPolicy,
            _: HttpRequest,
            _: u64,
            _: BoxStream<'static, std::io::Result<Bytes>>,
        ) -> Result<HttpResponse, Problem> {
            Err(Problem::new("test/unused", "no test uploads"))
        }
    }

    #[tokio::test]
    async fn who_has_no_patience_does_not_ask_again() {
        let policy = EgressPolicy {
            origins: Vec::new(),
            methods: Vec::new(),
            requester: None,
            requests_per_minute_max: 1,
            response_bytes_max: 1,
        };
        let service = Reachable { policy, key: None };
        let request = HttpRequest {
            method: "GET".to_owned(),
            url: "https://service.test/".to_owned(),
            headers: Vec::new(),
            body: None,
            timeout_ms: None,
            max_bytes: None,
        };
        let calls = || vec![RemoteCall { rows: vec![0], request: request.clone(), auth: None }];
        for (patience, expect) in [(Duration::ZERO, 1), (Duration::from_secs(60), TRIES_MAX)] {
            let busy = Busy::default();
            let until = Instant::now() + patience;
            let sent = service.send_all(&busy, &CancellationToken::new(), calls(), until).await;
            assert!(matches!(sent, Err(EnrichError::Temporary(_))));
            assert_eq!(busy.0.load(Ordering::Relaxed), expect, "{patience:?}");
        }
    }

    #[test]
    fn a_service_says_when_it_wants_a_request_again() {
        let answer = |value: Option<&str>| HttpResponse {
            status: 429,
            headers: value.map(|value| ("retry-after".to_owned(), value.to_owned())).into_iter().collect(),
            body: Vec::new().into(),
            truncated: false,
        };
        let seconds = |value, tries| wait(&answer(value), tries).map(|wait| wait.as_secs());
        assert_eq!(seconds(Some("2"), 1), Some(2));
        assert_eq!(seconds(Some("3600"), 1), None, "an hour is too long to hold a job");
        assert_eq!([1, 2, 3, 5].map(|tries| seconds(None, tries)), [Some(1), Some(2), Some(4), Some(16)]);
        assert_eq!(seconds(Some("Wed, 21 Oct 2026 07:28:00 GMT"), 2), Some(2), "dates are not read");
    }
}
