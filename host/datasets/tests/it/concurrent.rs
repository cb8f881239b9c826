//! Changes of one dataset that happen at the same time.

use std::sync::Arc;

use axum::http::Method;
use halle_base::Timestamp;
use halle_model::Dataset;
use halle_store::{EntityExt, Store};
use serde_json::{Value, json};

use crate::harness::{Answer, Harness, Meanwhile, admin};

/// Adds an extension, and `more`; the plugin is asked for its columns before that is written.
async fn extend(harness: &Harness, more: Value) -> Answer {
    let mut body = json!({ "extensions": [{ "type": "enricher", "plugin": "up" }] });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    harness.json(&admin(), Method::PATCH, "/datasets/d", body).await
}

fn meanwhile(harness: &Harness, what: Meanwhile) {
    *harness.enrichments.meanwhile.lock().unwrap() = Some(what);
}

/// Saves the dataset as a job does that counted its lines.
fn job(store: Arc<dyn Store>) -> Meanwhile {
    Box::pin(async move {
        let mut unit = store.begin().await.unwrap();
        let mut dataset = unit.load::<Dataset>("d").await.unwrap().unwrap();
        dataset.count = Some(41);
        unit.save(&mut dataset, Timestamp::UNIX_EPOCH).await.unwrap();
        unit.commit().await.unwrap();
    })
}

async fn described(harness: &Harness) -> Value {
    harness.get(&admin(), "/datasets/d").await.ok()
}

#[tokio::test]
async fn a_job_that_saves_at_the_same_moment_refuses_no_change() {
    let harness = Harness::new().await;
    harness.dataset("d", "nom\na\n").await;
    meanwhile(&harness, job(Arc::clone(&harness.datasets.store)));
    let changed = extend(&harness, json!({ "description": "Texte" })).await.ok();
    assert_eq!(
        (&changed["extensions"][0]["plugin"], &changed["description"]),
        (&json!("up"), &json!("Texte"))
    );
    assert_eq!(described(&harness).await["count"], 41, "what the job wrote stays");
}

#[tokio::test]
async fn what_another_client_changed_stays_and_the_same_attribute_is_not_changed_twice() {
    let harness = Harness::new().await;
    harness.dataset("d", "nom\na\n").await;
    let title = json!({ "title": "Autre" });
    meanwhile(&harness, harness.later(&admin(), Method::PATCH, "/datasets/d", &title));
    extend(&harness, json!({ "description": "Texte" })).await.ok();
    let seen = described(&harness).await;
    assert_eq!((&seen["title"], &seen["description"]), (&json!("Autre"), &json!("Texte")));
    harness.run().await;

    let theirs = json!({ "description": "La leur", "extensions": [] });
    meanwhile(&harness, harness.later(&admin(), Method::PATCH, "/datasets/d", &theirs));
    let prefix = json!([{ "type": "enricher", "plugin": "up", "propertyPrefix": "x" }]);
    let refused = extend(&harness, json!({ "description": "La nôtre", "extensions": prefix })).await;
    assert_eq!(refused.status, 409, "{}", refused.text);
    let seen = described(&harness).await;
    assert_eq!((&seen["description"], seen.get("extensions")), (&json!("La leur"), None));
}

#[tokio::test]
async fn a_draft_hides_no_change_of_the_same_attribute_below_it() {
    let harness = Harness::new().await;
    harness.dataset("d", "nom\na\n").await;
    let file = ("data.csv", b"nom\nb\n".as_slice());
    harness.upload(&admin(), "/datasets/d?draft=never", file, &[]).await.ok();
    harness.run().await;
    let drafted = json!({ "title": "Du brouillon" });
    harness.json(&admin(), Method::PATCH, "/datasets/d?draft=true", drafted).await.ok();
    let theirs = json!({ "title": "Le leur" });
    meanwhile(&harness, harness.later(&admin(), Method::PATCH, "/datasets/d", &theirs));
    let refused = extend(&harness, json!({ "title": "Le nôtre" })).await;
    assert_eq!(refused.status, 409, "{}", refused.text);
    assert_eq!(described(&harness).await["title"], "Le leur");
    let seen = harness.get(&admin(), "/datasets/d?draft=true").await.ok();
    assert_eq!(seen["title"], "Du brouillon", "the draft keeps its own");
}

#[tokio::test]
async fn a_change_of_the_description_is_dated() {
    let harness = Harness::new().await;
    let before = harness.dataset("d", "nom\na\n").await["updatedAt"].clone();
    harness.clock.advance(jiff::SignedDuration::from_secs(60));
    let after = harness.json(&admin(), Method::PATCH, "/datasets/d", json!({ "title": "Autre" })).await.ok();
    assert!(after["updatedAt"].as_str() > before.as_str(), "{before} {}", after["updatedAt"]);
    assert_eq!(described(&harness).await["updatedAt"], after["updatedAt"]);
}
