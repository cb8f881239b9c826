//! Catalogues, imports and publications, as they are stored and as clients see them (names are Data Fair's).

use halle_base::{AccountRef, Timestamp};
use halle_extensions::host::Publication as RemoteTwin;
use halle_extensions::instance::Configured;
use halle_http::shapes;
use halle_model::permission::{PermissionEntry, Protected};
use halle_model::schedule::Rule;
use halle_store::{Entity, Key};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// Log records kept per import and per publication.
pub const LOG_RECORDS_MAX: u32 = 1_000;

/// A connector, configured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Catalog {
    /// Identifier.
    #[serde(rename = "_id")]
    pub id: String,
    /// Title.
    pub title: String,
    /// Description.
    #[serde(default)]
    pub description: String,
    /// Identifier of the connector plugin.
    pub plugin: String,
    /// What this catalogue can do: `browse`, `search`, `publish-dataset`...
    #[serde(default)]
    pub capabilities: Vec<String>,
    /// Account that owns it.
    pub owner: AccountRef,
    /// Configuration and sealed secrets.
    pub configured: Configured,
    /// Explicit grants.
    #[serde(default)]
    pub permissions: Vec<PermissionEntry>,
    /// Creation.
    pub created_at: Timestamp,
    /// Last change.
    pub updated_at: Timestamp,
}

impl Catalog {
    /// What [`can`](halle_model::permission::can) needs to know.
    pub fn protected(&self) -> Protected<'_> {
        Protected { id: &self.id, owner: &self.owner, grants: &self.permissions, scope: "catalogs" }
    }

    /// What its secrets and its state are for.
    pub fn key(&self) -> String {
        format!("catalogs/{}", self.id)
    }
}

impl Entity for Catalog {
    const COLLECTION: &'static str = "catalogs";

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
        let mut keys = vec![Key::new("owner", self.owner.key()), Key::new("plugin", &self.plugin)];
        keys.extend(Key::readers(&self.owner, &self.permissions));
        keys
    }
}

/// How an import or a publication stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ExchangeStatus {
    /// Waits for a worker.
    Waiting,
    /// In progress.
    Running,
    /// Ended well.
    Done,
    /// Ended badly; the log says why.
    Error,
}

/// Something of a title, as others refer to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Titled {
    /// Identifier.
    pub id: String,
    /// Title at the time of writing.
    #[serde(default)]
    pub title: String,
}

/// What imports and publications have in common: they belong to a catalogue, have a log, and wait for a worker.
pub trait Exchange: Entity {
    /// Its name in sentences, in French, with the article.
    const NAME: &'static str;

    /// The catalogue.
    fn catalog(&self) -> &Titled;

    /// The account that pays for it.
    fn account(&self) -> &AccountRef;

    /// Key of its jobs.
    fn key(&self) -> String;

    /// Stream of its log.
    fn log_stream(&self) -> String;

    /// How often it was tried again.
    fn retries(&self) -> u32;

    /// Makes it wait, for a reason to be read; how often it was tried again then.
    fn put_off(&mut self, reason: &str, retries: u32);
}

/// Content that a dataset has been given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Filled {
    /// What recognises it, where the connector tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
}

/// A remote resource that comes in as a dataset.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Import {
    /// Identifier.
    #[serde(rename = "_id")]
    pub id: String,
    /// Owner, that of the catalogue.
    #[schema(value_type = shapes::Account)]
    pub owner: AccountRef,
    /// The catalogue.
    pub catalog: Titled,
    /// The resource there.
    pub remote_resource: Titled,
    /// The dataset here; absent until the first import has created it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_fair_dataset: Option<Titled>,
    /// Options for the connector.
    #[serde(default)]
    pub config: Value,
    /// How it stands.
    pub status: ExchangeStatus,
    /// When it repeats.
    #[serde(default)]
    #[schema(value_type = Vec<shapes::ScheduleRule>)]
    pub scheduling: Vec<Rule>,
    /// Whether the title, the description and the like follow the remote ones at each import.
    #[serde(default)]
    pub should_update_metadata: bool,
    /// What recognises an unchanged resource.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// What the dataset has been given and is not ready with: an import that goes on, tomorrow or after a restart, waits for it
    /// and does not fetch again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filled: Option<Filled>,
    /// Next time by the schedule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub next_import_date: Option<Timestamp>,
    /// Last time that ended well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_import_date: Option<Timestamp>,
    /// Why it ended badly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Why it waits for longer than was planned, in French and English. Either its account has used up its plugin seconds: it
    /// begins when the reason says, or when the limit of the account is raised. Or it failed for the moment, and is tried again
    /// when the reason says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub put_off: Option<String>,
    /// How often it was tried again since it was asked for, at most three times.
    #[serde(default)]
    pub retries: u32,
    /// Creation.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

impl Exchange for Import {
    const NAME: &'static str = "L'import";

    fn catalog(&self) -> &Titled {
        &self.catalog
    }

    fn account(&self) -> &AccountRef {
        &self.owner
    }

    fn key(&self) -> String {
        format!("imports/{}", self.id)
    }

    fn log_stream(&self) -> String {
        format!("import/{}", self.id)
    }

    fn retries(&self) -> u32 {
        self.retries
    }

    fn put_off(&mut self, reason: &str, retries: u32) {
        self.status = ExchangeStatus::Waiting;
        self.put_off = Some(reason.to_owned());
        self.retries = retries;
    }
}

impl Entity for Import {
    const COLLECTION: &'static str = "imports";

    fn id(&self) -> &str {
        &self.id
    }

    fn owner(&self) -> Option<&AccountRef> {
        Some(&self.owner)
    }

    fn title(&self) -> &str {
        &self.remote_resource.title
    }

    fn keys(&self) -> Vec<Key> {
        let mut keys = vec![Key::new("catalog", &self.catalog.id)];
        // A dataset is filled by one import only: two would overwrite each other.
        keys.extend(self.data_fair_dataset.iter().map(|dataset| Key::unique("dataset", &dataset.id)));
        keys
    }
}

/// A local dataset that has a twin in a remote catalogue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Publication {
    /// Identifier.
    #[serde(rename = "_id")]
    pub id: String,
    /// Owner, that of the catalogue.
    #[schema(value_type = shapes::Account)]
    pub owner: AccountRef,
    /// The catalogue.
    pub catalog: Titled,
    /// The dataset here.
    pub data_fair_dataset: Titled,
    /// What to do next: `create` or `update`, then `delete`.
    pub action: String,
    /// The twin there, as the connector told it.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub remote: RemoteTwin,
    /// How it stands.
    pub status: ExchangeStatus,
    /// Last time that ended well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_publication_date: Option<Timestamp>,
    /// Why it ended badly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Why it waits for longer than was planned, in French and English. Either its account has used up its plugin seconds: it
    /// begins when the reason says, or when the limit of the account is raised. Or it failed for the moment, and is tried again
    /// when the reason says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub put_off: Option<String>,
    /// How often it was tried again since it was asked for, at most three times.
    #[serde(default)]
    pub retries: u32,
    /// Creation.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

impl Exchange for Publication {
    const NAME: &'static str = "La publication";

    fn catalog(&self) -> &Titled {
        &self.catalog
    }

    fn account(&self) -> &AccountRef {
        &self.owner
    }

    fn key(&self) -> String {
        format!("publications/{}", self.id)
    }

    fn log_stream(&self) -> String {
        format!("publication/{}", self.id)
    }

    fn retries(&self) -> u32 {
        self.retries
    }

    fn put_off(&mut self, reason: &str, retries: u32) {
        self.status = ExchangeStatus::Waiting;
        self.put_off = Some(reason.to_owned());
        self.retries = retries;
    }
}

impl Entity for Publication {
    const COLLECTION: &'static str = "publications";

    fn id(&self) -> &str {
        &self.id
    }

    fn owner(&self) -> Option<&AccountRef> {
        Some(&self.owner)
    }

    fn title(&self) -> &str {
        &self.data_fair_dataset.title
    }

    fn keys(&self) -> Vec<Key> {
        let pair = format!("{}/{}", self.catalog.id, self.data_fair_dataset.id);
        vec![
            Key::new("catalog", &self.catalog.id),
            Key::new("dataset", &self.data_fair_dataset.id),
            Key::unique("catalog-dataset", pair),
        ]
    }
}
