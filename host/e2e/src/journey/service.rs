//! A described API becomes an enrichment.

use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::json;

use super::Journey;
use crate::demo::DATASETS;

pub async fn prove(journey: &mut Journey) -> Result<String> {
    let document = reqwest::get(format!("{}/openapi.json", journey.world.service)).await?.text().await?;
    let document: serde_json::Value = serde_json::from_str(&document)?;
    let body = json!({ "apiDoc": document, "server": journey.world.service });
    let service = journey.admin.send_json(Method::POST, "/data-fair/api/v1/remote-services", &body).await?;
    ensure!(
        service["actions"][0]["id"] == "communes_bulk",
        "the service has the actions {}",
        service["actions"]
    );
    let path = format!("{DATASETS}/saluts");
    let file = b"code;valeur\n01001;1\n75056;2\nfaux;3\n".to_vec();
    journey.admin.upload(Method::POST, &path, "saluts.csv", file, &json!({ "title": "Saluts" })).await?;
    let dataset = journey.admin.finalized("saluts", "").await?;
    let mut schema = dataset["schema"].clone();
    schema[0]["x-refersTo"] = json!("http://rdf.insee.fr/def/geo#codeCommune");
    let extensions = json!([{
        "type": "remoteService", "active": true, "remoteService": service["id"], "action": "communes_bulk",
        "propertyPrefix": "salut",
    }]);
    let since = dataset["finalizedAt"].as_str().context("a finalized dataset has a date")?;
    journey
        .admin
        .send_json(Method::PATCH, &path, &json!({ "schema": schema, "extensions": extensions }))
        .await?;
    let enriched = journey.admin.finalized("saluts", since).await?;
    ensure!(enriched["status"] == "finalized", "the enriched dataset is {}", enriched["status"]);
    let lines = journey.admin.json(&format!("{path}/lines?sort=valeur")).await?;
    let greetings: Vec<_> = (0..3).map(|i| lines["results"][i]["salut.greeting"].clone()).collect();
    ensure!(
        greetings == [json!("Bonjour 01001"), json!("Bonjour 75056"), json!(null)],
        "the greetings are {greetings:?}"
    );
    let told = lines["results"][2].to_string();
    ensure!(told.contains("code commune inconnu"), "the row that failed does not say so: {told}");
    Ok("an OpenAPI document became columns; answers out of order, a refused row told in its own line"
        .to_owned())
}
