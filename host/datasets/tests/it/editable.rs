//! Lines edited one by one, and in bulk.

use axum::body::Body;
use axum::http::{Method, Request, header};
use halle_base::Clock;
use halle_datasets::service::write::SYNC_LINES;
use halle_store::{LineRecord, NewJob};
use serde_json::{Map, Value, json};

use crate::harness::{Answer, Harness, admin, stranger};

const ID: &str = "editable";

async fn editable(primary_key: &[&str]) -> Harness {
    let harness = Harness::new().await;
    let body = json!({
        "title": "Éditable",
        "isRest": true,
        "primaryKey": primary_key,
        "schema": [
            { "key": "nom", "type": "string" },
            { "key": "n", "type": "integer" },
            { "key": "jour", "type": "string", "format": "date" },
        ],
    });
    harness.json(&admin(), Method::PUT, &format!("/datasets/{ID}"), body).await.ok();
    harness
}

async fn send(harness: &Harness, method: Method, path: &str, body: Value) -> Answer {
    harness.json(&admin(), method, &format!("/datasets/{ID}/{path}"), body).await
}

async fn bare(harness: &Harness, method: Method, path: &str) -> Answer {
    let request = Request::builder().method(method).uri(format!("/datasets/{ID}/{path}"));
    harness.send(&admin(), request.body(Body::empty()).unwrap()).await
}

async fn bulk(harness: &Harness, media_type: &str, query: &str, body: &str) -> Answer {
    let request = Request::post(format!("/datasets/{ID}/_bulk_lines{query}"))
        .header(header::CONTENT_TYPE, media_type)
        .header(header::CONTENT_LENGTH, body.len());
    harness.send(&admin(), request.body(Body::from(body.to_owned())).unwrap()).await
}

/// What readers see now: `id:nom:n`, in the order of `sort=nom`.
async fn seen(harness: &Harness) -> Vec<String> {
    let answer = harness.get(&admin(), &format!("/datasets/{ID}/lines?sort=nom&size=100")).await.ok();
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let lines = answer["results"].as_array().unwrap().iter();
    lines.map(|line| format!("{}:{}:{}", text(&line["_id"]), text(&line["nom"]), text(&line["n"]))).collect()
}

#[tokio::test]
async fn every_edit_is_seen_by_the_next_read() {
    let harness = editable(&[]).await;
    assert_eq!(seen(&harness).await, Vec::<String>::new());
    let answer =
        send(&harness, Method::POST, "lines", json!({ "nom": "a", "n": 1, "jour": "2024-02-29" })).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    let line = answer.json();
    let id = line["_id"].as_str().unwrap().to_owned();
    assert!(line["_i"].as_i64().unwrap() > 0 && line["_updatedAt"].is_string());
    assert_eq!(seen(&harness).await, [format!("{id}:a:1")]);

    let named = send(&harness, Method::POST, "lines", json!({ "_id": "x", "nom": "b", "n": 2 })).await;
    assert_eq!(named.status, 200);
    assert_eq!(send(&harness, Method::PUT, "lines/x", json!({ "nom": "b", "n": 2 })).await.status, 304);
    assert_eq!(send(&harness, Method::PATCH, "lines/x", json!({ "n": 3 })).await.status, 200);
    assert_eq!(seen(&harness).await, [format!("{id}:a:1"), "x:b:3".to_owned()]);
    let read = harness.get(&admin(), &format!("/datasets/{ID}/lines/x")).await.ok();
    assert_eq!((read["nom"].as_str(), read["n"].as_i64()), (Some("b"), Some(3)));

    assert_eq!(send(&harness, Method::PATCH, "lines/x", json!({ "n": null })).await.status, 200);
    assert_eq!(bare(&harness, Method::DELETE, &format!("lines/{id}")).await.status, 204);
    assert_eq!(seen(&harness).await, ["x:b:null"]);
    let dataset = harness.get(&admin(), &format!("/datasets/{ID}")).await.ok();
    assert_eq!(dataset["count"], 1);

    assert_eq!(bare(&harness, Method::DELETE, "lines").await.status, 204);
    assert_eq!(seen(&harness).await, Vec::<String>::new());
}

#[tokio::test]
async fn wrong_lines_are_refused_with_the_texts_clients_know() {
    let harness = editable(&[]).await;
    for (body, status, text) in [
        (json!({ "key": 1 }), 400, "ne doit pas contenir de propriétés additionnelles (key)"),
        (json!({ "nom": 111 }), 400, "/nom doit être de type string (valeur : 111)"),
        (json!({ "_i": 3 }), 400, "ne doit pas contenir de propriétés additionnelles (_i)"),
        (json!({ "_action": "update", "_id": "no" }), 404, "Identifiant de ligne inconnu"),
        (json!([]), 400, "doit être de type object (valeur : [])"),
    ] {
        send(&harness, Method::POST, "lines", body).await.refused(status, text);
    }
    send(&harness, Method::PATCH, "lines/no", json!({})).await.refused(404, "Identifiant de ligne inconnu");
    bare(&harness, Method::DELETE, "lines/no").await.refused(404, "Identifiant de ligne inconnu");
    let raw = |media_type: &str, length: bool, body: &'static str| {
        let mut request =
            Request::post(format!("/datasets/{ID}/lines")).header(header::CONTENT_TYPE, media_type);
        if length {
            request = request.header(header::CONTENT_LENGTH, body.len());
        }
        let request = request.body(Body::from(body)).unwrap();
        let harness = &harness;
        async move { harness.send(&admin(), request).await }
    };
    let broken = raw("application/json", true, "{\"nom\":").await;
    let text =
        "Le corps de la requête n'est pas du JSON valide : EOF while parsing a value at line 1 column 7.";
    broken.refused(400, text);
    assert_eq!(raw("application/json", false, "{}").await.status, 411);
    assert_eq!(raw("text/html", true, "{}").await.status, 415);
    let answer = harness.json(&stranger(), Method::POST, &format!("/datasets/{ID}/lines"), json!({})).await;
    assert_eq!(answer.status, 403);
    assert_eq!(seen(&harness).await, Vec::<String>::new(), "nothing was changed");
}

#[tokio::test]
async fn lines_of_a_file_cannot_be_edited() {
    let harness = Harness::new().await;
    harness.dataset(ID, "nom\na\n").await;
    send(&harness, Method::POST, "lines", json!({ "nom": "b" }))
        .await
        .refused(501, "Cette opération n'est possible que sur un jeu de données éditable.");
}

#[tokio::test]
async fn a_bulk_of_several_transactions_is_whole_for_the_next_reader() {
    let harness = editable(&[]).await;
    let line = |n: usize, nom: &str| json!({ "_id": format!("l{n}"), "nom": nom, "n": n }).to_string() + "\n";
    // More than one portion of the index, in more than sixteen transactions; the last ones write lines again.
    let mut body: String = (0..16_500).map(|n| line(n, "a")).collect();
    body.extend((0..1_500).map(|n| line(n * 11, "b")));
    let report = bulk(&harness, "application/x-ndjson", "", &body).await.ok();
    assert_eq!((report["nbCreated"].as_u64(), report["nbModified"].as_u64()), (Some(16_500), Some(1_500)));
    assert!(report["indexedAt"].is_string());
    let total = |query: &str| {
        let path = format!("/datasets/{ID}/lines?size=0{query}");
        let harness = &harness;
        async move { harness.get(&admin(), &path).await.ok()["total"].as_u64() }
    };
    assert_eq!(total("").await, Some(16_500));
    assert_eq!(total("&nom_eq=b").await, Some(1_500));
    assert_eq!(total("&_id_eq=l11&nom_eq=b").await, Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn writers_beside_a_bulk_find_their_lines_and_none_is_lost() {
    let harness = editable(&[]).await;
    let line = |n: usize| json!({ "_id": format!("l{n}"), "nom": "bulk", "n": n }).to_string() + "\n";
    let body: String = (0..20_000).map(line).collect();
    let writing = async {
        let report = bulk(&harness, "application/x-ndjson", "", &body).await.ok();
        assert_eq!(report["nbOk"], 20_000);
    };
    let beside = async {
        for n in 0..40 {
            // Some are new; some are lines that the bulk writes too, before or after.
            let id = if n % 2 == 0 { format!("m{n}") } else { format!("l{}", n * 400) };
            let line = json!({ "_id": id, "nom": "beside", "n": n });
            let written = send(&harness, Method::POST, "lines", line).await.ok();
            let found = harness.get(&admin(), &format!("/datasets/{ID}/lines?_id_eq={id}")).await.ok();
            let now = found["results"][0]["_i"].as_i64();
            assert!(now >= written["_i"].as_i64(), "{id}: {now:?} after {}", written["_i"]);
        }
    };
    tokio::join!(writing, beside);
    let found = harness.get(&admin(), &format!("/datasets/{ID}/lines?size=0")).await.ok();
    assert_eq!(found["total"], 20_020);
    for n in (0..40).step_by(2) {
        let found =
            harness.get(&admin(), &format!("/datasets/{ID}/lines?_id_eq=m{n}&nom_eq=beside")).await.ok();
        assert_eq!(found["total"], 1, "m{n}");
    }
}

#[tokio::test]
async fn bulk_changes_are_counted_and_errors_do_not_stop_the_others() {
    let harness = editable(&[]).await;
    let body = json!([
        { "_id": "x", "nom": "a", "n": 1 },
        { "_id": "y", "nom": "b", "n": "?" },
        { "_id": "z", "nom": "c", "n": 3 },
        { "_action": "delete", "_id": "z" },
    ]);
    let report = bulk(&harness, "application/json", "", &body.to_string()).await.ok();
    assert_eq!((report["nbOk"].as_u64(), report["nbErrors"].as_u64()), (Some(3), Some(1)));
    assert_eq!((report["nbCreated"].as_u64(), report["nbDeleted"].as_u64()), (Some(2), Some(1)));
    let error =
        json!([{ "line": 2, "error": "/n doit être de type integer (valeur : \"?\")", "status": 400 }]);
    assert_eq!(report["errors"], error);
    assert!(report["indexedAt"].is_string());
    assert_eq!(seen(&harness).await, ["x:a:1"]);

    let report = bulk(&harness, "text/csv", "?sep=;", "_id;nom;n\nx;a;1\nw;d;4\n").await.ok();
    assert_eq!((report["nbNotModified"].as_u64(), report["nbCreated"].as_u64()), (Some(1), Some(1)));
    let patch = "{\"_action\":\"patch\",\"_id\":\"w\",\"n\":5}\n";
    bulk(&harness, "application/x-ndjson", "", patch).await.ok();
    assert_eq!(seen(&harness).await, ["x:a:1", "w:d:5"]);

    let hopeless = bulk(&harness, "application/x-ndjson", "", "{oops\n").await;
    assert_eq!((hopeless.status.as_u16(), hopeless.json()["nbErrors"].as_u64()), (400, Some(1)));
    let answer = bulk(&harness, "application/json", "", "{}").await;
    assert_eq!(answer.status, 400);
    assert!(
        answer.text.starts_with("Le corps de la requête n'est pas un tableau JSON valide"),
        "{}",
        answer.text
    );
}

#[tokio::test]
async fn dropping_replaces_everything_or_nothing() {
    let harness = editable(&[]).await;
    bulk(&harness, "application/json", "", r#"[{"_id":"x","nom":"a","n":1}]"#).await.ok();
    let cancelled = bulk(&harness, "application/json", "?drop=true", r#"[{"nom":"b"},{"nom":2}]"#).await;
    assert_eq!((cancelled.status.as_u16(), cancelled.json()["cancelled"].as_bool()), (400, Some(true)));
    assert_eq!(seen(&harness).await, ["x:a:1"]);
    let report =
        bulk(&harness, "application/json", "?drop=true", r#"[{"_id":"y","nom":"b","n":2}]"#).await.ok();
    assert_eq!(report["dropped"], true);
    assert_eq!(seen(&harness).await, ["y:b:2"]);
}

#[tokio::test]
async fn a_primary_key_names_the_line() {
    let harness = editable(&["nom"]).await;
    send(&harness, Method::POST, "lines", json!({ "nom": "a", "n": 1 })).await.ok();
    let again = send(&harness, Method::POST, "lines", json!({ "nom": "a", "n": 2 })).await.ok();
    let id = again["_id"].as_str().unwrap();
    assert_eq!(seen(&harness).await, [format!("{id}:a:2")]);
    let path = format!("lines/{id}");
    send(&harness, Method::PATCH, &path, json!({ "nom": "b" }))
        .await
        .refused(400, "La clé primaire d'une ligne ne peut pas être modifiée (nom).");
}

#[tokio::test]
async fn the_index_is_rebuilt_from_sql_after_a_change_of_the_columns_and_on_demand() {
    let harness = editable(&[]).await;
    send(&harness, Method::POST, "lines", json!({ "_id": "x", "nom": "a", "n": 1 })).await.ok();
    let schema = json!({ "schema": [
        { "key": "nom", "type": "string" },
        { "key": "n", "type": "integer" },
        { "key": "plus", "type": "string" },
    ] });
    harness.json(&admin(), Method::PATCH, &format!("/datasets/{ID}"), schema).await.ok();
    assert_eq!(seen(&harness).await, ["x:a:1"], "readers go on before the index has the new column");
    harness.run().await;
    send(&harness, Method::PATCH, "lines/x", json!({ "plus": "p" })).await.ok();
    let found = harness.get(&admin(), &format!("/datasets/{ID}/lines?plus_eq=p")).await.ok();
    assert_eq!(found["total"], 1);
    harness.datasets.reindex(ID).await.unwrap();
    harness.run().await;
    assert_eq!(seen(&harness).await, ["x:a:1"]);
    let dataset = harness.get(&admin(), &format!("/datasets/{ID}")).await.ok();
    assert_eq!(dataset["count"], 1);
}

#[tokio::test]
async fn a_write_whose_process_died_before_the_index_knew_is_caught_up_by_its_job() {
    let harness = editable(&[]).await;
    send(&harness, Method::POST, "lines", json!({ "_id": "x", "nom": "a", "n": 1 })).await.ok();
    // What such a process leaves: the line and the job, in one transaction.
    let body = json!({ "nom": "b", "n": 2 }).as_object().unwrap().clone();
    let line = LineRecord { id: "y".to_owned(), i: 0, body, deleted: false };
    let gone = LineRecord { id: "x".to_owned(), i: 0, body: Map::new(), deleted: true };
    let mut unit = harness.datasets.store.begin().await.unwrap();
    unit.lines().put(ID, &[line, gone]).await.unwrap();
    let job =
        NewJob::now(SYNC_LINES, format!("datasets/{ID}"), json!({ "dataset": ID }), harness.clock.now());
    unit.jobs().enqueue(&job).await.unwrap();
    unit.commit().await.unwrap();
    assert_eq!(seen(&harness).await, ["x:a:1"]);
    harness.run().await;
    assert_eq!(seen(&harness).await, ["y:b:2"]);
    let dataset = harness.get(&admin(), &format!("/datasets/{ID}")).await.ok();
    assert_eq!(dataset["count"], 1);
}
