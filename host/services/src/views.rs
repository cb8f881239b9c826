//! What the routes answer with.

use halle_base::{AccountRef, Timestamp};
use halle_datasets::service::master_data::ReferenceService;
use halle_extensions::config::MASK;
use halle_http::shapes;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::model::{RemoteService, action_of_reference};

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
    /// Adapter plugin; a dataset of reference needs none.
    #[serde(skip_serializing_if = "Option::is_none")]
    plugin: Option<String>,
    /// The OpenAPI 3 document.
    api_doc: Value,
    /// Address of the server, without a trailing slash.
    server: String,
    /// Whether every account may use it.
    public: bool,
    /// Accounts to which a dataset of reference is offered.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<shapes::Account>)]
    private_access: Vec<AccountRef>,
    /// Which dataset virtual datasets may be made of: `{active, parent: {id, title}}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    virtual_datasets: Option<Value>,
    /// Which dataset has columns that are a standard: `{active, parent: {id, title}}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    standard_schema: Option<Value>,
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
            plugin: Some(service.plugin),
            api_doc: service.api_doc,
            server: service.server,
            public: service.public,
            private_access: Vec::new(),
            virtual_datasets: None,
            standard_schema: None,
            created_at: service.created_at,
            updated_at: service.updated_at,
        }
    }
}

impl ServiceView {
    /// A dataset of reference, as a service. `api` is the address of the API.
    pub(crate) fn of_reference(reference: ReferenceService, api: &str) -> Self {
        let dataset = &reference.dataset;
        let parent = || json!({ "active": true, "parent": { "id": dataset.id, "title": dataset.title } });
        let text = |name: &str| dataset.description.get(name).and_then(Value::as_str).unwrap_or_default();
        Self {
            actions: reference.actions.iter().map(action_of_reference).collect(),
            api_key: None,
            title: dataset.title.clone(),
            description: text("description").to_owned(),
            owner: dataset.owner.clone(),
            plugin: None,
            api_doc: reference.document(api),
            server: format!("{api}/datasets/{}", dataset.id),
            public: reference.public,
            virtual_datasets: reference.virtual_datasets.then(parent),
            standard_schema: reference.standard_schema.then(parent),
            created_at: dataset.created_at,
            updated_at: dataset.updated_at,
            private_access: reference.offered_to,
            id: reference.id,
        }
    }

    /// Its actions, each with what it is an action of.
    pub(crate) fn into_actions(self) -> impl Iterator<Item = Value> {
        let of = json!({ "id": self.id, "title": self.title });
        self.actions.into_iter().map(move |mut action| {
            action["remoteService"] = of.clone();
            action
        })
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
