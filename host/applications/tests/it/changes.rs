//! Create, read, list, configure, grant, delete; who may.

use axum::http::Method;
use halle_base::Clock;
use halle_model::Settings;
use halle_store::EntityExt;
use halle_testkit::Api;
use serde_json::{Value, json};

use crate::site::{APPLICATIONS, Site, body};

#[tokio::test]
async fn an_application_is_created_read_changed_and_deleted() {
    let site = Site::new().await;
    let answer = site.owner.post(APPLICATIONS, &body()).await;
    assert_eq!(answer.status.as_u16(), 201);
    let created = answer.json();
    let path = format!("{APPLICATIONS}/{}", created["id"].as_str().unwrap());
    assert_eq!((&created["slug"], &created["visibility"]), (&json!("les-arbres"), &json!("protected")));
    assert_eq!(created["href"], format!("http://halle.test{path}"));
    assert!(created.get("permissions").is_none());
    assert_eq!(site.owner.get(&path).await.ok(), created);
    let again = site.owner.post(APPLICATIONS, &body()).await.ok();
    assert_eq!(again["slug"], "les-arbres-2");
    let patch = json!({ "title": "Arbres", "description": "Tous" });
    let changed = site.owner.json(Method::PATCH, &path, &patch).await.ok();
    assert_eq!((&changed["title"], &changed["description"]), (&json!("Arbres"), &json!("Tous")));
    assert_eq!(changed["configuration"], created["configuration"]);
    assert_eq!(site.owner.bare(Method::DELETE, &path).await.status.as_u16(), 204);
    site.owner.get(&path).await.refused(404);
    assert_eq!(site.owner.get(APPLICATIONS).await.ok()["count"], 1);
}

#[tokio::test]
async fn both_addresses_of_the_configuration_are_one() {
    let site = Site::new().await;
    let path = site.application().await;
    let (one, other) = (format!("{path}/configuration"), format!("{path}/config"));
    assert_eq!(site.owner.get(&one).await.ok(), body()["configuration"]);
    let next = json!({ "dataset": "bornes", "type": "bar" });
    assert_eq!(site.owner.json(Method::PUT, &other, &next).await.ok(), next);
    assert_eq!(site.owner.get(&one).await.ok(), next);
    assert_eq!(site.owner.json(Method::PUT, &one, &body()["configuration"]).await.status.as_u16(), 200);
    assert_eq!(site.owner.get(&other).await.ok(), body()["configuration"]);
}

#[tokio::test]
async fn the_list_is_searched_and_filtered_by_dataset() {
    let site = Site::new().await;
    site.application().await;
    let mut other = body();
    other["title"] = json!("Les bornes");
    other["configuration"]["dataset"] = json!("bornes");
    site.owner.post(APPLICATIONS, &other).await.ok();
    for (query, count) in [("", 2), ("q=BORNES", 1), ("dataset=arbres", 1), ("dataset=absent", 0)] {
        let list = site.owner.get(&format!("{APPLICATIONS}?{query}")).await.ok();
        assert_eq!(list["count"], count, "{query}");
    }
    let page = site.owner.get(&format!("{APPLICATIONS}?size=1&skip=1")).await.ok();
    assert_eq!((&page["count"], page["results"].as_array().unwrap().len()), (&json!(2), 1));
    site.owner.get(&format!("{APPLICATIONS}?size=1001")).await.refused(400);
    assert!(site.owner.get(&format!("{APPLICATIONS}?page=x")).await.refused(400).contains("page"));
}

#[tokio::test]
async fn a_wrong_field_is_named_and_nothing_is_changed() {
    let site = Site::new().await;
    let path = site.application().await;
    let before = site.owner.get(&path).await.ok();
    for (patch, named) in [
        (json!({ "title": "" }), "`title`"),
        (json!({ "title": {} }), "`title`"),
        (json!({ "configuration": { "type": "bar" } }), "`configuration`"),
        (json!({ "configuration": { "dataset": "arbres", "type": "cake" } }), "`configuration`"),
        (json!({ "colour": "red" }), "colour"),
    ] {
        let refusal = site.owner.json(Method::PATCH, &path, &patch).await.refused(400);
        assert!(refusal.contains(named), "{patch}: {refusal}");
        let mut new = body();
        new.as_object_mut().unwrap().extend(patch.as_object().unwrap().clone());
        let refusal = site.owner.post(APPLICATIONS, &new).await.refused(400);
        assert!(refusal.contains(named), "{new}: {refusal}");
    }
    let wrong = json!({ "type": "bar" });
    site.owner.json(Method::PUT, &format!("{path}/configuration"), &wrong).await.refused(400);
    let wrong = json!([{ "who": "me" }]);
    site.owner.json(Method::PUT, &format!("{path}/permissions"), &wrong).await.refused(400);
    for plugin in ["ghost", "import"] {
        let mut new = body();
        new["plugin"] = json!(plugin);
        assert!(site.owner.post(APPLICATIONS, &new).await.refused(409).contains(plugin));
    }
    assert_eq!(site.owner.get(&path).await.ok(), before);
    assert_eq!(site.owner.get(APPLICATIONS).await.ok()["count"], 1);
}

/// Statuses of every route about one application that needs nothing of its data: read, configuration, grants read, change,
/// configure, grant, delete.
async fn statuses(api: &Api, path: &str) -> [u16; 7] {
    let configuration = format!("{path}/configuration");
    let permissions = format!("{path}/permissions");
    let answers = [
        api.get(path).await,
        api.get(&configuration).await,
        api.get(&permissions).await,
        api.json(Method::PATCH, path, &json!({ "title": "Autre" })).await,
        api.json(Method::PUT, &configuration, &body()["configuration"]).await,
        api.json(Method::PUT, &permissions, &json!([])).await,
        api.bare(Method::DELETE, path).await,
    ];
    answers.map(|answer| answer.status.as_u16())
}

#[tokio::test]
async fn permissions_are_exact() {
    let site = Site::new().await;
    let path = site.application().await;
    site.anonymous.post(APPLICATIONS, &body()).await.refused(401);
    site.anonymous.by("carl@ville:user").post(APPLICATIONS, &body()).await.refused(403);
    let nobodies = [site.anonymous.clone(), site.anonymous.by("zoe"), site.anonymous.by("carl@ville:user")];
    for api in &nobodies {
        assert_eq!(statuses(api, &path).await, [403; 7]);
        assert_eq!(api.get(APPLICATIONS).await.ok()["count"], 0);
    }
    assert_eq!(statuses(&site.owner, &format!("{APPLICATIONS}/absent")).await, [404; 7]);
    site.make_public(&path).await;
    for api in &nobodies {
        assert_eq!(statuses(api, &path).await, [200, 200, 403, 403, 403, 403, 403]);
        let list = api.get(APPLICATIONS).await.ok();
        assert_eq!((&list["count"], &list["results"][0]["visibility"]), (&json!(1), &json!("public")));
    }
    assert_eq!(statuses(&site.owner, &path).await, [200, 200, 200, 200, 200, 200, 204]);
}

#[tokio::test]
async fn a_contributor_works_and_does_not_grant() {
    let site = Site::new().await;
    let bob = site.anonymous.by("bob@ville:contrib");
    let created = bob.post(APPLICATIONS, &body()).await.ok();
    let path = format!("{APPLICATIONS}/{}", created["id"].as_str().unwrap());
    let seen: Value = bob.get(&path).await.ok();
    assert_eq!(seen, created);
    assert_eq!(statuses(&bob, &path).await, [200, 200, 403, 200, 200, 403, 204]);
}

#[tokio::test]
async fn on_a_publication_site_a_slug_names_what_its_owner_has() {
    let site = Site::new().await;
    let path = site.application().await;
    site.publish(&path).await;
    let account = halle_base::AccountRef::organization("ville", "Ville");
    let content =
        json!({ "publicationSites": [{ "type": "data-fair-portals", "id": "p", "title": "Données" }] });
    let settings = json!({ "key": account.key(), "account": account, "content": content });
    let settings: Settings = serde_json::from_value(settings).expect("settings are sound");
    let stack = &site.world.tools.stack;
    let mut unit = stack.store.begin().await.expect("the store answers");
    unit.insert(&settings, stack.clock.now()).await.expect("nobody has set anything yet");
    unit.commit().await.expect("the store answers");
    let other = site.anonymous.by("paul@port:admin");
    other.post(APPLICATIONS, &body()).await.ok();
    let on_site = "publicationSites=data-fair-portals:p";
    let found = site.anonymous.get(&format!("{APPLICATIONS}/les-arbres?{on_site}")).await.ok();
    assert_eq!(format!("{APPLICATIONS}/{}", found["id"].as_str().unwrap_or_default()), path);
    site.anonymous.get(&format!("{APPLICATIONS}/les-arbres")).await.refused(404);
    assert_eq!(
        other.get(&format!("{APPLICATIONS}?{on_site}")).await.ok()["count"],
        1,
        "theirs is not of the site"
    );
    assert_eq!(other.get(APPLICATIONS).await.ok()["count"], 2);
}

#[tokio::test]
async fn no_application_is_stored_for_a_plugin_that_is_removed_meanwhile() {
    let site = Site::new().await;
    let count = site.owner.get(APPLICATIONS).await.ok()["count"].clone();
    site.world.tools.plugins.remove_under_users();
    let refusal = site.owner.post(APPLICATIONS, &body()).await.refused(409);
    assert!(refusal.contains("n'est pas installé"), "{refusal}");
    assert_eq!(site.owner.get(APPLICATIONS).await.ok()["count"], count);
}
