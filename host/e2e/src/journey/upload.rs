//! A file goes through the pipeline, the journal tells it, and a broken one leaves the old version served.

use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};

use super::Journey;
use crate::demo::{self, DATASETS};

/// Rows of the demo file of communes.
const COMMUNES: u64 = 34_969;

pub async fn prove(journey: &mut Journey) -> Result<String> {
    let files = &journey.args.files;
    let communes = demo::upload(&journey.admin, "communes", &files.join("communes.csv.gz")).await?;
    ensure!(communes["status"] == "finalized", "communes are {}", communes["status"]);
    ensure!(communes["count"] == COMMUNES, "there are {} communes", communes["count"]);
    let types = |dataset: &Value, key: &str| {
        let columns = dataset["schema"].as_array().cloned().unwrap_or_default();
        columns.into_iter().find(|column| column["key"] == key).map(|column| column["type"].clone())
    };
    ensure!(types(&communes, "code_commune") == Some(json!("string")), "commune codes lost their zeros");
    ensure!(types(&communes, "population") == Some(json!("integer")), "populations are not integers");
    let journal = journey.admin.json(&format!("{DATASETS}/communes/journal")).await?;
    let told: Vec<&str> =
        journal.as_array().into_iter().flatten().filter_map(|event| event["type"].as_str()).collect();
    for stage in
        ["dataset-created", "store-start", "analyze-end", "validate-end", "index-end", "finalize-end"]
    {
        ensure!(told.contains(&stage), "the journal does not tell `{stage}`: {told:?}");
    }
    let messy = demo::upload(&journey.admin, "subventions", &files.join("subventions.csv")).await?;
    ensure!(
        messy["count"] == 2_000,
        "the messy file has {} lines, status {}",
        messy["count"],
        messy["status"]
    );
    let served = messy["finalizedAt"].as_str().context("a finalized dataset has a date")?.to_owned();
    let broken = std::fs::read(files.join("casse.csv"))?;
    let path = format!("{DATASETS}/subventions");
    journey.admin.upload(Method::POST, &path, "casse.csv", broken, &json!({})).await?;
    let draft = format!("{path}?draft=true");
    journey.admin.until(&draft, |dataset| (dataset["status"] == "error").then_some(())).await?;
    let failed = journey.admin.json(&path).await?;
    ensure!(failed["status"] == "finalized", "the broken file made what is served {}", failed["status"]);
    ensure!(failed["finalizedAt"] == json!(served), "the broken file changed what is served");
    let journal = journey.admin.json(&format!("{path}/journal")).await?;
    let reason = journal.as_array().into_iter().flatten().find(|event| event["type"] == "error");
    let reason =
        reason.and_then(|event| event["data"].as_str()).context("the journal does not tell the error")?;
    ensure!(reason.contains("ligne 7"), "the error does not name line 7: {reason}");
    let lines = journey.admin.json(&format!("{path}/lines?size=1")).await?;
    ensure!(lines["total"] == 2_000, "the old version is not served any more");
    demo::upload(&journey.admin, "subventions", &files.join("subventions.csv")).await?;
    Ok(format!(
        "{COMMUNES} communes, a windows-1252 file; a broken one is refused at its line, the old one still served"
    ))
}
