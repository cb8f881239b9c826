//! Datasets of reference as remote services `dataset:{id}`, for those who choose one (reference §1.8).
//!
//! A reference is offered to the account that owns it, to the organisations it is shared with (`shareOrgs`), and to all
//! when everybody may read it; to nobody who may not read its lines. Being offered one gives no right.

use halle_base::AccountRef;
use halle_model::concept::canonical;
use halle_model::extension::{BULK_ACTION, REFERENCE_SERVICE};
use halle_model::permission::{can, dataset_operation, is_public};
use halle_model::{Caller, Column, Dataset};
use serde_json::Value;

use super::{bulk_searches, offers};
use crate::error::{DatasetsError, DatasetsResult};
use crate::openapi::reference_document;
use crate::service::list::{KeyFilter, ListQuery};
use crate::service::load::protected;
use crate::state::Datasets;

/// References that one list looks at.
const REFERENCES_MAX: u32 = 1_000;

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

impl ReferenceService {
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

    fn is_offered_to(&self, caller: &Caller) -> bool {
        let is_same =
            |account: &AccountRef, other: &AccountRef| account.kind == other.kind && account.id == other.id;
        let of = |account: &AccountRef| self.offered_to.iter().any(|other| is_same(account, other));
        caller.admin_mode || self.public || caller.account.as_ref().is_some_and(of)
    }

    fn fits(&self, query: &ReferenceQuery) -> bool {
        let has = |columns: &[Column], wanted: &[String]| {
            let concepts = columns.iter().filter_map(|column| column.refers_to.as_deref()).map(canonical);
            let wanted: Vec<&str> = wanted.iter().map(|uri| canonical(uri)).collect();
            wanted.is_empty() || concepts.into_iter().any(|uri| wanted.contains(&uri))
        };
        let is_any = query.input_concepts.is_empty() && query.output_concepts.is_empty();
        let action = |action: &ReferenceAction| {
            has(&action.input, &query.input_concepts) && has(&action.output, &query.output_concepts)
        };
        (!query.virtual_datasets || self.virtual_datasets)
            && (!query.standard_schema || self.standard_schema)
            && (is_any || self.actions.iter().any(action))
    }
}

impl Datasets {
    /// The references that are offered to the caller and fit the query, newest first.
    pub async fn reference_services(
        &self,
        caller: &Caller,
        query: &ReferenceQuery,
    ) -> DatasetsResult<Vec<ReferenceService>> {
        let is_reference = KeyFilter {
            facet: "reference",
            key: "reference",
            any_of: vec!["yes".to_owned()],
            none_of: Vec::new(),
        };
        let list = ListQuery {
            q: Some(query.q.clone()).filter(|q| !q.trim().is_empty()),
            filters: vec![is_reference],
            size: REFERENCES_MAX,
            ..ListQuery::default()
        };
        let may_read = |dataset: &Dataset| can(caller, dataset_operation("readLines"), protected(dataset));
        let found = self.list(caller, &list).await?.results.into_iter();
        let services = found.filter(may_read).map(ReferenceService::of);
        Ok(services.filter(|one| one.is_useful() && one.is_offered_to(caller) && one.fits(query)).collect())
    }

    /// The reference `id` (without `dataset:`), if the caller may read its lines. 404 when it offers nothing.
    pub async fn reference_service(&self, caller: &Caller, id: &str) -> DatasetsResult<ReferenceService> {
        let dataset = self.permitted(caller, id, "readLines").await?;
        let service = ReferenceService::of(dataset);
        if service.is_useful() {
            return Ok(service);
        }
        Err(DatasetsError::Missing(format!("Le jeu de données \"{id}\" n'est pas une donnée de référence.")))
    }
}
