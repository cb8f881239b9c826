//! Settings of an account (reference §1.9): read whole by its administrators, in parts by those whom a part concerns.

use halle_base::{AccountKind, AccountRef};
use halle_http::{ApiError, ApiResult};
use halle_model::settings::{
    DatasetsMetadata, License, PublicationSite, SettingsContent, Topic, check_site, standard_licenses,
};
use halle_model::{Caller, Settings};
use halle_store::documents::Stored;
use halle_store::settings::settings_of;
use halle_store::{EntityExt, StoreError, UnitOfWork};
use serde_json::{Map, Value};

use crate::Directory;
use crate::error::stored;
use crate::service::KeyChange;
use crate::service::api_keys::{keys_of, named, own_settings};
use crate::service::signed_in;
use crate::views::{KeyView, SettingsView};

/// Attributes of the answer that a client may send back; they say whose the settings are, and are not changed here.
const READ_ONLY: [&str; 5] = ["type", "id", "name", "department", "departmentName"];

/// How the attributes of a change meet those that are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// What is not given is unset. API keys stay unless they are given.
    Replace,
    /// What is not given stays; `null` unsets.
    Merge,
}

impl Directory {
    /// The settings of an account, for its administrators.
    pub async fn settings(&self, caller: &Caller, owner: &AccountRef) -> ApiResult<SettingsView> {
        own_settings(caller, owner)?;
        let mut work = self.read().await?;
        let owner = named(&mut *work, owner).await?;
        let keys = keys_of(&mut *work, &owner).await?;
        let content = load(&mut *work, &owner).await?.entity.content;
        Ok(SettingsView::new(owner, keys.iter().map(KeyView::from).collect(), content))
    }

    /// Changes the settings of an account. The answer holds the clear text of each new API key, this once. 400 names the
    /// attribute that is wrong, and then nothing is changed.
    pub async fn change_settings(
        &self,
        caller: &Caller,
        owner: &AccountRef,
        mut attributes: Map<String, Value>,
        change: Change,
    ) -> ApiResult<SettingsView> {
        let user = own_settings(caller, owner)?;
        let keys = attributes.shift_remove("apiKeys").filter(|keys| !keys.is_null());
        let keys: Option<Vec<KeyChange>> = keys.map(|keys| parse("apiKeys", keys)).transpose()?;
        for name in READ_ONLY {
            attributes.shift_remove(name);
        }
        let mut work = self.begin().await?;
        let owner = named(&mut *work, owner).await?;
        let mut settings = load(&mut *work, &owner).await?;
        let mut wanted = match change {
            Change::Replace => Map::new(),
            Change::Merge => serde_json::to_value(&settings.content)
                .ok()
                .and_then(|content| content.as_object().cloned())
                .unwrap_or_default(),
        };
        for (name, value) in attributes {
            if value.is_null() {
                wanted.shift_remove(&name);
            } else {
                wanted.insert(name, value);
            }
        }
        let content = parse("settings", Value::Object(wanted))?;
        settings.entity = Settings { content: complete(content)?, ..Settings::new(owner.clone()) };
        let keys = match keys {
            Some(keys) => self.replace_keys(&mut *work, user, &owner, keys).await?,
            None => keys_of(&mut *work, &owner).await?.iter().map(KeyView::from).collect(),
        };
        self.save(&mut *work, &mut settings).await?;
        work.commit().await.map_err(stored)?;
        Ok(SettingsView::new(owner, keys, settings.entity.content))
    }

    /// Topics of an account, those of the organisation above a department first. For everybody.
    pub async fn topics(&self, owner: &AccountRef) -> ApiResult<Vec<Topic>> {
        let mut topics: Vec<Topic> = Vec::new();
        for settings in self.effective(owner).await? {
            let new = settings.content.topics.into_iter();
            let new: Vec<Topic> =
                new.filter(|topic| topics.iter().all(|known| known.id != topic.id)).collect();
            topics.extend(new);
        }
        Ok(topics)
    }

    /// Licences that resources of an account may have: the standard ones, then its own. For everybody.
    pub async fn licenses(&self, owner: &AccountRef) -> ApiResult<Vec<License>> {
        let mut licenses = standard_licenses();
        for settings in self.effective(owner).await? {
            let new = settings.content.licenses.into_iter();
            let new: Vec<License> = new.filter(|license| !licenses.contains(license)).collect();
            licenses.extend(new);
        }
        Ok(licenses)
    }

    /// Which descriptive attributes the forms of an account show. For everybody.
    pub async fn datasets_metadata(&self, owner: &AccountRef) -> ApiResult<DatasetsMetadata> {
        let found = self.effective(owner).await?.into_iter().rev();
        Ok(found.filter_map(|settings| settings.content.datasets_metadata).next().unwrap_or_default())
    }

    /// Settings of the assistant, for members of the account. `{}` when there are none.
    pub async fn agent_chat(&self, caller: &Caller, owner: &AccountRef) -> ApiResult<Map<String, Value>> {
        member(caller, owner)?;
        let found = self.effective(owner).await?.into_iter().rev();
        Ok(found.filter_map(|settings| settings.content.agent_chat).next().unwrap_or_default())
    }

    /// Sites of an account, for its members. A department sees those of its organisation that let it publish, too.
    pub async fn publication_sites(
        &self,
        caller: &Caller,
        owner: &AccountRef,
    ) -> ApiResult<Vec<PublicationSite>> {
        member(caller, owner)?;
        let mut sites = Vec::new();
        for settings in self.effective(owner).await? {
            let inherited = settings.account.department != owner.department;
            sites.extend(settings.content.publication_sites.into_iter().filter(|site| {
                !inherited || owner.department.as_deref().is_some_and(|id| is_open_to(site, id))
            }));
        }
        Ok(sites)
    }

    /// Declares a site, or replaces the declaration that has its type and identifier.
    pub async fn put_publication_site(
        &self,
        caller: &Caller,
        owner: &AccountRef,
        site: PublicationSite,
    ) -> ApiResult<PublicationSite> {
        own_settings(caller, owner)?;
        check_site(&site).map_err(ApiError::bad_request)?;
        let mut work = self.begin().await?;
        let owner = named(&mut *work, owner).await?;
        let mut settings = load(&mut *work, &owner).await?;
        let sites = &mut settings.entity.content.publication_sites;
        match sites.iter_mut().find(|known| known.key() == site.key()) {
            Some(known) => *known = site.clone(),
            None => sites.push(site.clone()),
        }
        settings.content.check().map_err(ApiError::bad_request)?;
        self.save(&mut *work, &mut settings).await?;
        work.commit().await.map_err(stored)?;
        Ok(site)
    }

    /// Takes a declaration of a site back; 404 when there is none.
    pub async fn remove_publication_site(
        &self,
        caller: &Caller,
        owner: &AccountRef,
        kind: &str,
        id: &str,
    ) -> ApiResult<()> {
        own_settings(caller, owner)?;
        let mut work = self.begin().await?;
        let mut settings = load(&mut *work, owner).await?;
        let sites = &mut settings.entity.content.publication_sites;
        let before = sites.len();
        sites.retain(|site| site.kind != kind || site.id != id);
        if sites.len() == before {
            return Err(ApiError::not_found(format!(
                "Le site `{kind}:{id}` n'est pas déclaré pour ce compte."
            )));
        }
        self.save(&mut *work, &mut settings).await?;
        work.commit().await.map_err(stored)
    }

    /// The settings that count for an account: of the organisation above it, then its own.
    async fn effective(&self, owner: &AccountRef) -> ApiResult<Vec<Settings>> {
        let mut work = self.read().await?;
        settings_of(&mut *work, owner).await.map_err(stored)
    }

    async fn save(&self, work: &mut dyn UnitOfWork, settings: &mut Stored<Settings>) -> ApiResult<()> {
        work.save(settings, self.now()).await.map_err(|error| match error {
            StoreError::Duplicate { key, value, .. } if key == "site-url" => ApiError::conflict(format!(
                "`publicationSites` : l'adresse {value} est déjà celle d'un site d'un autre compte."
            )),
            other => stored(other),
        })
    }
}

/// The settings of exactly this account; those of an account that set nothing when there are none.
async fn load(work: &mut dyn UnitOfWork, owner: &AccountRef) -> ApiResult<Stored<Settings>> {
    let found = work.load::<Settings>(&owner.key()).await.map_err(stored)?;
    Ok(found.unwrap_or_else(|| Stored {
        entity: Settings::new(owner.clone()),
        revision: 0,
        created_at: halle_base::Timestamp::UNIX_EPOCH,
        updated_at: halle_base::Timestamp::UNIX_EPOCH,
    }))
}

fn complete(mut content: SettingsContent) -> ApiResult<SettingsContent> {
    content.complete();
    content.check().map_err(ApiError::bad_request)?;
    Ok(content)
}

/// Reads `value`; 400 that names the attribute that is wrong.
fn parse<T: serde::de::DeserializeOwned>(what: &str, value: Value) -> ApiResult<T> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path = error.path().to_string();
        let place = if path == "." { what.to_owned() } else { path };
        ApiError::bad_request(format!("`{place}` : {}.", error.inner()))
    })
}

/// Refuses who does not belong to the account: 401, 403.
fn member(caller: &Caller, owner: &AccountRef) -> ApiResult<()> {
    let user = signed_in(caller)?;
    let belongs = match owner.kind {
        AccountKind::User => user.id == owner.id,
        AccountKind::Organization => user.organizations.iter().any(|membership| membership.id == owner.id),
    };
    if belongs || caller.admin_mode {
        return Ok(());
    }
    Err(ApiError::forbidden(format!("Réservé aux membres du compte `{owner}`.")))
}

fn is_open_to(site: &PublicationSite, department: &str) -> bool {
    let departments = site.settings.iter().flat_map(|settings| &settings.contributor_departments);
    departments.into_iter().any(|open| open == department || open == "*")
}
