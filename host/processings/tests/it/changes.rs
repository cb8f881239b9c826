//! Create, read, list, change, delete.

use axum::http::Method;
use halle_extensions::metering::Subject;
use serde_json::{Value, json};

use crate::site::{PROCESSINGS, Site, body};

#[tokio::test]
async fn a_secret_never_comes_back() {
    let site = Site::new().await;
    let mut new = body("rows");
    new["config"]["token"] = json!("s3cret");
    let created = site.owner.post(PROCESSINGS, &new).await;
    assert_eq!(created.status.as_u16(), 200);
    let id = created.json()["_id"].as_str().unwrap().to_owned();
    let one = format!("{PROCESSINGS}/{id}");
    for answer in [created, site.owner.get(&one).await, site.owner.get(PROCESSINGS).await] {
        assert!(!answer.text().contains("s3cret"), "{}", answer.text());
    }
    let shown = site.owner.get(&one).await.ok();
    assert_eq!(shown["config"]["token"], "********");
    let renamed = json!({ "title": "Bornes", "config": shown["config"] });
    let renamed = site.owner.json(Method::PATCH, &one, &renamed).await.ok();
    assert_eq!((&renamed["title"], &renamed["config"]["token"]), (&json!("Bornes"), &json!("********")));
}

#[tokio::test]
async fn a_wrong_field_is_named_and_nothing_is_changed() {
    let site = Site::new().await;
    let id = site.processing("rows").await;
    let one = format!("{PROCESSINGS}/{id}");
    let before = site.owner.get(&one).await.ok();
    for (patch, named) in [
        (json!({ "title": " " }), "`title`"),
        (json!({ "title": 3 }), "title"),
        (json!({ "colour": "red" }), "colour"),
        (json!({ "config": { "mode": "rows" } }), "url"),
        (json!({ "config": { "url": "refused" } }), "`config/url`"),
        (json!({ "slots": { "input": {} } }), "`slots.input`"),
        (json!({ "slots": { "output": { "dataset": "absent" } } }), "`slots.output.dataset`"),
        (json!({ "scheduling": [{ "type": "cron", "cron": "soon" }] }), "`scheduling`"),
        (json!({ "scheduling": [{ "type": "daily", "hour": 25 }] }), "`scheduling`"),
    ] {
        let refusal = site.owner.json(Method::PATCH, &one, &patch).await.refused(400);
        assert!(refusal.contains(named), "{patch}: {refusal}");
        let mut new = body("rows");
        new.as_object_mut().unwrap().extend(patch.as_object().unwrap().clone());
        let refusal = site.owner.post(PROCESSINGS, &new).await.refused(400);
        assert!(refusal.contains(named), "{new}: {refusal}");
    }
    assert_eq!(site.owner.get(&one).await.ok(), before);
    assert_eq!(site.owner.get(PROCESSINGS).await.ok()["count"], 1);
    site.owner.get(&format!("{PROCESSINGS}?size=1001")).await.refused(400);
}

#[tokio::test]
async fn a_check_counts_for_who_asks_and_for_nothing_that_was_never_stored() {
    let site = Site::new().await;
    let mut refused = body("rows");
    refused["config"]["url"] = json!("refused");
    site.owner.post(PROCESSINGS, &refused).await.refused(400);
    let id = site.processing("rows").await;
    let one = format!("{PROCESSINGS}/{id}");
    site.owner.json(Method::PATCH, &one, &json!({ "config": body("rows")["config"] })).await.ok();
    let checked = site.world.tools.plugins.checked_for();
    let told = |subject: &Subject| {
        (subject.account.clone(), subject.plugin.clone(), subject.kind.as_str(), subject.instance.clone())
    };
    let of = |instance: &str| {
        ("organization:ville".to_owned(), "import".to_owned(), "processing", instance.to_owned())
    };
    let told: Vec<_> = checked.iter().map(|subject| told(subject)).collect();
    assert_eq!(
        told,
        [of(""), of(""), of(&id)],
        "no row for the one that was refused, nor for the one to come"
    );
}

#[tokio::test]
async fn a_check_needs_plugin_seconds() {
    let site = Site::new().await;
    site.world.tools.plugins.spend_until(Some("2026-01-16T00:00:00Z".parse().unwrap()));
    site.owner.post(PROCESSINGS, &body("rows")).await.refused(429);
    assert_eq!(site.world.tools.plugins.checked_for(), []);
    assert_eq!(site.owner.get(PROCESSINGS).await.ok()["count"], 0);
}

#[tokio::test]
async fn a_plugin_must_be_installed_granted_and_a_processing() {
    let site = Site::new().await;
    for plugin in ["ghost", "waiting", "chart"] {
        let mut new = body("rows");
        new["plugin"] = json!(plugin);
        let refusal = site.owner.post(PROCESSINGS, &new).await.refused(409);
        assert!(refusal.contains(plugin), "{refusal}");
    }
    assert_eq!(site.owner.get(PROCESSINGS).await.ok()["count"], 0);
}

#[tokio::test]
async fn the_list_is_searched_and_paged() {
    let site = Site::new().await;
    for title in ["Arbres", "Bornes électriques", "Bancs"] {
        let mut new = body("rows");
        new["title"] = json!(title);
        site.owner.post(PROCESSINGS, &new).await.ok();
        site.world.tools.stack.clock.advance(jiff::SignedDuration::from_secs(1));
    }
    let titles = |list: Value| {
        let results = list["results"].as_array().unwrap().clone();
        let titles = results.iter().map(|one| one["title"].as_str().unwrap().to_owned());
        (list["count"].as_u64().unwrap(), titles.collect::<Vec<_>>())
    };
    let page = titles(site.owner.get(&format!("{PROCESSINGS}?size=1&page=2")).await.ok());
    assert_eq!(page, (3, vec!["Bornes électriques".to_owned()]));
    let found = titles(site.owner.get(&format!("{PROCESSINGS}?q=ELECTRIQUES")).await.ok());
    assert_eq!(found, (1, vec!["Bornes électriques".to_owned()]));
    for (query, named) in [("size=many", "size"), ("size=10001", "size"), ("size=1&size=2", "size")] {
        let refusal = site.owner.get(&format!("{PROCESSINGS}?{query}")).await.refused(400);
        assert!(refusal.contains(named), "{refusal}");
    }
}

#[tokio::test]
async fn a_deleted_processing_leaves_its_dataset() {
    let site = Site::new().await;
    let id = site.processing("rows").await;
    let run = site.trigger(&id).await;
    site.run().await;
    let one = format!("{PROCESSINGS}/{id}");
    let dataset = site.owner.get(&one).await.ok()["slots"]["output"]["dataset"].clone();
    assert_eq!(site.owner.bare(Method::DELETE, &one).await.status.as_u16(), 204);
    site.owner.get(&one).await.refused(404);
    site.owner.get(&format!("{}/{run}", crate::site::RUNS)).await.refused(404);
    site.owner.bare(Method::DELETE, &one).await.refused(404);
    let lines = format!("{}/{}/lines", halle_testkit::DATASETS, dataset.as_str().unwrap());
    assert_eq!(site.owner.get(&lines).await.ok()["total"], 2);
}

#[tokio::test]
async fn the_form_gets_the_schema_of_the_plugin() {
    let site = Site::new().await;
    let id = site.processing("rows").await;
    let schema = site.owner.get(&format!("{PROCESSINGS}/{id}/plugin-config-schema")).await.ok();
    assert_eq!(schema["required"], json!(["url"]));
}

#[tokio::test]
async fn no_processing_is_stored_for_a_plugin_that_is_removed_meanwhile() {
    let site = Site::new().await;
    let count = site.owner.get(PROCESSINGS).await.ok()["count"].clone();
    site.world.tools.plugins.remove_under_users();
    let refusal = site.owner.post(PROCESSINGS, &body("rows")).await.refused(409);
    assert!(refusal.contains("n'est pas installé"), "{refusal}");
    assert_eq!(site.owner.get(PROCESSINGS).await.ok()["count"], count);
}

#[tokio::test]
async fn a_secret_does_not_follow_to_another_address() {
    let site = Site::new().await;
    let mut new = body("rows");
    new["config"]["token"] = json!("s3cret");
    let created = site.owner.post(PROCESSINGS, &new).await.ok();
    let one = format!("{PROCESSINGS}/{}", created["_id"].as_str().unwrap());
    let before = site.owner.get(&one).await.ok();
    let to = |url: &str, token: &str| json!({ "config": { "url": url, "mode": "rows", "token": token } });
    for url in ["https://evil.example", "https://a.example:8443", "http://a.example"] {
        for token in ["********", "token"] {
            let refusal = site.owner.json(Method::PATCH, &one, &to(url, token)).await.refused(400);
            let said = ["`config/token`", "`/url`", "saisissez de nouveau", "type this secret again"];
            assert!(said.iter().all(|part| refusal.contains(part)), "{url}: {refusal}");
        }
    }
    assert_eq!(site.owner.get(&one).await.ok(), before, "nothing was saved");
    let moved = site.owner.json(Method::PATCH, &one, &to("https://a.example/v2", "********")).await.ok();
    assert_eq!(moved["config"]["token"], "********", "a path is at the same server");
    let typed = site.owner.json(Method::PATCH, &one, &to("https://b.example", "other")).await.ok();
    assert_eq!(typed["config"]["url"], "https://b.example");
    // Not in two steps either: without an address there is nowhere to go, but with a new one the secret is asked for.
    site.owner.json(Method::PATCH, &one, &to("", "********")).await.ok();
    site.owner.json(Method::PATCH, &one, &to("https://evil.example", "********")).await.refused(400);
    site.owner.json(Method::PATCH, &one, &to("https://evil.example", "")).await.ok();
}

#[tokio::test]
async fn who_saves_reads_what_the_plugin_remarks() {
    let site = Site::new().await;
    let mut new = body("rows");
    new["config"]["url"] = json!("http://a.example");
    let note =
        json!([{ "code": "config/plain", "message": "cette adresse n'est pas chiffrée", "field": "/url" }]);
    let created = site.owner.post(PROCESSINGS, &new).await.ok();
    assert_eq!(created["notes"], note);
    let one = format!("{PROCESSINGS}/{}", created["_id"].as_str().unwrap());
    let patched = site.owner.json(Method::PATCH, &one, &json!({ "config": new["config"] })).await.ok();
    assert_eq!(patched["notes"], note);
    let renamed = site.owner.json(Method::PATCH, &one, &json!({ "title": "Bornes" })).await.ok();
    assert!(renamed.get("notes").is_none(), "the plugin was not asked: {renamed}");
}
