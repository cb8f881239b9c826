//! The feature and datasets over real adapters.

use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use axum::http::Method;
use axum::middleware::from_fn_with_state;
use halle_applications::{Applications, ApplicationsParts, Painter};
use halle_http::ApiResult;
use halle_http::app_keys::{ApplicationKeys, KeyedPage, Lending, lend};
use halle_model::Pass;
use halle_testkit::{Api, DATASETS, World};
use serde_json::{Value, json};

/// Where applications are.
pub const APPLICATIONS: &str = "/data-fair/api/v1/applications";

/// The token of an anonymous action that has waited long enough.
pub const READY_TOKEN: &str = "ready";

/// Keys of the feature, with tokens that a test understands.
struct Keys(Applications);

#[async_trait]
impl ApplicationKeys for Keys {
    async fn passes(&self, page: &KeyedPage) -> ApiResult<Vec<Pass>> {
        self.0.opened_by(page).await
    }

    async fn is_ready(&self, token: &str) -> bool {
        token == READY_TOKEN
    }
}

/// Refuses scripts; its pixels are the width and the drawing.
struct TextPainter;

impl Painter for TextPainter {
    fn sanitize(&self, svg: &str) -> Result<String, String> {
        if svg.contains("<script") { Err("nothing is left of it".to_owned()) } else { Ok(svg.to_owned()) }
    }

    fn sanitize_html(&self, html: &str) -> Result<String, String> {
        if html.is_empty() {
            Err("nothing is left of it".to_owned())
        } else {
            Ok(html.replace("<script>", ""))
        }
    }

    fn png(&self, svg: &str, width_px: u32) -> Result<Vec<u8>, String> {
        Ok(format!("{width_px} {svg}").into_bytes())
    }
}

/// The feature, ready to be called, with one private dataset `arbres` of three lines.
pub struct Site {
    pub world: World,
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
        let lending = Lending::new(Arc::new(Keys(applications.clone())), tools.stack.clock.clone());
        let router = Router::new()
            .nest("/data-fair/api/v1", halle_datasets::router(world.datasets.clone()))
            .merge(halle_applications::router(applications))
            .layer(from_fn_with_state(Arc::new(lending), lend));
        let anonymous = Api::new(router).described_by(&halle_applications::openapi().document);
        let owner = anonymous.by("alice@ville:admin");
        world.upload(&owner, "arbres", "nom\nchêne\norme\nif\n").await;
        Self { world, anonymous, owner }
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
