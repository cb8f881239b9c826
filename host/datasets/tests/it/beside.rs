//! Files that come beside a data file, in a zip: found among the values, checked, served, kept, replaced, taken away.

use axum::body::Body;
use axum::http::{Method, Request, header};
use serde_json::{Value, json};

use crate::documents::zip;
use crate::harness::{Answer, Harness, admin, stranger};

const MINUTES: &str = "séance,procès-verbal\nbudget,2024/budget.txt\nécole,école.txt\nvoirie,\n";

fn files() -> Vec<u8> {
    zip(&[
        ("2024/budget.txt", b"Le budget primitif est adopte"),
        ("\u{e9}cole.txt", b"La cantine est agrandie"),
    ])
}

/// A multipart body of files by field and name, and fields.
async fn send(
    harness: &Harness,
    method: Method,
    path: &str,
    files: &[(&str, &str, &[u8])],
    fields: &[(&str, &str)],
) -> Answer {
    let mut body = Vec::new();
    for (field, name, content) in files {
        let part = format!(
            "--frontier\r\nContent-Disposition: form-data; name=\"{field}\"; filename=\"{name}\"\r\n\r\n"
        );
        body.extend_from_slice(part.as_bytes());
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(&crate::harness::multipart(None, fields));
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::CONTENT_TYPE, "multipart/form-data; boundary=frontier")
        .header(header::CONTENT_LENGTH, body.len());
    harness.send(&admin(), request.body(Body::from(body)).unwrap()).await
}

async fn upload(harness: &Harness, csv: &str, zip: Option<&[u8]>) -> Answer {
    let mut files = vec![("file", "pv.csv", csv.as_bytes())];
    files.extend(zip.map(|zip| ("attachments", "pv.zip", zip)));
    send(harness, Method::POST, "/datasets/pv", &files, &[]).await
}

async fn minutes() -> Harness {
    let harness = Harness::new().await;
    assert_eq!(upload(&harness, MINUTES, Some(&files())).await.status, 201);
    harness.run().await;
    harness
}

async fn dataset(harness: &Harness) -> Value {
    harness.get(&admin(), "/datasets/pv").await.ok()
}

async fn text(harness: &Harness, path: &str) -> (u16, String) {
    let answer = harness.get(&admin(), path).await;
    (answer.status.as_u16(), answer.text)
}

#[tokio::test]
async fn a_copy_has_the_files_too() {
    let harness = minutes().await;
    let init = json!({ "title": "Copie", "initFrom": { "dataset": "pv", "parts": ["data"] } });
    harness.json(&admin(), Method::POST, "/datasets/copie", init).await.ok();
    harness.run().await;
    let copy = harness.get(&admin(), "/datasets/copie").await.ok();
    assert_eq!((&copy["status"], &copy["storage"]["attachments"]["count"]), (&json!("finalized"), &json!(2)));
    harness.json(&admin(), Method::DELETE, "/datasets/pv", Value::Null).await;
    harness.run_later().await;
    let expected = (200, "Le budget primitif est adopte".to_owned());
    assert_eq!(text(&harness, "/datasets/copie/attachments/2024/budget.txt").await, expected, "its own");
}

#[tokio::test]
async fn whoever_may_not_read_files_copies_none() {
    let harness = minutes().await;
    let operations = ["readDescription", "readLines", "downloadOriginalData"];
    let grants = json!([{ "type": "user", "id": "zoe", "operations": operations, "classes": [] }]);
    harness.json(&admin(), Method::PUT, "/datasets/pv/permissions", grants).await.ok();
    let init = json!({ "title": "Copie", "initFrom": { "dataset": "pv", "parts": ["data"] } });
    harness.json(&stranger(), Method::POST, "/datasets/copie", init).await.refused(
        403,
        "Permission manquante pour l'opération \"downloadAttachment\" ou la catégorie \"read\".",
    );
    assert_eq!(harness.get(&admin(), "/datasets/copie").await.status, 404);
}

#[tokio::test]
async fn the_column_of_the_paths_is_found_and_its_files_are_searched_and_served() {
    let harness = minutes().await;
    let dataset = dataset(&harness).await;
    assert_eq!(dataset["status"], "finalized");
    let column = &dataset["schema"][1];
    assert_eq!(column["key"], "proces_verbal");
    assert_eq!(column["x-refersTo"], "http://schema.org/DigitalDocument");
    assert_eq!(dataset["schema"][0]["x-refersTo"], Value::Null);
    let zip_bytes = files().len();
    assert_eq!(dataset["storage"]["attachments"], json!({ "size": zip_bytes, "count": 2 }));
    assert!(dataset["storage"]["size"].as_u64().unwrap() > zip_bytes as u64);

    let found = harness.get(&admin(), "/datasets/pv/lines?q=cantine").await.ok();
    assert_eq!((&found["total"], &found["results"][0]["seance"]), (&json!(1), &json!("école")));
    let address = found["results"][0]["_attachment_url"].as_str().unwrap();
    assert!(address.ends_with("/datasets/pv/attachments/%C3%A9cole.txt"), "{address}");
    let file = "/datasets/pv/attachments/2024/budget.txt";
    assert_eq!(text(&harness, file).await, (200, "Le budget primitif est adopte".to_owned()));
    assert_eq!(harness.get(&stranger(), file).await.status, 403);
    assert_eq!(text(&harness, "/datasets/pv/attachments/pv.csv").await.0, 404);
    let raw = text(&harness, "/datasets/pv/raw").await;
    assert_eq!(raw, (200, MINUTES.to_owned()), "the upload is the data file");
}

#[tokio::test]
async fn a_part_of_a_file_can_be_asked() {
    let harness = minutes().await;
    let part = |range: &'static str| {
        let request = Request::get("/datasets/pv/attachments/2024/budget.txt").header(header::RANGE, range);
        let (harness, request) = (&harness, request.body(Body::empty()).unwrap());
        async move { harness.send(&admin(), request).await }
    };
    let middle = part("bytes=3-8").await;
    assert_eq!((middle.status.as_u16(), middle.text.as_str()), (206, "budget"));
    assert_eq!(middle.headers[header::CONTENT_RANGE], "bytes 3-8/29");
    assert_eq!(middle.headers[header::CONTENT_LENGTH], "6");
    assert_eq!(part("bytes=-6").await.text, "adopte");
    assert_eq!(part("bytes=40-").await.status, 416);
    let whole = harness.get(&admin(), "/datasets/pv/attachments/2024/budget.txt").await;
    assert_eq!(whole.headers[header::CONTENT_LENGTH], "29");
    assert_eq!(whole.headers[header::ACCEPT_RANGES], "bytes");
}

#[tokio::test]
async fn a_part_that_begins_far_into_a_file_of_a_zip_is_the_whole_file() {
    let harness = Harness::new().await;
    let large: Vec<u8> = (0..5_u32 << 20).map(|at| b'a' + (at % 23) as u8).collect();
    let files = zip(&[("grand.txt", &large)]);
    assert_eq!(upload(&harness, "pv\ngrand.txt\n", Some(&files)).await.status, 201);
    harness.run().await;
    for (range, status, length) in
        [("bytes=4194304-4194313", 206, 10), ("bytes=4194305-4194313", 200, large.len())]
    {
        let request = Request::get("/datasets/pv/attachments/grand.txt").header(header::RANGE, range);
        let answer = harness.send(&admin(), request.body(Body::empty()).unwrap()).await;
        assert_eq!((answer.status.as_u16(), answer.bytes.len()), (status, length), "{range}");
    }
}

#[tokio::test]
async fn a_path_of_no_file_is_told_with_its_line() {
    let harness = Harness::new().await;
    let csv = "pv\n2024/budget.txt\nécole.txt\nperdu.txt\n";
    upload(&harness, csv, Some(&files())).await.ok();
    harness.run().await;
    assert_eq!(dataset(&harness).await["status"], "error");
    let error = harness.last_error("pv").await;
    assert!(error.contains("ligne 4, colonne « pv » : aucune pièce jointe n'a ce chemin"), "{error}");
    let (_, list) = text(&harness, "/datasets/pv/validation-diagnostic.csv").await;
    assert!(list.contains("4,"), "{list}");
    assert!(list.contains("aucune pièce jointe n'a ce chemin") && list.contains("perdu.txt"), "{list}");

    let more = zip(&[("2024/budget.txt", b"a"), ("\u{e9}cole.txt", b"b"), ("perdu.txt", b"retrouve")]);
    let patched =
        send(&harness, Method::PATCH, "/datasets/pv", &[("attachments", "pv.zip", &more)], &[]).await;
    assert_eq!(patched.ok()["status"], "stored");
    harness.run().await;
    assert_eq!(dataset(&harness).await["status"], "finalized");
    assert_eq!(text(&harness, "/datasets/pv/attachments/perdu.txt").await.1, "retrouve");
}

#[tokio::test]
async fn files_that_no_column_names_are_refused() {
    let harness = Harness::new().await;
    upload(&harness, "a,b\n1,x\n2,y\n", Some(&files())).await.ok();
    harness.run().await;
    let error = harness.last_error("pv").await;
    assert!(error.contains("Aucune colonne") && error.contains("2024/budget.txt, école.txt"), "{error}");
    assert_eq!(dataset(&harness).await["status"], "error");
    upload(&harness, MINUTES, None).await.ok();
    harness.run().await;
    assert_eq!(
        text(&harness, "/datasets/pv/attachments/école.txt".replace('é', "%C3%A9").as_str()).await.0,
        200
    );
}

#[tokio::test]
async fn the_next_data_file_keeps_them_and_an_empty_zip_takes_them_away() {
    let harness = minutes().await;
    let next = format!("{MINUTES}culture,2024/budget.txt\n");
    upload(&harness, &next, None).await.ok();
    harness.run().await;
    harness.run_later().await;
    let kept = dataset(&harness).await;
    assert_eq!((&kept["count"], &kept["storage"]["attachments"]["count"]), (&json!(4), &json!(2)));
    assert_eq!(text(&harness, "/datasets/pv/attachments/2024/budget.txt").await.0, 200);
    let zips = || harness.files("blobs").into_iter().filter(|path| path.ends_with("attachments.zip")).count();
    assert_eq!(zips(), 1);

    let other = zip(&[("2024/budget.txt", b"corrige"), ("\u{e9}cole.txt", b"La cantine ferme")]);
    send(&harness, Method::PATCH, "/datasets/pv", &[("attachments", "pv.zip", &other)], &[("title", "PV")])
        .await
        .ok();
    assert_eq!(
        text(&harness, "/datasets/pv/attachments/2024/budget.txt").await.1.len(),
        29,
        "served meanwhile"
    );
    harness.run().await;
    harness.run_later().await;
    assert_eq!(text(&harness, "/datasets/pv/attachments/2024/budget.txt").await.1, "corrige");
    assert_eq!(harness.get(&admin(), "/datasets/pv/lines?q=ferme").await.ok()["total"], 1);
    assert_eq!((dataset(&harness).await["title"].clone(), zips()), (json!("PV"), 1));

    let none = zip(&[]);
    send(&harness, Method::PUT, "/datasets/pv", &[("attachments", "pv.zip", &none)], &[]).await.ok();
    harness.run().await;
    harness.run_later().await;
    let without = dataset(&harness).await;
    assert_eq!((&without["status"], &without["storage"]["attachments"]), (&json!("finalized"), &Value::Null));
    assert_eq!(text(&harness, "/datasets/pv/attachments/2024/budget.txt").await.0, 404);
    assert_eq!(zips(), 0);
}

#[tokio::test]
async fn a_draft_has_files_of_its_own() {
    let harness = minutes().await;
    let other = zip(&[("2024/budget.txt", b"projet"), ("\u{e9}cole.txt", b"b")]);
    let parts: [(&str, &str, &[u8]); 2] =
        [("file", "pv.csv", MINUTES.as_bytes()), ("attachments", "pv.zip", &other)];
    send(&harness, Method::POST, "/datasets/pv?draft=true", &parts, &[]).await.ok();
    harness.run().await;
    let file = "/datasets/pv/attachments/2024/budget.txt";
    assert_eq!(text(&harness, file).await.1.len(), 29);
    assert_eq!(text(&harness, &format!("{file}?draft=true")).await.1, "projet");
    assert_eq!(dataset(&harness).await["draft"]["draftReason"]["validationMode"], "never");
    harness.json(&admin(), Method::POST, "/datasets/pv/draft", json!({})).await.ok();
    harness.run().await;
    assert_eq!(text(&harness, file).await.1, "projet");

    send(&harness, Method::POST, "/datasets/pv?draft=true", &parts[..1], &[]).await.ok();
    harness.run().await;
    assert_eq!(
        text(&harness, &format!("{file}?draft=true")).await.1,
        "projet",
        "those of the published state"
    );
    harness.json(&admin(), Method::DELETE, "/datasets/pv/draft", json!({})).await;
    harness.run_later().await;
    assert_eq!(text(&harness, file).await.1, "projet", "a draft that ends takes nothing along");
}

#[tokio::test]
async fn bad_zips_change_nothing() {
    let harness = minutes().await;
    let outside = zip(&[("../a.txt", b"a")]);
    for (zip, told) in [(&b"pas un zip"[..], "est refusé"), (&outside[..], "son chemin sort du dossier")] {
        let answer = send(
            &harness,
            Method::PATCH,
            "/datasets/pv",
            &[("attachments", "a.zip", zip)],
            &[("title", "x")],
        )
        .await;
        assert!(answer.status == 400 && answer.text.contains(told), "{}", answer.text);
        assert_eq!(upload(&harness, MINUTES, Some(zip)).await.status, 400);
    }
    let alone = send(&harness, Method::POST, "/datasets", &[("attachments", "a.zip", &files())], &[]).await;
    assert!(alone.status == 400 && alone.text.contains("envoyez aussi \"file\""), "{}", alone.text);
    let body = json!({ "isRest": true, "title": "Lignes", "schema": [{ "key": "a", "type": "string" }] });
    harness.json(&admin(), Method::POST, "/datasets/lignes", body).await.ok();
    let lines =
        send(&harness, Method::PATCH, "/datasets/lignes", &[("attachments", "a.zip", &files())], &[]).await;
    assert!(lines.status == 400 && lines.text.contains("_bulk_lines"), "{}", lines.text);
    let after = dataset(&harness).await;
    assert_eq!((&after["status"], &after["title"]), (&json!("finalized"), &json!("pv")));
    assert_eq!(harness.files("blobs").iter().filter(|path| path.ends_with("attachments.zip")).count(), 1);
}
