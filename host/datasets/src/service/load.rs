//! Finding a dataset, by identifier or slug, and checking that the caller may do something with it.

use std::sync::Arc;

use halle_base::{AccountKind, AccountRef};
use halle_http::auth::require;
use halle_model::permission::{Protected, dataset_operation};
use halle_model::{Caller, Dataset};
use halle_store::documents::Stored;
use halle_store::{EntityExt, Filter, Recent, UnitOfWork};

use crate::error::{DatasetsError, DatasetsResult};
use crate::service::drafts::may_see;
use crate::service::master_data::is_shared_with;
use crate::state::Datasets;

/// What the permission check calls a dataset.
const WHAT: &str = "Le jeu de données";

/// Scope of API keys that reach datasets.
pub(crate) const SCOPE: &str = "datasets";

/// The permission-relevant part of a dataset.
pub(crate) fn protected(dataset: &Dataset) -> Protected<'_> {
    Protected { id: &dataset.id, owner: &dataset.owner, grants: &dataset.permissions, scope: SCOPE }
}

/// Refuses unless `caller` may do the operation `operation` (a literal of `DATASET_OPERATIONS`) on `dataset`.
pub(crate) fn check(caller: &Caller, operation: &str, dataset: &Dataset) -> DatasetsResult<()> {
    Ok(require(caller, dataset_operation(operation), protected(dataset), WHAT)?)
}

impl Datasets {
    /// The dataset with this identifier or slug, if the caller may read its description.
    pub async fn get(&self, caller: &Caller, id: &str) -> DatasetsResult<Dataset> {
        Ok(self.load(caller, id, "readDescription").await?.entity)
    }

    /// The dataset, if the caller may do `operation` (a literal of `DATASET_OPERATIONS`) on it: for features that keep a
    /// reference to it.
    pub async fn permitted(
        &self,
        caller: &Caller,
        id: &str,
        operation: &'static str,
    ) -> DatasetsResult<Dataset> {
        Ok(self.load(caller, id, operation).await?.entity)
    }

    /// The dataset with this identifier or slug, if the caller may do `operation` on it. The one way in for reads.
    pub(crate) async fn load(
        &self,
        caller: &Caller,
        id: &str,
        operation: &str,
    ) -> DatasetsResult<Stored<Dataset>> {
        Ok(Stored::clone(&*self.load_shared(caller, id, operation).await?))
    }

    /// As [`Self::load`], sharing the dataset with other readers: the permission is decided anew each time, the database is
    /// only asked when something was written since.
    pub(crate) async fn load_shared(
        &self,
        caller: &Caller,
        id: &str,
        operation: &str,
    ) -> DatasetsResult<Arc<Stored<Dataset>>> {
        let dataset = self.known(caller, id).await?.ok_or_else(|| DatasetsError::NotFound(id.to_owned()))?;
        check(caller, operation, &dataset)?;
        if self.sees_drafts() && dataset.draft.is_some() && may_see(caller, &dataset) {
            return Ok(Arc::new(Stored { entity: dataset.with_draft(), ..Stored::clone(&dataset) }));
        }
        Ok(dataset)
    }

    /// As [`Self::load_shared`], by its identifier alone: for what is kept and read again with the rights of another. A slug
    /// means to each account its own dataset.
    pub(crate) async fn load_identified(
        &self,
        caller: &Caller,
        id: &str,
        operation: &str,
    ) -> DatasetsResult<Arc<Stored<Dataset>>> {
        let dataset = self.load_shared(caller, id, operation).await?;
        require_identified(&dataset, id)?;
        Ok(dataset)
    }

    /// The dataset that the caller means by `id`, whatever they may do with it.
    pub(crate) async fn known(
        &self,
        caller: &Caller,
        id: &str,
    ) -> DatasetsResult<Option<Arc<Stored<Dataset>>>> {
        let version = self.store.version().await?;
        let key = recent_key(caller, id);
        match version.and_then(|version| self.recent().get(version, &key)) {
            Some(known) => Ok(Some(known)),
            None => {
                let mut unit = self.store.read().await?;
                let found = find(unit.as_mut(), caller, id).await?.map(Arc::new);
                if let (Some(version), Some(found)) = (version, &found) {
                    self.recent().keep(version, key, Arc::clone(found));
                }
                Ok(found)
            }
        }
    }
}

/// 400 when `id`, by which `dataset` was found, is its slug.
pub(crate) fn require_identified(dataset: &Dataset, id: &str) -> DatasetsResult<()> {
    if dataset.id == id {
        return Ok(());
    }
    Err(DatasetsError::bad_request(format!(
        "\"{id}\" n'est pas l'identifiant d'un jeu de données mais un nom court (slug), qui peut en désigner un autre pour un \
         autre compte : indiquez l'identifiant (attribut \"id\" du jeu de données)."
    )))
}

/// Datasets that were read lately, by the account that asked (a slug means the account's own dataset first) and the site it
/// asked on, then by identifier or slug. What it answers was never checked for permissions.
pub(crate) type RecentDatasets = Recent<(String, String), Arc<Stored<Dataset>>>;

fn recent_key(caller: &Caller, id: &str) -> (String, String) {
    let named = |account: &Option<AccountRef>| account.as_ref().map(AccountRef::key).unwrap_or_default();
    // Keys of accounts hold no space.
    (format!("{} {}", named(&caller.account), named(&caller.site)), id.to_owned())
}

/// As [`Datasets::load`], within a unit of work that goes on to write.
pub(crate) async fn load_in(
    unit: &mut dyn UnitOfWork,
    caller: &Caller,
    id: &str,
    operation: &str,
) -> DatasetsResult<Stored<Dataset>> {
    let dataset = find(unit, caller, id).await?.ok_or_else(|| DatasetsError::NotFound(id.to_owned()))?;
    check(caller, operation, &dataset)?;
    Ok(dataset)
}

/// The dataset with this identifier, else the one with this slug: the caller's own first, else the only one there is. On a
/// publication site, the owner of the site has it.
pub(crate) async fn find(
    unit: &mut dyn UnitOfWork,
    caller: &Caller,
    id: &str,
) -> DatasetsResult<Option<Stored<Dataset>>> {
    if let Some(owner) = &caller.site {
        return find_on_site(unit, owner, id).await;
    }
    if let Some(dataset) = unit.load::<Dataset>(id).await? {
        return Ok(Some(dataset));
    }
    if let Some(account) = &caller.account {
        let own = unit.find::<Dataset>("owner-slug", &format!("{}/{id}", account.key())).await?;
        if own.is_some() {
            return Ok(own);
        }
    }
    let mut page = unit.list::<Dataset>(&Filter::all(2).with("slug", id)).await?;
    Ok(if page.count == 1 { page.results.pop() } else { None })
}

/// The dataset with this identifier, also of another account that shares it with `owner` as a reference; else the only one with this
/// slug, of those that `owner` and its departments have.
async fn find_on_site(
    unit: &mut dyn UnitOfWork,
    owner: &AccountRef,
    id: &str,
) -> DatasetsResult<Option<Stored<Dataset>>> {
    let is_own = |dataset: &Dataset| {
        let is_shared = owner.kind == AccountKind::Organization && is_shared_with(dataset, &owner.id);
        dataset.owner.kind == owner.kind && dataset.owner.id == owner.id || is_shared
    };
    if let Some(dataset) = unit.load::<Dataset>(id).await?
        && is_own(&dataset)
    {
        return Ok(Some(dataset));
    }
    let root = AccountRef { department: None, ..owner.clone() };
    let filter = Filter::all(2).with("slug", id).with("owner-filter", root.key());
    let mut page = unit.list::<Dataset>(&filter).await?;
    Ok(if page.count == 1 { page.results.pop() } else { None })
}
