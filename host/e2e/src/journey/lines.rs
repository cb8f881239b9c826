//! The lines API answers as the reference says, status codes and error texts included.

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::Journey;
use crate::demo::{self, DATASETS};

pub async fn prove(journey: &mut Journey) -> Result<String> {
    demo::make_public(&journey.admin, "communes").await?;
    demo::upload(&journey.admin, "bornes", &journey.args.files.join("bornes.csv")).await?;
    let located = demo::locate(&journey.admin, "bornes").await?;
    ensure!(located["bbox"].is_array(), "the located dataset has no box: {}", located["status"]);
    demo::make_public(&journey.admin, "bornes").await?;
    let checked = filters(journey).await? + errors(journey).await?;
    paging(journey).await?;
    formats(journey).await?;
    documents(journey).await?;
    Ok(format!("{checked} questions, paging, CSV and GeoJSON, aggregations, OpenAPI documents"))
}

/// Questions with the number of lines they must find.
async fn filters(journey: &Journey) -> Result<usize> {
    let questions: [(&str, &str, u64); 11] = [
        ("communes", "q=bourg-en-bresse&q_mode=and&q_fields=commune", 1),
        ("communes", "code_commune_eq=01053", 1),
        ("communes", "code_commune_in=01053,69123", 2),
        ("communes", "population_gte=1000000", 1),
        ("communes", "population_lte=0&population_gte=0", 6),
        ("communes", "code_commune_starts=2A", 124),
        ("communes", "qs=departement:Ain%20AND%20population:%3E40000", 1),
        ("communes", "departement_neq=Ain&region_eq=Bretagne&code_departement_in=35", 332),
        ("communes", "Code_postal_(BAN)=06130", 34_969),
        ("bornes", "bbox=-180,-90,180,90", 600),
        ("bornes", "bbox=0,0,0.001,0.001", 0),
    ];
    for (dataset, question, expected) in questions {
        let path = format!("{DATASETS}/{dataset}/lines?size=0&{question}");
        let total = journey.anonymous.json(&path).await?["total"].as_u64();
        ensure!(total == Some(expected), "{question} finds {total:?}, not {expected}");
    }
    let path = format!("{DATASETS}/communes/lines?select=commune,population&sort=-population&size=2");
    let lines = journey.anonymous.json(&path).await?;
    let names: Vec<&Value> =
        lines["results"].as_array().into_iter().flatten().map(|line| &line["commune"]).collect();
    ensure!(names == ["Paris", "Marseille"], "the biggest communes are {names:?}");
    Ok(questions.len() + 1)
}

/// Wrong questions with their status and a part of the text that clients match on.
async fn errors(journey: &Journey) -> Result<usize> {
    let questions: [(&str, u16, &str); 7] = [
        ("communes/lines?select=nope", 400, "Impossible de sélectionner le champ nope"),
        ("communes/lines?sort=nope", 400, "Impossible de trier sur le champ nope"),
        ("communes/lines?nope_eq=1", 400, "Impossible d'appliquer un filtre sur le champ nope"),
        ("communes/lines?region_eq=", 400, "nécessite une valeur"),
        ("communes/lines?size=100&page=101", 400, "\"size * page\" cannot be more than 10000"),
        ("communes/lines?size=1&size=2", 400, "is defined multiple times"),
        ("nope/lines", 404, "not found"),
    ];
    for (path, status, text) in questions {
        let answer = journey.anonymous.get_any(&format!("{DATASETS}/{path}")).await?;
        ensure!(answer.status.as_u16() == status, "{path} gives {}", answer.status);
        ensure!(answer.text.contains(text), "{path} says {}", answer.excerpt());
    }
    let private = journey.anonymous.get_any(&format!("{DATASETS}/subventions/lines")).await?;
    ensure!(private.status == 403, "a private dataset gives {} to everybody", private.status);
    Ok(questions.len() + 1)
}

/// Following `next` meets every line once.
async fn paging(journey: &Journey) -> Result<()> {
    let mut path = format!("{DATASETS}/communes/lines?size=5000&select=code_commune&sort=region");
    let mut seen = std::collections::HashSet::new();
    for _ in 0..20 {
        let page = journey.anonymous.json(&path).await?;
        for line in page["results"].as_array().into_iter().flatten() {
            let code = line["code_commune"].as_str().context("a line has no code")?.to_owned();
            ensure!(seen.insert(code.clone()), "{code} comes twice");
        }
        match page["next"].as_str() {
            Some(next) => path = next.to_owned(),
            None => break,
        }
    }
    ensure!(seen.len() == 34_969, "following `next` meets {} lines", seen.len());
    Ok(())
}

async fn formats(journey: &Journey) -> Result<()> {
    let csv = journey
        .anonymous
        .get(&format!("{DATASETS}/communes/lines?format=csv&size=1&select=commune,population"))
        .await?;
    ensure!(
        csv.text.starts_with("\u{feff}\"Commune\",\"Population\"\n\"L'Abergement-Clémenciat\",860\n"),
        "{}",
        csv.excerpt()
    );
    // Streamed and compressed, as the client asks for gzip.
    let all = journey
        .anonymous
        .get(&format!("{DATASETS}/communes/lines?format=csv&size=all&select=code_commune"))
        .await?;
    ensure!(all.text.lines().count() == 34_970, "the whole export has {} lines", all.text.lines().count());
    let geojson = journey.anonymous.json(&format!("{DATASETS}/bornes/lines?format=geojson&size=3")).await?;
    ensure!(
        geojson["type"] == "FeatureCollection" && geojson["features"][2]["geometry"]["type"] == "Point",
        "{geojson}"
    );
    let groups = journey
        .anonymous
        .json(&format!("{DATASETS}/communes/values_agg?field=region&metric=sum&metric_field=population"))
        .await?;
    ensure!(
        groups["aggs"][0]["value"] == "Île-de-France",
        "the biggest région is {}",
        groups["aggs"][0]["value"]
    );
    let path = format!("{DATASETS}/communes/metric_agg?metric=max&field=population");
    let max = journey.anonymous.json(&path).await?["metric"].as_f64().unwrap_or(0.0);
    ensure!(max > 2_000_000.0, "the biggest commune has {max} inhabitants");
    Ok(())
}

async fn documents(journey: &Journey) -> Result<()> {
    for path in ["/data-fair/api/v1/api-docs.json".to_owned(), format!("{DATASETS}/communes/api-docs.json")] {
        let document = journey.anonymous.json(&path).await?;
        let version = document["openapi"].as_str().unwrap_or_default();
        ensure!(version.starts_with("3.1"), "{path} is OpenAPI {version}");
        ensure!(
            document["paths"].as_object().is_some_and(|paths| paths.len() > 3),
            "{path} describes nothing"
        );
    }
    Ok(())
}
