//! The one way out over HTTP.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use halle_extensions::services::{Egress, EgressPolicy, HttpRequest, HttpResponse, HttpStream};
use halle_extensions::types::Problem;
use reqwest::header::{CONTENT_LENGTH, LOCATION};
use reqwest::{Body as RequestBody, Client, Response};
use tokio::time::Instant;

use crate::address::is_public;
use crate::body::{Body, BodyLimits, Exchange};
use crate::config::{EgressConfig, EgressError};
use crate::exchange::{HEADER_BYTES_MAX, Hop, answer_headers};
use crate::policy::{self, Rates};
use crate::problem;
use crate::resolver::{DialTime, Resolver, SystemResolver};
use crate::target::Target;

/// Redirects followed, each checked like a request of its own.
const REDIRECTS_MAX: usize = 5;

/// Headers of one answer.
const HEADERS_MAX: usize = 200;

/// Makes requests for plugins and services, within a policy.
pub struct HttpEgress {
    config: EgressConfig,
    private_origins: Vec<String>,
    /// Dials public addresses only.
    public: Client,
    /// Dials any address: used for the origins that the operator listed, and for nothing else.
    private: Client,
    rates: Rates,
}

/// Headers of an answer, names in lower case.
type Headers = Vec<(String, String)>;

/// An answer whose body has not been read.
struct Answer {
    response: Response,
    target: Target,
    method: String,
}

impl HttpEgress {
    /// A way out with the resolver of the machine.
    pub fn new(config: EgressConfig) -> Result<Self, EgressError> {
        Self::with_resolver(config, Arc::new(SystemResolver))
    }

    /// A way out with a resolver of the caller's choice.
    pub fn with_resolver(config: EgressConfig, resolver: Arc<dyn Resolver>) -> Result<Self, EgressError> {
        // Fails when the application installed its provider before, which is the same.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let client = |allows_private| {
            Client::builder()
                .user_agent(&config.user_agent)
                .redirect(reqwest::redirect::Policy::none())
                // A proxy of the environment would dial in our place, past the filter.
                .no_proxy()
                .referer(false)
                .connect_timeout(Duration::from_millis(u64::from(config.idle_ms_max)))
                .http1_max_headers(HEADERS_MAX)
                .http2_max_header_list_size(HEADER_BYTES_MAX as u32)
                .dns_resolver(DialTime { resolver: Arc::clone(&resolver), allows_private })
                .build()
        };
        let (public, private) = (client(false)?, client(true)?);
        Ok(Self {
            private_origins: config.private_origins()?,
            config,
            public,
            private,
            rates: Rates::default(),
        })
    }

    /// Checks one hop and picks the client that may dial it.
    fn admit(&self, policy: &EgressPolicy, method: &str, target: &Target) -> Result<&Client, Problem> {
        policy::authorise(policy, method, target)?;
        self.rates.take(policy)?;
        if self.private_origins.contains(&target.origin()) {
            return Ok(&self.private);
        }
        // Hosts that are addresses are dialled without a look-up, so the filter of the resolver would not see them.
        if target.address().is_some_and(|address| !is_public(address)) {
            return Err(problem::private_address(target.host()));
        }
        Ok(&self.public)
    }

    /// Makes one hop; gives the answer's head.
    async fn hop(
        &self,
        policy: &EgressPolicy,
        hop: &Hop,
        target: &Target,
        body: Option<RequestBody>,
        deadline: Instant,
    ) -> Result<Response, Problem> {
        let client = self.admit(policy, hop.method.as_str(), target)?;
        let mut request =
            client.request(hop.method.clone(), target.url().clone()).headers(hop.headers.clone());
        if let Some(body) = body {
            request = request.body(body);
        }
        tokio::time::timeout_at(deadline, request.send())
            .await
            .map_err(|_| problem::timeout(target.host()))?
            .map_err(|error| problem::of_client(target.host(), &error))
    }

    /// Makes a request and follows its redirects; gives the head of the last answer.
    async fn exchange(
        &self,
        policy: &EgressPolicy,
        request: &HttpRequest,
        deadline: Instant,
    ) -> Result<Answer, Problem> {
        let mut hop = Hop::new(&request.method, &request.headers, request.body.clone())?;
        let mut target = Target::parse(&request.url)?;
        for _ in 0..=REDIRECTS_MAX {
            let body = hop.body.clone().map(RequestBody::from);
            let response = self.hop(policy, &hop, &target, body, deadline).await?;
            let Some(location) = redirect(&response) else {
                return Ok(Answer { response, target, method: hop.method.to_string() });
            };
            let next = target.join(location)?;
            hop = hop.redirected(response.status(), next.origin() == target.origin());
            target = next;
        }
        Err(problem::too_many_redirects(target.host()))
    }

    fn deadline(&self, request: &HttpRequest, start: Instant) -> Instant {
        let asked = request.timeout_ms.unwrap_or(self.config.timeout_ms_default);
        start + Duration::from_millis(u64::from(asked.min(self.config.timeout_ms_max)))
    }

    fn limits(&self, policy: &EgressPolicy, deadline: Instant) -> BodyLimits {
        let bytes_max = match policy.response_bytes_max {
            0 => self.config.response_bytes_max,
            max => max,
        };
        BodyLimits { bytes_max, deadline, idle: Duration::from_millis(u64::from(self.config.idle_ms_max)) }
    }
}

impl Answer {
    /// Splits an answer into its head and its body.
    fn split(self, limits: BodyLimits, start: Instant) -> Result<(u16, Headers, Body), Problem> {
        let status = self.response.status().as_u16();
        let host = self.target.host().to_owned();
        let headers = answer_headers(self.response.headers())
            .ok_or_else(|| problem::too_large(&host, HEADER_BYTES_MAX as u64))?;
        let exchange = Exchange { method: self.method, host, status, start, bytes: 0 };
        Ok((status, headers, Body { response: self.response, limits, exchange }))
    }

    async fn whole(
        self,
        limits: BodyLimits,
        start: Instant,
        truncate_at: Option<u64>,
    ) -> Result<HttpResponse, Problem> {
        let (status, headers, body) = self.split(limits, start)?;
        let truncate_at = truncate_at.filter(|max| *max <= limits.bytes_max);
        let (body, truncated) = body.whole(truncate_at).await?;
        Ok(HttpResponse { status, headers, body, truncated })
    }
}

/// Where an answer redirects to, if it does.
fn redirect(response: &Response) -> Option<&str> {
    let is_redirect = matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308);
    response.headers().get(LOCATION).filter(|_| is_redirect)?.to_str().ok()
}

#[async_trait]
impl Egress for HttpEgress {
    async fn send(&self, policy: &EgressPolicy, request: HttpRequest) -> Result<HttpResponse, Problem> {
        let start = Instant::now();
        let deadline = self.deadline(&request, start);
        let answer = self.exchange(policy, &request, deadline).await?;
        answer.whole(self.limits(policy, deadline), start, request.max_bytes).await
    }

    async fn stream(&self, policy: &EgressPolicy, request: HttpRequest) -> Result<HttpStream, Problem> {
        let start = Instant::now();
        let deadline = self.deadline(&request, start);
        let answer = self.exchange(policy, &request, deadline).await?;
        let mut limits = self.limits(policy, deadline);
        limits.bytes_max = limits.bytes_max.min(request.max_bytes.unwrap_or(u64::MAX));
        let (status, headers, body) = answer.split(limits, start)?;
        Ok(HttpStream { status, headers, body: body.stream() })
    }

    async fn upload(
        &self,
        policy: &EgressPolicy,
        request: HttpRequest,
        length: u64,
        body: BoxStream<'static, std::io::Result<Bytes>>,
    ) -> Result<HttpResponse, Problem> {
        let start = Instant::now();
        let deadline = self.deadline(&request, start);
        let mut hop = Hop::new(&request.method, &request.headers, None)?;
        hop.headers.insert(CONTENT_LENGTH, length.into());
        let target = Target::parse(&request.url)?;
        let body = RequestBody::wrap_stream(body);
        let response = self.hop(policy, &hop, &target, Some(body), deadline).await?;
        if redirect(&response).is_some() {
            // The stream is spent: it cannot be sent a second time.
            return Err(problem::redirected_upload(target.host()));
        }
        let answer = Answer { response, target, method: hop.method.to_string() };
        answer.whole(self.limits(policy, deadline), start, request.max_bytes).await
    }
}
