//! The list in any order, pictures, packages out, and versions sent to one plugin.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::http::{Request, header};
use bytes::Bytes;
use halle_base::AccountRef;
use halle_extensions::package::Package;
use halle_model::Caller;
use serde_json::{Value, json};

use crate::packages::{Answer, Site, caller, package, signing_key};

const API: &str = "/registry/api/v1";
const ONE: &str = "/demo%2Fimport";
const A: &str = "https://a.example";

/// A signed enricher without a picture.
fn enricher(id: &str, title: &str, component: &[u8]) -> Vec<u8> {
    let manifest = format!(
        "schema = 1\n[plugin]\nid = \"{id}\"\nversion = \"1.0.0\"\nkind = \"enricher\"\ncontract = \"halle:enricher@1\"\n\
         title = {{ fr = \"{title}\" }}\nlicence = \"MIT\"\n"
    );
    let mut package = Package::new(&manifest, Bytes::copy_from_slice(component), BTreeMap::new()).unwrap();
    package.sign(&signing_key());
    package.write().unwrap()
}

/// Bytes that hardly compress.
fn noise(count: u32) -> Vec<u8> {
    (0..count).map(|index| (index.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}

/// A site with a processing, `Import`, and two enrichers, `Zones` and a large `Éclairs`.
async fn site() -> Site {
    let site = Site::new().await;
    let large = noise(100_000);
    for archive in [
        package("1.0.0", A, "component", Some(&signing_key())),
        enricher("zones", "Zones", b"z"),
        enricher("eclairs", "Éclairs", &large),
    ] {
        let answer = site.upload(caller(true), "", &archive).await;
        assert_eq!(answer.code, 201, "{}", answer.text);
    }
    site
}

fn key(scope: &str) -> Caller {
    Caller { scopes: Some(vec![scope.to_owned()]), ..caller(false) }
}

async fn get(site: &Site, caller: Caller, path: &str, etag: &str) -> Answer {
    let request = Request::get(format!("{API}{path}")).header(header::IF_NONE_MATCH, etag);
    site.send(caller, request.body(Body::empty()).unwrap()).await
}

async fn ids(site: &Site, query: &str) -> Vec<String> {
    let answer = get(site, caller(false), &format!("/artefacts?{query}"), "").await;
    assert_eq!(answer.code, 200, "{}", answer.text);
    let results = answer.json["results"].as_array().unwrap();
    results.iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn the_list_comes_in_the_order_that_is_asked_for() {
    let site = site().await;
    for (query, expect) in [
        ("sort=title", ["eclairs", "demo/import", "zones"]),
        ("sort=-title", ["zones", "demo/import", "eclairs"]),
        ("sort=id", ["demo/import", "eclairs", "zones"]),
        ("sort=-size,id", ["eclairs", "demo/import", "zones"]),
        ("sort=category,-name", ["zones", "eclairs", "demo/import"]),
        ("sort=updatedAt", ["demo/import", "zones", "eclairs"]),
    ] {
        assert_eq!(ids(&site, query).await, expect, "{query}");
    }
    assert_eq!(ids(&site, "sort=-title&size=1&page=2").await, ["demo/import"]);
    assert_eq!(ids(&site, "format=wasm&category=processing").await, ["demo/import"]);
    assert!(ids(&site, "format=npm,file").await.is_empty());
}

#[tokio::test]
async fn the_list_has_the_attributes_that_are_asked_for() {
    let site = site().await;
    let first = async |caller: Caller, query: &str| -> Value {
        let answer = get(&site, caller, &format!("/artefacts?q=importer&{query}"), "").await;
        assert_eq!(answer.code, 200, "{}", answer.text);
        answer.json["results"][0].clone()
    };
    let some = first(caller(false), "select=version,format").await;
    let (id, version) = ("demo/import", "1.0.0");
    assert_eq!(some, json!({ "_id": id, "id": id, "version": version, "format": "wasm" }));
    let most = first(caller(false), "select=-pages,-title").await;
    assert!(most.get("pages").is_none() && most.get("title").is_none() && most["version"] == version);
    // Whatever a result has can be asked for by its name; who else sees a plugin is told to no member who asks for it.
    let all = first(caller(true), "").await;
    for name in all.as_object().unwrap().keys() {
        let one = first(caller(true), &format!("select={name}")).await;
        assert_eq!(one[name], all[name], "{name}");
    }
    assert!(all["privateAccess"].is_array());
    assert!(first(caller(false), "select=privateAccess").await.get("privateAccess").is_none());
}

#[tokio::test]
async fn what_the_list_does_not_know_is_refused_in_both_languages() {
    let site = site().await;
    for query in ["sort=colour", "sort=title,-colour", "select=colour", "select=-colour", "format=colour"] {
        let answer = get(&site, caller(false), &format!("/artefacts?{query}"), "").await;
        assert_eq!(answer.code, 400, "{query}");
        for words in ["colour", "ne connaît pas", "does not know"] {
            assert!(answer.text.contains(words), "{query}: {}", answer.text);
        }
    }
    assert_eq!(get(&site, Caller::anonymous(), "/artefacts?sort=colour", "").await.code, 401);
}

#[tokio::test]
async fn the_package_is_for_superadmins_and_for_keys_of_the_plugin() {
    let site = site().await;
    let shared = json!({ "privateAccess": [AccountRef::user("u", "U")] });
    assert_eq!(site.ask(axum::http::Method::PATCH, ONE, Some(shared)).await.code, 200);
    for route in ["tarball", "download"] {
        let path = format!("/artefacts{ONE}/{route}");
        for (who, caller, code) in [
            ("anonymous", Caller::anonymous(), 401),
            ("a member who sees it", caller(false), 403),
            ("a key of features", key("processings"), 403),
            ("a key of another plugin", key("plugin:zones"), 403),
            ("a key of it", key("plugin:demo/import"), 304),
            ("a superadmin", caller(true), 304),
        ] {
            // Who may not have it learns nothing from a tag either.
            assert_eq!(get(&site, caller, &path, "*").await.code, code, "{route}: {who}");
        }
        let unknown = get(&site, caller(true), &format!("/artefacts/none/{route}"), "").await;
        assert!(unknown.code == 404 && unknown.text.contains("not installed"), "{}", unknown.text);
    }
}

#[tokio::test]
async fn the_package_is_the_one_that_was_sent_and_its_tag_follows_the_current_version() {
    let site = site().await;
    let request = |path: &str| Request::get(format!("{API}{path}")).body(Body::empty()).unwrap();
    let path = format!("/artefacts{ONE}/tarball");
    let first = package("1.0.0", A, "component", Some(&signing_key()));
    assert_eq!(site.bytes(request(&path)).await, first);
    assert_eq!(site.bytes(request(&format!("/artefacts{ONE}/download"))).await, first);

    let head = site.head(request(&path)).await;
    let told = |name: header::HeaderName| head[name].to_str().unwrap().to_owned();
    assert_eq!(told(header::CONTENT_TYPE), "application/octet-stream");
    assert_eq!(told(header::CONTENT_LENGTH), first.len().to_string());
    assert_eq!(told(header::CONTENT_DISPOSITION), "attachment; filename=\"demo-import-1.0.0.halle-plugin\"");
    assert!(told(header::CACHE_CONTROL).contains("private"));
    let etag = told(header::ETAG);
    assert_eq!(get(&site, caller(true), &path, &etag).await.code, 304);

    let second = package("2.0.0", A, "second", Some(&signing_key()));
    assert_eq!(site.upload(caller(true), "", &second).await.code, 201);
    assert_eq!(site.bytes(request(&path)).await, second);
    let tags = site.head(request(&path)).await;
    assert_ne!(tags[header::ETAG].to_str().unwrap(), etag);
    // Going back is a change too, to what is older.
    assert_eq!(site.ask(axum::http::Method::POST, &format!("{ONE}/rollback"), None).await.code, 200);
    assert_eq!(site.bytes(request(&path)).await, first);
}

#[tokio::test]
async fn a_version_is_sent_to_its_plugin_and_to_no_other() {
    let site = Site::new().await;
    let versions = format!("{ONE}/versions");
    let signed = |version: &str, origin: &str| package(version, origin, version, Some(&signing_key()));
    let first = signed("1.0.0", A);
    for (who, caller, code) in [
        ("anonymous", Caller::anonymous(), 401),
        ("a member", caller(false), 403),
        ("a key of features", key("processings"), 403),
        ("a key of another plugin", key("plugin:zones"), 403),
    ] {
        assert_eq!(site.upload(caller, &versions, &first).await.code, code, "{who}");
    }
    let elsewhere = site.upload(caller(true), "/zones/versions", &first).await;
    assert_eq!(elsewhere.code, 400, "{}", elsewhere.text);
    for words in ["pas de `zones`", "not of `zones`"] {
        assert!(elsewhere.text.contains(words), "{}", elsewhere.text);
    }
    let foreign = site.upload(key("plugin:zones"), "/zones/versions", &first).await;
    assert_eq!(foreign.code, 400, "a key of one plugin sends no other by its own address");
    assert_eq!(site.upload(caller(true), &versions, b"no package").await.code, 400);
    assert!(site.registry.list().await.unwrap().is_empty(), "nothing was changed");

    let answer = site.upload(caller(true), &versions, &first).await;
    assert_eq!((answer.code, &answer.json["granted"]), (201, &json!(false)), "{}", answer.text);
    let upgraded = site.upload(key("plugin:demo/import"), &versions, &signed("1.0.1", A)).await;
    assert_eq!((upgraded.code, &upgraded.json["version"]), (201, &json!("1.0.1")), "{}", upgraded.text);
}

#[tokio::test]
async fn a_version_sent_to_its_plugin_is_admitted_signed_and_consented_to_as_any() {
    let site = site().await;
    let versions = format!("{ONE}/versions");
    let grants = format!("{ONE}/grants");
    assert_eq!(site.ask(axum::http::Method::PUT, &grants, Some(Value::Null)).await.code, 200);
    let unsigned = package("2.0.0", A, "2", None);
    let refused = package("2.0.0", A, "refuse me", Some(&signing_key()));
    for (query, archive, words) in [
        ("", &unsigned, "acceptUnsigned=true"),
        ("?acceptUnsigned=true", &unsigned, "acceptNewSigner=true"),
        ("", &refused, "wasi:filesystem"),
    ] {
        let answer = site.upload(caller(true), &format!("{versions}{query}"), archive).await;
        assert!(answer.code == 400 && answer.text.contains(words), "{}", answer.text);
    }
    let accepted = format!("{versions}?acceptUnsigned=true&acceptNewSigner=true");
    let by_key = site.upload(key("plugin:demo/import"), &accepted, &unsigned).await;
    assert_eq!(by_key.code, 400, "a key accepts no other signature: {}", by_key.text);

    let more = package("2.0.0", "https://b.example", "2", Some(&signing_key()));
    let waits = site.upload(key("plugin:demo/import"), &versions, &more).await;
    assert_eq!((waits.code, &waits.json["version"]), (201, &json!("1.0.0")), "{}", waits.text);
    assert_eq!(waits.json["waiting"]["version"], "2.0.0", "it waits for consent");
}

#[tokio::test]
async fn the_picture_of_a_package_is_its_thumbnail() {
    let site = site().await;
    let path = format!("/thumbnails{ONE}");
    let shown = get(&site, Caller::anonymous(), &path, "").await;
    assert_eq!((shown.code, shown.text.as_str()), (200, "<svg/>"), "of a plugin for everybody");
    assert_eq!(get(&site, Caller::anonymous(), &path, shown.etag.as_deref().unwrap()).await.code, 304);
    let head = site.head(Request::get(format!("{API}{path}")).body(Body::empty()).unwrap()).await;
    assert_eq!(head[header::CONTENT_TYPE], "image/svg+xml");
    assert!(head[header::CONTENT_SECURITY_POLICY].to_str().unwrap().contains("sandbox"), "it runs no script");

    let none = get(&site, caller(true), "/thumbnails/zones", "").await;
    assert!(none.code == 404 && none.text.contains("pas d'image") && none.text.contains("no picture"));
    assert_eq!(get(&site, caller(true), "/thumbnails/none", "").await.code, 404);

    let of_town = json!({ "public": false, "privateAccess": [AccountRef::organization("ville", "Ville")] });
    assert_eq!(site.ask(axum::http::Method::PATCH, ONE, Some(of_town)).await.code, 200);
    for stranger in [Caller::anonymous(), caller(false)] {
        assert_eq!(get(&site, stranger, &path, "*").await.code, 404, "it is not told that it is there");
    }
    assert_eq!(get(&site, caller(true), &path, "").await.code, 200);
    let town = Caller::account_itself(AccountRef::organization("ville", ""));
    assert_eq!(get(&site, town, &path, "").await.code, 200);
}

#[tokio::test]
async fn the_registry_says_that_it_is_there() {
    let site = Site::new().await;
    let ping = Request::get("/registry/api/ping").body(Body::empty()).unwrap();
    let answer = site.send(Caller::anonymous(), ping).await;
    assert_eq!((answer.code, answer.text.as_str()), (200, "ok"));
}
