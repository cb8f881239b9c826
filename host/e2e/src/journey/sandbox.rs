//! A plugin without a grant, a wrong package, and an ungranted call end with a clear reason, while lines keep answering.

use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};

use super::Journey;
use crate::demo::{self, DATASETS};

pub async fn prove(journey: &mut Journey) -> Result<String> {
    let folder = journey.args.work_dir.join("check");
    let broken = folder.join("broken.halle-plugin");
    std::fs::write(&broken, b"this is no package")?;
    let path = broken.to_string_lossy().into_owned();
    let refused = journey.server.try_command(&["plugin", "install", &path, "--accept-unsigned"]).await?;
    ensure!(!refused.status.success(), "a file that is no package was installed");
    let package = demo::package(&journey.args.plugins, "territory")?.to_string_lossy().into_owned();
    let unsigned = journey.server.try_command(&["plugin", "install", &package]).await?;
    ensure!(!unsigned.status.success(), "an unsigned package was installed without being told to");
    ungranted(journey).await?;
    forbidden_address(journey).await?;
    let lines = journey.anonymous.get_any(&format!("{DATASETS}/communes/lines?size=1")).await?;
    ensure!(lines.status.is_success(), "lines do not answer any more");
    Ok("no package, no signature, no grant, no private address: each refused with its reason".to_owned())
}

/// A plugin whose grants were taken back does not run, and says why.
async fn ungranted(journey: &Journey) -> Result<()> {
    journey.server.command(&["plugin", "grant", "chart", "--revoke"]).await?;
    let body = json!({ "title": "x", "plugin": "chart", "configuration": { "datasets": [{ "id": "communes" }], "field": "region" } });
    let request = journey.admin.request(Method::POST, "/data-fair/api/v1/applications").json(&body);
    let answer = journey.admin.send(request).await?;
    journey.server.command(&["plugin", "grant", "chart"]).await?;
    ensure!(
        answer.status == 409 && answer.text.contains("accorde"),
        "without grants: {} {}",
        answer.status,
        answer.excerpt()
    );
    Ok(())
}

/// A processing that is pointed at an address nobody allowed ends with the reason.
async fn forbidden_address(journey: &Journey) -> Result<()> {
    let body = json!({
        "title": "Interdit", "plugin": "import-api", "active": true, "slots": { "output": { "title": "Interdit" } },
        "config": { "apiURL": "http://127.0.0.1:9/secret", "block": { "mapping": [{ "key": "a", "path": "a" }] } },
    });
    let processing = journey.admin.send_json(Method::POST, "/processings/api/v1/processings", &body).await?;
    let id = processing["_id"].as_str().context("a processing has an id")?;
    let trigger = format!("/processings/api/v1/processings/{id}/_trigger");
    let run = journey.admin.send_json(Method::POST, &trigger, &json!({})).await?;
    let path = format!("/processings/api/v1/runs/{}", run["_id"].as_str().unwrap_or_default());
    let over =
        |run: &Value| matches!(run["status"].as_str(), Some("finished" | "error")).then(|| run.clone());
    let ended = journey.admin.until(&path, over).await?;
    ensure!(ended["status"] == "error", "a forbidden address ended as {}", ended["status"]);
    ensure!(ended["log"].to_string().contains("denied/"), "the log does not say why: {}", ended["log"]);
    Ok(())
}
