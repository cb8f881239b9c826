//! Who is calling.

use halle_base::{AccountKind, AccountRef};
use serde::{Deserialize, Serialize};

use crate::pass::Pass;

/// A person as a session describes them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// Identifier.
    pub id: String,
    /// Display name.
    pub name: String,
    /// E-mail address, lower case.
    pub email: String,
    /// Organisations the person belongs to.
    #[serde(default)]
    pub organizations: Vec<Membership>,
    /// Whether the person may enter the superadmin mode.
    #[serde(default)]
    pub is_admin: bool,
}

/// Membership of an organisation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Membership {
    /// Organisation.
    pub id: String,
    /// Its display name.
    pub name: String,
    /// `admin`, `contrib`, `user` or a role the organisation defined.
    pub role: String,
    /// Department, absent at the root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub department: Option<String>,
    /// Display name of the department.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub department_name: Option<String>,
}

/// Who a request acts for. Built once per request by `http`; [`can`](crate::permission::can) reads it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Caller {
    /// The signed-in person, or the person an API key belongs to.
    pub user: Option<User>,
    /// The active account: the person's own, or one organisation of theirs.
    pub account: Option<AccountRef>,
    /// Role in the active account; a person is `admin` of their own account.
    pub role: Option<String>,
    /// Whether superadmin powers are switched on.
    pub admin_mode: bool,
    /// Scopes of the API key in use, if one is: `datasets`, `datasets-read`... `None` for a session.
    pub scopes: Option<Vec<String>>,
    /// Rights that come with keys of resources: for these resources they replace all the others.
    pub passes: Vec<Pass>,
    /// Owner of the publication site that the request came to: there, names mean what the owner has (reference §1.1).
    pub site: Option<AccountRef>,
}

impl Caller {
    /// Nobody in particular.
    pub fn anonymous() -> Self {
        Self::default()
    }

    /// A person acting for their own account.
    pub fn personal(user: User) -> Self {
        let account = AccountRef::user(&user.id, &user.name);
        Self { user: Some(user), account: Some(account), role: Some("admin".to_owned()), ..Self::default() }
    }

    /// A person acting for one of their organisations.
    pub fn member(user: User, membership: &Membership) -> Self {
        let account = AccountRef {
            kind: AccountKind::Organization,
            id: membership.id.clone(),
            name: membership.name.clone(),
            department: membership.department.clone(),
            department_name: membership.department_name.clone(),
        };
        Self { role: Some(membership.role.clone()), account: Some(account), ..Self::personal(user) }
    }

    /// The platform itself, for jobs that act for `account`.
    pub fn platform_for(account: AccountRef) -> Self {
        Self { account: Some(account), role: Some("admin".to_owned()), ..Self::default() }
    }

    /// An account in itself, without saying who acts for it: what is readable for it is what was granted to it.
    pub fn account_itself(account: AccountRef) -> Self {
        let user = (account.kind == AccountKind::User).then(|| User {
            id: account.id.clone(),
            name: account.name.clone(),
            email: String::new(),
            organizations: Vec::new(),
            is_admin: false,
        });
        Self { user, ..Self::platform_for(account) }
    }

    /// Whether nobody is signed in and no key of an account was given.
    pub fn is_anonymous(&self) -> bool {
        self.user.is_none() && self.account.is_none()
    }

    /// Whether the caller administers `owner`: same account, role `admin`, and the department itself or the root above it.
    pub fn administers(&self, owner: &AccountRef) -> bool {
        if self.admin_mode {
            return true;
        }
        if owner.kind == AccountKind::User && self.user.as_ref().is_some_and(|user| user.id == owner.id) {
            return true;
        }
        let Some(account) = &self.account else { return false };
        account.kind == owner.kind
            && account.id == owner.id
            && self.role.as_deref() == Some("admin")
            && (account.department.is_none() || account.department == owner.department)
    }
}
