//! Extensions: what fills columns of a dataset from the others (reference §6.1).

use halle_base::Timestamp;
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What the identifier of a remote service begins with, when it is a dataset of reference.
pub const REFERENCE_SERVICE: &str = "dataset:";

/// What the name of a bulk search's operation begins with, in documentation and in extensions.
pub const BULK_ACTION: &str = "masterData_bulkSearch_";

/// Words of the name of an action that say nothing of what it gives.
const PLAIN_WORDS: [&str; 5] = ["masterdata", "bulk", "search", "find", "post"];

/// An enrichment of a dataset.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Extension {
    /// `remoteService` or `exprEval` (Data Fair), or `enricher` (a plugin).
    #[serde(rename = "type")]
    pub kind: String,
    /// Whether it runs.
    #[serde(default = "yes")]
    pub active: bool,
    /// Identifier of the remote service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote_service: Option<String>,
    /// Action of the remote service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// Installation of the enricher plugin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plugin: Option<String>,
    /// Configuration given to the plugin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<Value>,
    /// Datasets that the plugin reads beside the lines, by the slot of its manifest that they stand in.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub slots: IndexMap<String, String>,
    /// Expression that gives the values of `property`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expr: Option<String>,
    /// Column that an expression fills, as a column of a schema is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub property: Option<Value>,
    /// Outputs wanted; all when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub select: Vec<String>,
    /// Prefix of the output columns: `{prefix}.{output}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub property_prefix: Option<String>,
    /// Renamings of outputs.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub overwrite: IndexMap<String, Value>,
    /// Whether a row error stops the dataset.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub mandatory: bool,
    /// Whether the values are asked for again when the lines of the reference changed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub auto_update: bool,
    /// When they will be, if they are to be. The platform's to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_update: Option<Timestamp>,
}

fn yes() -> bool {
    true
}

impl Extension {
    /// Prefix of the output columns. Default as in Data Fair: `_` and the action without the words that say nothing
    /// (`masterData_bulkSearch_siret` gives `_siret`), or `_` and the plugin.
    pub fn prefix(&self) -> String {
        let given = self.property_prefix.as_deref().filter(|prefix| !prefix.is_empty());
        given.map_or_else(|| format!("_{}", self.default_stem()), str::to_owned)
    }

    fn default_stem(&self) -> String {
        let source = self.action.as_deref().or(self.plugin.as_deref()).unwrap_or("extension");
        let whole = crate::slug::column_key(source);
        if self.action.is_none() {
            return whole;
        }
        // The name of a search is its producer's, whatever words it has.
        let searched = source.strip_prefix(BULK_ACTION).map(crate::slug::column_key);
        let stem = searched.unwrap_or_else(|| {
            let plain = |stem: String, word: &&str| stem.replace(word, "");
            let stem = PLAIN_WORDS.iter().fold(source.to_lowercase(), plain);
            crate::slug::column_key(&stem.replace([':', '.'], "_"))
        });
        if stem.is_empty() { whole } else { stem }
    }

    /// Identifier of the dataset of reference that the values come from, when the remote service is one.
    pub fn reference(&self) -> Option<&str> {
        self.remote_service
            .as_deref()
            .filter(|_| self.kind == "remoteService")?
            .strip_prefix(REFERENCE_SERVICE)
    }

    /// Identifier of the search that is asked of the dataset of reference.
    pub fn reference_search(&self) -> Option<&str> {
        self.action.as_deref()?.strip_prefix(BULK_ACTION)
    }

    /// Whether its values are asked for again when the lines of this dataset of reference changed.
    pub fn follows(&self, reference: &str) -> bool {
        self.active && self.auto_update && self.reference() == Some(reference)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn extension(value: Value) -> Extension {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn the_default_prefix_says_what_is_given() {
        for (action, prefix) in [
            ("masterData_bulkSearch_siret", "_siret"),
            ("masterData_bulkSearch_find", "_find"),
            ("postCoords", "_coords"),
            ("findEtablissementsBulk", "_etablissements"),
            ("saluer", "_saluer"),
            ("search", "_search"),
        ] {
            let found = extension(json!({ "type": "remoteService", "remoteService": "s", "action": action }));
            assert_eq!(found.prefix(), prefix, "{action}");
        }
        let given = json!({ "type": "remoteService", "action": "saluer", "propertyPrefix": "_s" });
        assert_eq!(extension(given).prefix(), "_s");
        assert_eq!(extension(json!({ "type": "enricher", "plugin": "bulk" })).prefix(), "_bulk");
    }

    #[test]
    fn a_dataset_may_stand_for_a_service() {
        let of =
            |service: &str| json!({ "type": "remoteService", "remoteService": service, "autoUpdate": true });
        let reference = extension(of("dataset:communes"));
        assert_eq!(reference.reference(), Some("communes"));
        assert!(reference.follows("communes") && !reference.follows("autres"));
        assert_eq!(extension(of("communes")).reference(), None);
        let search = json!({ "type": "remoteService", "action": "masterData_bulkSearch_a" });
        assert_eq!(extension(search).reference_search(), Some("a"));
    }
}
