//! A server that wants requests later is asked later, by the host, in the guest's place.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use futures::stream::BoxStream;
use halle_extensions::grants::Limits;
use halle_extensions::host::{Call, PluginHost};
use halle_extensions::metering::Subject;
use halle_extensions::registry::Installed;
use halle_extensions::services::{Egress, EgressPolicy, HttpRequest, HttpResponse, HttpStream, Services};
use halle_extensions::{PluginError, Problem};
use halle_testkit::guests::{Request, Script};
use serde_json::json;
use tokio::sync::Notify;

use crate::sandbox::{Memory, Sandbox, call, manifest, tight};

const ASKS: &str = r#"
    [http.api]
    origins = ["https://api.example", "https://other.example"]
    methods = ["GET", "POST", "PUT"]
"#;

const URL: &str = "https://api.example/";

/// What a server does with one request.
#[derive(Clone, Copy)]
enum Turn {
    /// Wants it later: a status, and what it says of when.
    Later(u16, Option<&'static str>),
    /// Is not there.
    Gone,
}

/// A server that does as it is told in turn, then answers `ok`. It remembers when it was asked, and with which body.
struct Busy {
    turns: Mutex<VecDeque<Turn>>,
    asked: Mutex<Vec<(Instant, HttpRequest)>>,
    first: Notify,
}

impl Busy {
    fn new(turns: &[Turn]) -> Arc<Self> {
        let turns = Mutex::new(turns.iter().copied().collect());
        Arc::new(Self { turns, asked: Mutex::default(), first: Notify::new() })
    }

    fn requests(&self) -> Vec<HttpRequest> {
        self.asked.lock().unwrap().iter().map(|(_, request)| request.clone()).collect()
    }

    /// Time between each request and the next.
    fn pauses(&self) -> Vec<Duration> {
        let asked = self.asked.lock().unwrap();
        asked.windows(2).map(|pair| pair[1].0.duration_since(pair[0].0)).collect()
    }
}

#[async_trait]
impl Egress for Busy {
    async fn send(&self, _: &EgressPolicy, request: HttpRequest) -> Result<HttpResponse, Problem> {
        self.asked.lock().unwrap().push((Instant::now(), request));
        self.first.notify_one();
        let turn = self.turns.lock().unwrap().pop_front();
        let (status, headers, body) = match turn {
            None => (200, Vec::new(), "ok"),
            Some(Turn::Later(status, told)) => {
                let headers = told.map(|told| ("retry-after".to_owned(), told.to_owned()));
                (status, headers.into_iter().collect(), "later")
            }
            Some(Turn::Gone) => return Err(Problem::new("remote/unreachable", "nobody is there")),
        };
        Ok(HttpResponse { status, headers, body: Bytes::from(body), truncated: false })
    }

    async fn stream(&self, policy: &EgressPolicy, request: HttpRequest) -> Result<HttpStream, Problem> {
        let HttpResponse { status, headers, body, .. } = self.send(policy, request).await?;
        let body = futures::stream::once(async move { Ok(body) });
        Ok(HttpStream { status, headers, body: Box::pin(body) })
    }

    async fn upload(
        &self,
        policy: &EgressPolicy,
        request: HttpRequest,
        _: u64,
        body: BoxStream<'static, std::io::Result<Bytes>>,
    ) -> Result<HttpResponse, Problem> {
        let body: Vec<u8> = body.map(|chunk| chunk.unwrap().to_vec()).concat().await;
        self.send(policy, HttpRequest { body: Some(Bytes::from(body)), ..request }).await
    }
}

fn asking(server: &Arc<Busy>, wall_ms_max: u64) -> (Call, Arc<Memory>) {
    let log = Arc::new(Memory::default());
    let mut call = call("p", manifest("processing", ASKS));
    let limits = Limits { wall_ms_max, grace_ms: 3_600_000, ..tight() };
    call.plugin = Arc::new(Installed { limits, ..(*call.plugin).clone() });
    call.services = Services {
        log: Arc::<Memory>::clone(&log),
        egress: Some(Arc::<Busy>::clone(server)),
        ..Services::none()
    };
    (call, log)
}

/// What the guest said, of a run that has all the time it needs.
async fn said(script: Script, server: &Arc<Busy>) -> Result<Vec<String>, PluginError> {
    let sandbox = Sandbox::with(&[("p", script.component())]);
    let (call, log) = asking(server, 120_000);
    sandbox.host.run_processing(call, json!({})).await.map(|_| log.said())
}

/// Long enough for `Retry-After: 1`.
const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn who_asks_for_a_second_has_it_and_the_guest_sees_the_answer_that_came_then() {
    for status in [429, 503] {
        let server = Busy::new(&[Turn::Later(status, Some("1"))]);
        assert_eq!(said(Script::new().send("GET", URL), &server).await.unwrap(), ["ok"]);
        let pauses = server.pauses();
        assert!(pauses.len() == 1 && pauses[0] >= SECOND, "{status}: {pauses:?}");
    }
}

#[tokio::test]
async fn who_does_not_say_is_asked_after_times_that_grow() {
    let server = Busy::new(&[Turn::Gone, Turn::Later(502, None)]);
    assert_eq!(said(Script::new().send("GET", URL), &server).await.unwrap(), ["ok"]);
    let pauses = server.pauses();
    assert!(pauses.len() == 2 && pauses[0] >= SECOND / 2 && pauses[1] >= SECOND, "{pauses:?}");
}

#[tokio::test]
async fn what_may_do_something_twice_is_not_made_again_but_the_next_request_waits() {
    let server = Busy::new(&[Turn::Later(503, Some("1"))]);
    let script = Script::new().send("POST", URL).send("GET", "https://other.example/").send("GET", URL);
    assert_eq!(said(script, &server).await.unwrap(), ["later", "ok", "ok"]);
    let asked = server.asked.lock().unwrap();
    let methods: Vec<&str> = asked.iter().map(|(_, request)| &*request.method).collect();
    assert_eq!(methods, ["POST", "GET", "GET"], "the POST went out once");
    assert!(asked[2].0.duration_since(asked[0].0) >= SECOND, "the origin was left alone");
    assert!(asked[1].0.duration_since(asked[0].0) < SECOND, "another origin does not wait");
}

#[tokio::test]
async fn a_file_goes_out_again_whole_and_comes_again_whole() {
    let server = Busy::new(&[Turn::Later(503, Some("1"))]);
    let put = Request { method: "PUT", url: URL, header: None, body: None };
    let script = Script::new().blob("three\0bytes\n").upload(put);
    assert_eq!(said(script, &server).await.unwrap(), ["ok"]);
    let bodies: Vec<_> = server.requests().into_iter().map(|request| request.body.unwrap()).collect();
    assert_eq!(bodies, [&b"three\0bytes\n"[..]; 2]);
    assert!(server.pauses()[0] >= SECOND);

    let server = Busy::new(&[Turn::Later(503, Some("1"))]);
    said(Script::new().download(URL), &server).await.unwrap();
    let pauses = server.pauses();
    assert!(pauses.len() == 1 && pauses[0] >= SECOND, "{pauses:?}");
}

#[tokio::test]
async fn who_never_recovers_is_asked_four_times_and_then_told_of() {
    let server = Busy::new(&[Turn::Later(429, Some("0")); 10]);
    assert_eq!(said(Script::new().send("GET", URL), &server).await.unwrap(), ["later"]);
    assert_eq!(server.requests().len(), 4);
    let server = Busy::new(&[Turn::Gone; 10]);
    let error = said(Script::new().send("GET", URL), &server).await.unwrap_err();
    assert_eq!(error.code(), "remote/unreachable");
    assert_eq!(server.requests().len(), 4);
}

#[tokio::test]
async fn a_wait_that_the_call_has_no_time_for_is_left_to_the_guest() {
    // More than the limit, and less than it but more than is left of the call.
    for (told, wall_ms_max) in [("61", 3_600_000), ("50", 20_000)] {
        let server = Busy::new(&[Turn::Later(429, Some(told))]);
        let sandbox = Sandbox::with(&[("p", Script::new().send("GET", URL).component())]);
        let (call, log) = asking(&server, wall_ms_max);
        sandbox.host.run_processing(call, json!({})).await.unwrap();
        assert_eq!((log.said(), server.requests().len()), (vec!["later".to_owned()], 1), "{told}");
    }
}

#[tokio::test]
async fn the_next_run_of_the_same_instance_waits_and_another_instance_does_not() {
    let server = Busy::new(&[Turn::Later(503, Some("2"))]);
    let guests = [("p", Script::new().send("POST", URL).component())];
    let sandbox = Sandbox::with(&guests);
    let mut times = Vec::new();
    for instance in ["one", "two", "one"] {
        let (mut call, _) = asking(&server, 120_000);
        call.subject = Arc::new(Subject { instance: instance.to_owned(), ..(*call.subject).clone() });
        sandbox.host.run_processing(call, json!({})).await.unwrap();
        times.push(server.asked.lock().unwrap().last().unwrap().0);
    }
    assert!(times[1].duration_since(times[0]) < 2 * SECOND, "the other instance");
    assert!(times[2].duration_since(times[0]) >= 2 * SECOND, "the same instance");
}

#[tokio::test]
async fn waiting_ends_with_a_cancellation_and_with_the_time_of_the_call() {
    // The wait before the same request, and that before the next one.
    for script in [Script::new().send("GET", URL), Script::new().send("POST", URL).send("GET", URL)] {
        let server = Busy::new(&[Turn::Later(503, Some("50"))]);
        let sandbox = Sandbox::with(&[("p", script.component())]);
        let (call, _) = asking(&server, 3_600_000);
        let (host, cancel) = (sandbox.host.clone(), call.cancel.clone());
        let begun = Instant::now();
        let run = tokio::spawn(async move { host.run_processing(call, json!({})).await });
        server.first.notified().await;
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert!(!run.is_finished(), "it waits");
        cancel.cancel();
        let error = run.await.unwrap().unwrap_err();
        assert!(matches!(error, PluginError::Cancelled), "{error}");
        assert!(begun.elapsed() < Duration::from_secs(40), "it did not wait to the end");
    }
    let server = Busy::new(&[Turn::Later(503, Some("50"))]);
    let script = Script::new().send("POST", URL).send("GET", URL);
    let sandbox = Sandbox::with(&[("p", script.component())]);
    let (call, _) = asking(&server, 1_000);
    let error = sandbox.host.run_processing(call, json!({})).await.unwrap_err();
    assert_eq!(error.code(), "plugin/deadline", "{error}");
    assert_eq!(server.requests().len(), 1);
}
