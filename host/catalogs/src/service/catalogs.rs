//! Catalogues: found, created, changed, deleted, browsed.

use std::sync::Arc;

use halle_base::AccountRef;
use halle_extensions::host::Listing;
use halle_extensions::installed::usable;
use halle_extensions::instance::{Configured, Keeper};
use halle_extensions::manifest::PluginKind;
use halle_extensions::services::Services;
use halle_http::ApiError;
use halle_http::auth::require;
use halle_model::Caller;
use halle_model::permission::{CATALOG_OPERATIONS, can_create, operation};
use halle_store::documents::Stored;
use halle_store::{EntityExt, Filter, Page};
use serde::Deserialize;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::model::{Catalog, Import, Publication};
use crate::{CatalogError, Catalogs};

/// Imports and publications of one catalogue.
const EXCHANGES_MAX: u32 = 10_000;

/// A catalogue to create.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewCatalog {
    pub title: String,
    #[serde(default)]
    pub description: String,
    pub plugin: String,
    #[serde(default)]
    pub config: Value,
    pub owner: Option<AccountRef>,
}

/// Attributes to change; absent ones stay.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CatalogPatch {
    pub title: Option<String>,
    pub description: Option<String>,
    pub config: Option<Value>,
}

impl Catalogs {
    /// The catalogue, if the caller may do `operation_id` on it.
    pub(crate) async fn permitted(
        &self,
        caller: &Caller,
        id: &str,
        operation_id: &str,
    ) -> Result<Stored<Catalog>, CatalogError> {
        let mut work = self.store.read().await?;
        let found = work.load::<Catalog>(id).await?;
        let catalog = found.ok_or_else(|| CatalogError::NotFound(format!("Le catalogue `{id}`")))?;
        require(caller, operation(CATALOG_OPERATIONS, operation_id), catalog.protected(), "Le catalogue")?;
        Ok(catalog)
    }

    /// Catalogues that the caller may list, newest first.
    pub(crate) async fn list(
        &self,
        caller: &Caller,
        q: &str,
        skip: u32,
        size: u32,
    ) -> Result<Page<Catalog>, CatalogError> {
        let words = halle_model::slug::fold(q).split_whitespace().map(str::to_owned).collect();
        let mut filter = Filter { skip, words, ..Filter::all(size) };
        if let Some(words) = halle_model::listing::caller_words(caller, "catalogs") {
            filter.any_of.push(("grant", words));
        }
        let mut work = self.store.read().await?;
        let page = work.list::<Catalog>(&filter).await?;
        Ok(Page {
            count: page.count,
            results: page.results.into_iter().map(|stored| stored.entity).collect(),
        })
    }

    /// Creates a catalogue; its connector checks the configuration and says what it can do.
    pub(crate) async fn create(&self, caller: &Caller, new: NewCatalog) -> Result<Catalog, CatalogError> {
        let owner = new.owner.or_else(|| caller.account.clone());
        let owner = owner
            .ok_or_else(|| ApiError::unauthorized("Veuillez vous connecter pour créer un catalogue."))?;
        if !can_create(caller, &owner, "catalogs") {
            return Err(ApiError::forbidden("Permission manquante pour l'opération \"post\".").into());
        }
        if new.title.trim().is_empty() {
            return Err(CatalogError::Invalid("`title` est vide : donnez un titre au catalogue.".to_owned()));
        }
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
        self.configure(&mut catalog, new.config).await?;
        let mut work = self.store.begin().await?;
        work.insert(&catalog, now).await?;
        work.commit().await?;
        Ok(catalog)
    }

    /// Changes the attributes given.
    pub(crate) async fn patch(
        &self,
        caller: &Caller,
        id: &str,
        patch: CatalogPatch,
    ) -> Result<Catalog, CatalogError> {
        let mut stored = self.permitted(caller, id, "writeCatalog").await?;
        if let Some(title) = patch.title.filter(|title| !title.trim().is_empty()) {
            stored.entity.title = title;
        }
        if let Some(description) = patch.description {
            stored.entity.description = description;
        }
        if let Some(config) = patch.config {
            self.configure(&mut stored.entity, config).await?;
        }
        let now = self.clock.now();
        stored.entity.updated_at = now;
        let mut work = self.store.begin().await?;
        work.save(&mut stored, now).await?;
        work.commit().await?;
        Ok(stored.entity)
    }

    /// Deletes a catalogue with its imports and publications. Datasets here and twins there stay.
    pub(crate) async fn delete(&self, caller: &Caller, id: &str) -> Result<(), CatalogError> {
        self.permitted(caller, id, "delete").await?;
        let of_catalog = Filter::all(EXCHANGES_MAX).with("catalog", id);
        let mut work = self.store.begin().await?;
        for import in work.list::<Import>(&of_catalog).await?.results {
            work.jobs().cancel(&import.key()).await?;
            work.logs().clear(&import.log_stream()).await?;
            work.remove::<Import>(&import.id).await?;
        }
        for publication in work.list::<Publication>(&of_catalog).await?.results {
            work.jobs().cancel(&publication.key()).await?;
            work.logs().clear(&publication.log_stream()).await?;
            work.remove::<Publication>(&publication.id).await?;
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
    ) -> Result<Listing, CatalogError> {
        let catalog = self.permitted(caller, id, "browse").await?;
        let connector = self.connector(&catalog, Services::none(), CancellationToken::new()).await?;
        Ok(connector.browse(folder, q, page, size, Value::Object(serde_json::Map::new())).await?)
    }

    async fn configure(&self, catalog: &mut Catalog, config: Value) -> Result<(), CatalogError> {
        let plugin = usable(&*self.installed, &catalog.plugin, PluginKind::CatalogConnector).await?;
        let key = catalog.key();
        let keeper = Keeper { vault: &self.vault, dice: &*self.dice, owner: &key };
        catalog.configured.update(&plugin.manifest, config, keeper)?;
        let call = self.call(catalog, Services::none(), CancellationToken::new()).await?;
        let draft = catalog.configured.config.clone();
        catalog.configured.config = self.plugins.prepare(call.clone(), draft).await?.config;
        let connector = Arc::clone(&self.plugins).connector(call);
        catalog.capabilities = connector.describe().await?.1;
        Ok(())
    }
}
