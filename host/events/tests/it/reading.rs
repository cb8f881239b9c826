//! Reading what was sent, through the routes, over a real store.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use halle_base::{AccountRef, Clock, ManualClock, Timestamp};
use halle_events::Events;
use halle_http::BaseUrl;
use halle_model::caller::{Membership, User};
use halle_model::notification::Notification;
use halle_model::{Caller, Settings};
use halle_store::notifications::send;
use halle_store::{EntityExt, Store};
use halle_store_sql::SqlStore;
use jiff::SignedDuration;
use serde_json::{Value, json};
use tower::ServiceExt;

struct Desk {
    store: Arc<dyn Store>,
    clock: Arc<ManualClock>,
    router: Router,
}

fn member(id: &str, organization: &str, role: &str) -> Caller {
    let membership = Membership {
        id: organization.to_owned(),
        name: organization.to_owned(),
        role: role.to_owned(),
        department: None,
        department_name: None,
    };
    let user = User {
        id: id.to_owned(),
        name: id.to_owned(),
        email: format!("{id}@example.org"),
        organizations: vec![membership.clone()],
        is_admin: false,
    };
    Caller::member(user, &membership)
}

impl Desk {
    async fn new() -> Self {
        let clock = Arc::new(ManualClock::at(Timestamp::UNIX_EPOCH));
        let store: Arc<dyn Store> =
            Arc::new(SqlStore::sqlite_temporary().await.unwrap().with_clock(clock.clone()));
        let router = halle_events::router(Events::new(Arc::clone(&store), clock.clone()));
        Self { store, clock, router }
    }

    /// Sends a notification about a dataset of `ville`; more of it is in `with`.
    async fn send(&self, id: &str, with: Value) {
        self.clock.advance(SignedDuration::from_secs(1));
        let mut body = json!({
            "_id": id, "title": format!("Nouvelle {id}"), "urlParams": {}, "visibility": "private", "date": self.clock.now(),
            "topic": { "key": "data-fair:dataset-user-notification:arbres:gel", "title": "Arbres" },
            "sender": { "type": "organization", "id": "ville", "name": "Ville" }, "originator": {},
            "resource": { "type": "dataset", "id": "d", "title": "Arbres" },
        });
        body.as_object_mut().unwrap().extend(with.as_object().unwrap().clone());
        let notification: Notification = serde_json::from_value(body).unwrap();
        let mut unit = self.store.begin().await.unwrap();
        send(unit.as_mut(), &notification).await.unwrap();
        unit.commit().await.unwrap();
    }

    async fn ask(&self, caller: &Caller, path: &str) -> (u16, Value) {
        let mut request = Request::get(path).body(Body::empty()).unwrap();
        request.extensions_mut().insert(halle_http::Caller(caller.clone()));
        request.extensions_mut().insert(BaseUrl("https://halle.test".into()));
        let answer = self.router.clone().oneshot(request).await.unwrap();
        let status = answer.status().as_u16();
        let bytes = axum::body::to_bytes(answer.into_body(), usize::MAX).await.unwrap();
        (status, serde_json::from_slice(&bytes).unwrap_or_default())
    }

    async fn get(&self, caller: &Caller, path: &str) -> Value {
        let (status, body) = self.ask(caller, path).await;
        assert_eq!(status, 200, "{path} {body}");
        body
    }
}

fn ids(page: &Value) -> Vec<&str> {
    page["results"].as_array().unwrap().iter().map(|event| event["_id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn administrators_read_what_was_sent_page_by_page() {
    let desk = Desk::new().await;
    for id in ["a", "b", "c"] {
        desk.send(id, json!({})).await;
    }
    desk.send("e", json!({ "resource": { "type": "dataset", "id": "e", "title": "Écoles" } })).await;
    desk.send("z", json!({ "sender": { "type": "organization", "id": "port", "name": "Port" } })).await;
    let admin = member("alice", "ville", "admin");
    let page = desk.get(&admin, "/events/api/events?size=3").await;
    assert_eq!(ids(&page), ["e", "c", "b"]);
    let next = page["next"].as_str().unwrap().strip_prefix("https://halle.test").unwrap();
    let page = desk.get(&admin, next).await;
    assert_eq!((ids(&page), page.get("next")), (vec!["a"], None));
    let of = async |query: &str| desk.get(&admin, &format!("/events/api/events?{query}")).await;
    assert_eq!(ids(&of("q=ecoles").await), ["e"]);
    assert_eq!(ids(&of("resource=dataset/d&size=2").await), ["c", "b"]);
    assert_eq!(of("select=title&size=1").await["results"][0], json!({ "_id": "e", "title": "Nouvelle e" }));
    assert_eq!(desk.ask(&admin, "/events/api/events?before=no").await.0, 400);
}

#[tokio::test]
async fn nobody_else_reads_them() {
    let desk = Desk::new().await;
    desk.send("a", json!({ "recipient": { "id": "bob" } })).await;
    let admin = member("alice", "ville", "admin");
    let key = Caller { scopes: Some(vec!["datasets".to_owned()]), ..admin.clone() };
    for (caller, events, notifications) in [
        (Caller::anonymous(), 401, 401),
        (member("bob", "ville", "contrib"), 403, 200),
        (key, 403, 403),
        (admin.clone(), 200, 200),
    ] {
        assert_eq!(desk.ask(&caller, "/events/api/events").await.0, events);
        assert_eq!(desk.ask(&caller, "/events/api/notifications").await.0, notifications);
    }
    assert_eq!(desk.get(&member("zoe", "port", "admin"), "/events/api/events").await["results"], json!([]));
    assert_eq!(desk.get(&admin, "/events/api/notifications").await["results"], json!([]), "it was for bob");
}

#[tokio::test]
async fn a_person_reads_what_came_and_is_told_what_is_new() {
    let desk = Desk::new().await;
    let bob = member("bob", "port", "user");
    for id in ["a", "b"] {
        desk.send(id, json!({ "recipient": { "id": "bob" } })).await;
    }
    let counted = desk.get(&bob, "/events/api/notifications?size=0").await;
    assert_eq!(counted, json!({ "results": [], "countNew": 2, "count": 2 }));
    let page = desk.get(&bob, "/events/api/notifications?size=1").await;
    assert_eq!(
        (ids(&page), &page["countNew"], &page["results"][0]["new"]),
        (vec!["b"], &json!(2), &json!(true))
    );
    desk.send("c", json!({ "recipient": { "id": "bob" } })).await;
    let page = desk.get(&bob, "/events/api/notifications?count=false").await;
    assert_eq!((ids(&page), &page["countNew"], page.get("count")), (vec!["c", "b", "a"], &json!(1), None));
    let new: Vec<&Value> = page["results"].as_array().unwrap().iter().map(|one| &one["new"]).collect();
    assert_eq!(new, [true, false, false]);
    assert_eq!(ids(&desk.get(&bob, "/events/api/notifications?skip=2").await), ["a"]);
}

#[tokio::test]
async fn what_has_a_recipient_calls_their_webhooks_and_no_other() {
    let desk = Desk::new().await;
    let hook = json!({ "webhooks": [{ "title": "w", "events": ["dataset-user-notification:arbres"],
        "target": { "type": "http", "params": { "url": "https://example.org/hook" } } }] });
    let mut unit = desk.store.begin().await.unwrap();
    for account in [AccountRef::organization("ville", "Ville"), AccountRef::user("bob", "Bob")] {
        let content = serde_json::from_value(hook.clone()).unwrap();
        let settings = Settings { content, ..Settings::new(account) };
        unit.insert(&settings, desk.clock.now()).await.unwrap();
    }
    unit.commit().await.unwrap();
    let called = async |account: &str| {
        let mut unit = desk.store.read().await.unwrap();
        unit.jobs().with_key(&format!("webhooks/{account}/w")).await.unwrap().len()
    };
    desk.send("a", json!({ "recipient": { "id": "bob" } })).await;
    assert_eq!((called("organization:ville").await, called("user:bob").await), (0, 1));
    desk.send("b", json!({})).await;
    assert_eq!((called("organization:ville").await, called("user:bob").await), (1, 1));
    let topic = json!({ "key": "data-fair:dataset-user-notification:ecoles:gel", "title": "Écoles" });
    desk.send("c", json!({ "topic": topic })).await;
    assert_eq!(called("organization:ville").await, 1, "about another dataset");
}
