//! First-party plugins that speak to services of the world: registers of addresses and of companies, shared bikes (in Python),
//! a feed of news (in JavaScript).

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::{Journey, processing};
use crate::demo::DATASETS;
use crate::fixtures::registers::PLACES;
use crate::fixtures::{mobility, news};
use crate::outside;

pub async fn prove(journey: &mut Journey) -> Result<String> {
    registers(journey).await?;
    let bikes = outside::bikes(&journey.admin, &journey.world).await?;
    let stations = filled(journey, &bikes).await?;
    ensure!(stations["total"] == mobility::STATIONS, "{} stations of bikes", stations["total"]);
    let station = &stations["results"][0];
    ensure!(
        station["nom"] == "Station de démonstration 1"
            && station["velos"] == 1
            && station["loue"] == true
            && station["_geopoint"].is_string(),
        "a station is {station}"
    );
    let feed = outside::news(&journey.admin, &journey.world).await?;
    let entries = filled(journey, &feed).await?;
    ensure!(entries["total"] == news::ENTRIES, "{} entries of the feed", entries["total"]);
    journey.world.published.one_more();
    let entries = filled(journey, &feed).await?;
    ensure!(entries["total"] == news::ENTRIES + 1, "{} entries were kept and added", entries["total"]);
    Ok("addresses found, companies named, what nobody knows told in its line; bikes read in Python, news kept in JavaScript"
        .to_owned())
}

async fn registers(journey: &Journey) -> Result<()> {
    let dataset = outside::establishments(&journey.admin, &journey.world).await?;
    ensure!(dataset["status"] == "finalized", "the establishments are {}", dataset["status"]);
    let path = format!("{DATASETS}/{}/lines?sort=siret", outside::ESTABLISHMENTS);
    let lines = journey.admin.json(&path).await?;
    let lines = lines["results"].as_array().context("no lines")?;
    for (line, (_, name, address, .., lat, lon)) in lines.iter().zip(PLACES) {
        ensure!(line["geo.lat"] == json!(lat) && line["geo.lon"] == json!(lon), "{address} is at {line}");
        ensure!(line["entreprise.nom"] == name, "{name} is {line}");
    }
    let unknown = lines.get(PLACES.len()).context("the line that nobody knows is missing")?.to_string();
    for said in ["Aucune adresse", "Aucun établissement"] {
        ensure!(unknown.contains(said), "the line that nobody knows does not say « {said} »: {unknown}");
    }
    Ok(())
}

/// Runs a processing once and reads the first lines of what it made.
async fn filled(journey: &Journey, made: &Value) -> Result<Value> {
    let id = made["_id"].as_str().context("a processing has an id")?;
    let run = processing::trigger(journey, id).await?;
    let ended = processing::ended(journey, &run).await?;
    ensure!(ended["status"] == "finished", "the run of {id} ended as {}: {}", ended["status"], ended["log"]);
    let processing = journey.admin.json(&format!("/processings/api/v1/processings/{id}")).await?;
    let dataset = processing["slots"]["output"]["dataset"].as_str().context("the run made no dataset")?;
    journey.admin.json(&format!("{DATASETS}/{dataset}/lines?sort=_id&size=10")).await
}
