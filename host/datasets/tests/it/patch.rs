//! Changes of a dataset, and what they make the pipeline do again.

use axum::http::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, Harness, admin};

const CSV: &str = "code,nom\n1,a\n2,b\nx3,c\n";

async fn patch(harness: &Harness, body: Value) -> Answer {
    harness.json(&admin(), Method::PATCH, "/datasets/d", body).await
}

async fn column(harness: &Harness, key: &str) -> Value {
    let schema = harness.get(&admin(), "/datasets/d/schema").await.ok();
    schema.as_array().unwrap().iter().find(|column| column["key"] == key).unwrap().clone()
}

#[tokio::test]
async fn descriptions_change_at_once() {
    let harness = Harness::new().await;
    harness.dataset("d", CSV).await;
    let body = json!({ "title": "Titre", "description": "Texte", "keywords": ["a"], "license": null });
    let patched = patch(&harness, body).await.ok();
    assert_eq!((&patched["title"], &patched["status"]), (&json!("Titre"), &json!("finalized")));
    let unset = patch(&harness, json!({ "description": null })).await.ok();
    assert!(unset.get("description").is_none());
    patch(&harness, json!({ "isRest": true }))
        .await
        .refused(400, "L'attribut \"isRest\" n'existe pas ou ne peut pas être modifié.");
}

#[tokio::test]
async fn slugs_are_unique_and_push_the_date_of_caches() {
    let harness = Harness::new().await;
    harness.dataset("d", CSV).await;
    harness.dataset("e", CSV).await;
    let before = harness.get(&admin(), "/datasets/d").await.ok()["finalizedAt"].clone();
    patch(&harness, json!({ "slug": "data-2" })).await.refused(400, "Ce slug est déjà utilisé");
    let patched = patch(&harness, json!({ "slug": "autre" })).await.ok();
    assert_eq!(patched["slug"], "autre");
    assert!(patched["finalizedAt"].as_str() > before.as_str());
    assert_eq!(harness.get(&admin(), "/datasets/autre").await.ok()["id"], "d");
}

#[tokio::test]
async fn titles_of_columns_need_nothing_else() {
    let harness = Harness::new().await;
    harness.dataset("d", CSV).await;
    let patched = patch(&harness, json!({ "schema": [{ "key": "nom", "title": "Nom" }] })).await.ok();
    assert_eq!(patched["status"], "finalized");
    assert_eq!(column(&harness, "nom").await["label"], "Nom");
    assert_eq!(column(&harness, "code").await["label"], "code");
    assert_eq!(column(&harness, "_i").await["x-calculated"], true);
}

#[tokio::test]
async fn concepts_rebuild_the_index_and_types_read_the_file_again() {
    let harness = Harness::new().await;
    harness.dataset("d", "lat,lon,n\n48.1,-1.6,1\n43.3,5.4,2\n").await;
    let lat = "http://schema.org/latitude";
    let lon = "http://schema.org/longitude";
    let schema = json!([
        { "key": "lat", "type": "number", "x-refersTo": lat },
        { "key": "lon", "type": "number", "x-refersTo": lon },
    ]);
    assert_eq!(patch(&harness, json!({ "schema": schema })).await.ok()["status"], "validated");
    harness.run().await;
    let dataset = harness.get(&admin(), "/datasets/d").await.ok();
    assert_eq!(dataset["status"], "finalized");
    assert_eq!(dataset["bbox"], json!([-1.6, 43.3, 5.4, 48.1]));
    assert_eq!(
        column(&harness, "lat").await["x-concept"],
        json!({ "id": "latitude", "title": "Latitude", "primary": true })
    );
    column(&harness, "_geopoint").await;

    let schema = json!([{ "key": "n", "type": "string" }]);
    assert_eq!(patch(&harness, json!({ "schema": schema })).await.ok()["status"], "stored");
    harness.run().await;
    let lines = harness.get(&admin(), "/datasets/d/lines?select=n&sort=n").await.ok();
    assert_eq!(lines["results"][0]["n"], "1");
    assert_eq!(harness.get(&admin(), "/datasets/d/raw").await.status, 200, "the upload is still there");
    harness.run_later().await;
    assert_eq!(
        harness.get(&admin(), "/datasets/d/raw").await.status,
        200,
        "and stays after old versions went"
    );

    harness.dataset("d", "lat,lon,n\n48.1,-1.6,7\n").await;
    assert_eq!(column(&harness, "n").await["type"], "string", "a chosen type survives the next file");
    assert_eq!(column(&harness, "lat").await["x-refersTo"], lat);
}

#[tokio::test]
async fn a_type_that_does_not_fit_is_an_error_that_names_lines() {
    let harness = Harness::new().await;
    harness.dataset("d", CSV).await;
    patch(&harness, json!({ "schema": [{ "key": "code", "type": "integer" }] })).await.ok();
    harness.run().await;
    let error = harness.last_error("d").await;
    assert!(
        error.starts_with("34% des lignes ont une erreur de validation : ligne 4, colonne « code »"),
        "{error}"
    );
    assert_eq!(
        harness.get(&admin(), "/datasets/d/lines").await.ok()["total"],
        3,
        "the old version is served"
    );
    patch(&harness, json!({ "schema": [{ "key": "code", "type": "string" }] })).await.ok();
    harness.run().await;
    assert_eq!(harness.get(&admin(), "/datasets/d").await.ok()["status"], "finalized");
}

#[tokio::test]
async fn schemas_are_filtered_and_described_in_three_forms() {
    let harness = Harness::new().await;
    harness.dataset("d", "t,n,d\na,1,2024-01-02\na,2,2024-01-03\na,3,2024-01-04\nb,4,2024-01-05\n").await;
    let keys = |query: &'static str| {
        let harness = &harness;
        async move {
            let schema = harness.get(&admin(), &format!("/datasets/d/schema?{query}")).await.ok();
            let keys =
                schema.as_array().unwrap().iter().map(|column| column["key"].as_str().unwrap().to_owned());
            keys.collect::<Vec<_>>()
        }
    };
    assert_eq!(keys("calculated=false").await, ["t", "n", "d"]);
    assert_eq!(keys("type=integer&calculated=false").await, ["n"]);
    assert_eq!(keys("format=date").await, ["d"]);
    assert_eq!(keys("enum=true").await, ["t"]);
    assert_eq!(keys("maxCardinality=2").await, ["t"]);
    assert_eq!(keys("capability=wildcard").await, Vec::<String>::new());
    let safe = harness.get(&admin(), "/datasets/d/safe-schema").await.ok();
    assert!(safe[0].get("enum").is_none() && safe[0].get("x-cardinality").is_none());
    let table =
        harness.get(&admin(), "/datasets/d/schema?mimeType=application/tableschema%2Bjson").await.ok();
    assert_eq!(table["fields"][2], json!({ "name": "d", "title": "d", "type": "date" }));
    let form = harness
        .get(&admin(), "/datasets/d/schema?mimeType=application/schema%2Bjson&calculated=false")
        .await
        .ok();
    assert_eq!(form["properties"]["n"]["type"], "integer");
    harness
        .get(&admin(), "/datasets/d/schema?capability=magic")
        .await
        .refused(400, "Le paramètre \"capability\" ne connaît pas \"magic\".");
}
