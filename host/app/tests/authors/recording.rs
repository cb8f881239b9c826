//! `halle plugin test --record`: what a service answers becomes part of a case.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::response::IntoResponse;
use axum::routing::get;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::desk::Desk;

/// A service with a list, that counts who asks; the task that it is.
async fn service(asked: Arc<AtomicUsize>) -> (String, JoinHandle<()>) {
    let list = move || async move {
        asked.fetch_add(1, Ordering::Relaxed);
        let items = json!([{ "name": "Dijon", "size": 160.5 }, { "name": "Beaune" }]);
        ([("set-cookie", "session=c00kie")], axum::Json(items)).into_response()
    };
    let router = Router::new().route("/list", get(list));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    (origin, tokio::spawn(async move { axum::serve(listener, router).await.unwrap() }))
}

#[tokio::test(flavor = "multi_thread")]
async fn exchanges_are_recorded_once_and_replayed_without_the_service() {
    let asked = Arc::new(AtomicUsize::new(0));
    let (origin, serving) = service(asked.clone()).await;
    let url = format!("{origin}/list");
    let desk = Desk::new();
    desk.done(&["new", "--kind", "processing", "--lang", "rust", "towns"]);
    let path = desk.path("towns/tests/cases/imports.json");
    let rows = json!([{ "name": "Dijon", "size": 160.5 }, { "name": "Beaune" }]);
    let case = json!({
        "config": { "url": url },
        "expect": { "written": { "output": { "mode": "replace", "rows": rows } } },
    });
    std::fs::write(&path, case.to_string()).unwrap();
    let read = || serde_json::from_slice::<Value>(&std::fs::read(&path).unwrap()).unwrap();

    // Neither without being told to record, nor to this machine without being allowed to.
    for refused in [&["test", "towns"][..], &["test", "towns", "--record"]] {
        let told = desk.run(refused, &[]);
        assert!(!told.status.success(), "{}", String::from_utf8_lossy(&told.stdout));
    }
    assert_eq!((read(), asked.load(Ordering::Relaxed)), (case.clone(), 0));

    let recorded = desk.done(&["test", "towns", "--record", "--allowed-private-origins", &origin]);
    assert!(
        recorded.contains("1 exchanges recorded") && recorded.contains("1 passed, 0 failed"),
        "{recorded}"
    );
    let kept = read();
    assert_eq!(kept["exchanges"].as_array().map(Vec::len), Some(1), "{kept}");
    assert_eq!(kept["exchanges"][0]["request"], json!({ "method": "GET", "url": url }));
    assert_eq!(kept["exchanges"][0]["response"], json!({ "status": 200, "json": rows }), "and no cookie");
    assert_eq!((&kept["config"], &kept["expect"]), (&case["config"], &case["expect"]));

    // From now on the case needs nobody, and recording again asks for nothing that is there.
    let again = desk.done(&["test", "towns", "--record", "--allowed-private-origins", &origin]);
    assert!(!again.contains("recorded"), "{again}");
    assert_eq!((read(), asked.load(Ordering::Relaxed)), (kept, 1));
    serving.abort();
    assert!(desk.done(&["test", "towns"]).contains("1 passed, 0 failed"));
}
