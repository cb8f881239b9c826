//! The feature and datasets over real adapters.

use std::sync::Arc;

use axum::Router;
use halle_extensions::PluginHost;
use halle_extensions::installed::InstalledPlugins;
use halle_extensions::services::Egress;
use halle_services::{RemoteServices, ServicesParts};
use halle_testkit::{Api, Tools, World};
use serde_json::{Value, json};

/// Where services are.
pub const SERVICES: &str = "/data-fair/api/v1/remote-services";

/// Where their actions are.
pub const ACTIONS: &str = "/data-fair/api/v1/remote-services-actions";

/// Where plugins run, which ones, and how services are reached.
pub struct Sandbox {
    pub plugins: Arc<dyn PluginHost>,
    pub installed: Arc<dyn InstalledPlugins>,
    pub egress: Arc<dyn Egress>,
}

/// The feature, ready to be called.
pub struct Site {
    pub world: World,
    /// Nobody.
    pub anonymous: Api,
    /// An admin of the organisation that owns everything.
    pub owner: Api,
}

impl Site {
    pub async fn new() -> Self {
        Self::over(|tools| Sandbox {
            plugins: tools.plugins.clone(),
            installed: tools.plugins.clone(),
            egress: tools.outside.clone(),
        })
        .await
    }

    /// Over a sandbox and a way out of the test's choice.
    pub async fn over(sandbox: impl FnOnce(&Tools) -> Sandbox) -> Self {
        let mut made = None;
        let world = World::new(|tools| {
            let Sandbox { plugins, installed, egress } = sandbox(tools);
            let services = RemoteServices::new(ServicesParts {
                store: Arc::clone(&tools.stack.store),
                clock: tools.stack.clock.clone(),
                dice: Arc::clone(&tools.stack.dice),
                plugins,
                installed,
                egress,
                vault: Arc::clone(&tools.vault),
            });
            made = Some(services.clone());
            vec![Arc::new(services)]
        })
        .await;
        let services = made.expect("the world was built with it");
        let router = Router::new()
            .nest("/data-fair/api/v1", halle_datasets::router(world.datasets.clone()))
            .merge(halle_services::router(services, world.datasets.clone()));
        let anonymous = Api::new(router).described_by(&halle_services::openapi().document);
        let owner = anonymous.by("alice@ville:admin");
        Self { world, anonymous, owner }
    }
}

/// A sound body.
pub fn body(id: &str) -> Value {
    json!({
        "apiDoc": {
            "openapi": "3.1.0",
            "info": { "title": "Salutations", "version": "1", "x-api-id": id },
            "servers": [{ "url": "https://bonjour.example/v1/" }],
            "paths": { "/saluer": { "post": { "operationId": "saluer" } } },
        },
    })
}
