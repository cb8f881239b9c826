//! Grants on a dataset.

use halle_model::Caller;
use halle_model::permission::PermissionEntry;
use halle_store::EntityExt;
use serde_json::Value;

use crate::error::{DatasetsError, DatasetsResult};
use crate::service::load::load_in;
use crate::state::Datasets;

/// Grants of one dataset.
const ENTRIES_MAX: usize = 500;

/// Classes that a grant may name.
const CLASSES: &[&str] = &["list", "read", "readAdvanced", "write", "manageOwnLines", "admin", "exec"];

impl Datasets {
    /// The grants on a dataset.
    pub async fn permissions(&self, caller: &Caller, id: &str) -> DatasetsResult<Vec<PermissionEntry>> {
        Ok(self.load(caller, id, "getPermissions").await?.entity.permissions)
    }

    /// Replaces the grants on a dataset; 400 for entries that are not well formed.
    pub async fn set_permissions(
        &self,
        caller: &Caller,
        id: &str,
        entries: &Value,
    ) -> DatasetsResult<Vec<PermissionEntry>> {
        let entries = parse(entries)?;
        let mut unit = self.store.begin().await?;
        let mut dataset = load_in(unit.as_mut(), caller, id, "setPermissions").await?;
        dataset.permissions.clone_from(&entries);
        unit.save(&mut dataset, self.clock.now()).await?;
        unit.commit().await?;
        Ok(entries)
    }
}

/// Well-formed entries: a kind comes with an identifier or an e-mail address, classes exist.
fn parse(value: &Value) -> DatasetsResult<Vec<PermissionEntry>> {
    let wrong = |reason: String| DatasetsError::BadRequest(format!("Error in permissions format: {reason}"));
    let entries: Vec<PermissionEntry> =
        serde_json::from_value(value.clone()).map_err(|error| wrong(error.to_string()))?;
    if entries.len() > ENTRIES_MAX {
        return Err(wrong(format!("{} entries, at most {ENTRIES_MAX}", entries.len())));
    }
    for (index, entry) in entries.iter().enumerate() {
        let number = index + 1;
        if entry.kind.is_some() && entry.id.is_none() && entry.email.is_none() {
            return Err(wrong(format!("entry {number} has a \"type\" but neither \"id\" nor \"email\"")));
        }
        if entry.kind.is_none()
            && (entry.id.is_some() || !entry.roles.is_empty() || entry.department.is_some())
        {
            return Err(wrong(format!("entry {number} has no \"type\"")));
        }
        if let Some(class) = entry.classes.iter().find(|class| !CLASSES.contains(&class.as_str())) {
            return Err(wrong(format!("entry {number} names the class \"{class}\", which does not exist")));
        }
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn malformed_entries_are_named() {
        assert_eq!(parse(&json!([{ "classes": ["list", "read"] }])).unwrap().len(), 1);
        for (entries, reason) in [
            (json!({}), "invalid type: map"),
            (json!([{ "type": "user", "classes": [] }]), "entry 1 has a \"type\" but neither"),
            (json!([{ "id": "a" }]), "entry 1 has no \"type\""),
            (json!([{ "classes": ["reed"] }]), "the class \"reed\", which does not exist"),
            (json!([{ "klass": [] }]), "unknown field `klass`"),
        ] {
            let text = parse(&entries).unwrap_err().to_string();
            assert!(text.starts_with("Error in permissions format") && text.contains(reason), "{text}");
        }
    }
}
