//! Answers of services are kept for the next row that asks the same.

use axum::http::Method;
use halle_testkit::{Api, DATASETS};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::site::{SERVICES, Site, body};

fn extension() -> Value {
    json!({
        "type": "remoteService", "active": true, "remoteService": "salut", "action": "saluer",
        "propertyPrefix": "_salut",
    })
}

/// What the server was asked since the last time this was.
fn asked(site: &Site, before: &mut usize) -> Vec<String> {
    let requests = site.world.tools.outside.requests();
    let new = requests[*before..].iter();
    let mut bodies: Vec<String> = new
        .map(|request| String::from_utf8_lossy(&request.body.clone().unwrap_or_default()).into_owned())
        .collect();
    bodies.sort();
    *before = requests.len();
    bodies
}

/// Makes the dataset `id` of `codes`, enriched by the service.
async fn enriched(site: &Site, api: &Api, id: &str, codes: &[&str]) {
    let csv = format!("code,n\n{}", codes.iter().map(|code| format!("{code},1\n")).collect::<String>());
    let dataset = site.world.upload(api, id, &csv).await;
    let mut schema = dataset["schema"].clone();
    schema[0]["x-refersTo"] = json!("http://rdf.insee.fr/def/geo#codeCommune");
    let patch = json!({ "schema": schema, "extensions": [extension()] });
    api.json(Method::PATCH, &format!("{DATASETS}/{id}"), &patch).await.ok();
    site.world.run_pipeline().await;
}

async fn greetings(api: &Api, id: &str) -> Vec<Value> {
    let lines = api.get(&format!("{DATASETS}/{id}/lines?sort=_i")).await.ok()["results"].clone();
    lines.as_array().into_iter().flatten().map(|line| line["_salut.salut"].clone()).collect()
}

#[tokio::test]
async fn the_same_is_asked_once_and_a_refusal_again() {
    let site = Site::new().await;
    let mut before = 0;
    site.owner.post(SERVICES, &body("salut")).await.ok();
    enriched(&site, &site.owner, "un", &["01001", "75056", "01001", "faux", ""]).await;
    assert_eq!(asked(&site, &mut before), ["01001", "75056", "faux"], "an empty cell asks nothing");
    let hello = |code: &str| json!(format!("Bonjour {code}"));
    let expected = [hello("01001"), hello("75056"), hello("01001"), Value::Null, Value::Null];
    assert_eq!(greetings(&site.owner, "un").await, expected);
    site.world.upload(&site.owner, "un", "code,n\n01001,1\nfaux,1\n33063,1\n").await;
    assert_eq!(asked(&site, &mut before), ["33063", "faux"], "what was refused may be taken another time");
    assert_eq!(greetings(&site.owner, "un").await, [hello("01001"), Value::Null, hello("33063")]);
    // Other outputs wanted, another question.
    let mut other = extension();
    other["select"] = json!(["salut"]);
    site.owner.json(Method::PATCH, &format!("{DATASETS}/un"), &json!({ "extensions": [other] })).await.ok();
    site.world.run_pipeline().await;
    assert_eq!(asked(&site, &mut before).len(), 3);
}

#[tokio::test]
async fn a_failure_that_is_kept_is_a_failure_still() {
    let site = Site::new().await;
    let mut before = 0;
    site.owner.post(SERVICES, &body("salut")).await.ok();
    enriched(&site, &site.owner, "un", &["perdu"]).await;
    assert_eq!(asked(&site, &mut before), ["perdu"]);
    let schema =
        json!([{ "key": "code", "type": "string", "x-refersTo": "http://rdf.insee.fr/def/geo#codeCommune" }]);
    let mut extension = extension();
    extension["mandatory"] = json!(true);
    let made = json!({ "isRest": true, "title": "Deux", "schema": schema, "extensions": [extension] });
    site.owner.json(Method::PUT, &format!("{DATASETS}/deux"), &made).await.ok();
    let refused =
        site.owner.post(&format!("{DATASETS}/deux/lines"), &json!({ "code": "perdu" })).await.refused(400);
    assert!(refused.contains("personne ne répond à ce nom"), "{refused}");
    assert_eq!(asked(&site, &mut before), Vec::<String>::new());
    assert_eq!(site.owner.get(&format!("{DATASETS}/deux/lines")).await.ok()["total"], 0);
    let line = site.owner.post(&format!("{DATASETS}/deux/lines"), &json!({ "code": "01001" })).await.ok();
    assert_eq!(line["_salut.salut"], "Bonjour 01001");
    assert_eq!(asked(&site, &mut before), ["01001"], "once for the line, though it is decided twice");
}

#[tokio::test]
async fn answers_are_forgotten_ten_days_after_their_last_use() {
    let site = Site::new().await;
    let mut before = 0;
    site.owner.post(SERVICES, &body("salut")).await.ok();
    enriched(&site, &site.owner, "un", &["01001", "75056"]).await;
    assert_eq!(asked(&site, &mut before).len(), 2);
    let clock = &site.world.tools.stack.clock;
    clock.advance(SignedDuration::from_hours(9 * 24));
    enriched(&site, &site.owner, "deux", &["01001"]).await;
    assert_eq!(asked(&site, &mut before), Vec::<String>::new());
    clock.advance(SignedDuration::from_hours(2 * 24));
    enriched(&site, &site.owner, "trois", &["01001", "75056"]).await;
    assert_eq!(asked(&site, &mut before), ["75056"], "the other one was used since");
}

#[tokio::test]
async fn answers_to_a_key_are_for_one_account_and_go_with_the_key() {
    let site = Site::new().await;
    let mut before = 0;
    let other = site.anonymous.by("oscar@port:admin");
    let mut new = body("salut");
    new["public"] = json!(true);
    site.owner.post(SERVICES, &new).await.ok();
    enriched(&site, &site.owner, "un", &["01001"]).await;
    assert_eq!(asked(&site, &mut before), ["01001"]);
    enriched(&site, &other, "deux", &["01001"]).await;
    assert_eq!(asked(&site, &mut before), Vec::<String>::new(), "it answers everybody alike");

    let one = format!("{SERVICES}/salut");
    let key = |value: &str| json!({ "apiKey": { "in": "header", "name": "X-Key", "value": value } });
    site.owner.json(Method::PATCH, &one, &key("a")).await.ok();
    for (id, api) in [("trois", &site.owner), ("quatre", &other)] {
        enriched(&site, api, id, &["01001"]).await;
        assert_eq!(asked(&site, &mut before), ["01001"], "{id}");
    }
    enriched(&site, &other, "cinq", &["01001"]).await;
    assert_eq!(asked(&site, &mut before), Vec::<String>::new());
    site.owner.json(Method::PATCH, &one, &key("b")).await.ok();
    enriched(&site, &other, "six", &["01001"]).await;
    assert_eq!(asked(&site, &mut before), ["01001"]);
}
