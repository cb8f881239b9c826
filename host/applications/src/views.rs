//! What the routes answer with.

use halle_base::{AccountRef, Timestamp};
use halle_http::auth::granted;
use halle_http::shapes;
use halle_model::Caller;
use halle_model::permission::{APPLICATION_OPERATIONS, visibility};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::Application;

/// The application as a caller sees it: without grants, with what they may do.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Application)]
pub(crate) struct ApplicationView {
    /// Identifier.
    id: String,
    /// Readable identifier, unique among the owner's applications.
    slug: String,
    /// Title.
    title: String,
    /// Description in Markdown.
    #[serde(skip_serializing_if = "String::is_empty")]
    #[schema(required = false)]
    description: String,
    /// Account that owns it.
    #[schema(value_type = shapes::Account)]
    owner: AccountRef,
    /// Identifier of the visualisation plugin.
    plugin: String,
    /// Configuration for the plugin.
    configuration: Value,
    /// Creation.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// Last change.
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
    /// What the caller may do.
    user_permissions: Vec<&'static str>,
    /// `public`, `protected` or `private`.
    visibility: &'static str,
    /// Address in the API.
    href: String,
    /// Address of the page.
    exposed_url: String,
}

impl ApplicationView {
    /// The application as `caller` sees it; `base` is the address of the server.
    pub(crate) fn new(application: Application, caller: &Caller, base: &str) -> Self {
        Self {
            user_permissions: granted(caller, APPLICATION_OPERATIONS, application.protected()),
            visibility: visibility(&application.permissions),
            href: format!("{base}/data-fair/api/v1/applications/{}", application.id),
            exposed_url: format!("{base}/data-fair/app/{}", application.id),
            id: application.id,
            slug: application.slug,
            title: application.title,
            description: application.description,
            owner: application.owner,
            plugin: application.plugin,
            configuration: application.configuration,
            created_at: application.created_at,
            updated_at: application.updated_at,
        }
    }
}

/// A page of applications.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ApplicationPage {
    /// Applications over all pages.
    pub(crate) count: u64,
    /// This page.
    pub(crate) results: Vec<ApplicationView>,
}
