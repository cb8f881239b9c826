//! The feature and datasets over real adapters.

use std::sync::Arc;

use axum::Router;
use halle_catalogs::{Catalogs, CatalogsParts};
use halle_testkit::{Api, World};
use serde_json::{Value, json};

/// Where catalogues are.
pub const CATALOGS: &str = "/catalogs/api/catalogs";

/// Where imports are.
pub const IMPORTS: &str = "/catalogs/api/imports";

/// Where publications are.
pub const PUBLICATIONS: &str = "/catalogs/api/publications";

/// The feature, ready to be called.
pub struct Site {
    pub world: World,
    pub catalogs: Catalogs,
    /// Nobody.
    pub anonymous: Api,
    /// An admin of the organisation that owns everything.
    pub owner: Api,
}

impl Site {
    pub async fn new() -> Self {
        let world = World::with_plugins().await;
        let tools = &world.tools;
        let catalogs = Catalogs::new(CatalogsParts {
            store: Arc::clone(&tools.stack.store),
            clock: tools.stack.clock.clone(),
            dice: Arc::clone(&tools.stack.dice),
            datasets: world.datasets.clone(),
            plugins: tools.plugins.clone(),
            installed: tools.plugins.clone(),
            egress: tools.outside.clone(),
            vault: Arc::clone(&tools.vault),
            public_url: "http://halle.test".into(),
        });
        let router = Router::new()
            .nest("/data-fair/api/v1", halle_datasets::router(world.datasets.clone()))
            .merge(halle_catalogs::router(catalogs.clone()));
        let anonymous = Api::new(router).described_by(&halle_catalogs::openapi().document);
        let owner = anonymous.by("alice@ville:admin");
        Self { world, catalogs, anonymous, owner }
    }

    /// Does every import and publication that is due.
    pub async fn run(&self) {
        self.world.run(halle_catalogs::handlers(&self.catalogs)).await;
    }

    /// Creates a catalogue; its identifier.
    pub async fn catalog(&self) -> String {
        id(&self.owner.post(CATALOGS, &body()).await.ok())
    }

    /// Imports the resource `arbres` of a catalogue; the import's identifier.
    pub async fn import(&self, catalog: &str) -> String {
        id(&self.owner.post(IMPORTS, &import_of(catalog, "arbres")).await.ok())
    }
}

/// Identifier of an answer.
pub fn id(answer: &Value) -> String {
    answer["_id"].as_str().expect("the answer has an id").to_owned()
}

/// A sound catalogue.
pub fn body() -> Value {
    json!({ "title": "Voisin", "plugin": "neighbour", "config": { "url": "https://voisin.example" } })
}

/// A sound import.
pub fn import_of(catalog: &str, resource: &str) -> Value {
    json!({ "catalog": { "id": catalog }, "remoteResource": { "id": resource, "title": "Arbres" } })
}
