//! Who may see a resource in lists, as words that a store can match.
//!
//! A list must filter in the store, or its count and its facets would tell of things the caller may not see. So each
//! resource is stored with the words of those who may list it, and a list asks for resources that have one of the
//! caller's words. The words say the same as [`permission::can`](crate::permission::can); a test compares the two.

use halle_base::{AccountKind, AccountRef};

use crate::caller::Caller;
use crate::permission::{Class, Operation, PermissionEntry, key_scope_allows};

/// The word that everybody has.
const EVERYBODY: &str = "public";

/// Words of those who may list a resource of `owner` with these grants.
pub fn resource_words(owner: &AccountRef, grants: &[PermissionEntry]) -> Vec<String> {
    let mut words = vec![format!("admin:{}", owner.key())];
    if owner.department.is_some() {
        let root = AccountRef { department: None, ..owner.clone() };
        words.push(format!("admin:{}", root.key()));
    }
    let list = Operation { class: Class::List, id: "list" };
    for entry in grants.iter().filter(|entry| entry.grants(list)) {
        words.extend(entry_words(entry));
    }
    words.sort_unstable();
    words.dedup();
    words
}

/// Words of a caller, or `None` for a superadmin, who sees everything. `scope` is that of the kind of resource.
pub fn caller_words(caller: &Caller, scope: &str) -> Option<Vec<String>> {
    words_for(caller, scope, Class::List)
}

fn words_for(caller: &Caller, scope: &str, class: Class) -> Option<Vec<String>> {
    let mut words = vec![EVERYBODY.to_owned()];
    if !key_scope_allows(caller, class, scope) {
        return Some(words);
    }
    if caller.admin_mode {
        return None;
    }
    if let Some(user) = &caller.user {
        words.push(format!("email:{}", user.email.to_ascii_lowercase()));
        words.push(format!("user:{}", user.id));
        words.push(format!("admin:user:{}", user.id));
    }
    if !caller.is_anonymous() {
        words.push("user:*".to_owned());
    }
    if let Some(account) = &caller.account {
        let role = caller.role.as_deref().unwrap_or_default();
        if role == "admin" {
            words.push(format!("admin:{}", account.key()));
        }
        if account.kind == AccountKind::Organization {
            for department in ["*", account.department.as_deref().unwrap_or("-")] {
                words.extend(["*", role].map(|role| organization_word(&account.id, department, role)));
            }
        }
    }
    words.sort_unstable();
    words.dedup();
    Some(words)
}

/// Words of those who may do what on a resource of `owner` with these grants: `class/word` and `operation/word` for what
/// is granted, and the plain words of its administrators, who may everything.
pub fn resource_powers(owner: &AccountRef, grants: &[PermissionEntry]) -> Vec<String> {
    let mut words = resource_words(owner, &[]);
    for entry in grants {
        for power in entry.classes.iter().chain(&entry.operations) {
            words.extend(entry_words(entry).into_iter().map(|word| format!("{power}/{word}")));
        }
    }
    words.sort_unstable();
    words.dedup();
    words
}

/// Words of a caller who wants resources on which they may do one of `powers` at least: identifiers of operations of
/// `table`, or names of classes; others match nothing. `None` for a superadmin, who may everything.
pub fn caller_powers(
    caller: &Caller,
    scope: &str,
    table: &[Operation],
    powers: &[&str],
) -> Option<Vec<String>> {
    let mut wanted = Vec::new();
    for &power in powers {
        let known = table.iter().find(|operation| operation.id == power);
        let known = known.or_else(|| table.iter().find(|operation| operation.class.as_str() == power));
        let Some(operation) = known else { continue };
        let words = words_for(caller, scope, operation.class)?;
        for word in words {
            if word.starts_with("admin:") {
                wanted.push(word);
                continue;
            }
            wanted.push(format!("{}/{word}", operation.class.as_str()));
            if operation.id == power {
                wanted.push(format!("{power}/{word}"));
            }
        }
    }
    wanted.sort_unstable();
    wanted.dedup();
    Some(wanted)
}

/// What the list filter `visibility` compares: `public`, `protected`, or `private` when no entry lets anybody list.
pub fn list_visibility(grants: &[PermissionEntry]) -> &'static str {
    let list = Operation { class: Class::List, id: "list" };
    let listing = || grants.iter().filter(|entry| entry.grants(list));
    match (listing().any(PermissionEntry::is_for_everybody), listing().next().is_some()) {
        (true, _) => "public",
        (false, true) => "protected",
        (false, false) => "private",
    }
}

fn entry_words(entry: &PermissionEntry) -> Vec<String> {
    if entry.is_for_everybody() {
        return vec![EVERYBODY.to_owned()];
    }
    if let Some(email) = &entry.email {
        return vec![format!("email:{}", email.to_ascii_lowercase())];
    }
    let Some(id) = &entry.id else { return Vec::new() };
    match entry.kind {
        Some(AccountKind::User) => vec![format!("user:{id}")],
        Some(AccountKind::Organization) => {
            let department = entry.department.as_deref().unwrap_or("*");
            if entry.roles.is_empty() {
                return vec![organization_word(id, department, "*")];
            }
            let roles = entry.roles.iter().map(String::as_str).chain(["admin"]);
            roles.map(|role| organization_word(id, department, role)).collect()
        }
        None => Vec::new(),
    }
}

fn organization_word(id: &str, department: &str, role: &str) -> String {
    format!("organization:{id}:{department}:{role}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::caller::{Membership, User};
    use crate::permission::{Protected, can, dataset_operation, default_grants};

    fn callers() -> Vec<Caller> {
        let user = |id: &str| User {
            id: id.to_owned(),
            name: id.to_owned(),
            email: format!("{id}@example.org"),
            organizations: Vec::new(),
            is_admin: false,
        };
        let mut callers = vec![Caller::anonymous(), Caller::personal(user("a")), Caller::personal(user("b"))];
        for organization in ["ville", "port"] {
            for role in ["admin", "contrib", "user"] {
                for department in [None, Some("eau"), Some("voirie")] {
                    callers.push(Caller::member(
                        user("c"),
                        &Membership {
                            id: organization.to_owned(),
                            name: organization.to_owned(),
                            role: role.to_owned(),
                            department: department.map(str::to_owned),
                            department_name: None,
                        },
                    ));
                }
            }
        }
        let keys: Vec<Caller> = callers
            .iter()
            .flat_map(|caller| {
                [&[][..], &["datasets-read"], &["stats"]].map(|scopes| Caller {
                    scopes: Some(scopes.iter().map(|&scope| scope.to_owned()).collect()),
                    ..caller.clone()
                })
            })
            .collect();
        callers.extend(keys);
        callers.push(Caller { admin_mode: true, ..Caller::personal(user("root")) });
        callers
    }

    fn entries() -> Vec<PermissionEntry> {
        let of = |json: &str| serde_json::from_str::<PermissionEntry>(json).unwrap();
        vec![
            of(r#"{"classes":["list"]}"#),
            of(r#"{"classes":["read"]}"#),
            of(r#"{"operations":["list"],"email":"A@example.org"}"#),
            of(r#"{"type":"user","id":"*","classes":["list"]}"#),
            of(r#"{"type":"user","id":"b","operations":["list"]}"#),
            of(r#"{"type":"organization","id":"ville","classes":["list"]}"#),
            of(r#"{"type":"organization","id":"ville","department":"-","classes":["list"]}"#),
            of(r#"{"type":"organization","id":"port","department":"eau","classes":["list"]}"#),
            of(
                r#"{"type":"organization","id":"ville","department":"*","roles":["contrib"],"classes":["list"]}"#,
            ),
            of(
                r#"{"type":"organization","id":"ville","department":"eau","roles":["user"],"classes":["list"]}"#,
            ),
        ]
    }

    #[test]
    fn words_say_the_same_as_the_permission_check() {
        let mut eau = AccountRef::organization("ville", "Ville");
        let mut owners =
            vec![eau.clone(), AccountRef::user("a", "a"), AccountRef::organization("port", "Port")];
        eau.department = Some("eau".to_owned());
        owners.push(eau);
        for owner in &owners {
            let mut grants: Vec<Vec<PermissionEntry>> =
                entries().into_iter().map(|entry| vec![entry]).collect();
            grants.extend([Vec::new(), default_grants(owner)]);
            for (grants, caller) in grants.iter().flat_map(|g| callers().into_iter().map(move |c| (g, c))) {
                let resource = resource_words(owner, grants);
                let by_words = caller_words(&caller, "datasets")
                    .is_none_or(|words| words.iter().any(|word| resource.contains(word)));
                let protected = Protected { id: "d", owner, grants, scope: "datasets" };
                let allowed = can(&caller, dataset_operation("list"), protected);
                assert_eq!(by_words, allowed, "{owner} {grants:?} {caller:?}");
            }
        }
    }

    #[test]
    fn the_visibility_of_lists_looks_at_who_may_list() {
        let of = |json: &str| vec![serde_json::from_str::<PermissionEntry>(json).unwrap()];
        assert_eq!(list_visibility(&of(r#"{"classes":["list"]}"#)), "public");
        assert_eq!(list_visibility(&of(r#"{"type":"user","id":"*","classes":["list"]}"#)), "protected");
        assert_eq!(list_visibility(&of(r#"{"classes":["read"]}"#)), "private");
        assert_eq!(list_visibility(&[]), "private");
    }
}
