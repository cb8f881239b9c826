//! Who sees what is installed. [`can`] decides; here is what it is asked.

use halle_base::AccountRef;

use crate::caller::Caller;
use crate::permission::{Class, Operation, PermissionEntry, Protected, can, operation};

/// Operations on plugins, which are installed for every account.
pub const PLUGIN_OPERATIONS: &[Operation] = &[
    Operation { class: Class::List, id: "list" },
    Operation { class: Class::Read, id: "readArtefact" },
    Operation { class: Class::Admin, id: "readUsage" },
];

/// Scopes of API keys that reach features of which plugins are a part.
const PLUGIN_SCOPES: &[&str] =
    &["datasets", "applications", "processings", "catalogs", "remote-services", "portals"];

/// What the scope of a key begins with that may send versions of one plugin, whose identifier follows.
pub const PLUGIN_KEY_SCOPE: &str = "plugin:";

/// Whether `caller` may send versions of the plugin `id`, and have its package: superadmins in a session, and keys that were made for this plugin.
pub fn can_install_plugin(caller: &Caller, id: &str) -> bool {
    match &caller.scopes {
        None => caller.admin_mode,
        Some(scopes) => scopes.iter().any(|scope| scope.strip_prefix(PLUGIN_KEY_SCOPE) == Some(id)),
    }
}

/// Whether `caller` may do `operation`, one of [`PLUGIN_OPERATIONS`], on plugins that every account sees: anybody who is signed
/// in, and keys that reach a feature with plugins.
pub fn can_of_plugins(caller: &Caller, operation: Operation) -> bool {
    let anybody = AccountRef::user("*", "");
    can_of_private_plugin(caller, operation, std::slice::from_ref(&anybody))
}

/// Whether `caller` may do `operation` on a plugin that only these accounts see. An organisation without a department is all
/// of it.
pub fn can_of_private_plugin(caller: &Caller, operation: Operation, accounts: &[AccountRef]) -> bool {
    let grant = |account: &AccountRef| PermissionEntry {
        kind: Some(account.kind),
        id: Some(account.id.clone()),
        department: account.department.clone(),
        ..PermissionEntry::public(&[Class::List, Class::Read])
    };
    let grants: Vec<PermissionEntry> = accounts.iter().map(grant).collect();
    let platform = AccountRef::organization("", "");
    let plugins = |scope| Protected { id: "", owner: &platform, grants: &grants, scope };
    PLUGIN_SCOPES.iter().any(|scope| can(caller, operation, plugins(scope)))
}

/// Whether `caller` may read what plugins used for `account`: who administers it, and their keys of features with plugins.
pub fn can_read_usage(caller: &Caller, account: &AccountRef) -> bool {
    let read = operation(PLUGIN_OPERATIONS, "readUsage");
    let usage = |scope| Protected { id: "", owner: account, grants: &[], scope };
    PLUGIN_SCOPES.iter().any(|scope| can(caller, read, usage(scope)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::caller::User;

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

    #[test]
    fn what_plugins_used_is_for_who_administers_the_account() {
        let own = AccountRef::user("b", "");
        assert!(can_read_usage(&person(), &own));
        assert!(!can_read_usage(&person(), &AccountRef::user("c", "")));
        assert!(!can_read_usage(&Caller::anonymous(), &own));
        let key = |scope: &str| Caller { scopes: Some(vec![scope.to_owned()]), ..person() };
        assert!(
            can_read_usage(&key("processings-admin"), &own)
                && !can_read_usage(&key("processings-read"), &own)
        );
        assert!(can_read_usage(&Caller { admin_mode: true, ..person() }, &AccountRef::user("c", "")));
    }

    #[test]
    fn a_key_of_a_plugin_installs_this_one_alone() {
        let key = |scope: &str| Caller { scopes: Some(vec![scope.to_owned()]), ..person() };
        assert!(can_install_plugin(&key("plugin:org/mine"), "org/mine"));
        for other in ["plugin:", "plugin:org", "plugins", "datasets", "org/mine"] {
            assert!(!can_install_plugin(&key(other), "org/mine"), "{other}");
        }
        assert!(!can_install_plugin(&person(), "org/mine"));
        assert!(can_install_plugin(&Caller { admin_mode: true, ..person() }, "org/mine"));
        let admin_key = Caller { admin_mode: true, ..key("datasets") };
        assert!(!can_install_plugin(&admin_key, "org/mine"), "a key is never more than its scopes");
        assert!(!can_of_plugins(&key("plugin:org/mine"), operation(PLUGIN_OPERATIONS, "list")));
    }

    #[test]
    fn a_private_plugin_is_seen_by_its_accounts_and_superadmins() {
        let read = operation(PLUGIN_OPERATIONS, "readArtefact");
        let town = AccountRef::organization("ville", "");
        let water = AccountRef { department: Some("eau".to_owned()), ..town.clone() };
        let sees = |caller: &Caller, account: &AccountRef| {
            can_of_private_plugin(caller, read, std::slice::from_ref(account))
        };
        let itself = |account: &AccountRef| Caller::account_itself(account.clone());
        assert!(sees(&itself(&town), &town) && sees(&itself(&water), &town));
        assert!(!sees(&itself(&town), &water), "a department is not its organisation");
        assert!(!sees(&person(), &town) && sees(&person(), &AccountRef::user("b", "")));
        assert!(sees(&Caller { admin_mode: true, ..person() }, &town));
    }
}
