//! Files of descriptions that are on other servers.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use axum::http::Method;
use bytes::Bytes;
use futures::StreamExt;
use futures::stream::BoxStream;
use halle_extensions::Problem;
use halle_extensions::services::{Egress, EgressPolicy, HttpRequest, HttpResponse, HttpStream};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::harness::{Answer, Harness, UPLOAD_BYTES_MAX, admin, stranger};

/// Another server: what it has, and what it was asked.
#[derive(Default)]
struct Elsewhere {
    /// Content and validator; `None` when it is down.
    content: Mutex<Option<(Vec<u8>, &'static str)>>,
    asked: Mutex<Vec<(EgressPolicy, HttpRequest)>>,
}

impl Elsewhere {
    fn has(&self, content: &[u8], etag: &'static str) {
        *self.content.lock().unwrap() = Some((content.to_vec(), etag));
    }

    fn asked(&self) -> usize {
        self.asked.lock().unwrap().len()
    }
}

#[async_trait]
impl Egress for Elsewhere {
    async fn send(&self, _: &EgressPolicy, _: HttpRequest) -> Result<HttpResponse, Problem> {
        Err(Problem::new("test/unused", "files are streamed"))
    }

    async fn stream(&self, policy: &EgressPolicy, request: HttpRequest) -> Result<HttpStream, Problem> {
        self.asked.lock().unwrap().push((policy.clone(), request.clone()));
        let Some((content, etag)) = self.content.lock().unwrap().clone() else {
            return Err(Problem::new("remote/unreachable", "down"));
        };
        let is_known = request.headers.contains(&("if-none-match".to_owned(), etag.to_owned()));
        let pieces: Vec<Result<Bytes, Problem>> =
            content.chunks(1_000).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
        Ok(HttpStream {
            status: if is_known { 304 } else { 200 },
            headers: vec![("etag".to_owned(), etag.to_owned())],
            body: if is_known {
                futures::stream::empty().boxed()
            } else {
                futures::stream::iter(pieces).boxed()
            },
        })
    }

    async fn upload(
        &self,
        _: &EgressPolicy,
        _: HttpRequest,
        _: u64,
        _: BoxStream<'static, std::io::Result<Bytes>>,
    ) -> Result<HttpResponse, Problem> {
        Err(Problem::new("test/unused", "nothing is sent"))
    }
}

const TARGET: &str = "https://data.example.org/files/carte.pdf?key=secret";
const FILE: &str = "/datasets/d/metadata-attachments/carte.pdf";

async fn described() -> (Harness, Arc<Elsewhere>) {
    let mut harness = Harness::new().await;
    let elsewhere = Arc::new(Elsewhere::default());
    harness.datasets = harness.datasets.with_egress(elsewhere.clone());
    harness.dataset("d", "a\n1\n").await;
    patch(
        &harness,
        json!([{ "type": "remoteFile", "title": "Carte", "name": "carte.pdf", "targetUrl": TARGET }]),
    )
    .await
    .ok();
    (harness, elsewhere)
}

async fn patch(harness: &Harness, attachments: Value) -> Answer {
    harness.json(&admin(), Method::PATCH, "/datasets/d", json!({ "attachments": attachments })).await
}

fn status_of(answer: &Answer) -> &str {
    answer.headers["x-remote-status"].to_str().unwrap()
}

#[tokio::test]
async fn a_remote_file_is_fetched_kept_and_asked_for_again() {
    let (harness, elsewhere) = described().await;
    elsewhere.has(b"%PDF-1", "\"v1\"");
    let first = harness.get(&admin(), FILE).await;
    assert_eq!((first.status.as_u16(), first.text.as_str(), status_of(&first)), (200, "%PDF-1", "DOWNLOAD"));
    assert_eq!(first.headers["content-type"], "application/pdf");
    let (policy, request) = elsewhere.asked.lock().unwrap()[0].clone();
    assert_eq!(policy.origins, ["https://data.example.org"], "no other server may be led to");
    assert_eq!((request.url.as_str(), request.method.as_str()), (TARGET, "GET"));

    let again = harness.get(&admin(), FILE).await;
    assert_eq!((again.text.as_str(), status_of(&again), elsewhere.asked()), ("%PDF-1", "CACHE", 1));
    harness.clock.advance(SignedDuration::from_secs(6));
    let same = harness.get(&admin(), FILE).await;
    assert_eq!((same.text.as_str(), status_of(&same), elsewhere.asked()), ("%PDF-1", "NOTMODIFIED", 2));
    elsewhere.has(b"%PDF-2 ", "\"v2\"");
    harness.clock.advance(SignedDuration::from_secs(6));
    let changed = harness.get(&admin(), FILE).await;
    assert_eq!((changed.text.as_str(), status_of(&changed)), ("%PDF-2 ", "DOWNLOAD"));
    assert_ne!(changed.headers["etag"], first.headers["etag"]);
    let kept =
        harness.files("blobs").into_iter().filter(|path| path.contains("metadata-attachments")).count();
    assert_eq!(kept, 1, "the content before does not stay");

    patch(
        &harness,
        json!([{ "type": "remoteFile", "name": "carte.pdf", "targetUrl": "https://b.example.org/" }]),
    )
    .await
    .ok();
    let moved = harness.get(&admin(), FILE).await;
    assert_eq!(status_of(&moved), "DOWNLOAD", "what another server gave is not what this one has");
}

#[tokio::test]
async fn nobody_is_told_where_a_remote_file_is_and_writing_what_was_read_keeps_it() {
    let (harness, elsewhere) = described().await;
    let dataset = harness.get(&admin(), "/datasets/d").await;
    assert!(!dataset.text.contains("secret"), "{}", dataset.text);
    let entry = dataset.json()["attachments"][0].clone();
    let address = "http://halle.test/data-fair/api/v1/datasets/d/metadata-attachments/carte.pdf";
    assert_eq!((&entry["type"], &entry["url"]), (&json!("remoteFile"), &json!(address)));
    let mut entry = entry;
    entry["title"] = "Autre titre".into();
    let patched = patch(&harness, json!([entry])).await;
    assert_eq!(patched.ok()["attachments"][0]["title"], "Autre titre");
    assert!(!patched.text.contains("secret"), "{}", patched.text);
    elsewhere.has(b"x", "\"x\"");
    assert_eq!(harness.get(&admin(), FILE).await.text, "x");
    assert_eq!(harness.get(&stranger(), FILE).await.status, 403);
    patch(&harness, json!([])).await.ok();
    let again = json!([{ "type": "remoteFile", "name": "autre.pdf" }]);
    patch(&harness, again).await.ok();
    assert_eq!(harness.get(&admin(), "/datasets/d/metadata-attachments/autre.pdf").await.status, 404);
}

#[tokio::test]
async fn what_another_server_does_not_give_is_its_failure() {
    let (harness, elsewhere) = described().await;
    let text = "Le fichier distant ne peut pas être récupéré : le serveur distant ne répond pas.";
    harness.get(&admin(), FILE).await.refused(502, text);
    elsewhere.has(&vec![b'x'; UPLOAD_BYTES_MAX as usize + 1], "\"large\"");
    let large = harness.get(&admin(), FILE).await;
    assert_eq!(large.status, 502, "{}", large.text);
    assert!(large.text.contains("1048576 octets"), "{}", large.text);
    for target in ["ftp://example.org/a", "/etc/passwd", ""] {
        let wrong =
            patch(&harness, json!([{ "type": "remoteFile", "name": "a", "targetUrl": target }])).await;
        assert_eq!(wrong.status, 400, "{target}");
    }
    assert_eq!(patch(&harness, json!([{ "type": "remoteFile", "targetUrl": TARGET }])).await.status, 400);
}

#[tokio::test]
async fn without_a_way_out_nothing_is_fetched() {
    let harness = Harness::new().await;
    harness.dataset("d", "a\n1\n").await;
    patch(&harness, json!([{ "type": "remoteFile", "name": "carte.pdf", "targetUrl": TARGET }])).await.ok();
    assert_eq!(harness.get(&admin(), FILE).await.status, 501);
}
