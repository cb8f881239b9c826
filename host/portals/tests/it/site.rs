//! A site over real adapters, with one public and one private dataset.

use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request};
use halle_datasets::enrich::AllEnrichments;
use halle_datasets::{Datasets, DatasetsConfig, DatasetsParts, handlers};
use halle_http::Hub;
use halle_model::Caller;
use halle_portals::{ChartRequest, Charts, Picture, Portals, PortalsParts};
use halle_testkit::{Answer, Api, Stack};
use serde_json::json;

/// The owner of everything.
pub const OWNER: &str = "alice@ville:admin";

const API: &str = "/data-fair/api/v1";

/// A site.
pub struct Site {
    pub api: Api,
    _stack: Stack,
}

/// Draws the configuration as text; refuses to group by the column `nom`.
struct TextCharts;

#[async_trait]
impl Charts for TextCharts {
    async fn draw(&self, _caller: &Caller, chart: &ChartRequest) -> Result<Picture, String> {
        let configuration = &chart.configuration;
        if configuration["field"] == "nom" {
            return Err("too many groups".to_owned());
        }
        let part = |key: &str| configuration[key].as_str().unwrap_or("nothing").to_owned();
        let alt = format!("{} {} {}({})", chart.plugin, part("type"), part("metric"), part("field"));
        let svg = "<svg viewBox=\"0 0 1 1\"><title>dessin</title></svg>".to_owned();
        let table = json!({ "columns": ["Quartier", "Total"], "rows": [["Nord", 3], ["Sud", null]] });
        Ok(Picture { svg, alt, table: Some(table) })
    }
}

/// 60 trees of three districts.
fn trees() -> String {
    let mut csv = "nom,quartier,hauteur\n".to_owned();
    for i in 0..60 {
        let district = ["Nord", "Sud", "Île"][i % 3];
        csv.push_str(&format!("Arbre {i:02},{district},{}\n", 100 + i));
    }
    csv
}

impl Site {
    /// `arbres` is public and described; `secret` is the owner's own.
    pub async fn new() -> Self {
        let stack = Stack::new().await;
        let datasets = Datasets::new(DatasetsParts {
            store: Arc::clone(&stack.store),
            blobs: Arc::clone(&stack.blobs),
            engine: Arc::clone(&stack.engine),
            clock: stack.clock.clone(),
            dice: Arc::clone(&stack.dice),
            enrichments: Arc::new(AllEnrichments::default()),
            hub: Hub::new(stack.clock.clone()),
            config: DatasetsConfig::new(stack.subfolder("tmp")),
        });
        let title = "Données & Ville".to_owned();
        let charts = Arc::new(TextCharts);
        let portals = Portals::new(PortalsParts { datasets: datasets.clone(), charts, title });
        let router = Router::new()
            .nest(API, halle_datasets::router(datasets.clone()))
            .merge(halle_portals::router(portals));
        let api = Api::new(router);
        let owner = api.by(OWNER);
        for (id, csv) in [("arbres", trees()), ("secret", "a,b\n1,2\n".to_owned())] {
            let path = format!("{API}/datasets/{id}");
            let answer = owner.upload(Method::POST, &path, "arbres.csv", csv.as_bytes(), &[]).await;
            assert!(answer.status.is_success(), "{}", answer.text());
        }
        stack.runner(handlers(&datasets)).run_ready().await;
        let described = json!({
            "title": "Arbres de la <ville>",
            "summary": "Chaque arbre",
            "description": "## Relevé\n\nUn **inventaire**.<script>alert(1)</script>",
            "license": { "title": "Licence Ouverte", "href": "https://www.etalab.gouv.fr/licence-ouverte-open-licence" },
            "keywords": ["nature"],
            "topics": [{ "id": "env", "title": "Environnement" }]
        });
        owner.json(Method::PATCH, &format!("{API}/datasets/arbres"), &described).await;
        let public = json!([{ "classes": ["list", "read"] }]);
        owner.json(Method::PUT, &format!("{API}/datasets/arbres/permissions"), &public).await;
        stack.runner(handlers(&datasets)).run_ready().await;
        Self { api, _stack: stack }
    }

    /// A page as a browser asks for it, with further headers.
    pub async fn browse(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = Request::get(path).header("accept", "text/html");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.api.send(request.body(Body::empty()).expect("a test's request is sound")).await
    }

    /// The text of a page that must be a success.
    pub async fn page(&self, path: &str) -> String {
        let answer = self.browse(path, &[]).await;
        assert_eq!(answer.status.as_u16(), 200, "{path}: {}", answer.text());
        text(&answer)
    }
}

/// The body, its slashes as they were: the templates escape them too.
pub fn text(answer: &Answer) -> String {
    answer.text().replace("&#x2f;", "/")
}

/// Fails with the page when it lacks one of the texts.
pub fn has(page: &str, texts: &[&str]) {
    for text in texts {
        assert!(page.contains(text), "{text} is not in\n{page}");
    }
}
