//! The remote service, as it is stored. Names on the wire are Data Fair's.

use halle_base::{AccountRef, Timestamp};
use halle_datasets::service::master_data::ReferenceAction;
use halle_extensions::host::RemoteOperation;
use halle_extensions::uses::PLUGIN_KEY;
use halle_model::concept::canonical;
use halle_model::permission::{Class, PermissionEntry, Protected};
use halle_store::{Entity, Key};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A described API that can enrich rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RemoteService {
    /// Identifier: `info.x-api-id` of the document.
    pub id: String,
    /// Title: `info.title` of the document unless given.
    pub title: String,
    /// Description.
    #[serde(default)]
    pub description: String,
    /// Account that declared it.
    pub owner: AccountRef,
    /// Adapter plugin.
    pub plugin: String,
    /// The OpenAPI 3 document.
    pub api_doc: Value,
    /// Address of the server, without a trailing slash.
    pub server: String,
    /// Header that carries the key, if the service wants one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_header: Option<String>,
    /// The key, sealed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealed_key: Option<String>,
    /// Operations that can enrich, as the adapter found them.
    pub operations: Vec<RemoteOperation>,
    /// Whether every account may use it.
    #[serde(default)]
    pub public: bool,
    /// Creation.
    pub created_at: Timestamp,
    /// Last change.
    pub updated_at: Timestamp,
}

impl RemoteService {
    /// Grants that `public` stands for.
    pub fn grants(&self) -> Vec<PermissionEntry> {
        if self.public {
            vec![PermissionEntry::public(&[Class::List, Class::Read, Class::Exec])]
        } else {
            Vec::new()
        }
    }

    /// What [`can`](halle_model::permission::can) needs to know; `grants` are [`Self::grants`].
    pub fn protected<'a>(&'a self, grants: &'a [PermissionEntry]) -> Protected<'a> {
        Protected { id: &self.id, owner: &self.owner, grants, scope: "remote-services" }
    }

    /// What its key is for.
    pub fn purpose(&self) -> String {
        format!("remote-services/{}/apiKey", self.id)
    }

    /// The operation with this identifier.
    pub fn operation(&self, id: &str) -> Option<&RemoteOperation> {
        self.operations.iter().find(|operation| operation.id == id)
    }

    /// Operations in Data Fair's shape of *actions*.
    pub fn actions(&self) -> Vec<Value> {
        self.operations.iter().map(action).collect()
    }
}

fn action(operation: &RemoteOperation) -> Value {
    let input = operation.input.iter().map(|field| {
        json!({ "name": field.key, "concept": field.concept, "required": !field.nullable, "title": field.title })
    });
    let output = operation.output.iter().map(|field| {
        json!({ "name": field.key, "concept": field.concept, "type": json_type(field.kind), "title": field.title })
    });
    shape(&operation.id, &operation.title, input.collect(), output.collect())
}

/// A search in a dataset of reference, in the shape of actions.
pub(crate) fn action_of_reference(action: &ReferenceAction) -> Value {
    let input = action.input.iter().map(|column| {
        json!({ "name": column.key, "concept": column.refers_to, "required": true, "title": column.label() })
    });
    let output = action.output.iter().map(|column| {
        json!({ "name": column.key, "concept": column.refers_to, "type": column.json_type, "title": column.label() })
    });
    shape(&action.id, &action.title, input.collect(), output.collect())
}

fn shape(id: &str, title: &str, input: Vec<Value>, output: Vec<Value>) -> Value {
    json!({
        "id": id,
        "type": "http://schema.org/SearchAction",
        "summary": title,
        "input": input,
        "output": output,
        "inputCollection": {},
        "outputCollection": {},
    })
}

fn json_type(kind: halle_model::ColumnKind) -> String {
    halle_model::Column::new("", kind).json_type
}

impl Entity for RemoteService {
    const COLLECTION: &'static str = "remote-services";

    fn id(&self) -> &str {
        &self.id
    }

    fn owner(&self) -> Option<&AccountRef> {
        Some(&self.owner)
    }

    fn title(&self) -> &str {
        &self.title
    }

    fn search_text(&self) -> String {
        format!("{} {}", self.title, self.description)
    }

    fn keys(&self) -> Vec<Key> {
        let mut keys = Key::readers(&self.owner, &self.grants());
        keys.push(Key::new(PLUGIN_KEY, &self.plugin));
        let inputs = self.operations.iter().flat_map(|operation| &operation.input);
        let outputs = self.operations.iter().flat_map(|operation| &operation.output);
        keys.extend(concepts(inputs).map(|uri| Key::new("input-concepts", uri)));
        keys.extend(concepts(outputs).map(|uri| Key::new("output-concepts", uri)));
        keys.sort_by(|a, b| (a.name, &a.value).cmp(&(b.name, &b.value)));
        keys.dedup();
        keys
    }
}

/// Canonical URIs of the concepts of some fields.
fn concepts<'a>(fields: impl Iterator<Item = &'a halle_extensions::Field>) -> impl Iterator<Item = &'a str> {
    fields.filter_map(|field| field.concept.as_deref()).map(canonical)
}
