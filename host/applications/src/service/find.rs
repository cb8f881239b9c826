//! Finding applications.

use halle_http::auth::require;
use halle_http::paging::Paging;
use halle_http::{ApiError, ApiResult};
use halle_model::Caller;
use halle_model::permission::{APPLICATION_OPERATIONS, operation};
use halle_store::documents::Stored;
use halle_store::{EntityExt, Filter, Page};

use crate::{Application, Applications};

/// What a list asks for.
#[derive(Debug, Clone)]
pub struct ListQuery {
    /// Words of the title or the description.
    pub q: String,
    /// Only applications that show this dataset.
    pub dataset: Option<String>,
    /// Which page.
    pub paging: Paging,
}

impl Applications {
    /// The application, if the caller may do `operation_id` on it.
    pub async fn permitted(
        &self,
        caller: &Caller,
        id: &str,
        operation_id: &str,
    ) -> ApiResult<Stored<Application>> {
        let mut work = self.store.read().await?;
        let mut found = work.load::<Application>(id).await?;
        if let Some(owner) = &caller.site {
            // On a publication site, only what its owner has is found, by its slug too.
            found = found.filter(|one| one.owner.kind == owner.kind && one.owner.id == owner.id);
            if found.is_none() {
                found = work.find::<Application>("slug", &format!("{}/{id}", owner.key())).await?;
            }
        }
        let application =
            found.ok_or_else(|| ApiError::not_found(format!("L'application `{id}` n'existe pas.")))?;
        require(
            caller,
            operation(APPLICATION_OPERATIONS, operation_id),
            application.protected(),
            "L'application",
        )?;
        Ok(application)
    }

    /// Applications that the caller may list, newest first; the count is of these only.
    pub async fn list(&self, caller: &Caller, query: &ListQuery) -> ApiResult<Page<Application>> {
        let filter = Filter::page(query.paging.skip, query.paging.size).searching(&query.q);
        let mut filter = filter.listed_for(caller, "applications");
        if let Some(owner) = &caller.site {
            filter = filter.with("owner", owner.key());
        }
        if let Some(dataset) = &query.dataset {
            filter = filter.with("dataset", dataset);
        }
        let mut work = self.store.read().await?;
        Ok(work.list::<Application>(&filter).await?.into_entities())
    }
}
