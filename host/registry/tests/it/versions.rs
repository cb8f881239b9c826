//! Versions side by side, who signed them, who uses them, who sees them.

use axum::body::Body;
use axum::http::{Method, Request};
use halle_base::{AccountRef, Timestamp};
use halle_extensions::installed::{choosable, usable};
use halle_extensions::manifest::PluginKind;
use halle_extensions::package::{SigningKey, key_id};
use halle_extensions::registry::{Installation, Retired};
use halle_store::EntityExt as _;
use serde_json::{Value, json};

use crate::packages::{Answer, Site, caller, package, signing_key};

const ONE: &str = "/demo%2Fimport";
const A: &str = "https://a.example";
const B: &str = "https://b.example";

/// Uploads a version that asks for an origin, signed by the trusted key; what the registry answers.
async fn upload(site: &Site, version: &str, origin: &str) -> Value {
    let archive = package(version, origin, version, Some(&signing_key()));
    let answer = site.upload(caller(true), "", &archive).await;
    assert_eq!(answer.code, 201, "{}", answer.text);
    answer.json
}

/// A site where version 1 asks for [`A`] and was granted it.
async fn site() -> Site {
    let site = Site::new().await;
    upload(&site, "1.0.0", A).await;
    assert_eq!(site.ask(Method::PUT, &format!("{ONE}/grants"), Some(Value::Null)).await.code, 200);
    site
}

/// What runs: the origins that the plugin may call, or why it does not start.
async fn runs(site: &Site) -> Result<Vec<String>, String> {
    let found = usable(&site.registry, "demo/import", PluginKind::Processing).await;
    found.map(|plugin| plugin.granted().unwrap().origins.clone()).map_err(|error| error.to_string())
}

#[tokio::test]
async fn an_upgrade_that_asks_for_more_waits_while_the_old_version_runs() {
    let site = site().await;
    let upgraded = upload(&site, "2.0.0", B).await;
    assert_eq!((&upgraded["version"], &upgraded["granted"]), (&json!("1.0.0"), &json!(true)));
    assert_eq!(upgraded["waiting"]["version"], "2.0.0");
    assert_eq!(runs(&site).await.unwrap(), [A]);

    let asked = site.ask(Method::GET, &format!("{ONE}/asked"), None).await.json;
    assert_eq!((&asked["version"], &asked["state"]), (&json!("2.0.0"), &json!("waiting")));
    assert_eq!(
        (&asked["added"], &asked["dropped"]),
        (&json!([format!("origins: {B}"), format!("http: GET {B}")]), &json!([format!("origins: {A}")]))
    );
    let current = asked["grantedBefore"]["origins"].clone();
    assert_eq!((&asked["granted"], current), (&Value::Null, json!([A])));

    let grants = format!("{ONE}/grants");
    let unsaid = site.ask(Method::PUT, &grants, Some(Value::Null)).await;
    assert!(unsaid.code == 400 && unsaid.text.contains("?digest="), "{}", unsaid.text);
    assert_eq!(site.ask(Method::PUT, &format!("{grants}?digest=0"), Some(Value::Null)).await.code, 409);
    assert_eq!(runs(&site).await.unwrap(), [A]);
    let digest = asked["digest"].as_str().unwrap();
    let granted = site.ask(Method::PUT, &format!("{grants}?digest={digest}"), Some(Value::Null)).await;
    assert_eq!((granted.code, &granted.json["version"]), (200, &json!("2.0.0")), "{}", granted.text);
    assert_eq!(runs(&site).await.unwrap(), [B]);
}

#[tokio::test]
async fn an_upgrade_can_be_declined() {
    let site = site().await;
    let waiting = upload(&site, "2.0.0", B).await["waiting"]["digest"].as_str().unwrap().to_owned();
    let version = format!("{ONE}/versions/{waiting}");
    assert_eq!(site.ask(Method::DELETE, &version, None).await.code, 204);
    assert_eq!(site.ask(Method::DELETE, &version, None).await.code, 404);
    let plugin = site.ask(Method::GET, ONE, None).await.json;
    assert_eq!((plugin.get("waiting"), &plugin["version"]), (None, &json!("1.0.0")));
}

#[tokio::test]
async fn a_call_that_runs_ends_on_the_version_it_began_with() {
    let site = site().await;
    let before = usable(&site.registry, "demo/import", PluginKind::Processing).await.unwrap();
    upload(&site, "2.0.0", A).await;
    let after = usable(&site.registry, "demo/import", PluginKind::Processing).await.unwrap();
    assert_ne!(before.digest, after.digest);
    for (plugin, component) in [(&before, "1.0.0"), (&after, "2.0.0")] {
        let package = site.registry.packages.get(&plugin.digest).await.unwrap().unwrap();
        assert_eq!(package.component().as_ref(), component.as_bytes());
    }
}

#[tokio::test]
async fn versions_are_listed_fetched_and_made_current_again() {
    let site = site().await;
    assert_eq!(site.ask(Method::POST, &format!("{ONE}/rollback"), None).await.code, 409);
    upload(&site, "2.0.0", A).await;
    upload(&site, "3.0.0", B).await;
    let list = site.ask(Method::GET, &format!("{ONE}/versions"), None).await.json;
    let shown: Vec<String> = list["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|version| {
            let text = |key: &str| version[key].as_str().unwrap().to_owned();
            format!("{} {} {}", text("version"), text("state"), text("signedBy"))
        })
        .collect();
    assert_eq!(shown, ["2.0.0 current us", "3.0.0 waiting us", "1.0.0 kept us"]);
    let first = list["results"][2].clone();
    assert_eq!(first["keyId"], key_id(&signing_key().public_hex()));

    let path = format!("{ONE}/versions/{}", first["digest"].as_str().unwrap());
    let tarball = format!("/registry/api/v1/artefacts{path}/tarball");
    let anonymous = Request::get(&tarball).body(Body::empty()).unwrap();
    assert_eq!(site.send(halle_model::Caller::anonymous(), anonymous).await.code, 401);
    let archive = site.bytes(Request::get(&tarball).body(Body::empty()).unwrap()).await;
    assert_eq!(archive, package("1.0.0", A, "1.0.0", Some(&signing_key())));
    assert_eq!(json!(archive.len()), first["size"]);

    let back = site.ask(Method::POST, &format!("{path}/activate"), None).await.json;
    assert_eq!((&back["version"], &back["granted"]), (&json!("1.0.0"), &json!(true)));
    assert_eq!(site.ask(Method::DELETE, &path, None).await.code, 409, "it runs");
    let again = site.ask(Method::POST, &format!("{ONE}/rollback"), None).await.json;
    assert_eq!(again["version"], "2.0.0");
    assert_eq!(site.ask(Method::POST, &format!("{ONE}/versions/0/activate"), None).await.code, 404);
}

#[tokio::test]
async fn an_upgrade_by_another_key_is_refused_unless_it_is_accepted() {
    let mut site = site().await;
    let other = SigningKey::from_seed(&[9; 32]).unwrap();
    let trusted = format!("them={}", other.public_hex());
    site.registry.trusted_keys.push(halle_extensions::package::TrustedKey::parse(&trusted).unwrap());
    let theirs = package("2.0.0", A, "2.0.0", Some(&other));
    let unsigned = package("2.0.0", A, "2.0.0", None);
    for (archive, query) in [(&theirs, ""), (&unsigned, "?acceptUnsigned=true")] {
        let answer = site.upload(caller(true), query, archive).await;
        assert!(answer.code == 400 && answer.text.contains("acceptNewSigner=true"), "{}", answer.text);
        assert!(answer.text.contains(key_id(&signing_key().public_hex())), "{}", answer.text);
    }
    assert_eq!(site.ask(Method::GET, ONE, None).await.json["version"], "1.0.0", "nothing was changed");
    let answer = site.upload(caller(true), "?acceptNewSigner=true", &theirs).await;
    assert_eq!((answer.code, &answer.json["signedBy"]), (201, &json!("them")), "{}", answer.text);
    let ours = package("3.0.0", A, "3.0.0", Some(&signing_key()));
    assert_eq!(site.upload(caller(true), "", &ours).await.code, 400, "it belongs to the other key now");
}

/// What a key that was made for the plugin is answered when it sends a package, whatever it is signed by.
async fn upload_by_key(site: &Site, archive: &[u8]) -> Answer {
    let key = halle_model::Caller { scopes: Some(vec!["plugin:demo/import".to_owned()]), ..caller(true) };
    site.upload(key, "?acceptUnsigned=true&acceptNewSigner=true", archive).await
}

#[tokio::test]
async fn a_key_that_is_trusted_no_more_upgrades_nothing_by_an_api_key() {
    let mut site = site().await;
    let next = package("2.0.0", A, "2.0.0", Some(&signing_key()));
    site.registry.trusted_keys.clear();
    let answer = upload_by_key(&site, &next).await;
    assert!(answer.code == 400 && answer.text.contains("super-administrateur"), "{}", answer.text);
    assert_eq!(site.ask(Method::GET, ONE, None).await.json["version"], "1.0.0");
    let answer = site.upload(caller(true), "?acceptUnsigned=true", &next).await;
    assert_eq!((answer.code, &answer.json["version"]), (201, &json!("2.0.0")), "{}", answer.text);
    let unsigned = package("3.0.0", A, "3.0.0", None);
    assert_eq!(upload_by_key(&site, &unsigned).await.code, 400, "another signature");
}

#[tokio::test]
async fn an_unsigned_plugin_goes_on_unsigned_by_an_api_key() {
    let site = Site::new().await;
    for version in ["1.0.0", "2.0.0"] {
        let answer = upload_by_key(&site, &package(version, A, version, None)).await;
        assert_eq!((answer.code, &answer.json["version"]), (201, &json!(version)), "{}", answer.text);
        assert_eq!(answer.json.get("privateAccess"), None, "who else sees it is no business of a key");
    }
}

#[tokio::test]
async fn a_version_of_an_earlier_release_belongs_to_the_name_that_signed_it() {
    let site = site().await;
    let mut work = site.registry.store.begin().await.unwrap();
    let mut stored = work.load::<Installation>("demo/import").await.unwrap().unwrap();
    stored.entity.current.signer = None;
    work.save(&mut stored, Timestamp::UNIX_EPOCH).await.unwrap();
    work.commit().await.unwrap();

    let strange = package("2.0.0", A, "2.0.0", Some(&SigningKey::from_seed(&[9; 32]).unwrap()));
    for archive in [&strange, &package("2.0.0", A, "2.0.0", None)] {
        let answer = upload_by_key(&site, archive).await;
        assert!(answer.text.contains("acceptNewSigner=true"), "{}", answer.text);
        let answer = site.upload(caller(true), "?acceptUnsigned=true", archive).await;
        assert!(answer.text.contains("acceptNewSigner=true"), "{}", answer.text);
    }
    let ours = package("2.0.0", A, "2.0.0", Some(&signing_key()));
    assert_eq!(upload_by_key(&site, &ours).await.code, 201);
}

#[tokio::test]
async fn what_a_request_changes_is_changed_at_once() {
    let site = site().await;
    let revision = || async {
        let mut read = site.registry.store.read().await.unwrap();
        read.load::<Installation>("demo/import").await.unwrap().unwrap().revision
    };
    let before = revision().await;
    let town = json!([{ "type": "organization", "id": "ville" }]);
    let all = json!({ "disabled": true, "public": false, "privateAccess": town });
    let changed = site.ask(Method::PATCH, ONE, Some(all)).await.json;
    assert_eq!((&changed["disabled"], &changed["public"]), (&json!(true), &json!(false)));
    assert_eq!(revision().await, before + 1, "one change, one transaction");
    let enabled = site.ask(Method::PATCH, ONE, Some(json!({ "disabled": false }))).await.json;
    assert_eq!((&enabled["public"], &enabled["privateAccess"][0]["id"]), (&json!(false), &json!("ville")));
    let nobody = site.ask(Method::PATCH, ONE, Some(json!({ "privateAccess": [] }))).await.json;
    assert_eq!((&nobody["public"], &nobody["privateAccess"]), (&json!(false), &json!([])));
    let missing = "/demo%2Fmissing";
    assert_eq!(site.ask(Method::PATCH, missing, Some(json!({ "public": true }))).await.code, 404);
}

#[tokio::test]
async fn a_plugin_in_use_is_disabled_but_not_removed() {
    let site = site().await;
    site.users.set(&["Arrêtés", "Budgets"]);
    let uses = site.ask(Method::GET, &format!("{ONE}/uses"), None).await.json;
    assert_eq!((&uses["count"], &uses["results"][0]["title"]), (&json!(2), &json!("Arrêtés")));
    let refused = site.ask(Method::DELETE, ONE, None).await;
    assert_eq!(refused.code, 409);
    assert!(
        refused.text.contains("Budgets") && refused.text.contains("organization:ville"),
        "{}",
        refused.text
    );

    let disable = |disabled: bool| site.ask(Method::PATCH, ONE, Some(json!({ "disabled": disabled })));
    assert_eq!(disable(true).await.json["disabled"], true);
    let reason = runs(&site).await.unwrap_err();
    assert!(reason.contains("désactivé"), "{reason}");
    assert_eq!(disable(false).await.json["disabled"], false);
    assert_eq!(runs(&site).await.unwrap(), [A], "its grants were kept");

    site.users.set(&[]);
    assert_eq!(site.ask(Method::DELETE, ONE, None).await.code, 204);
    assert_eq!(site.ask(Method::DELETE, ONE, None).await.code, 404);
    assert_eq!(site.ask(Method::GET, ONE, None).await.code, 404);
}

#[tokio::test]
async fn a_private_plugin_is_seen_and_chosen_by_its_accounts_alone() {
    let site = site().await;
    let town = AccountRef::organization("ville", "Ville");
    let private = json!({ "public": false, "privateAccess": [{ "type": "organization", "id": "ville" }] });
    let shown = site.ask(Method::PATCH, ONE, Some(private)).await.json;
    assert_eq!((&shown["public"], &shown["privateAccess"][0]["id"]), (&json!(false), &json!("ville")));

    let member = halle_model::Caller { account: Some(town.clone()), ..caller(false) };
    for (caller, count, code) in [(member, 1, 200), (caller(false), 0, 404), (caller(true), 1, 200)] {
        let get = |path: &str| {
            Request::get(format!("/registry/api/v1/artefacts{path}")).body(Body::empty()).unwrap()
        };
        let is_admin = caller.admin_mode;
        assert_eq!(site.send(caller.clone(), get("")).await.json["count"], count);
        let one = site.send(caller, get(ONE)).await;
        assert_eq!(one.code, code);
        assert_eq!(
            one.json.get("privateAccess").is_some(),
            is_admin,
            "who else sees it is no business of theirs"
        );
    }
    let icon = async |caller, etag: &str| {
        let request = Request::get(format!("/registry/api/v1/artefacts{ONE}/static/icon.svg"))
            .header("if-none-match", etag)
            .body(Body::empty());
        site.send(caller, request.unwrap()).await
    };
    let member = halle_model::Caller { account: Some(town.clone()), ..caller(false) };
    let shown = icon(member, "").await;
    assert_eq!((shown.code, shown.text.as_str()), (200, "<svg/>"));
    assert!(shown.cache_control.unwrap().contains("private"));
    for stranger in [halle_model::Caller::anonymous(), caller(false)] {
        // Who knows the tag is told no more.
        for etag in ["", shown.etag.as_deref().unwrap()] {
            assert_eq!(icon(stranger.clone(), etag).await.code, 404);
        }
    }
    let choose = |account: AccountRef| {
        let registry = &site.registry;
        async move { choosable(registry, "demo/import", PluginKind::Processing, &account).await.is_ok() }
    };
    assert!(choose(town).await);
    assert!(!choose(AccountRef::organization("port", "Port")).await);
    let unknown = json!({ "visibility": "public" });
    assert_eq!(site.ask(Method::PATCH, ONE, Some(unknown)).await.code, 400);
}

#[tokio::test]
async fn packages_of_forgotten_versions_are_bounded_over_all_plugins() {
    let site = site().await;
    let model = site.registry.installation("demo/import").await.unwrap().unwrap();
    let now = site.registry.clock.now();
    let ago = |seconds: u64| now - std::time::Duration::from_secs(seconds);
    let store = &site.registry.store;
    let mut unit = store.begin().await.unwrap();
    for plugin in 0..6_u64 {
        let mut other: Installation = model.clone();
        other.current.installed.id = format!("demo/p{plugin}");
        // Forgotten one second after the other, those of the first plugin first.
        other.retired = (0..20)
            .map(|version| Retired {
                digest: format!("{plugin:02}{version:062}"),
                retired_at: ago(200 - plugin * 20 - version),
            })
            .collect();
        unit.insert(&other, now).await.unwrap();
    }
    let mut spoken_of_no_more = model.clone();
    spoken_of_no_more.current.installed.id = "demo/old".to_owned();
    spoken_of_no_more.retired = vec![Retired { digest: "f".repeat(64), retired_at: ago(25 * 3_600) }];
    unit.insert(&spoken_of_no_more, now).await.unwrap();
    unit.commit().await.unwrap();

    upload(&site, "2.0.0", A).await;
    let kept = site.registry.list().await.unwrap();
    let of = |id: &str| kept.iter().find(|one| one.current.installed.id == id).unwrap().retired.len();
    assert_eq!(of("demo/p0"), 0, "the oldest give way");
    assert!((1..6).all(|plugin| of(&format!("demo/p{plugin}")) == 20));
    assert_eq!(of("demo/old"), 0, "a day is over");
}
