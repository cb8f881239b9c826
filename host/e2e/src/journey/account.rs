//! An account signs in, makes a key, and the data API believes tokens by their signature only.

use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::json;

use super::Journey;
use crate::client::Answer;
use crate::demo::DATASETS;
use crate::server::{ADMIN_EMAIL, ADMIN_PASSWORD};

pub async fn prove(journey: &mut Journey) -> Result<String> {
    let client = &journey.anonymous;
    let sign_in = |password: &str| {
        let body = json!({ "email": ADMIN_EMAIL, "password": password });
        client.request(Method::POST, "/simple-directory/api/auth/password").json(&body)
    };
    let refused = client.send(sign_in("not the password")).await?;
    ensure!(refused.status == 400, "a wrong password gives {}", refused.status);
    let answer = client.send(sign_in(ADMIN_PASSWORD)).await?;
    ensure!(answer.status.is_success(), "signing in gives {} {}", answer.status, answer.excerpt());
    let opened = client.get_any(answer.text.trim()).await?;
    ensure!(opened.status.is_redirection(), "the callback gives {}", opened.status);
    let cookies = cookies(&opened);
    let token = cookies.iter().find(|(name, _)| name == "id_token").context("there is no cookie id_token")?;
    ensure!(token.1.split('.').count() == 2, "id_token has not two parts");
    let keys = client.json("/simple-directory/.well-known/jwks.json").await?;
    ensure!(keys["keys"][0]["kty"] == "RSA", "the JWKS has no RSA key");
    let header = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ");
    let me = client
        .send(client.request(Method::GET, "/simple-directory/api/auth/me").header("cookie", &header))
        .await?;
    ensure!(me.json()?["email"] == ADMIN_EMAIL, "the session is not mine: {}", me.excerpt());
    let forged = header.replace("id_token_sign=", "id_token_sign=AAAA");
    let path = format!("{DATASETS}?mine=true");
    let refused = client.send(client.request(Method::GET, &path).header("cookie", forged)).await?;
    ensure!(refused.status == 401, "a forged signature gives {}", refused.status);
    let organization = json!({ "name": "Ville de démonstration" });
    let create =
        client.request(Method::POST, "/simple-directory/api/organizations").header("cookie", &header);
    let created = client.send(create.json(&organization)).await?;
    ensure!(created.status == 201, "creating an organisation gives {} {}", created.status, created.excerpt());
    let id = me.json()?["id"].as_str().context("a user has an id")?.to_owned();
    let settings = format!("/data-fair/api/v1/settings/user/{id}");
    let kept = client.send(client.request(Method::GET, &settings).header("cookie", &header)).await?.json()?;
    let mut keys = kept["apiKeys"].as_array().cloned().unwrap_or_default();
    keys.push(json!({ "title": "journey", "scopes": ["datasets-read"] }));
    let body = json!({ "apiKeys": keys });
    let patched =
        client.send(client.request(Method::PATCH, &settings).header("cookie", &header).json(&body)).await?;
    let answered = patched.json()?;
    let made = answered["apiKeys"].as_array().into_iter().flatten().find_map(|key| key["clearKey"].as_str());
    let clear = made.map(str::to_owned);
    let reader = client.with_key(&clear.context("the new key is not shown")?);
    ensure!(reader.get_any(&path).await?.status.is_success(), "the new key cannot read");
    let write = reader
        .send(reader.request(Method::POST, DATASETS).json(&json!({ "isRest": true, "title": "x" })))
        .await?;
    ensure!(write.status == 403, "a key that may only read writes: {}", write.status);
    let unknown = client.with_key("bm9wZQ").get_any(&path).await?;
    ensure!(unknown.status == 401, "an unknown key gives {}", unknown.status);
    Ok("session in split cookies, JWKS, organisation, key with its scopes; forgeries refused".to_owned())
}

fn cookies(answer: &Answer) -> Vec<(String, String)> {
    let lines = answer.headers.get_all("set-cookie").iter().filter_map(|value| value.to_str().ok());
    let pairs = lines.filter_map(|line| line.split(';').next()?.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}
