//! The visualisations of the demo: each plugin of this kind over the demo's data, so that a newcomer sees what there is.

use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::Client;
use crate::demo::{self, DATASETS};

/// The API of applications.
const APPLICATIONS: &str = "/data-fair/api/v1/applications";

/// A visualisation, and what its drawing must say.
#[derive(Debug)]
pub struct Piece {
    /// The plugin.
    pub plugin: &'static str,
    /// Identifier of the dataset that it shows.
    pub dataset: &'static str,
    /// Title of the page and of the drawing.
    pub title: &'static str,
    /// The rest of its configuration.
    pub configuration: Value,
    /// A text of the drawing that only comes from the data.
    pub says: &'static str,
}

/// Every visualisation but the chart of [`demo::chart`](crate::demo::chart), over `communes` and `bornes`.
pub fn pieces() -> Vec<Piece> {
    let piece =
        |plugin, dataset, title, configuration, says| Piece { plugin, dataset, title, configuration, says };
    vec![
        piece(
            "key-figures",
            "communes",
            "La France en chiffres",
            json!({ "figures": [
                { "title": "communes" },
                { "title": "habitants", "metric": "sum", "metricField": "population" },
                { "title": "habitants de la plus grande commune", "metric": "max", "metricField": "population" },
            ] }),
            "habitants",
        ),
        piece(
            "table",
            "communes",
            "Les vingt plus grandes communes",
            json!({
                "columns": [
                    { "key": "commune", "title": "Commune" }, { "key": "departement", "title": "Département" },
                    { "key": "population", "title": "Population", "unit": "hab.", "bar": true },
                ],
                "sort": "-population", "size": 20,
            }),
            "Marseille",
        ),
        piece(
            "chart",
            "communes",
            "Population par région et département",
            json!({
                "type": "treemap", "field": "region", "field2": "departement", "metric": "sum",
                "metricField": "population", "unit": "hab.",
            }),
            "Occitanie",
        ),
        piece(
            "chart",
            "communes",
            "Communes par région et département",
            json!({ "type": "sunburst", "field": "region", "field2": "departement", "size": 8 }),
            "Grand Est",
        ),
        piece(
            "map",
            "bornes",
            "Bornes de recharge (regroupées)",
            json!({ "type": "clusters", "labelField": "nom" }),
            "600 lignes en ",
        ),
        piece(
            "map",
            "bornes",
            "Bornes de recharge de Montpellier",
            json!({ "type": "points", "labelField": "nom", "field": "gratuit", "sizeField": "puissance_kw",
                "qs": "commune:Montpellier" }),
            "Borne fictive",
        ),
        piece(
            "calendar",
            "bornes",
            "Mises en service de bornes",
            json!({ "field": "mise_en_service" }),
            "20",
        ),
    ]
}

/// Makes a public application of a piece; its identifier.
pub async fn hang(client: &Client, piece: &Piece) -> Result<String> {
    let mut configuration = piece.configuration.clone();
    configuration["datasets"] = json!([{ "id": piece.dataset }]);
    configuration["title"] = json!(piece.title);
    let body = json!({ "title": piece.title, "plugin": piece.plugin, "configuration": configuration });
    let application = client.send_json(Method::POST, APPLICATIONS, &body).await?;
    let id = application["id"].as_str().context("an application has an id")?.to_owned();
    let public = json!([{ "classes": ["list", "read"] }]);
    client.send_json(Method::PUT, &format!("{APPLICATIONS}/{id}/permissions"), &public).await?;
    Ok(id)
}

/// Hangs every piece, and checks that anybody gets its drawing, with what it says, and its page with the data as a table.
pub async fn prove(admin: &Client, anonymous: &Client) -> Result<String> {
    let pieces = pieces();
    for piece in &pieces {
        let id = hang(admin, piece).await?;
        let svg = anonymous.get(&format!("{APPLICATIONS}/{id}/drawing.svg")).await?;
        ensure!(
            svg.text.contains("role=\"img\"") && svg.text.contains(piece.says),
            "« {} » does not say `{}`: {}",
            piece.title,
            piece.says,
            svg.excerpt()
        );
        let page = anonymous.get(&format!("/data-fair/app/{id}")).await?;
        ensure!(page.text.contains("<table"), "the page of « {} » lacks its table", piece.title);
    }
    prove_style(admin, anonymous).await?;
    Ok(format!("{} more forms, each with its table; areas with their interactive style", pieces.len()))
}

/// Draws areas by a number, reads the style of the interactive map, and asks it for a tile.
async fn prove_style(admin: &Client, anonymous: &Client) -> Result<()> {
    const ZONES: &str = "zones";
    let path = format!("{DATASETS}/{ZONES}");
    let area = |west: u32, name: &str, rate: u32| {
        let ring = format!("[[{west},45],[{0},45],[{0},46],[{west},46],[{west},45]]", west + 1);
        format!("{name},{rate},\"{{\"\"type\"\":\"\"Polygon\"\",\"\"coordinates\"\":[{ring}]}}\"\n")
    };
    let csv: String = (0..6).map(|zone| area(zone, &format!("Zone {zone}"), zone * 10)).collect();
    let csv = format!("nom,taux,geom\n{csv}").into_bytes();
    admin.upload(Method::POST, &path, "zones.csv", csv, &json!({})).await?;
    let dataset = admin.finalized(ZONES, "").await?;
    let mut schema = dataset["schema"].clone();
    for column in schema.as_array_mut().into_iter().flatten().filter(|column| column["key"] == "geom") {
        column["x-refersTo"] = json!("https://purl.org/geojson/vocab#geometry");
    }
    admin.send_json(Method::PATCH, &path, &json!({ "schema": schema })).await?;
    admin.finalized(ZONES, dataset["finalizedAt"].as_str().unwrap_or_default()).await?;
    demo::make_public(admin, ZONES).await?;
    let configuration = json!({ "type": "choropleth", "geometryField": "geom", "labelField": "nom", "field": "taux", "classes": 3 });
    let piece =
        Piece { plugin: "map", dataset: ZONES, title: "Taux par zone", configuration, says: "Zone 5" };
    let id = hang(admin, &piece).await?;
    let svg = anonymous.get(&format!("{APPLICATIONS}/{id}/drawing.svg")).await?;
    ensure!(svg.text.contains("aria-label=\"Zone 5"), "the areas are not drawn: {}", svg.excerpt());
    let answer = anonymous.get(&format!("{APPLICATIONS}/{id}/drawing.style.json")).await?;
    ensure!(
        answer.header("content-type").starts_with("application/json"),
        "{}",
        answer.header("content-type")
    );
    let style = answer.json()?;
    let fill = &style["layers"][1]["paint"]["fill-color"];
    ensure!(style["version"] == 8 && fill[2][0] == "step", "the areas have no classes: {style}");
    ensure!(
        fill[2][2].as_str().is_some_and(|colour| svg.text.contains(colour)),
        "other colours than the picture: {fill}"
    );
    let tiles = style["sources"]["dataset"]["tiles"][0].as_str().context("the style has tiles")?;
    let tile = tiles.strip_prefix(&anonymous.base).context("tiles of another server")?;
    let tile = tile.replace("{x},{y},{z}", "32,22,6");
    let answer = anonymous.get(&tile).await?;
    ensure!(answer.status == 200 && answer.text.contains("taux"), "the tile {tile} lacks the number");
    Ok(())
}
