//! Creating, changing and deleting applications.

use halle_base::AccountRef;
use halle_extensions::config::ConfigSchema;
use halle_extensions::installed::usable;
use halle_extensions::manifest::PluginKind;
use halle_http::ApiError;
use halle_model::permission::{PermissionEntry, can_create, default_grants};
use halle_model::{Caller, slug};
use halle_store::EntityExt;
use halle_store::StoreError;
use serde_json::Value;

use crate::{Application, ApplicationError, Applications};

/// Slugs tried before giving up: `title`, `title-2`, ... `title-99`.
const SLUGS_TRIED_MAX: u32 = 99;

/// An application to create.
#[derive(Debug, Clone, serde::Deserialize)]
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
    pub owner: Option<AccountRef>,
}

impl Applications {
    /// Creates an application. The plugin must be installed, and accept the configuration's shape.
    pub async fn create(
        &self,
        caller: &Caller,
        new: NewApplication,
    ) -> Result<Application, ApplicationError> {
        let owner = new.owner.or_else(|| caller.account.clone());
        let owner = owner
            .ok_or_else(|| ApiError::unauthorized("Veuillez vous connecter pour créer une application."))?;
        if !can_create(caller, &owner, "applications") {
            return Err(ApiError::forbidden("Permission manquante pour l'opération \"post\".").into());
        }
        if new.title.trim().is_empty() {
            return Err(ApplicationError::Invalid(
                "`title` est vide : donnez un titre à l'application.".to_owned(),
            ));
        }
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
            created_at: now,
            updated_at: now,
        };
        let base = application.slug.clone();
        for attempt in 1..=SLUGS_TRIED_MAX {
            if attempt > 1 {
                application.slug = format!("{base}-{attempt}");
            }
            let mut work = self.store.begin().await?;
            match work.insert(&application, now).await {
                Ok(()) => {
                    work.commit().await?;
                    return Ok(application);
                }
                Err(StoreError::Duplicate { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(ApplicationError::Invalid(format!("`title`: trop d'applications s'appellent « {base} ».")))
    }

    /// Changes the attributes given.
    pub async fn patch(
        &self,
        caller: &Caller,
        id: &str,
        patch: Patch,
    ) -> Result<Application, ApplicationError> {
        let mut stored = self.permitted(caller, id, "writeDescription").await?;
        if let Some(title) = patch.title.filter(|title| !title.trim().is_empty()) {
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
    pub async fn configure(
        &self,
        caller: &Caller,
        id: &str,
        configuration: Value,
    ) -> Result<Value, ApplicationError> {
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
    ) -> Result<Vec<PermissionEntry>, ApplicationError> {
        let mut stored = self.permitted(caller, id, "setPermissions").await?;
        stored.entity.permissions = permissions;
        Ok(self.save(stored).await?.permissions)
    }

    /// Deletes the application. The datasets it shows stay.
    pub async fn delete(&self, caller: &Caller, id: &str) -> Result<(), ApplicationError> {
        let stored = self.permitted(caller, id, "delete").await?;
        let mut work = self.store.begin().await?;
        work.remove::<Application>(&stored.id).await?;
        work.commit().await?;
        Ok(())
    }

    async fn save(
        &self,
        mut stored: halle_store::documents::Stored<Application>,
    ) -> Result<Application, ApplicationError> {
        let now = self.clock.now();
        stored.entity.updated_at = now;
        let mut work = self.store.begin().await?;
        work.save(&mut stored, now).await?;
        work.commit().await?;
        Ok(stored.entity)
    }

    async fn check_configuration(&self, plugin: &str, configuration: &Value) -> Result<(), ApplicationError> {
        let installed = usable(&*self.installed, plugin, PluginKind::Visualisation).await?;
        if configuration.is_null() {
            return Ok(());
        }
        let Some(schema) = &installed.manifest.config else { return Ok(()) };
        let schema = ConfigSchema::new(schema).map_err(|reason| {
            ApplicationError::Invalid(format!("the configuration schema of `{plugin}` {reason}"))
        })?;
        schema.validate(configuration).map_err(|problems| {
            let messages: Vec<String> = problems.into_iter().map(|problem| problem.message).collect();
            ApplicationError::Invalid(format!("`configuration` : {}", messages.join(" ; ")))
        })
    }
}

/// Attributes to change; absent ones stay.
#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Patch {
    /// Title.
    pub title: Option<String>,
    /// Description in Markdown.
    pub description: Option<String>,
    /// Configuration.
    pub configuration: Option<Value>,
}
