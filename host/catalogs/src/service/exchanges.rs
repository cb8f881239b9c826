//! What imports and publications have in common: found through their catalogue, forgotten with their log.

use halle_http::paging::Paging;
use halle_http::{ApiError, ApiResult};
use halle_model::Caller;
use halle_store::documents::Stored;
use halle_store::{EntityExt, Filter, Page, StoreResult, UnitOfWork};
use serde_json::Value;

use crate::Catalogs;
use crate::model::{Exchange, LOG_RECORDS_MAX};

impl Catalogs {
    /// The exchange, if the caller may do `operation_id` on its catalogue.
    pub(crate) async fn permitted_exchange<E: Exchange>(
        &self,
        caller: &Caller,
        id: &str,
        operation_id: &str,
    ) -> ApiResult<Stored<E>> {
        let mut work = self.store.read().await?;
        let found = work.load::<E>(id).await?;
        drop(work);
        let exchange = found.ok_or_else(|| missing::<E>(id))?;
        self.permitted(caller, &exchange.catalog().id, operation_id).await?;
        Ok(exchange)
    }

    /// Exchanges of a catalogue, newest first.
    pub(crate) async fn exchanges<E: Exchange>(
        &self,
        caller: &Caller,
        catalog: &str,
        paging: Paging,
    ) -> ApiResult<Page<E>> {
        self.permitted(caller, catalog, "readCatalog").await?;
        let filter = Filter::page(paging.skip, paging.size).with("catalog", catalog);
        let mut work = self.store.read().await?;
        Ok(work.list::<E>(&filter).await?.into_entities())
    }

    /// The log of an exchange, oldest first.
    pub(crate) async fn exchange_log(&self, exchange: &impl Exchange) -> ApiResult<Vec<Value>> {
        let mut work = self.store.read().await?;
        let records = work.logs().after(&exchange.log_stream(), 0, LOG_RECORDS_MAX).await?;
        Ok(records.into_iter().map(|record| record.body).collect())
    }

    /// Forgets an exchange.
    pub(crate) async fn forget(&self, exchange: &impl Exchange) -> ApiResult<()> {
        let mut work = self.store.begin().await?;
        remove(&mut *work, exchange).await?;
        work.commit().await?;
        Ok(())
    }
}

/// Removes an exchange with its log; its jobs are cancelled.
pub(crate) async fn remove<E: Exchange>(work: &mut dyn UnitOfWork, exchange: &E) -> StoreResult<()> {
    work.jobs().cancel(&exchange.key()).await?;
    work.logs().clear(&exchange.log_stream()).await?;
    work.remove::<E>(exchange.id()).await.map(drop)
}

/// 404 for an exchange.
pub(crate) fn missing<E: Exchange>(id: &str) -> ApiError {
    ApiError::not_found(format!("{} `{id}` n'existe pas.", E::NAME))
}
