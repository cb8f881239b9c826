//! Finding services.

use halle_datasets::service::master_data::ReferenceQuery;
use halle_http::auth::require;
use halle_http::paging::Paging;
use halle_http::{ApiError, ApiResult};
use halle_model::Caller;
use halle_model::concept::canonical;
use halle_model::extension::REFERENCE_SERVICE;
use halle_model::permission::{SERVICE_OPERATIONS, operation};
use halle_store::documents::Stored;
use halle_store::{EntityExt, Filter, Page};

use crate::RemoteServices;
use crate::model::RemoteService;

/// What a list asks for.
#[derive(Debug, Clone)]
pub(crate) struct ListQuery {
    /// Words and concepts.
    pub wanted: ReferenceQuery,
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
        let service = found.ok_or_else(|| match id.strip_prefix(REFERENCE_SERVICE) {
            Some(dataset) => ApiError::bad_request(format!(
                "Le service `{id}` est une donnée de référence : modifiez l'attribut \"masterData\" du jeu de données `{dataset}`."
            )),
            None => ApiError::not_found(format!("Le service `{id}` n'existe pas.")),
        })?;
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
        let filter = Filter::page(query.paging.skip, query.paging.size).searching(&query.wanted.q);
        let mut filter = filter.listed_for(caller, "remote-services");
        for (name, uris) in [
            ("input-concepts", &query.wanted.input_concepts),
            ("output-concepts", &query.wanted.output_concepts),
        ] {
            if !uris.is_empty() {
                filter.any_of.push((name, uris.iter().map(|uri| canonical(uri).to_owned()).collect()));
            }
        }
        let mut work = self.store.read().await?;
        Ok(work.list::<RemoteService>(&filter).await?.into_entities())
    }
}
