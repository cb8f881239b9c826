//! Virtual datasets: the lines of others, and nothing that is hidden.

use axum::http::{Method, header};
use halle_model::Caller;
use serde_json::{Value, json};

use crate::harness::{Harness, admin, member, stranger};

const NORTH: &str = "code,ville,secret,annee\n1,Lille,rouge,2020\n2,Arras,bleu,2021\n3,Lens,rouge,2022\n";
const SOUTH: &str = "code,ville,pop\n4,Nice,340\n5,Arles,50\n";

/// Creates a virtual dataset and has its description computed.
async fn union(harness: &Harness, id: &str, keys: &[&str], union: Value) -> Value {
    let schema: Vec<Value> = keys.iter().map(|key| json!({ "key": key })).collect();
    let body = json!({ "title": id, "isVirtual": true, "virtual": union, "schema": schema });
    let created = harness.json(&admin(), Method::POST, &format!("/datasets/{id}"), body).await;
    assert_eq!(created.status.as_u16(), 201, "{}", created.text);
    assert_eq!(created.json()["status"], "indexed");
    harness.run().await;
    harness.get(&admin(), &format!("/datasets/{id}")).await.ok()
}

/// Two children that say different things of some columns.
async fn children(harness: &Harness) {
    harness.dataset("nord", NORTH).await;
    harness.dataset("sud", SOUTH).await;
}

async fn towns(harness: &Harness, caller: &Caller, path: &str) -> Vec<String> {
    let lines = harness.get(caller, path).await.ok();
    let town = |line: &Value| line["ville"].as_str().unwrap_or_default().to_owned();
    lines["results"].as_array().unwrap().iter().map(town).collect()
}

async fn refused(harness: &Harness, path: &str, status: u16) -> String {
    let answer = harness.get(&admin(), path).await;
    assert_eq!(answer.status.as_u16(), status, "{path}: {}", answer.text);
    answer.text
}

#[tokio::test]
async fn it_is_given_to_nobody_who_may_not_read_its_children() {
    let harness = Harness::new().await;
    harness.dataset("enfant", "nom\na\n").await;
    let union = json!({ "title": "Vue", "isVirtual": true, "virtual": { "children": ["enfant"] }, "schema": [{ "key": "nom" }] });
    harness.json(&admin(), Method::PUT, "/datasets/vue", union).await.ok();
    harness.run().await;
    let mut both = admin();
    let port = halle_model::Membership {
        id: "port".to_owned(),
        name: "PORT".to_owned(),
        role: "admin".to_owned(),
        department: None,
        department_name: None,
    };
    both.user.as_mut().unwrap().organizations.push(port);
    let target = json!({ "type": "organization", "id": "port", "name": "PORT" });
    let give = async || harness.json(&both, Method::PUT, "/datasets/vue/owner", target.clone()).await;
    let refused = give().await;
    assert_eq!(refused.status, 400, "{}", refused.text);
    assert!(refused.text.contains("\"enfant\" n'est pas accessible en lecture"), "{}", refused.text);
    assert_eq!(harness.get(&admin(), "/datasets/vue").await.ok()["owner"]["id"], "ville");
    let grants =
        json!([{ "type": "organization", "id": "port", "classes": ["list", "read"], "operations": [] }]);
    harness.json(&admin(), Method::PUT, "/datasets/enfant/permissions", grants).await.ok();
    assert_eq!(give().await.ok()["owner"]["id"], "port");
}

#[tokio::test]
async fn lines_of_children_are_read_as_one() {
    let harness = Harness::new().await;
    children(&harness).await;
    let v = union(&harness, "v", &["code", "ville", "pop"], json!({ "children": ["nord", "sud"] })).await;
    assert_eq!((&v["status"], &v["count"], &v["isVirtual"]), (&json!("finalized"), &json!(5), &json!(true)));
    assert_eq!(v["virtual"], json!({ "children": ["nord", "sud"] }));
    let kinds: Vec<&str> =
        v["schema"].as_array().unwrap().iter().filter_map(|c| c["type"].as_str()).collect();
    assert_eq!(kinds[..3], ["integer", "string", "integer"], "types come from the children");
    assert_eq!(v["schema"][1]["x-cardinality"], 5);

    assert_eq!(
        towns(&harness, &admin(), "/datasets/v/lines?sort=ville").await,
        ["Arles", "Arras", "Lens", "Lille", "Nice"]
    );
    // Page by page, each line once.
    let mut path = "/datasets/v/lines?sort=-ville&size=2".to_owned();
    let mut found = Vec::new();
    loop {
        let page = harness.get(&admin(), &path).await.ok();
        found.extend(page["results"].as_array().unwrap().iter().map(|line| line["ville"].clone()));
        let Some(next) = page["next"].as_str() else { break };
        let after: Vec<_> = url::Url::parse(next).unwrap().query_pairs().into_owned().collect();
        let after = &after.iter().find(|(name, _)| name == "after").unwrap().1;
        let values: Vec<Value> = serde_json::from_str(&format!("[{after}]")).unwrap();
        assert_eq!(values.len(), 3, "the key, the number of the line, and what tells lines apart");
        path = next.replace("http://halle.test/data-fair/api/v1", "").replace("http://halle.test", "");
    }
    assert_eq!(found, ["Nice", "Lille", "Lens", "Arras", "Arles"]);

    let agg =
        harness.get(&admin(), "/datasets/v/values_agg?field=ville&metric=sum&metric_field=pop").await.ok();
    assert_eq!((&agg["total"], &agg["total_values"]), (&json!(5), &json!(5)));
    let sum = harness.get(&admin(), "/datasets/v/metric_agg?metric=sum&field=pop").await.ok();
    assert_eq!(sum["metric"], json!(390));
    let found = towns(&harness, &admin(), "/datasets/v/lines?q=lille").await;
    assert_eq!(found, ["Lille"]);
    let csv = harness.get(&admin(), "/datasets/v/lines?format=csv&size=100").await;
    assert_eq!(csv.text.trim_start_matches('\u{feff}').lines().count(), 6, "{}", csv.text);

    let listed = harness.get(&admin(), "/datasets?virtual=true&facets=children").await.ok();
    assert_eq!((&listed["count"], &listed["results"][0]["id"]), (&json!(1), &json!("v")));
    assert_eq!(listed["facets"]["children"].as_array().unwrap().len(), 2);
    let above = harness.get(&admin(), "/datasets?children=sud&type=virtual").await.ok();
    assert_eq!(above["count"], 1);
    assert_eq!(harness.get(&admin(), "/datasets?children=v").await.ok()["count"], 0);
}

#[tokio::test]
async fn hidden_columns_cannot_be_asked_in_any_way() {
    let harness = Harness::new().await;
    children(&harness).await;
    let filters = json!([{ "key": "secret", "operator": "in", "values": ["rouge"] }]);
    union(&harness, "v", &["code", "ville"], json!({ "children": ["nord", "sud"], "filters": filters }))
        .await;
    assert_eq!(towns(&harness, &admin(), "/datasets/v/lines").await, ["Lille", "Lens"], "filters see all");
    for question in [
        "lines?select=secret",
        "lines?sort=secret",
        "lines?sort=annee",
        "lines?secret_eq=rouge",
        "lines?annee_gte=2021",
        "lines?qs=secret:rouge",
        "lines?q=rouge&q_fields=secret",
        "values_agg?field=secret",
        "values_agg?field=ville&metric=max&metric_field=annee",
        "metric_agg?metric=max&field=annee",
        "values/secret",
    ] {
        refused(&harness, &format!("/datasets/v/{question}"), 400).await;
    }
    for question in ["q=rouge", "q=2022", "qs=rouge"] {
        let found = towns(&harness, &admin(), &format!("/datasets/v/lines?{question}")).await;
        assert!(found.is_empty(), "{question}: {found:?}");
    }
    let line = &harness.get(&admin(), "/datasets/v/lines?size=1").await.ok()["results"][0];
    assert!(line.get("secret").is_none() && line.get("annee").is_none(), "{line}");
    let found =
        harness.get(&admin(), &format!("/datasets/v/lines/{}", line["_id"].as_str().unwrap())).await.ok();
    assert!(found.get("secret").is_none(), "{found}");
    let description = harness.get(&admin(), "/datasets/v").await;
    assert!(!description.text.contains("bleu") && description.json()["count"] == 2, "{}", description.text);
}

#[tokio::test]
async fn filters_are_inherited_and_a_line_is_there_once() {
    let harness = Harness::new().await;
    children(&harness).await;
    let only = |key: &str, value: &str| json!([{ "key": key, "operator": "in", "values": [value] }]);
    let v1 = json!({ "children": ["nord"], "filters": only("secret", "rouge") });
    union(&harness, "rouge", &["ville"], v1).await;
    let v2 = json!({ "children": ["nord"], "filters": only("annee", "2022") });
    union(&harness, "recent", &["ville", "annee"], v2).await;
    let both = json!({ "children": ["rouge", "recent"] });
    let top = union(&harness, "deux", &["ville", "annee"], both).await;
    assert_eq!(top["count"], 2, "Lens is admitted in two ways, and is there once");
    let lines = harness.get(&admin(), "/datasets/deux/lines?sort=ville").await.ok();
    assert_eq!(lines["total"], 2);
    assert_eq!(lines["results"][1]["ville"], "Lille");
    assert!(lines["results"][1].get("annee").is_none(), "hidden on the only way that admits it: {lines}");

    // A filter cannot ask of a column that the dataset below hides.
    let blind = json!({ "children": ["rouge"], "filters": only("annee", "2020") });
    let body = json!({ "title": "x", "isVirtual": true, "virtual": blind, "schema": [{ "key": "ville" }] });
    let answer = harness.json(&admin(), Method::POST, "/datasets", body).await;
    assert_eq!(answer.status.as_u16(), 400, "{}", answer.text);
    assert!(answer.text.contains("\"annee\""), "{}", answer.text);
    let except = json!({ "children": ["nord"], "filters": [{ "key": "secret", "operator": "nin", "values": ["rouge"] }] });
    assert_eq!(union(&harness, "autres", &["ville"], except).await["count"], 1);
}

#[tokio::test]
async fn children_must_be_readable_for_the_owner() {
    let harness = Harness::new().await;
    children(&harness).await;
    let other = member("omar", "autre", "admin");
    let body = json!({
        "title": "emprunt", "isVirtual": true, "virtual": { "children": ["nord"] }, "schema": [{ "key": "ville" }],
    });
    let answer = harness.json(&other, Method::POST, "/datasets/emprunt", body.clone()).await;
    let reason = "n'est pas accessible en lecture par le compte propriétaire du jeu de données virtuel";
    assert_eq!(answer.status.as_u16(), 400);
    assert!(answer.text.contains("nord") && answer.text.contains(reason), "{}", answer.text);

    let grant = json!([{ "type": "organization", "id": "autre", "classes": ["read"], "operations": [] }]);
    harness.json(&admin(), Method::PUT, "/datasets/nord/permissions", grant).await.ok();
    harness.json(&other, Method::POST, "/datasets/emprunt", body).await.ok();
    harness.run().await;
    assert_eq!(towns(&harness, &other, "/datasets/emprunt/lines").await.len(), 3);
    // The virtual dataset has permissions of its own: its readers need none on the child.
    let public = json!([{ "classes": ["list", "read"], "operations": [] }]);
    harness.json(&other, Method::PUT, "/datasets/emprunt/permissions", public).await.ok();
    assert_eq!(towns(&harness, &Caller::anonymous(), "/datasets/emprunt/lines").await.len(), 3);

    harness.json(&admin(), Method::PUT, "/datasets/nord/permissions", json!([])).await.ok();
    let answer = harness.get(&Caller::anonymous(), "/datasets/emprunt/lines").await;
    assert_eq!(answer.status.as_u16(), 501);
    assert!(answer.text.contains("nord") && answer.text.contains(reason), "{}", answer.text);
    for question in
        ["values_agg?field=ville", "values/ville", "lines?format=csv&size=all", "attachments/nord/x"]
    {
        let answer = harness.get(&Caller::anonymous(), &format!("/datasets/emprunt/{question}")).await;
        assert!(matches!(answer.status.as_u16(), 404 | 501), "{question}: {} {}", answer.status, answer.text);
    }
}

#[tokio::test]
async fn a_contributor_cannot_read_through_a_union_what_is_closed_to_them() {
    let harness = Harness::new().await;
    harness.dataset("nord", NORTH).await;
    harness.json(&admin(), Method::PUT, "/datasets/nord/permissions", json!([])).await.ok();
    let contributor = member("carl", "ville", "contrib");
    let body = json!({ "title": "v", "isVirtual": true, "virtual": { "children": ["nord"] }, "schema": [] });
    let answer = harness.json(&contributor, Method::POST, "/datasets/v", body).await;
    assert_eq!(answer.status.as_u16(), 403, "{}", answer.text);
    assert_eq!(harness.get(&stranger(), "/datasets/v").await.status.as_u16(), 404, "nothing was created");
}

#[tokio::test]
async fn changes_of_children_reach_the_description() {
    let harness = Harness::new().await;
    let schema = json!([{ "key": "ville", "type": "string" }]);
    let body = json!({ "title": "liste", "isRest": true, "schema": schema });
    harness.json(&admin(), Method::POST, "/datasets/liste", body).await.ok();
    harness.dataset("nord", NORTH).await;
    union(&harness, "v", &["ville"], json!({ "children": ["liste", "nord"] })).await;
    let top = union(&harness, "sommet", &["ville"], json!({ "children": ["v"] })).await;
    assert_eq!(top["count"], 3);
    harness.clock.advance(jiff::SignedDuration::from_secs(60));
    harness.json(&admin(), Method::POST, "/datasets/liste/lines", json!({ "ville": "Brest" })).await.ok();
    assert_eq!(towns(&harness, &admin(), "/datasets/v/lines?q=brest").await, ["Brest"], "seen at once");
    harness.run().await;
    let after = harness.get(&admin(), "/datasets/sommet").await.ok();
    assert_eq!(after["count"], 4, "through two levels");
    assert!(after["dataUpdatedAt"].as_str() > top["dataUpdatedAt"].as_str(), "{after}");
    assert!(after["finalizedAt"].as_str() > top["finalizedAt"].as_str(), "{after}");

    harness.send(&admin(), delete("/datasets/nord")).await;
    harness.run().await;
    assert_eq!(harness.get(&admin(), "/datasets/sommet").await.ok()["count"], 1);
    harness.send(&admin(), delete("/datasets/liste")).await;
    harness.run().await;
    let text =
        "Le jeu de données virtuel ne peut pas être requêté, il n'utilise aucun jeu de données requêtable.";
    assert_eq!(harness.get(&admin(), "/datasets/v").await.ok()["status"], "error");
    assert_eq!(harness.last_error("v").await, text);
    harness.get(&admin(), "/datasets/v/lines").await.refused(501, text);
    harness.get(&admin(), "/datasets/sommet/lines").await.refused(501, text);
}

fn delete(path: &str) -> axum::http::Request<axum::body::Body> {
    axum::http::Request::delete(path).body(axum::body::Body::empty()).unwrap()
}

#[tokio::test]
async fn contradictions_and_circles_are_refused() {
    let harness = Harness::new().await;
    children(&harness).await;
    harness.dataset("textes", "code,ville\nabc,Lyon\n").await;
    let create = |children: Value| json!({ "title": "c", "isVirtual": true, "virtual": { "children": children }, "schema": [{ "key": "code" }] });
    let answer = harness.json(&admin(), Method::POST, "/datasets/c", create(json!(["nord", "textes"]))).await;
    answer.refused(400, "Le champ \"code\" a des types contradictoires (integer, string).");
    let answer = harness.json(&admin(), Method::POST, "/datasets/c", create(json!(["rien"]))).await;
    answer.refused(400, "Le jeu de données enfant \"rien\" n'existe pas.");
    let unknown = json!({ "title": "c", "isVirtual": true, "virtual": { "children": ["sud"] }, "schema": [{ "key": "annee" }] });
    let answer = harness.json(&admin(), Method::POST, "/datasets/c", unknown).await;
    answer.refused(400, "Le champ \"annee\" n'existe dans aucun jeu de données enfant.");

    union(&harness, "a", &["code"], json!({ "children": ["nord"] })).await;
    union(&harness, "b", &["code"], json!({ "children": ["a"] })).await;
    for child in ["a", "b"] {
        let body = json!({ "virtual": { "children": [child] } });
        let answer = harness.json(&admin(), Method::PATCH, "/datasets/a", body).await;
        assert_eq!(answer.status.as_u16(), 400, "{}", answer.text);
        assert!(answer.text.contains("mène au jeu de données virtuel lui-même"), "{}", answer.text);
    }
    let before = harness.get(&admin(), "/datasets/a").await.ok();
    assert_eq!((&before["virtual"]["children"], &before["count"]), (&json!(["nord"]), &json!(3)));

    // A child that comes to contradict the others stops the union, until it is in order again.
    union(&harness, "ab", &["code"], json!({ "children": ["nord", "sud"] })).await;
    harness.upload(&admin(), "/datasets/sud", ("data.csv", b"code,ville\nx1,Nice\n"), &[]).await.ok();
    harness.run().await;
    assert_eq!(harness.get(&admin(), "/datasets/ab").await.ok()["status"], "error");
    assert_eq!(
        harness.last_error("ab").await,
        "Le champ \"code\" a des types contradictoires (integer, string)."
    );
    refused(&harness, "/datasets/ab/lines", 409).await;
    let body = json!({ "virtual": { "children": ["nord"] } });
    harness.json(&admin(), Method::PATCH, "/datasets/ab", body).await.ok();
    harness.run().await;
    assert_eq!(harness.get(&admin(), "/datasets/ab/lines").await.ok()["total"], 3);
}

#[tokio::test]
async fn the_active_account_sees_its_own_lines() {
    let harness = Harness::new().await;
    let account = "https://github.com/data-fair/lib/account";
    let schema = json!([
        { "key": "qui", "type": "string", "x-refersTo": account },
        { "key": "ville", "type": "string" },
    ]);
    let body = json!({ "title": "comptes", "isRest": true, "schema": schema });
    harness.json(&admin(), Method::POST, "/datasets/comptes", body).await.ok();
    for (qui, ville) in [("organization:ville", "Rennes"), ("user:zoe", "Brest"), ("user:zed", "Dinan")] {
        let line = json!({ "qui": qui, "ville": ville });
        harness.json(&admin(), Method::POST, "/datasets/comptes/lines", line).await.ok();
    }
    let own = json!({ "children": ["comptes"], "filterActiveAccount": true });
    let v = union(&harness, "v", &["ville"], own).await;
    assert!(v.get("count").is_none() && !v.to_string().contains("Dinan"), "tells of nobody's lines: {v}");
    let public = json!([{ "classes": ["list", "read"], "operations": [] }]);
    harness.json(&admin(), Method::PUT, "/datasets/v/permissions", public).await.ok();
    for (caller, expected) in
        [(admin(), vec!["Rennes"]), (stranger(), vec!["Brest"]), (Caller::anonymous(), vec![])]
    {
        assert_eq!(towns(&harness, &caller, "/datasets/v/lines").await, expected);
    }
    let answer = harness.get(&stranger(), "/datasets/v/lines?finalizedAt=2026-01-01T00:00:00Z").await;
    let cache = answer.headers[header::CACHE_CONTROL].to_str().unwrap();
    assert!(cache.contains("private") && cache.contains("max-age=0"), "{cache}");
    let body = json!({ "title": "w", "isVirtual": true, "virtual": { "children": ["v"] }, "schema": [] });
    let answer = harness.json(&admin(), Method::POST, "/datasets/w", body).await;
    assert_eq!(answer.status.as_u16(), 400, "{}", answer.text);
    assert!(answer.text.contains("\"v\""), "{}", answer.text);
}
