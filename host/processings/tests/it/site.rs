//! The feature and datasets over real adapters.

use std::sync::Arc;

use axum::Router;
use axum::http::Method;
use halle_http::{ApiError, Realtime};
use halle_processings::{Processings, ProcessingsParts};
use halle_testkit::{Api, World};
use serde_json::{Value, json};

/// Where processings are.
pub const PROCESSINGS: &str = "/processings/api/v1/processings";

/// Where runs are.
pub const RUNS: &str = "/processings/api/v1/runs";

/// The feature, ready to be called.
pub struct Site {
    pub world: World,
    pub processings: Processings,
    /// Nobody.
    pub anonymous: Api,
    /// An admin of the organisation that owns everything.
    pub owner: Api,
}

impl Site {
    pub async fn new() -> Self {
        let world = World::with_plugins().await;
        let tools = &world.tools;
        let processings = Processings::new(ProcessingsParts {
            store: Arc::clone(&tools.stack.store),
            clock: tools.stack.clock.clone(),
            dice: Arc::clone(&tools.stack.dice),
            datasets: world.datasets.clone(),
            plugins: tools.plugins.clone(),
            installed: tools.plugins.clone(),
            egress: tools.outside.clone(),
            vault: Arc::clone(&tools.vault),
            hub: tools.hub.clone(),
            temp_dir: tools.stack.subfolder("tmp"),
        });
        let nothing =
            Arc::new(|_: &halle_model::Caller, _: &str| -> futures::future::BoxFuture<'static, _> {
                Box::pin(std::future::ready(Err(ApiError::not_found("unknown channel"))))
            });
        let realtime =
            Realtime { hub: tools.hub.clone(), keys: None, applications: None, authorize: nothing };
        let router = Router::new()
            .nest("/data-fair/api/v1", halle_datasets::router(world.datasets.clone()))
            .merge(halle_processings::router(processings.clone(), realtime));
        let anonymous = Api::new(router).described_by(&halle_processings::openapi().document);
        let owner = anonymous.by("alice@ville:admin");
        Self { world, processings, anonymous, owner }
    }

    /// Creates a processing that runs in `mode` and writes a new dataset; its identifier.
    pub async fn processing(&self, mode: &str) -> String {
        let created = self.owner.post(PROCESSINGS, &body(mode)).await.ok();
        created["_id"].as_str().expect("a processing has an id").to_owned()
    }

    /// Does every run that is due.
    pub async fn run(&self) {
        self.world.run(halle_processings::handlers(&self.processings)).await;
    }

    /// Triggers a processing; the run's identifier.
    pub async fn trigger(&self, id: &str) -> String {
        let run = self.owner.bare(Method::POST, &format!("{PROCESSINGS}/{id}/_trigger")).await.ok();
        assert_eq!(run["status"], "triggered");
        run["_id"].as_str().expect("a run has an id").to_owned()
    }

    /// A run with its log.
    pub async fn read_run(&self, id: &str) -> Value {
        self.owner.get(&format!("{RUNS}/{id}")).await.ok()
    }
}

/// A sound body.
pub fn body(mode: &str) -> Value {
    json!({
        "title": "Stations", "plugin": "import", "active": true,
        "config": { "url": "https://a.example", "mode": mode },
        "slots": { "output": { "title": "Stations" } },
    })
}
