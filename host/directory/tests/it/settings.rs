//! Settings of an account: what is kept, who sees which part, and what is refused.

use axum::http::Method;
use serde_json::{Value, json};

use crate::site::{Answer, Browser, Site};

const SETTINGS: &str = "/data-fair/api/v1/settings/organization/ville";

async fn site() -> Site {
    let site = Site::new().await;
    site.user("ana@example.org").await;
    site.organization("ville", "ana@example.org").await;
    site.user("bob@example.org").await;
    site.organization("port", "bob@example.org").await;
    site
}

async fn put(browser: &mut Browser<'_>, body: Value) -> Answer {
    browser.send(Method::PUT, SETTINGS, Some(("application/json", body.to_string()))).await
}

fn portal(id: &str, url: &str) -> Value {
    json!({ "type": "data-fair-portals", "id": id, "title": "Portail", "url": url,
        "datasetUrlTemplate": format!("{url}/datasets/{{slug}}"),
        "settings": { "contributorDepartments": ["eau"], "datasetsRequiredMetadata": ["license"] } })
}

#[tokio::test]
async fn a_patch_keeps_what_it_does_not_name_and_a_put_does_not() {
    let site = site().await;
    let mut ana = site.session("ana@example.org").await;
    let key = json!([{ "title": "Import", "scopes": ["datasets"] }]);
    let first =
        json!({ "email": "open@ville.fr", "topics": [{ "title": "Eau & assainissement" }], "apiKeys": key });
    let patched = ana.patch(SETTINGS, first).await;
    assert_eq!(patched.code(), 200, "{}", patched.text);
    assert_eq!(patched.json()["topics"][0]["id"], "eau-and-assainissement");
    ana.patch(SETTINGS, json!({ "compatODS": true })).await;
    let settings = ana.get(SETTINGS).await.json();
    assert_eq!(
        (&settings["type"], &settings["id"], &settings["name"], &settings["email"], &settings["compatODS"]),
        (&json!("organization"), &json!("ville"), &json!("Ville"), &json!("open@ville.fr"), &json!(true))
    );
    assert!(ana.patch(SETTINGS, json!({ "email": null })).await.json().get("email").is_none());
    // What a client read, it may send back.
    assert_eq!(put(&mut ana, settings.clone()).await.json(), settings);
    let emptied = put(&mut ana, json!({})).await.json();
    assert!(emptied.get("topics").is_none() && emptied.get("compatODS").is_none(), "{emptied}");
    assert_eq!(emptied["apiKeys"].as_array().map(Vec::len), Some(1), "keys go only when that is said");
}

#[tokio::test]
async fn wrong_settings_are_named_and_change_nothing() {
    let site = site().await;
    let mut ana = site.session("ana@example.org").await;
    ana.patch(SETTINGS, json!({ "email": "open@ville.fr" })).await;
    for (wrong, named) in [
        (json!({ "email": 1 }), "email"),
        (json!({ "topics": [{ "title": "" }] }), "topics[0]"),
        (
            json!({ "webhooks": [{ "title": "w", "target": { "type": "http", "params": { "url": "ftp://x" } } }] }),
            "webhooks[0]",
        ),
        (json!({ "datasetsMetadata": { "colour": {} } }), "colour"),
        (json!({ "email": "other@ville.fr", "apiKeys": [{ "title": "", "scopes": [] }] }), "apiKeys[0]"),
    ] {
        let answer = ana.patch(SETTINGS, wrong).await;
        assert!(
            answer.code() == 400 && answer.text.contains(named),
            "{named}: {} {}",
            answer.status,
            answer.text
        );
    }
    assert_eq!(ana.get(SETTINGS).await.json()["email"], "open@ville.fr");
}

#[tokio::test]
async fn parts_are_for_those_whom_they_concern() {
    let site = site().await;
    let mut ana = site.session("ana@example.org").await;
    let settings = json!({
        "topics": [{ "id": "eau", "title": "Eau" }],
        "licenses": [{ "title": "Maison", "href": "https://ville.fr/licence" }],
        "datasetsMetadata": { "keywords": { "active": true } },
        "publicationSites": [portal("p1", "https://open.ville.fr"), { "type": "data-fair-portals", "id": "p2" }],
        "agentChat": { "model": "m" },
    });
    assert_eq!(ana.patch(SETTINGS, settings).await.code(), 200);
    ana.patch(&format!("{SETTINGS}:eau"), json!({ "topics": [{ "id": "pluie", "title": "Pluie" }] })).await;
    let mut nobody = site.browser();
    let mut bob = site.session("bob@example.org").await;
    assert_eq!(
        nobody.get(&format!("{SETTINGS}/topics")).await.json(),
        json!([{ "id": "eau", "title": "Eau" }])
    );
    let both = nobody.get(&format!("{SETTINGS}:eau/topics")).await.json();
    assert_eq!((&both[0]["id"], &both[1]["id"]), (&json!("eau"), &json!("pluie")));
    let licenses = nobody.get(&format!("{SETTINGS}/licenses")).await.json();
    assert_eq!(licenses.as_array().map(Vec::len), Some(9));
    assert_eq!(licenses[8]["title"], "Maison");
    let metadata = nobody.get(&format!("{SETTINGS}/datasets-metadata")).await.json();
    assert_eq!(metadata, json!({ "keywords": { "active": true } }));
    for part in ["publication-sites", "agent-chat"] {
        assert_eq!(nobody.get(&format!("{SETTINGS}/{part}")).await.code(), 401);
        assert_eq!(bob.get(&format!("{SETTINGS}/{part}")).await.code(), 403);
    }
    assert_eq!(ana.get(&format!("{SETTINGS}/agent-chat")).await.json(), json!({ "model": "m" }));
    let sites = |answer: Answer| -> Vec<String> {
        let sites = answer.json();
        sites.as_array().unwrap().iter().map(|site| site["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(sites(ana.get(&format!("{SETTINGS}/publication-sites")).await), ["p1", "p2"]);
    let of_department = ana.get(&format!("{SETTINGS}:eau/publication-sites")).await;
    assert_eq!(sites(of_department), ["p1"], "only sites that let the department publish");
    assert_eq!(nobody.get("/data-fair/api/v1/settings/planet/x/topics").await.code(), 400);
}

#[tokio::test]
async fn sites_are_declared_replaced_and_taken_back_one_by_one() {
    let site = site().await;
    let mut ana = site.session("ana@example.org").await;
    let mut bob = site.session("bob@example.org").await;
    let sites = format!("{SETTINGS}/publication-sites");
    assert_eq!(ana.post(&sites, portal("p1", "https://open.ville.fr")).await.code(), 200);
    assert_eq!(ana.post(&sites, portal("p1", "https://data.ville.fr/")).await.code(), 200);
    let declared = ana.get(&sites).await.json();
    assert_eq!(declared.as_array().map(Vec::len), Some(1));
    assert_eq!(declared[0]["url"], "https://data.ville.fr/");
    assert_eq!(bob.post(&sites, portal("p3", "https://x.fr")).await.code(), 403);
    let of_port = "/data-fair/api/v1/settings/organization/port/publication-sites";
    let taken = bob.post(of_port, portal("p1", "https://DATA.ville.fr")).await;
    assert!(taken.code() == 409 && taken.text.contains("https://data.ville.fr"), "{}", taken.text);
    assert_eq!(bob.post(of_port, json!({ "type": "a:b", "id": "c" })).await.code(), 400);
    assert_eq!(ana.delete(&format!("{sites}/data-fair-portals/p1")).await.code(), 204);
    assert_eq!(ana.delete(&format!("{sites}/data-fair-portals/p1")).await.code(), 404);
    assert_eq!(bob.post(of_port, portal("p1", "https://data.ville.fr")).await.code(), 200);
}
