//! Who asks: persons with sessions and keys of an organisation, made through the API as an administrator would.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::Client;
use crate::server::{ADMIN_EMAIL, ADMIN_PASSWORD};

/// Password of every person of the scenarios.
const PASSWORD: &str = "Halle-scenario-2026!";

/// Persons: name in scenarios, organisation, role, department.
const MEMBERS: [(&str, &str, &str, Option<&str>); 7] = [
    ("owner", "ville", "admin", None),
    ("contrib", "ville", "contrib", None),
    ("member", "ville", "user", None),
    ("eau", "ville", "admin", Some("eau")),
    ("eau-contrib", "ville", "contrib", Some("eau")),
    ("partner", "port", "admin", None),
    ("partner-member", "port", "user", None),
];

/// Keys of the organisation `ville`: name in scenarios, scopes.
const KEYS: [(&str, &[&str]); 5] = [
    ("key", &["datasets", "applications"]),
    ("key-read", &["datasets-read"]),
    ("key-write", &["datasets-write"]),
    ("key-admin", &["datasets-admin"]),
    ("key-none", &[]),
];

/// Everybody whom a scenario may name.
#[derive(Debug)]
pub struct Callers(BTreeMap<String, Client>);

impl Callers {
    /// Makes organisations, persons and keys, and signs everybody in.
    pub async fn introduce(anonymous: &Client) -> Result<Self> {
        let mut callers = BTreeMap::from([("anonymous".to_owned(), anonymous.clone())]);
        let sign_in = json!({ "email": ADMIN_EMAIL, "password": ADMIN_PASSWORD, "adminMode": true });
        let superadmin = anonymous.with_session(&session(anonymous, &sign_in).await?);
        for organization in [
            json!({ "id": "ville", "name": "Ville", "departments": [{ "id": "eau", "name": "Eau" }] }),
            json!({ "id": "port", "name": "Port" }),
        ] {
            let path = "/simple-directory/api/organizations?autoAdmin=false";
            superadmin.send_json(Method::POST, path, &organization).await?;
        }
        for (name, organization, role, department) in MEMBERS {
            person(&superadmin, name).await?;
            let path = format!("/simple-directory/api/organizations/{organization}/members");
            let mut member = json!({ "email": email(name), "role": role });
            if let Some(department) = department {
                member["department"] = department.into();
            }
            superadmin.send_json(Method::POST, &path, &member).await?;
            let mut sign_in = json!({ "email": email(name), "password": PASSWORD, "org": organization });
            if let Some(department) = department {
                sign_in["dep"] = department.into();
            }
            callers.insert(name.to_owned(), anonymous.with_session(&session(anonymous, &sign_in).await?));
        }
        person(&superadmin, "stranger").await?;
        let sign_in = json!({ "email": email("stranger"), "password": PASSWORD });
        callers.insert("stranger".to_owned(), anonymous.with_session(&session(anonymous, &sign_in).await?));
        for (name, clear) in keys(&callers["owner"]).await? {
            callers.insert(name, anonymous.with_key(&clear));
        }
        callers.insert("key-unknown".to_owned(), anonymous.with_key("bzp2aWxsZTpub3BlOm5vcGU"));
        callers.insert("superadmin".to_owned(), superadmin);
        Ok(Self(callers))
    }

    /// The client of a caller.
    pub fn get(&self, name: &str) -> Result<&Client> {
        self.0.get(name).with_context(|| {
            let known: Vec<&str> = self.0.keys().map(String::as_str).collect();
            format!("nobody is called `{name}`; there are {}", known.join(", "))
        })
    }
}

fn email(name: &str) -> String {
    format!("{name}@example.org")
}

async fn person(superadmin: &Client, name: &str) -> Result<()> {
    let person = json!({ "email": email(name), "password": PASSWORD, "firstName": name, "lastName": "Test" });
    superadmin.send_json(Method::POST, "/simple-directory/api/users", &person).await?;
    Ok(())
}

/// Signs in; the text of the header `cookie`.
async fn session(anonymous: &Client, sign_in: &Value) -> Result<String> {
    let path = "/simple-directory/api/auth/password";
    let callback = anonymous.send(anonymous.request(Method::POST, path).json(sign_in)).await?;
    ensure!(callback.status.is_success(), "signing in gives {} {}", callback.status, callback.excerpt());
    let opened = anonymous.get_any(callback.text.trim()).await?;
    let lines = opened.headers.get_all("set-cookie").iter().filter_map(|value| value.to_str().ok());
    let cookies: Vec<&str> = lines.filter_map(|line| line.split(';').next()).collect();
    ensure!(cookies.iter().any(|cookie| cookie.starts_with("id_token=")), "the callback opens no session");
    Ok(cookies.join("; "))
}

/// Makes the keys; their names and clear texts.
async fn keys(owner: &Client) -> Result<Vec<(String, String)>> {
    let wanted: Vec<Value> =
        KEYS.iter().map(|(name, scopes)| json!({ "title": name, "scopes": scopes })).collect();
    let path = "/data-fair/api/v1/settings/organization/ville";
    let settings = owner.send_json(Method::PATCH, path, &json!({ "apiKeys": wanted })).await?;
    let made = settings["apiKeys"].as_array().into_iter().flatten();
    let keys = made
        .filter_map(|key| Some((key["title"].as_str()?.to_owned(), key["clearKey"].as_str()?.to_owned())));
    let keys: Vec<(String, String)> = keys.collect();
    ensure!(keys.len() == KEYS.len(), "{} of {} keys were made", keys.len(), KEYS.len());
    Ok(keys)
}
