//! Who may do what.

use axum::http::Method;
use halle_testkit::Api;
use serde_json::json;

use crate::site::{PROCESSINGS, RUNS, Site, body};

/// Statuses of every route about one processing and its run: read, schema, runs, run, change, trigger, kill, delete.
async fn statuses(api: &Api, id: &str, run: &str) -> Vec<u16> {
    let one = format!("{PROCESSINGS}/{id}");
    let answers = [
        api.get(&one).await,
        api.get(&format!("{one}/plugin-config-schema")).await,
        api.get(&format!("{RUNS}?processing={id}")).await,
        api.get(&format!("{RUNS}/{run}")).await,
        api.json(Method::PATCH, &one, &json!({ "title": "Autre" })).await,
        api.bare(Method::POST, &format!("{one}/_trigger")).await,
        api.bare(Method::POST, &format!("{RUNS}/{run}/_kill")).await,
        api.bare(Method::DELETE, &one).await,
    ];
    answers.iter().map(|answer| answer.status.as_u16()).collect()
}

#[tokio::test]
async fn a_stranger_gets_nothing_and_sees_nothing() {
    let site = Site::new().await;
    let id = site.processing("rows").await;
    let run = site.trigger(&id).await;
    for api in [&site.anonymous, &site.anonymous.by("zoe"), &site.anonymous.by("zoe@port:admin")] {
        assert_eq!(statuses(api, &id, &run).await, [403; 8]);
        assert_eq!(api.get(PROCESSINGS).await.ok()["count"], 0);
    }
    assert_eq!(statuses(&site.owner, "absent", "absent").await, [404; 8]);
    site.anonymous.post(PROCESSINGS, &body("rows")).await.refused(401);
    let mut new = body("rows");
    new["owner"] = json!({ "type": "organization", "id": "ville", "name": "Ville" });
    site.anonymous.by("zoe").post(PROCESSINGS, &new).await.refused(403);
    assert_eq!(site.owner.get(PROCESSINGS).await.ok()["count"], 1);
}

#[tokio::test]
async fn a_contributor_looks_and_an_admin_acts() {
    let site = Site::new().await;
    let id = site.processing("rows").await;
    let run = site.trigger(&id).await;
    let contributor = site.anonymous.by("bob@ville:contrib");
    assert_eq!(statuses(&contributor, &id, &run).await, [200, 200, 200, 200, 403, 403, 403, 403]);
    assert_eq!(contributor.get(PROCESSINGS).await.ok()["count"], 1);
    let seen = contributor.get(&format!("{PROCESSINGS}/{id}")).await.ok();
    assert!(seen.get("config").is_none(), "how it is configured is for those who may change it: {seen}");
    assert_eq!(seen["userPermissions"], json!(["list", "readProcessing", "readRuns"]));
    contributor.post(PROCESSINGS, &body("rows")).await.refused(403);
    assert_eq!(statuses(&site.anonymous.by("carl@ville:user"), &id, &run).await, [403; 8]);
    assert_eq!(statuses(&site.owner, &id, &run).await, [200, 200, 200, 200, 200, 200, 404, 204]);
}

#[tokio::test]
async fn a_grant_opens_its_classes_and_cannot_be_widened_by_who_has_it() {
    let site = Site::new().await;
    let id = site.processing("rows").await;
    let one = format!("{PROCESSINGS}/{id}");
    let grant = json!({ "type": "user", "id": "zoe", "classes": ["read", "write"] });
    site.owner.json(Method::PATCH, &one, &json!({ "permissions": [grant] })).await.ok();
    let zoe = site.anonymous.by("zoe");
    zoe.json(Method::PATCH, &one, &json!({ "title": "Renommé" })).await.ok();
    let wider = json!({ "permissions": [{ "type": "user", "id": "zoe", "classes": ["admin"] }] });
    zoe.json(Method::PATCH, &one, &wider).await.refused(403);
    zoe.bare(Method::DELETE, &one).await.refused(403);
    zoe.bare(Method::POST, &format!("{one}/_trigger")).await.refused(403);
}
