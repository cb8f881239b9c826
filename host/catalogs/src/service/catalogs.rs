//! Catalogues: found, created, changed, deleted, browsed.

use std::sync::Arc;

use halle_base::AccountRef;
use halle_extensions::Problem;
use halle_extensions::host::Listing;
use halle_extensions::installed::{choosable, usable};
use halle_extensions::instance::{Configured, Keeper};
use halle_extensions::manifest::PluginKind;
use halle_extensions::services::Services;
use halle_http::auth::{owner_of_new_by_admin, require};
use halle_http::paging::Paging;
use halle_http::{ApiError, ApiResult, shapes};
use halle_model::Caller;
use halle_model::permission::{CATALOG_OPERATIONS, operation};
use halle_store::documents::Stored;
use halle_store::{EntityExt, Filter, Page};
use serde::Deserialize;
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use utoipa::ToSchema;

use crate::Catalogs;
use crate::model::{Catalog, Import, Publication};
use crate::service::exchanges::remove;

/// Imports and publications of one catalogue.
const EXCHANGES_MAX: u32 = 10_000;

/// A catalogue to create.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewCatalog {
    /// Title.
    pub title: String,
    /// Description.
    #[serde(default)]
    pub description: String,
    /// Connector plugin.
    pub plugin: String,
    /// Configuration, secrets included.
    #[serde(default)]
    pub config: Value,
    /// Owner; the caller's active account when absent.
    #[schema(value_type = Option<shapes::Account>)]
    pub owner: Option<AccountRef>,
}

/// Attributes to change; absent ones stay.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CatalogPatch {
    /// Title.
    pub title: Option<String>,
    /// Description.
    pub description: Option<String>,
    /// Configuration; a secret shown as a mask stays what it is.
    pub config: Option<Value>,
}

impl Catalogs {
    /// The catalogue, if the caller may do `operation_id` on it.
    pub(crate) async fn permitted(
        &self,
        caller: &Caller,
        id: &str,
        operation_id: &str,
    ) -> ApiResult<Stored<Catalog>> {
        let mut work = self.store.read().await?;
        let found = work.load::<Catalog>(id).await?;
        let catalog =
            found.ok_or_else(|| ApiError::not_found(format!("Le catalogue `{id}` n'existe pas.")))?;
        require(caller, operation(CATALOG_OPERATIONS, operation_id), catalog.protected(), "Le catalogue")?;
        Ok(catalog)
    }

    /// Catalogues that the caller may list, newest first; `q` has words of the title or the description.
    pub(crate) async fn list(&self, caller: &Caller, q: &str, paging: Paging) -> ApiResult<Page<Catalog>> {
        let filter = Filter::page(paging.skip, paging.size).searching(q).listed_for(caller, "catalogs");
        let mut work = self.store.read().await?;
        Ok(work.list::<Catalog>(&filter).await?.into_entities())
    }

    /// Creates a catalogue; its connector checks the configuration, may remark something, and says what it can do.
    pub(crate) async fn create(
        &self,
        caller: &Caller,
        new: NewCatalog,
    ) -> ApiResult<(Catalog, Vec<Problem>)> {
        let owner = owner_of_new_by_admin(caller, new.owner, "catalogs", "un catalogue")?;
        check_title(&new.title)?;
        choosable(&*self.installed, &new.plugin, PluginKind::CatalogConnector, &owner).await?;
        let now = self.clock.now();
        let mut catalog = Catalog {
            id: halle_base::new_id(&*self.dice),
            title: new.title,
            description: new.description,
            plugin: new.plugin,
            capabilities: Vec::new(),
            owner,
            configured: Configured::default(),
            permissions: Vec::new(),
            created_at: now,
            updated_at: now,
        };
        let notes = self.configure(&mut catalog, new.config).await?;
        let mut work = self.store.begin().await?;
        self.installed.hold(work.as_mut(), &catalog.plugin).await?;
        work.insert(&catalog, now).await?;
        work.commit().await?;
        Ok((catalog, notes))
    }

    /// Changes the attributes given. With what the connector remarks.
    pub(crate) async fn patch(
        &self,
        caller: &Caller,
        id: &str,
        patch: CatalogPatch,
    ) -> ApiResult<(Catalog, Vec<Problem>)> {
        let mut notes = Vec::new();
        let mut stored = self.permitted(caller, id, "writeCatalog").await?;
        if let Some(title) = patch.title {
            check_title(&title)?;
            stored.entity.title = title;
        }
        if let Some(description) = patch.description {
            stored.entity.description = description;
        }
        if let Some(config) = patch.config {
            notes = self.configure(&mut stored.entity, config).await?;
        }
        let now = self.clock.now();
        stored.entity.updated_at = now;
        let mut work = self.store.begin().await?;
        work.save(&mut stored, now).await?;
        work.commit().await?;
        Ok((stored.entity, notes))
    }

    /// Deletes a catalogue with its imports and publications. Datasets here and twins there stay.
    pub(crate) async fn delete(&self, caller: &Caller, id: &str) -> ApiResult<()> {
        self.permitted(caller, id, "delete").await?;
        let of_catalog = Filter::all(EXCHANGES_MAX).with("catalog", id);
        let mut work = self.store.begin().await?;
        for import in work.list::<Import>(&of_catalog).await?.results {
            remove(&mut *work, &import.entity).await?;
        }
        for publication in work.list::<Publication>(&of_catalog).await?.results {
            remove(&mut *work, &publication.entity).await?;
        }
        work.remove::<Catalog>(id).await?;
        work.commit().await?;
        Ok(())
    }

    /// A page of the remote catalogue.
    pub(crate) async fn browse(
        &self,
        caller: &Caller,
        id: &str,
        folder: Option<&str>,
        q: Option<&str>,
        page: u32,
        size: u32,
    ) -> ApiResult<Listing> {
        let catalog = self.permitted(caller, id, "browse").await?;
        let connector = self.connector(&catalog, Services::none(), CancellationToken::new()).await?;
        Ok(connector.browse(folder, q, page, size, Value::Object(serde_json::Map::new())).await?)
    }

    async fn configure(&self, catalog: &mut Catalog, config: Value) -> ApiResult<Vec<Problem>> {
        let plugin = usable(&*self.installed, &catalog.plugin, PluginKind::CatalogConnector).await?;
        let key = catalog.key();
        let keeper = Keeper { vault: &self.vault, dice: &*self.dice, owner: &key };
        catalog.configured.update(&plugin.manifest, config, keeper)?;
        let call = self.call(catalog, Services::none(), CancellationToken::new()).await?;
        let draft = catalog.configured.config.clone();
        let prepared = self.plugins.prepare(call.clone(), draft).await?;
        catalog.configured.config = prepared.config;
        let connector = Arc::clone(&self.plugins).connector(call);
        catalog.capabilities = connector.describe().await?.1;
        Ok(prepared.notes)
    }
}

fn check_title(title: &str) -> ApiResult<()> {
    if title.trim().is_empty() {
        return Err(ApiError::bad_request("`title` est vide : donnez un titre au catalogue."));
    }
    Ok(())
}
