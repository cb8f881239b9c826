//! The application, as it is stored.

use halle_base::{AccountRef, Timestamp};
use halle_model::listing;
use halle_model::permission::{PermissionEntry, Protected};
use halle_store::{Entity, Key};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// A configured visualisation. Names on the wire are Data Fair's; `plugin` stands where Data Fair has the `url` of a
/// base application.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Application {
    /// Identifier.
    pub id: String,
    /// Readable identifier, unique among the owner's applications.
    pub slug: String,
    /// Title.
    pub title: String,
    /// Description in Markdown.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Account that owns it.
    pub owner: AccountRef,
    /// Identifier of the visualisation plugin.
    pub plugin: String,
    /// Configuration for the plugin; checked against its schema.
    #[serde(default)]
    pub configuration: Value,
    /// Creation.
    pub created_at: Timestamp,
    /// Last change.
    pub updated_at: Timestamp,
    /// Keys that open it, and the data it shows, to whoever has one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<ApplicationKey>,
    /// Explicit grants.
    #[serde(default)]
    pub permissions: Vec<PermissionEntry>,
}

/// A key of an application.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ApplicationKey {
    /// The key itself; made by the platform.
    #[serde(default)]
    #[schema(required = false)]
    pub id: String,
    /// Name for people.
    #[serde(default)]
    #[schema(required = false)]
    pub title: String,
}

impl std::fmt::Debug for ApplicationKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ApplicationKey").field("title", &self.title).finish_non_exhaustive()
    }
}

impl Application {
    /// What [`can`](halle_model::permission::can) needs to know.
    pub fn protected(&self) -> Protected<'_> {
        Protected { id: &self.id, owner: &self.owner, grants: &self.permissions, scope: "applications" }
    }

    /// Datasets that the configuration names, for lists.
    pub fn datasets(&self) -> Vec<&str> {
        let one = self.configuration.get("dataset").into_iter();
        let many = self.configuration.get("datasets").and_then(Value::as_array).into_iter().flatten();
        one.chain(many).filter_map(|entry| entry.as_str().or_else(|| entry.get("id")?.as_str())).collect()
    }
}

impl Entity for Application {
    const COLLECTION: &'static str = "applications";

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
        let mut keys = vec![
            Key::unique("slug", format!("{}/{}", self.owner.key(), self.slug)),
            Key::new("owner", self.owner.key()),
            Key::new("visibility", listing::list_visibility(&self.permissions)),
            Key::new("plugin", &self.plugin),
        ];
        keys.extend(self.keys.iter().map(|key| Key::new("access-key", &key.id)));
        keys.extend(Key::readers(&self.owner, &self.permissions));
        keys.extend(self.datasets().into_iter().map(|dataset| Key::new("dataset", dataset)));
        keys
    }
}
