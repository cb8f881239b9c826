//! Finding services.

use halle_http::auth::require;
use halle_http::paging::Paging;
use halle_http::{ApiError, ApiResult};
use halle_model::Caller;
use halle_model::permission::{SERVICE_OPERATIONS, operation};
use halle_store::documents::Stored;
use halle_store::{EntityExt, Filter, Page};

use crate::RemoteServices;
use crate::model::{RemoteService, canonical};

/// What a list asks for.
#[derive(Debug, Clone)]
pub(crate) struct ListQuery {
    /// Words of the title or the description.
    pub q: String,
    /// Concepts of which one input must have one.
    pub input_concepts: Vec<String>,
    /// Concepts of which one output must have one.
    pub output_concepts: Vec<String>,
    /// Which page.
    pub paging: Paging,
}

impl RemoteServices {
    /// The service, if the caller may do `operation_id` on it.
    pub(crate) async fn permitted(
        &self,
        caller: &Caller,
        id: &str,
        operation_id: &str,
    ) -> ApiResult<Stored<RemoteService>> {
        let mut work = self.store.read().await?;
        let found = work.load::<RemoteService>(id).await?;
        let service = found.ok_or_else(|| ApiError::not_found(format!("Le service `{id}` n'existe pas.")))?;
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
    pub(crate) async fn list(&self, caller: &Caller, query: &ListQuery) -> ApiResult<Page<RemoteService>> {
        let filter = Filter::page(query.paging.skip, query.paging.size).searching(&query.q);
        let mut filter = filter.listed_for(caller, "remote-services");
        for (name, uris) in
            [("input-concepts", &query.input_concepts), ("output-concepts", &query.output_concepts)]
        {
            if !uris.is_empty() {
                filter.any_of.push((name, uris.iter().map(|uri| canonical(uri).to_owned()).collect()));
            }
        }
        let mut work = self.store.read().await?;
        Ok(work.list::<RemoteService>(&filter).await?.into_entities())
    }
}
