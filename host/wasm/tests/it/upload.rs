//! Files on their way out: refused without a grant, exact bytes with one, credentials placed by the host.

use std::sync::Arc;

use halle_base::Secret;
use halle_extensions::PluginError;
use halle_extensions::grants::Grants;
use halle_extensions::host::{Call, PluginHost};
use halle_extensions::services::Services;
use halle_testkit::guests::{Request, Script};
use serde_json::json;

use crate::sandbox::{Echo, Memory, Sandbox, call, call_with, manifest};

const ASKS: &str = r#"
    [config]
    type = "object"
    [config.properties.key]
    type = "string"
    x-secret = true
    [http.api]
    origins = ["https://api.example"]
    methods = ["PUT"]
    credential = { secret = "key", place = "header:x-api-key" }
"#;

const PUT: Request<'_> =
    Request { method: "PUT", url: "https://api.example/files/1", header: None, body: None };

/// What came out of a run.
struct Ran {
    ended: Result<Vec<String>, PluginError>,
    /// How often the egress was asked.
    sent: usize,
    echo: Arc<Echo>,
}

async fn run(request: Request<'_>, prepare: impl FnOnce() -> Call) -> Ran {
    let sandbox = Sandbox::with(&[("p", Script::new().blob("three\0bytes\n").upload(request).component())]);
    let (echo, log) = (Arc::new(Echo::default()), Arc::new(Memory::default()));
    let mut call = prepare();
    call.services = Services {
        log: Arc::<Memory>::clone(&log),
        egress: Some(Arc::<Echo>::clone(&echo)),
        ..Services::none()
    };
    let ended = sandbox.host.run_processing(call, json!({})).await.map(|_| log.said());
    let sent = echo.0.lock().unwrap().len();
    Ran { ended, sent, echo }
}

fn granted() -> Call {
    call("p", manifest("processing", ASKS))
}

#[tokio::test]
async fn a_file_leaves_byte_for_byte_with_the_credential_of_the_host() {
    let ran = run(PUT, || {
        let mut call = granted();
        call.secrets = Arc::new(vec![("key".to_owned(), Secret::new("hunter2-secret".to_owned()))]);
        call
    })
    .await;
    let sent = ran.echo.0.lock().unwrap();
    assert_eq!(sent[0].1.method, "PUT");
    assert_eq!(sent[0].1.headers, [("x-api-key".to_owned(), "hunter2-secret".to_owned())]);
    assert_eq!(sent[0].1.body.as_deref(), Some(&b"three\0bytes\n"[..]));
    // The server echoes the headers; the guest does not learn the secret from them.
    assert_eq!(ran.ended.unwrap(), [r#"[("x-api-key", "***")]"#]);
}

#[tokio::test]
async fn without_a_grant_nothing_is_sent_and_the_origin_is_named() {
    let narrowed = [
        Grants::default(),
        Grants { origins: vec!["https://other.example".to_owned()], ..Grants::default() },
        Grants { methods: vec!["PUT".to_owned()], ..Grants::default() },
    ];
    for grants in narrowed {
        let ran = run(PUT, || call_with("p", manifest("processing", ASKS), Some(grants))).await;
        let error = ran.ended.unwrap_err();
        assert_eq!(error.code(), "denied/http", "{error}");
        assert!(error.to_string().contains("https://api.example"), "{error}");
        assert_eq!(ran.sent, 0);
    }
}

#[tokio::test]
async fn a_method_beyond_the_grant_is_denied() {
    let ran = run(Request { method: "POST", ..PUT }, granted).await;
    let error = ran.ended.unwrap_err();
    assert_eq!(error.code(), "denied/http", "{error}");
    assert!(error.to_string().contains("POST"), "{error}");
    assert_eq!(ran.sent, 0);
}

#[tokio::test]
async fn odd_requests_are_refused_before_anything_leaves() {
    let odd = [
        Request { body: Some("beside the blob"), ..PUT },
        Request { header: Some(("host", "evil.example")), ..PUT },
        Request { header: Some(("content-length", "3")), ..PUT },
        Request { header: Some(("Proxy-Authorization", "x")), ..PUT },
        Request { header: Some(("x-a", "1\r\nx-b: 2")), ..PUT },
        Request { header: Some(("x a", "1")), ..PUT },
        Request { url: "https://me:secret@api.example/", ..PUT },
        Request { url: "file:///etc/passwd", ..PUT },
        Request { url: "/files/1", ..PUT },
    ];
    for request in odd {
        let ran = run(request, granted).await;
        assert_eq!(ran.ended.unwrap_err().code(), "http/request", "{request:?}");
        assert_eq!(ran.sent, 0, "{request:?}");
    }
}
