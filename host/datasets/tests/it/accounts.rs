//! What accounts may keep, what they did, and giving a dataset to another account.

use axum::http::Method;
use halle_base::AccountRef;
use halle_model::Caller;
use serde_json::{Value, json};

use crate::harness::{Harness, admin, member, stranger};

const CSV: &str = "code,nom\n1,un\n2,deux\n";

fn superadmin() -> Caller {
    Caller { admin_mode: true, ..stranger() }
}

async fn set_limits(harness: &Harness, limits: Value) -> Value {
    harness.json(&superadmin(), Method::POST, "/limits/organization/ville", limits).await.ok()
}

async fn upload(harness: &Harness, id: &str, csv: &str) -> crate::harness::Answer {
    harness.upload(&admin(), &format!("/datasets/{id}"), ("d.csv", csv.as_bytes()), &[]).await
}

#[tokio::test]
async fn consumption_follows_the_datasets_of_an_account() {
    let harness = Harness::new().await;
    let before = harness.get(&admin(), "/limits/organization/ville").await.ok();
    assert_eq!(before["nb_datasets"], json!({ "limit": -1, "consumption": 0 }));
    assert_eq!(before["defaults"], true);
    let size = harness.dataset("d", CSV).await["storage"].clone();
    let kept = harness.get(&admin(), "/limits/organization/ville").await.ok();
    assert_eq!(kept["store_bytes"]["consumption"], size["size"]);
    assert_eq!(kept["indexed_bytes"]["consumption"], size["indexed"]["size"]);
    assert!(size["size"].as_u64().unwrap() > CSV.len() as u64, "{size}");
    assert_eq!(kept["nb_datasets"]["consumption"], 1);
    let stats = harness.get(&admin(), "/stats").await.ok();
    assert_eq!((&stats["limits"]["nb_datasets"], &stats["applications"]), (&kept["nb_datasets"], &json!(0)));
    harness.json(&admin(), Method::DELETE, "/datasets/d", json!({})).await;
    let after = harness.get(&admin(), "/limits/organization/ville").await.ok();
    assert_eq!(after["store_bytes"]["consumption"], 0);
}

#[tokio::test]
async fn what_exceeds_a_limit_is_refused_and_changes_nothing() {
    let harness = Harness::new().await;
    let set =
        set_limits(&harness, json!({ "name": "Ville", "nb_datasets": { "limit": 1 }, "store_bytes": 20 }))
            .await;
    assert_eq!(
        (&set["name"], &set["nb_datasets"]["limit"], &set["defaults"]),
        (&json!("Ville"), &json!(1), &json!(false))
    );
    let too_large = upload(&harness, "large", &format!("code\n{}\n", "1".repeat(40))).await;
    assert_eq!(too_large.status, 413, "{}", too_large.text);
    upload(&harness, "d", "a\n1\n").await.ok();
    harness.run().await;
    let many =
        harness.json(&admin(), Method::POST, "/datasets", json!({ "title": "x", "isMetaOnly": true })).await;
    assert!(many.status == 429 && many.text.contains("nombre de jeux de données (1)"), "{}", many.text);
    set_limits(&harness, json!({ "store_bytes": 20 })).await;
    let full = upload(&harness, "e", "a\n2\n").await;
    assert!(full.status == 429 && full.text.contains("espace de stockage"), "{}", full.text);
    let replaced = harness.upload(&admin(), "/datasets/d", ("d.csv", b"a\n3\n"), &[]).await;
    assert_eq!(replaced.status, 429);
    assert_eq!(harness.get(&admin(), "/datasets?size=0").await.ok()["count"], 1);
    set_limits(&harness, json!({ "store_bytes": -1 })).await;
    upload(&harness, "e", "a\n2\n").await.ok();
}

#[tokio::test]
async fn limits_are_read_by_members_and_set_by_superadmins() {
    let harness = Harness::new().await;
    let path = "/limits/organization/ville";
    for (caller, read, write) in [
        (Caller::anonymous(), 401, 401),
        (stranger(), 403, 403),
        (member("u", "ville", "user"), 200, 403),
        (superadmin(), 200, 200),
    ] {
        assert_eq!(harness.get(&caller, path).await.status, read);
        let set = harness.json(&caller, Method::POST, path, json!({ "nb_datasets": 5 })).await;
        assert_eq!(set.status, write, "{}", set.text);
    }
    assert_eq!(harness.get(&Caller::anonymous(), &format!("{path}?key=wrong")).await.status, 401);
    assert_eq!(harness.get(&admin(), "/limits").await.status, 403);
    let list = harness.get(&superadmin(), "/limits").await.ok();
    assert_eq!((&list["count"], &list["results"][0]["nb_datasets"]["limit"]), (&json!(1), &json!(5)));
    assert_eq!(harness.get(&superadmin(), "/limits/planet/x").await.status, 400);
}

#[tokio::test]
async fn activity_tells_what_changed_last_of_what_may_be_listed() {
    let harness = Harness::new().await;
    for id in ["a", "b"] {
        let body = json!({ "title": id, "isMetaOnly": true });
        harness.json(&admin(), Method::PUT, &format!("/datasets/{id}"), body).await.ok();
        harness.clock.advance(jiff::SignedDuration::from_secs(1));
    }
    harness.json(&admin(), Method::PATCH, "/datasets/a", json!({ "summary": "s" })).await.ok();
    let told = |answer: Value| -> Vec<String> {
        let results = answer["results"].as_array().unwrap().clone();
        results.iter().map(|change| change["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(told(harness.get(&admin(), "/activity").await.ok()), ["a", "b"]);
    assert_eq!(told(harness.get(&admin(), "/activity?size=1").await.ok()), ["a"]);
    assert!(told(harness.get(&stranger(), "/activity").await.ok()).is_empty());
    assert_eq!(harness.get(&Caller::anonymous(), "/activity").await.status, 401);
    let key = Caller { scopes: Some(vec!["datasets".to_owned()]), ..admin() };
    assert_eq!(harness.get(&key, "/stats").await.status, 403);
    let key = Caller { scopes: Some(vec!["stats".to_owned()]), ..admin() };
    harness.get(&key, "/stats").await.ok();
}

#[tokio::test]
async fn an_owner_gives_a_dataset_to_another_account_of_theirs() {
    let harness = Harness::new().await;
    harness.dataset("d", CSV).await;
    let taken = json!({ "title": "data", "isMetaOnly": true });
    let port = member("alice", "port", "admin");
    harness.json(&port, Method::PUT, "/datasets/theirs", taken).await.ok();
    let own =
        json!([{ "classes": ["read"] }, { "type": "organization", "id": "ville", "classes": ["list"] }]);
    harness.json(&admin(), Method::PUT, "/datasets/d/permissions", own).await.ok();
    let target = json!({ "type": "organization", "id": "port", "name": "PORT" });
    let give = |caller: Caller, target: Value| {
        let harness = &harness;
        async move { harness.json(&caller, Method::PUT, "/datasets/d/owner", target).await }
    };
    assert_eq!(give(admin(), target.clone()).await.status, 403, "not a member of the port");
    assert_eq!(give(member("c", "ville", "contrib"), target.clone()).await.status, 403);
    let mut both = admin();
    both.user.as_mut().unwrap().organizations = port.user.as_ref().unwrap().organizations.clone();
    both.user.as_mut().unwrap().organizations.push(halle_model::Membership {
        id: "port".to_owned(),
        name: "PORT".to_owned(),
        role: "admin".to_owned(),
        department: None,
        department_name: None,
    });
    let given = give(both.clone(), target).await.ok();
    assert_eq!((&given["owner"]["id"], &given["slug"]), (&json!("port"), &json!("data-2")));
    assert_eq!(harness.get(&admin(), "/datasets/d/permissions").await.status, 403);
    let grants = harness.get(&port, "/datasets/d/permissions").await.ok();
    let text = grants.to_string();
    assert!(!text.contains("ville") && text.contains("port"), "{text}");
    assert!(grants.as_array().unwrap().contains(&json!({ "operations": [], "classes": ["read"] })), "{text}");
    assert_eq!(harness.get(&port, "/datasets/d/lines").await.ok()["total"], 2);
    let mine = harness.get(&port, "/datasets?mine=true&size=0").await.ok();
    assert_eq!(mine["count"], 2);
    let alone = AccountRef::user("alice", "alice");
    let caller = Caller { account: Some(AccountRef::organization("port", "PORT")), ..both };
    assert_eq!(give(caller, json!(alone)).await.ok()["owner"]["type"], "user");
}

#[tokio::test]
async fn small_lists_and_checks_are_for_who_is_signed_in() {
    let harness = Harness::new().await;
    let projections = harness.get(&admin(), "/projections").await.ok();
    assert!(projections.as_array().unwrap().iter().any(|one| one["code"] == "EPSG:2154"));
    assert_eq!(harness.get(&admin(), "/configurable-catalogs").await.ok(), json!([]));
    for path in ["/projections", "/configurable-remote-services", "/stats"] {
        assert_eq!(harness.get(&Caller::anonymous(), path).await.status, 401, "{path}");
    }
    harness.dataset("d", CSV).await;
    for path in ["/datasets/d/api-docs.json", "/datasets/d/private-api-docs.json"] {
        let document = harness.get(&admin(), path).await.ok();
        harness.json(&admin(), Method::POST, "/_check-api", document).await.ok();
    }
    let refused = harness.json(&admin(), Method::POST, "/_check-api", json!({ "openapi": "3.1.0" })).await;
    assert_eq!(refused.status, 400);
    assert!(refused.text.contains("info"), "{}", refused.text);
}
