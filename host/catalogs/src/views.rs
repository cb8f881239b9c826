//! What the routes answer with.

use halle_base::{AccountRef, Timestamp};
use halle_extensions::Problem;
use halle_extensions::host::Listing;
use halle_http::auth::granted;
use halle_http::{ApiError, ApiResult, shapes};
use halle_model::Caller;
use halle_model::permission::CATALOG_OPERATIONS;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::Catalogs;
use crate::model::{Catalog, Import, Publication};

/// A catalogue as a caller sees it: secrets masked, grants left out.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Catalog)]
pub(crate) struct CatalogView {
    /// Identifier.
    #[serde(rename = "_id")]
    id: String,
    /// Title.
    title: String,
    /// Description.
    description: String,
    /// Identifier of the connector plugin.
    plugin: String,
    /// What this catalogue can do: `browse`, `search`, `publish-dataset`...
    capabilities: Vec<String>,
    /// Account that owns it.
    #[schema(value_type = shapes::Account)]
    owner: AccountRef,
    /// Configuration; a mask stands in place of each secret.
    config: Value,
    /// Creation.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// Last change.
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
    /// What the caller may do.
    user_permissions: Vec<&'static str>,
    /// Remarks of the plugin about the configuration that was just saved; absent when it has none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false, value_type = Vec<shapes::PluginNote>)]
    notes: Vec<Problem>,
}

impl CatalogView {
    /// The answer to who saved it: with what the plugin remarked.
    pub(crate) fn with_notes(mut self, notes: Vec<Problem>) -> Self {
        self.notes = notes;
        self
    }
}

/// A page of catalogues.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CatalogPage {
    /// Catalogues over all pages.
    pub(crate) count: u64,
    /// This page.
    pub(crate) results: Vec<CatalogView>,
}

/// A page of a remote catalogue.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ResourcePage {
    /// Resources and folders over all pages; those of this page when the catalogue does not tell.
    count: u64,
    /// Resources and folders: `{id, title, type}`, and `format`, `size`, `updatedAt` where the catalogue tells them.
    results: Vec<Value>,
    /// Folders from the root to here.
    path: Vec<Value>,
}

impl TryFrom<Listing> for ResourcePage {
    type Error = ApiError;

    fn try_from(listing: Listing) -> ApiResult<Self> {
        let values = |entries: &[halle_extensions::host::CatalogEntry]| {
            let values = entries.iter().map(serde_json::to_value).collect::<Result<Vec<Value>, _>>();
            values.map_err(ApiError::internal)
        };
        let count = listing.total.unwrap_or(listing.entries.len() as u64);
        Ok(Self { count, results: values(&listing.entries)?, path: values(&listing.path)? })
    }
}

/// A page of imports.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ImportPage {
    /// Imports over all pages.
    pub(crate) count: u64,
    /// This page.
    pub(crate) results: Vec<Import>,
}

/// A page of publications.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PublicationPage {
    /// Publications over all pages.
    pub(crate) count: u64,
    /// This page.
    pub(crate) results: Vec<Publication>,
}

/// An import with its log.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ImportWithLog {
    /// The import.
    #[serde(flatten)]
    pub(crate) import: Import,
    /// Records, oldest first: `{type, msg, date}`.
    pub(crate) logs: Vec<Value>,
}

/// A publication with its log.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PublicationWithLog {
    /// The publication.
    #[serde(flatten)]
    pub(crate) publication: Publication,
    /// Records, oldest first: `{type, msg, date}`.
    pub(crate) logs: Vec<Value>,
}

impl Catalogs {
    /// The catalogue as `caller` sees it.
    pub(crate) async fn view(&self, caller: &Caller, catalog: Catalog) -> ApiResult<CatalogView> {
        let plugin = self.installed.installed(&catalog.plugin).await?;
        Ok(CatalogView {
            config: plugin.map_or(Value::Null, |plugin| catalog.configured.shown(&plugin.manifest)),
            user_permissions: granted(caller, CATALOG_OPERATIONS, catalog.protected()),
            id: catalog.id,
            title: catalog.title,
            description: catalog.description,
            plugin: catalog.plugin,
            capabilities: catalog.capabilities,
            owner: catalog.owner,
            created_at: catalog.created_at,
            updated_at: catalog.updated_at,
            notes: Vec::new(),
        })
    }
}
