//! On which sites a dataset is published, and what the account's settings add to it (reference §1.1, §1.9).

use halle_base::AccountRef;
use halle_http::ApiError;
use halle_model::settings::{DatasetsMetadata, PrivateConcept, PublicationSite};
use halle_model::{Caller, Column, Dataset, Settings, concept};
use halle_store::settings::{settings_of, site_url};
use halle_store::{EntityExt, Filter};
use serde_json::{Map, Value, json};

use crate::error::{DatasetsError, DatasetsResult};
use crate::service::load::check;
use crate::state::Datasets;

impl Datasets {
    /// Checks the sites that `attributes` publish `dataset` on; `dataset` is what it will be, `before` where it was.
    /// Publishing takes `writePublicationSites`, but for a staging site, where contributors may. 400 for a site that the
    /// owner has not, and for metadata that the site requires and the dataset lacks. Whether a site is new.
    pub(crate) async fn check_publication(
        &self,
        caller: &Caller,
        dataset: &Dataset,
        before: &[String],
        attributes: &Map<String, Value>,
    ) -> DatasetsResult<bool> {
        let Some(wanted) = attributes.get("publicationSites") else { return Ok(false) };
        let wanted = sites(Some(wanted));
        let added: Vec<&String> = wanted.iter().filter(|site| !before.contains(site)).collect();
        let removed = before.iter().filter(|site| !wanted.contains(site));
        let changed: Vec<&String> = added.iter().copied().chain(removed).collect();
        if changed.is_empty() {
            return Ok(false);
        }
        let settings = {
            let mut unit = self.store.read().await?;
            settings_of(unit.as_mut(), &dataset.owner).await?
        };
        let declared = |key: &str| {
            let known = settings.iter().flat_map(|settings| &settings.content.publication_sites);
            known.into_iter().find(|site| site.key() == key)
        };
        for key in changed {
            if !declared(key).is_some_and(PublicationSite::is_staging) {
                check(caller, "writePublicationSites", dataset)?;
            }
        }
        for &key in &added {
            let site = declared(key).ok_or_else(|| {
                DatasetsError::bad_request(format!(
                    "Le site de publication `{key}` n'est pas déclaré dans les paramètres du compte propriétaire."
                ))
            })?;
            check_department(caller, &dataset.owner, site)?;
            check_metadata(dataset, site)?;
        }
        Ok(!added.is_empty())
    }

    /// Which descriptive attributes the forms of the dataset's owner show.
    pub async fn metadata_settings(&self, caller: &Caller, id: &str) -> DatasetsResult<DatasetsMetadata> {
        let dataset = self.load(caller, id, "readDescription").await?;
        let mut unit = self.store.read().await?;
        let settings = settings_of(unit.as_mut(), &dataset.owner).await?;
        let found = settings.into_iter().rev().find_map(|settings| settings.content.datasets_metadata);
        Ok(found.unwrap_or_default())
    }

    /// Concepts of an account besides the standard ones.
    pub async fn private_vocabulary(&self, account: &AccountRef) -> DatasetsResult<Vec<PrivateConcept>> {
        let mut unit = self.store.read().await?;
        let settings = settings_of(unit.as_mut(), account).await?;
        Ok(settings.into_iter().flat_map(|settings| settings.content.private_vocabulary).collect())
    }

    /// Concepts of the owner's own that columns hold: the short identifier of each, and the key of its first column.
    pub(crate) async fn own_concepts(
        &self,
        owner: &AccountRef,
        columns: &[Column],
    ) -> DatasetsResult<Vec<(String, String)>> {
        let is_private =
            |column: &&Column| column.refers_to.as_deref().is_some_and(|uri| concept::by_uri(uri).is_none());
        if !columns.iter().any(|column| is_private(&column)) {
            return Ok(Vec::new());
        }
        let concepts = self.private_vocabulary(owner).await?.into_iter();
        let held = concepts.filter_map(|concept| {
            let holds = |column: &&Column| {
                column.refers_to.as_ref().is_some_and(|uri| concept.identifiers.contains(uri))
            };
            let key = columns.iter().find(holds)?.key.clone();
            Some((concept.id, key))
        });
        Ok(held.collect())
    }

    /// Adds `x-concept` to the columns on the wire that hold a concept of the owner's own.
    pub(crate) async fn name_private_concepts(
        &self,
        dataset: &Dataset,
        columns: &mut Value,
    ) -> DatasetsResult<()> {
        let is_private = |uri: &&String| concept::by_uri(uri).is_none();
        if !dataset.schema.iter().filter_map(|column| column.refers_to.as_ref()).any(|uri| is_private(&uri)) {
            return Ok(());
        }
        let concepts = self.private_vocabulary(&dataset.owner).await?;
        let mut seen: Vec<&str> = Vec::new();
        for column in columns.as_array_mut().into_iter().flatten() {
            let uri = column.get("x-refersTo").and_then(Value::as_str).unwrap_or_default().to_owned();
            let Some(concept) = concepts.iter().find(|concept| concept.identifiers.contains(&uri)) else {
                continue;
            };
            let mut value = json!({ "id": concept.id, "title": concept.title });
            if !seen.contains(&concept.id.as_str()) {
                value["primary"] = json!(true);
                seen.push(&concept.id);
            }
            column["x-concept"] = value;
        }
        Ok(())
    }

    /// The site that a request means: the one it names (`type:id`), else the one at the address it came to. `None` when
    /// there is none.
    pub async fn site_of(
        &self,
        base: &str,
        named: Option<&str>,
    ) -> DatasetsResult<Option<(AccountRef, PublicationSite)>> {
        let mut unit = self.store.read().await?;
        let pick = |settings: Settings, is_it: &dyn Fn(&PublicationSite) -> bool| {
            let account = settings.account.clone();
            let site = settings.content.publication_sites.into_iter().find(|site| is_it(site));
            site.map(|site| (account, site))
        };
        if let Some(key) = named {
            let page = unit.list::<Settings>(&Filter::all(2).with("site", key)).await?;
            let only = if page.count == 1 { page.results.into_iter().next() } else { None };
            return Ok(only.and_then(|settings| pick(settings.entity, &|site| site.key() == key)));
        }
        let url = site_url(base);
        let found = unit.find::<Settings>("site-url", &url).await?;
        Ok(found.and_then(|settings| {
            pick(settings.entity, &|site| site.url.as_deref().map(site_url).as_deref() == Some(&url))
        }))
    }
}

/// The sites of a dataset, `type:id` each.
pub(crate) fn sites(value: Option<&Value>) -> Vec<String> {
    let items = value.and_then(Value::as_array).into_iter().flatten();
    items.filter_map(Value::as_str).map(str::to_owned).collect()
}

/// A department publishes on sites of its own, and on those of its organisation that let it.
fn check_department(caller: &Caller, owner: &AccountRef, site: &PublicationSite) -> DatasetsResult<()> {
    let acting = caller.account.as_ref().and_then(|account| account.department.as_deref());
    let Some(department) = acting.filter(|_| !caller.admin_mode) else { return Ok(()) };
    let open = site.settings.as_ref().map(|settings| settings.contributor_departments.as_slice());
    let is_open = open.is_some_and(|open| open.iter().any(|one| one == department || one == "*"));
    if is_open || owner.department.as_deref() == Some(department) && open.is_none() {
        return Ok(());
    }
    let message = format!("Le département `{department}` ne peut pas publier sur le site `{}`.", site.key());
    Err(ApiError::forbidden(message).into())
}

fn check_metadata(dataset: &Dataset, site: &PublicationSite) -> DatasetsResult<()> {
    let required = site.settings.iter().flat_map(|settings| &settings.datasets_required_metadata);
    let missing: Vec<&str> =
        required.into_iter().filter(|name| !has(dataset, name)).map(String::as_str).collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(DatasetsError::bad_request(format!(
        "Le site de publication `{}` demande des métadonnées qui manquent : {}.",
        site.key(),
        missing.join(", ")
    )))
}

/// Whether the dataset has a descriptive attribute; `custom.key` and other names are looked up in `customMetadata` too.
fn has(dataset: &Dataset, name: &str) -> bool {
    let custom = name.strip_prefix("custom.").unwrap_or(name);
    let own = dataset.description.get("customMetadata").and_then(|metadata| metadata.get(custom));
    let value = dataset.description.get(name).or(own);
    value.is_some_and(|value| match value {
        Value::Null => false,
        Value::String(text) => !text.trim().is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
        Value::Bool(_) | Value::Number(_) => true,
    })
}
