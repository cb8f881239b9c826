//! Who sees what is installed. [`can`] decides; here is what it is asked.

use halle_base::{AccountKind, AccountRef};

use crate::caller::Caller;
use crate::permission::{Class, Operation, PermissionEntry, Protected, can};

/// Operations on plugins, which are installed for every account.
pub const PLUGIN_OPERATIONS: &[Operation] =
    &[Operation { class: Class::List, id: "list" }, Operation { class: Class::Read, id: "readArtefact" }];

/// Scopes of API keys that reach features of which plugins are a part.
const PLUGIN_SCOPES: &[&str] =
    &["datasets", "applications", "processings", "catalogs", "remote-services", "portals"];

/// Whether `caller` may do `operation`, one of [`PLUGIN_OPERATIONS`]: anybody who is signed in, and keys that reach a feature
/// with plugins.
pub fn can_of_plugins(caller: &Caller, operation: Operation) -> bool {
    let anybody = PermissionEntry {
        kind: Some(AccountKind::User),
        id: Some("*".to_owned()),
        ..PermissionEntry::public(&[Class::List, Class::Read])
    };
    let platform = AccountRef::organization("", "");
    let plugins =
        |scope| Protected { id: "", owner: &platform, grants: std::slice::from_ref(&anybody), scope };
    PLUGIN_SCOPES.iter().any(|scope| can(caller, operation, plugins(scope)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::caller::User;
    use crate::permission::operation;

    fn person() -> Caller {
        let email = "b@example.org".to_owned();
        let (id, name) = ("b".to_owned(), "b".to_owned());
        Caller::personal(User { id, name, email, organizations: Vec::new(), is_admin: false })
    }

    #[test]
    fn plugins_are_seen_by_whoever_is_signed_in_and_by_keys_that_reach_them() {
        let list = operation(PLUGIN_OPERATIONS, "list");
        assert!(can_of_plugins(&person(), list));
        assert!(!can_of_plugins(&Caller::anonymous(), list));
        for (scopes, expect) in [
            (&["processings-read"][..], true),
            (&["datasets"], true),
            (&["datasets-write"], false),
            (&["stats"], false),
            (&[], false),
        ] {
            let scopes = Some(scopes.iter().map(|&scope| scope.to_owned()).collect());
            let key = Caller { scopes, ..person() };
            assert_eq!(can_of_plugins(&key, list), expect, "{:?}", key.scopes);
        }
    }
}
