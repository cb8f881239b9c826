//! What an account has and did lately (reference §1.3).

use halle_http::ApiError;
use halle_model::permission::{Class, Operation, Protected, can};
use halle_model::{Caller, Dataset};
use halle_store::{Entity, Filter, Order};
use serde_json::{Value, json};

use crate::error::DatasetsResult;
use crate::state::Datasets;

/// Collection of applications, another feature's: only counted and named here.
const APPLICATIONS: &str = "applications";

impl Datasets {
    /// Limits and number of applications of the active account. 401 for nobody; an API key needs the scope `stats`.
    pub async fn stats(&self, caller: &Caller) -> DatasetsResult<Value> {
        let account =
            caller.account.as_ref().ok_or_else(|| ApiError::unauthorized("Veuillez vous connecter."))?;
        let read = Operation { class: Class::Read, id: "readStats" };
        let resource = Protected { id: "", owner: account, grants: &[], scope: "stats" };
        if caller.scopes.is_some() && !can(caller, read, resource) {
            let message = "Cette clé d'API n'a pas la portée nécessaire : `stats`.";
            return Err(ApiError::forbidden(message).into());
        }
        let mut unit = self.store.read().await?;
        let limits = self.limits_in(unit.as_mut(), account).await?.json();
        let filter = Filter::all(0).with("owner", account.key());
        let applications = unit.documents().list(APPLICATIONS, &filter).await?.count;
        Ok(json!({ "limits": limits, "applications": applications }))
    }

    /// The datasets and applications that changed last, of those the caller may list, newest first.
    pub async fn activity(&self, caller: &Caller, size: u32) -> DatasetsResult<Vec<Value>> {
        if caller.is_anonymous() {
            return Err(ApiError::unauthorized("Veuillez vous connecter.").into());
        }
        let mut unit = self.store.read().await?;
        let mut changes = Vec::new();
        for (kind, collection, scope) in
            [("dataset", Dataset::COLLECTION, "datasets"), ("application", APPLICATIONS, "applications")]
        {
            let newest = Filter { order: Order::UpdatedDesc, ..Filter::all(size) };
            let mut filter = newest.listed_for(caller, scope);
            if let Some(account) = &caller.account {
                filter = filter.with("owner", account.key());
            }
            let page = unit.documents().list(collection, &filter).await?;
            changes.extend(page.results.into_iter().map(|document| {
                let body = &document.body;
                let change = json!({
                    "type": kind,
                    "id": document.id,
                    "title": body["title"],
                    "owner": body["owner"],
                    "updatedAt": body["updatedAt"],
                    "date": body["updatedAt"],
                    "status": body["status"],
                });
                (document.updated_at, change)
            }));
        }
        changes.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
        Ok(changes.into_iter().take(size as usize).map(|(_, change)| change).collect())
    }
}
