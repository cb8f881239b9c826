//! The world beyond the way out.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use halle_extensions::Problem;
use halle_extensions::services::{Egress, EgressPolicy, HttpRequest, HttpResponse, HttpStream};

/// A server that answers `Bonjour` and what it was sent; 404 when it was sent `faux`. It remembers every request,
/// and the policy under which it came.
#[derive(Debug, Default)]
pub struct Outside(Mutex<Vec<(EgressPolicy, HttpRequest)>>);

impl Outside {
    /// Requests so far.
    pub fn requests(&self) -> Vec<HttpRequest> {
        self.exchanges().into_iter().map(|(_, request)| request).collect()
    }

    /// Policies of the requests so far.
    pub fn policies(&self) -> Vec<EgressPolicy> {
        self.exchanges().into_iter().map(|(policy, _)| policy).collect()
    }

    fn exchanges(&self) -> Vec<(EgressPolicy, HttpRequest)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn nothing_else<T>() -> Result<T, Problem> {
    Err(Problem::denied("http", "the outside of tests answers whole requests only"))
}

#[async_trait]
impl Egress for Outside {
    async fn send(&self, policy: &EgressPolicy, request: HttpRequest) -> Result<HttpResponse, Problem> {
        let sent = request.body.clone().unwrap_or_default();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((policy.clone(), request));
        let status = if &sent[..] == b"faux" { 404 } else { 200 };
        let body = Bytes::from(format!("Bonjour {}", String::from_utf8_lossy(&sent)));
        Ok(HttpResponse { status, headers: Vec::new(), body, truncated: false })
    }

    async fn stream(&self, _policy: &EgressPolicy, _request: HttpRequest) -> Result<HttpStream, Problem> {
        nothing_else()
    }

    async fn upload(
        &self,
        _policy: &EgressPolicy,
        _request: HttpRequest,
        _length: u64,
        _body: BoxStream<'static, std::io::Result<Bytes>>,
    ) -> Result<HttpResponse, Problem> {
        nothing_else()
    }
}
