//! Messages of the pipeline as they happen, and who may listen.

use halle_datasets::http::realtime::authorize;
use halle_http::realtime::Delivery;
use halle_model::Caller;

use crate::harness::{Harness, admin};

#[tokio::test]
async fn the_journal_and_the_progress_are_told_live() {
    let harness = Harness::new().await;
    let mut messages = harness.datasets.hub.subscribe("datasets/d");
    harness.dataset("d", "code\n1\n").await;
    let (mut events, mut tasks) = (Vec::new(), Vec::new());
    while events.last().is_none_or(|event| event != "finalize-end") {
        let Some(Delivery::Message(message)) = messages.next().await else { panic!("a message was lost") };
        let field = |name: &str| message.data[name].as_str().unwrap().to_owned();
        match message.channel.as_str() {
            "datasets/d/journal" => events.push(field("type")),
            "datasets/d/task-progress" => tasks.push(field("task")),
            other => panic!("{other} is no channel of the dataset"),
        }
    }
    assert_eq!(events, harness.events("d").await);
    tasks.dedup();
    assert_eq!(tasks, ["store", "analyze", "validate", "index", "finalize"]);
}

#[tokio::test]
async fn only_who_may_read_the_journal_may_listen() {
    let harness = Harness::new().await;
    harness.dataset("d", "code\n1\n").await;
    let authorize = authorize(&harness.datasets);
    assert!(authorize(&admin(), "datasets/d/journal").await.is_ok());
    assert!(authorize(&admin(), "datasets/d/task-progress").await.is_ok());
    for (caller, channel, status) in [
        (Caller::anonymous(), "datasets/d/journal", 403),
        (admin(), "datasets/nowhere/journal", 404),
        (admin(), "datasets/d/secrets", 400),
        (admin(), "runs/x", 400),
    ] {
        let refusal = authorize(&caller, channel).await.unwrap_err();
        assert_eq!(refusal.status.as_u16(), status, "{channel}");
    }
}
