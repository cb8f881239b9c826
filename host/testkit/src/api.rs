//! Requests to a router, without a network.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use axum::middleware::from_fn_with_state;
use halle_http::{Authenticator, auth, base_url};
use serde_json::Value;
use tower::ServiceExt;

use crate::callers::{HEADER, TestCallers};

/// Bytes of an answer that a test reads at most.
const ANSWER_BYTES_MAX: usize = 256 << 20;

/// A client of a router, as one caller.
#[derive(Clone)]
pub struct Api {
    router: Router,
    caller: Option<String>,
}

/// An answer, read whole.
#[derive(Debug)]
pub struct Answer {
    /// Status.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
    /// Body.
    pub bytes: Vec<u8>,
}

impl Answer {
    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// If it is not JSON; the message shows what it is.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes)
            .unwrap_or_else(|_| panic!("{} is not JSON: {}", self.status, self.text()))
    }

    /// A header, or an empty text.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("")
    }
}

impl Api {
    /// A client of `router`, anonymous.
    pub fn new(router: Router) -> Self {
        let callers: Arc<dyn Authenticator> = Arc::new(TestCallers);
        let public_url: Arc<str> = "http://halle.test".into();
        let router = router
            .layer(from_fn_with_state(callers, auth::authenticate))
            .layer(from_fn_with_state(public_url, base_url::resolve));
        Self { router, caller: None }
    }

    /// The same client as somebody: see [`caller`](crate::caller) for the names.
    #[must_use]
    pub fn by(&self, caller: &str) -> Self {
        Self { caller: Some(caller.to_owned()), ..self.clone() }
    }

    /// Sends a request.
    pub async fn send(&self, mut request: Request<Body>) -> Answer {
        if let Some(caller) = &self.caller {
            request.headers_mut().insert(HEADER, caller.parse().expect("names of test callers are ASCII"));
        }
        let response = self.router.clone().oneshot(request).await.expect("routers do not fail");
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, ANSWER_BYTES_MAX).await.expect("the body of a test's answer can be read");
        Answer { status: parts.status, headers: parts.headers, bytes: bytes.to_vec() }
    }

    /// Sends JSON.
    pub async fn json(&self, method: Method, path: &str, body: &Value) -> Answer {
        let body = body.to_string();
        let request =
            Request::builder().method(method).uri(path).header(header::CONTENT_TYPE, "application/json");
        let request = request.header(header::CONTENT_LENGTH, body.len()).body(Body::from(body));
        self.send(request.expect("a test's request is sound")).await
    }

    /// GET.
    pub async fn get(&self, path: &str) -> Answer {
        self.bare(Method::GET, path).await
    }

    /// A request without a body.
    pub async fn bare(&self, method: Method, path: &str) -> Answer {
        let request = Request::builder().method(method).uri(path).body(Body::empty());
        self.send(request.expect("a test's request is sound")).await
    }

    /// POST with JSON.
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.json(Method::POST, path, body).await
    }

    /// Uploads a file as the multipart field `file`, with further text fields.
    pub async fn upload(
        &self,
        method: Method,
        path: &str,
        name: &str,
        file: &[u8],
        fields: &[(&str, &str)],
    ) -> Answer {
        const BOUNDARY: &str = "halle-test-boundary";
        let mut body = Vec::new();
        for (field, value) in fields {
            let head = format!(
                "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{field}\"\r\n\r\n{value}\r\n"
            );
            body.extend_from_slice(head.as_bytes());
        }
        let head = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\nContent-Type: \
             application/octet-stream\r\n\r\n"
        );
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(file);
        body.extend_from_slice(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::CONTENT_TYPE, format!("multipart/form-data; boundary={BOUNDARY}"))
            .header(header::CONTENT_LENGTH, body.len())
            .body(Body::from(body));
        self.send(request.expect("a test's request is sound")).await
    }
}
