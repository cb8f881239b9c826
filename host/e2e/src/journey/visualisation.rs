//! The chart is drawn on the server: as SVG, as PNG, in a page that stands in a frame.

use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::json;

use super::Journey;
use crate::{demo, gallery};

pub async fn prove(journey: &mut Journey) -> Result<String> {
    let application = demo::chart(&journey.admin, "communes").await?;
    let id = application["id"].as_str().context("an application has an id")?.to_owned();
    let path = format!("/data-fair/api/v1/applications/{id}");
    for kind in ["bar", "line", "pie"] {
        let mut configuration = application["configuration"].clone();
        configuration["type"] = json!(kind);
        journey.admin.send_json(Method::PUT, &format!("{path}/configuration"), &configuration).await?;
        let svg = journey.anonymous.get(&format!("{path}/drawing.svg")).await?;
        ensure!(
            svg.header("content-type").starts_with("image/svg+xml"),
            "the {kind} is {}",
            svg.header("content-type")
        );
        ensure!(
            svg.text.contains("<title") && svg.text.contains("role=\"img\""),
            "the {kind} has no title: {}",
            svg.excerpt()
        );
        // A line goes by name and is cut before the biggest région.
        let region = if kind == "line" { "Bretagne" } else { "le-de-France" };
        let names = svg.text.contains(region);
        ensure!(names, "the {kind} does not name the régions: {}", svg.excerpt());
    }
    let request = journey.anonymous.request(Method::GET, &format!("{path}/capture?width=400"));
    let png = request.send().await?;
    ensure!(png.status().is_success(), "the capture gives {}", png.status());
    let bytes = png.bytes().await?;
    ensure!(bytes.starts_with(b"\x89PNG") && bytes.len() > 2_000, "the capture is no picture");
    let page = journey.anonymous.get(&format!("/data-fair/app/{id}")).await?;
    ensure!(
        page.text.contains("<svg") && page.text.contains("<table"),
        "the page lacks the picture or its table"
    );
    ensure!(
        page.header("content-security-policy").contains("frame-ancestors *"),
        "the page cannot stand in a frame"
    );
    let hidden = format!("/data-fair/api/v1/datasets/{}/permissions", "communes");
    journey.admin.send_json(Method::PUT, &hidden, &json!([])).await?;
    let refused = journey.anonymous.get_any(&format!("{path}/drawing.svg")).await?;
    ensure!(refused.status == 403, "a chart of a private dataset gives {}", refused.status);
    demo::make_public(&journey.admin, "communes").await?;
    let others = gallery::prove(&journey.admin, &journey.anonymous).await?;
    Ok(format!(
        "bars, line and pie as SVG, PNG, page and frame; {others}; nothing of a dataset that its viewer may not read"
    ))
}
