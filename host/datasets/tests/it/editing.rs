//! Editable datasets beyond single lines: history, owners of lines, files, every format of a bulk request.

use std::io::Write;

use axum::body::Body;
use axum::http::{Method, Request, header};
use halle_model::Caller;
use serde_json::{Value, json};

use crate::harness::{Answer, Harness, admin, member, stranger};

const ID: &str = "editable";

async fn editable(rest: Value) -> Harness {
    let harness = Harness::new().await;
    let body = json!({
        "title": "Éditable",
        "isRest": true,
        "rest": rest,
        "schema": [
            { "key": "nom", "type": "string", "x-originalName": "Nom" },
            { "key": "n", "type": "integer" },
            { "key": "jour", "type": "string", "format": "date" },
            { "key": "piece", "type": "string", "x-refersTo": "http://schema.org/DigitalDocument" },
        ],
    });
    harness.json(&admin(), Method::PUT, &format!("/datasets/{ID}"), body).await.ok();
    harness
}

async fn send(harness: &Harness, caller: &Caller, method: Method, path: &str, body: Value) -> Answer {
    harness.json(caller, method, &format!("/datasets/{ID}/{path}"), body).await
}

async fn get(harness: &Harness, path: &str) -> Answer {
    harness.get(&admin(), &format!("/datasets/{ID}/{path}")).await
}

async fn delete(harness: &Harness, caller: &Caller, path: &str) -> Answer {
    let request = Request::delete(format!("/datasets/{ID}/{path}"));
    harness.send(caller, request.body(Body::empty()).unwrap()).await
}

async fn post_bytes(harness: &Harness, path: &str, media_type: &str, body: Vec<u8>) -> Answer {
    let request = Request::post(format!("/datasets/{ID}/{path}"))
        .header(header::CONTENT_TYPE, media_type)
        .header(header::CONTENT_LENGTH, body.len());
    harness.send(&admin(), request.body(Body::from(body)).unwrap()).await
}

/// A form: fields, then files as (field, name, bytes).
async fn form(
    harness: &Harness,
    path: &str,
    fields: &[(&str, &str)],
    files: &[(&str, &str, &[u8])],
) -> Answer {
    let mut body = Vec::new();
    for (name, value) in fields {
        let part =
            format!("--frontier\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        body.extend_from_slice(part.as_bytes());
    }
    for (field, name, bytes) in files {
        let head = format!(
            "--frontier\r\nContent-Disposition: form-data; name=\"{field}\"; filename=\"{name}\"\r\n\r\n"
        );
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--frontier--\r\n");
    post_bytes(harness, path, "multipart/form-data; boundary=frontier", body).await
}

fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in files {
        writer.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// `action:id:nom` of revisions, newest first.
fn told(page: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let results = page["results"].as_array().unwrap().iter();
    results.map(|r| format!("{}:{}:{}", text(&r["_action"]), text(&r["_id"]), text(&r["nom"]))).collect()
}

#[tokio::test]
async fn every_effective_change_leaves_a_revision_that_outlives_its_line() {
    let harness = editable(json!({ "history": true })).await;
    send(&harness, &admin(), Method::POST, "lines", json!({ "_id": "x", "nom": "a" })).await.ok();
    let unchanged = send(&harness, &admin(), Method::PUT, "lines/x", json!({ "nom": "a" })).await;
    assert_eq!(unchanged.status, 304);
    send(&harness, &admin(), Method::PATCH, "lines/x", json!({ "nom": "b" })).await.ok();
    send(&harness, &admin(), Method::POST, "lines", json!({ "_id": "y", "nom": "c" })).await.ok();
    assert_eq!(delete(&harness, &admin(), "lines/x").await.status, 204);

    let page = get(&harness, "lines/x/revisions").await.ok();
    assert_eq!(told(&page), ["delete:x:-", "patch:x:b", "createOrUpdate:x:a"]);
    assert_eq!((page["total"].as_u64(), &page["next"]), (Some(3), &Value::Null));
    let first = get(&harness, "revisions?size=3").await.ok();
    assert_eq!(told(&first), ["delete:x:-", "createOrUpdate:y:c", "patch:x:b"]);
    let next = first["next"].as_str().unwrap();
    assert!(next.contains(&format!("before={}", first["results"][2]["_i"])), "{next}");
    let second = get(&harness, &format!("revisions?size=3&before={}", first["results"][2]["_i"])).await.ok();
    assert_eq!((told(&second), second["total"].as_u64()), (vec!["createOrUpdate:x:a".to_owned()], Some(4)));

    assert_eq!(delete(&harness, &admin(), "lines").await.status, 204);
    let gone = get(&harness, "lines/y/revisions").await.ok();
    assert_eq!(told(&gone), ["delete:y:-", "createOrUpdate:y:c"]);
    assert_eq!(harness.get(&stranger(), &format!("/datasets/{ID}/revisions")).await.status, 403);
    assert_eq!(get(&harness, "revisions?before=x").await.status, 400);
}

#[tokio::test]
async fn a_history_starts_with_what_is_there_and_is_forgotten_when_it_is_switched_off() {
    let harness = editable(json!({})).await;
    send(&harness, &admin(), Method::POST, "lines", json!({ "_id": "x", "nom": "a" })).await.ok();
    let off = "L'historisation des lignes n'est pas activée sur ce jeu de données.";
    get(&harness, "revisions").await.refused(400, off);
    let patch = |rest: Value| send_patch(&harness, rest);
    assert_eq!(patch(json!({ "history": true })).await.ok()["rest"]["history"], true);
    assert_eq!(told(&get(&harness, "revisions").await.ok()), ["createOrUpdate:x:a"]);
    patch(json!({ "history": false })).await.ok();
    patch(json!({ "history": true })).await.ok();
    assert_eq!(get(&harness, "revisions").await.ok()["total"], 1);
    assert_eq!(patch(json!({ "histoire": true })).await.status, 400);
}

async fn send_patch(harness: &Harness, rest: Value) -> Answer {
    harness.json(&admin(), Method::PATCH, &format!("/datasets/{ID}"), json!({ "rest": rest })).await
}

#[tokio::test]
async fn lines_tell_who_changed_them_where_that_is_kept() {
    let harness = editable(json!({ "storeUpdatedBy": true })).await;
    send(&harness, &admin(), Method::POST, "lines", json!({ "_id": "x", "nom": "a" })).await.ok();
    let line = get(&harness, "lines/x").await.ok();
    assert_eq!(
        (line["_updatedBy"].as_str(), line["_updatedByName"].as_str()),
        (Some("alice"), Some("alice"))
    );
    assert_eq!(get(&harness, "lines?_updatedBy_eq=alice").await.ok()["total"], 1);
    let forged = json!({ "nom": "a", "_updatedBy": "bob" });
    let refused = send(&harness, &admin(), Method::PUT, "lines/x", forged).await;
    refused.refused(400, "ne doit pas contenir de propriétés additionnelles (_updatedBy)");
    let dated = json!({ "nom": "a", "_updatedAt": "2020-01-01T00:00:00Z" });
    assert_eq!(send(&harness, &admin(), Method::PUT, "lines/x", dated.clone()).await.status, 400);
    let superadmin = Caller { admin_mode: true, ..admin() };
    send(&harness, &superadmin, Method::PUT, "lines/x", dated).await.ok();
    assert_eq!(get(&harness, "lines/x").await.ok()["_updatedAt"], "2020-01-01T00:00:00Z");
}

#[tokio::test]
async fn owners_of_lines_see_and_change_their_own_only() {
    let harness = editable(json!({ "lineOwnership": true, "history": true })).await;
    let (bob, zoe) = (member("bob", "club", "user"), stranger());
    let grants = json!([{ "operations": [], "classes": ["manageOwnLines"] }]);
    let path = format!("/datasets/{ID}/permissions");
    harness.json(&admin(), Method::PUT, &path, grants).await.ok();

    let created = send(&harness, &zoe, Method::POST, "own/user:zoe/lines", json!({ "nom": "z" })).await;
    assert_eq!(created.status, 201, "{}", created.text);
    assert_eq!(created.json()["_owner"], "user:zoe");
    let id = created.json()["_id"].as_str().unwrap().to_owned();
    send(&harness, &bob, Method::POST, "own/organization:club/lines", json!({ "_id": "b", "nom": "b" }))
        .await
        .ok();
    send(&harness, &admin(), Method::POST, "lines", json!({ "_id": "a", "nom": "a" })).await.ok();

    let own =
        harness.get(&zoe, &format!("/datasets/{ID}/own/user:zoe/lines?_owner_eq=organization:club")).await;
    assert_eq!(own.ok()["total"], 1, "a filter of one's own cannot widen what is seen");
    assert_eq!(own.json()["results"][0]["nom"], "z");
    let other = harness.get(&zoe, &format!("/datasets/{ID}/own/organization:club/lines")).await;
    other.refused(403, "only owner can manage his own lines");
    assert_eq!(harness.get(&zoe, &format!("/datasets/{ID}/lines")).await.status, 403);
    for (method, body) in [(Method::PUT, json!({ "nom": "x" })), (Method::PATCH, json!({ "nom": "x" }))] {
        let answer = send(&harness, &zoe, method, "own/user:zoe/lines/b", body).await;
        answer.refused(404, "Identifiant de ligne inconnu");
    }
    assert_eq!(delete(&harness, &zoe, "own/user:zoe/lines/a").await.status, 404);
    let path = format!("own/user:zoe/lines/{id}");
    let stolen = json!({ "nom": "zz", "_owner": "user:bob" });
    let kept = send(&harness, &zoe, Method::PATCH, &path, stolen).await.ok();
    assert_eq!((kept["_owner"].as_str(), kept["nom"].as_str()), (Some("user:zoe"), Some("zz")));
    let replaced =
        send(&harness, &admin(), Method::PUT, &format!("lines/{id}"), json!({ "nom": "y" })).await.ok();
    assert_eq!(replaced["_owner"], "user:zoe", "who may write every line does not take it from its owner");
    let revisions = harness.get(&zoe, &format!("/datasets/{ID}/own/user:zoe/revisions")).await.ok();
    assert_eq!(revisions["total"], 3);
    assert_eq!(delete(&harness, &zoe, &path).await.status, 204);
    assert_eq!(harness.get(&zoe, &format!("/datasets/{ID}/{path}")).await.status, 404);
    send_patch(&harness, json!({})).await.ok();
    assert_eq!(harness.get(&zoe, &format!("/datasets/{ID}/own/user:zoe/lines")).await.status, 501);
}

#[tokio::test]
async fn a_bulk_request_may_be_compressed_or_a_form_or_a_workbook() {
    let harness = editable(json!({})).await;
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(b"_id;Nom;n\nx;a;1\ny;b;2\n").unwrap();
    let report =
        post_bytes(&harness, "_bulk_lines?sep=;", "text/csv+gzip", gzip.finish().unwrap()).await.ok();
    assert_eq!(report["nbCreated"], 2, "{report}");
    let latin = b"_id,nom\nx,\xe9t\xe9\n".to_vec();
    post_bytes(&harness, "_bulk_lines?encoding=windows-1252", "text/csv", latin).await.ok();
    assert_eq!(get(&harness, "lines/x").await.ok()["nom"], "été");

    let mut workbook = rust_xlsxwriter::Workbook::new();
    let sheet = workbook.add_worksheet();
    for (row, cells) in
        [["_id", "_action", "Nom", "n"], ["x", "delete", "", ""], ["w", "", "c", "3"]].iter().enumerate()
    {
        sheet.write_row(row as u32, 0, *cells).unwrap();
    }
    let bytes = workbook.save_to_buffer().unwrap();
    let report = form(&harness, "_bulk_lines", &[], &[("actions", "lignes.xlsx", &bytes)]).await.ok();
    assert_eq!((report["nbDeleted"].as_u64(), report["nbCreated"].as_u64()), (Some(1), Some(1)), "{report}");
    assert_eq!(get(&harness, "lines/w").await.ok()["n"], 3);
    let zipped = zip(&[("lignes.ndjson", b"{\"_id\":\"v\",\"nom\":\"d\"}\n")]);
    form(&harness, "_bulk_lines", &[], &[("actions", "lignes.zip", &zipped)]).await.ok();
    assert_eq!(get(&harness, "lines/v").await.ok()["nom"], "d");
    let missing = form(&harness, "_bulk_lines", &[("a", "b")], &[]).await;
    missing.refused(400, "Le champ \"actions\" manque : envoyez-y le fichier des lignes.");
}

#[tokio::test]
async fn later_changes_are_seen_once_their_job_ran() {
    let harness = editable(json!({})).await;
    let body = b"[{\"_id\":\"x\",\"nom\":\"a\"}]".to_vec();
    let report = post_bytes(&harness, "_bulk_lines?async=true", "application/json", body).await.ok();
    assert_eq!((report["nbCreated"].as_u64(), &report["indexedAt"]), (Some(1), &Value::Null));
    assert_eq!(get(&harness, "lines").await.ok()["total"], 0);
    harness.run().await;
    assert_eq!(get(&harness, "lines").await.ok()["total"], 1);
}

#[tokio::test]
async fn a_file_comes_with_its_line_and_goes_with_it() {
    let harness = editable(json!({})).await;
    let fields = [("nom", "avec pièce"), ("n", "12")];
    let line = form(&harness, "lines", &fields, &[("attachment", "note été.txt", b"bonjour")]).await;
    assert_eq!(line.status, 201, "{}", line.text);
    let line = line.json();
    let (id, path) = (line["_id"].as_str().unwrap(), line["piece"].as_str().unwrap());
    assert_eq!(path, format!("{id}/f02368945726d5fc2a14eb576f7276c0/note été.txt"));
    assert_eq!(line["n"], 12);
    let encoded = path.replace("é", "%C3%A9").replace(' ', "%20");
    let file = get(&harness, &format!("attachments/{encoded}")).await;
    assert_eq!((file.status.as_u16(), file.text.as_str()), (200, "bonjour"));
    assert_eq!(get(&harness, "attachments/..%2Fx").await.status, 404);

    let body = [("_body", "{\"nom\":\"refusée\",\"oops\":1}")];
    let refused = form(&harness, "lines", &body, &[("attachment", "perdu.txt", b"perdu")]).await;
    assert_eq!(refused.status, 400);
    assert_eq!(harness.files("blobs").len(), 1, "the file of a refused line does not stay");
    assert_eq!(delete(&harness, &admin(), &format!("lines/{id}")).await.status, 204);
    assert_eq!(harness.files("blobs"), Vec::<String>::new());
}

#[tokio::test]
async fn files_of_a_zip_are_those_that_lines_name_and_lines_can_be_made_of_them() {
    let harness = editable(json!({})).await;
    let files = zip(&[("dossier/a.txt", b"A"), ("b.txt", b"B")]);
    let actions = b"_id,piece\nx,dossier/a.txt\ny,absent.txt\n";
    let parts: [(&str, &str, &[u8]); 2] =
        [("actions", "lignes.csv", actions), ("attachments", "pieces.zip", &files)];
    form(&harness, "_bulk_lines", &[], &parts).await.ok();
    assert_eq!(get(&harness, "attachments/dossier/a.txt").await.text, "A");
    let empty = post_bytes(&harness, "_sync_attachments_lines", "application/json", Vec::new()).await.ok();
    assert_eq!((empty["nbCreated"].as_u64(), empty["nbDeleted"].as_u64()), (Some(1), Some(1)));
    let lines = get(&harness, "lines?sort=piece").await.ok();
    let paths: Vec<&str> =
        lines["results"].as_array().unwrap().iter().map(|l| l["piece"].as_str().unwrap()).collect();
    assert_eq!(paths, ["b.txt", "dossier/a.txt"]);
    let outside = zip(&[("../c.txt", b"C")]);
    let parts: [(&str, &str, &[u8]); 2] = [("actions", "l.csv", actions), ("attachments", "p.zip", &outside)];
    assert_eq!(form(&harness, "_bulk_lines", &[], &parts).await.status, 400);
}

#[tokio::test]
async fn listeners_hear_of_each_line_that_changes() {
    let harness = editable(json!({})).await;
    let mut heard = harness.datasets.hub.subscribe(&format!("datasets/{ID}/transactions"));
    send(&harness, &admin(), Method::POST, "lines", json!({ "_id": "x", "nom": "a" })).await.ok();
    delete(&harness, &admin(), "lines/x").await;
    for (action, name) in [("createOrUpdate", json!("a")), ("delete", Value::Null)] {
        let Some(halle_http::realtime::Delivery::Message(message)) = heard.next().await else {
            panic!("lost")
        };
        assert_eq!((message.data["_action"].as_str(), &message.data["nom"]), (Some(action), &name));
        assert_eq!(message.data["_id"], "x");
    }
}

#[tokio::test]
async fn old_lines_and_old_revisions_go_after_their_delay() {
    let rest = json!({
        "ttl": { "active": true, "prop": "jour", "delay": { "value": 10, "unit": "days" } },
        "history": true,
        "historyTTL": { "active": true, "delay": { "value": 20, "unit": "days" } },
    });
    let harness = editable(rest).await;
    for (id, day) in [("old", "2025-12-01"), ("new", "2025-12-31")] {
        send(&harness, &admin(), Method::POST, "lines", json!({ "_id": id, "jour": day })).await.ok();
    }
    send(&harness, &admin(), Method::POST, "lines", json!({ "_id": "undated", "nom": "a" })).await.ok();
    assert_eq!(get(&harness, "lines").await.ok()["total"], 3);
    harness.run().await;
    let ids = |page: Value| -> Vec<String> {
        page["results"].as_array().unwrap().iter().map(|l| l["_id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(
        ids(get(&harness, "lines?sort=_id").await.ok()),
        ["new", "undated"],
        "a write asks for the look"
    );
    assert_eq!(get(&harness, "revisions").await.ok()["total"], 4);
    harness.clock.advance(jiff::SignedDuration::from_hours(24 * 11));
    harness.run().await;
    assert_eq!(ids(get(&harness, "lines").await.ok()), ["undated"], "the look comes back by itself");
    harness.clock.advance(jiff::SignedDuration::from_hours(24 * 11));
    harness.run().await;
    assert_eq!(get(&harness, "revisions").await.ok()["total"], 1, "only the last removal is young enough");
    let wrong = json!({ "ttl": { "active": true, "prop": "nom", "delay": { "value": 1 } } });
    assert_eq!(send_patch(&harness, wrong).await.status, 400);
}

#[tokio::test]
async fn files_of_a_description_are_sent_whole_or_in_part() {
    let harness = editable(json!({})).await;
    let parts: [(&str, &str, &[u8]); 1] = [("attachment", "carte été.pmtiles", b"0123456789")];
    let kept = form(&harness, "metadata-attachments", &[], &parts).await.ok();
    assert_eq!((kept["name"].as_str(), kept["size"].as_u64()), (Some("carte été.pmtiles"), Some(10)));
    assert_eq!(kept["mimetype"], "application/vnd.pmtiles");
    let listed = json!({ "attachments": [{ "type": "file", "title": "Carte", "name": kept["name"] }] });
    let dataset = harness.json(&admin(), Method::PATCH, &format!("/datasets/{ID}"), listed).await.ok();
    let url = dataset["attachments"][0]["url"].as_str().unwrap();
    assert!(url.ends_with("/datasets/editable/metadata-attachments/carte%20été.pmtiles"), "{url}");
    let path = format!("/datasets/{ID}/metadata-attachments/carte%20%C3%A9t%C3%A9.pmtiles");
    let ask = |headers: Vec<(header::HeaderName, String)>| {
        let mut request = Request::get(&path);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let harness = &harness;
        async move { harness.send(&admin(), request.body(Body::empty()).unwrap()).await }
    };
    let whole = ask(Vec::new()).await;
    assert_eq!((whole.status.as_u16(), whole.text.as_str()), (200, "0123456789"));
    let etag = whole.headers[header::ETAG].to_str().unwrap().to_owned();
    let part = ask(vec![(header::RANGE, "bytes=2-4".to_owned()), (header::IF_RANGE, etag.clone())]).await;
    assert_eq!((part.status.as_u16(), part.text.as_str()), (206, "234"));
    assert_eq!(part.headers[header::CONTENT_RANGE], "bytes 2-4/10");
    assert_eq!(part.headers[header::CONTENT_LENGTH], "3");
    let beyond = ask(vec![(header::RANGE, "bytes=10-".to_owned())]).await;
    assert_eq!(
        (beyond.status.as_u16(), &beyond.headers[header::CONTENT_RANGE]),
        (416, &"bytes */10".parse().unwrap())
    );
    assert_eq!(ask(vec![(header::IF_NONE_MATCH, etag.clone())]).await.status, 304);

    let parts: [(&str, &str, &[u8]); 1] = [("attachment", "carte été.pmtiles", b"abc")];
    form(&harness, "metadata-attachments", &[], &parts).await.ok();
    let other = ask(vec![(header::RANGE, "bytes=0-1".to_owned()), (header::IF_RANGE, etag)]).await;
    assert_eq!((other.status.as_u16(), other.text.as_str()), (200, "abc"), "of another content, all is sent");
    assert_eq!(harness.files("blobs").len(), 1);
    assert_eq!(harness.get(&stranger(), &path).await.status, 403);
    let name = "metadata-attachments/carte%20%C3%A9t%C3%A9.pmtiles";
    assert_eq!(delete(&harness, &admin(), name).await.status, 204);
    assert_eq!(delete(&harness, &admin(), name).await.status, 404);
    assert_eq!(form(&harness, "metadata-attachments", &[("a", "b")], &[]).await.status, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn writers_side_by_side_each_get_their_own_answer() {
    let harness = editable(json!({ "history": true })).await;
    let writers = (0..40).map(|n| {
        let harness = &harness;
        async move {
            let (caller, body) = match n % 4 {
                3 => (stranger(), json!({ "_id": format!("l{n}"), "n": n })),
                2 => (admin(), json!({ "_id": format!("l{n}"), "n": "?" })),
                _ => (admin(), json!({ "_id": format!("l{n}"), "n": n })),
            };
            let answer = send(harness, &caller, Method::POST, "lines", body).await;
            let read = get(harness, &format!("lines/l{n}")).await;
            (n, answer.status.as_u16(), answer.text.contains(&format!("\"l{n}\"")), read.status.as_u16())
        }
    });
    let answers = futures::future::join_all(writers).await;
    for (n, status, is_own, read) in answers {
        let expect = match n % 4 {
            3 => (403, false, 404),
            2 => (400, false, 404),
            _ => (200, true, 200),
        };
        assert_eq!((status, is_own, read), expect, "writer {n}");
    }
    let page = get(&harness, "revisions?size=100").await.ok();
    assert_eq!(page["total"], 20);
    let dataset = harness.get(&admin(), &format!("/datasets/{ID}")).await.ok();
    assert_eq!(dataset["count"], 20);
}

#[tokio::test]
async fn lines_that_break_rules_are_warnings_where_validation_does_not_block() {
    let harness = editable(json!({})).await;
    let rules = json!({ "schema": [
        { "key": "nom", "type": "string", "maxLength": 3 },
        { "key": "n", "type": "integer", "x-required": true },
        { "key": "jour", "type": "string", "format": "date" },
        { "key": "piece", "type": "string", "x-refersTo": "http://schema.org/DigitalDocument" },
    ] });
    let path = format!("/datasets/{ID}");
    harness.json(&admin(), Method::PATCH, &path, rules).await.ok();
    let lines = json!([{ "_id": "a", "nom": "long", "n": 1 }, { "_id": "b", "nom": "abc", "n": 2 }]);
    let strict = send(&harness, &admin(), Method::POST, "_bulk_lines", lines.clone()).await.ok();
    assert_eq!((&strict["nbErrors"], &strict["nbWarnings"]), (&json!(1), &json!(0)));

    let lenient = json!({ "nonBlockingValidation": true });
    harness.json(&admin(), Method::PATCH, &path, lenient).await.ok();
    let report = send(&harness, &admin(), Method::POST, "_bulk_lines", lines.clone()).await.ok();
    assert_eq!(
        (&report["nbOk"], &report["nbCreated"], &report["nbErrors"]),
        (&json!(2), &json!(1), &json!(0))
    );
    let told = json!([{ "line": 1, "warning": "/nom ne doit pas contenir plus de 3 caractères" }]);
    assert_eq!((&report["nbWarnings"], &report["warnings"]), (&json!(1), &told));
    assert_eq!(get(&harness, "lines/a").await.ok()["nom"], "long");

    let typed = json!([{ "_id": "c", "n": "deux" }, { "_id": "d", "nom": "abc" }]);
    let typed = send(&harness, &admin(), Method::POST, "_bulk_lines", typed).await.ok();
    assert_eq!((&typed["nbErrors"], &typed["nbWarnings"]), (&json!(1), &json!(1)), "types always count");
    assert_eq!(typed["warnings"][0], json!({ "line": 2, "warning": "requiert la propriété n" }));
    let dropped = send(&harness, &admin(), Method::POST, "_bulk_lines?drop=true", lines).await.ok();
    assert_eq!((&dropped["dropped"], &dropped["nbWarnings"]), (&json!(true), &json!(1)));
    let one = send(&harness, &admin(), Method::POST, "lines", json!({ "nom": "trop long", "n": 3 })).await;
    assert_eq!(one.status, 201, "{}", one.text);
}

#[tokio::test]
async fn what_was_written_before_a_crash_is_read_after_it() {
    let harness = editable(json!({})).await;
    for (id, n) in [("a", 1), ("b", 2), ("c", 3)] {
        send(&harness, &admin(), Method::POST, "lines", json!({ "_id": id, "n": n })).await.ok();
    }
    harness.run().await;
    // What the index on disk does not know yet: a line more, one changed, one gone, which was the last.
    send(&harness, &admin(), Method::POST, "lines", json!({ "_id": "d", "n": 4 })).await.ok();
    send(&harness, &admin(), Method::PATCH, "lines/a", json!({ "n": 10 })).await.ok();
    assert_eq!(delete(&harness, &admin(), "lines/c").await.status, 204);
    let before = get(&harness, "lines?sort=_id&select=_id,n").await.ok()["results"].clone();
    let line = |id: &str, n: i64| json!({ "_id": id, "n": n, "_score": null });
    assert_eq!(before, json!([line("a", 10), line("b", 2), line("d", 4)]));

    let harness = harness.restarted();
    harness.datasets.catch_up().await.unwrap();
    assert_eq!(get(&harness, "lines?sort=_id&select=_id,n").await.ok()["results"], before);
    // The job that forgets deleted lines has it on disk first.
    harness.run_later().await;
    let harness = harness.restarted();
    assert_eq!(get(&harness, "lines?sort=_id&select=_id,n").await.ok()["results"], before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lines_written_while_the_index_is_built_anew_are_there_once() {
    let harness = editable(json!({})).await;
    let line = |n: usize, nom: &str| json!({ "_id": format!("l{n}"), "n": n, "nom": nom });
    let all: Vec<Value> = (0..3_500).map(|n| line(n, "ancien")).collect();
    send(&harness, &admin(), Method::POST, "_bulk_lines", json!(all)).await.ok();
    harness.run().await;
    // Another column: the index is built anew, in steps of 1,000 lines.
    let schema = json!({ "schema": [
        { "key": "nom", "type": "string" },
        { "key": "n", "type": "integer" },
        { "key": "plus", "type": "string" },
    ] });
    harness.json(&admin(), Method::PATCH, &format!("/datasets/{ID}"), schema).await.ok();
    let edits = async {
        for n in 0..60 {
            send(&harness, &admin(), Method::PUT, &format!("lines/l{n}"), line(n, "nouveau")).await.ok();
            delete(&harness, &admin(), &format!("lines/l{}", n + 100)).await;
        }
    };
    tokio::join!(harness.run(), edits);
    harness.run().await;
    assert_eq!(get(&harness, "lines?size=0").await.ok()["total"], 3_440);
    assert_eq!(get(&harness, "lines?size=0&nom_eq=nouveau").await.ok()["total"], 60);
    assert_eq!(get(&harness, "metric_agg?metric=cardinality&field=_id").await.ok()["metric"], 3_440);
}
