//! Datasets get a twin in the remote catalogue.

use axum::http::Method;
use halle_testkit::DATASETS;
use serde_json::{Value, json};

use crate::site::{CATALOGS, PUBLICATIONS, Site, id};

/// Publishes `dataset` in a catalogue.
fn publication(catalog: &str, dataset: &str) -> Value {
    json!({ "catalog": { "id": catalog }, "dataFairDataset": { "id": dataset } })
}

#[tokio::test]
async fn a_published_dataset_has_one_twin_until_it_is_removed() {
    let site = Site::new().await;
    site.world.upload(&site.owner, "bilan", "annee,total\n2025,12\n").await;
    let catalog = site.catalog().await;
    let created = site.owner.post(PUBLICATIONS, &publication(&catalog, "bilan")).await;
    assert_eq!(created.status.as_u16(), 201);
    let path = format!("{PUBLICATIONS}/{}", id(&created.json()));
    site.owner.post(PUBLICATIONS, &publication(&catalog, "bilan")).await.refused(409);
    site.run().await;
    let done = site.owner.get(&path).await.ok();
    assert_eq!((&done["status"], &done["remote"]["remoteId"]), (&json!("done"), &json!("jumeau-bilan")));
    let twins = site.world.tools.plugins.twins();
    let twin = &twins["jumeau-bilan"];
    assert_eq!((&twin["page"], &twin["public"]), (&json!("http://halle.test/datasets/data"), &json!(false)));
    assert!(twin.get("permissions").is_none() && twin.get("owner").is_none(), "{twin}");

    site.owner
        .json(Method::PATCH, &format!("{DATASETS}/bilan"), &json!({ "title": "Bilan 2025" }))
        .await
        .ok();
    assert_eq!(site.owner.bare(Method::POST, &path).await.ok()["status"], "waiting");
    site.run().await;
    let twins = site.world.tools.plugins.twins();
    assert_eq!((twins.len(), &twins["jumeau-bilan"]["title"]), (1, &json!("Bilan 2025")));
    let list = site.owner.get(&format!("{PUBLICATIONS}?catalogId={catalog}")).await.ok();
    assert_eq!((&list["count"], &list["results"][0]["action"]), (&json!(1), &json!("update")));

    assert_eq!(site.owner.bare(Method::DELETE, &path).await.status.as_u16(), 204);
    site.run().await;
    site.owner.get(&path).await.refused(404);
    assert!(site.world.tools.plugins.twins().is_empty());
    site.owner.get(&format!("{DATASETS}/bilan")).await.ok();
}

#[tokio::test]
async fn a_twin_whose_description_is_not_wholly_taken_is_found_again_and_removed() {
    let site = Site::new().await;
    site.world.upload(&site.owner, "bilan", "annee,total\n2025,12\n").await;
    let catalog = site.catalog().await;
    let half = json!({ "config": { "url": "https://voisin.example", "mode": "half" } });
    site.owner.json(Method::PATCH, &format!("{CATALOGS}/{catalog}"), &half).await.ok();
    let path = format!(
        "{PUBLICATIONS}/{}",
        id(&site.owner.post(PUBLICATIONS, &publication(&catalog, "bilan")).await.ok())
    );
    site.run().await;
    let half = site.owner.get(&path).await.ok();
    assert_eq!((&half["status"], &half["action"]), (&json!("error"), &json!("update")));
    assert!(half["error"].as_str().unwrap().contains("n'est pas conforme"), "{half}");
    assert_eq!(half["remote"]["remoteId"], "jumeau-bilan", "{half}");
    assert_eq!(site.owner.bare(Method::DELETE, &path).await.status.as_u16(), 204);
    site.run().await;
    assert!(site.world.tools.plugins.twins().is_empty(), "the twin was found");
}

#[tokio::test]
async fn the_link_alone_can_be_removed() {
    let site = Site::new().await;
    site.world.upload(&site.owner, "bilan", "annee,total\n2025,12\n").await;
    let catalog = site.catalog().await;
    let path = format!(
        "{PUBLICATIONS}/{}",
        id(&site.owner.post(PUBLICATIONS, &publication(&catalog, "bilan")).await.ok())
    );
    site.run().await;
    assert_eq!(site.owner.bare(Method::DELETE, &format!("{path}?onlyLink=true")).await.status.as_u16(), 204);
    site.run().await;
    site.owner.get(&path).await.refused(404);
    assert!(site.world.tools.plugins.twins().contains_key("jumeau-bilan"), "the twin stays");
}

#[tokio::test]
async fn only_own_datasets_are_published_and_only_where_that_is_possible() {
    let site = Site::new().await;
    let catalog = site.catalog().await;
    let zoe = site.anonymous.by("zoe");
    site.world.upload(&zoe, "zoe", "a\n1\n").await;
    site.owner.post(PUBLICATIONS, &publication(&catalog, "zoe")).await.refused(403);
    site.owner.post(PUBLICATIONS, &publication(&catalog, "absent")).await.refused(404);
    let refusal = site.owner.post(PUBLICATIONS, &json!({ "catalog": { "id": catalog } })).await.refused(400);
    assert!(refusal.contains("dataFairDataset"), "{refusal}");
    site.world.upload(&site.owner, "bilan", "a\n1\n").await;
    zoe.post(PUBLICATIONS, &publication(&catalog, "bilan")).await.refused(403);
    let shared = site.anonymous.by("root!");
    let refusal = shared.post(PUBLICATIONS, &publication(&catalog, "zoe")).await.refused(400);
    assert!(refusal.contains("propriétaire"), "even a superadmin: {refusal}");
    let narrower = json!({ "config": { "url": "https://voisin.example", "mode": "read-only" } });
    site.owner.json(Method::PATCH, &format!("{CATALOGS}/{catalog}"), &narrower).await.ok();
    let refusal = site.owner.post(PUBLICATIONS, &publication(&catalog, "bilan")).await.refused(400);
    assert!(refusal.contains("publier"), "{refusal}");
    assert_eq!(site.owner.get(&format!("{PUBLICATIONS}?catalogId={catalog}")).await.ok()["count"], 0);
}
