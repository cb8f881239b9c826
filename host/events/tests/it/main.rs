//! Webhooks: settings and events in a real store, jobs by the real runner, an egress that remembers.
#![expect(clippy::unwrap_used, reason = "a helper of tests may panic: that fails the test")]

mod reading;

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures::stream::BoxStream;
use halle_base::{AccountRef, Clock, ManualClock, Timestamp};
use halle_events::{EventsParts, handlers};
use halle_extensions::Problem;
use halle_extensions::services::{Egress, EgressPolicy, HttpRequest, HttpResponse, HttpStream};
use halle_model::Settings;
use halle_store::runner::Runner;
use halle_store::settings::notify;
use halle_store::{Document, EntityExt, Store};
use halle_store_sql::SqlStore;
use jiff::SignedDuration;
use serde_json::{Value, json};

/// Answers with the statuses it was given, the last one for ever, and remembers what it was sent.
struct Remembering {
    answers: Mutex<Vec<Result<u16, Problem>>>,
    sent: Mutex<Vec<(EgressPolicy, HttpRequest)>>,
}

#[async_trait]
impl Egress for Remembering {
    async fn send(&self, policy: &EgressPolicy, request: HttpRequest) -> Result<HttpResponse, Problem> {
        self.sent.lock().unwrap().push((policy.clone(), request));
        let mut answers = self.answers.lock().unwrap();
        let answer = if answers.len() > 1 { answers.remove(0) } else { answers[0].clone() };
        answer.map(|status| HttpResponse { status, headers: vec![], body: "".into(), truncated: false })
    }

    async fn stream(&self, _: &EgressPolicy, _: HttpRequest) -> Result<HttpStream, Problem> {
        Err(Problem::new("test/no", "webhooks do not stream"))
    }

    async fn upload(
        &self,
        _: &EgressPolicy,
        _: HttpRequest,
        _: u64,
        _: BoxStream<'static, std::io::Result<bytes::Bytes>>,
    ) -> Result<HttpResponse, Problem> {
        Err(Problem::new("test/no", "webhooks do not upload"))
    }
}

struct World {
    store: Arc<dyn Store>,
    clock: Arc<ManualClock>,
    egress: Arc<Remembering>,
    runner: Runner,
}

/// An organisation with two webhooks, one of them for errors only, and a dataset.
async fn world(answers: Vec<Result<u16, Problem>>) -> World {
    let clock = Arc::new(ManualClock::at(Timestamp::UNIX_EPOCH));
    let store: Arc<dyn Store> =
        Arc::new(SqlStore::sqlite_temporary().await.unwrap().with_clock(clock.clone()));
    let egress = Arc::new(Remembering { answers: Mutex::new(answers), sent: Mutex::default() });
    let hook = |title: &str, events: Value| {
        json!({ "title": title, "events": events,
            "target": { "type": "http", "params": { "url": format!("https://{title}.example.org/hook?a=1") } } })
    };
    let content = json!({ "webhooks": [hook("tout", json!([])), hook("erreurs", json!(["dataset-error"]))] });
    let content = serde_json::from_value(content).unwrap();
    let settings = Settings { content, ..Settings::new(owner()) };
    let mut unit = store.begin().await.unwrap();
    unit.insert(&settings, clock.now()).await.unwrap();
    let dataset = Document {
        collection: "datasets",
        id: "d".to_owned(),
        owner: None,
        sort_title: String::new(),
        search_text: String::new(),
        keys: vec![],
        body: json!({ "title": "Arbres" }),
        revision: 0,
        created_at: clock.now(),
        updated_at: clock.now(),
    };
    unit.documents().put(&dataset).await.unwrap();
    unit.commit().await.unwrap();
    let parts = EventsParts {
        store: Arc::clone(&store),
        egress: egress.clone(),
        public_url: "https://halle.test".to_owned(),
    };
    let runner = Runner {
        store: Arc::clone(&store),
        clock: clock.clone(),
        handlers: handlers(parts),
        worker: "test".to_owned(),
        concurrency: 1,
    };
    World { store, clock, egress, runner }
}

fn owner() -> AccountRef {
    AccountRef::organization("ville", "Ville")
}

impl World {
    async fn happens(&self, event: &str) {
        let mut unit = self.store.begin().await.unwrap();
        notify(unit.as_mut(), &owner(), "dataset", "d", event, self.clock.now()).await.unwrap();
        unit.commit().await.unwrap();
        self.runner.run_ready().await;
    }

    fn sent(&self) -> Vec<(String, Value)> {
        let sent = self.egress.sent.lock().unwrap();
        let read = |request: &HttpRequest| {
            let body = serde_json::from_slice(request.body.as_ref().unwrap()).unwrap();
            (request.url.clone(), body)
        };
        sent.iter().map(|(_, request)| read(request)).collect()
    }
}

#[tokio::test]
async fn each_webhook_is_told_of_the_events_it_wants() {
    let world = world(vec![Ok(204)]).await;
    world.happens("finalize-end").await;
    let expected = json!({ "text": "« Arbres » est à jour.", "event": "finalize-end",
        "href": "https://halle.test/data-fair/api/v1/datasets/d" });
    assert_eq!(world.sent(), [("https://tout.example.org/hook?a=1".to_owned(), expected)]);
    world.happens("error").await;
    let told: Vec<String> = world.sent().into_iter().skip(1).map(|(url, _)| url).collect();
    assert_eq!(told, ["https://tout.example.org/hook?a=1", "https://erreurs.example.org/hook?a=1"]);
    world.happens("something-else").await;
    assert_eq!(world.sent().len(), 3, "what nobody may subscribe to is not told");
    let (policy, request) = world.egress.sent.lock().unwrap()[0].clone();
    assert_eq!(
        (policy.origins, policy.methods),
        (vec!["https://tout.example.org".to_owned()], vec!["POST".to_owned()])
    );
    assert_eq!(request.method, "POST");
}

#[tokio::test]
async fn what_a_person_wrote_is_handed_on_as_it_was_written() {
    let world = world(vec![Ok(204)]).await;
    let notification = json!({
        "_id": "n", "title": "Gel", "body": "Rentrez les agrumes.", "urlParams": { "id": "d" }, "visibility": "private",
        "date": "1970-01-01T00:00:00Z", "sender": owner(), "originator": { "user": { "id": "a", "name": "A" } },
        "topic": { "key": "data-fair:dataset-user-notification:arbres:alertes", "title": "Arbres" },
        "resource": { "type": "dataset", "id": "d", "title": "Arbres" },
    });
    let mut unit = world.store.begin().await.unwrap();
    let sent = serde_json::from_value(notification.clone()).unwrap();
    halle_store::notifications::send(unit.as_mut(), &sent).await.unwrap();
    unit.commit().await.unwrap();
    world.runner.run_ready().await;
    let expected = json!({
        "text": "Gel\n\nRentrez les agrumes.", "event": "user-notification:arbres:alertes", "notification": notification,
        "href": "https://halle.test/data-fair/api/v1/datasets/d",
    });
    assert_eq!(world.sent(), [("https://tout.example.org/hook?a=1".to_owned(), expected)]);
}

#[tokio::test]
async fn a_webhook_that_fails_is_called_again_and_given_up_in_the_end() {
    let world = world(vec![Ok(503), Err(Problem::new("http/timeout", "no answer")), Ok(200)]).await;
    world.happens("finalize-end").await;
    assert_eq!(world.sent().len(), 1);
    for _ in 0..4 {
        world.clock.advance(SignedDuration::from_hours(1));
        world.runner.run_ready().await;
    }
    assert_eq!(world.sent().len(), 3, "until it answered");

    let world = self::world(vec![Ok(500)]).await;
    world.happens("finalize-end").await;
    for _ in 0..20 {
        world.clock.advance(SignedDuration::from_hours(1));
        world.runner.run_ready().await;
    }
    assert_eq!(world.sent().len(), 5);
}

#[tokio::test]
async fn what_would_fail_again_is_not_called_again() {
    for answer in [Ok(404), Err(Problem::new("denied/http", "a private address"))] {
        let world = world(vec![answer]).await;
        world.happens("finalize-end").await;
        world.clock.advance(SignedDuration::from_hours(1));
        world.runner.run_ready().await;
        assert_eq!(world.sent().len(), 1);
    }
    let world = world(vec![Ok(200)]).await;
    let mut unit = world.store.begin().await.unwrap();
    notify(unit.as_mut(), &owner(), "dataset", "d", "error", world.clock.now()).await.unwrap();
    unit.remove::<Settings>(&owner().key()).await.unwrap();
    unit.commit().await.unwrap();
    world.runner.run_ready().await;
    assert!(world.sent().is_empty(), "a webhook that was taken back is not called");
}
