//! Datasets of reference as remote services: columns of one dataset, found in another.

use axum::http::Method;
use halle_base::Clock;
use halle_model::caller::User;
use halle_model::{Caller, Dataset, Membership};
use halle_store::{EntityExt, Filter};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::harness::{Answer, Harness, admin, member, stranger, user};

const SIRET: &str = "http://www.datatourisme.fr/ontology/core/1.0/#siret";

const NO_MATCH: &str = "La donnée de référence ne contient pas de ligne correspondante.";

/// A search by SIRET, the latest line first.
fn searches() -> Value {
    let input = json!([{ "type": "equals", "property": { "key": "siret" } }]);
    json!({ "bulkSearchs": [{ "id": "siret", "title": "Par SIRET", "sort": "-rang", "input": input }] })
}

/// What an extension that looks up SIRETs says, with more members.
fn lookup(more: Value) -> Value {
    let mut extension = json!({
        "type": "remoteService", "active": true, "remoteService": "dataset:ref",
        "action": "masterData_bulkSearch_siret",
    });
    for (name, value) in more.as_object().unwrap() {
        extension[name] = value.clone();
    }
    extension
}

async fn patch(harness: &Harness, caller: &Caller, id: &str, body: Value) -> Answer {
    harness.json(caller, Method::PATCH, &format!("/datasets/{id}"), body).await
}

/// An editable reference: two lines of one SIRET, one of another.
async fn reference() -> Harness {
    let harness = Harness::new().await;
    let schema = json!([
        { "key": "siret", "type": "string", "x-refersTo": SIRET },
        { "key": "nom", "type": "string", "title": "Nom", "x-labels": { "K": "Koumoul" } },
        { "key": "effectif", "type": "integer", "minimum": 1 },
        { "key": "ouvert", "type": "string", "format": "date" },
        { "key": "rang", "type": "integer" },
    ]);
    let body =
        json!({ "isRest": true, "title": "Établissements", "schema": schema, "masterData": searches() });
    harness.json(&admin(), Method::PUT, "/datasets/ref", body).await.ok();
    let lines = json!([
        { "_id": "1", "siret": "82898347800011", "nom": "K", "effectif": 12, "ouvert": "2020-01-31", "rang": 2 },
        { "_id": "2", "siret": "82898347800011", "nom": "avant", "effectif": 3, "rang": 1 },
        { "_id": "3", "siret": "22222222222222", "nom": "N", "rang": 1 },
    ]);
    harness.json(&admin(), Method::POST, "/datasets/ref/_bulk_lines", lines).await.ok();
    harness.run().await;
    harness
}

/// A file of three SIRETs and an empty one, whose column has the concept.
async fn file(harness: &Harness) {
    let csv = "siret,n\n82898347800011,1\n00000000000000,2\n,3\n22222222222222,4\n";
    let dataset = harness.dataset("d", csv).await;
    let mut schema = dataset["schema"].clone();
    schema[0]["x-refersTo"] = SIRET.into();
    patch(harness, &admin(), "d", json!({ "schema": schema })).await.ok();
    harness.run().await;
}

async fn column(harness: &Harness, key: &str) -> Vec<Value> {
    let lines = harness.get(&admin(), &format!("/datasets/d/lines?select={key}&sort=n")).await.ok();
    lines["results"].as_array().unwrap().iter().map(|line| line[key].clone()).collect()
}

#[tokio::test]
async fn a_file_gets_the_first_line_that_matches() {
    let harness = reference().await;
    file(&harness).await;
    let all = patch(&harness, &admin(), "d", json!({ "extensions": [lookup(json!({}))] })).await.ok();
    assert_eq!(all["status"], "validated");
    harness.run().await;
    assert_eq!(column(&harness, "_siret.nom").await, [json!("K"), Value::Null, Value::Null, json!("N")]);
    let numbers = column(&harness, "_siret.effectif").await;
    assert_eq!(numbers, [json!(12), Value::Null, Value::Null, Value::Null]);
    assert_eq!(column(&harness, "_siret.ouvert").await[0], "2020-01-31");
    let errors = column(&harness, "_siret._error").await;
    assert_eq!(
        errors,
        [Value::Null, json!(NO_MATCH), Value::Null, Value::Null],
        "an empty line asks nothing"
    );
    let schema = harness.get(&admin(), "/datasets/d/schema").await.ok();
    let of = |key: &str| {
        let found = schema.as_array().unwrap().iter().find(|column| column["key"] == key);
        found.unwrap_or_else(|| panic!("no {key} in {schema}")).clone()
    };
    let name = of("_siret.nom");
    assert_eq!((&name["title"], &name["x-labels"]["K"]), (&json!("Nom"), &json!("Koumoul")));
    assert_eq!(name["x-extension"], "dataset:ref");
    assert_eq!(of("_siret.effectif").get("minimum"), None, "rules stay with the reference");
    assert_eq!(of("_siret.siret").get("x-refersTo"), None, "the dataset has the concept already");
    assert_eq!(of("_siret.ouvert")["format"], "date");

    let extension = lookup(json!({
        "select": ["nom"], "overwrite": { "nom": { "x-originalName": "Raison Sociale", "title": "Raison" } },
    }));
    patch(&harness, &admin(), "d", json!({ "extensions": [extension] })).await.ok();
    harness.run().await;
    assert_eq!(column(&harness, "raison_sociale").await[0], "K");
    let schema = harness.get(&admin(), "/datasets/d/schema?extension=true").await.ok();
    let keys: Vec<&str> = schema.as_array().unwrap().iter().filter_map(|c| c["key"].as_str()).collect();
    assert_eq!(keys, ["raison_sociale", "_siret._error"]);
}

#[tokio::test]
async fn edited_lines_and_simulations_ask_the_reference_too() {
    let harness = reference().await;
    let schema =
        json!([{ "key": "s", "type": "string", "x-refersTo": SIRET }, { "key": "n", "type": "integer" }]);
    let extensions = json!([
        lookup(json!({ "select": ["nom"] })),
        { "type": "exprEval", "active": true, "expr": "CONCAT(_siret.nom, n)", "property": { "key": "c", "type": "string" } },
    ]);
    let body = json!({ "isRest": true, "title": "D", "schema": schema, "extensions": extensions });
    harness.json(&admin(), Method::PUT, "/datasets/d", body).await.ok();
    let lines = json!([{ "s": "82898347800011", "n": 1 }, { "s": "x", "n": 2 }, { "n": 3 }]);
    harness.json(&admin(), Method::POST, "/datasets/d/_bulk_lines", lines).await.ok();
    harness.run().await;
    assert_eq!(column(&harness, "_siret.nom").await, [json!("K"), Value::Null, Value::Null]);
    assert_eq!(column(&harness, "c").await[0], "K1", "an expression sees what the reference gave");
    assert_eq!(column(&harness, "_siret._error").await, [Value::Null, json!(NO_MATCH), Value::Null]);
    let path = "/datasets/d/_simulate-extension";
    let line =
        harness.json(&admin(), Method::POST, path, json!({ "s": "22222222222222", "n": 7 })).await.ok();
    assert_eq!((&line["_siret.nom"], &line["c"]), (&json!("N"), &json!("N7")));
}

#[tokio::test]
async fn what_the_writer_or_the_owner_may_not_read_is_not_looked_up() {
    let harness = reference().await;
    let other = member("oscar", "port", "admin");
    let schema =
        json!([{ "key": "s", "type": "string", "x-refersTo": SIRET }, { "key": "n", "type": "integer" }]);
    let body = json!({ "isRest": true, "title": "D", "schema": schema });
    harness.json(&other, Method::PUT, "/datasets/d", body.clone()).await.ok();
    let unreadable = "La donnée de référence \"ref\" n'existe pas, ou vous, ou le propriétaire de ce jeu de données, ne \
                      pouvez pas la lire.";
    let extended = json!({ "extensions": [lookup(json!({ "select": ["nom"] }))] });
    patch(&harness, &other, "d", extended.clone()).await.refused(400, unreadable);
    let mut made = body;
    made["extensions"] = extended["extensions"].clone();
    harness.json(&stranger(), Method::PUT, "/datasets/e", made).await.refused(400, unreadable);

    // A grant to a person is none to the organisation that would own what they find.
    let grant = json!([{ "type": "user", "id": "oscar", "classes": ["read"], "operations": [] }]);
    harness.json(&admin(), Method::PUT, "/datasets/ref/permissions", grant).await.ok();
    patch(&harness, &other, "d", extended.clone()).await.refused(400, unreadable);
    let grant = json!([{ "type": "organization", "id": "port", "classes": ["read"], "operations": [] }]);
    harness.json(&admin(), Method::PUT, "/datasets/ref/permissions", grant).await.ok();
    patch(&harness, &other, "d", extended).await.ok();
    let line = |id: &str| json!({ "_id": id, "s": "82898347800011", "n": 1 });
    harness.json(&other, Method::POST, "/datasets/d/lines", line("a")).await.ok();
    harness.run().await;
    assert_eq!(harness.get(&other, "/datasets/d/lines/a").await.ok()["_siret.nom"], "K");

    harness.json(&admin(), Method::PUT, "/datasets/ref/permissions", json!([])).await.ok();
    harness.json(&other, Method::POST, "/datasets/d/lines", line("b")).await.ok();
    harness.run().await;
    let told = harness.datasets.journal(&other, "d").await.unwrap();
    let error = told.into_iter().find(|event| event.kind == "error").unwrap().data.unwrap();
    assert!(error.contains("ne peut pas la lire (permission readLines)"), "{error}");
    assert!(harness.get(&other, "/datasets/d/lines/b").await.ok().get("_siret.nom").is_none());
    let path = "/datasets/d/_simulate-extension";
    let simulated = harness.json(&other, Method::POST, path, json!({ "s": "82898347800011" })).await;
    assert_eq!(simulated.status.as_u16(), 400, "{}", simulated.text);
}

/// What is said of a slug where an identifier is due.
fn is_no_identifier(slug: &str) -> String {
    format!(
        "\"{slug}\" n'est pas l'identifiant d'un jeu de données mais un nom court (slug), qui peut en désigner un autre pour \
         un autre compte : indiquez l'identifiant (attribut \"id\" du jeu de données)."
    )
}

/// An editable dataset `id` of `caller` that looks up in `service`.
fn looking_up(service: &str) -> Value {
    let schema =
        json!([{ "key": "s", "type": "string", "x-refersTo": SIRET }, { "key": "n", "type": "integer" }]);
    let extensions = json!([lookup(json!({ "remoteService": service, "select": ["nom"] }))]);
    json!({ "isRest": true, "title": "D", "schema": schema, "extensions": extensions })
}

#[tokio::test]
async fn a_slug_that_means_another_reference_to_the_owner_is_refused() {
    let harness = reference().await;
    let slug = harness.get(&admin(), "/datasets/ref").await.ok()["slug"].as_str().unwrap().to_owned();
    let service = format!("dataset:{slug}");
    let create = harness.json(&admin(), Method::PUT, "/datasets/d", looking_up(&service)).await;
    create.refused(400, &is_no_identifier(&slug));
    harness.json(&admin(), Method::PUT, "/datasets/d", looking_up("dataset:ref")).await.ok();
    let by_slug = json!({ "extensions": looking_up(&service)["extensions"] });
    patch(&harness, &admin(), "d", by_slug).await.refused(400, &is_no_identifier(&slug));
    let slot = json!({ "type": "enricher", "plugin": "up", "slots": { "names": slug } });
    patch(&harness, &admin(), "d", json!({ "extensions": [slot] }))
        .await
        .refused(400, &is_no_identifier(&slug));

    // What is there no more is not replaced by what has its name.
    harness.json(&admin(), Method::DELETE, "/datasets/ref", Value::Null).await;
    let schema = json!([{ "key": "siret", "type": "string", "x-refersTo": SIRET }, { "key": "nom", "type": "string" },
        { "key": "rang", "type": "integer" }]);
    let body = json!({ "isRest": true, "title": "Ref", "schema": schema, "masterData": searches() });
    let other = harness.json(&admin(), Method::POST, "/datasets", body).await.ok();
    assert_eq!(other["slug"], "ref");
    let secret = json!({ "siret": "82898347800011", "nom": "autre" });
    let path = format!("/datasets/{}/lines", other["id"].as_str().unwrap());
    harness.json(&admin(), Method::POST, &path, secret).await.ok();
    let line = json!({ "_id": "a", "s": "82898347800011" });
    harness.json(&admin(), Method::POST, "/datasets/d/lines", line).await.ok();
    harness.run().await;
    assert_eq!(harness.get(&admin(), "/datasets/d/lines/a").await.ok().get("_siret.nom"), None);
    assert!(harness.last_error("d").await.contains("slug"), "{}", harness.last_error("d").await);
}

#[tokio::test]
async fn a_dataset_is_not_given_to_an_account_that_would_read_for_its_giver() {
    let harness = reference().await;
    let membership = |id: &str, role: &str| Membership {
        id: id.to_owned(),
        name: id.to_uppercase(),
        role: role.to_owned(),
        department: None,
        department_name: None,
    };
    let organizations = vec![membership("ville", "contrib"), membership("port", "admin")];
    let own = Caller::personal(User { organizations, ..user("oscar") });
    let grant = |id: &str| json!([{ "type": "user", "id": id, "classes": ["read"], "operations": [] }]);
    let share = async |id: &str| {
        harness.json(&admin(), Method::PUT, "/datasets/ref/permissions", grant(id)).await.ok();
    };
    share("oscar").await;
    harness.json(&own, Method::PUT, "/datasets/d", looking_up("dataset:ref")).await.ok();
    share("zoe").await;
    let target = json!({ "type": "organization", "id": "ville", "name": "VILLE" });
    let give =
        async |caller: &Caller| harness.json(caller, Method::PUT, "/datasets/d/owner", target.clone()).await;
    let unreadable = "La donnée de référence \"ref\" n'existe pas, ou vous, ou le propriétaire de ce jeu de données, ne \
                      pouvez pas la lire.";
    give(&own).await.refused(400, unreadable);
    share("oscar").await;
    assert_eq!(give(&own).await.ok()["owner"]["id"], "ville");

    // An account that may not read the reference cannot go on with the extension.
    harness.json(&own, Method::PUT, "/datasets/e", looking_up("dataset:ref")).await.ok();
    let target = json!({ "type": "organization", "id": "port", "name": "PORT" });
    harness.json(&own, Method::PUT, "/datasets/e/owner", target).await.refused(400, unreadable);
    assert_eq!(harness.get(&own, "/datasets/e").await.ok()["owner"]["id"], "oscar");
}

#[tokio::test]
async fn extensions_that_cannot_ask_are_refused() {
    let harness = reference().await;
    harness.dataset("d", "siret,n\n82898347800011,1\n").await;
    for (extension, reason) in [
        (
            lookup(json!({})),
            format!(
                "Aucune colonne ne porte le concept « siret » ({SIRET}), exigé par la donnée de référence."
            ),
        ),
        (
            lookup(json!({ "action": "masterData_bulkSearch_nom" })),
            "La donnée de référence « Établissements » n'a pas d'action « masterData_bulkSearch_nom »."
                .to_owned(),
        ),
        (
            lookup(json!({ "remoteService": "dataset:d" })),
            "Un jeu de données ne peut pas être sa propre donnée de référence.".to_owned(),
        ),
    ] {
        patch(&harness, &admin(), "d", json!({ "extensions": [extension] })).await.refused(400, &reason);
    }
    file(&harness).await;
    let wrong = lookup(json!({ "select": ["rien"] }));
    let refused = patch(&harness, &admin(), "d", json!({ "extensions": [wrong] })).await;
    assert!(refused.status == 400 && refused.text.contains("\"rien\""), "{}", refused.text);
    patch(&harness, &admin(), "ref", json!({ "masterData": { "bulkSearchs": [], "shareOrgs": [{}] } }))
        .await
        .refused(400, "L'attribut \"masterData\" est incorrect : missing field `id`.");
}

#[tokio::test]
async fn values_follow_the_reference_ten_minutes_later() {
    let harness = reference().await;
    file(&harness).await;
    let extension =
        lookup(json!({ "select": ["nom"], "autoUpdate": true, "nextUpdate": "2000-01-01T00:00:00Z" }));
    patch(&harness, &admin(), "d", json!({ "extensions": [extension] })).await.ok();
    harness.run().await;
    let described = harness.get(&admin(), "/datasets/d").await.ok();
    assert_eq!(described["extensions"][0].get("nextUpdate"), None, "not the writer's to say: {described}");

    let rename = |name: &'static str| json!({ "nom": name });
    harness.json(&admin(), Method::PATCH, "/datasets/ref/lines/1", rename("K2")).await.ok();
    harness.run().await;
    let described = harness.get(&admin(), "/datasets/d").await.ok();
    let next = described["extensions"][0]["nextUpdate"].clone();
    let due = harness.clock.now() + SignedDuration::from_secs(600);
    assert_eq!(next.as_str().unwrap().parse::<halle_base::Timestamp>().unwrap(), due);
    assert_eq!(column(&harness, "_siret.nom").await[0], "K");

    harness.clock.advance(SignedDuration::from_secs(300));
    harness.json(&admin(), Method::PATCH, "/datasets/ref/lines/1", rename("K3")).await.ok();
    let kept = patch(&harness, &admin(), "d", json!({ "extensions": described["extensions"] })).await.ok();
    assert_eq!(kept["extensions"][0]["nextUpdate"], next, "writing the same again does not forget it");
    harness.run().await;
    assert_eq!(column(&harness, "_siret.nom").await[0], "K");
    harness.clock.advance(SignedDuration::from_secs(301));
    harness.run().await;
    assert_eq!(column(&harness, "_siret.nom").await[0], "K3");
    let after = harness.get(&admin(), "/datasets/d").await.ok();
    assert_eq!((&after["status"], after["extensions"][0].get("nextUpdate")), (&json!("finalized"), None));
}

#[tokio::test]
async fn however_many_follow_all_are_told() {
    let harness = reference().await;
    harness.dataset("d", "s,n\n82898347800011,1\n").await;
    let schema = json!([{ "key": "s", "x-refersTo": SIRET }, { "key": "n" }]);
    let follow = lookup(json!({ "select": ["nom"], "autoUpdate": true }));
    patch(&harness, &admin(), "d", json!({ "schema": schema, "extensions": [follow] })).await.ok();
    harness.run().await;
    let store = &harness.datasets.store;
    let mut unit = store.begin().await.unwrap();
    let follower = unit.load::<Dataset>("d").await.unwrap().unwrap().entity;
    for n in 0..250 {
        let id = format!("f{n}");
        let copy = Dataset { slug: id.clone(), id, ..follower.clone() };
        unit.insert(&copy, harness.clock.now()).await.unwrap();
    }
    unit.commit().await.unwrap();
    let rename = json!({ "nom": "K2" });
    harness.json(&admin(), Method::PATCH, "/datasets/ref/lines/1", rename).await.ok();
    harness.run().await;
    let mut unit = store.read().await.unwrap();
    let followers = unit.list::<Dataset>(&Filter::all(300).with("services", "dataset:ref")).await.unwrap();
    let told = followers.results.iter().filter(|one| one.extensions[0].next_update.is_some()).count();
    assert_eq!((followers.count, told), (251, 251));
}

#[tokio::test]
async fn edited_lines_follow_the_reference_and_nothing_follows_itself() {
    let harness = reference().await;
    let schema =
        json!([{ "key": "s", "type": "string", "x-refersTo": SIRET }, { "key": "n", "type": "integer" }]);
    let offers = json!({ "bulkSearchs": [{ "id": "s", "input": [{ "type": "equals", "property": { "key": "s" } }] }] });
    let follow = lookup(json!({ "select": ["nom"], "autoUpdate": true }));
    let body = json!({
        "isRest": true, "title": "D", "schema": schema, "extensions": [follow], "masterData": offers,
    });
    harness.json(&admin(), Method::PUT, "/datasets/d", body).await.ok();
    let line = json!({ "s": "82898347800011", "n": 1 });
    harness.json(&admin(), Method::POST, "/datasets/d/lines", line).await.ok();
    harness.run().await;
    harness.json(&admin(), Method::PATCH, "/datasets/ref/lines/1", json!({ "nom": "K2" })).await.ok();
    harness.run().await;
    assert_eq!(column(&harness, "_siret.nom").await, ["K"]);
    harness.run_later().await;
    assert_eq!(column(&harness, "_siret.nom").await, ["K2"]);

    let circle = json!({
        "type": "remoteService", "remoteService": "dataset:d", "action": "masterData_bulkSearch_s",
        "propertyPrefix": "_d", "select": ["n"], "autoUpdate": true,
    });
    let refused = patch(&harness, &admin(), "ref", json!({ "extensions": [circle] })).await;
    assert!(
        refused.status == 400 && refused.text.contains("tourner ce jeu de données en rond"),
        "{}",
        refused.text
    );
    let mut quiet = circle;
    quiet["autoUpdate"] = false.into();
    patch(&harness, &admin(), "ref", json!({ "extensions": [quiet] })).await.ok();
}
