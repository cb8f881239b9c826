//! `halle:host/http`.

use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt;
use halle_extensions::Problem;
use halle_extensions::services::{Egress, HttpRequest, HttpResponse};
use wasmtime::component::Resource;

use super::blobs::{BlobHandle, NewBlob};
use super::policy::{self, Authorised};
use crate::bindings::shared::halle::base::types as wit;
use crate::bindings::shared::halle::host::{http, messages};
use crate::guest::{Guest, problem};
use crate::redact::Redactor;

/// Bytes of an answer that `send` reads.
const SEND_BYTES_MAX: u64 = 16 << 20;
/// Bytes of an answer that `download` stores.
const DOWNLOAD_BYTES_MAX: u64 = 5 << 30;
/// Time of an exchange when the guest does not say.
const TIMEOUT_MS_DEFAULT: u32 = 60_000;
/// Headers of one request.
const HEADERS_MAX: usize = 64;

/// A request as the platform knows it; what names the secret goes apart.
pub fn request_from_wit(request: messages::Request) -> (HttpRequest, Option<String>) {
    let platform = HttpRequest {
        method: request.method.to_ascii_uppercase(),
        url: request.url,
        headers: request.headers,
        body: request.body.map(Bytes::from),
        timeout_ms: request.timeout_ms,
        max_bytes: request.max_bytes,
    };
    (platform, request.auth)
}

/// A request as guests know it.
pub fn request_to_wit(request: HttpRequest, auth: Option<String>) -> messages::Request {
    messages::Request {
        method: request.method,
        url: request.url,
        headers: request.headers,
        body: request.body.map(|body| body.to_vec()),
        auth,
        timeout_ms: request.timeout_ms,
        max_bytes: request.max_bytes,
    }
}

/// An answer as guests know it.
pub fn response_to_wit(response: HttpResponse) -> messages::Response {
    let HttpResponse { status, headers, body, truncated } = response;
    messages::Response { status, headers, body: body.to_vec(), truncated }
}

impl Guest {
    fn egress(&self) -> Result<Arc<dyn Egress>, wit::Problem> {
        self.call
            .services
            .egress
            .clone()
            .ok_or_else(|| problem("denied/http", "this plugin makes no requests"))
    }

    /// Checks a request and bounds its time and its answer.
    fn authorise(&mut self, request: messages::Request, bytes_max: u64) -> Result<Authorised, wit::Problem> {
        if request.headers.len() > HEADERS_MAX {
            return Err(problem("http/request", format!("more than {HEADERS_MAX} headers")));
        }
        let (mut request, auth) = request_from_wit(request);
        let left = self.limits.wall_ms_max.saturating_sub(self.meter.wall_ms());
        let left = u32::try_from(left).unwrap_or(u32::MAX).max(1);
        request.timeout_ms = Some(request.timeout_ms.unwrap_or(TIMEOUT_MS_DEFAULT).min(left));
        let bytes_max = request.max_bytes.unwrap_or(bytes_max).min(bytes_max);
        request.max_bytes = Some(bytes_max);
        let authorised = policy::authorise(&self.call, &self.grants, request, auth.as_deref(), bytes_max)
            .map_err(|refused| self.problem(refused))?;
        if let Some(placed) = &authorised.placed {
            self.redactor.learn(placed.reveal());
        }
        Ok(authorised)
    }
}

fn clean_headers(redactor: &Redactor, headers: Vec<(String, String)>) -> Vec<(String, String)> {
    headers.into_iter().map(|(name, value)| (name, redactor.text(&value))).collect()
}

fn clean(redactor: &Redactor, response: HttpResponse) -> messages::Response {
    let mut response = response_to_wit(response);
    response.headers = clean_headers(redactor, response.headers);
    response.body = redactor.bytes(response.body);
    response
}

impl http::Host for Guest {
    async fn send(
        &mut self,
        request: messages::Request,
    ) -> wasmtime::Result<Result<messages::Response, wit::Problem>> {
        self.enter()?;
        let (egress, authorised) = match self.prepare(request, SEND_BYTES_MAX) {
            Ok(ready) => ready,
            Err(refused) => return Ok(Err(refused)),
        };
        let sent = self.wait(egress.send(&authorised.policy, authorised.request)).await;
        Ok(sent.map(|response| clean(&self.redactor, response)))
    }

    async fn download(
        &mut self,
        request: messages::Request,
    ) -> wasmtime::Result<Result<http::Downloaded, wit::Problem>> {
        self.enter()?;
        let (egress, authorised) = match self.prepare(request, DOWNLOAD_BYTES_MAX) {
            Ok(ready) => ready,
            Err(refused) => return Ok(Err(refused)),
        };
        let bytes_max = authorised.policy.response_bytes_max;
        let left = self.blob_bytes_left();
        let work = async {
            let mut answer = egress.stream(&authorised.policy, authorised.request).await?;
            let mut blob = NewBlob::create(bytes_max.min(left)).await?;
            while let Some(chunk) = answer.body.next().await {
                blob.append(&chunk?).await.map_err(|problem| match problem.code.as_str() {
                    "limit/blob-bytes" if bytes_max <= left => {
                        Problem::new("http/too-large", format!("the answer has more than {bytes_max} bytes"))
                    }
                    _ => problem,
                })?;
            }
            let media_type = answer
                .headers
                .iter()
                .find(|(name, _)| name == "content-type")
                .map(|(_, value)| value.clone());
            Ok((answer.status, answer.headers, blob.finish(media_type).await?))
        };
        let (status, headers, blob) = match self.wait(work).await {
            Ok(done) => done,
            Err(refused) => return Ok(Err(refused)),
        };
        let body = self.keep_blob(blob)?;
        Ok(Ok(http::Downloaded { status, headers: clean_headers(&self.redactor, headers), body }))
    }

    async fn upload(
        &mut self,
        request: messages::Request,
        body: Resource<BlobHandle>,
    ) -> wasmtime::Result<Result<messages::Response, wit::Problem>> {
        self.enter()?;
        if request.body.is_some() {
            return Ok(Err(problem("http/request", "the body is the blob: leave `body` out")));
        }
        let blob = self.table.get(&body)?.clone();
        let (egress, authorised) = match self.prepare(request, SEND_BYTES_MAX) {
            Ok(ready) => ready,
            Err(refused) => return Ok(Err(refused)),
        };
        let work = async {
            let body = blob.stream().await?;
            egress.upload(&authorised.policy, authorised.request, blob.size(), body).await
        };
        let sent = self.wait(work).await;
        Ok(sent.map(|response| clean(&self.redactor, response)))
    }
}

impl Guest {
    fn prepare(
        &mut self,
        request: messages::Request,
        bytes_max: u64,
    ) -> Result<(Arc<dyn Egress>, Authorised), wit::Problem> {
        Ok((self.egress()?, self.authorise(request, bytes_max)?))
    }
}
