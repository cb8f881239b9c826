//! What the account service tells of its accounts, and what superadmins look at.

use axum::http::Method;
use halle_model::Caller;
use serde_json::{Value, json};

use crate::harness::{Harness, admin, member, stranger};

fn superadmin() -> Caller {
    Caller { admin_mode: true, ..stranger() }
}

async fn two_accounts() -> Harness {
    let harness = Harness::new().await;
    harness.dataset("d", "code\n1\n").await;
    let eau = json!({ "type": "organization", "id": "ville", "name": "VILLE", "department": "eau", "departmentName": "Eau" });
    let port = json!({ "type": "organization", "id": "port", "name": "PORT" });
    for (id, owner, caller) in [("e", eau, admin()), ("p", port, member("paul", "port", "admin"))] {
        let body = json!({ "title": id, "isMetaOnly": true, "owner": owner });
        harness.json(&caller, Method::PUT, &format!("/datasets/{id}"), body).await.ok();
    }
    harness
}

async fn get(harness: &Harness, path: &str) -> Value {
    harness.get(&superadmin(), path).await.ok()
}

#[tokio::test]
async fn a_new_name_reaches_every_resource_and_changes_no_date() {
    let harness = two_accounts().await;
    let before = get(&harness, "/datasets/d").await;
    harness.clock.advance(jiff::SignedDuration::from_hours(1));
    let identity =
        json!({ "name": "Ville de Vannes", "departments": [{ "id": "eau", "name": "Eau et rivières" }] });
    let path = "/identities/organization/ville";
    assert_eq!(harness.json(&admin(), Method::POST, path, identity.clone()).await.status, 403);
    harness.json(&superadmin(), Method::POST, path, identity).await.ok();
    let after = get(&harness, "/datasets/d").await;
    assert_eq!(
        (&after["owner"]["name"], &after["updatedAt"]),
        (&json!("Ville de Vannes"), &before["updatedAt"])
    );
    let grants = get(&harness, "/datasets/d/permissions").await;
    assert!(grants[0]["name"] == "Ville de Vannes", "{grants}");
    assert_eq!(get(&harness, "/datasets/e").await["owner"]["departmentName"], "Eau et rivières");
    assert_eq!(get(&harness, "/datasets/p").await["owner"]["name"], "PORT");
    assert_eq!(get(&harness, "/datasets?size=0&q=vannes").await["count"], 2);
}

#[tokio::test]
async fn an_account_that_is_gone_leaves_nothing() {
    let harness = two_accounts().await;
    let path = "/identities/organization/ville";
    let report = get(&harness, path).await;
    assert_eq!((&report["datasets"], &report["applications"]), (&json!(2), &json!(0)));
    assert_eq!(harness.get(&admin(), path).await.status, 403);
    assert_eq!(harness.json(&admin(), Method::DELETE, path, json!({})).await.status, 403);
    assert_eq!(harness.json(&superadmin(), Method::DELETE, path, json!({})).await.status, 204);
    harness.run_later().await;
    assert_eq!(get(&harness, "/datasets?select=id").await["results"][0]["id"], "p");
    assert_eq!(get(&harness, "/datasets?size=0").await["count"], 1);
    assert!(harness.files("blobs").is_empty(), "{:?}", harness.files("blobs"));
}

#[tokio::test]
async fn superadmins_see_errors_and_owners_and_nobody_else_does() {
    let harness = two_accounts().await;
    harness.dataset("bad", "a,b\n1\n\"").await;
    let owners = get(&harness, "/admin/owners").await;
    assert_eq!(owners["count"], 3);
    assert!(
        owners["results"].as_array().unwrap().contains(
            &json!({ "type": "organization", "id": "ville", "department": "eau", "nbDatasets": 1 })
        )
    );
    let errors = get(&harness, "/admin/datasets-errors").await;
    let in_error = get(&harness, "/datasets?status=error&size=0").await;
    assert_eq!(errors["count"], in_error["count"]);
    assert_eq!(get(&harness, "/admin/status").await["status"], "ok");
    assert_eq!(get(&harness, "/admin/info").await["name"], "halle");
    for path in ["info", "status", "datasets-errors", "owners"] {
        assert_eq!(harness.get(&admin(), &format!("/admin/{path}")).await.status, 403, "{path}");
        assert_eq!(harness.get(&Caller::anonymous(), &format!("/admin/{path}")).await.status, 401, "{path}");
    }
}
