//! Keys of an application: whoever has one sees the application and the data it shows (reference §5.6).

use halle_base::new_id;
use halle_http::app_keys::KeyedPage;
use halle_http::{ApiError, ApiResult};
use halle_model::permission::{Class, DATASET_OPERATIONS, PermissionEntry, dataset_operation};
use halle_model::{Caller, Pass};
use halle_store::{EntityExt, Filter};
use serde_json::Value;

use crate::model::ApplicationKey;
use crate::{Application, Applications};

/// Keys of one application.
const KEYS_MAX: usize = 100;

/// Longest title of a key, in characters.
const TITLE_CHARS_MAX: usize = 200;

/// Datasets and applications that a key opens at most: those after stay closed.
const OPENED_MAX: usize = 100;

impl Applications {
    /// The keys of an application.
    pub async fn keys(&self, caller: &Caller, id: &str) -> ApiResult<Vec<ApplicationKey>> {
        Ok(self.permitted(caller, id, "getKeys").await?.entity.keys)
    }

    /// Replaces the keys of an application: entries without the `id` of a known key get a new one, known keys that are
    /// left out stop working.
    pub async fn set_keys(
        &self,
        caller: &Caller,
        id: &str,
        wanted: Vec<ApplicationKey>,
    ) -> ApiResult<Vec<ApplicationKey>> {
        let mut stored = self.permitted(caller, id, "setKeys").await?;
        if wanted.len() > KEYS_MAX {
            return Err(ApiError::bad_request(format!("Au plus {KEYS_MAX} clés par application.")));
        }
        if wanted.iter().any(|key| key.title.chars().count() > TITLE_CHARS_MAX) {
            let message = format!("Le titre d'une clé a au plus {TITLE_CHARS_MAX} caractères.");
            return Err(ApiError::bad_request(message));
        }
        let known = std::mem::take(&mut stored.entity.keys);
        for mut key in wanted {
            let is_known = known.iter().any(|other| other.id == key.id);
            let is_twice = stored.entity.keys.iter().any(|other| other.id == key.id);
            if !is_known || is_twice {
                key.id = new_id(&*self.dice);
            }
            stored.entity.keys.push(key);
        }
        Ok(self.save(stored).await?.keys)
    }

    /// What a page with a key opens: the application, those it is made of, and the datasets of the same owner that they
    /// show. Nothing when the key is not one of the application.
    pub async fn opened_by(&self, page: &KeyedPage) -> ApiResult<Vec<Pass>> {
        let found = {
            let mut work = self.store.read().await?;
            work.list::<Application>(&Filter::all(1).with("access-key", &page.key)).await?.results.pop()
        };
        let found = found.map(|stored| stored.entity);
        let is_it = |one: &Application| page.application.as_ref().is_none_or(|id| *id == one.id);
        let Some(application) = found.filter(is_it) else { return Ok(Vec::new()) };
        let mut shown = vec![application];
        let children: Vec<String> = shown[0].children().into_iter().map(str::to_owned).collect();
        for child in children.into_iter().take(OPENED_MAX) {
            let mut work = self.store.read().await?;
            let child = work.load::<Application>(&child).await?.map(|stored| stored.entity);
            shown.extend(child.filter(|child| is_own(&shown[0], &child.owner)));
        }
        let mut passes: Vec<Pass> = shown.iter().map(|one| Pass::reading("applications", &one.id)).collect();
        for application in &shown {
            for (id, opens) in application.lent_datasets() {
                if passes.len() > OPENED_MAX {
                    return Ok(passes);
                }
                let owner = Caller::platform_for(shown[0].owner.clone());
                // What is gone, or was never the owner's, stays closed.
                let Ok(dataset) = self.datasets.get(&owner, id).await else { continue };
                if is_own(&shown[0], &dataset.owner) {
                    passes.push(Pass { scope: "datasets", id: dataset.id, opens });
                }
            }
        }
        Ok(passes)
    }
}

/// Whether an application may lend what `owner` has: its own owner's, or that of a department of it.
fn is_own(application: &Application, owner: &halle_base::AccountRef) -> bool {
    Caller::platform_for(application.owner.clone()).administers(owner)
}

impl Application {
    /// Applications that this one is made of.
    fn children(&self) -> Vec<&str> {
        let listed = self.configuration.get("applications").and_then(Value::as_array).into_iter().flatten();
        listed.filter_map(|entry| entry.as_str().or_else(|| entry.get("id")?.as_str())).collect()
    }

    /// Datasets that the configuration names, each with what a key opens of it.
    fn lent_datasets(&self) -> Vec<(&str, PermissionEntry)> {
        let one = self.configuration.get("dataset").into_iter();
        let many = self.configuration.get("datasets").and_then(Value::as_array).into_iter().flatten();
        let named = one.chain(many).filter_map(|entry| {
            let id = entry.as_str().or_else(|| entry.get("id")?.as_str())?;
            Some((id, lent(entry.get("applicationKeyPermissions"))))
        });
        named.collect()
    }
}

/// What a key opens of a dataset: the class `read`, or less, or a new line besides, as the configuration says. More than
/// that no configuration lends: its author may have fewer rights than the keys are worth.
fn lent(wanted: Option<&Value>) -> PermissionEntry {
    let Some(wanted) = wanted.filter(|wanted| wanted.is_object()) else {
        return PermissionEntry::public(&[Class::Read]);
    };
    let texts = |name: &str| {
        let listed = wanted.get(name).and_then(Value::as_array).into_iter().flatten();
        listed.filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>()
    };
    let may_lend = |id: &String| {
        let known = DATASET_OPERATIONS.iter().find(|operation| operation.id == id);
        known.is_some_and(|known| known.class == Class::Read || *known == dataset_operation("createLine"))
    };
    PermissionEntry {
        classes: texts("classes").into_iter().filter(|class| class == Class::Read.as_str()).collect(),
        operations: texts("operations").into_iter().filter(may_lend).collect(),
        ..PermissionEntry::default()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_configuration_lends_reads_and_new_lines_only() {
        assert_eq!(lent(None).classes, ["read"]);
        let wanted =
            json!({ "classes": ["read", "admin"], "operations": ["createLine", "deleteLine", "nope"] });
        let lent = lent(Some(&wanted));
        assert_eq!((lent.classes, lent.operations), (vec!["read".to_owned()], vec!["createLine".to_owned()]));
        assert!(super::lent(Some(&json!({}))).classes.is_empty());
    }
}
