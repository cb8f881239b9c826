//! Uploads, the pipeline, versions.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use serde_json::json;

use crate::harness::{BASE, Harness, admin};

const COMMUNES: &str = "code,nom,population\n01004,Ambérieu-en-Bugey,14134\n01033,Valserhône,16302\n";

#[tokio::test]
async fn an_upload_goes_through_every_stage_and_is_served() {
    let harness = Harness::new().await;
    let created =
        harness.upload(&admin(), "/datasets", ("1-Réponse N° 1.csv", COMMUNES.as_bytes()), &[]).await;
    assert_eq!(created.status, 201);
    let created = created.json();
    assert_eq!(created["title"], "1 Réponse N° 1");
    assert_eq!(created["slug"], "1-reponse-n-1");
    assert_eq!(created["status"], "loaded");
    assert_eq!(created["owner"]["id"], "ville");
    let id = created["id"].as_str().unwrap();
    assert_eq!(created["href"], format!("{BASE}/data-fair/api/v1/datasets/{id}"));

    harness.run().await;
    let dataset = harness.get(&admin(), &format!("/datasets/{id}")).await.ok();
    assert_eq!(dataset["status"], "finalized");
    assert_eq!(dataset["count"], 2);
    assert_eq!(dataset["file"]["encoding"], "UTF-8");
    assert_eq!(dataset["file"]["props"]["fieldsDelimiter"], ",");
    assert_eq!(dataset["originalFile"]["md5"], "255f0f6824c08ae61953f3ea19e70a62");
    assert!(dataset["storage"]["size"].as_u64().unwrap() > 0);
    assert!(dataset.get("permissions").is_none() && dataset.get("served").is_none());
    let types: Vec<(&str, &str)> = dataset["schema"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|column| column["x-calculated"] != true)
        .map(|column| (column["key"].as_str().unwrap(), column["type"].as_str().unwrap()))
        .collect();
    assert_eq!(types, [("code", "string"), ("nom", "string"), ("population", "integer")]);
    assert_eq!(dataset["schema"][0]["x-cardinality"], 2);

    assert_eq!(
        harness.events(id).await,
        [
            "dataset-created",
            "store-start",
            "store-end",
            "analyze-start",
            "analyze-end",
            "validate-start",
            "validate-end",
            "index-start",
            "index-end",
            "finalize-start",
            "finalize-end",
        ]
    );
    let lines = harness.get(&admin(), &format!("/datasets/{id}/lines?select=code,nom&sort=code")).await.ok();
    assert_eq!(lines["total"], 2);
    assert_eq!(lines["results"][0]["code"], "01004");
    assert_eq!(harness.get(&admin(), &format!("/datasets/{id}/task-progress")).await.ok(), json!({}));
}

#[tokio::test]
async fn attributes_come_with_the_file_in_one_field_or_many() {
    let harness = Harness::new().await;
    let fields = [
        ("body", r#"{"description":"Une liste","keywords":["a"]}"#),
        ("title", "Communes"),
        ("license", r#"{"title":"Licence Ouverte","href":"https://example.org"}"#),
    ];
    let csv = ("x.csv", COMMUNES.as_bytes());
    let created = harness.upload(&admin(), "/datasets", csv, &fields).await.ok();
    assert_eq!(created["title"], "Communes");
    assert_eq!(created["description"], "Une liste");
    assert_eq!(created["license"]["title"], "Licence Ouverte");
    let second = harness.upload(&admin(), "/datasets", csv, &fields).await.ok();
    assert_eq!(second["slug"], "communes-2");
    assert_eq!(harness.get(&admin(), "/datasets/communes-2").await.ok()["id"], second["id"]);
}

#[tokio::test]
async fn a_named_encoding_is_obeyed() {
    let harness = Harness::new().await;
    let csv = b"nom;note\n\xc9l\xe9onore;1,5\n";
    let fields = [("file_encoding", "windows-1252")];
    harness.upload(&admin(), "/datasets/d", ("x.csv", csv), &fields).await.ok();
    harness.run().await;
    let lines = harness.get(&admin(), "/datasets/d/lines").await.ok();
    assert_eq!(lines["results"][0]["nom"], "Éléonore");
    assert_eq!(lines["results"][0]["note"], 1.5);
    assert_eq!(harness.get(&admin(), "/datasets/d").await.ok()["file"]["encoding"], "WINDOWS-1252");
}

#[tokio::test]
async fn another_file_is_built_aside_and_switched_to() {
    let harness = Harness::new().await;
    harness.dataset("d", COMMUNES).await;
    let next = "code,nom,surface\n01004,Ambérieu,24.6\n";
    let answer = harness.upload(&admin(), "/datasets/d", ("next.csv", next.as_bytes()), &[]).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["status"], "loaded");
    let lines = || async { harness.get(&admin(), "/datasets/d/lines").await.ok() };
    assert_eq!(lines().await["total"], 2, "the old version is served meanwhile");
    harness.run().await;
    let dataset = harness.get(&admin(), "/datasets/d").await.ok();
    assert_eq!((&dataset["status"], &dataset["count"]), (&json!("finalized"), &json!(1)));
    assert_eq!(lines().await["results"][0]["surface"], 24.6);
    let events = harness.events("d").await;
    assert!(events.contains(&"data-updated".to_owned()) && events.contains(&"structure-updated".to_owned()));
    assert_eq!(events.last().unwrap(), "finalize-end");

    assert_eq!(harness.files("blobs/datasets/d").len(), 4, "both versions are there at first");
    harness.run_later().await;
    assert_eq!(harness.files("blobs/datasets/d").len(), 2, "the old one is removed later");
    assert_eq!(lines().await["total"], 1);
}

#[tokio::test]
async fn a_broken_file_names_the_line_while_the_old_version_is_served() {
    let harness = Harness::new().await;
    harness.dataset("d", COMMUNES).await;
    let broken = "code,nom\n1,a\n2,b,c,d\n";
    harness.upload(&admin(), "/datasets/d", ("broken.csv", broken.as_bytes()), &[]).await.ok();
    harness.run().await;
    let draft = harness.get(&admin(), "/datasets/d?draft=true").await.ok();
    assert_eq!((&draft["status"], &draft["errorStatus"]), (&json!("error"), &json!("stored")));
    let dataset = harness.get(&admin(), "/datasets/d").await.ok();
    assert_eq!((&dataset["status"], &dataset["draft"]["status"]), (&json!("finalized"), &json!("error")));
    assert_eq!(dataset["count"], 2);
    let error = harness.last_error("d").await;
    assert!(error.starts_with("Échec du traitement de la ligne 3 du fichier."), "{error}");
    assert_eq!(harness.get(&admin(), "/datasets/d/lines").await.ok()["total"], 2);
    assert_eq!(harness.get(&admin(), "/datasets/d/raw").await.text, COMMUNES);

    harness.dataset("d", "code,nom\n1,a\n").await;
    assert_eq!(harness.get(&admin(), "/datasets/d").await.ok()["status"], "finalized");
    harness.run_later().await;
    assert_eq!(harness.files("blobs/datasets/d").len(), 2, "the broken upload is removed too");
}

#[tokio::test]
async fn a_crash_at_any_point_is_made_up_for() {
    for step in [0_u32, 1, 2, 4, 8, 16, 32, 64, 128] {
        let harness = Harness::new().await;
        harness.dataset("d", "code\nold\n").await;
        harness.upload(&admin(), "/datasets/d", ("x.csv", COMMUNES.as_bytes()), &[]).await.ok();
        harness.crash_after(Duration::from_millis(step.into())).await;
        let dataset = harness.get(&admin(), "/datasets/d").await.ok();
        let is_done = dataset["status"] == "finalized" && dataset.get("draft").is_none();
        let served = if is_done { 2 } else { 1 };
        assert_eq!(harness.get(&admin(), "/datasets/d/lines").await.ok()["total"], served);
        // The worker is gone: its lease ends, another one takes the job up.
        harness.run_later().await;
        let dataset = harness.get(&admin(), "/datasets/d").await.ok();
        assert_eq!(dataset["status"], "finalized", "after a crash at {step} ms in {}", dataset["status"]);
        assert_eq!(harness.get(&admin(), "/datasets/d/lines").await.ok()["total"], 2);
    }
}

#[tokio::test]
async fn files_can_be_taken_back() {
    let harness = Harness::new().await;
    harness.dataset("d", COMMUNES).await;
    let raw = harness.get(&admin(), "/datasets/d/raw").await;
    assert_eq!(raw.text, COMMUNES);
    assert_eq!(
        raw.headers["x-operation"],
        r#"{"class":"read","id":"downloadOriginalData","track":"readDataFiles"}"#
    );
    assert_eq!(
        raw.headers["content-disposition"],
        "attachment; filename=\"data.csv\"; filename*=UTF-8''data.csv"
    );
    let full = harness.get(&admin(), "/datasets/d/full").await;
    assert_eq!(full.text, COMMUNES);
    let files = harness.get(&admin(), "/datasets/d/data-files").await.ok();
    assert_eq!(files[0]["key"], "original");
    let one = harness.get(&admin(), "/datasets/d/data-files/data.csv").await;
    assert_eq!(one.text, COMMUNES);
    assert!(one.headers["x-operation"].to_str().unwrap().contains("downloadDataFile"));
    harness
        .get(&admin(), "/datasets/d/data-files/x.csv")
        .await
        .refused(404, "Le fichier \"x.csv\" n'existe pas.");
    assert_eq!(files[0]["url"], format!("{BASE}/data-fair/api/v1/datasets/d/raw"));
}

#[tokio::test]
async fn a_part_of_the_upload_can_be_downloaded() {
    let harness = Harness::new().await;
    harness.dataset("d", COMMUNES).await;
    let ask = |path: &'static str, range: &'static str| {
        let request = Request::get(path).header(header::RANGE, range).body(Body::empty()).unwrap();
        let harness = &harness;
        async move { harness.send(&admin(), request).await }
    };
    let size = COMMUNES.len();
    for path in ["/datasets/d/raw", "/datasets/d/data-files/data.csv"] {
        let part = ask(path, "bytes=2-5").await;
        assert_eq!((part.status, part.text.as_str()), (StatusCode::PARTIAL_CONTENT, &COMMUNES[2..6]));
        assert_eq!(part.headers[header::CONTENT_RANGE], format!("bytes 2-5/{size}"));
        assert_eq!(part.headers[header::CONTENT_LENGTH], "4");
    }
    let beyond = ask("/datasets/d/raw", "bytes=99999999-").await;
    assert_eq!((beyond.status, beyond.text.as_str()), (StatusCode::RANGE_NOT_SATISFIABLE, ""));
    assert_eq!(beyond.headers[header::CONTENT_RANGE], format!("bytes */{size}"));
    let whole = harness.get(&admin(), "/datasets/d/raw").await;
    assert_eq!(
        (whole.text.as_str(), &whole.headers[header::ACCEPT_RANGES]),
        (COMMUNES, &"bytes".parse().unwrap())
    );
}

#[tokio::test]
async fn deleting_removes_lines_files_and_index() {
    let harness = Harness::new().await;
    harness.dataset("d", COMMUNES).await;
    let request = Request::delete("/datasets/d").body(Body::empty()).unwrap();
    assert_eq!(harness.send(&admin(), request).await.status, 204);
    harness.get(&admin(), "/datasets/d/lines").await.refused(404, "Dataset not found");
    harness.run().await;
    assert_eq!(harness.files("blobs/datasets"), Vec::<String>::new());
    assert!(harness.datasets.engine.list().await.unwrap().is_empty());
}

#[tokio::test]
async fn the_index_can_be_thrown_away() {
    let harness = Harness::new().await;
    harness.dataset("d", COMMUNES).await;
    for index in harness.datasets.engine.list().await.unwrap() {
        harness.datasets.engine.remove(&index).await.unwrap();
    }
    assert_eq!(harness.datasets.all_ids().await.unwrap(), ["d"]);
    assert_eq!(harness.datasets.reindex("d").await.unwrap(), 2);
    assert_eq!(harness.get(&admin(), "/datasets/d/lines").await.ok()["total"], 2);
}

#[tokio::test]
async fn datasets_without_a_file_are_ready_at_once() {
    let harness = Harness::new().await;
    let schema = json!([{ "key": "nom", "type": "string" }]);
    let body = json!({ "title": "Lignes", "isRest": true, "schema": schema, "primaryKey": ["nom"] });
    let rest = harness.json(&admin(), Method::POST, "/datasets", body).await;
    assert_eq!(rest.status, 201);
    assert_eq!((&rest.json()["status"], &rest.json()["count"]), (&json!("finalized"), &json!(0)));
    let id = rest.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(harness.get(&admin(), &format!("/datasets/{id}/lines")).await.ok()["total"], 0);
    let body = json!({ "title": "Fiche", "isMetaOnly": true });
    let meta = harness.json(&admin(), Method::PUT, "/datasets/fiche", body).await;
    assert_eq!((meta.status.as_u16(), &meta.json()["status"]), (201, &json!("finalized")));
    assert_eq!(harness.events("fiche").await, ["dataset-created", "finalize-end"]);
}

impl Harness {
    /// Runs the jobs and drops them in the middle of whatever they do, as a crash would.
    pub(crate) async fn crash_after(&self, time: Duration) {
        tokio::select! {
            () = self.run() => {}
            () = tokio::time::sleep(time) => {}
        }
    }
}
