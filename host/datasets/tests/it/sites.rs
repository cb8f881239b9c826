//! Publication sites: what names mean there, and what lists show (reference §1.1).

use axum::body::Body;
use axum::http::{Method, Request};
use halle_http::BaseUrl;
use halle_http::base_url::Elsewhere;
use halle_model::Caller;
use halle_model::Settings;
use halle_model::settings::{PublicationSite, SettingsContent};
use halle_store::EntityExt;
use serde_json::json;

use crate::harness::{Answer, Harness, admin, member};

/// Address of the site of the organisation `ville`.
const SITE: &str = "https://donnees.ville.example";

/// Asks anonymously at another address than the main one.
async fn at(harness: &Harness, address: &'static str, path: &str) -> Answer {
    let mut request = Request::get(path).body(Body::empty()).unwrap();
    request.extensions_mut().insert(halle_http::Caller(Caller::anonymous()));
    request.extensions_mut().insert(BaseUrl(address.into()));
    request.extensions_mut().insert(Elsewhere);
    harness.answer(request).await
}

/// Two organisations with a public dataset each, under the same slug; the first one has a site.
async fn world() -> Harness {
    let harness = Harness::new().await;
    let port = member("paul", "port", "admin");
    for (owner, id) in [(&admin(), "v1"), (&port, "p1")] {
        let body = json!({ "title": "Budget", "isMetaOnly": true });
        harness.json(owner, Method::PUT, &format!("/datasets/{id}"), body).await.ok();
        let grants = json!([{ "classes": ["list", "read"] }]);
        harness.json(owner, Method::PUT, &format!("/datasets/{id}/permissions"), grants).await.ok();
    }
    let site: PublicationSite = serde_json::from_value(json!({
        "type": "data-fair-portals", "id": "p", "title": "Données", "url": SITE,
    }))
    .unwrap();
    let account = admin().account.unwrap();
    let content = SettingsContent { publication_sites: vec![site], ..SettingsContent::default() };
    let mut unit = harness.datasets.store.begin().await.unwrap();
    let settings = Settings { key: account.key(), account, content };
    unit.insert(&settings, harness.datasets.clock.now()).await.unwrap();
    unit.commit().await.unwrap();
    harness
}

#[tokio::test]
async fn on_a_site_names_mean_what_its_owner_has() {
    let harness = world().await;
    assert_eq!(at(&harness, SITE, "/datasets/budget").await.ok()["id"], "v1");
    assert_eq!(at(&harness, SITE, "/datasets/v1").await.ok()["id"], "v1");
    at(&harness, SITE, "/datasets/p1").await.refused(404, "Dataset not found");
    let list = at(&harness, SITE, "/datasets").await.ok();
    assert_eq!((&list["count"], &list["results"][0]["id"]), (&json!(1), &json!("v1")));
    let link = list["results"][0]["href"].as_str().unwrap();
    assert!(link.starts_with(SITE), "{link}");
    at(&harness, "https://ailleurs.example", "/datasets").await.refused(404, "publication site unknown");
    at(&harness, "https://ailleurs.example", "/datasets/v1").await.refused(404, "publication site unknown");
}

#[tokio::test]
async fn the_main_address_asks_for_a_site_by_name() {
    let harness = world().await;
    let anonymous = Caller::anonymous();
    let get = async |path: &str| harness.get(&anonymous, path).await;
    assert_eq!(get("/datasets/budget?publicationSites=data-fair-portals:p").await.ok()["id"], "v1");
    get("/datasets/p1?publicationSites=data-fair-portals:p").await.refused(404, "Dataset not found");
    get("/datasets/budget").await.refused(404, "Dataset not found");
    assert_eq!(get("/datasets/p1").await.ok()["id"], "p1");
    assert_eq!(get("/datasets").await.ok()["count"], 2);
    // What was read on the site is not what the name means elsewhere.
    get("/datasets/budget").await.refused(404, "Dataset not found");
}
