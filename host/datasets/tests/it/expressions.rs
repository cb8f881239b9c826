//! Columns that expressions compute, on files and on edited lines.

use axum::http::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, Harness, admin, stranger};

const CSV: &str = "Str1,Nombre,Jour\nUnTrois,1.5,2024-02-29\nDeux,2,\n,3,2024-03-01\n";

fn computed(expr: &str, key: &str, json_type: &str) -> Value {
    json!({ "type": "exprEval", "active": true, "expr": expr, "property": { "key": key, "type": json_type } })
}

async fn patch(harness: &Harness, body: Value) -> Answer {
    harness.json(&admin(), Method::PATCH, "/datasets/d", body).await
}

async fn extend(harness: &Harness, extensions: &[Value]) -> Answer {
    patch(harness, json!({ "extensions": extensions })).await
}

/// Values of a column, in the order of the lines.
async fn values(harness: &Harness, key: &str) -> Vec<Value> {
    let lines = harness.get(&admin(), &format!("/datasets/d/lines?select={key}&sort=_i")).await.ok();
    lines["results"].as_array().unwrap().iter().map(|line| line[key].clone()).collect()
}

async fn editable(harness: &Harness) {
    let schema = json!([{ "key": "nom", "type": "string" }, { "key": "n", "type": "number" }]);
    let body = json!({ "isRest": true, "title": "D", "schema": schema });
    harness.json(&admin(), Method::PUT, "/datasets/d", body).await.ok();
}

async fn line(harness: &Harness, body: Value) -> Answer {
    harness.json(&admin(), Method::POST, "/datasets/d/lines", body).await
}

#[tokio::test]
async fn a_file_gets_the_columns_that_expressions_fill_one_after_the_other() {
    let harness = Harness::new().await;
    harness.dataset("d", CSV).await;
    let extensions = [
        computed("CONCAT(UPPER(str1), '-', nombre)", "code", "string"),
        computed("nombre * 2", "double", "integer"),
        computed("double + 0.5", "plus", "number"),
        json!({ "type": "exprEval", "expr": "TRANSFORM_DATE(jour, '', 'YYYY')", "active": true,
                "property": { "x-originalName": "Année du jour", "type": "integer", "title": "Année" } }),
    ];
    assert_eq!(extend(&harness, &extensions).await.ok()["status"], "validated");
    harness.run().await;
    assert_eq!(values(&harness, "code").await, ["UNTROIS-1.5", "DEUX-2", "-3"]);
    assert_eq!(values(&harness, "double").await, [3, 4, 6]);
    assert_eq!(values(&harness, "plus").await, [3.5, 4.5, 6.5]);
    assert_eq!(values(&harness, "annee_du_jour").await, [json!(2024), Value::Null, json!(2024)]);
    let schema = harness.get(&admin(), "/datasets/d/schema?extension=true").await.ok();
    let column = &schema.as_array().unwrap()[3];
    assert_eq!((&column["key"], &column["title"]), (&json!("annee_du_jour"), &json!("Année")));
    assert_eq!(column["x-extension"], "annee_du_jour");

    harness.dataset("d", "Str1,Nombre,Jour\na,10,2020-01-01\n").await;
    assert_eq!(values(&harness, "plus").await, [20.5], "the next file is computed too");
    extend(&harness, &[]).await.ok();
    harness.run().await;
    let schema = harness.get(&admin(), "/datasets/d/schema?calculated=false").await.ok();
    assert_eq!(schema.as_array().unwrap().len(), 3, "without the extensions their columns go");
}

#[tokio::test]
async fn an_expression_that_cannot_work_is_refused_before_anything_changes() {
    let harness = Harness::new().await;
    harness.dataset("d", CSV).await;
    for (expr, text) in [
        ("Str1 || 'x'", "la clé de la colonne Str1 est str1"),
        ("str1 ||", "l'expression \"str1 ||\" est incorrecte : parse error [1:8]: unexpected TEOF: EOF"),
        (
            "apres + 1",
            "la colonne apres est définie par une extension qui est appliquée après cette expression",
        ),
        ("rien + 1", "la colonne rien n'existe pas (expression \"rien + 1\")"),
    ] {
        let extensions = [computed(expr, "calc", "string"), computed("nombre", "apres", "number")];
        extend(&harness, &extensions).await.refused(400, text);
    }
    extend(&harness, &[computed("1", "nombre", "number")]).await.refused(
        400,
        "L'extension ajouterait une deuxième colonne \"nombre\" : changez son préfixe (propertyPrefix).",
    );
    let nameless = json!({ "type": "exprEval", "active": true, "expr": "1" });
    let answer = extend(&harness, &[nameless]).await;
    answer.refused(400, "une extension de type exprEval attend une colonne \"property\" avec une clé (key)");
    let dataset = harness.get(&admin(), "/datasets/d").await.ok();
    assert_eq!((&dataset["status"], dataset.get("extensions")), (&json!("finalized"), None));
}

#[tokio::test]
async fn a_value_that_does_not_fit_stops_the_file_and_names_its_line() {
    let harness = Harness::new().await;
    harness.dataset("d", CSV).await;
    extend(&harness, &[computed("nombre > 1.7 ? 'test' : nombre", "id", "number")]).await.ok();
    harness.run().await;
    assert_eq!(
        harness.last_error("d").await,
        "échec de l'évaluation de l'expression \"nombre > 1.7 ? 'test' : nombre\" : /id doit être de type number \
         (résultat : \"test\") (ligne 2)"
    );
    let dataset = harness.get(&admin(), "/datasets/d").await.ok();
    assert_eq!(dataset["status"], "error");
    assert_eq!(harness.get(&admin(), "/datasets/d/lines").await.ok()["total"], 3, "the version served stays");
    extend(&harness, &[computed("nombre > 1.7 ? 0 : nombre", "id", "number")]).await.ok();
    harness.run().await;
    assert_eq!(values(&harness, "id").await, [1.5, 0.0, 0.0]);
}

#[tokio::test]
async fn edited_lines_are_computed_within_the_write() {
    let harness = Harness::new().await;
    editable(&harness).await;
    extend(&harness, &[computed("UPPER(nom)", "cri", "string"), computed("cri || n", "tout", "string")])
        .await
        .ok();
    let made = line(&harness, json!({ "_id": "a", "nom": "ab", "n": 1, "cri": "non" })).await.ok();
    assert_eq!((&made["cri"], &made["tout"]), (&json!("AB"), &json!("AB1")));
    let patched = harness.json(&admin(), Method::PATCH, "/datasets/d/lines/a", json!({ "n": 2 })).await.ok();
    assert_eq!((&patched["nom"], &patched["tout"]), (&json!("ab"), &json!("AB2")));
    assert_eq!(values(&harness, "tout").await, ["AB2"], "readers see it at once");
    let same = harness.json(&admin(), Method::PATCH, "/datasets/d/lines/a", json!({ "n": 2 })).await;
    assert_eq!(same.status, 304);
    let bulk = json!([{ "nom": "x", "n": 5 }, { "nom": "y" }]);
    let report = harness.json(&admin(), Method::POST, "/datasets/d/_bulk_lines", bulk).await.ok();
    assert_eq!(report["nbCreated"], 2);
    let path = "/datasets/d/_bulk_lines?drop=true";
    let dropped = harness.json(&admin(), Method::POST, path, json!([{ "nom": "z", "n": 7 }])).await;
    assert_eq!(dropped.ok()["nbOk"], 1);
    assert_eq!(values(&harness, "tout").await, ["Z7"]);
}

#[tokio::test]
async fn a_line_that_cannot_be_computed_is_refused() {
    let harness = Harness::new().await;
    editable(&harness).await;
    extend(&harness, &[computed("n > 1 ? 'test' : n", "id", "number")]).await.ok();
    line(&harness, json!({ "n": 1 })).await.ok();
    let text = "échec de l'évaluation de l'expression \"n > 1 ? 'test' : n\" : /id doit être de type number (résultat : \"test\")";
    line(&harness, json!({ "n": 2 })).await.refused(400, text);
    let report = harness
        .json(&admin(), Method::POST, "/datasets/d/_bulk_lines", json!([{ "n": 0 }, { "n": 3 }]))
        .await
        .ok();
    assert_eq!((&report["nbOk"], &report["errors"][0]["error"]), (&json!(1), &json!(text)));
}

#[tokio::test]
async fn lines_that_are_there_are_computed_again_when_expressions_change() {
    let harness = Harness::new().await;
    editable(&harness).await;
    for n in 1..=3 {
        line(&harness, json!({ "nom": format!("l{n}"), "n": n })).await.ok();
    }
    extend(&harness, &[computed("n * 10", "dix", "integer")]).await.ok();
    harness.run().await;
    assert_eq!(values(&harness, "dix").await, [10, 20, 30]);
    let found = harness.get(&admin(), "/datasets/d/lines?dix_gte=20").await.ok();
    assert_eq!(found["total"], 2, "computed values can be filtered on");
    extend(&harness, &[computed("n * 100", "dix", "integer"), computed("random()", "sort", "number")])
        .await
        .ok();
    harness.run().await;
    assert_eq!(values(&harness, "dix").await, [100, 200, 300]);
    extend(&harness, &[]).await.ok();
    harness.run().await;
    let dataset = harness.get(&admin(), "/datasets/d").await.ok();
    assert!(!dataset["schema"].as_array().unwrap().iter().any(|column| column["key"] == "dix"));
    let lines = harness.get(&admin(), "/datasets/d/lines").await.ok();
    assert!(lines["results"][0].get("dix").is_none());
    let id = lines["results"][0]["_id"].as_str().unwrap().to_owned();
    let patched =
        harness.json(&admin(), Method::PATCH, &format!("/datasets/d/lines/{id}"), json!({ "n": 9 })).await;
    assert!(patched.ok().get("dix").is_none(), "lines forget values of columns that are gone");
}

#[tokio::test]
async fn lines_that_expressions_cannot_compute_put_the_dataset_in_error_until_they_change() {
    let harness = Harness::new().await;
    editable(&harness).await;
    line(&harness, json!({ "_id": "x", "nom": "a" })).await.ok();
    extend(&harness, &[computed("nom", "id", "number")]).await.ok();
    harness.run().await;
    let dataset = harness.get(&admin(), "/datasets/d").await.ok();
    assert_eq!(dataset["status"], "error");
    let error = harness.last_error("d").await;
    assert!(error.contains("/id doit être de type number (résultat : \"a\") (ligne x)"), "{error}");
    extend(&harness, &[computed("length(nom)", "id", "number")]).await.ok();
    harness.run().await;
    assert_eq!(values(&harness, "id").await, [1]);
    assert_eq!(harness.get(&admin(), "/datasets/d").await.ok()["status"], "finalized");
}

#[tokio::test]
async fn a_schema_of_edited_lines_keeps_its_computed_columns() {
    let harness = Harness::new().await;
    editable(&harness).await;
    extend(&harness, &[computed("n + 1", "suivant", "integer")]).await.ok();
    let mut schema = harness.get(&admin(), "/datasets/d").await.ok()["schema"].clone();
    for column in schema.as_array_mut().unwrap() {
        if column["key"] == "suivant" {
            column["title"] = json!("Le suivant");
        }
    }
    schema.as_array_mut().unwrap().insert(0, json!({ "key": "autre", "type": "string" }));
    let patched = patch(&harness, json!({ "schema": schema })).await.ok();
    let columns = patched["schema"].as_array().unwrap();
    let found = columns.iter().find(|column| column["key"] == "suivant").unwrap();
    assert_eq!((&found["title"], &found["x-extension"]), (&json!("Le suivant"), &json!("suivant")));
    assert_eq!(line(&harness, json!({ "autre": "a", "n": 1 })).await.ok()["suivant"], 2);
    let without = json!([{ "key": "autre", "type": "string" }]);
    let answer = patch(&harness, json!({ "schema": without })).await;
    answer.refused(400, "la colonne n n'existe pas (expression \"n + 1\")");
}

#[tokio::test]
async fn a_simulation_completes_a_line_and_keeps_nothing() {
    let harness = Harness::new().await;
    harness.dataset("d", CSV).await;
    extend(
        &harness,
        &[computed("nombre * 2", "double", "integer"), computed("SPLIT(str1, 'T')", "parts", "string")],
    )
    .await
    .ok();
    harness.run().await;
    let simulate = |caller, body| {
        let harness = &harness;
        async move { harness.json(&caller, Method::POST, "/datasets/d/_simulate-extension", body).await }
    };
    let error = harness.last_error("d").await;
    assert!(error.contains("/parts doit être de type string"), "{error}");
    let multiple = json!({ "type": "exprEval", "active": true, "expr": "SPLIT(str1, 'T')",
        "property": { "key": "parts", "type": "string", "separator": "," } });
    extend(&harness, &[computed("nombre * 2", "double", "integer"), multiple]).await.ok();
    harness.run().await;
    let completed =
        simulate(admin(), json!({ "nombre": 4, "str1": "aTb", "_id": "x", "double": 1 })).await.ok();
    assert_eq!(completed, json!({ "nombre": 4, "str1": "aTb", "double": 8, "parts": "a,b" }));
    let arrays = "/datasets/d/_simulate-extension?arrays=true";
    let completed = harness.json(&admin(), Method::POST, arrays, json!({ "str1": "aTb" })).await.ok();
    assert_eq!(completed["parts"], json!(["a", "b"]));
    simulate(admin(), json!({ "nombre": "x" }))
        .await
        .refused(400, "/nombre doit être de type number (valeur : \"x\")");
    assert_eq!(simulate(stranger(), json!({ "nombre": 1 })).await.status, 403);
    assert_eq!(harness.get(&admin(), "/datasets/d/lines").await.ok()["total"], 3);
}

#[tokio::test]
async fn a_dataset_without_columns_simulates_an_empty_line() {
    let harness = Harness::new().await;
    let body = json!({ "isMetaOnly": true, "title": "Fiche" });
    harness.json(&admin(), Method::PUT, "/datasets/fiche", body).await.ok();
    let path = "/datasets/fiche/_simulate-extension";
    assert_eq!(harness.json(&admin(), Method::POST, path, json!({})).await.ok(), json!({}));
    let body = json!({ "isRest": true, "title": "Vide", "schema": [] });
    harness.json(&admin(), Method::PUT, "/datasets/vide", body).await.ok();
    harness.json(&admin(), Method::POST, "/datasets/vide/lines", json!({})).await;
    harness.run().await;
    assert_eq!(harness.get(&admin(), "/datasets/vide").await.ok()["status"], "finalized");
}

#[tokio::test]
async fn cells_of_a_column_are_transformed_as_the_file_is_read() {
    let harness = Harness::new().await;
    harness.dataset("d", "prix,nom\n\"1,5\",a\n2,b\n,c\n").await;
    let schema = |prix: &str| {
        json!([
            { "key": "prix", "type": "number", "x-transform": { "expr": prix, "type": "integer" } },
            { "key": "nom", "type": "string", "x-transform": { "expr": "UPPER(value)" } },
        ])
    };
    let answer = patch(&harness, json!({ "schema": schema("value *") })).await;
    assert_eq!(answer.status, 400);
    assert!(answer.text.contains("parse error [1:8]: unexpected TEOF: EOF"), "{}", answer.text);
    patch(&harness, json!({ "schema": schema("value * 100") })).await.ok();
    harness.run().await;
    assert_eq!(values(&harness, "prix").await, [json!(150), json!(200), Value::Null]);
    assert_eq!(values(&harness, "nom").await, ["A", "B", "C"]);
    patch(&harness, json!({ "schema": schema("value > 1.7 ? map(1, 2) : value") })).await.ok();
    harness.run().await;
    let error = harness.get(&admin(), "/datasets/d/validation-diagnostic.csv").await.text;
    assert!(error.contains("3,validation,prix,") && error.contains("échec de l'évaluation"), "{error}");
    assert_eq!(harness.get(&admin(), "/datasets/d/lines").await.ok()["total"], 3);
}

#[tokio::test]
async fn computed_columns_live_with_owners_authors_and_history() {
    let harness = Harness::new().await;
    let rest = json!({ "lineOwnership": true, "storeUpdatedBy": true, "history": true });
    let body = json!({
        "isRest": true,
        "title": "D",
        "rest": rest,
        "schema": [{ "key": "nom", "type": "string" }, { "key": "n", "type": "number" }],
        "extensions": [computed("n * 2", "double", "integer")],
    });
    harness.json(&admin(), Method::PUT, "/datasets/d", body).await.ok();
    let own = "/datasets/d/own/organization:ville/lines";
    let made =
        harness.json(&admin(), Method::POST, own, json!({ "_id": "a", "nom": "x", "n": 1 })).await.ok();
    assert_eq!((&made["double"], &made["_owner"]), (&json!(2), &json!("organization:ville")));
    let patched = harness.json(&admin(), Method::PATCH, &format!("{own}/a"), json!({ "n": 2 })).await.ok();
    assert_eq!((&patched["double"], &patched["_owner"]), (&json!(4), &json!("organization:ville")));
    let same = harness.json(&admin(), Method::PATCH, &format!("{own}/a"), json!({ "n": 2 })).await;
    assert_eq!(same.status, 304, "computed values make no difference of their own");

    extend(&harness, &[computed("n * 10", "dix", "integer")]).await.ok();
    harness.run().await;
    let path = "/datasets/d/lines?_owner_eq=organization:ville&_updatedBy_eq=alice&dix_eq=20";
    assert_eq!(harness.get(&admin(), path).await.ok()["total"], 1, "columns of the rules stay");
    patch(&harness, json!({ "rest": { "lineOwnership": true, "history": true } })).await.ok();
    harness.run().await;
    assert_eq!(values(&harness, "dix").await, [20], "columns of expressions stay");
    let revisions = harness.get(&admin(), "/datasets/d/revisions").await.ok();
    assert_eq!((&revisions["total"], &revisions["results"][0]["double"]), (&json!(2), &json!(4)));

    let bulk = json!([{ "_id": "b", "n": 3 }]);
    let path = "/datasets/d/_bulk_lines?drop=true";
    harness.json(&admin(), Method::POST, path, bulk).await.ok();
    assert_eq!(values(&harness, "dix").await, [30], "lines that replace all others are computed");
}

#[tokio::test]
async fn lines_may_expire_by_a_computed_date() {
    let harness = Harness::new().await;
    let rest = json!({ "ttl": { "active": true, "prop": "fin", "delay": { "value": 1, "unit": "days" } } });
    let end = json!({ "type": "exprEval", "active": true, "expr": "jour",
        "property": { "key": "fin", "type": "string", "format": "date" } });
    let body = json!({
        "isRest": true,
        "title": "D",
        "rest": rest,
        "schema": [{ "key": "jour", "type": "string", "format": "date" }],
        "extensions": [end],
    });
    harness.json(&admin(), Method::PUT, "/datasets/d", body).await.ok();
    let answer = extend(&harness, &[]).await;
    assert_eq!(answer.status, 400, "the rule names a column that would be gone: {}", answer.text);
    let schema = json!([{ "key": "jour", "type": "string", "format": "date", "title": "Jour" }]);
    patch(&harness, json!({ "schema": schema })).await.ok();
    line(&harness, json!({ "_id": "a", "jour": "2001-01-01" })).await.ok();
    harness.run().await;
    assert!(values(&harness, "fin").await.is_empty());
}
