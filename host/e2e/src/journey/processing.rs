//! The processing runs on its schedule, writes its log live, is killed on demand, and survives the host's death.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};

use super::Journey;
use crate::demo;
use crate::fixtures::paged_api::ITEMS;

const API: &str = "/processings/api/v1";

/// Milliseconds of a page that make a run last long enough to be killed.
const SLOW_PAGE_MS: u64 = 1_500;

pub async fn prove(journey: &mut Journey) -> Result<String> {
    let processing = demo::processing(&journey.admin, &journey.world, "Stations").await?;
    let id = processing["_id"].as_str().context("a processing has an id")?.to_owned();
    ensure!(processing["nextRun"]["status"] == "scheduled", "no run is scheduled: {}", processing["nextRun"]);
    let run = trigger(journey, &id).await?;
    let ended = ended(journey, &run).await?;
    ensure!(ended["status"] == "finished", "the run ended as {}: {}", ended["status"], ended["log"]);
    let processing = journey.admin.json(&format!("{API}/processings/{id}")).await?;
    let dataset =
        processing["slots"]["output"]["dataset"].as_str().context("the run made no dataset")?.to_owned();
    let lines = journey.admin.json(&format!("{}/{dataset}/lines?size=1", demo::DATASETS)).await?;
    ensure!(lines["total"] == ITEMS, "the dataset has {} lines", lines["total"]);
    on_schedule(journey, &id, &run).await?;
    killed(journey, &id).await?;
    after_the_hosts_death(journey, &id).await?;
    Ok(format!(
        "{ITEMS} items imported, a run by schedule, a live log, a kill in time, a run that outlived its host's death"
    ))
}

/// Starts a run as soon as one may be started; its identifier.
pub(super) async fn trigger(journey: &Journey, id: &str) -> Result<String> {
    let path = format!("{API}/processings/{id}/_trigger");
    let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
    loop {
        let answer = journey.admin.send(journey.admin.request(Method::POST, &path)).await?;
        if answer.status.is_success() {
            return Ok(answer.json()?["_id"].as_str().context("a run has an id")?.to_owned());
        }
        // A scheduled run may be in progress: it ends soon.
        ensure!(answer.status == 400, "triggering gives {} {}", answer.status, answer.excerpt());
        ensure!(
            tokio::time::Instant::now() < deadline,
            "triggering is refused for a minute: {}",
            answer.excerpt()
        );
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}

/// Waits for the end of a run.
pub(super) async fn ended(journey: &Journey, run: &str) -> Result<Value> {
    let over = |run: &Value| {
        matches!(run["status"].as_str(), Some("finished" | "error" | "killed")).then(|| run.clone())
    };
    journey.admin.until(&format!("{API}/runs/{run}"), over).await
}

/// Waits for a run that nobody triggered.
async fn on_schedule(journey: &Journey, id: &str, triggered: &str) -> Result<()> {
    let by_itself = |runs: &Value| {
        let runs = runs["results"].as_array()?;
        runs.iter().find(|run| run["_id"] != triggered && run["status"] == "finished").map(drop)
    };
    journey.admin.until(&format!("{API}/runs?processing={id}"), by_itself).await
}

async fn killed(journey: &Journey, id: &str) -> Result<()> {
    journey.world.pace.set_ms(SLOW_PAGE_MS);
    let run = trigger(journey, id).await?;
    let path = format!("{API}/runs/{run}");
    let live = |run: &Value| {
        (run["status"] == "running" && run["log"].as_array().is_some_and(|log| log.len() > 1)).then_some(())
    };
    journey.admin.until(&path, live).await.context("the log does not grow while the run goes on")?;
    journey.admin.send_json(Method::POST, &format!("{path}/_kill"), &json!({})).await?;
    let asked = tokio::time::Instant::now();
    let ended = ended(journey, &run).await?;
    ensure!(ended["status"] == "killed", "the killed run ended as {}", ended["status"]);
    ensure!(asked.elapsed() < Duration::from_secs(20), "the kill took {:?}", asked.elapsed());
    Ok(())
}

/// Kills the server in the middle of a run; the next server reports the run and starts the next one.
async fn after_the_hosts_death(journey: &mut Journey, id: &str) -> Result<()> {
    let run = trigger(journey, id).await?;
    let running = |run: &Value| (run["status"] == "running").then_some(());
    journey.admin.until(&format!("{API}/runs/{run}"), running).await?;
    journey.world.pace.set_ms(0);
    let origins = journey.world.origins();
    journey.restart(&origins).await?;
    let ended = ended(journey, &run).await?;
    ensure!(ended["status"] == "error", "after kill -9 the run is {}", ended["status"]);
    let newest = format!("{API}/runs?processing={id}");
    journey.admin.until(&newest, |runs| finished_after(runs, &run)).await?;
    let inactive = json!({ "active": false });
    journey.admin.send_json(Method::PATCH, &format!("{API}/processings/{id}"), &inactive).await.map(drop)
}

/// Whether a run that is newer than `run` has finished; runs come newest first.
fn finished_after(runs: &Value, run: &str) -> Option<()> {
    let newer = runs["results"].as_array()?.iter().take_while(|other| other["_id"] != run);
    newer.filter(|other| other["status"] == "finished").map(drop).next()
}
