//! The catalogue: lists of datasets, with filters, counts and facets.
//!
//! Everything is filtered in the store, the caller's right to list included, so that counts and facets tell nothing of
//! what the caller may not see.

use halle_base::AccountRef;
use halle_model::listing::{caller_powers, caller_words};
use halle_model::permission::DATASET_OPERATIONS;
use halle_model::{Caller, Dataset};
use halle_store::documents::Stored;
use halle_store::{Entity, EntityExt, Filter, Order, UnitOfWork};
use indexmap::IndexMap;
use serde::Serialize;
use serde_json::{Value, json};

use crate::error::DatasetsResult;
use crate::state::Datasets;

/// Values of one facet that are answered.
const FACET_VALUES_MAX: usize = 1_000;

/// Facets that a list can count.
pub(crate) const FACETS: &[&str] = &[
    "owner",
    "visibility",
    "topics",
    "keywords",
    "status",
    "concepts",
    "short-concept",
    "field-type",
    "field-format",
    "services",
    "publicationSites",
    "requestedPublicationSites",
    "spatial",
    "title",
    "conformsTo",
    "children",
    "draftStatus",
];

/// Sums that a list can tell: name, key of the store.
pub(crate) const SUMS: &[(&str, &str)] = &[("count", "count")];

/// What a list asks for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ListQuery {
    /// Words that must all occur in title, summary, description, keywords, topics or owner's name.
    pub q: Option<String>,
    /// Filters by key: the values of which one must match, and those of which none may.
    pub filters: Vec<KeyFilter>,
    /// Identifiers to restrict to.
    pub ids: Option<Vec<String>>,
    /// Whether only datasets of the caller's active account are wanted.
    pub mine: bool,
    /// Whether only datasets of that account are wanted, its departments included, not those shared with it.
    pub unshared: bool,
    /// Operations or classes of which the caller must be allowed one; no condition when empty.
    pub can: Vec<String>,
    /// Orders, each among what those before do not tell apart; by relevance or newest first when empty.
    pub orders: Vec<Order>,
    /// Datasets to skip.
    pub skip: u32,
    /// Datasets to return.
    pub size: u32,
    /// Facets to count, of [`FACETS`].
    pub facets: Vec<&'static str>,
    /// Sums to tell, of [`SUMS`].
    pub sums: Vec<(&'static str, &'static str)>,
}

/// A filter on one of the keys under which datasets are stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyFilter {
    /// Facet that ignores this filter.
    pub facet: &'static str,
    /// Key in the store.
    pub key: &'static str,
    /// Values of which one must match; no condition when empty.
    pub any_of: Vec<String>,
    /// Values of which none may match.
    pub none_of: Vec<String>,
}

/// A page of the catalogue.
#[derive(Debug, Clone, Default)]
pub struct ListAnswer {
    /// Datasets that match, over all pages.
    pub count: u64,
    /// This page.
    pub results: Vec<Dataset>,
    /// Facets that were asked.
    pub facets: IndexMap<&'static str, Vec<FacetValue>>,
    /// Sums that were asked, over all pages.
    pub sums: IndexMap<&'static str, i64>,
}

/// Number of datasets that have a value.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FacetValue {
    /// Datasets.
    pub count: u64,
    /// The value: a text, or the owner or topic itself.
    pub value: Value,
}

impl Datasets {
    /// Datasets that the caller may list and that match the query.
    pub async fn list(&self, caller: &Caller, query: &ListQuery) -> DatasetsResult<ListAnswer> {
        let mut unit = self.store.read().await?;
        let Some(filter) = filter(caller, query, None) else {
            return Ok(ListAnswer::default());
        };
        let page = unit.list::<Dataset>(&filter).await?;
        let mut facets = IndexMap::new();
        for facet in &query.facets {
            if let Some(filter) = self::filter(caller, query, Some(facet)) {
                facets.insert(*facet, count_facet(unit.as_mut(), &filter, facet).await?);
            }
        }
        let mut sums = IndexMap::new();
        for &(name, key) in &query.sums {
            sums.insert(name, unit.documents().sum(Dataset::COLLECTION, &filter, key).await?);
        }
        let results = page.results.into_iter().map(|stored: Stored<Dataset>| stored.entity).collect();
        Ok(ListAnswer { count: page.count, results, facets, sums })
    }
}

/// The query as the store understands it, without the filters of the facet `except`. `None` when nothing can match.
fn filter(caller: &Caller, query: &ListQuery, except: Option<&str>) -> Option<Filter> {
    let default = if query.q.is_some() { Order::Relevance } else { Order::default() };
    let (order, then) = match query.orders.split_first() {
        Some((first, then)) => (*first, then.to_vec()),
        None => (default, Vec::new()),
    };
    let mut filter = Filter { order, then, skip: query.skip, limit: query.size, ..Filter::default() };
    if !query.can.is_empty() {
        let powers: Vec<&str> = query.can.iter().map(String::as_str).collect();
        let words = caller_powers(caller, "datasets", DATASET_OPERATIONS, &powers);
        filter.any_of.extend(words.map(|words| ("power", words)));
    }
    if let Some(words) = caller_words(caller, "datasets") {
        filter.any_of.push(("grant", words));
    }
    for one in query.filters.iter().filter(|one| except != Some(one.facet)) {
        if !one.any_of.is_empty() {
            filter.any_of.push((one.key, one.any_of.clone()));
        }
        if !one.none_of.is_empty() {
            filter.none_of.push((one.key, one.none_of.clone()));
        }
    }
    if let Some(owner) = &caller.site {
        let root = AccountRef { department: None, ..owner.clone() };
        filter.any_of.push(("offered", vec![root.key()]));
    }
    if query.mine && except != Some("owner") {
        filter.any_of.push(("owner", vec![caller.account.as_ref()?.key()]));
    }
    if query.unshared && except != Some("owner") {
        let account = caller.account.clone()?;
        filter.any_of.push(("owner-filter", vec![AccountRef { department: None, ..account }.key()]));
    }
    filter.ids.clone_from(&query.ids);
    if let Some(q) = &query.q {
        filter.words = halle_model::slug::fold(q).split_whitespace().map(str::to_owned).collect();
    }
    Some(filter)
}

async fn count_facet(
    unit: &mut dyn UnitOfWork,
    filter: &Filter,
    facet: &'static str,
) -> DatasetsResult<Vec<FacetValue>> {
    let counts = unit.documents().facet(Dataset::COLLECTION, filter, facet).await?;
    let mut values = Vec::new();
    for (text, count) in counts.into_iter().take(FACET_VALUES_MAX) {
        let value = if matches!(facet, "owner" | "topics") {
            described(unit, filter, facet, &text).await?
        } else {
            json!(text)
        };
        values.push(FacetValue { count, value });
    }
    Ok(values)
}

/// The owner or topic behind a key, as one of the datasets that have it tells.
async fn described(
    unit: &mut dyn UnitOfWork,
    filter: &Filter,
    facet: &'static str,
    text: &str,
) -> DatasetsResult<Value> {
    let one = Filter { skip: 0, limit: 1, ..filter.clone() }.with(facet, text);
    let page = unit.list::<Dataset>(&one).await?;
    let Some(dataset) = page.results.first() else { return Ok(json!(text)) };
    if facet == "owner" {
        return Ok(json!(dataset.owner));
    }
    let topics = dataset.description.get("topics").and_then(Value::as_array);
    let topic =
        topics.into_iter().flatten().find(|topic| topic.get("id").and_then(Value::as_str) == Some(text));
    Ok(topic.cloned().unwrap_or_else(|| json!(text)))
}
