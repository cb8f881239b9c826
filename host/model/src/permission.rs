//! Who may do what: operations, their classes, grants, and the one function that decides.

use halle_base::{AccountKind, AccountRef};
use serde::{Deserialize, Serialize};

use crate::caller::Caller;

/// A class of operations. A grant names classes, operations, or both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Class {
    /// Be seen in lists.
    List,
    /// Read descriptions and data.
    Read,
    /// Read the journal and private documentation.
    ReadAdvanced,
    /// Change descriptions and data.
    Write,
    /// Read and change the lines that one owns.
    ManageOwnLines,
    /// Delete, grant, change owner.
    Admin,
    /// Run: processings and imports.
    Exec,
}

impl Class {
    /// Name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Read => "read",
            Self::ReadAdvanced => "readAdvanced",
            Self::Write => "write",
            Self::ManageOwnLines => "manageOwnLines",
            Self::Admin => "admin",
            Self::Exec => "exec",
        }
    }
}

/// An operation: its class and its identifier, the same as the `operationId` in the OpenAPI documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Operation {
    /// Class under which it may be granted.
    pub class: Class,
    /// Identifier, such as `readLines`.
    pub id: &'static str,
}

/// Operations on datasets (reference §5.2).
pub const DATASET_OPERATIONS: &[Operation] = &[
    op(Class::List, "list"),
    op(Class::Read, "readDescription"),
    op(Class::Read, "readSchema"),
    op(Class::Read, "readSafeSchema"),
    op(Class::Read, "readLines"),
    op(Class::Read, "readLine"),
    op(Class::Read, "readLineRevisions"),
    op(Class::Read, "readRevisions"),
    op(Class::Read, "getGeoAgg"),
    op(Class::Read, "getValuesAgg"),
    op(Class::Read, "getValues"),
    op(Class::Read, "getMetricAgg"),
    op(Class::Read, "getSimpleMetricsAgg"),
    op(Class::Read, "getWordsAgg"),
    op(Class::Read, "getMinAgg"),
    op(Class::Read, "getMaxAgg"),
    op(Class::Read, "bulkSearch"),
    op(Class::Read, "readApiDoc"),
    op(Class::Read, "downloadOriginalData"),
    op(Class::Read, "downloadFullData"),
    op(Class::Read, "listDataFiles"),
    op(Class::Read, "downloadDataFile"),
    op(Class::Read, "downloadAttachment"),
    op(Class::Read, "downloadMetadataAttachment"),
    op(Class::Read, "getReadApiKey"),
    op(Class::Read, "realtime-transactions"),
    op(Class::ReadAdvanced, "readJournal"),
    op(Class::ReadAdvanced, "realtime-journal"),
    op(Class::ReadAdvanced, "realtime-task-progress"),
    op(Class::ReadAdvanced, "readPrivateApiDoc"),
    op(Class::Write, "writeDescription"),
    op(Class::Write, "writeDescriptionBreaking"),
    op(Class::Write, "writeData"),
    op(Class::Write, "validateDraft"),
    op(Class::Write, "cancelDraft"),
    op(Class::Write, "simulateExtension"),
    op(Class::Write, "createLine"),
    op(Class::Write, "updateLine"),
    op(Class::Write, "patchLine"),
    op(Class::Write, "deleteLine"),
    op(Class::Write, "deleteAllLines"),
    op(Class::Write, "bulkLines"),
    op(Class::Write, "postMetadataAttachment"),
    op(Class::Write, "deleteMetadataAttachment"),
    op(Class::Write, "sendUserNotification"),
    op(Class::Write, "sendUserNotificationPublic"),
    op(Class::ManageOwnLines, "readOwnLines"),
    op(Class::ManageOwnLines, "readOwnLine"),
    op(Class::ManageOwnLines, "createOwnLine"),
    op(Class::ManageOwnLines, "updateOwnLine"),
    op(Class::ManageOwnLines, "patchOwnLine"),
    op(Class::ManageOwnLines, "bulkOwnLines"),
    op(Class::ManageOwnLines, "deleteOwnLine"),
    op(Class::ManageOwnLines, "readOwnLineRevisions"),
    op(Class::ManageOwnLines, "readOwnRevisions"),
    op(Class::Admin, "delete"),
    op(Class::Admin, "getPermissions"),
    op(Class::Admin, "setPermissions"),
    op(Class::Admin, "changeOwner"),
    op(Class::Admin, "writePublicationSites"),
    op(Class::Admin, "manageMasterData"),
    op(Class::Admin, "setReadApiKey"),
];

/// Operations on applications (reference §5.2).
pub const APPLICATION_OPERATIONS: &[Operation] = &[
    op(Class::List, "list"),
    op(Class::Read, "readDescription"),
    op(Class::Read, "readConfig"),
    op(Class::Read, "readCapture"),
    op(Class::Write, "writeDescription"),
    op(Class::Write, "writeConfig"),
    op(Class::Admin, "delete"),
    op(Class::Admin, "getPermissions"),
    op(Class::Admin, "setPermissions"),
    op(Class::Admin, "getKeys"),
    op(Class::Admin, "setKeys"),
];

/// Operations on processings.
pub const PROCESSING_OPERATIONS: &[Operation] = &[
    op(Class::List, "list"),
    op(Class::Read, "readProcessing"),
    op(Class::Read, "readRuns"),
    op(Class::Exec, "trigger"),
    op(Class::Exec, "kill"),
    op(Class::Write, "writeProcessing"),
    op(Class::Admin, "delete"),
    op(Class::Admin, "setPermissions"),
];

/// Operations on catalogues, their imports and their publications.
pub const CATALOG_OPERATIONS: &[Operation] = &[
    op(Class::List, "list"),
    op(Class::Read, "readCatalog"),
    op(Class::Read, "browse"),
    op(Class::Exec, "import"),
    op(Class::Exec, "publish"),
    op(Class::Write, "writeCatalog"),
    op(Class::Admin, "delete"),
];

/// Operations on remote services.
pub const SERVICE_OPERATIONS: &[Operation] = &[
    op(Class::List, "list"),
    op(Class::Read, "readService"),
    op(Class::Exec, "use"),
    op(Class::Write, "writeService"),
    op(Class::Admin, "delete"),
];

const fn op(class: Class, id: &'static str) -> Operation {
    Operation { class, id }
}

/// The dataset operation with this identifier.
///
/// # Panics
/// If there is none: identifiers are literals of our own code, checked by the route table's test.
pub fn dataset_operation(id: &str) -> Operation {
    operation(DATASET_OPERATIONS, id)
}

/// The operation of `table` with this identifier.
///
/// # Panics
/// If there is none: identifiers are literals of our own code.
pub fn operation(table: &[Operation], id: &str) -> Operation {
    let found = table.iter().find(|operation| operation.id == id);
    *found.unwrap_or_else(|| panic!("`{id}` is no operation of this table"))
}

/// A grant on a resource, in Data Fair's shape (reference §5.3). Without `type` and `id` it is for everybody.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PermissionEntry {
    /// Kind of account; absent for everybody.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<AccountKind>,
    /// Account; `*` with `user` means anyone signed in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Person, by e-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Display name, for interfaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Department: `-` the root only, `*` or absent any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub department: Option<String>,
    /// Roles; any when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// Operations granted one by one.
    #[serde(default)]
    pub operations: Vec<String>,
    /// Classes granted whole.
    #[serde(default)]
    pub classes: Vec<String>,
}

impl PermissionEntry {
    /// A grant of classes to everybody.
    pub fn public(classes: &[Class]) -> Self {
        let classes = classes.iter().map(|class| class.as_str().to_owned()).collect();
        Self { classes, ..Self::default() }
    }

    pub(crate) fn grants(&self, operation: Operation) -> bool {
        self.operations.iter().any(|id| id == operation.id)
            || self.classes.iter().any(|class| class == operation.class.as_str())
    }

    pub(crate) fn is_for_everybody(&self) -> bool {
        self.kind.is_none() && self.id.is_none() && self.email.is_none()
    }

    fn is_for(&self, caller: &Caller) -> bool {
        if self.is_for_everybody() {
            return true;
        }
        if let Some(email) = &self.email {
            // An account in itself has no address.
            return !email.is_empty()
                && caller.user.as_ref().is_some_and(|user| user.email.eq_ignore_ascii_case(email));
        }
        let Some(id) = self.id.as_deref() else { return false };
        match self.kind {
            Some(AccountKind::User) if id == "*" => !caller.is_anonymous(),
            Some(AccountKind::User) => caller.user.as_ref().is_some_and(|user| user.id == id),
            Some(AccountKind::Organization) => self.matches_organization(id, caller),
            None => false,
        }
    }

    fn matches_organization(&self, id: &str, caller: &Caller) -> bool {
        let Some(account) = &caller.account else { return false };
        let role = caller.role.as_deref().unwrap_or_default();
        let department = match self.department.as_deref() {
            None | Some("*") => true,
            Some("-") => account.department.is_none(),
            Some(wanted) => account.department.as_deref() == Some(wanted),
        };
        account.kind == AccountKind::Organization
            && account.id == id
            && department
            && (self.roles.is_empty() || role == "admin" || self.roles.iter().any(|wanted| wanted == role))
    }
}

/// What [`can`] needs to know of a resource.
#[derive(Debug, Clone, Copy)]
pub struct Protected<'a> {
    /// Its identifier; empty for what does not exist yet, or is no resource of its own.
    pub id: &'a str,
    /// Who owns it.
    pub owner: &'a AccountRef,
    /// What was granted besides.
    pub grants: &'a [PermissionEntry],
    /// Which scopes of an API key reach it: `datasets`, `applications`, `catalogs`, `processings`...
    pub scope: &'a str,
}

/// Operations that no grant gives: only who administers the owner may do them (reference §5.2).
const OWNER_ADMINS_ONLY: &[&str] = &["manageMasterData"];

/// Whether `caller` may do `operation` on `resource`. The only place where permissions are decided.
///
/// Owner admins may do everything; others only what an entry grants them. An API key must have the scope besides: the
/// bare scope, or the scope followed by `-read`, `-write` or `-admin` as the class asks. A pass for the resource replaces
/// all that (reference §5.8).
pub fn can(caller: &Caller, operation: Operation, resource: Protected<'_>) -> bool {
    let mut passes = caller.passes.iter().filter(|pass| pass.is_for(resource)).peekable();
    if passes.peek().is_some() {
        return passes.any(|pass| pass.opens(operation));
    }
    let by_right =
        caller.administers(resource.owner) && key_scope_allows(caller, operation.class, resource.scope);
    if OWNER_ADMINS_ONLY.contains(&operation.id) {
        return by_right;
    }
    by_right
        || resource.grants.iter().any(|entry| {
            entry.grants(operation)
                && (entry.is_for_everybody()
                    || entry.is_for(caller) && key_scope_allows(caller, operation.class, resource.scope))
        })
}

/// Whether `caller` may create resources for `owner`: admins and contributors may.
pub fn can_create(caller: &Caller, owner: &AccountRef, scope: &str) -> bool {
    if !key_scope_allows(caller, Class::Write, scope) {
        return false;
    }
    caller.administers(owner)
        || caller.account.as_ref().is_some_and(|account| account.is_same(owner))
            && caller.role.as_deref() == Some("contrib")
}

pub(crate) fn key_scope_allows(caller: &Caller, class: Class, scope: &str) -> bool {
    let Some(scopes) = &caller.scopes else { return true };
    let suffix = match class {
        Class::List | Class::Read | Class::ReadAdvanced => "read",
        Class::Write | Class::ManageOwnLines | Class::Exec => "write",
        Class::Admin => "admin",
    };
    scopes.iter().any(|given| given == scope || *given == format!("{scope}-{suffix}"))
}

/// The account whose trace of events `caller` may read: the active one, for a person who administers it. Keys read none: no scope
/// stands for it.
pub fn events_account(caller: &Caller) -> Option<&AccountRef> {
    let account = caller.account.as_ref()?;
    (caller.scopes.is_none() && caller.user.is_some() && caller.administers(account)).then_some(account)
}

/// Whether `caller` may make `target` the owner of something: a person for themselves, and for organisations in which they
/// are admin or contributor; an API key only for the account that it administers.
pub fn can_give_to(caller: &Caller, target: &AccountRef) -> bool {
    let member = |user: &crate::caller::User| match target.kind {
        AccountKind::User => user.id == target.id,
        AccountKind::Organization => user.organizations.iter().any(|membership| {
            membership.id == target.id
                && matches!(membership.role.as_str(), "admin" | "contrib")
                && (membership.department.is_none() || membership.department == target.department)
        }),
    };
    caller.administers(target) || caller.scopes.is_none() && caller.user.as_ref().is_some_and(member)
}

/// The grants every new resource of an organisation starts with, so that its contributors may work (reference §5.1).
pub fn default_grants(owner: &AccountRef) -> Vec<PermissionEntry> {
    if owner.kind == AccountKind::User {
        return Vec::new();
    }
    let entry = PermissionEntry {
        kind: Some(AccountKind::Organization),
        id: Some(owner.id.clone()),
        name: Some(owner.name.clone()),
        department: Some(owner.department.clone().unwrap_or_else(|| "-".to_owned())),
        roles: vec!["contrib".to_owned()],
        ..PermissionEntry::default()
    };
    let classes = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    vec![
        PermissionEntry { classes: classes(&["write"]), operations: classes(&["delete"]), ..entry.clone() },
        PermissionEntry { classes: classes(&["list", "read", "readAdvanced"]), ..entry },
    ]
}

/// `public`, `protected` or `private` (reference §5.3).
pub fn visibility(grants: &[PermissionEntry]) -> &'static str {
    let public = grants.iter().any(|entry| entry.is_for_everybody() && entry.grants(op(Class::List, "list")));
    match (public, grants.is_empty()) {
        (true, _) => "public",
        (_, true) => "private",
        _ => "protected",
    }
}

/// Whether anybody may do `operation`: what shared caches may keep.
pub fn is_public(operation: Operation, grants: &[PermissionEntry]) -> bool {
    grants.iter().any(|entry| entry.is_for_everybody() && entry.grants(operation))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::caller::{Membership, User};

    fn user(id: &str) -> User {
        let email = format!("{id}@example.org");
        User { id: id.to_owned(), name: id.to_owned(), email, organizations: Vec::new(), is_admin: false }
    }

    fn member(id: &str, role: &str, department: Option<&str>) -> Caller {
        let membership = Membership {
            id: "ville".to_owned(),
            name: "Ville".to_owned(),
            role: role.to_owned(),
            department: department.map(str::to_owned),
            department_name: None,
        };
        Caller::member(user(id), &membership)
    }

    fn allowed(caller: &Caller, operation: &str, grants: &[PermissionEntry]) -> bool {
        let owner = AccountRef::organization("ville", "Ville");
        can(
            caller,
            dataset_operation(operation),
            Protected { id: "d", owner: &owner, grants, scope: "datasets" },
        )
    }

    #[test]
    fn an_owner_admin_may_everything_and_a_stranger_nothing() {
        assert!(allowed(&member("a", "admin", None), "delete", &[]));
        assert!(!allowed(&member("a", "admin", Some("eau")), "delete", &[]), "a department is not the root");
        assert!(!allowed(&Caller::personal(user("b")), "readLines", &[]));
        assert!(!allowed(&Caller::anonymous(), "list", &[]));
    }

    #[test]
    fn contributors_start_with_write_and_members_with_nothing() {
        let grants = default_grants(&AccountRef::organization("ville", "Ville"));
        assert!(allowed(&member("c", "contrib", None), "writeData", &grants));
        assert!(allowed(&member("c", "contrib", None), "readLines", &grants));
        assert!(!allowed(&member("c", "contrib", None), "setPermissions", &grants));
        assert!(!allowed(&member("u", "user", None), "readLines", &grants));
        assert_eq!(visibility(&grants), "protected");
    }

    #[test]
    fn a_public_grant_opens_its_classes_only() {
        let grants = [PermissionEntry::public(&[Class::Read])];
        assert!(allowed(&Caller::anonymous(), "readLines", &grants));
        assert!(!allowed(&Caller::anonymous(), "list", &grants));
        assert_eq!(visibility(&grants), "protected");
        assert_eq!(visibility(&[PermissionEntry::public(&[Class::List])]), "public");
    }

    #[test]
    fn a_key_without_the_scope_has_only_what_everybody_has() {
        let mut key = member("a", "admin", None);
        key.scopes = Some(vec!["datasets-read".to_owned()]);
        assert!(allowed(&key, "readLines", &[]));
        assert!(!allowed(&key, "writeData", &[]));
        key.scopes = Some(Vec::new());
        assert!(!allowed(&key, "readLines", &[]));
        assert!(allowed(&key, "readLines", &[PermissionEntry::public(&[Class::Read])]));
    }

    #[test]
    fn no_grant_makes_a_dataset_a_reference() {
        let grants = [PermissionEntry {
            kind: Some(AccountKind::Organization),
            id: Some("ville".to_owned()),
            classes: vec!["admin".to_owned()],
            operations: vec!["manageMasterData".to_owned()],
            ..PermissionEntry::default()
        }];
        assert!(allowed(&member("c", "contrib", None), "setPermissions", &grants));
        assert!(!allowed(&member("c", "contrib", None), "manageMasterData", &grants));
        assert!(allowed(&member("a", "admin", None), "manageMasterData", &grants));
    }

    #[test]
    fn grants_by_person_apply_whatever_the_active_account() {
        let grants = [PermissionEntry {
            email: Some("B@example.org".to_owned()),
            classes: vec!["read".to_owned()],
            ..PermissionEntry::default()
        }];
        assert!(allowed(&Caller::personal(user("b")), "readLines", &grants));
        assert!(!allowed(&Caller::personal(user("c")), "readLines", &grants));
    }
}
