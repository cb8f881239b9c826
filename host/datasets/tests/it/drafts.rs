//! Drafts: files that are looked at before anybody else sees them.

use axum::http::Method;
use halle_model::Caller;
use halle_model::permission::PermissionEntry;
use serde_json::{Value, json};

use crate::harness::{Answer, Harness, admin, stranger};

const CSV: &str = "code,nom\n1,a\n2,b\n";

/// The type of `nom` stays, a column more: nothing breaks.
const MORE: &str = "code,nom,n\n1,a,5\n2,b,6\n3,c,7\n";

/// `nom` is gone.
const LESS: &str = "code\n1\n";

async fn upload(harness: &Harness, query: &str, csv: &str) -> Answer {
    let path = format!("/datasets/d{query}");
    let answer = harness.upload(&admin(), &path, ("data.csv", csv.as_bytes()), &[]).await;
    harness.run().await;
    answer
}

async fn total(harness: &Harness, query: &str) -> Value {
    harness.get(&admin(), &format!("/datasets/d/lines{query}")).await.ok()["total"].clone()
}

async fn dataset(harness: &Harness, query: &str) -> Value {
    harness.get(&admin(), &format!("/datasets/d{query}")).await.ok()
}

async fn draft(harness: &Harness, method: Method) -> Answer {
    let answer = harness.json(&admin(), method, "/datasets/d/draft", json!({})).await;
    harness.run().await;
    answer
}

/// Events that the reference stores too, oldest first, with `*` behind those of the draft.
async fn stored_events(harness: &Harness) -> Vec<String> {
    let journal = harness.get(&admin(), "/datasets/d/journal").await.ok();
    let stages = |kind: &str| kind != "finalize-end" && (kind.ends_with("-start") || kind.ends_with("-end"));
    let events = journal.as_array().unwrap().iter().rev();
    events
        .map(|event| (event["type"].as_str().unwrap(), event["draft"] == true))
        .filter(|(kind, _)| !stages(kind))
        .map(|(kind, is_draft)| format!("{kind}{}", if is_draft { "*" } else { "" }))
        .collect()
}

fn rows(count: usize) -> String {
    let mut csv = "code,nom\n".to_owned();
    (0..count).for_each(|row| csv.push_str(&format!("{row},x{row}\n")));
    csv
}

#[tokio::test]
async fn a_new_dataset_can_be_looked_at_before_it_is_published() {
    let harness = Harness::new().await;
    let created = upload(&harness, "?draft=true", &rows(250)).await.ok();
    assert_eq!((&created["status"], &created["draftReason"]["key"]), (&json!("loaded"), &json!("file-new")));
    let published = dataset(&harness, "").await;
    assert_eq!((&published["status"], &published["draft"]["status"]), (&json!("draft"), &json!("finalized")));
    assert_eq!((&published["draft"]["count"], published.get("count")), (&json!(100), None));
    assert_eq!(published["draft"]["schema"][0]["key"], "code");
    assert_eq!(harness.get(&admin(), "/datasets/d/lines").await.status, 409);
    assert_eq!(total(&harness, "?draft=true").await, 100, "a sample");
    let seen = dataset(&harness, "?draft=true").await;
    assert_eq!((&seen["status"], &seen["count"]), (&json!("finalized"), &json!(100)));
    assert_eq!(harness.get(&admin(), "/datasets/d/raw?draft=true").await.text, rows(250));
    assert_eq!(harness.get(&admin(), "/datasets/d/schema?draft=true").await.ok()[0]["key"], "code");
    let listed = harness.get(&admin(), "/datasets?draftStatus=finalized&facets=draftStatus").await.ok();
    assert_eq!((&listed["count"], &listed["facets"]["draftStatus"][0]["count"]), (&json!(1), &json!(1)));
    assert_eq!(draft(&harness, Method::DELETE).await.status, 409, "there is nothing to go back to");

    let schema = json!({ "schema": [{ "key": "code", "type": "string", "title": "Code" }] });
    harness.json(&admin(), Method::PATCH, "/datasets/d?draft=true", schema).await.ok();
    harness.run().await;
    assert_eq!(
        harness.get(&admin(), "/datasets/d/lines?draft=true&sort=code").await.ok()["results"][0]["code"],
        "0"
    );

    assert_eq!(draft(&harness, Method::POST).await.ok()["status"], "validated");
    let published = dataset(&harness, "").await;
    assert_eq!((&published["status"], &published["count"]), (&json!("finalized"), &json!(250)));
    assert_eq!(published["schema"][0]["title"], "Code");
    assert!(published.get("draft").is_none());
    assert_eq!(total(&harness, "").await, 250);
    assert_eq!(total(&harness, "?draft=true").await, 250, "without a draft, what is published");
    assert_eq!(draft(&harness, Method::POST).await.status, 409);
    let events = stored_events(&harness).await;
    assert_eq!((events[0].as_str(), events.last().unwrap().as_str()), ("dataset-created*", "finalize-end"));
    assert!(events.contains(&"finalize-end*".to_owned()) && events.contains(&"draft-validated".to_owned()));
    harness.run_later().await;
    assert_eq!(harness.files("blobs/datasets/d").len(), 2, "the sample is gone");
    assert_eq!(total(&harness, "").await, 250);
}

#[tokio::test]
async fn another_file_is_published_by_itself_by_default() {
    let harness = Harness::new().await;
    harness.dataset("d", CSV).await;
    let answer = harness.upload(&admin(), "/datasets/d", ("data.csv", LESS.as_bytes()), &[]).await.ok();
    assert_eq!(answer["draftReason"]["key"], "file-updated");
    assert_eq!(answer["draftReason"]["validationMode"], "always");
    assert_eq!(
        (dataset(&harness, "").await["status"].clone(), total(&harness, "").await),
        (json!("finalized"), json!(2))
    );
    harness.run().await;
    assert_eq!(total(&harness, "").await, 1);
    let structure =
        ["data-updated*", "validation-error*", "draft-validated", "structure-updated", "finalize-end"];
    assert_eq!(stored_events(&harness).await[2..], structure);
    assert!(harness.last_error("d").await.starts_with("La structure"), "{}", harness.last_error("d").await);
    upload(&harness, "", LESS).await.ok();
    assert_eq!(stored_events(&harness).await[7..], ["data-updated*", "draft-validated", "finalize-end"]);
}

#[tokio::test]
async fn who_may_not_break_anything_may_not_publish_always() {
    let harness = Harness::new().await;
    harness.dataset("d", CSV).await;
    let entry = PermissionEntry {
        kind: Some(halle_base::AccountKind::User),
        id: Some("zoe".to_owned()),
        operations: vec!["writeData".to_owned()],
        ..PermissionEntry::default()
    };
    harness.json(&admin(), Method::PUT, "/datasets/d/permissions", json!([entry])).await.ok();
    let send = |caller: Caller, query: &'static str| {
        let harness = &harness;
        async move {
            let path = format!("/datasets/d{query}");
            harness.upload(&caller, &path, ("data.csv", MORE.as_bytes()), &[]).await
        }
    };
    send(stranger(), "").await.refused(403, "draft mode \"always\" is not permitted");
    assert_eq!(send(admin(), "?draft=perhaps").await.status, 400);
    assert_eq!(send(stranger(), "?draft=compatible").await.status, 200);
    harness.run().await;
    assert_eq!(total(&harness, "").await, 3);
}

#[tokio::test]
async fn a_file_that_breaks_something_waits_when_asked_to() {
    let harness = Harness::new().await;
    harness.dataset("d", CSV).await;
    upload(&harness, "?draft=true", MORE).await.ok();
    assert_eq!(total(&harness, "").await, 3, "nothing breaks");
    upload(&harness, "?draft=compatible", LESS).await.ok();
    assert_eq!((total(&harness, "").await, total(&harness, "?draft=true").await), (json!(3), json!(1)));
    assert!(harness.last_error("d").await.starts_with("La structure"));
    let hidden = harness.get(&Caller::anonymous(), "/datasets/d?draft=true").await;
    assert_eq!(hidden.status, 403);

    assert_eq!(draft(&harness, Method::DELETE).await.status, 200);
    assert_eq!(stored_events(&harness).await.last().unwrap(), "draft-cancelled");
    assert_eq!(total(&harness, "?draft=true").await, 3);
    assert_eq!(draft(&harness, Method::DELETE).await.status, 409);
    harness.run_later().await;
    assert_eq!(harness.files("blobs/datasets/d").len(), 2);

    upload(&harness, "?draft=never", MORE).await.ok();
    assert_eq!(dataset(&harness, "").await["draft"]["status"], "finalized");
    upload(&harness, "?draft=never", LESS).await.ok();
    draft(&harness, Method::POST).await.ok();
    assert_eq!(total(&harness, "").await, 1);
    harness.run_later().await;
    assert_eq!(harness.files("blobs/datasets/d").len(), 2, "nothing of the drafts stays");
}

#[tokio::test]
async fn a_draft_that_does_not_fit_can_be_dropped_by_itself() {
    let harness = Harness::new().await;
    harness.dataset("d", CSV).await;
    let list = "/datasets/d/cancelled-draft-diagnostic.csv";
    assert_eq!(harness.get(&admin(), list).await.status, 404);
    upload(&harness, "?draft=compatibleOrCancel", LESS).await.ok();
    assert!(dataset(&harness, "").await.get("draft").is_none());
    assert_eq!(total(&harness, "?draft=true").await, 2);
    let text = harness.get(&admin(), list).await.text;
    assert!(text.contains("1,structure,nom,\"la colonne \"\"nom\"\" a disparu\",\n"), "{text}");
    assert_eq!(stored_events(&harness).await[2..], ["data-updated*", "validation-error*", "draft-cancelled"]);
    upload(&harness, "?draft=compatibleOrCancel", MORE).await.ok();
    assert_eq!(total(&harness, "").await, 3);
    assert_eq!(harness.get(&admin(), list).await.status, 404);
}

#[tokio::test]
async fn wrong_rows_leave_the_draft_in_error_until_its_rules_change() {
    let harness = Harness::new().await;
    harness.dataset("d", CSV).await;
    let mut schema = harness.get(&admin(), "/datasets/d/schema?calculated=false").await.ok();
    schema[1]["maxLength"] = json!(1);
    harness.json(&admin(), Method::PATCH, "/datasets/d", json!({ "schema": schema })).await.ok();
    harness.run().await;
    upload(&harness, "", "code,nom\n1,long\n").await.ok();
    let (published, seen) = (dataset(&harness, "").await, dataset(&harness, "?draft=true").await);
    assert_eq!((&published["status"], &seen["status"]), (&json!("finalized"), &json!("error")));
    assert_eq!((total(&harness, "").await, total(&harness, "?draft=true").await), (json!(2), json!(2)));
    assert!(
        harness
            .get(&admin(), "/datasets/d/validation-diagnostic.csv")
            .await
            .text
            .contains("2,validation,nom,")
    );
    assert_eq!(draft(&harness, Method::POST).await.status, 409);

    schema[1]["maxLength"] = json!(9);
    harness.json(&admin(), Method::PATCH, "/datasets/d?draft=true", json!({ "schema": schema })).await.ok();
    harness.run().await;
    assert_eq!(total(&harness, "").await, 1, "the mode is still that of the upload");
    assert_eq!(dataset(&harness, "").await["schema"][1]["maxLength"], 9);
}

#[tokio::test]
async fn who_reads_a_virtual_dataset_does_not_see_drafts_of_its_children() {
    let harness = Harness::new().await;
    upload(&harness, "", CSV).await.ok();
    let schema = json!([{ "key": "code" }, { "key": "nom" }]);
    let body = json!({ "title": "v", "isVirtual": true, "virtual": { "children": ["d"] }, "schema": schema });
    harness.json(&admin(), Method::POST, "/datasets/v", body).await;
    let public = json!([{ "classes": ["list", "read"] }]);
    harness.json(&admin(), Method::PUT, "/datasets/v/permissions", public).await.ok();
    upload(&harness, "?draft=never", MORE).await.ok();
    assert_eq!(total(&harness, "?draft=true").await, 3, "there is a draft");
    for caller in [stranger(), admin()] {
        let lines = harness.get(&caller, "/datasets/v/lines?draft=true").await.ok();
        assert_eq!(lines["total"], 2);
    }
}
