//! Publication sites: what names mean there, and what lists show (reference §1.1).

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, header};
use axum::middleware::from_fn_with_state;
use halle_http::BaseUrl;
use halle_http::base_url::{self, Elsewhere};
use halle_model::Caller;
use halle_model::Settings;
use halle_model::settings::{PublicationSite, SettingsContent};
use halle_store::EntityExt;
use serde_json::{Value, json};
use tower::ServiceExt;

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

/// Asks anonymously with a `Host` of its own, without a proxy in between; the main address is `https://halle.example`.
async fn with_host(harness: &Harness, host: &str, path: &str) -> (u16, Value) {
    let layer = from_fn_with_state(Arc::from("https://halle.example"), base_url::resolve);
    let router = Router::new().fallback_service(harness.router.clone()).layer(layer);
    let mut request = Request::get(path).header(header::HOST, host).body(Body::empty()).unwrap();
    request.extensions_mut().insert(halle_http::Caller(Caller::anonymous()));
    let answer = router.oneshot(request).await.unwrap();
    let status = answer.status().as_u16();
    let varies = answer.headers().get_all(header::VARY).iter().any(|name| name == "host");
    let is_main = ["halle.example", "localhost", "127."].iter().any(|main| host.starts_with(main));
    assert_eq!(varies, !is_main, "{host} {path}: a shared cache must know whose answer it keeps");
    let bytes = axum::body::to_bytes(answer.into_body(), usize::MAX).await.unwrap();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    (status, serde_json::from_slice(&bytes).unwrap_or(Value::String(text)))
}

#[tokio::test]
async fn a_site_is_known_by_the_host_of_a_request() {
    let harness = world().await;
    let host = "donnees.ville.example";
    let (status, dataset) = with_host(&harness, host, "/datasets/budget").await;
    assert_eq!((status, &dataset["id"]), (200, &json!("v1")));
    assert!(dataset["href"].as_str().unwrap().starts_with(SITE), "{dataset}");
    assert_eq!(with_host(&harness, host, "/datasets/p1").await, (404, json!("Dataset not found")));
    assert_eq!(with_host(&harness, host, "/datasets").await.1["count"], 1);
    let (status, catalog) = with_host(&harness, host, "/catalog/datasets").await;
    assert_eq!((status, &catalog["count"]), (200, &json!(0)), "nothing is published on it");
    let unknown = (404, json!("publication site unknown"));
    assert_eq!(with_host(&harness, "autre.example", "/datasets/v1").await, unknown);
    assert_eq!(with_host(&harness, "autre.example", "/datasets").await, unknown);
    assert_eq!(with_host(&harness, "autre.example", "/catalog/datasets").await.0, 400);
    for main in ["halle.example", "halle.example:8080", "127.0.0.1:5000", "localhost"] {
        let (status, list) = with_host(&harness, main, "/datasets?size=1").await;
        assert_eq!((status, &list["count"]), (200, &json!(2)), "{main}");
        let link = list["results"][0]["href"].as_str().unwrap();
        assert!(link.starts_with("https://halle.example/"), "{link}");
    }
}

#[tokio::test]
async fn a_site_lists_references_that_are_shared_with_its_owner() {
    let harness = world().await;
    let port = member("paul", "port", "admin");
    let share = |id: &str| json!({ "masterData": { "shareOrgs": [{ "id": id, "name": id }], "virtualDatasets": { "active": true } } });
    harness.json(&port, Method::PATCH, "/datasets/p1", share("autre")).await.ok();
    assert_eq!(at(&harness, SITE, "/datasets").await.ok()["count"], 1);
    harness.json(&port, Method::PATCH, "/datasets/p1", share("ville")).await.ok();
    let list = at(&harness, SITE, "/datasets?sort=createdAt&select=id").await.ok();
    assert_eq!(list["count"], 2, "{list}");
    assert_eq!(at(&harness, SITE, "/datasets/p1").await.ok()["id"], "p1", "what is listed is read");
    assert_eq!(at(&harness, SITE, "/datasets/budget").await.ok()["id"], "v1", "slugs are those of the owner");
    harness.json(&port, Method::PUT, "/datasets/p1/permissions", json!([])).await.ok();
    assert_eq!(at(&harness, SITE, "/datasets").await.ok()["count"], 1, "sharing gives no right");
    assert_eq!(at(&harness, SITE, "/datasets/p1").await.status, 403);
    harness.json(&port, Method::PATCH, "/datasets/p1", json!({ "masterData": null })).await.ok();
    at(&harness, SITE, "/datasets/p1").await.refused(404, "Dataset not found");
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
