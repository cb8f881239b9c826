//! The catalogue: filters, counts, facets, and what a caller may not see.

use axum::http::Method;
use halle_model::Caller;
use serde_json::{Value, json};

use crate::harness::{Harness, admin, member, stranger};

/// Five datasets of two owners, two of them public.
async fn catalogue() -> Harness {
    let harness = Harness::new().await;
    let port = member("paul", "port", "admin");
    let topic = json!([{ "id": "eau", "title": "Eau", "color": "#00f" }]);
    for (caller, id, body) in [
        (&admin(), "arbres", json!({ "title": "Arbres", "keywords": ["nature"], "isMetaOnly": true })),
        (
            &admin(),
            "eaux",
            json!({ "title": "Éaux", "topics": topic, "keywords": ["nature", "eau"], "isMetaOnly": true }),
        ),
        (&admin(), "lignes", json!({ "title": "lignes", "isRest": true })),
        (&port, "quais", json!({ "title": "Quais", "topics": topic, "isMetaOnly": true })),
        (&port, "secret", json!({ "title": "Secret", "keywords": ["nature"], "isMetaOnly": true })),
    ] {
        harness.json(caller, Method::PUT, &format!("/datasets/{id}"), body).await.ok();
        harness.clock.advance(jiff::SignedDuration::from_secs(1));
    }
    let public = json!([{ "classes": ["list", "read"] }]);
    harness.json(&admin(), Method::PUT, "/datasets/arbres/permissions", public.clone()).await.ok();
    harness.json(&port, Method::PUT, "/datasets/quais/permissions", public).await.ok();
    harness
}

async fn ids(harness: &Harness, caller: &Caller, query: &str) -> Vec<String> {
    let answer = harness.get(caller, &format!("/datasets?{query}")).await.ok();
    let ids: Vec<String> = answer["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|dataset| dataset["id"].as_str().unwrap().to_owned())
        .collect();
    assert!(answer["count"].as_u64().unwrap() >= ids.len() as u64);
    ids
}

#[tokio::test]
async fn filters_combine_and_exclude() {
    let harness = catalogue().await;
    let root = Caller { admin_mode: true, ..stranger() };
    for (query, expected) in [
        ("", &["secret", "quais", "lignes", "eaux", "arbres"][..]),
        ("sort=createdAt:1&size=2", &["arbres", "eaux"]),
        ("sort=createdAt:1&size=2&page=2", &["lignes", "quais"]),
        ("sort=title", &["arbres", "eaux", "lignes", "quais", "secret"]),
        ("q=EAUX", &["eaux"]),
        ("q=eau&sort=title", &["eaux", "quais"]),
        ("topics=eau&sort=title", &["eaux", "quais"]),
        ("keywords=nature&topics=-eau&sort=title", &["arbres", "secret"]),
        ("rest=true", &["lignes"]),
        ("type=rest", &["lignes"]),
        ("ids=eaux,quais&sort=title", &["eaux", "quais"]),
        ("slugs=lignes", &["lignes"]),
        ("visibility=public&sort=title", &["arbres", "quais"]),
        ("owner=organization:port&sort=title", &["quais", "secret"]),
        ("owner=-organization:port&sort=title", &["arbres", "eaux", "lignes"]),
        ("status=finalized&size=1", &["secret"]),
        ("status=error", &[]),
    ] {
        assert_eq!(ids(&harness, &root, query).await, expected, "{query}");
    }
    assert_eq!(ids(&harness, &admin(), "mine=true&sort=title").await, ["arbres", "eaux", "lignes"]);
}

#[tokio::test]
async fn what_may_not_be_listed_is_neither_counted_nor_a_facet() {
    let harness = catalogue().await;
    let list = |caller: Caller, query: &'static str| {
        let harness = &harness;
        async move { harness.get(&caller, &format!("/datasets?{query}")).await.ok() }
    };
    let facets = "size=0&facets=owner,visibility,topics,keywords,status";
    let seen = list(Caller::anonymous(), facets).await;
    assert_eq!(seen["count"], 2);
    assert_eq!(seen["facets"]["visibility"], json!([{ "count": 2, "value": "public" }]));
    assert_eq!(seen["facets"]["keywords"], json!([{ "count": 1, "value": "nature" }]));
    assert_eq!(seen["facets"]["topics"][0]["value"]["title"], "Eau");
    assert_eq!(seen["facets"]["owner"].as_array().map(Vec::len), Some(2));
    assert_eq!(list(admin(), "size=0").await["count"], 4);
    assert_eq!(list(stranger(), "size=0&q=secret").await["count"], 0);
    let narrowed = list(admin(), "visibility=public&facets=visibility,owner&size=0").await;
    assert_eq!(narrowed["count"], 2);
    let values = |facet: &Value| facet.as_array().unwrap().len();
    assert_eq!(values(&narrowed["facets"]["visibility"]), 2, "a facet ignores its own filter");
    assert_eq!(narrowed["facets"]["owner"][0]["count"], 1, "and obeys the others");
    let key = Caller { scopes: Some(vec!["stats".to_owned()]), ..admin() };
    assert_eq!(list(key, "size=0").await["count"], 2, "a key without the scope sees what is public");
}

#[tokio::test]
async fn fields_are_selected_and_pages_have_an_end() {
    let harness = catalogue().await;
    let answer =
        harness.get(&admin(), "/datasets?size=1&select=title,-userPermissions&count=false").await.ok();
    assert!(answer.get("count").is_none());
    let keys: Vec<&String> = answer["results"][0].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["id", "slug", "title", "href", "page", "owner"]);
    let public =
        harness.get(&Caller::anonymous(), "/datasets?visibility=public&select=-userPermissions").await;
    assert_eq!(public.headers["cache-control"], "must-revalidate, public, max-age=300");
    assert_eq!(harness.get(&admin(), "/datasets?size=10000&page=2").await.status, 400);
    assert_eq!(harness.get(&admin(), "/datasets?facets=color").await.status, 400);
    assert_eq!(
        harness.get(&admin(), "/datasets?size=1&size=2").await.text,
        "query parameter \"size\" is defined multiple times"
    );
    assert_eq!(harness.get(&Caller::anonymous(), "/ping").await.text, "ok");
    let vocabulary = harness.get(&Caller::anonymous(), "/vocabulary").await.ok();
    assert!(vocabulary.as_array().unwrap().iter().any(|concept| concept["id"] == "codeCommune"));
}
