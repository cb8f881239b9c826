//! People, organisations, departments, roles.

use serde_json::json;

use crate::site::{ADMIN, PASSWORD, Site};

const USERS: &str = "/simple-directory/api/users";
const ORGANIZATIONS: &str = "/simple-directory/api/organizations";

#[tokio::test]
async fn only_superadmins_make_accounts_and_addresses_are_unique_in_any_case() {
    let site = Site::new().await;
    let body = json!({ "email": "ana@example.org", "password": PASSWORD });
    assert_eq!(site.browser().post(USERS, body.clone()).await.code(), 401);
    assert_eq!(site.session(ADMIN).await.post(USERS, body).await.code(), 403);
    let id = site.user("ana@example.org").await;
    let mut admin = site.admin().await;
    let twin = json!({ "email": "ANA@example.org" });
    assert_eq!(admin.post(USERS, twin).await.code(), 409);
    let weak = json!({ "email": "bob@example.org", "password": "short" });
    let answer = admin.post(USERS, weak).await;
    assert!(answer.code() == 400 && answer.text.contains("caractères"), "{}", answer.text);

    let mut ana = site.session("ana@example.org").await;
    assert_eq!(ana.get(&format!("{USERS}/{id}")).await.json()["email"], "ana@example.org");
    assert!(!ana.get(&format!("{USERS}/{id}")).await.text.contains("argon2"));
    let changed = ana.patch(&format!("{USERS}/{id}"), json!({ "lastName": "Martin" })).await;
    assert_eq!(changed.json()["name"], "Test Martin");
    assert_eq!(ana.patch(&format!("{USERS}/{id}"), json!({ "isAdmin": true })).await.code(), 403);
    let root = admin.get(&format!("{USERS}?q=root")).await.json();
    let root = root["results"][0]["id"].as_str().unwrap();
    assert_eq!(ana.get(&format!("{USERS}/{root}")).await.code(), 403);
    assert_eq!(site.browser().get(USERS).await.json(), json!({ "count": 0, "results": [] }));
    assert_eq!(ana.get(&format!("{USERS}?q=martin")).await.json()["count"], 1);
}

#[tokio::test]
async fn a_member_acts_for_the_organisation_that_the_cookies_name() {
    let site = Site::new().await;
    site.user("ana@example.org").await;
    site.organization("ville", "ana@example.org").await;
    // The first organisation joined is the default account.
    let mut ana = site.session("ana@example.org").await;
    assert_eq!(ana.cookies["id_token_org"], "ville");
    let state = ana.get("/simple-directory/api/auth/my-session").await.json();
    assert_eq!(state["account"], json!({ "type": "organization", "id": "ville", "name": "Ville" }));
    assert_eq!((&state["accountRole"], &state["organization"]["role"]), (&json!("admin"), &json!("admin")));
    ana.cookies.remove("id_token_org");
    let state = ana.get("/simple-directory/api/auth/my-session").await.json();
    assert_eq!(state["account"]["type"], "user");
    ana.headers.push(("x-organizationid", "ville".to_owned()));
    let state = ana.get("/simple-directory/api/auth/my-session").await.json();
    assert_eq!(state["account"]["id"], "ville");
}

#[tokio::test]
async fn members_come_change_and_go_but_an_administrator_stays() {
    let site = Site::new().await;
    let ana_id = site.user("ana@example.org").await;
    let bob_id = site.user("bob@example.org").await;
    site.organization("ville", "ana@example.org").await;
    let members = format!("{ORGANIZATIONS}/ville/members");
    let mut ana = site.session("ana@example.org").await;
    let mut bob = site.session("bob@example.org").await;
    assert_eq!(bob.get(&members).await.code(), 403);

    let wrong = ana.post(&members, json!({ "email": "bob@example.org", "role": "boss" })).await;
    assert!(wrong.code() == 400 && wrong.text.contains("admin, contrib, user"), "{}", wrong.text);
    let wrong = json!({ "email": "bob@example.org", "role": "user", "department": "feu" });
    assert_eq!(ana.post(&members, wrong).await.code(), 400);
    assert_eq!(ana.post(&members, json!({ "email": "no@example.org", "role": "user" })).await.code(), 404);
    let body = json!({ "email": "bob@example.org", "role": "user", "department": "eau" });
    assert_eq!(ana.post(&members, body.clone()).await.json()["departmentName"], "Eau");
    assert_eq!(ana.post(&members, body).await.code(), 409);

    let one = format!("{members}/{bob_id}");
    assert_eq!(ana.patch(&one, json!({ "role": "contrib" })).await.json()["role"], "contrib");
    let list = ana.get(&format!("{members}?role=contrib")).await.json();
    assert_eq!((&list["count"], &list["results"][0]["email"]), (&json!(1), &json!("bob@example.org")));
    let kept = ana.patch(&format!("{ORGANIZATIONS}/ville"), json!({ "departments": [] })).await;
    assert!(kept.code() == 400 && kept.text.contains("eau"), "{}", kept.text);
    let alone = ana.patch(&format!("{members}/{ana_id}"), json!({ "role": "user" })).await;
    assert_eq!(alone.code(), 400, "{}", alone.text);
    assert_eq!(ana.delete(&format!("{ORGANIZATIONS}/ville")).await.code(), 400, "it has members");

    assert_eq!(bob.delete(&format!("{members}/{ana_id}")).await.code(), 403);
    assert_eq!(bob.delete(&one).await.code(), 204, "everybody may leave");
    assert_eq!(ana.get(&members).await.json()["count"], 1);
    assert_eq!(ana.delete(&format!("{ORGANIZATIONS}/ville")).await.code(), 204);
    assert_eq!(ana.get(&format!("{ORGANIZATIONS}/ville")).await.code(), 404);
}

#[tokio::test]
async fn a_new_password_needs_the_old_one_and_ends_every_session() {
    let site = Site::new().await;
    let id = site.user("ana@example.org").await;
    let mut ana = site.session("ana@example.org").await;
    let mut other = site.session("ana@example.org").await;
    let path = format!("{USERS}/{id}/password");
    let new = "Another-Passwd02";
    assert_eq!(ana.post(&path, json!({ "password": new, "currentPassword": "no" })).await.code(), 400);
    let body = json!({ "password": new, "currentPassword": PASSWORD });
    assert_eq!(ana.post(&path, body).await.code(), 204);
    assert_eq!(other.post("/simple-directory/api/auth/keepalive", json!({})).await.code(), 401);
    site.browser().sign_in(json!({ "email": "ana@example.org", "password": new })).await;
}
