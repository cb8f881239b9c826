//! Creating, changing and deleting applications.

use halle_base::AccountRef;
use halle_extensions::config::ConfigSchema;
use halle_extensions::installed::{choosable, usable};
use halle_extensions::manifest::PluginKind;
use halle_http::auth::owner_of_new;
use halle_http::{ApiError, ApiResult, shapes};
use halle_model::permission::{PermissionEntry, default_grants};
use halle_model::{Caller, slug};
use halle_store::{EntityExt, StoreError};
use serde_json::Value;
use utoipa::ToSchema;

use crate::{Application, Applications};

/// Slugs tried before giving up: `title`, `title-2`, ... `title-99`.
const SLUGS_TRIED_MAX: u32 = 99;

/// An application to create.
#[derive(Debug, Clone, serde::Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewApplication {
    /// Title.
    pub title: String,
    /// Description in Markdown.
    #[serde(default)]
    pub description: String,
    /// Visualisation plugin.
    pub plugin: String,
    /// Configuration for it.
    #[serde(default)]
    pub configuration: Value,
    /// Owner; the caller's active account when absent.
    #[schema(value_type = Option<shapes::Account>)]
    pub owner: Option<AccountRef>,
}

impl Applications {
    /// Creates an application. The plugin must be installed, and accept the configuration's shape.
    pub async fn create(&self, caller: &Caller, new: NewApplication) -> ApiResult<Application> {
        let owner = owner_of_new(caller, new.owner, "applications", "une application")?;
        check_title(&new.title)?;
        choosable(&*self.installed, &new.plugin, PluginKind::Visualisation, &owner).await?;
        self.check_configuration(&new.plugin, &new.configuration).await?;
        let now = self.clock.now();
        let mut application = Application {
            id: halle_base::new_id(&*self.dice),
            slug: slug::title_slug(&new.title),
            title: new.title,
            description: new.description,
            permissions: default_grants(&owner),
            owner,
            plugin: new.plugin,
            configuration: new.configuration,
            keys: Vec::new(),
            created_at: now,
            updated_at: now,
        };
        let base = application.slug.clone();
        for attempt in 1..=SLUGS_TRIED_MAX {
            if attempt > 1 {
                application.slug = format!("{base}-{attempt}");
            }
            let mut work = self.store.begin().await?;
            self.installed.hold(work.as_mut(), &application.plugin).await?;
            match work.insert(&application, now).await {
                Ok(()) => {
                    work.commit().await?;
                    return Ok(application);
                }
                Err(StoreError::Duplicate { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(ApiError::bad_request(format!("`title` : trop d'applications s'appellent « {base} ».")))
    }

    /// Changes the attributes given.
    pub async fn patch(&self, caller: &Caller, id: &str, patch: Patch) -> ApiResult<Application> {
        let mut stored = self.permitted(caller, id, "writeDescription").await?;
        if let Some(title) = patch.title {
            check_title(&title)?;
            stored.entity.title = title;
        }
        if let Some(description) = patch.description {
            stored.entity.description = description;
        }
        if let Some(configuration) = patch.configuration {
            self.check_configuration(&stored.entity.plugin, &configuration).await?;
            stored.entity.configuration = configuration;
        }
        self.save(stored).await
    }

    /// Replaces the configuration.
    pub async fn configure(&self, caller: &Caller, id: &str, configuration: Value) -> ApiResult<Value> {
        let mut stored = self.permitted(caller, id, "writeConfig").await?;
        self.check_configuration(&stored.entity.plugin, &configuration).await?;
        stored.entity.configuration = configuration;
        Ok(self.save(stored).await?.configuration)
    }

    /// Replaces the grants.
    pub async fn grant(
        &self,
        caller: &Caller,
        id: &str,
        permissions: Vec<PermissionEntry>,
    ) -> ApiResult<Vec<PermissionEntry>> {
        let mut stored = self.permitted(caller, id, "setPermissions").await?;
        stored.entity.permissions = permissions;
        Ok(self.save(stored).await?.permissions)
    }

    /// Deletes the application. The datasets it shows stay.
    pub async fn delete(&self, caller: &Caller, id: &str) -> ApiResult<()> {
        let stored = self.permitted(caller, id, "delete").await?;
        let mut work = self.store.begin().await?;
        work.remove::<Application>(&stored.id).await?;
        work.commit().await?;
        Ok(())
    }

    pub(super) async fn save(
        &self,
        mut stored: halle_store::documents::Stored<Application>,
    ) -> ApiResult<Application> {
        let now = self.clock.now();
        stored.entity.updated_at = now;
        let mut work = self.store.begin().await?;
        work.save(&mut stored, now).await?;
        work.commit().await?;
        Ok(stored.entity)
    }

    async fn check_configuration(&self, plugin: &str, configuration: &Value) -> ApiResult<()> {
        let installed = usable(&*self.installed, plugin, PluginKind::Visualisation).await?;
        if configuration.is_null() {
            return Ok(());
        }
        let Some(schema) = &installed.manifest.config else { return Ok(()) };
        let schema = ConfigSchema::new(schema).map_err(|reason| {
            ApiError::bad_request(format!("the configuration schema of `{plugin}` {reason}"))
        })?;
        schema.validate(configuration).map_err(|problems| {
            let at = problems.first().and_then(|problem| problem.field.clone()).unwrap_or_default();
            let messages: Vec<String> = problems.into_iter().map(|problem| problem.message).collect();
            let message = format!("`configuration` : {}", messages.join(" ; "));
            ApiError::bad_request(message).at(format!("/configuration{at}"))
        })
    }
}

/// Attributes to change; absent ones stay.
#[derive(Debug, Clone, Default, serde::Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ApplicationPatch)]
pub struct Patch {
    /// Title.
    pub title: Option<String>,
    /// Description in Markdown.
    pub description: Option<String>,
    /// Configuration.
    pub configuration: Option<Value>,
}

fn check_title(title: &str) -> ApiResult<()> {
    if title.trim().is_empty() {
        return Err(ApiError::bad_request("`title` est vide : donnez un titre à l'application."));
    }
    Ok(())
}
