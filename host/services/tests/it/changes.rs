//! Declare, read, list, change, forget; who may.

use axum::http::Method;
use halle_testkit::Api;
use serde_json::json;

use crate::site::{ACTIONS, SERVICES, Site, body};

const COMMUNE: &str = "http://rdf.insee.fr/def/geo%23codeCommune";

#[tokio::test]
async fn a_document_becomes_a_service_with_actions() {
    let site = Site::new().await;
    let answer = site.owner.post(SERVICES, &body("salut")).await;
    assert_eq!(answer.status.as_u16(), 201);
    let service = answer.json();
    assert_eq!((&service["id"], &service["title"]), (&json!("salut"), &json!("Salutations")));
    assert_eq!(service["server"], "https://bonjour.example/v1");
    assert_eq!(service["actions"][0]["input"][0]["name"], "code");
    assert_eq!(site.owner.get(&format!("{SERVICES}/salut")).await.ok(), service);
    let document = site.owner.get(&format!("{SERVICES}/salut/api-docs.json")).await.ok();
    assert_eq!(document, body("salut")["apiDoc"]);
    let actions = site.owner.get(&format!("{ACTIONS}?input-concepts={COMMUNE}")).await.ok();
    let first = &actions["results"][0];
    assert_eq!((&first["id"], &first["remoteService"]["id"]), (&json!("saluer"), &json!("salut")));
    let other = format!("{ACTIONS}?input-concepts=http://schema.org/latitude");
    assert_eq!(site.owner.get(&other).await.ok()["count"], 0);
}

#[tokio::test]
async fn a_check_counts_for_who_asks_and_for_nothing_that_was_never_stored() {
    let site = Site::new().await;
    let mut refused = body("vide");
    refused["apiDoc"]["paths"] = json!({});
    site.owner.post(SERVICES, &refused).await.refused(400);
    site.world.tools.plugins.spend_until(Some("2026-01-16T00:00:00Z".parse().unwrap()));
    site.owner.post(SERVICES, &body("salut")).await.refused(429);
    site.world.tools.plugins.spend_until(None);
    site.owner.post(SERVICES, &body("salut")).await.ok();
    let document = json!({ "apiDoc": body("salut")["apiDoc"] });
    site.owner.json(Method::PATCH, &format!("{SERVICES}/salut"), &document).await.ok();
    let checked = site.world.tools.plugins.checked_for();
    let told: Vec<_> = checked
        .iter()
        .map(|subject| (subject.account.as_str(), subject.kind.as_str(), subject.instance.as_str()))
        .collect();
    let of = |instance| ("organization:ville", "remote-service", instance);
    assert_eq!(
        told,
        [of(""), of(""), of("salut")],
        "no row for the one that was refused, nor for the one to come"
    );
}

#[tokio::test]
async fn a_key_is_kept_and_never_shown() {
    let site = Site::new().await;
    let mut new = body("salut");
    new["apiKey"] = json!({ "in": "header", "name": "X-Key", "value": "s3cret" });
    let created = site.owner.post(SERVICES, &new).await;
    assert_eq!(created.status.as_u16(), 201);
    let one = format!("{SERVICES}/salut");
    for answer in [created, site.owner.get(&one).await, site.owner.get(SERVICES).await] {
        assert!(!answer.text().contains("s3cret"), "{}", answer.text());
    }
    let shown = site.owner.get(&one).await.ok()["apiKey"].clone();
    assert_eq!(shown, json!({ "in": "header", "name": "x-key", "value": "********" }));
    let same =
        site.owner.json(Method::PATCH, &one, &json!({ "apiKey": shown, "title": "Bonjour" })).await.ok();
    assert_eq!((&same["title"], &same["apiKey"]), (&json!("Bonjour"), &shown));
}

#[tokio::test]
async fn a_wrong_field_is_named_and_nothing_is_changed() {
    let site = Site::new().await;
    site.owner.post(SERVICES, &body("salut")).await.ok();
    let one = format!("{SERVICES}/salut");
    let before = site.owner.get(&one).await.ok();
    for (patch, named) in [
        (json!({ "server": "ftp://bonjour.example" }), "`server`"),
        (
            json!({ "apiDoc": { "info": {}, "paths": {}, "servers": [{ "url": "https://a.example" }] } }),
            "`apiDoc`",
        ),
        (json!({ "apiKey": { "in": "query", "name": "k", "value": "v" } }), "`apiKey.in`"),
        (json!({ "public": "yes" }), "`public`"),
        (json!({ "colour": "red" }), "colour"),
    ] {
        let refusal = site.owner.json(Method::PATCH, &one, &patch).await.refused(400);
        assert!(refusal.contains(named), "{patch}: {refusal}");
        let mut new = body("autre");
        new.as_object_mut().unwrap().extend(patch.as_object().unwrap().clone());
        let refusal = site.owner.post(SERVICES, &new).await.refused(400);
        assert!(refusal.contains(named), "{new}: {refusal}");
    }
    site.owner.post(SERVICES, &body("salut")).await.refused(409);
    let mut unknown = body("autre");
    unknown["plugin"] = json!("ghost");
    assert!(site.owner.post(SERVICES, &unknown).await.refused(409).contains("ghost"));
    assert_eq!(site.owner.get(&one).await.ok(), before);
    assert_eq!(site.owner.get(SERVICES).await.ok()["count"], 1);
    site.owner.get(&format!("{SERVICES}?size=1001")).await.refused(400);
}

/// Statuses of every route about one service: read, document, change, forget.
async fn statuses(api: &Api) -> [u16; 4] {
    let one = format!("{SERVICES}/salut");
    let answers = [
        api.get(&one).await,
        api.get(&format!("{one}/api-docs.json")).await,
        api.json(Method::PATCH, &one, &json!({ "title": "Bonsoir" })).await,
        api.bare(Method::DELETE, &one).await,
    ];
    answers.map(|answer| answer.status.as_u16())
}

#[tokio::test]
async fn a_service_is_its_owners_until_it_is_public() {
    let site = Site::new().await;
    let stranger = site.anonymous.by("zoe");
    let contributor = site.anonymous.by("bob@ville:contrib");
    site.anonymous.post(SERVICES, &body("salut")).await.refused(401);
    contributor.post(SERVICES, &body("salut")).await.refused(403);
    assert_eq!(statuses(&site.owner).await, [404; 4]);
    site.owner.post(SERVICES, &body("salut")).await.ok();
    for api in [&site.anonymous, &stranger, &contributor] {
        assert_eq!(statuses(api).await, [403; 4]);
        assert_eq!(api.get(SERVICES).await.ok()["count"], 0);
        assert_eq!(api.get(ACTIONS).await.ok()["count"], 0);
    }
    site.owner.json(Method::PATCH, &format!("{SERVICES}/salut"), &json!({ "public": true })).await.ok();
    for api in [&site.anonymous, &stranger] {
        assert_eq!(statuses(api).await, [200, 200, 403, 403]);
        assert_eq!(api.get(ACTIONS).await.ok()["count"], 1);
    }
    assert_eq!(statuses(&site.owner).await, [200, 200, 200, 204]);
    assert_eq!(site.owner.get(SERVICES).await.ok()["count"], 0);
}

#[tokio::test]
async fn no_service_is_stored_for_a_plugin_that_is_removed_meanwhile() {
    let site = Site::new().await;
    let count = site.owner.get(SERVICES).await.ok()["count"].clone();
    site.world.tools.plugins.remove_under_users();
    let refusal = site.owner.post(SERVICES, &body("salut")).await.refused(409);
    assert!(refusal.contains("n'est pas installé"), "{refusal}");
    assert_eq!(site.owner.get(SERVICES).await.ok()["count"], count);
}

#[tokio::test]
async fn a_key_does_not_follow_to_another_address() {
    let site = Site::new().await;
    let mut new = body("salut");
    new["apiKey"] = json!({ "in": "header", "name": "X-Key", "value": "s3cret" });
    site.owner.post(SERVICES, &new).await.ok();
    let one = format!("{SERVICES}/salut");
    let before = site.owner.get(&one).await.ok();
    let key = |value: &str| json!({ "in": "header", "name": "X-Key", "value": value });
    for patch in [
        json!({ "server": "https://evil.example" }),
        json!({ "server": "https://bonjour.example:8443", "apiKey": key("********") }),
        json!({ "server": "http://bonjour.example", "apiKey": key("") }),
    ] {
        let refusal = site.owner.json(Method::PATCH, &one, &patch).await.refused(400);
        let said = ["`apiKey.value`", "`server`", "saisissez de nouveau", "type the key again"];
        assert!(said.iter().all(|part| refusal.contains(part)), "{patch}: {refusal}");
    }
    assert_eq!(site.owner.get(&one).await.ok(), before, "nothing was saved");
    let path = json!({ "server": "https://bonjour.example/v2" });
    assert_eq!(site.owner.json(Method::PATCH, &one, &path).await.ok()["server"], path["server"]);
    let typed = json!({ "server": "https://autre.example", "apiKey": key("typed") });
    assert_eq!(site.owner.json(Method::PATCH, &one, &typed).await.ok()["server"], typed["server"]);
}
