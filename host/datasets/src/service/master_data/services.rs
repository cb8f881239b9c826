//! Datasets of reference as remote services `dataset:{id}`, for those who choose one (reference §1.8).
//!
//! A reference is offered to the account that owns it, to the organisations it is shared with (`shareOrgs`), and to all
//! when everybody may read it; to nobody who may not read its lines. Being offered one gives no right.

use halle_base::AccountRef;
use halle_model::concept::canonical;
use halle_model::extension::{BULK_ACTION, REFERENCE_SERVICE};
use halle_model::permission::{can, dataset_operation, is_public};
use halle_model::{Caller, Column, Dataset};
use halle_store::{OFFERED_TO_ALL, REFERENCE_USES};
use serde_json::Value;

use super::{bulk_searches, offers};
use crate::error::{DatasetsError, DatasetsResult};
use crate::openapi::reference_document;
use crate::service::list::{KeyFilter, ListQuery};
use crate::service::load::protected;
use crate::state::Datasets;

/// References that are read at a time, to find those with a concept.
const REFERENCES_PER_STEP: u32 = 100;

/// References that a search for concepts looks at, newest first; it finds none beyond.
const REFERENCES_LOOKED_AT_MAX: u32 = 10_000;

/// What a list of references asks for.
#[derive(Debug, Clone, Default)]
pub struct ReferenceQuery {
    /// Words of the title or the description.
    pub q: String,
    /// URIs of concepts, one of which an input has; no condition when empty.
    pub input_concepts: Vec<String>,
    /// URIs of concepts, one of which an output has; no condition when empty.
    pub output_concepts: Vec<String>,
    /// Whether only those are wanted that virtual datasets may be made of.
    pub virtual_datasets: bool,
    /// Whether only those are wanted whose columns are a standard for others.
    pub standard_schema: bool,
}

/// A dataset of reference, as a remote service.
#[derive(Debug, Clone)]
pub struct ReferenceService {
    /// Identifier: `dataset:` and that of the dataset.
    pub id: String,
    /// The dataset.
    pub dataset: Dataset,
    /// Accounts to which it is offered.
    pub offered_to: Vec<AccountRef>,
    /// Whether it is offered to everybody.
    pub public: bool,
    /// Whether virtual datasets may be made of it.
    pub virtual_datasets: bool,
    /// Whether its columns are a standard for others.
    pub standard_schema: bool,
    /// Its bulk searches.
    pub actions: Vec<ReferenceAction>,
}

/// A bulk search as an action.
#[derive(Debug, Clone)]
pub struct ReferenceAction {
    /// `masterData_bulkSearch_` and the identifier of the search.
    pub id: String,
    /// Title for people.
    pub title: String,
    /// What is asked with, each required.
    pub input: Vec<Column>,
    /// What is answered.
    pub output: Vec<Column>,
}

impl ReferenceQuery {
    fn has_concepts(&self) -> bool {
        !self.input_concepts.is_empty() || !self.output_concepts.is_empty()
    }
}

/// The list of the references that are offered to the caller, and of which the caller may read the lines.
fn listed(caller: &Caller, query: &ReferenceQuery, skip: u32, size: u32) -> ListQuery {
    let filter = |key: &'static str, values: Vec<String>| KeyFilter {
        facet: "",
        key,
        any_of: values,
        none_of: Vec::new(),
    };
    let owned = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
    let mut filters = vec![filter("reference", owned(&REFERENCE_USES))];
    for (is_wanted, word) in [(query.virtual_datasets, "virtual"), (query.standard_schema, "standard")] {
        filters.extend(is_wanted.then(|| filter("reference", owned(&[word]))));
    }
    if !caller.admin_mode {
        let account = caller.account.clone().map(|account| AccountRef { department: None, ..account }.key());
        let accounts = account.into_iter().chain([OFFERED_TO_ALL.to_owned()]);
        filters.push(filter("offered", accounts.collect()));
    }
    ListQuery {
        q: Some(query.q.clone()).filter(|q| !q.trim().is_empty()),
        can: vec!["readLines".to_owned()],
        filters,
        skip,
        size,
        ..ListQuery::default()
    }
}

impl ReferenceService {
    /// What it says to the caller: without the description for whoever may not read it.
    fn seen_by(caller: &Caller, mut dataset: Dataset) -> Self {
        if !can(caller, dataset_operation("readDescription"), protected(&dataset)) {
            dataset.description.retain(|name, _| name == "masterData");
        }
        Self::of(dataset)
    }

    fn of(dataset: Dataset) -> Self {
        let offered = offers(&dataset);
        let shared = offered.share_orgs.iter().map(|organisation| {
            let name = if organisation.name.is_empty() { &organisation.id } else { &organisation.name };
            AccountRef::organization(&organisation.id, name)
        });
        let actions = bulk_searches(&dataset).into_iter().map(|search| ReferenceAction {
            id: format!("{BULK_ACTION}{}", search.id),
            title: search.title,
            input: search.input,
            output: search.output,
        });
        Self {
            id: format!("{REFERENCE_SERVICE}{}", dataset.id),
            offered_to: [dataset.owner.clone()].into_iter().chain(shared).collect(),
            public: is_public(dataset_operation("readLines"), &dataset.permissions),
            virtual_datasets: offered.virtual_datasets.active,
            standard_schema: offered.standard_schema.active,
            actions: actions.collect(),
            dataset,
        }
    }

    /// The OpenAPI 3.1 document of its searches. `api` is the address of the API.
    pub fn document(&self, api: &str) -> Value {
        reference_document(&self.dataset, api)
    }

    /// Whether there is anything to choose it for.
    fn is_useful(&self) -> bool {
        !self.actions.is_empty() || self.virtual_datasets || self.standard_schema
    }

    /// Whether one of its searches has the concepts that are asked for.
    fn fits(&self, query: &ReferenceQuery) -> bool {
        let has = |columns: &[Column], wanted: &[String]| {
            let concepts = columns.iter().filter_map(|column| column.refers_to.as_deref()).map(canonical);
            let wanted: Vec<&str> = wanted.iter().map(|uri| canonical(uri)).collect();
            wanted.is_empty() || concepts.into_iter().any(|uri| wanted.contains(&uri))
        };
        let action = |action: &ReferenceAction| {
            has(&action.input, &query.input_concepts) && has(&action.output, &query.output_concepts)
        };
        self.actions.iter().any(action)
    }
}

impl Datasets {
    /// The references that are offered to the caller and fit the query, newest first: how many there are, and `size` of them after
    /// `skip` others.
    pub async fn reference_services(
        &self,
        caller: &Caller,
        query: &ReferenceQuery,
        skip: u32,
        size: u32,
    ) -> DatasetsResult<(u64, Vec<ReferenceService>)> {
        if !query.has_concepts() {
            let page = self.list(caller, &listed(caller, query, skip, size)).await?;
            let services = page.results.into_iter().map(|dataset| ReferenceService::seen_by(caller, dataset));
            return Ok((page.count, services.collect()));
        }
        // Which concepts a search takes is known where it is read.
        let (mut count, mut services, mut looked_at) = (0, Vec::new(), 0);
        loop {
            let page = self.list(caller, &listed(caller, query, looked_at, REFERENCES_PER_STEP)).await?;
            looked_at += REFERENCES_PER_STEP;
            let is_last = looked_at >= REFERENCES_LOOKED_AT_MAX || u64::from(looked_at) >= page.count;
            for dataset in page.results {
                let service = ReferenceService::seen_by(caller, dataset);
                if service.fits(query) {
                    count += 1;
                    if count > u64::from(skip) && services.len() < size as usize {
                        services.push(service);
                    }
                }
            }
            if is_last {
                return Ok((count, services));
            }
        }
    }

    /// The reference `id` (without `dataset:`), if the caller may read its lines. 404 when it offers nothing.
    pub async fn reference_service(&self, caller: &Caller, id: &str) -> DatasetsResult<ReferenceService> {
        let dataset = self.permitted(caller, id, "readLines").await?;
        let service = ReferenceService::seen_by(caller, dataset);
        if service.is_useful() {
            return Ok(service);
        }
        Err(DatasetsError::Missing(format!("Le jeu de données \"{id}\" n'est pas une donnée de référence.")))
    }
}
