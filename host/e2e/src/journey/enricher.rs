//! The enricher adds the territories of each commune.

use anyhow::{Result, ensure};

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
    Ok(format!("{filled} of 2000 lines have their département, région and EPCI"))
}
