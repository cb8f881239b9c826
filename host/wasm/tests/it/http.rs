//! Requests of a guest: refused without a grant, credentials placed by the host and never shown.

use std::sync::Arc;

use halle_base::Secret;
use halle_extensions::grants::Grants;
use halle_extensions::host::{Call, PluginHost};
use halle_extensions::metering::Subject;
use halle_extensions::services::Services;
use serde_json::json;

use crate::guests::processing;
use crate::sandbox::{Echo, Sandbox, call, call_with, manifest};

/// `halle:host/http.send`: method, url, headers, body, auth, timeout-ms and max-bytes flattened, then where to answer.
const IMPORT_SEND: &str = r#"(import "halle:host/http@1.0.0" "send" (func $send
    (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i64 i32)))"#;

const DATA: &str = r#"
    (data (i32.const 4000) "GET")
    (data (i32.const 4100) "http://127.0.0.1:1/data")"#;

/// Sends, then reports what came back: a problem becomes the problem of the run, an answer's body becomes the summary.
const SEND: &str = r#"
    (call $send
        (i32.const 4000) (i32.const 3) (i32.const 4100) (i32.const 23) (i32.const 0) (i32.const 0)
        (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
        (i32.const 0) (i32.const 0) (i32.const 0) (i64.const 0) (i32.const 3504))
    (if (i32.load8_u (i32.const 3504))
        (then (memory.copy (i32.const 512) (i32.const 3504) (i32.const 96)))
        (else
            ;; response: status at 8, headers at 12, body at 20
            (i32.store (i32.const 520) (i32.load (i32.const 3524)))
            (i32.store (i32.const 524) (i32.load (i32.const 3528)))))"#;

const ASKS: &str = r#"
    [config]
    type = "object"
    [config.properties.key]
    type = "string"
    x-secret = true
    [http.api]
    origins = ["http://127.0.0.1:1"]
    credential = { secret = "key", place = "header:x-api-key" }
"#;

fn with_echo(call: Call) -> (Call, Arc<Echo>) {
    let echo = Arc::new(Echo::default());
    let services = Services { egress: Some(Arc::<Echo>::clone(&echo)), ..Services::none() };
    (Call { services, ..call }, echo)
}

fn guest() -> Vec<u8> {
    processing(IMPORT_SEND, DATA, SEND)
}

#[tokio::test]
async fn calling_loopback_without_a_grant_is_denied_and_nothing_is_sent() {
    let sandbox = Sandbox::with(&[("caller", guest())]);
    for grants in
        [Grants::default(), Grants { origins: vec!["http://127.0.0.1:2".to_owned()], ..Grants::default() }]
    {
        let (call, echo) = with_echo(call_with("caller", manifest("processing", ASKS), Some(grants)));
        let error = sandbox.host.run_processing(call, json!({})).await.unwrap_err();
        assert_eq!(error.code(), "denied/http", "{error}");
        assert!(error.to_string().contains("http://127.0.0.1:1"), "{error}");
        assert!(echo.0.lock().unwrap().is_empty(), "the request went out");
    }
}

#[tokio::test]
async fn a_credential_is_placed_by_the_host_and_an_echo_of_it_is_starred() {
    let sandbox = Sandbox::with(&[("caller", guest())]);
    let (mut call, echo) = with_echo(call("caller", manifest("processing", ASKS)));
    call.secrets = Arc::new(vec![("key".to_owned(), Secret::new("hunter2-secret".to_owned()))]);
    call.subject = Arc::new(Subject { account: "organization:ville".to_owned(), ..(*call.subject).clone() });
    let plugin = call.plugin.id.clone();
    let outcome = sandbox.host.run_processing(call, json!({})).await.unwrap();
    let sent = echo.0.lock().unwrap();
    assert_eq!(sent[0].1.headers, [("x-api-key".to_owned(), "hunter2-secret".to_owned())]);
    assert_eq!(sent[0].0.origins, ["http://127.0.0.1:1"]);
    assert_eq!(sent[0].0.methods, ["GET"]);
    let requester = sent[0].0.requester.clone().unwrap();
    assert_eq!(
        (requester.name.as_str(), requester.account.as_str()),
        (&*format!("plugin:{plugin}"), "organization:ville")
    );
    assert_eq!(outcome.summary, r#"[("x-api-key", "***")]"#);
}

#[tokio::test]
async fn a_secret_that_was_not_granted_stays_out() {
    let sandbox = Sandbox::with(&[("caller", guest())]);
    let grants = Grants {
        origins: vec!["http://127.0.0.1:1".to_owned()],
        methods: vec!["GET".to_owned()],
        ..Grants::default()
    };
    let (mut call, echo) = with_echo(call_with("caller", manifest("processing", ASKS), Some(grants)));
    call.secrets = Arc::new(vec![("key".to_owned(), Secret::new("hunter2-secret".to_owned()))]);
    sandbox.host.run_processing(call, json!({})).await.unwrap();
    assert!(echo.0.lock().unwrap()[0].1.headers.is_empty());
}
