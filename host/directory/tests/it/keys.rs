//! API keys: made, used, refused (reference §5.5).

use halle_http::ApiKeys;
use halle_model::plugins::can_install_plugin;
use serde_json::{Value, json};

use crate::site::{ADMIN, Browser, Site};

const SETTINGS: &str = "/data-fair/api/v1/settings/organization/ville";

async fn site() -> Site {
    let site = Site::new().await;
    site.user("ana@example.org").await;
    site.organization("ville", "ana@example.org").await;
    site
}

fn with_key<'a>(site: &'a Site, clear: &str) -> Browser<'a> {
    let mut client = site.browser();
    client.headers.push(("x-apikey", clear.to_owned()));
    client
}

async fn make(ana: &mut Browser<'_>, keys: Value) -> crate::site::Answer {
    ana.patch(SETTINGS, json!({ "apiKeys": keys })).await
}

#[tokio::test]
async fn a_key_is_shown_once_and_stands_for_its_account_and_scopes() {
    let site = site().await;
    let mut ana = site.session("ana@example.org").await;
    let made = make(&mut ana, json!([{ "title": "Import", "scopes": ["datasets-read"] }])).await;
    assert_eq!(made.code(), 200, "{}", made.text);
    let clear = made.json()["apiKeys"][0]["clearKey"].as_str().unwrap().to_owned();
    let settings = ana.get(SETTINGS).await;
    assert!(!settings.text.contains("clearKey") && !settings.text.contains("hash"), "{}", settings.text);

    let caller = site.directory.resolve(&clear).await.unwrap().unwrap();
    assert_eq!(caller.account.as_ref().unwrap().key(), "organization:ville");
    assert_eq!(caller.scopes.as_deref(), Some(&["datasets-read".to_owned()][..]));
    assert_eq!(caller.role.as_deref(), Some("admin"));
    assert!(caller.user.unwrap().email.ends_with("@api-key.halle.test"));

    for header in ["x-apikey", "x-api-key"] {
        let mut client = site.browser();
        client.headers.push((header, clear.clone()));
        assert_eq!(client.get(SETTINGS).await.code(), 403, "a key manages no account");
        let session = client.get("/simple-directory/api/auth/my-session").await.json();
        assert_eq!(session["account"]["id"], "ville");
    }
    let in_query = format!("/simple-directory/api/auth/my-session?apiKey={clear}");
    assert_eq!(site.browser().get(&in_query).await.json()["account"]["id"], "ville");
}

#[tokio::test]
async fn unknown_expired_and_removed_keys_are_refused_in_known_words() {
    let site = site().await;
    let mut ana = site.session("ana@example.org").await;
    let answer = with_key(&site, "nothing").get(SETTINGS).await;
    assert_eq!((answer.code(), answer.text.as_str()), (401, "Cette clé d'API est inconnue."));

    let made = make(&mut ana, json!([{ "title": "Court", "scopes": [], "expireAt": "2026-01-16" }])).await;
    let clear = made.json()["apiKeys"][0]["clearKey"].as_str().unwrap().to_owned();
    assert_eq!(with_key(&site, &clear).get("/simple-directory/api/users").await.code(), 200);
    site.wait(2 * 86_400);
    let answer = with_key(&site, &clear).get("/simple-directory/api/users").await;
    assert_eq!((answer.code(), answer.text.as_str()), (403, "Cette clé d'API est expirée."));

    let mut ana = site.session("ana@example.org").await;
    assert_eq!(make(&mut ana, json!([])).await.json()["apiKeys"], json!([]));
    assert_eq!(with_key(&site, &clear).get("/simple-directory/api/users").await.code(), 401);
}

#[tokio::test]
async fn a_key_cannot_be_changed_and_wrong_ones_change_nothing() {
    let site = site().await;
    let mut ana = site.session("ana@example.org").await;
    let made = make(&mut ana, json!([{ "title": "A", "scopes": ["datasets"] }])).await.json();
    let mut key = made["apiKeys"][0].clone();
    key.as_object_mut().unwrap().remove("clearKey");
    assert_eq!(make(&mut ana, json!([key, { "title": "B", "scopes": [] }])).await.code(), 200);

    key["scopes"] = json!(["datasets", "applications"]);
    for wrong in [
        json!([key]),
        json!([{ "title": "", "scopes": [] }]),
        json!([{ "title": "C", "scopes": ["everything"] }]),
        json!([{ "title": "C", "scopes": [], "expireAt": "2029-01-01" }]),
        json!([{ "title": "C", "scopes": [], "expireAt": "demain" }]),
    ] {
        let answer = make(&mut ana, wrong).await;
        assert!(
            answer.code() == 400 && answer.text.contains("apiKeys[0]"),
            "{} {}",
            answer.status,
            answer.text
        );
    }
    assert_eq!(ana.get(SETTINGS).await.json()["apiKeys"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn settings_belong_to_the_administrators_of_the_account() {
    let site = site().await;
    site.user("bob@example.org").await;
    assert_eq!(site.browser().get(SETTINGS).await.code(), 401);
    assert_eq!(site.session("bob@example.org").await.get(SETTINGS).await.code(), 403);
    assert_eq!(site.session(ADMIN).await.get(SETTINGS).await.code(), 403);
    let mut admin = site.admin().await;
    assert_eq!(admin.get(SETTINGS).await.code(), 200);
    assert_eq!(admin.get("/data-fair/api/v1/settings/planet/x").await.code(), 400);
    assert_eq!(admin.get("/data-fair/api/v1/settings/organization/none").await.code(), 404);
    let answer = admin.patch(SETTINGS, json!({ "other": 1 })).await;
    assert!(answer.code() == 400 && answer.text.contains("other"), "{}", answer.text);
}

#[tokio::test]
async fn the_command_makes_a_key_for_a_person_or_an_organisation_they_administer() {
    let site = site().await;
    let clear = site.directory.new_key("ana@example.org", Some("ville")).await.unwrap();
    let caller = site.directory.resolve(clear.reveal()).await.unwrap().unwrap();
    assert_eq!(caller.account.unwrap().key(), "organization:ville");
    let clear = site.directory.new_key(ADMIN, None).await.unwrap();
    let caller = site.directory.resolve(clear.reveal()).await.unwrap().unwrap();
    assert!(!caller.admin_mode && !caller.user.as_ref().unwrap().is_admin, "a key has no superadmin powers");
    for (email, organization) in [("no@example.org", None), ("ana@example.org", Some("none"))] {
        assert!(site.directory.new_key(email, organization).await.is_err());
    }
}

#[tokio::test]
async fn a_key_of_a_plugin_is_made_for_superadmins_and_opens_nothing_else() {
    let site = site().await;
    let clear = site.directory.new_plugin_key(ADMIN, "org/mine").await.unwrap();
    let caller = site.directory.resolve(clear.reveal()).await.unwrap().unwrap();
    assert!(!caller.admin_mode && can_install_plugin(&caller, "org/mine"));
    assert!(!can_install_plugin(&caller, "org/other"));
    let refused = site.directory.new_plugin_key("ana@example.org", "org/mine").await.unwrap_err();
    assert!(refused.to_string().contains("superadmin"), "{refused}");
}
