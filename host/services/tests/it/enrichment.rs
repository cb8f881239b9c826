//! A service fills columns of a dataset.

use axum::http::Method;
use halle_testkit::{Answer, DATASETS};
use serde_json::{Value, json};

use crate::site::{SERVICES, Site, body};

/// Uploads three codes, one of which the server refuses, and asks to enrich them by the service `salut`.
async fn enrich(site: &Site) -> Answer {
    let dataset = site.world.upload(&site.owner, "codes", "code,n\n01001,1\nfaux,2\n75056,3\n").await;
    let mut schema = dataset["schema"].clone();
    schema[0]["x-refersTo"] = json!("http://rdf.insee.fr/def/geo#codeCommune");
    let extension = json!({
        "type": "remoteService", "active": true, "remoteService": "salut", "action": "saluer",
        "propertyPrefix": "_salut",
    });
    let patch = json!({ "schema": schema, "extensions": [extension] });
    let answer = site.owner.json(Method::PATCH, &format!("{DATASETS}/codes"), &patch).await;
    site.world.run_pipeline().await;
    answer
}

#[tokio::test]
async fn each_line_has_its_answer_and_a_refused_one_says_so() {
    let site = Site::new().await;
    let mut new = body("salut");
    new["apiKey"] = json!({ "in": "header", "name": "X-Key", "value": "s3cret" });
    site.owner.post(SERVICES, &new).await.ok();
    enrich(&site).await.ok();
    let lines = site.owner.get(&format!("{DATASETS}/codes/lines?sort=n")).await.ok()["results"].clone();
    let greetings: Vec<&Value> = (0..3).map(|line| &lines[line]["_salut.salut"]).collect();
    assert_eq!(greetings, [&json!("Bonjour 01001"), &Value::Null, &json!("Bonjour 75056")]);
    let told = lines[1]["_salut._error"].as_str().unwrap();
    assert!(told.contains("404"), "{told}");
    assert_eq!(lines[0]["_salut._error"], Value::Null);
    let requests = site.world.tools.outside.requests();
    assert_eq!(requests.len(), 3, "one per line");
    let has_key = |(name, value): &(String, String)| name == "x-key" && value == "s3cret";
    assert!(requests.iter().all(|request| request.headers.iter().any(has_key)), "the host places the key");
    assert!(requests.iter().all(|request| request.url == "https://bonjour.example/v1"));
}

#[tokio::test]
async fn requests_to_a_service_are_counted_for_the_account_whose_dataset_it_fills() {
    let site = Site::new().await;
    let mut new = body("salut");
    new["public"] = json!(true);
    // Who declared the service does not pay for who uses it.
    site.anonymous.by("zoe").post(SERVICES, &new).await.ok();
    enrich(&site).await.ok();
    let policies = site.world.tools.outside.policies();
    assert_eq!(policies.len(), 3);
    for policy in policies {
        let requester = policy.requester.unwrap();
        assert_eq!(requester.name, "remote-service:salut");
        let owner = site.owner.get(&format!("{DATASETS}/codes")).await.ok()["owner"].clone();
        let account = format!("{}:{}", owner["type"].as_str().unwrap(), owner["id"].as_str().unwrap());
        assert_eq!(requester.account, account);
    }
}

#[tokio::test]
async fn a_service_of_somebody_else_enriches_nothing() {
    let site = Site::new().await;
    site.anonymous.by("zoe").post(SERVICES, &body("salut")).await.ok();
    let refusal = enrich(&site).await.refused(400);
    assert!(refusal.contains("\"use\""), "{refusal}");
    assert_eq!(site.owner.get(&format!("{DATASETS}/codes")).await.ok()["extensions"], Value::Null);
    assert!(site.world.tools.outside.requests().is_empty(), "nothing was sent");
}
