//! What a dataset says of its lines: box, period, bytes; and who is told of new data.

use axum::http::Method;
use halle_base::AccountRef;
use halle_model::{Caller, Settings};
use halle_store::EntityExt;
use serde_json::{Value, json};

use crate::harness::{Harness, admin};

const DATE: &str = "http://schema.org/Date";
const START: &str = "https://schema.org/startDate";
const END: &str = "https://schema.org/endDate";

async fn post(harness: &Harness, path: &str, body: Value) -> crate::harness::Answer {
    harness.json(&admin(), Method::POST, path, body).await
}

async fn dataset(harness: &Harness, id: &str) -> Value {
    harness.get(&admin(), &format!("/datasets/{id}")).await.ok()
}

#[tokio::test]
async fn the_box_is_that_of_shapes_not_of_their_middles() {
    let harness = Harness::new().await;
    let square = json!([[[0.1, 40.2], [10.25, 40.2], [10.25, 50.0], [0.1, 50.0], [0.1, 40.2]]]);
    let feature = |name: &str, kind: &str, coordinates: &Value| {
        json!({ "type": "Feature", "properties": { "nom": name },
            "geometry": { "type": kind, "coordinates": coordinates } })
    };
    let features =
        json!([feature("carré", "Polygon", &square), feature("point", "Point", &json!([-2.3522, 48.8566]))]);
    let file = json!({ "type": "FeatureCollection", "features": features }).to_string();
    harness.upload(&admin(), "/datasets/f", ("a.geojson", file.as_bytes()), &[]).await.ok();
    harness.run().await;
    assert_eq!(dataset(&harness, "f").await["bbox"], json!([-2.3522, 40.2, 10.25, 50.0]));
    let found = harness.get(&admin(), "/datasets/f/lines?format=geojson&nom_eq=carré").await.ok();
    assert_eq!(found["bbox"], json!([0.1, 40.2, 10.25, 50.0]));
}

#[tokio::test]
async fn the_period_goes_from_the_first_to_the_last_date() {
    let harness = Harness::new().await;
    harness.dataset("d", "jour,nom\n2024-02-29,a\n,b\n2021-05-01,c\n").await;
    assert!(dataset(&harness, "d").await.get("timePeriod").is_none(), "no column is said to hold dates");
    let schema =
        json!([{ "key": "jour", "type": "string", "format": "date", "x-refersTo": DATE }, { "key": "nom" }]);
    harness.json(&admin(), Method::PATCH, "/datasets/d", json!({ "schema": schema })).await.ok();
    harness.run().await;
    let expected = json!({ "startDate": "2021-05-01T00:00:00.000Z", "endDate": "2024-02-29T00:00:00.000Z" });
    assert_eq!(dataset(&harness, "d").await["timePeriod"], expected);
    let union = json!({ "isVirtual": true, "title": "V", "virtual": { "children": ["d"] } });
    harness.json(&admin(), Method::PUT, "/datasets/v", union).await.ok();
    harness.run().await;
    let columns = json!({ "schema": [{ "key": "jour" }, { "key": "nom" }] });
    harness.json(&admin(), Method::PATCH, "/datasets/v", columns).await.ok();
    harness.run().await;
    assert_eq!(dataset(&harness, "v").await["timePeriod"], expected);
    harness.dataset("d", "jour,nom\n2030-01-01,a\n").await;
    let period = dataset(&harness, "d").await["timePeriod"].clone();
    assert_eq!(period["startDate"], "2030-01-01T00:00:00.000Z");
    assert_eq!(period["startDate"], period["endDate"]);
    assert_eq!(dataset(&harness, "v").await["timePeriod"], period, "what is made of it follows");
}

#[tokio::test]
async fn the_period_of_edited_lines_follows_them() {
    let harness = Harness::new().await;
    let column = |key: &str, concept: &str| json!({ "key": key, "type": "string", "format": "date-time", "x-refersTo": concept });
    let body = json!({ "isRest": true, "title": "D", "schema": [column("de", START), column("a", END)] });
    harness.json(&admin(), Method::PUT, "/datasets/d", body).await.ok();
    let line = json!({ "_id": "x", "de": "2024-01-01T00:00:00+01:00", "a": "2024-03-01T10:00:00Z" });
    post(&harness, "/datasets/d/lines", line).await.ok();
    post(&harness, "/datasets/d/lines", json!({ "de": "2024-02-01T00:00:00Z", "a": "2024-02-02T00:00:00Z" }))
        .await
        .ok();
    harness.run().await;
    assert_eq!(
        dataset(&harness, "d").await["timePeriod"],
        json!({ "startDate": "2023-12-31T23:00:00.000Z", "endDate": "2024-03-01T10:00:00.000Z" })
    );
    harness.json(&admin(), Method::DELETE, "/datasets/d/lines/x", Value::Null).await;
    harness.run().await;
    assert_eq!(dataset(&harness, "d").await["timePeriod"]["endDate"], "2024-02-02T00:00:00.000Z");
    harness.json(&admin(), Method::DELETE, "/datasets/d/lines", Value::Null).await;
    harness.run().await;
    assert!(dataset(&harness, "d").await.get("timePeriod").is_none());
}

#[tokio::test]
async fn edited_lines_take_room() {
    let harness = Harness::new().await;
    let body = json!({ "isRest": true, "title": "D", "schema": [{ "key": "nom", "type": "string" }] });
    harness.json(&admin(), Method::PUT, "/datasets/d", body).await.ok();
    let storage = dataset(&harness, "d").await["storage"].clone();
    assert_eq!(storage["collection"], json!({ "size": 0, "count": 0 }));
    let long = "x".repeat(1_000);
    post(
        &harness,
        "/datasets/d/_bulk_lines",
        json!([{ "_id": "a", "nom": long }, { "_id": "b", "nom": "y" }]),
    )
    .await
    .ok();
    let size = async || dataset(&harness, "d").await["storage"]["collection"]["size"].as_u64().unwrap();
    let full = size().await;
    assert!((1_000..1_200).contains(&full), "{full}");
    let kept = harness.get(&admin(), "/limits/organization/ville").await.ok();
    assert!(kept["store_bytes"]["consumption"].as_u64().unwrap() >= full);
    harness.json(&admin(), Method::PATCH, "/datasets/d/lines/a", json!({ "nom": "short" })).await.ok();
    assert!(size().await < full - 900, "a line that shrinks gives back");
    harness.json(&admin(), Method::DELETE, "/datasets/d/lines/a", Value::Null).await;
    harness.json(&admin(), Method::DELETE, "/datasets/d/lines/b", Value::Null).await;
    assert_eq!(size().await, 0);
    post(&harness, "/datasets/d/_bulk_lines?drop=true", json!([{ "nom": long }])).await.ok();
    assert!(size().await >= 1_000);
}

#[tokio::test]
async fn replacing_every_line_needs_room_too() {
    let harness = Harness::new().await;
    let body = json!({ "isRest": true, "title": "D", "schema": [{ "key": "nom", "type": "string" }] });
    harness.json(&admin(), Method::PUT, "/datasets/d", body).await.ok();
    post(&harness, "/datasets/d/lines", json!({ "nom": "a" })).await.ok();
    harness.run().await;
    let root = Caller { admin_mode: true, ..admin() };
    let limits = json!({ "store_bytes": 10 });
    harness.json(&root, Method::POST, "/limits/organization/ville", limits).await.ok();
    let refused = post(&harness, "/datasets/d/_bulk_lines?drop=true", json!([{ "nom": "b" }])).await;
    assert!(refused.status == 429 && refused.text.contains("espace de stockage"), "{}", refused.text);
    let lines = harness.get(&admin(), "/datasets/d/lines?select=nom").await.ok();
    assert_eq!((&lines["total"], &lines["results"][0]["nom"]), (&json!(1), &json!("a")));
}

#[tokio::test]
async fn webhooks_tell_data_of_drafts_from_those_that_are_read() {
    let harness = Harness::new().await;
    let hook = |title: &str, event: &str| {
        json!({ "title": title, "events": [event],
            "target": { "type": "http", "params": { "url": "https://example.org/hook" } } })
    };
    let hooks = json!([hook("brouillon", "dataset-draft-data-updated"), hook("lu", "dataset-data-updated")]);
    let content = serde_json::from_value(json!({ "webhooks": hooks })).unwrap();
    let settings = Settings { content, ..Settings::new(AccountRef::organization("ville", "VILLE")) };
    let mut unit = harness.datasets.store.begin().await.unwrap();
    unit.insert(&settings, halle_base::Timestamp::UNIX_EPOCH).await.unwrap();
    unit.commit().await.unwrap();
    harness.dataset("d", "code\n1\n").await;
    let called = async |title: &str| {
        let mut unit = harness.datasets.store.read().await.unwrap();
        let jobs = unit.jobs().with_key(&format!("webhooks/organization:ville/{title}")).await.unwrap();
        jobs.iter().map(|job| job.payload["event"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert!(called("brouillon").await.is_empty() && called("lu").await.is_empty());
    harness.upload(&admin(), "/datasets/d?draft=never", ("d.csv", b"code\n2\n"), &[]).await.ok();
    harness.run().await;
    assert_eq!(called("brouillon").await, ["draft-data-updated"]);
    assert!(called("lu").await.is_empty(), "readers have the old data");
    harness.json(&admin(), Method::POST, "/datasets/d/draft", Value::Null).await;
    harness.run().await;
    assert_eq!(called("lu").await, ["data-updated"]);
}

#[tokio::test]
async fn values_come_by_likeness_and_fuzzy_words_are_found() {
    let harness = Harness::new().await;
    let lines = ["rue Paris", "rue Paris", "rue Paris", "Parisot", "Parisot", "PARIS", "Lyon"];
    let lines: Vec<Value> = lines.iter().map(|nom| json!({ "nom": nom })).collect();
    let body = json!({ "isRest": true, "title": "D", "schema": [{ "key": "nom", "type": "string" }] });
    harness.json(&admin(), Method::PUT, "/datasets/d", body).await.ok();
    post(&harness, "/datasets/d/_bulk_lines", json!(lines)).await.ok();
    let values =
        async |query: &str| harness.get(&admin(), &format!("/datasets/d/values/nom?{query}")).await.ok();
    assert_eq!(values("q=paris*").await, json!(["PARIS", "Parisot", "rue Paris"]));
    assert_eq!(values("q=pâris&q_mode=complete&size=2").await, json!(["PARIS", "Parisot"]));
    assert_eq!(values("q=paris*&sort=asc&size=1").await, json!(["PARIS"]));
    assert_eq!(values("size=1").await, json!(["rue Paris"]), "most frequent first when nothing is typed");
    let total = async |query: &str| {
        harness.get(&admin(), &format!("/datasets/d/lines?{query}")).await.ok()["total"].clone()
    };
    assert_eq!(total("qs=lyno~1").await, 1);
    assert_eq!(total("qs=lion~").await, 1);
    assert_eq!(total("qs=lyno~0").await, 0);
    assert_eq!(total("q=Pariso~1").await, 6, "a letter more or less");
    assert_eq!(total("qs=nom.text:parit~1").await, 4);
    let marked = harness.get(&admin(), "/datasets/d/lines?qs=lyno~1&highlight=nom").await.ok();
    assert_eq!(marked["results"][0]["_highlight"]["nom"][0], "<em class=\"highlighted\">Lyon</em>");
}
