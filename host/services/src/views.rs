//! What the routes answer with.

use halle_base::{AccountRef, Timestamp};
use halle_extensions::config::MASK;
use halle_http::shapes;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::model::RemoteService;

/// A service as callers see it: with its actions, without its key.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RemoteService)]
pub(crate) struct ServiceView {
    /// Identifier.
    id: String,
    /// Title.
    title: String,
    /// Description.
    description: String,
    /// Account that declared it.
    #[schema(value_type = shapes::Account)]
    owner: AccountRef,
    /// Adapter plugin.
    plugin: String,
    /// The OpenAPI 3 document.
    api_doc: Value,
    /// Address of the server, without a trailing slash.
    server: String,
    /// Whether every account may use it.
    public: bool,
    /// How the service wants its key: `{in, name, value}`, the value masked.
    #[serde(skip_serializing_if = "Option::is_none")]
    api_key: Option<Value>,
    /// Operations that can enrich, with their inputs, outputs and concepts.
    actions: Vec<Value>,
    /// Creation.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// Last change.
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

impl From<RemoteService> for ServiceView {
    fn from(service: RemoteService) -> Self {
        let api_key = |name: &String| json!({ "in": "header", "name": name, "value": MASK });
        Self {
            actions: service.actions(),
            api_key: service.key_header.as_ref().map(api_key),
            id: service.id,
            title: service.title,
            description: service.description,
            owner: service.owner,
            plugin: service.plugin,
            api_doc: service.api_doc,
            server: service.server,
            public: service.public,
            created_at: service.created_at,
            updated_at: service.updated_at,
        }
    }
}

/// A page of services.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ServicePage {
    /// Services over all pages.
    pub(crate) count: u64,
    /// This page.
    pub(crate) results: Vec<ServiceView>,
}

/// Actions of a page of services.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ActionPage {
    /// Actions in `results`.
    pub(crate) count: usize,
    /// Actions, each with the identifier and the title of its service under `remoteService`.
    pub(crate) results: Vec<Value>,
}
