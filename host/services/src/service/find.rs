//! Finding services.

use halle_http::auth::require;
use halle_model::Caller;
use halle_model::permission::{SERVICE_OPERATIONS, operation};
use halle_store::documents::Stored;
use halle_store::{EntityExt, Filter, Page};

use crate::model::{RemoteService, canonical};
use crate::{RemoteServices, ServiceError};

/// What a list asks for.
#[derive(Debug, Clone, Default)]
pub(crate) struct ListQuery {
    /// Words of the title or the description.
    pub q: String,
    /// Concepts of which one input must have one.
    pub input_concepts: Vec<String>,
    /// Concepts of which one output must have one.
    pub output_concepts: Vec<String>,
    /// Services to skip.
    pub skip: u32,
    /// Services to return.
    pub size: u32,
}

impl RemoteServices {
    /// The service, if the caller may do `operation_id` on it.
    pub(crate) async fn permitted(
        &self,
        caller: &Caller,
        id: &str,
        operation_id: &str,
    ) -> Result<Stored<RemoteService>, ServiceError> {
        let mut work = self.store.read().await?;
        let found = work.load::<RemoteService>(id).await?;
        let service = found.ok_or_else(|| ServiceError::NotFound(format!("Le service `{id}`")))?;
        let grants = service.grants();
        require(
            caller,
            operation(SERVICE_OPERATIONS, operation_id),
            service.protected(&grants),
            "Le service",
        )?;
        Ok(service)
    }

    /// Services that the caller may list, newest first.
    pub(crate) async fn list(
        &self,
        caller: &Caller,
        query: &ListQuery,
    ) -> Result<Page<RemoteService>, ServiceError> {
        let words = halle_model::slug::fold(&query.q).split_whitespace().map(str::to_owned).collect();
        let mut filter = Filter { skip: query.skip, words, ..Filter::all(query.size) };
        for (name, uris) in
            [("input-concepts", &query.input_concepts), ("output-concepts", &query.output_concepts)]
        {
            if !uris.is_empty() {
                filter.any_of.push((name, uris.iter().map(|uri| canonical(uri).to_owned()).collect()));
            }
        }
        if let Some(words) = halle_model::listing::caller_words(caller, "remote-services") {
            filter.any_of.push(("grant", words));
        }
        let mut work = self.store.read().await?;
        let page = work.list::<RemoteService>(&filter).await?;
        Ok(Page {
            count: page.count,
            results: page.results.into_iter().map(|stored| stored.entity).collect(),
        })
    }
}
