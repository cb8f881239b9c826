//! A chart drawn by a plugin, beside the aggregation that it shows.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use serde_json::json;

use super::median;
use crate::alone::Seen;
use crate::halle::Halle;
use crate::load;

/// How long one round lasts.
const ROUND: Duration = Duration::from_secs(1);

/// Rounds in which the two take turns.
const ROUNDS: usize = 3;

/// Bars of the chart.
const BARS: usize = 12;

/// The ratio of the medians of a drawing and of its aggregation, over all rows of `dataset`.
pub async fn measure(halle: &Halle, binary: &Path, packages: &Path, dataset: &str) -> Result<Seen> {
    let package = std::fs::read_dir(packages)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            name.starts_with("chart-") && name.ends_with(".halle-plugin")
        })
        .ok_or_else(|| anyhow!("no package `chart` in {}", packages.display()))?;
    halle.install_package(binary, &package).await?;
    let configuration = json!({
        "datasets": [{ "id": dataset }], "type": "bar", "title": "Amounts", "field": "category",
        "metric": "sum", "metricField": "amount", "size": BARS,
    });
    let body = json!({ "title": "Amounts", "plugin": "chart", "configuration": configuration });
    let application = halle.post("applications", &body).await?;
    let id = application["id"].as_str().context("an application without id")?;
    halle.publish(&format!("applications/{id}")).await?;
    let drawing = vec![format!("/data-fair/api/v1/applications/{id}/drawing.svg")];
    let aggregation = vec![format!(
        "/data-fair/api/v1/datasets/{dataset}/values_agg?field=category&agg_size={BARS}&metric=sum&metric_field=amount"
    )];
    let (mut drawn, mut counted) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        counted.push(load::latency(&halle.process.address, &aggregation, ROUND).await?.0);
        drawn.push(load::latency(&halle.process.address, &drawing, ROUND).await?.0);
    }
    let (drawn, counted) = (median(drawn), median(counted));
    ensure!(counted > 0.0, "an aggregation took no time");
    Ok((
        "chart as SVG ÷ its aggregation (at most 2)".to_owned(),
        format!("{:.2} ({drawn:.2} ms, {counted:.2} ms)", drawn / counted),
    ))
}
