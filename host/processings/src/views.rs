//! What the routes answer with.

use std::collections::BTreeMap;

use halle_base::{AccountRef, Timestamp};
use halle_extensions::Problem;
use halle_extensions::manifest::PluginKind;
use halle_http::auth::granted;
use halle_http::{ApiResult, shapes};
use halle_model::Caller;
use halle_model::permission::PROCESSING_OPERATIONS;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::Processings;
use crate::model::{Processing, Rule, Run, Slot};

/// A processing as a caller sees it: secrets masked, grants left out, with its last and its next run.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Processing)]
pub(crate) struct ProcessingView {
    /// Identifier.
    #[serde(rename = "_id")]
    id: String,
    /// Title.
    title: String,
    /// Account that owns it, and for which it acts.
    #[schema(value_type = shapes::Account)]
    owner: AccountRef,
    /// Identifier of the plugin.
    plugin: String,
    /// Configuration; a mask stands in place of each secret. Absent for those who may not change it.
    #[serde(skip_serializing_if = "Option::is_none")]
    config: Option<Value>,
    /// Which datasets stand in the plugin's slots.
    slots: BTreeMap<String, Slot>,
    /// When it runs by itself.
    #[schema(value_type = Vec<shapes::ScheduleRule>)]
    scheduling: Vec<Rule>,
    /// Whether it may run.
    active: bool,
    /// Creation.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// Last change.
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
    /// The last run that began.
    last_run: Option<Run>,
    /// The run that waits.
    next_run: Option<Run>,
    /// What the caller may do.
    user_permissions: Vec<&'static str>,
    /// Remarks of the plugin about the configuration that was just saved; absent when it has none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false, value_type = Vec<shapes::PluginNote>)]
    notes: Vec<Problem>,
}

impl ProcessingView {
    /// The answer to who saved it: with what the plugin remarked.
    pub(crate) fn with_notes(mut self, notes: Vec<Problem>) -> Self {
        self.notes = notes;
        self
    }
}

/// A page of processings.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProcessingPage {
    /// Processings over all pages.
    pub(crate) count: u64,
    /// This page.
    pub(crate) results: Vec<ProcessingView>,
}

/// A page of runs.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RunPage {
    /// Runs over all pages.
    pub(crate) count: u64,
    /// This page.
    pub(crate) results: Vec<Run>,
}

/// A run with its log.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RunWithLog {
    /// The run.
    #[serde(flatten)]
    pub(crate) run: Run,
    /// Records, oldest first: `{type, msg, date}`, and what the plugin added.
    pub(crate) log: Vec<Value>,
}

impl Processings {
    /// The processing as `caller` sees it.
    pub(crate) async fn view(&self, caller: &Caller, processing: Processing) -> ApiResult<ProcessingView> {
        let (last_run, next_run) = self.last_and_next(&processing.id).await?;
        let installed = self.installed.installed(&processing.plugin).await?;
        let plugin = installed.filter(|plugin| plugin.manifest.plugin.kind == PluginKind::Processing);
        let user_permissions = granted(caller, PROCESSING_OPERATIONS, processing.protected());
        let shown = plugin.map_or(Value::Null, |plugin| processing.configured.shown(&plugin.manifest));
        Ok(ProcessingView {
            config: user_permissions.contains(&"writeProcessing").then_some(shown),
            last_run,
            next_run,
            user_permissions,
            id: processing.id,
            title: processing.title,
            owner: processing.owner,
            plugin: processing.plugin,
            slots: processing.slots,
            scheduling: processing.scheduling,
            active: processing.active,
            created_at: processing.created_at,
            updated_at: processing.updated_at,
            notes: Vec::new(),
        })
    }
}
