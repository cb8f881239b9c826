//! Resources become datasets.

use axum::http::Method;
use halle_testkit::DATASETS;
use serde_json::{Value, json};

use crate::site::{CATALOGS, IMPORTS, Site, id, import_of};

#[tokio::test]
async fn a_resource_becomes_a_dataset_that_the_next_import_fills_again() {
    let site = Site::new().await;
    site.world.tools.plugins.put_resource("arbres", "nom,taille\nchêne,12\norme,9\n");
    let catalog = site.catalog().await;
    let import = site.import(&catalog).await;
    let path = format!("{IMPORTS}/{import}");
    assert_eq!(site.owner.get(&path).await.ok()["status"], "waiting");
    site.run().await;
    let done = site.owner.get(&path).await.ok();
    assert_eq!(done["status"], "done", "{done}");
    assert!(done["logs"].as_array().is_some_and(|log| log.len() >= 2), "{done}");
    let dataset = format!("{DATASETS}/{}", done["dataFairDataset"]["id"].as_str().unwrap());
    let described = site.owner.get(&dataset).await.ok();
    assert_eq!((&described["title"], &described["description"]), (&json!("Les arbres"), &json!("D'à côté")));
    assert_eq!(site.owner.get(&format!("{dataset}/lines")).await.ok()["total"], 2);

    site.world.tools.plugins.put_resource("arbres", "nom,taille\nchêne,12\norme,9\nif,3\n");
    site.owner.json(Method::PATCH, &path, &json!({ "status": "waiting" })).await.ok();
    site.run().await;
    assert_eq!(site.owner.get(&format!("{dataset}/lines")).await.ok()["total"], 3);
    assert_eq!(site.owner.get(DATASETS).await.ok()["count"], 1);

    assert_eq!(site.owner.bare(Method::DELETE, &path).await.status.as_u16(), 204);
    site.owner.get(&path).await.refused(404);
    assert_eq!(site.owner.get(&format!("{dataset}/lines")).await.ok()["total"], 3, "the dataset stays");
}

#[tokio::test]
async fn a_dataset_has_one_import() {
    let site = Site::new().await;
    site.world.upload(&site.owner, "arbres", "nom\nhêtre\n").await;
    let catalog = site.catalog().await;
    let mut new = import_of(&catalog, "arbres");
    new["dataFairDataset"] = json!({ "id": "arbres" });
    site.owner.post(IMPORTS, &new).await.ok();
    site.owner.post(IMPORTS, &new).await.refused(409);
    assert_eq!(site.owner.get(&format!("{IMPORTS}?catalogId={catalog}")).await.ok()["count"], 1);
}

#[tokio::test]
async fn a_failed_import_says_why_and_leaves_what_was_there() {
    let site = Site::new().await;
    site.world.upload(&site.owner, "arbres", "nom\nhêtre\n").await;
    let catalog = site.catalog().await;
    let mut new = import_of(&catalog, "absent");
    new["dataFairDataset"] = json!({ "id": "arbres" });
    let import = id(&site.owner.post(IMPORTS, &new).await.ok());
    site.run().await;
    let failed = site.owner.get(&format!("{IMPORTS}/{import}")).await.ok();
    assert_eq!(failed["status"], "error");
    assert!(failed["error"].as_str().unwrap().contains("le voisin n'a pas de « absent »"), "{failed}");
    assert_eq!(site.owner.get(&format!("{DATASETS}/arbres/lines")).await.ok()["total"], 1);
}

#[tokio::test]
async fn an_import_repeats_on_its_schedule() {
    let site = Site::new().await;
    site.world.tools.plugins.put_resource("arbres", "nom\nchêne\n");
    let mut new = import_of(&site.catalog().await, "arbres");
    new["scheduling"] = json!([{ "type": "daily", "hour": 3 }]);
    let path = format!("{IMPORTS}/{}", id(&site.owner.post(IMPORTS, &new).await.ok()));
    site.run().await;
    let first = site.owner.get(&path).await.ok();
    assert_eq!(
        (&first["status"], &first["nextImportDate"]),
        (&json!("done"), &json!("2026-01-16T02:00:00Z"))
    );
    site.world.tools.plugins.put_resource("arbres", "nom\nchêne\nif\n");
    site.world.tools.stack.clock.advance(jiff::SignedDuration::from_hours(15));
    site.run().await;
    let second = site.owner.get(&path).await.ok();
    assert_eq!(second["nextImportDate"], "2026-01-17T02:00:00Z");
    assert_ne!(second["lastImportDate"], first["lastImportDate"]);
    let dataset = second["dataFairDataset"]["id"].as_str().unwrap();
    assert_eq!(site.owner.get(&format!("{DATASETS}/{dataset}/lines")).await.ok()["total"], 2);
}

#[tokio::test]
async fn what_is_wrong_with_an_import_is_named_and_nothing_is_done() {
    let site = Site::new().await;
    let catalog = site.catalog().await;
    let with = |key: &str, value: Value| {
        let mut new = import_of(&catalog, "arbres");
        new[key] = value;
        new
    };
    for (new, named) in [
        (json!({ "catalog": { "id": catalog } }), "remoteResource"),
        (with("catalog", json!({ "title": "x" })), "catalog"),
        (with("scheduling", json!([{ "type": "never" }])), "`scheduling`"),
        (with("colour", json!(1)), "colour"),
    ] {
        let refusal = site.owner.post(IMPORTS, &new).await.refused(400);
        assert!(refusal.contains(named), "{new}: {refusal}");
    }
    site.owner.post(IMPORTS, &with("dataFairDataset", json!({ "id": "absent" }))).await.refused(404);
    site.anonymous
        .by("zoe")
        .upload(Method::POST, &format!("{DATASETS}/zoe"), "a.csv", b"a\n1\n", &[])
        .await
        .ok();
    site.owner.post(IMPORTS, &with("dataFairDataset", json!({ "id": "zoe" }))).await.refused(403);
    assert_eq!(site.owner.get(&format!("{IMPORTS}?catalogId={catalog}")).await.ok()["count"], 0);
    let import = format!("{IMPORTS}/{}", site.import(&catalog).await);
    let refusal = site.owner.json(Method::PATCH, &import, &json!({ "status": "done" })).await.refused(400);
    assert!(refusal.contains("`status`"), "{refusal}");
    site.owner.bare(Method::DELETE, &format!("{CATALOGS}/{catalog}")).await;
    site.owner.get(&import).await.refused(404);
}

#[tokio::test]
async fn a_configuration_that_an_upgrade_made_invalid_does_not_import() {
    let site = Site::new().await;
    let catalog = site.catalog().await;
    let plugins = &site.world.tools.plugins;
    plugins.put_resource("arbres", "nom\nchêne\n");
    let import = format!("{IMPORTS}/{}", site.import(&catalog).await);
    plugins.upgrade_to(json!({ "properties": { "url": { "type": "string", "maxLength": 5 } } }));
    site.run().await;
    let done = site.owner.get(&import).await.ok();
    assert_eq!(done["status"], "error");
    let said = done.to_string();
    for part in ["/url", "2.0.0", "corrigez-la", "does not fit"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert_eq!(site.owner.get(halle_testkit::DATASETS).await.ok()["count"], 0);
    let resources = format!("{}/{catalog}/resources", crate::site::CATALOGS);
    assert!(site.owner.get(&resources).await.refused(400).contains("/url"), "nor is it browsed");
}
