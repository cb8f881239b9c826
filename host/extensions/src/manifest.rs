//! The manifest: what a package says of itself and what it asks for (`plugin.toml`).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The five kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PluginKind {
    /// Two-way exchange with another catalogue.
    CatalogConnector,
    /// Work on a schedule.
    Processing,
    /// Batches of rows in, columns out. Pure.
    Enricher,
    /// Data in, picture out. Pure.
    Visualisation,
    /// Rows in, requests out; answers in, rows out. Does no I/O.
    RemoteService,
}

/// A manifest. Unknown keys are refused, so that a typing error is told at build time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Version of this format: 1.
    pub schema: u32,
    /// Identity.
    pub plugin: PluginTable,
    /// JSON Schema (2020-12) of the configuration; string leaves may say `"x-secret": true`, and string leaves that
    /// hold a URL the plugin calls say `"x-egress": true`.
    #[serde(default)]
    pub config: Option<Value>,
    /// Origins it calls, by a name for people.
    #[serde(default)]
    pub http: BTreeMap<String, HttpTable>,
    /// Datasets it reads or writes, by slot.
    #[serde(default)]
    pub slots: BTreeMap<String, SlotTable>,
    /// State it keeps.
    #[serde(default)]
    pub state: Option<StateTable>,
    /// Limits it asks for; the host's apply where smaller.
    #[serde(default)]
    pub limits: Option<LimitsTable>,
    /// How its answers make groups of rows, which the host counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<GroupsTable>,
}

/// `[plugin]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PluginTable {
    /// `name`, or `organisation/name`: lower-case letters, digits and `-`.
    pub id: String,
    /// Semantic version.
    pub version: String,
    /// Kind.
    pub kind: PluginKind,
    /// Contract it was built for, such as `halle:enricher@1`.
    pub contract: String,
    /// Title by language; `fr` and `en` are expected.
    pub title: BTreeMap<String, String>,
    /// Description by language.
    #[serde(default)]
    pub description: BTreeMap<String, String>,
    /// SPDX licence expression.
    pub licence: String,
    /// Authors.
    #[serde(default)]
    pub authors: Vec<String>,
    /// Page about it.
    #[serde(default)]
    pub homepage: Option<String>,
}

/// `[http.<name>]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct HttpTable {
    /// Fixed origins.
    #[serde(default)]
    pub origins: Vec<String>,
    /// JSON pointer into the configuration, to a URL typed by an administrator whose origin is allowed.
    #[serde(default)]
    pub from_config: Option<String>,
    /// Methods; `GET` when empty.
    #[serde(default)]
    pub methods: Vec<String>,
    /// Secret that the host places in each request there.
    #[serde(default)]
    pub credential: Option<CredentialTable>,
}

/// How a secret is placed in a request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CredentialTable {
    /// Name of the secret: JSON pointer of the configuration field without its first `/`.
    pub secret: String,
    /// `bearer`, `basic` (the secret is `user:password`), `basic:/user` (the user is in that field of the configuration),
    /// `header:<name>` or `query:<name>`; a name that starts with `/` is the field that holds it. See
    /// [`Place`](crate::credential::Place).
    pub place: String,
}

/// `[slots.<name>]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SlotTable {
    /// `read` or `write`.
    pub direction: String,
    /// Title by language.
    #[serde(default)]
    pub title: BTreeMap<String, String>,
}

/// `[state]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct StateTable {
    /// Bytes over all keys and values.
    pub max_bytes: u64,
}

/// `[limits]`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct LimitsTable {
    /// Linear memory, in MiB.
    pub memory_mib: Option<u64>,
    /// Time in the guest per call, in milliseconds.
    pub cpu_ms: Option<u64>,
    /// Time per call or run, in seconds.
    pub wall_s: Option<u64>,
}

/// `[groups]`: an enricher sees batches, so the host counts the rows of each group over the whole dataset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupsTable {
    /// Key of the output that names the group of a row.
    pub output: String,
    /// JSON pointer into the configuration, to the rows that a group should have at least.
    pub k: String,
}

impl GroupsTable {
    /// The rows that a group should have at least: what `config` says, else the default of the manifest's `schema`.
    pub fn rows_min(&self, schema: Option<&Value>, config: &Value) -> Option<u64> {
        let default = || schema.and_then(|schema| self.property(schema))?.get("default")?.as_u64();
        config.pointer(&self.k).and_then(Value::as_u64).or_else(default)
    }

    /// The schema of the property of the configuration that `k` points to.
    pub fn property<'a>(&self, schema: &'a Value) -> Option<&'a Value> {
        let steps = self.k.strip_prefix('/')?.split('/');
        steps
            .map(|step| step.replace("~1", "/").replace("~0", "~"))
            .try_fold(schema, |schema, step| schema.get("properties")?.get(&step))
    }
}
