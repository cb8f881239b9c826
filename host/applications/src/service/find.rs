//! Finding applications.

use halle_http::auth::require;
use halle_model::Caller;
use halle_model::permission::{APPLICATION_OPERATIONS, operation};
use halle_store::documents::Stored;
use halle_store::{EntityExt, Filter, Page};

use crate::{Application, ApplicationError, Applications};

/// What a list asks for.
#[derive(Debug, Clone, Default)]
pub struct ListQuery {
    /// Words of the title or the description.
    pub q: String,
    /// Only applications that show this dataset.
    pub dataset: Option<String>,
    /// Applications to skip.
    pub skip: u32,
    /// Applications to return.
    pub size: u32,
}

impl Applications {
    /// The application, if the caller may do `operation_id` on it.
    pub async fn permitted(
        &self,
        caller: &Caller,
        id: &str,
        operation_id: &str,
    ) -> Result<Stored<Application>, ApplicationError> {
        let mut work = self.store.read().await?;
        let found = work.load::<Application>(id).await?;
        let application = found.ok_or_else(|| ApplicationError::NotFound(id.to_owned()))?;
        require(
            caller,
            operation(APPLICATION_OPERATIONS, operation_id),
            application.protected(),
            "L'application",
        )?;
        Ok(application)
    }

    /// Applications that the caller may list, newest first; the count is of these only.
    pub async fn list(
        &self,
        caller: &Caller,
        query: &ListQuery,
    ) -> Result<Page<Application>, ApplicationError> {
        let mut filter = Filter::all(query.size);
        filter.skip = query.skip;
        filter.words = halle_model::slug::fold(&query.q).split_whitespace().map(str::to_owned).collect();
        if let Some(dataset) = &query.dataset {
            filter = filter.with("dataset", dataset);
        }
        if let Some(words) = halle_model::listing::caller_words(caller, "applications") {
            filter.any_of.push(("grant", words));
        }
        let mut work = self.store.read().await?;
        let page = work.list::<Application>(&filter).await?;
        Ok(Page {
            count: page.count,
            results: page.results.into_iter().map(|stored| stored.entity).collect(),
        })
    }
}
