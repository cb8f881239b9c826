//! Create, read, list, browse, change, delete; who may.

use axum::http::Method;
use halle_testkit::Api;
use serde_json::json;

use crate::site::{CATALOGS, IMPORTS, PUBLICATIONS, Site, body, import_of};

#[tokio::test]
async fn a_catalogue_says_what_it_can_do_and_keeps_its_secret() {
    let site = Site::new().await;
    let mut new = body();
    new["config"]["token"] = json!("s3cret");
    let created = site.owner.post(CATALOGS, &new).await;
    assert_eq!(created.status.as_u16(), 201);
    let catalog = created.json();
    assert_eq!(catalog["capabilities"], json!(["browse", "search", "publish-dataset"]));
    assert_eq!(catalog["config"]["token"], "********");
    let one = format!("{CATALOGS}/{}", crate::site::id(&catalog));
    assert_eq!(site.owner.get(&one).await.ok(), catalog);
    for answer in [created, site.owner.get(CATALOGS).await] {
        assert!(!answer.text().contains("s3cret"), "{}", answer.text());
    }
    let narrower =
        json!({ "config": { "url": "https://voisin.example", "mode": "read-only" }, "title": "Autre" });
    let changed = site.owner.json(Method::PATCH, &one, &narrower).await.ok();
    assert_eq!(
        (&changed["title"], &changed["capabilities"]),
        (&json!("Autre"), &json!(["browse", "search"]))
    );
}

#[tokio::test]
async fn the_remote_catalogue_is_browsed_and_searched() {
    let site = Site::new().await;
    let resources = format!("{CATALOGS}/{}/resources", site.catalog().await);
    let all = site.owner.get(&resources).await.ok();
    assert_eq!((&all["count"], &all["results"][0]["id"]), (&json!(2), &json!("arbres")));
    let found = site.owner.get(&format!("{resources}?q=banc")).await.ok();
    assert_eq!((&found["count"], &found["results"][0]["title"]), (&json!(1), &json!("Les bancs")));
    site.owner.get(&format!("{CATALOGS}?size=1001")).await.refused(400);
    assert!(site.owner.get(&format!("{resources}?size=x")).await.refused(400).contains("size"));
    let mut broken = body();
    broken["config"]["mode"] = json!("fail");
    let broken = crate::site::id(&site.owner.post(CATALOGS, &broken).await.ok());
    let refusal = site.owner.get(&format!("{CATALOGS}/{broken}/resources")).await.refused(400);
    assert!(refusal.contains("le voisin ne répond pas"), "{refusal}");
}

#[tokio::test]
async fn a_wrong_field_is_named_and_nothing_is_changed() {
    let site = Site::new().await;
    let one = format!("{CATALOGS}/{}", site.catalog().await);
    let before = site.owner.get(&one).await.ok();
    for (patch, named) in [
        (json!({ "title": "" }), "`title`"),
        (json!({ "title": [] }), "`title`"),
        (json!({ "config": {} }), "url"),
        (json!({ "config": { "url": "refused" } }), "`config/url`"),
        (json!({ "colour": "red" }), "colour"),
    ] {
        let refusal = site.owner.json(Method::PATCH, &one, &patch).await.refused(400);
        assert!(refusal.contains(named), "{patch}: {refusal}");
        let mut new = body();
        new.as_object_mut().unwrap().extend(patch.as_object().unwrap().clone());
        let refusal = site.owner.post(CATALOGS, &new).await.refused(400);
        assert!(refusal.contains(named), "{new}: {refusal}");
    }
    for plugin in ["ghost", "import"] {
        let mut new = body();
        new["plugin"] = json!(plugin);
        assert!(site.owner.post(CATALOGS, &new).await.refused(409).contains(plugin));
    }
    assert_eq!(site.owner.get(&one).await.ok(), before);
    assert_eq!(site.owner.get(CATALOGS).await.ok()["count"], 1);
}

/// Statuses of every route about one catalogue: read, browse, its imports and publications, an import of it created,
/// read, changed and forgotten, change, delete.
async fn statuses(api: &Api, catalog: &str, import: &str) -> Vec<u16> {
    let one = format!("{CATALOGS}/{catalog}");
    let answers = [
        api.get(&one).await,
        api.get(&format!("{one}/resources")).await,
        api.get(&format!("{IMPORTS}?catalogId={catalog}")).await,
        api.get(&format!("{PUBLICATIONS}?catalogId={catalog}")).await,
        api.post(IMPORTS, &import_of(catalog, "bancs")).await,
        api.get(&format!("{IMPORTS}/{import}")).await,
        api.json(Method::PATCH, &format!("{IMPORTS}/{import}"), &json!({ "shouldUpdateMetadata": true }))
            .await,
        api.bare(Method::DELETE, &format!("{IMPORTS}/{import}")).await,
        api.json(Method::PATCH, &one, &json!({ "title": "Autre" })).await,
        api.bare(Method::DELETE, &one).await,
    ];
    answers.iter().map(|answer| answer.status.as_u16()).collect()
}

#[tokio::test]
async fn only_admins_of_the_owner_have_anything_to_do_with_it() {
    let site = Site::new().await;
    let catalog = site.catalog().await;
    let import = site.import(&catalog).await;
    for who in ["zoe", "zoe@port:admin", "bob@ville:contrib"] {
        let api = site.anonymous.by(who);
        assert_eq!(statuses(&api, &catalog, &import).await, [403; 10], "{who}");
        assert_eq!(api.get(CATALOGS).await.ok()["count"], 0);
    }
    assert_eq!(statuses(&site.anonymous, &catalog, &import).await, [403; 10]);
    site.anonymous.post(CATALOGS, &body()).await.refused(401);
    site.anonymous.by("bob@ville:contrib").post(CATALOGS, &body()).await.refused(403);
    assert_eq!(statuses(&site.owner, "absent", "absent").await, [404; 10]);
    let all = statuses(&site.owner, &catalog, &import).await;
    assert_eq!(all, [200, 200, 200, 200, 201, 200, 200, 204, 200, 204]);
    for list in [IMPORTS, PUBLICATIONS] {
        assert!(site.owner.get(list).await.refused(400).contains("catalogId"));
    }
}

#[tokio::test]
async fn no_catalogue_is_stored_for_a_plugin_that_is_removed_meanwhile() {
    let site = Site::new().await;
    let count = site.owner.get(CATALOGS).await.ok()["count"].clone();
    site.world.tools.plugins.remove_under_users();
    let refusal = site.owner.post(CATALOGS, &body()).await.refused(409);
    assert!(refusal.contains("n'est pas installé"), "{refusal}");
    assert_eq!(site.owner.get(CATALOGS).await.ok()["count"], count);
}

#[tokio::test]
async fn a_secret_does_not_follow_to_another_address() {
    let site = Site::new().await;
    let mut new = body();
    new["config"]["token"] = json!("s3cret");
    let one = format!("{CATALOGS}/{}", crate::site::id(&site.owner.post(CATALOGS, &new).await.ok()));
    let before = site.owner.get(&one).await.ok();
    let to = |url: &str, token: &str| json!({ "config": { "url": url, "token": token } });
    let refusal =
        site.owner.json(Method::PATCH, &one, &to("https://evil.example", "********")).await.refused(400);
    let said = ["`config/token`", "`/url`", "saisissez de nouveau", "type this secret again"];
    assert!(said.iter().all(|part| refusal.contains(part)), "{refusal}");
    assert_eq!(site.owner.get(&one).await.ok(), before, "nothing was saved");
    let plain = site.owner.json(Method::PATCH, &one, &to("http://voisin.example", "typed")).await.ok();
    assert_eq!(plain["notes"][0]["field"], "/url", "who saves reads what the connector remarks");
}
