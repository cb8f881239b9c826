//! Secrets: wherever a guest or a server puts one, nobody reads it.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use halle_base::Secret;
use halle_extensions::Problem;
use halle_extensions::host::{Call, PluginHost};
use halle_extensions::services::{
    Egress, EgressPolicy, HttpRequest, HttpResponse, HttpStream, LogLevel, RunLog, Services,
};
use halle_testkit::guests::{Script, component, processing, processing_module};
use serde_json::{Value, json};

use crate::guests::IMPORT_LOG;
use crate::sandbox::{Memory, Sandbox, call, manifest};

/// 14 bytes, as in the data of the guests below.
const SECRET: &str = "hunter2-secret";

fn asks(place: &str) -> String {
    format!(
        r#"
        [config]
        type = "object"
        [config.properties.key]
        type = "string"
        x-secret = true
        [http.api]
        origins = ["https://api.example"]
        credential = {{ secret = "key", place = "{place}" }}
        "#
    )
}

fn knowing(place: &str) -> Call {
    let mut call = call("p", manifest("processing", &asks(place)));
    call.secrets = Arc::new(vec![("key".to_owned(), Secret::new(SECRET.to_owned()))]);
    call
}

/// Whether a text holds the secret, in clear or as servers and proxies write it.
fn leaks(text: &str) -> bool {
    // Its beginning, then base64 of it, of `:` and it, and of `user:` and it.
    ["hunter2", "aHVudGVyMi1zZWNyZX", "Omh1bnRlcjItc2VjcmV0", "dXNlcjpodW50ZXIyLXNlY3JldA"]
        .iter()
        .any(|part| text.contains(part))
}

/// Answers with everything it was sent, in headers, body and, when asked for `/fail`, in its failure.
struct Mirror;

#[async_trait]
impl Egress for Mirror {
    async fn send(&self, _: &EgressPolicy, request: HttpRequest) -> Result<HttpResponse, Problem> {
        let seen = format!("{} {:?}", request.url, request.headers);
        assert!(leaks(&seen), "the credential was not placed: {seen}");
        if request.url.contains("/fail") {
            return Err(Problem::new("remote/status", format!("the server says {seen}")));
        }
        let headers = vec![("x-seen".to_owned(), seen.clone())];
        Ok(HttpResponse { status: 200, headers, body: Bytes::from(seen), truncated: false })
    }
    async fn stream(&self, _: &EgressPolicy, _: HttpRequest) -> Result<HttpStream, Problem> {
        Err(Problem::new("http/connect", "no streams here"))
    }
    async fn upload(
        &self,
        policy: &EgressPolicy,
        request: HttpRequest,
        _: u64,
        _: BoxStream<'static, std::io::Result<Bytes>>,
    ) -> Result<HttpResponse, Problem> {
        self.send(policy, request).await
    }
}

#[tokio::test]
async fn a_server_that_sends_a_credential_back_tells_nobody() {
    for place in ["bearer", "basic", "basic:/user", "header:x-key", "query:key"] {
        for path in ["", "fail"] {
            let url = format!("https://api.example/{path}");
            let sandbox = Sandbox::with(&[("p", Script::new().send("GET", &url).component())]);
            let log = Arc::new(Memory::default());
            let mut call = knowing(place);
            call.config = json!({ "user": "user" });
            call.services = Services {
                log: Arc::<Memory>::clone(&log),
                egress: Some(Arc::new(Mirror)),
                ..Services::none()
            };
            let ended = sandbox.host.run_processing(call, json!({})).await;
            assert_eq!(ended.is_err(), path == "fail", "{place}: {ended:?}");
            let seen = format!("{ended:?} {:?}", log.said());
            assert!(!leaks(&seen) && seen.contains("***"), "{place} {path}: {seen}");
        }
    }
}

#[tokio::test]
async fn a_problem_of_a_guest_that_knows_a_secret_does_not_say_it() {
    // Code, message and field are the secret; the details are it as JSON.
    let data = r#"(data (i32.const 4000) "hunter2-secret") (data (i32.const 4100) "{\"hunter2-secret\":\"hunter2-secret\"}")"#;
    let text = |at: u32| {
        format!(
            "(i32.store (i32.const {at}) (i32.const 4000)) (i32.store (i32.const {}) (i32.const 14))",
            at + 4
        )
    };
    let body = [
        "(i32.store8 (i32.const 512) (i32.const 1))".to_owned(),
        text(520),
        text(528),
        "(i32.store8 (i32.const 536) (i32.const 1))".to_owned(),
        text(540),
        "(i32.store8 (i32.const 568) (i32.const 1))
         (i32.store (i32.const 572) (i32.const 4100)) (i32.store (i32.const 576) (i32.const 35))"
            .to_owned(),
    ];
    let sandbox = Sandbox::with(&[("p", processing("", data, &body.concat()))]);
    let error = sandbox.host.run_processing(knowing("bearer"), json!({})).await.unwrap_err();
    assert_eq!(error.code(), "***");
    assert!(!leaks(&format!("{error} {error:?}")), "{error:?}");
}

#[tokio::test]
async fn an_outcome_does_not_say_it_either() {
    let data = r#"(data (i32.const 4000) "hunter2-secret") (data (i32.const 4100) "[\"hunter2-secret\"]")"#;
    let body = "(i32.store (i32.const 520) (i32.const 4000)) (i32.store (i32.const 524) (i32.const 14))
        (i32.store8 (i32.const 528) (i32.const 1))
        (i32.store (i32.const 532) (i32.const 4100)) (i32.store (i32.const 536) (i32.const 18))";
    let sandbox = Sandbox::with(&[("p", processing("", data, body))]);
    let outcome = sandbox.host.run_processing(knowing("bearer"), json!({})).await.unwrap();
    assert_eq!((outcome.summary.as_str(), outcome.details), ("***", Some(json!(["***"]))));
}

#[tokio::test]
async fn a_configuration_is_stored_as_it_was_given_but_for_what_the_guest_put_in() {
    // What a guest prepares is what it was given.
    let sandbox = Sandbox::with(&[("p", processing("", "", ""))]);
    let draft = json!({ "user": SECRET, "url": format!("https://{SECRET}.example"), SECRET: ["key"] });
    let prepared = sandbox.host.prepare(knowing("bearer"), draft.clone()).await.unwrap();
    assert_eq!(prepared.config, draft);
    // Another answers what it has in its memory.
    let own = answering(&json!({ "url": "?key=hunter2-secret" }));
    let sandbox = Sandbox::with(&[("p", own)]);
    let prepared = sandbox.host.prepare(knowing("bearer"), json!({ "url": "" })).await.unwrap();
    assert_eq!(prepared.config, json!({ "url": "?key=***" }));
}

/// A processing that prepares this configuration whatever it was given.
fn answering(config: &Value) -> Vec<u8> {
    let text = config.to_string();
    let data = format!("(data (i32.const 4000) \"{}\")", text.replace('"', "\\\""));
    let own = processing_module("", &data, "").replace(
        "(local.get 0)) (i32.store (i32.const 780) (local.get 1))",
        &format!("(i32.const 4000)) (i32.store (i32.const 780) (i32.const {}))", text.len()),
    );
    component("processing", "processing", &own)
}

#[tokio::test]
async fn a_guest_that_prepares_does_not_choose_who_gets_the_secret() {
    let asks = r#"
        [config]
        type = "object"
        additionalProperties = false
        [config.properties.url]
        type = "string"
        x-egress = true
        [config.properties.key]
        type = "string"
        x-secret = true
        [config.properties.pages]
        type = "integer"
        [http.api]
        from-config = "/url"
        credential = { secret = "key", place = "bearer" }
    "#;
    let draft = json!({ "url": "https://api.example/v1", "key": "key" });
    let prepare = async |answer: &Value| {
        let sandbox = Sandbox::with(&[("p", answering(answer))]);
        let mut call = call("p", manifest("processing", asks));
        call.secrets = Arc::new(vec![("key".to_owned(), Secret::new(SECRET.to_owned()))]);
        call.config = draft.clone();
        sandbox.host.prepare(call, draft.clone()).await
    };
    for (answer, field) in [
        (json!({ "url": "https://evil.example/v1", "key": "key" }), "/url"),
        (json!({ "url": "https://api.example:8443/v1", "key": "key" }), "/url"),
        (json!({ "url": "http://api.example/v1", "key": "key" }), "/url"),
        (json!({ "url": "https://api.example@evil.example/", "key": "key" }), "/url"),
        (json!({ "key": "key" }), "/url"),
        (json!({ "url": "https://api.example/v1", "key": "mine" }), "/key"),
        (json!({ "url": "https://api.example/v1" }), "/key"),
        (json!({ "url": "https://api.example/v1", "key": "key", "pages": "all" }), "/pages"),
        (json!({ "url": "https://api.example/v1", "key": "key", "to": "evil" }), "to"),
        (json!([]), "configuration"),
    ] {
        let error = prepare(&answer).await.unwrap_err();
        assert_eq!(error.code(), "plugin/bad-answer", "{answer}: {error}");
        let said = error.to_string();
        assert!(said.contains(field) && !said.contains("evil.example"), "{answer}: {said}");
    }
    let completed = json!({ "url": "https://api.example/v2", "key": "key", "pages": 3 });
    assert_eq!(prepare(&completed).await.unwrap().config, completed);
}

#[tokio::test]
async fn no_form_of_a_secret_reaches_the_log_or_the_page_of_a_run() {
    let forms = [
        "hunter2-secret",
        "%68%75%6e%74%65%72%32%2d%73%65%63%72%65%74",
        "aHVudGVyMi1zZWNyZXQ=",
        "OmFodW50ZXIyLXNlY3JldCE",
        "68756e746572322d736563726574",
        "68756E746572322D736563726574",
        "terces-2retnuh",
    ];
    let said = forms.iter().fold(Script::new(), |script, form| script.say(&format!("key={form};")));
    let sandbox = Sandbox::with(&[("p", said.component())]);
    let log = Arc::new(Memory::default());
    let mut call = knowing("bearer");
    call.services.log = Arc::<Memory>::clone(&log);
    sandbox.host.run_processing(call, json!({})).await.unwrap();
    for (record, form) in log.said().iter().zip(forms) {
        assert!(record.starts_with("key=") && record.contains("***"), "{form}: {record}");
    }
    assert_eq!(log.said().len(), forms.len());
}

/// A log that remembers names and values of fields.
#[derive(Default)]
struct Fields(std::sync::Mutex<Vec<(String, String)>>);

impl RunLog for Fields {
    fn emit(&self, _: LogLevel, _: &str, fields: &[(String, String)]) {
        self.0.lock().unwrap().extend_from_slice(fields);
    }
    fn task(&self, _: &str, _: Option<u64>) {}
    fn advance(&self, _: u64) {}
}

#[tokio::test]
async fn neither_names_nor_values_in_the_log_say_it() {
    let data = r#"(data (i32.const 4000) "hunter2-secret")"#;
    let body = "(i32.store (i32.const 4100) (i32.const 4000)) (i32.store (i32.const 4104) (i32.const 14))
        (i32.store (i32.const 4108) (i32.const 4000)) (i32.store (i32.const 4112) (i32.const 14))
        (call $emit (i32.const 1) (i32.const 4000) (i32.const 14) (i32.const 4100) (i32.const 1))";
    let sandbox = Sandbox::with(&[("p", processing(IMPORT_LOG, data, body))]);
    let log = Arc::new(Fields::default());
    let mut call = knowing("bearer");
    call.services.log = Arc::<Fields>::clone(&log);
    sandbox.host.run_processing(call, json!({})).await.unwrap();
    assert_eq!(*log.0.lock().unwrap(), [("***".to_owned(), "***".to_owned())]);
}
