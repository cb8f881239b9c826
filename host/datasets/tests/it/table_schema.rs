//! Table Schema, out and in. The snapshot is checked by Frictionless itself: `cargo xtask tableschema`.

use axum::http::Method;
use halle_model::Caller;
use serde_json::{Value, json};

use crate::harness::{Harness, admin};
use crate::lines::places;

/// A file whose types have to be told: codes that look like numbers.
const TOWNS: &str = "\
Code INSEE,Nom,Population,Créée le,Genre
01001,Abergement,800,2020-01-01,f
01002,Ambérieu,,2021-06-30,m
";

fn schema() -> Value {
    json!({
        "fields": [
            { "name": "Code INSEE", "title": "Code", "description": "Code officiel", "type": "string",
              "rdfType": "http://rdf.insee.fr/def/geo#codeCommune",
              "constraints": { "required": true, "pattern": "^[0-9]{5}$" } },
            { "name": "Nom", "type": "string", "constraints": { "maxLength": 100 } },
            { "name": "Population", "type": "number", "constraints": { "minimum": 0 } },
            { "name": "Créée le", "type": "date" },
            { "name": "Genre", "type": "string", "constraints": { "enum": ["f", "m"] } },
        ],
        "primaryKey": ["Code INSEE"],
        "missingValues": [""],
    })
}

async fn read(harness: &Harness, path: &str) -> Value {
    harness.get(&admin(), &format!("/datasets/villes/{path}")).await.ok()
}

#[tokio::test]
async fn a_schema_given_with_the_file_sets_types_texts_and_rules() {
    let harness = Harness::new().await;
    let text = schema().to_string();
    let fields = [("schema", text.as_str()), ("title", "Villes")];
    harness.upload(&admin(), "/datasets/villes", ("villes.csv", TOWNS.as_bytes()), &fields).await.ok();
    harness.run().await;
    let lines = read(&harness, "lines?select=code_insee,population&sort=_i").await;
    assert_eq!(lines["results"][0]["code_insee"], "01001", "a code is no number");
    let columns = read(&harness, "schema").await;
    let column = |key: &str| columns.as_array().unwrap().iter().find(|c| c["key"] == key).unwrap().clone();
    assert_eq!(column("population")["type"], "number");
    let code = column("code_insee");
    assert_eq!((&code["title"], &code["description"]), (&json!("Code"), &json!("Code officiel")));
    assert_eq!((&code["x-required"], &code["pattern"]), (&json!(true), &json!("^[0-9]{5}$")));
    assert_eq!(code["x-concept"]["id"], "codeCommune");
    assert_eq!(harness.get(&admin(), "/datasets/villes").await.ok()["primaryKey"], json!(["code_insee"]));

    let out = read(&harness, "schema?mimeType=application/tableschema%2Bjson").await;
    assert_eq!(out["fields"][0]["constraints"], schema()["fields"][0]["constraints"]);
    assert_eq!(out["fields"][4]["constraints"], json!({ "enum": ["f", "m"] }));
    let rows = read(&harness, "lines?select=code_insee,nom,population,creee_le,genre&sort=_i").await;
    let rows: Vec<Value> = rows["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            let mut row = row.as_object().unwrap().clone();
            row.shift_remove("_score");
            // Frictionless wants every name in every row.
            row.entry("population").or_insert(Value::Null);
            row.into()
        })
        .collect();
    insta::assert_json_snapshot!("villes", json!({ "name": "villes", "data": rows, "schema": out }));
}

#[tokio::test]
async fn a_file_that_breaks_the_rules_of_its_schema_is_refused() {
    let harness = Harness::new().await;
    let text = schema().to_string();
    let wrong = TOWNS.replace("01002", "1002");
    let fields = [("schema", text.as_str())];
    harness.upload(&admin(), "/datasets/faux", ("villes.csv", wrong.as_bytes()), &fields).await.ok();
    harness.run().await;
    let dataset = harness.get(&admin(), "/datasets/faux").await.ok();
    assert_eq!(dataset["status"], "error", "{dataset}");
    let error = harness.last_error("faux").await;
    assert!(error.contains("erreur de validation"), "{error}");
}

#[tokio::test]
async fn a_schema_given_later_changes_texts_and_keeps_the_rest() {
    let harness = places().await;
    let schema = json!({ "fields": [{ "name": "Nom du lieu", "title": "Lieu" }, { "name": "latitude", "type": "number" }] });
    let body = json!({ "schema": schema });
    let patched = harness.json(&admin(), Method::PATCH, "/datasets/places", body).await.ok();
    let column =
        |key: &str| patched["schema"].as_array().unwrap().iter().find(|c| c["key"] == key).unwrap().clone();
    assert_eq!(column("nom_du_lieu")["title"], "Lieu");
    assert_eq!(column("latitude")["x-refersTo"], "http://schema.org/latitude");
    assert_eq!(column("surface")["type"], "number", "columns that are not named stay");
    harness.run().await;
    let wrong = json!({ "schema": { "fields": [{ "name": "nulle part" }] } });
    harness
        .json(&admin(), Method::PATCH, "/datasets/places", wrong)
        .await
        .refused(400, "\"schema\" : la colonne \"nulle_part\" n'existe pas dans le fichier.");
    let path = "/datasets/places/schema?mimeType=application/tableschema%2Bjson";
    let schema = harness.get(&Caller::anonymous(), path).await.ok();
    let types: Vec<&Value> =
        schema["fields"].as_array().unwrap().iter().map(|field| &field["type"]).collect();
    assert_eq!(types.last().unwrap(), &"number", "computed columns are not part of the data: {types:?}");
}
