//! The enricher adds the territories of each commune.

use anyhow::{Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};

use super::Journey;
use crate::demo::{self, DATASETS};

pub async fn prove(journey: &mut Journey) -> Result<String> {
    let enriched = demo::enrich(&journey.admin, "subventions").await?;
    ensure!(enriched["status"] == "finalized", "the enriched dataset is {}", enriched["status"]);
    let path = format!("{DATASETS}/subventions/lines?code_commune_eq=09125&size=1");
    let line = journey.admin.json(&path).await?["results"][0].clone();
    ensure!(
        line["territoire.departement"] == "Ariège",
        "the département is {}",
        line["territoire.departement"]
    );
    ensure!(line["territoire.region"] == "Occitanie", "the région is {}", line["territoire.region"]);
    let path = format!("{DATASETS}/subventions/lines?size=0&territoire.departement_exists=");
    let filled = journey.admin.json(&path).await?["total"].as_u64().unwrap_or(0);
    ensure!(filled > 1_900, "only {filled} lines have a département");
    let groups = prove_groups(journey).await?;
    Ok(format!("{filled} of 2000 lines have their département, région and EPCI; {groups}"))
}

/// Pseudonyms, and how many people are in groups that are too small: counted over the whole dataset, again when it changes.
async fn prove_groups(journey: &Journey) -> Result<String> {
    let admin = &journey.admin;
    let send = async |id: &str, csv: &str, body: Value, since: &str| {
        let bytes = csv.as_bytes().to_vec();
        admin.upload(Method::POST, &format!("{DATASETS}/{id}"), "data.csv", bytes, &body).await?;
        admin.finalized(id, since).await
    };
    send("sel", "sel\nun sel de démonstration\n", json!({}), "").await?;
    let config = json!({
        "columns": [
            { "column": "nom", "action": "hash" }, { "column": "cp", "action": "departement" },
            { "column": "age", "action": "range", "step": 10 },
        ],
        "k": 3,
    });
    let extension = json!({ "type": "enricher", "plugin": "pseudonymise", "propertyPrefix": "p", "config": config, "slots": { "salt": "sel" } });
    let many = "nom,cp,age\nAnne,35000,31\nBob,35200,38\nCléo,35400,33\n";
    let few = format!("{many}Dan,29200,41\nÈve,29000,45\nFlo,75001,22\nGil,inconnu,50\n");
    let made = send("personnes", &few, json!({ "extensions": [extension] }), "").await?;
    let report = async || -> Result<Value> {
        Ok(admin.json(&format!("{DATASETS}/personnes/group-sizes")).await?["results"][0].take())
    };
    let found = report().await?;
    ensure!(
        found["k"] == 3 && found["groups"] == 3 && found["smallest"] == 1 && found["linesBelow"] == 3,
        "the groups are {found}"
    );
    ensure!(found["linesWithoutGroup"] == 1, "a postcode that is none has no group: {found}");
    let journal = admin.json(&format!("{DATASETS}/personnes/journal")).await?.to_string();
    ensure!(
        journal.contains("\"group-sizes\"") && !journal.contains("[40 ; 50["),
        "the journal is {journal}"
    );
    send("personnes", many, json!({}), made["finalizedAt"].as_str().unwrap_or_default()).await?;
    let found = report().await?;
    ensure!(found["linesBelow"] == 0 && found["smallest"] == 3, "the groups are now {found}");
    Ok("3 of 7 people stood in groups of fewer than 3".to_owned())
}
