//! What the account service tells of its accounts: new names, and accounts that are gone (reference §1.9). And what a
//! superadmin looks at first.

use halle_base::{AccountKind, AccountRef};
use halle_model::limits::Limits;
use halle_model::{Caller, Dataset, Settings, Status};
use halle_store::notifications::{received_by, seen_by, sent_by};
use halle_store::{Document, Entity, EntityExt, Filter, Order, UnitOfWork};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::error::DatasetsResult;
use crate::service::limits::superadmin;
use crate::state::Datasets;

/// Collections of documents with `owner` and `permissions`, datasets apart.
const OTHER_COLLECTIONS: [&str; 3] = ["applications", "processings", "catalogs"];

/// Documents rewritten or removed in one unit of work.
const BATCH_DOCUMENTS: u32 = 100;

/// Names of an account as they are now.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Identity {
    /// Display name.
    pub name: String,
    /// Departments of an organisation.
    #[serde(default)]
    pub departments: Vec<DepartmentName>,
}

/// Name of a department.
#[derive(Debug, Clone, Deserialize)]
pub struct DepartmentName {
    /// Identifier within the organisation.
    pub id: String,
    /// Display name.
    pub name: String,
}

impl Datasets {
    /// Writes the new names of an account wherever resources keep them. Nothing else about them changes, their dates
    /// included.
    pub async fn rename_identity(
        &self,
        caller: &Caller,
        account: &AccountRef,
        key: Option<&str>,
        identity: &Identity,
    ) -> DatasetsResult<()> {
        self.may_manage_identities(caller, key)?;
        for owner in self.owners(account).await? {
            for collection in all_collections() {
                let filter = oldest_first(&owner);
                for skip in (0..).step_by(BATCH_DOCUMENTS as usize) {
                    let mut unit = self.store.begin().await?;
                    let page = unit.documents().list(collection, &Filter { skip, ..filter.clone() }).await?;
                    let last = page.results.len() < BATCH_DOCUMENTS as usize;
                    for document in page.results {
                        rename(unit.as_mut(), document, account, identity).await?;
                    }
                    unit.commit().await?;
                    if last {
                        break;
                    }
                }
            }
        }
        let mut unit = self.store.begin().await?;
        if let Some(mut settings) = unit.load::<Settings>(&account.key()).await? {
            settings.account.name.clone_from(&identity.name);
            let at = settings.updated_at;
            unit.save(&mut settings, at).await?;
        }
        if let Some(mut limits) = unit.load::<Limits>(&account.key()).await? {
            limits.account.name.clone_from(&identity.name);
            let at = limits.updated_at;
            unit.save(&mut limits, at).await?;
        }
        Ok(unit.commit().await?)
    }

    /// Removes what an account owns, its departments included: datasets with their data, then the documents of other
    /// features, its settings and its limits.
    pub async fn remove_identity(
        &self,
        caller: &Caller,
        account: &AccountRef,
        key: Option<&str>,
    ) -> DatasetsResult<()> {
        self.may_manage_identities(caller, key)?;
        let platform = Caller { admin_mode: true, ..Caller::platform_for(account.clone()) };
        for owner in self.owners(account).await? {
            loop {
                let mut unit = self.store.read().await?;
                let page = unit.documents().list(Dataset::COLLECTION, &oldest_first(&owner)).await?;
                drop(unit);
                if page.results.is_empty() {
                    break;
                }
                for document in page.results {
                    self.delete(&platform, &document.id).await?;
                }
            }
            for collection in OTHER_COLLECTIONS {
                loop {
                    let mut unit = self.store.begin().await?;
                    let page = unit.documents().list(collection, &oldest_first(&owner)).await?;
                    if page.results.is_empty() {
                        break;
                    }
                    for document in page.results {
                        unit.documents().delete(collection, &document.id).await?;
                    }
                    unit.commit().await?;
                }
            }
            let mut unit = self.store.begin().await?;
            unit.remove::<Settings>(&owner).await?;
            unit.logs().clear(&sent_by(&owner)).await?;
            unit.commit().await?;
        }
        let mut unit = self.store.begin().await?;
        unit.remove::<Settings>(&account.key()).await?;
        unit.remove::<Limits>(&account.key()).await?;
        unit.logs().clear(&sent_by(&account.key())).await?;
        if account.kind == AccountKind::User {
            unit.logs().clear(&received_by(&account.id)).await?;
            unit.logs().clear(&seen_by(&account.id)).await?;
        }
        Ok(unit.commit().await?)
    }

    /// How many resources of each kind an account owns, its departments included.
    pub async fn identity_report(
        &self,
        caller: &Caller,
        account: &AccountRef,
        key: Option<&str>,
    ) -> DatasetsResult<Value> {
        self.may_manage_identities(caller, key)?;
        let owners = self.owners(account).await?;
        let mut unit = self.store.read().await?;
        let mut report = Map::new();
        for collection in all_collections() {
            let filter = Filter { any_of: vec![("owner", owners.clone())], ..Filter::all(0) };
            let count = unit.documents().list(collection, &filter).await?.count;
            report.insert(collection.to_owned(), json!(count));
        }
        Ok(Value::Object(report))
    }

    /// Datasets in error, last changed first: for superadmins.
    pub async fn datasets_in_error(
        &self,
        caller: &Caller,
        skip: u32,
        size: u32,
    ) -> DatasetsResult<(u64, Vec<Dataset>)> {
        superadmin(caller)?;
        let mut unit = self.store.read().await?;
        let newest = Filter { order: Order::UpdatedDesc, ..Filter::page(skip, size) };
        let page = unit.list::<Dataset>(&newest.with("status", Status::Error.as_str())).await?;
        Ok((page.count, page.results.into_iter().map(|stored| stored.entity).collect()))
    }

    /// Owners of datasets with how many they have, most first: for superadmins.
    pub async fn owners_of_datasets(&self, caller: &Caller) -> DatasetsResult<Vec<(String, u64)>> {
        superadmin(caller)?;
        let mut unit = self.store.read().await?;
        Ok(unit.documents().facet(Dataset::COLLECTION, &Filter::all(0), "owner").await?)
    }

    fn may_manage_identities(&self, caller: &Caller, key: Option<&str>) -> DatasetsResult<()> {
        if !self.has_limits_key(key)? {
            superadmin(caller)?;
        }
        Ok(())
    }

    /// Keys of the account and of its departments that own something.
    async fn owners(&self, account: &AccountRef) -> DatasetsResult<Vec<String>> {
        let (root, below) = (account.key(), format!("{}:", account.key()));
        let mut owners = Vec::new();
        let mut unit = self.store.read().await?;
        for collection in all_collections() {
            let found = unit.documents().facet(collection, &Filter::all(0), "owner").await?;
            let keys = found.into_iter().map(|(key, _)| key);
            owners.extend(keys.filter(|key| *key == root || key.starts_with(&below)));
        }
        owners.sort_unstable();
        owners.dedup();
        Ok(owners)
    }
}

fn all_collections() -> impl Iterator<Item = &'static str> {
    std::iter::once(Dataset::COLLECTION).chain(OTHER_COLLECTIONS)
}

fn oldest_first(owner: &str) -> Filter {
    Filter { order: Order::CreatedAsc, ..Filter::all(BATCH_DOCUMENTS) }.with("owner", owner)
}

/// Rewrites the names of `account` in one document.
async fn rename(
    unit: &mut dyn UnitOfWork,
    mut document: Document,
    account: &AccountRef,
    identity: &Identity,
) -> DatasetsResult<()> {
    let entries = document.body["permissions"].as_array_mut().into_iter().flatten();
    for entry in entries.filter(|entry| entry["type"] == json!(account.kind) && entry["id"] == account.id) {
        entry["name"] = json!(identity.name);
    }
    let owner = &mut document.body["owner"];
    owner["name"] = json!(identity.name);
    let department = identity.departments.iter().find(|one| owner["department"] == one.id.as_str());
    if let Some(department) = department {
        owner["departmentName"] = json!(department.name);
    }
    if document.collection == Dataset::COLLECTION {
        // The name is searched too.
        let at = document.updated_at;
        if let Some(mut dataset) = unit.load::<Dataset>(&document.id).await? {
            dataset.entity = serde_json::from_value(document.body).map_err(crate::DatasetsError::internal)?;
            unit.save(&mut dataset, at).await?;
        }
        return Ok(());
    }
    unit.documents().put(&document).await?;
    Ok(())
}
