//! Master data: a dataset in which others look up lines (reference §3.5).

mod bulk;
mod describe;
mod lookup;
mod services;
mod single;

use std::collections::BTreeSet;

use halle_model::{Caller, Column, Dataset};
use halle_search::Query;
use halle_search::params::column_equals;
use serde::Deserialize;
use serde_json::Value;

pub use bulk::{AnswerFormat, Questions};
pub(crate) use describe::{bulk_searches, single_searches};
pub(crate) use lookup::Lookup;
pub use services::{ReferenceAction, ReferenceQuery, ReferenceService};

use crate::error::{DatasetsError, DatasetsResult};
use crate::service::load::check;

/// Searches of each sort that one dataset offers at most.
const SEARCHES_MAX: usize = 100;

/// What the attribute `masterData` says. Its other members are for interfaces.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MasterData {
    #[serde(default)]
    bulk_searchs: Vec<BulkSearch>,
    #[serde(default)]
    single_searchs: Vec<SingleSearch>,
    /// Organisations to which it is offered; what they may read is not said here.
    #[serde(default)]
    share_orgs: Vec<Organisation>,
    #[serde(default)]
    virtual_datasets: Switch,
    #[serde(default)]
    standard_schema: Switch,
}

/// An organisation to which a reference is offered.
#[derive(Debug, Clone, Deserialize)]
struct Organisation {
    id: String,
    #[serde(default)]
    name: String,
}

/// Something that a reference offers or not.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
struct Switch {
    #[serde(default)]
    active: bool,
}

/// A search that finds a line for each line it is given.
#[derive(Debug, Clone, Deserialize)]
struct BulkSearch {
    id: String,
    #[serde(default)]
    title: Option<String>,
    #[serde(default)]
    description: Option<String>,
    /// Order in which the first line wins.
    #[serde(default)]
    sort: Option<String>,
    #[serde(default)]
    filters: Vec<Condition>,
    #[serde(default)]
    input: Vec<Input>,
}

/// A search that completes what a person types.
#[derive(Debug, Clone, Deserialize)]
struct SingleSearch {
    id: String,
    #[serde(default)]
    title: Option<String>,
    #[serde(default)]
    label: Option<Property>,
    output: Property,
    #[serde(default)]
    filters: Vec<Condition>,
}

/// A column must have one of the values.
#[derive(Debug, Clone, Deserialize)]
struct Condition {
    property: Property,
    #[serde(default)]
    values: Vec<Value>,
}

/// What a line that is given must have, and how it is compared.
#[derive(Debug, Clone, Deserialize)]
struct Input {
    #[serde(rename = "type")]
    kind: InputKind,
    property: Property,
    /// Metres, for `geo-distance`.
    #[serde(default)]
    distance: Option<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum InputKind {
    /// The column has the value.
    Equals,
    /// The day is between the columns of the concepts start and end.
    DateInInterval,
    /// The place, as `lat,lon`, is near that of the line.
    GeoDistance,
}

/// A column: its key alone, or an object that has it.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum Property {
    Key(String),
    Described {
        key: String,
        #[serde(default)]
        title: Option<String>,
        #[serde(default, rename = "x-refersTo")]
        refers_to: Option<String>,
    },
}

impl Property {
    fn key(&self) -> &str {
        match self {
            Self::Key(key) | Self::Described { key, .. } => key,
        }
    }

    fn title(&self) -> Option<&str> {
        match self {
            Self::Key(_) => None,
            Self::Described { title, .. } => title.as_deref().filter(|title| !title.is_empty()),
        }
    }

    fn refers_to(&self) -> Option<&str> {
        match self {
            Self::Key(_) => None,
            Self::Described { refers_to, .. } => refers_to.as_deref().filter(|uri| !uri.is_empty()),
        }
    }
}

/// Checks `masterData` as a producer writes it, against the columns that the dataset has; `None` unsets it. Only those who
/// administer the owner may.
pub(crate) fn check_change(caller: &Caller, dataset: &Dataset, value: Option<&Value>) -> DatasetsResult<()> {
    check(caller, "manageMasterData", dataset)?;
    let Some(value) = value else { return Ok(()) };
    let wrong = |text: String| {
        DatasetsError::BadRequest(format!("L'attribut \"masterData\" est incorrect : {text}."))
    };
    let found: MasterData =
        serde_json::from_value(value.clone()).map_err(|error| wrong(error.to_string()))?;
    let mut ids = BTreeSet::new();
    let bulk = found.bulk_searchs.iter().map(|search| ("bulkSearchs", &search.id));
    let single = found.single_searchs.iter().map(|search| ("singleSearchs", &search.id));
    for (list, id) in bulk.chain(single) {
        if id.is_empty() || !ids.insert((list, id)) {
            return Err(wrong(format!("chaque élément de {list} doit avoir un \"id\" à lui")));
        }
    }
    if ids.len() > SEARCHES_MAX {
        return Err(wrong(format!("plus de {SEARCHES_MAX} recherches")));
    }
    if dataset.schema.is_empty() {
        // Of a file that was not read yet: searches that do not fit will be refused when they are asked.
        return Ok(());
    }
    let known = |property: &Property| match dataset.column(property.key()) {
        Some(_) => Ok(()),
        None => Err(wrong(format!("la colonne \"{}\" n'existe pas", property.key()))),
    };
    for search in &found.bulk_searchs {
        if search.input.is_empty() {
            return Err(wrong(format!("la recherche \"{}\" n'a pas d'entrée", search.id)));
        }
        conditions(&search.filters, &dataset.schema)?;
        for input in search.input.iter().filter(|input| input.kind == InputKind::Equals) {
            known(&input.property)?;
        }
        if let Some(key) = search.sort.as_deref().filter(|sort| !sort.is_empty()) {
            let keys = key.split(',').map(|key| key.trim().trim_start_matches('-').to_owned());
            keys.filter(|key| !key.starts_with('_')).try_for_each(|key| known(&Property::Key(key)))?;
        }
    }
    for search in &found.single_searchs {
        conditions(&search.filters, &dataset.schema)?;
        known(&search.output)?;
        search.label.iter().try_for_each(known)?;
    }
    Ok(())
}

/// What the dataset offers; nothing when it was never said, or no longer fits.
fn offers(dataset: &Dataset) -> MasterData {
    let value = dataset.description.get("masterData").cloned();
    value.and_then(|value| serde_json::from_value(value).ok()).unwrap_or_default()
}

/// Whether the dataset is a reference that its owner shares with this organisation.
pub(crate) fn is_shared_with(dataset: &Dataset, organisation: &str) -> bool {
    dataset.description.contains_key("masterData")
        && offers(dataset).share_orgs.iter().any(|shared| shared.id == organisation)
}

/// The lines that a search looks at.
fn conditions(filters: &[Condition], columns: &[Column]) -> DatasetsResult<Query> {
    let mut parts = Vec::with_capacity(filters.len());
    // A filter without values is one that nobody filled in yet.
    for filter in filters.iter().filter(|filter| !filter.values.is_empty()) {
        let key = filter.property.key();
        let column = columns.iter().find(|column| column.key == key).ok_or_else(|| {
            let message = format!("\"masterData\" : la colonne \"{key}\" d'un filtre n'existe pas.");
            DatasetsError::BadRequest(message)
        })?;
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let values: Vec<String> = filter.values.iter().map(text).collect();
        parts.push(column_equals(column, &values, key)?);
    }
    Ok(Query::And(parts))
}

/// 404 for a search that the dataset does not offer.
fn unknown(id: &str) -> DatasetsError {
    DatasetsError::Missing(format!("La recherche \"{id}\" n'existe pas dans les données de référence."))
}
