//! Requests against a server of the test, on loopback only.

#![expect(clippy::unwrap_used, reason = "helpers of tests panic where a test would")]

mod limits;
mod redirects;
mod server;
mod slow;
mod spellings;

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use halle_extensions::services::{Egress, EgressPolicy, HttpRequest};
use halle_transports::{EgressConfig, HttpEgress, Resolver};

use crate::server::Server;

/// Names of the test. Each look-up of a name gives its next list, the last one for ever.
#[derive(Default)]
struct Names {
    answers: HashMap<String, Vec<Vec<IpAddr>>>,
    asked: AtomicUsize,
}

impl Names {
    fn with(mut self, name: &str, answers: &[&[&str]]) -> Self {
        let parsed = answers.iter().map(|list| list.iter().map(|text| text.parse().unwrap()).collect());
        self.answers.insert(name.to_owned(), parsed.collect());
        self
    }
}

#[async_trait]
impl Resolver for Names {
    async fn resolve(&self, host: &str) -> std::io::Result<Vec<IpAddr>> {
        let asked = self.asked.fetch_add(1, Ordering::SeqCst);
        let answers = self.answers.get(host).ok_or(std::io::ErrorKind::NotFound)?;
        Ok(answers[asked.min(answers.len() - 1)].clone())
    }
}

fn get(url: &str) -> HttpRequest {
    HttpRequest {
        method: "GET".to_owned(),
        url: url.to_owned(),
        headers: Vec::new(),
        body: None,
        timeout_ms: Some(10_000),
        max_bytes: None,
    }
}

fn policy(origins: &[&str]) -> EgressPolicy {
    EgressPolicy {
        origins: origins.iter().map(|&origin| origin.to_owned()).collect(),
        ..EgressPolicy::default()
    }
}

fn egress(private: &[&str], names: Names) -> HttpEgress {
    let config = EgressConfig {
        allowed_private_origins: private.iter().map(|&origin| origin.to_owned()).collect(),
        ..EgressConfig::default()
    };
    HttpEgress::with_resolver(config, Arc::new(names)).unwrap()
}

async fn code(egress: &HttpEgress, policy: &EgressPolicy, request: HttpRequest) -> String {
    egress.send(policy, request).await.err().map_or_else(|| "ok".to_owned(), |problem| problem.code)
}

#[tokio::test]
async fn a_granted_origin_answers() {
    let server = Server::start().await;
    let egress = egress(&[&server.origin], Names::default());
    let answer = egress.send(&policy(&[&server.origin]), get(&server.url("/hello?secret=1"))).await.unwrap();
    assert_eq!((answer.status, answer.body.as_ref(), answer.truncated), (200, &b"hello"[..], false));
    assert!(answer.headers.contains(&("x-answer".to_owned(), "yes".to_owned())), "{:?}", answer.headers);
}

#[tokio::test]
async fn a_private_address_is_not_dialled_however_it_is_named() {
    let server = Server::start().await;
    let names =
        Names::default().with("intern.test", &[&["127.0.0.1"]]).with("deux.test", &[&["::1", "10.0.0.1"]]);
    let egress = egress(&[], names);
    for host in ["127.0.0.1", "intern.test", "deux.test", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]"] {
        let origin = format!("http://{host}:{}", server.port);
        assert_eq!(code(&egress, &policy(&[&origin]), get(&origin)).await, "denied/address", "{host}");
    }
    assert_eq!(server.requests(), Vec::<String>::new());
}

#[tokio::test]
async fn a_name_that_changes_its_mind_gains_nothing() {
    let server = Server::start().await;
    // Public when a careless check asks, private when it is dialled: only one look-up counts, that of the dial.
    let names = Names::default().with("rebind.test", &[&["127.0.0.1"], &["1.1.1.1"]]);
    let egress = egress(&[], names);
    let origin = format!("http://rebind.test:{}", server.port);
    assert_eq!(code(&egress, &policy(&[&origin]), get(&origin)).await, "denied/address");
    assert_eq!(server.requests(), Vec::<String>::new());
}

#[tokio::test]
async fn an_origin_that_the_operator_allows_still_needs_a_grant() {
    let server = Server::start().await;
    let egress = egress(&[&server.origin], Names::default());
    assert_eq!(code(&egress, &policy(&["https://example.org"]), get(&server.origin)).await, "denied/http");
    let mut post = get(&server.origin);
    post.method = "POST".to_owned();
    assert_eq!(code(&egress, &policy(&[&server.origin]), post).await, "denied/http");
    assert_eq!(server.requests(), Vec::<String>::new());
}

#[tokio::test]
async fn allowing_one_port_allows_no_other() {
    let (allowed, other) = (Server::start().await, Server::start().await);
    let egress = egress(&[&allowed.origin], Names::default());
    let both = policy(&[&allowed.origin, &other.origin]);
    assert_eq!(code(&egress, &both, get(&allowed.origin)).await, "ok");
    assert_eq!(code(&egress, &both, get(&other.origin)).await, "denied/address");
}

#[tokio::test]
async fn a_file_is_uploaded_with_its_length() {
    let server = Server::start().await;
    let egress = egress(&[&server.origin], Names::default());
    let mut request = get(&server.url("/hello"));
    request.method = "PUT".to_owned();
    let mut policy = policy(&[&server.origin]);
    policy.methods = vec!["PUT".to_owned()];
    let pieces = [Bytes::from_static(b"abc"), Bytes::from_static(b"defg")];
    let body = futures::stream::iter(pieces.map(Ok)).boxed();
    let answer = egress.upload(&policy, request, 7, body).await.unwrap();
    assert_eq!(answer.status, 200);
    let sent = server.requests().remove(0);
    assert!(sent.contains("content-length: 7") && sent.ends_with("abcdefg"), "{sent}");
}

#[test]
fn a_private_origin_that_is_none_is_refused_at_start() {
    let config =
        EgressConfig { allowed_private_origins: vec!["127.0.0.1:80".to_owned()], ..EgressConfig::default() };
    let error = HttpEgress::new(config).err().unwrap();
    assert!(error.to_string().contains("allowed_private_origins"), "{error}");
}
