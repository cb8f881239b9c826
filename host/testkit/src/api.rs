//! Requests to a router, without a network.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use axum::middleware::from_fn_with_state;
use halle_http::openapi::OpenApi;
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
    description: Option<Arc<Value>>,
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
        Self { router, caller: None, description: None }
    }

    /// The same client, for which an answer with a status that the route's description does not tell is a failure.
    /// Routes that `description` does not know are left alone.
    ///
    /// # Panics
    /// If the description is no JSON.
    #[must_use]
    pub fn described_by(self, description: &OpenApi) -> Self {
        let description = serde_json::to_value(description).expect("descriptions are JSON");
        Self { description: Some(Arc::new(description)), ..self }
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
        let (method, path) =
            (request.method().as_str().to_ascii_lowercase(), request.uri().path().to_owned());
        let response = self.router.clone().oneshot(request).await.expect("routers do not fail");
        let (parts, body) = response.into_parts();
        let described = self.description.as_deref().and_then(|document| operation(document, &path, &method));
        if let Some(operation) = described {
            let told = operation["responses"].get(parts.status.as_str()).is_some();
            let id = &operation["operationId"];
            assert!(told, "{id} answered {}, which its description does not tell", parts.status);
        }
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

/// The operation of a description that a request is for.
fn operation<'a>(description: &'a Value, path: &str, method: &str) -> Option<&'a Value> {
    let matches = |template: &str| {
        let (wanted, given): (Vec<&str>, Vec<&str>) =
            (template.split('/').collect(), path.split('/').collect());
        let same = |(wanted, given): (&&str, &&str)| wanted.starts_with('{') || wanted == given;
        wanted.len() == given.len() && wanted.iter().zip(&given).all(same)
    };
    let mut items = description["paths"].as_object()?.iter();
    items.find(|(template, _)| matches(template))?.1.get(method)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_request_finds_its_operation_by_path_and_method() {
        let document = json!({ "paths": { "/a/{id}/b": { "get": { "operationId": "one" } } } });
        let id = |path, method| operation(&document, path, method).map(|one| one["operationId"].clone());
        assert_eq!(id("/a/7/b", "get"), Some(json!("one")));
        for (path, method) in [("/a/7/b", "post"), ("/a/7/c", "get"), ("/a/7", "get"), ("/a/7/b/c", "get")] {
            assert_eq!(id(path, method), None, "{method} {path}");
        }
    }
}
