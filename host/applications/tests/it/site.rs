//! The feature and datasets over real adapters.

use std::sync::Arc;

use axum::Router;
use axum::http::Method;
use halle_applications::{Applications, ApplicationsParts, Painter};
use halle_testkit::{Api, DATASETS, World};
use serde_json::{Value, json};

/// Where applications are.
pub const APPLICATIONS: &str = "/data-fair/api/v1/applications";

/// Refuses scripts; its pixels are the width and the drawing.
struct TextPainter;

impl Painter for TextPainter {
    fn sanitize(&self, svg: &str) -> Result<String, String> {
        if svg.contains("<script") { Err("nothing is left of it".to_owned()) } else { Ok(svg.to_owned()) }
    }

    fn png(&self, svg: &str, width_px: u32) -> Result<Vec<u8>, String> {
        Ok(format!("{width_px} {svg}").into_bytes())
    }
}

/// The feature, ready to be called, with one private dataset `arbres` of three lines.
pub struct Site {
    _world: World,
    /// Nobody.
    pub anonymous: Api,
    /// An admin of the organisation that owns everything.
    pub owner: Api,
}

impl Site {
    pub async fn new() -> Self {
        let world = World::new(|_| Vec::new()).await;
        let tools = &world.tools;
        let applications = Applications::new(ApplicationsParts {
            store: Arc::clone(&tools.stack.store),
            clock: tools.stack.clock.clone(),
            dice: Arc::clone(&tools.stack.dice),
            datasets: world.datasets.clone(),
            plugins: tools.plugins.clone(),
            installed: tools.plugins.clone(),
            painter: Arc::new(TextPainter),
        });
        let router = Router::new()
            .nest("/data-fair/api/v1", halle_datasets::router(world.datasets.clone()))
            .merge(halle_applications::router(applications));
        let anonymous = Api::new(router).described_by(&halle_applications::openapi().document);
        let owner = anonymous.by("alice@ville:admin");
        world.upload(&owner, "arbres", "nom\nchêne\norme\nif\n").await;
        Self { _world: world, anonymous, owner }
    }

    /// Creates an application that draws `arbres`; its path in the API.
    pub async fn application(&self) -> String {
        let created = self.owner.post(APPLICATIONS, &body()).await.ok();
        format!("{APPLICATIONS}/{}", created["id"].as_str().expect("an application has an id"))
    }

    /// Lets everybody see the application, or the dataset, at `path`.
    pub async fn make_public(&self, path: &str) {
        let everybody = json!([{ "classes": ["list", "read"] }]);
        self.owner.json(Method::PUT, &format!("{path}/permissions"), &everybody).await.ok();
    }

    /// Lets everybody see the application at `path` and what it shows.
    pub async fn publish(&self, path: &str) {
        self.make_public(path).await;
        self.make_public(&format!("{DATASETS}/arbres")).await;
    }
}

/// A sound body.
pub fn body() -> Value {
    json!({ "title": "Les arbres", "plugin": "chart", "configuration": { "dataset": "arbres", "type": "bar" } })
}
