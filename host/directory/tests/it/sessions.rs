//! Sign-in, cookies, keepalive, rotation (services reference §1.8, checks 1 to 5).

use std::sync::Arc;

use axum::http::Method;
use halle_base::Clock;
use halle_http::app_keys::AnonymousAction;
use halle_http::jwks::JwksVerifier;
use serde_json::{Value, json};

use crate::site::{ADMIN, PASSWORD, Site};

const PASSWORD_PATH: &str = "/simple-directory/api/auth/password";
const KEEPALIVE: &str = "/simple-directory/api/auth/keepalive";
const ME: &str = "/simple-directory/api/auth/me";
const USERS: &str = "/simple-directory/api/users";

#[tokio::test]
async fn signing_in_leads_over_a_callback_to_split_cookies() {
    let site = Site::new().await;
    site.user("ana@example.org").await;
    let mut ana = site.browser();
    let body = json!({ "email": "Ana@Example.org", "password": PASSWORD });
    let answer = ana.post(&format!("{PASSWORD_PATH}?redirect=/admin/"), body).await;
    assert!(answer.text.contains("/simple-directory/api/auth/token_callback?id_token="), "{}", answer.text);
    let callback = answer.text.trim_start_matches("http://halle.test").to_owned();
    let answer = ana.get(&callback).await;
    assert_eq!(answer.code(), 302);
    assert_eq!(answer.headers["location"], "http://halle.test/admin/");
    let cookies = answer.cookies();
    assert!(cookies[0].starts_with("id_token="), "{cookies:?}");
    assert!(cookies[1].starts_with("id_token_sign="), "{cookies:?}");
    let value = |cookie: &str| cookie.split(['=', ';']).nth(1).unwrap().to_owned();
    assert_eq!(value(&cookies[0]).split('.').count(), 2);
    assert_eq!(value(&cookies[1]).split('.').count(), 1);
    assert!(cookies[1].contains("HttpOnly") && !cookies[0].contains("HttpOnly"));
    let exchange = cookies.iter().find(|cookie| cookie.starts_with("id_token_ex=")).unwrap();
    assert!(exchange.contains("Path=/simple-directory/;") && exchange.contains("HttpOnly"), "{exchange}");

    let me = ana.get(ME).await.json();
    assert_eq!((&me["email"], &me["name"]), (&json!("ana@example.org"), &json!("Test")));
    let state = ana.get("/simple-directory/api/auth/my-session").await.json();
    assert_eq!(state["account"]["type"], "user");
    assert_eq!(state["accountRole"], "admin");
    assert_eq!(site.browser().get(ME).await.code(), 404);
}

#[tokio::test]
async fn a_form_signs_in_without_scripts_and_only_from_this_site() {
    let site = Site::new().await;
    let form = format!("email=root%40example.org&password={PASSWORD}&redirect=%2Fx");
    let media_type = "application/x-www-form-urlencoded";
    let mut browser = site.browser();
    let answer = browser.send(Method::POST, PASSWORD_PATH, Some((media_type, form.clone()))).await;
    assert_eq!((answer.code(), &answer.headers["location"]), (302, &"http://halle.test/x".parse().unwrap()));
    assert_eq!(browser.get(ME).await.code(), 200);

    let wrong = "email=root%40example.org&password=no".to_owned();
    let answer = site.browser().send(Method::POST, PASSWORD_PATH, Some((media_type, wrong))).await;
    let location = answer.headers["location"].to_str().unwrap();
    assert!(location.contains("/simple-directory/login?error=badCredentials"), "{location}");
    let page = site.browser().get(location.trim_start_matches("http://halle.test")).await;
    assert!(page.text.contains("role=\"alert\""), "{}", page.text);

    let mut foreign = site.browser();
    foreign.headers.push(("origin", "https://evil.example".to_owned()));
    assert_eq!(foreign.send(Method::POST, PASSWORD_PATH, Some((media_type, form))).await.code(), 403);
}

#[tokio::test]
async fn an_unknown_address_and_a_wrong_password_look_the_same_and_six_failures_are_too_many() {
    let site = Site::new().await;
    site.user("ana@example.org").await;
    let mut browser = site.browser();
    browser.headers.push(("x-forwarded-for", "192.0.2.1".to_owned()));
    let wrong = json!({ "email": "ana@example.org", "password": "Wrong-Passwd01" });
    let nobody = json!({ "email": "nobody@example.org", "password": "Wrong-Passwd01" });
    let (first, second) =
        (browser.post(PASSWORD_PATH, wrong.clone()).await, browser.post(PASSWORD_PATH, nobody).await);
    assert_eq!((first.code(), first.text.as_str()), (400, "badCredentials"));
    assert_eq!((second.code(), &second.text), (400, &first.text));
    for _ in 0..3 {
        assert_eq!(browser.post(PASSWORD_PATH, wrong.clone()).await.code(), 400);
    }
    let right = json!({ "email": "ana@example.org", "password": PASSWORD });
    assert_eq!(browser.post(PASSWORD_PATH, right.clone()).await.code(), 429, "the address is limited");
    // From elsewhere, the e-mail address has one attempt left.
    let mut elsewhere = site.browser();
    elsewhere.headers.push(("x-forwarded-for", "192.0.2.2".to_owned()));
    assert_eq!(elsewhere.post(PASSWORD_PATH, wrong.clone()).await.code(), 400);
    assert_eq!(elsewhere.post(PASSWORD_PATH, wrong).await.code(), 429, "the e-mail address is limited too");
    site.wait(60);
    assert_eq!(browser.post(PASSWORD_PATH, right).await.code(), 200);
}

#[tokio::test]
async fn rotation_keeps_the_previous_key_and_no_more() {
    let site = Site::new().await;
    let mut admin = site.session(ADMIN).await;
    let kid = |jwks: &Value, i: usize| jwks["keys"][i]["kid"].clone();
    let before = site.browser().get("/simple-directory/.well-known/jwks.json").await.json();
    assert_eq!(before["keys"].as_array().unwrap().len(), 1);
    assert_eq!((&before["keys"][0]["alg"], &before["keys"][0]["use"]), (&json!("RS256"), &json!("sig")));
    assert!(before["keys"][0].get("d").is_none(), "no private part is published");

    site.keys.rotate(&*site.clock).await.unwrap();
    let after = site.browser().get("/.well-known/jwks.json").await.json();
    assert_eq!(kid(&after, 1), kid(&before, 0));
    assert_eq!(admin.get(ME).await.code(), 200, "tokens of the previous key are good");

    site.keys.rotate(&*site.clock).await.unwrap();
    let answer = admin.get(USERS).await;
    assert_eq!(answer.code(), 401);
    assert!(
        admin.cookies.keys().all(|name| name == "id_token_ex"),
        "a broken session is forgotten: {:?}",
        admin.cookies
    );
}

#[tokio::test]
async fn a_tampered_token_is_refused() {
    let site = Site::new().await;
    let mut admin = site.session(ADMIN).await;
    let head = admin.cookies["id_token"].clone();
    let (header, _) = head.split_once('.').unwrap();
    let forged = base64::Engine::encode(
        &base64::prelude::BASE64_URL_SAFE_NO_PAD,
        json!({ "id": "x", "isAdmin": 1, "adminMode": 1, "exp": 4_000_000_000_i64 }).to_string(),
    );
    admin.cookies.insert("id_token".to_owned(), format!("{header}.{forged}"));
    assert_eq!(admin.get(USERS).await.code(), 401);

    // The exchange token is signed by the same key, but is no session.
    let mut admin = site.session(ADMIN).await;
    let exchange = admin.cookies["id_token_ex"].clone();
    let mut thief = site.browser();
    thief.headers.push(("authorization", format!("Bearer {exchange}")));
    assert_eq!(thief.get(USERS).await.code(), 401);
    // And a session is no exchange token.
    let token = format!("{}.{}", admin.cookies["id_token"], admin.cookies["id_token_sign"]);
    admin.cookies.insert("id_token_ex".to_owned(), token);
    assert_eq!(admin.post(KEEPALIVE, json!({})).await.code(), 401);
}

#[tokio::test]
async fn keepalive_renews_a_session_until_it_is_ended() {
    let site = Site::new().await;
    let id = site.user("ana@example.org").await;
    let mut ana = site.session("ana@example.org").await;
    site.wait(20 * 60);
    assert_eq!(ana.get(USERS).await.code(), 401, "the token in the cookies lives 15 minutes");
    assert_eq!(ana.post(KEEPALIVE, json!({})).await.code(), 204);
    assert_eq!(ana.get(ME).await.code(), 200);

    let sessions = ana.get(&format!("{USERS}/{id}")).await.json()["sessions"].clone();
    let session = sessions[0]["id"].as_str().unwrap();
    assert_eq!(ana.delete(&format!("{USERS}/{id}/sessions/{session}")).await.code(), 204);
    assert_eq!(ana.post(KEEPALIVE, json!({})).await.code(), 401);
    assert!(ana.cookies.is_empty(), "{:?}", ana.cookies);

    let mut ana = site.session("ana@example.org").await;
    let stolen = ana.clone();
    assert_eq!(ana.delete("/simple-directory/api/auth/").await.code(), 204);
    assert!(ana.cookies.is_empty());
    assert_eq!(
        stolen.clone().post(KEEPALIVE, json!({})).await.code(),
        401,
        "signing out ends it on the server"
    );
}

#[tokio::test]
async fn a_superadmin_session_ends_after_twelve_hours_whatever_is_renewed() {
    let site = Site::new().await;
    site.user("ana@example.org").await;
    let body = json!({ "email": "ana@example.org", "password": PASSWORD, "adminMode": true });
    let answer = site.browser().post(PASSWORD_PATH, body).await;
    assert_eq!((answer.code(), answer.text.as_str()), (403, "adminModeOnly"));
    let body = json!({ "email": ADMIN, "password": PASSWORD, "offerAdminMode": true });
    assert_eq!(site.browser().post(PASSWORD_PATH, body).await.json(), json!({ "step": "adminMode" }));

    let mut admin = site.admin().await;
    assert_eq!(admin.get(ME).await.json()["adminMode"], 1);
    site.wait(6 * 3_600);
    assert_eq!(admin.post(KEEPALIVE, json!({})).await.code(), 204);
    site.wait(6 * 3_600 + 60);
    assert_eq!(admin.post(KEEPALIVE, json!({})).await.code(), 401);

    let mut admin = site.admin().await;
    assert_eq!(admin.delete("/simple-directory/api/auth/adminmode").await.code(), 204);
    assert!(admin.get(ME).await.json().get("adminMode").is_none());
    assert_eq!(admin.post(USERS, json!({ "email": "x@example.org" })).await.code(), 403);
}

#[tokio::test]
async fn the_private_key_is_readable_by_its_owner_only_and_survives_a_restart() {
    let site = Site::new().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.json");
    let dice = std::sync::Arc::new(halle_base::SeededDice::new(3));
    let open = async || halle_directory::SigningKeys::open(&path, &*site.clock, dice.clone()).await;
    let first = halle_http::jwks::JwksSource::jwks(&open().await.unwrap()).await.unwrap();
    let again = halle_http::jwks::JwksSource::jwks(&open().await.unwrap()).await.unwrap();
    assert_eq!(first.keys[0].common.key_id, again.keys[0].common.key_id);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    std::fs::write(&path, "{}").unwrap();
    assert!(open().await.err().unwrap().to_string().contains("holds no signing keys"));
}

#[tokio::test]
async fn a_token_for_an_anonymous_action_waits_and_is_no_session() {
    let site = Site::new().await;
    let answer = site.browser().get("/simple-directory/api/auth/anonymous-action").await;
    assert_eq!((answer.code(), answer.headers["cache-control"].to_str().unwrap()), (200, "no-store"));
    let verifier = JwksVerifier::new(Arc::new(site.directory.clone()), site.clock.clone());
    let action: AnonymousAction = verifier.verify_as(&answer.text).await.unwrap();
    assert!(!action.is_ready(site.clock.now()));
    site.wait(8);
    assert!(action.is_ready(site.clock.now()));
    let mut browser = site.browser();
    browser.headers.push(("authorization", format!("Bearer {}", answer.text)));
    assert_eq!(browser.get(ME).await.code(), 401);
    site.wait(2 * 86_400);
    assert!(verifier.verify_as::<AnonymousAction>(&answer.text).await.is_err());
}
