//! `halle:host/http`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use halle_extensions::Problem;
use halle_extensions::services::{Egress, EgressPolicy, HttpRequest, HttpResponse};
use wasmtime::component::Resource;

use super::blobs::{BlobHandle, NewBlob};
use super::pace::Paced;
use super::policy::{self, Authorised};
use super::room::Room;
use crate::bindings::shared::halle::base::types as wit;
use crate::bindings::shared::halle::host::{http, messages};
use crate::guest::{Guest, problem};
use crate::redact::Redactor;
use crate::weigh::Weigh;

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

/// A request that may be made.
struct Ready {
    egress: Arc<dyn Egress>,
    policy: EgressPolicy,
    request: HttpRequest,
    paced: Paced,
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
        let left = u32::try_from(self.left_ms()).unwrap_or(u32::MAX).max(1);
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

/// Stores an answer: status, headers, body. `received` grows with each part of the body that comes.
async fn download(
    egress: &dyn Egress,
    policy: &EgressPolicy,
    request: HttpRequest,
    room: &Room,
    received: &AtomicU64,
) -> Result<(u16, Vec<(String, String)>, BlobHandle), Problem> {
    let bytes_max = policy.response_bytes_max;
    let mut answer = egress.stream(policy, request).await?;
    let mut blob = NewBlob::create(room).await?;
    while let Some(chunk) = answer.body.next().await {
        let chunk = chunk?;
        received.fetch_add(chunk.len() as u64, Ordering::Relaxed);
        if blob.size().saturating_add(chunk.len() as u64) > bytes_max {
            let message = format!("the answer has more than {bytes_max} bytes");
            return Err(Problem::new("http/too-large", message));
        }
        blob.append(&chunk).await?;
    }
    let media_type = answer.headers.iter().find(|(name, _)| name == "content-type");
    let media_type = media_type.map(|(_, value)| value.clone());
    Ok((answer.status, answer.headers, blob.finish(media_type).await?))
}

impl http::Host for Guest {
    async fn send(
        &mut self,
        request: messages::Request,
    ) -> wasmtime::Result<Result<messages::Response, wit::Problem>> {
        self.enter()?;
        let Ready { egress, policy, request, paced } = match self.prepare(request, SEND_BYTES_MAX) {
            Ok(ready) => ready,
            Err(refused) => return Ok(Err(refused)),
        };
        let sent_bytes = request.body.as_ref().map_or(0, Bytes::len) as u64;
        let sent = self.wait(paced.exchange(request, |request| egress.send(&policy, request))).await;
        Ok(self.answered(sent_bytes * paced.tries(), sent))
    }

    async fn download(
        &mut self,
        request: messages::Request,
    ) -> wasmtime::Result<Result<http::Downloaded, wit::Problem>> {
        self.enter()?;
        let Ready { egress, policy, request, paced } = match self.prepare(request, DOWNLOAD_BYTES_MAX) {
            Ok(ready) => ready,
            Err(refused) => return Ok(Err(refused)),
        };
        let sent_bytes = request.body.as_ref().map_or(0, Bytes::len) as u64;
        let received = AtomicU64::new(0);
        let room = self.room.clone();
        let make = |request| download(&*egress, &policy, request, &room, &received);
        let downloaded = self.wait(paced.exchange(request, make)).await;
        // What came counts, even if the end did not.
        self.exchanged(sent_bytes * paced.tries(), received.load(Ordering::Relaxed));
        let (status, headers, blob) = match downloaded {
            Ok(done) => done,
            Err(refused) => return Ok(Err(refused)),
        };
        let body = self.push(blob)?;
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
        let Ready { egress, policy, request, paced } = match self.prepare(request, SEND_BYTES_MAX) {
            Ok(ready) => ready,
            Err(refused) => return Ok(Err(refused)),
        };
        // The blob stays, so that its bytes may go out again.
        let (egress, policy, blob) = (&egress, &policy, &blob);
        let make = |request| async move {
            let body = blob.stream().await?;
            egress.upload(policy, request, blob.size(), body).await
        };
        let sent = self.wait(paced.exchange(request, make)).await;
        Ok(self.answered(blob.size() * paced.tries(), sent))
    }
}

impl Guest {
    fn prepare(&mut self, request: messages::Request, bytes_max: u64) -> Result<Ready, wit::Problem> {
        self.took(request.weight());
        let egress = self.egress()?;
        let Authorised { policy, request, .. } = self.authorise(request, bytes_max)?;
        let left = Duration::from_millis(self.left_ms());
        let paced = Paced::new(Arc::clone(&self.paces), &self.call.subject, &request, left);
        Ok(Ready { egress, policy, request, paced })
    }

    /// Time that is left of the call.
    fn left_ms(&self) -> u64 {
        self.limits.wall_ms_max.saturating_sub(self.meter.wall_ms())
    }

    /// The answer to a request as the guest sees it, counted. One that did not come counts as sent all the same.
    fn answered(
        &mut self,
        sent_bytes: u64,
        sent: Result<HttpResponse, wit::Problem>,
    ) -> Result<messages::Response, wit::Problem> {
        self.exchanged(sent_bytes, sent.as_ref().map_or(0, |response| response.body.len() as u64));
        let response = clean(&self.redactor, sent?);
        self.gave(response.weight());
        Ok(response)
    }
}
