//! What a key of one resource opens, whoever holds it (reference §5.5, §5.6, §5.8).

use crate::permission::{Class, Operation, PermissionEntry, Protected};

/// Operation that no pass opens: a key never hands out another one.
const NEVER: &str = "getReadApiKey";

/// A right that comes with a key of a resource: for that resource it replaces what its holder could do otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pass {
    /// Kind of the resource, as in [`Protected::scope`].
    pub scope: &'static str,
    /// Identifier of the resource.
    pub id: String,
    /// What it opens; whom the entry names does not matter.
    pub opens: PermissionEntry,
}

impl Pass {
    /// A pass that opens what the class `read` holds.
    pub fn reading(scope: &'static str, id: impl Into<String>) -> Self {
        Self { scope, id: id.into(), opens: PermissionEntry::public(&[Class::Read]) }
    }

    /// Whether this is a pass for `resource`.
    pub(crate) fn is_for(&self, resource: Protected<'_>) -> bool {
        self.scope == resource.scope && self.id == resource.id
    }

    /// Whether it opens `operation`.
    pub fn opens(&self, operation: Operation) -> bool {
        operation.id != NEVER && self.opens.grants(operation)
    }
}

#[cfg(test)]
mod tests {
    use halle_base::AccountRef;

    use super::*;
    use crate::caller::{Caller, User};
    use crate::permission::{can, dataset_operation};

    fn allowed(caller: &Caller, operation: &str, id: &str) -> bool {
        let owner = AccountRef::user("alice", "Alice");
        let resource = Protected { id, owner: &owner, grants: &[], scope: "datasets" };
        can(caller, dataset_operation(operation), resource)
    }

    #[test]
    fn a_pass_opens_reads_of_its_resource_and_nothing_else() {
        let holder = Caller { passes: vec![Pass::reading("datasets", "a")], ..Caller::anonymous() };
        assert!(allowed(&holder, "readLines", "a"));
        for operation in ["list", "readJournal", "writeData", "getPermissions", "getReadApiKey"] {
            assert!(!allowed(&holder, operation, "a"), "{operation}");
        }
        assert!(!allowed(&holder, "readLines", "b"));
        let elsewhere = Caller { passes: vec![Pass::reading("applications", "a")], ..Caller::anonymous() };
        assert!(!allowed(&elsewhere, "readLines", "a"));
    }

    #[test]
    fn a_pass_replaces_what_its_holder_could_do() {
        let email = "alice@example.org".to_owned();
        let user = User {
            id: "alice".to_owned(),
            name: "Alice".to_owned(),
            email,
            organizations: Vec::new(),
            is_admin: false,
        };
        let owner = Caller { passes: vec![Pass::reading("datasets", "a")], ..Caller::personal(user) };
        assert!(!allowed(&owner, "writeData", "a"));
        assert!(allowed(&owner, "writeData", "b"));
    }
}
