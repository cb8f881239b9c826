//! Keys that open an application and what it shows to whoever has one (reference §5.6).

use axum::body::Body;
use axum::http::{Method, Request};
use halle_testkit::{Answer, DATASETS};
use serde_json::{Value, json};

use crate::site::{READY_TOKEN, Site};

/// The identifier in the path of an application.
fn id_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or_default()
}

/// Makes a key of the application at `path`.
async fn key(site: &Site, path: &str) -> String {
    let keys = site.owner.post(&format!("{path}/keys"), &json!([{ "title": "Site" }])).await.ok();
    keys[0]["id"].as_str().expect("a key has an id").to_owned()
}

/// Asks anonymously, as a script of the page `referer` does.
async fn from(site: &Site, referer: &str, path: &str) -> Answer {
    let request = Request::get(path).header("referer", format!("http://halle.test{referer}"));
    site.anonymous.send(request.body(Body::empty()).expect("a test's request is sound")).await
}

/// Writes a line anonymously from the page `referer`.
async fn write(site: &Site, referer: &str, token: Option<&str>) -> Answer {
    let body = json!({ "nom": "charme" }).to_string();
    let mut request = Request::post(format!("{DATASETS}/formulaire/lines"))
        .header("referer", referer)
        .header("content-type", "application/json")
        .header("content-length", body.len());
    if let Some(token) = token {
        request = request.header("x-anonymousToken", token);
    }
    site.anonymous.send(request.body(Body::from(body)).expect("a test's request is sound")).await
}

#[tokio::test]
async fn a_key_shows_a_private_application_to_whoever_has_it() {
    let site = Site::new().await;
    let path = site.application().await;
    let key = key(&site, &path).await;
    let id = id_of(&path);
    let other = json!({ "title": "Autre", "isRest": true });
    site.owner.json(Method::PUT, &format!("{DATASETS}/autre"), &other).await.ok();
    site.anonymous.get(&format!("/data-fair/app/{id}")).await.refused(403);
    for page in [
        format!("/data-fair/app/{id}?key={key}"),
        format!("/data-fair/app/{key}:{id}"),
        format!("/data-fair/app/{key}%3A{id}"),
    ] {
        let shown = site.anonymous.get(&page).await;
        assert_eq!(shown.status.as_u16(), 200, "{page}: {}", shown.text());
        assert!(shown.text().contains("3 lignes"), "{page}");
        for lent in [
            format!("{DATASETS}/arbres/lines"),
            format!("{DATASETS}/arbres"),
            path.clone(),
            format!("{path}/drawing.svg"),
        ] {
            assert_eq!(from(&site, &page, &lent).await.status.as_u16(), 200, "{lent} from {page}");
        }
        for closed in [
            format!("{DATASETS}/arbres/journal"),
            format!("{DATASETS}/arbres/read-api-key"),
            format!("{DATASETS}/autre/lines"),
            format!("{path}/keys"),
            format!("{path}/permissions"),
        ] {
            assert_eq!(from(&site, &page, &closed).await.status.as_u16(), 403, "{closed} from {page}");
        }
    }
    let framed = format!("/data-fair/embed/dataset/{key}:arbres/table");
    from(&site, &framed, &format!("{DATASETS}/arbres/lines")).await.ok();
    for wrong in
        [format!("/data-fair/app/{id}?key=wrong"), format!("/data-fair/app/{key}:other"), "/".to_owned()]
    {
        from(&site, &wrong, &format!("{DATASETS}/arbres/lines")).await.refused(403);
    }
}

#[tokio::test]
async fn keys_are_replaced_by_admins_and_old_ones_stop() {
    let site = Site::new().await;
    let path = site.application().await;
    let keys = format!("{path}/keys");
    assert_eq!(site.owner.get(&keys).await.ok(), json!([]));
    let first = key(&site, &path).await;
    let page = format!("/data-fair/app/{first}:{}", id_of(&path));
    from(&site, &page, &path).await.ok();
    let wanted = json!([{ "id": first, "title": "Le même" }, { "id": "chosen", "title": "Autre" }]);
    let kept = site.owner.post(&keys, &wanted).await.ok();
    assert_eq!(kept[0], wanted[0]);
    assert_ne!(kept[1]["id"], "chosen", "nobody chooses a key that can be guessed");
    assert_eq!(site.owner.get(&keys).await.ok(), kept);
    let contributor = site.anonymous.by("carl@ville:contrib");
    contributor.get(&keys).await.refused(403);
    contributor.post(&keys, &json!([])).await.refused(403);
    let seen = site.owner.get(&path).await.ok();
    assert!(!seen.to_string().contains(&first), "the application itself tells no key");
    site.owner.post(&keys, &json!([])).await.ok();
    from(&site, &page, &path).await.refused(403);
    let long = json!([{ "title": "x".repeat(201) }]);
    site.owner.post(&keys, &long).await.refused(400);
}

#[tokio::test]
async fn a_key_lends_nothing_of_another_account() {
    let site = Site::new().await;
    let other = site.anonymous.by("paul@port:admin");
    let made = json!({
        "title": "Leurs arbres", "plugin": "chart", "configuration": { "dataset": "arbres", "type": "bar" },
    });
    // The organisation may read the dataset, and could show it to anybody if its key were worth as much.
    let grants = json!([{ "type": "organization", "id": "port", "classes": ["list", "read"] }]);
    site.owner.json(Method::PUT, &format!("{DATASETS}/arbres/permissions"), &grants).await.ok();
    let application = other.post(crate::site::APPLICATIONS, &made).await.ok();
    let id = application["id"].as_str().unwrap();
    let keys = other
        .post(&format!("{}/{id}/keys", crate::site::APPLICATIONS), &json!([{ "title": "k" }]))
        .await
        .ok();
    let page = format!("/data-fair/app/{}:{id}", keys[0]["id"].as_str().unwrap());
    from(&site, &page, &format!("{}/{id}", crate::site::APPLICATIONS)).await.ok();
    from(&site, &page, &format!("{DATASETS}/arbres/lines")).await.refused(403);
}

#[tokio::test]
async fn a_form_is_filled_without_an_account_slowly_and_from_its_page() {
    let site = Site::new().await;
    let path = site.application().await;
    let dataset =
        json!({ "title": "Formulaire", "isRest": true, "schema": [{ "key": "nom", "type": "string" }] });
    site.owner.json(Method::PUT, &format!("{DATASETS}/formulaire"), &dataset).await.ok();
    let lent = json!({ "operations": ["createLine", "deleteLine", "readSchema"], "classes": ["write"] });
    let configuration: Value = json!({
        "dataset": "arbres", "type": "bar",
        "datasets": [{ "id": "formulaire", "applicationKeyPermissions": lent }],
    });
    site.owner.json(Method::PUT, &format!("{path}/configuration"), &configuration).await.ok();
    let page = format!("/data-fair/app/{}:{}", key(&site, &path).await, id_of(&path));
    let own = format!("http://halle.test{page}");
    from(&site, &page, &format!("{DATASETS}/formulaire/schema")).await.ok();
    from(&site, &page, &format!("{DATASETS}/formulaire/lines")).await.refused(403);
    write(&site, &own, None).await.refused(401);
    write(&site, &own, Some("too soon")).await.refused(429);
    write(&site, &format!("http://elsewhere.test{page}"), Some(READY_TOKEN)).await.refused(403);
    assert_eq!(write(&site, &own, Some(READY_TOKEN)).await.status.as_u16(), 201);
    write(&site, &own, Some(READY_TOKEN)).await.refused(429);
    let lines = site.owner.get(&format!("{DATASETS}/formulaire/lines")).await.ok();
    assert_eq!((&lines["total"], &lines["results"][0]["nom"]), (&json!(1), &json!("charme")));
}
