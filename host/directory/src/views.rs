//! What the directory's routes answer with.

use std::collections::BTreeMap;

use halle_base::{AccountKind, AccountRef, Secret, Timestamp};
use halle_http::session::{ClaimedMembership, Claims};
use halle_model::Caller;
use halle_model::settings::SettingsContent;
use serde::Serialize;
use serde_json::{Value, json};

use crate::entities::{ApiKey, Department, MembershipRecord, Organization, Person, Session};

/// A person or an organisation in a list.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct UserRef {
    /// Identifier.
    pub id: String,
    /// Display name.
    pub name: String,
}

/// A person as themselves or a superadmin sees them.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UserView {
    id: String,
    email: String,
    email_confirmed: bool,
    first_name: String,
    last_name: String,
    name: String,
    organizations: Vec<ClaimedMembership>,
    is_admin: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    default_org: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    default_dep: Option<String>,
    ignore_personal_account: bool,
    created_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    logged: Option<Timestamp>,
    sessions: Vec<SessionView>,
}

/// A session in the list of a person's sessions.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionView {
    id: String,
    device_name: String,
    created_at: Timestamp,
    last_keepalive: Timestamp,
}

impl From<&Session> for SessionView {
    fn from(session: &Session) -> Self {
        Self {
            id: session.id.clone(),
            device_name: session.device_name.clone(),
            created_at: session.created_at,
            last_keepalive: session.last_keepalive,
        }
    }
}

impl UserView {
    /// Memberships come from the claims: they hold the names.
    pub fn new(person: &Person, claims: Claims, sessions: Vec<SessionView>) -> Self {
        Self {
            id: person.id.clone(),
            email: person.email.clone(),
            email_confirmed: true,
            first_name: person.first_name.clone(),
            last_name: person.last_name.clone(),
            name: person.name(),
            organizations: claims.organizations,
            is_admin: person.is_admin,
            default_org: person.default_org.clone(),
            default_dep: person.default_dep.clone(),
            ignore_personal_account: person.ignore_personal_account,
            created_at: person.created_at,
            logged: person.logged_at,
            sessions,
        }
    }
}

/// An organisation, for its members.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OrganizationView {
    id: String,
    name: String,
    description: String,
    roles: Vec<String>,
    roles_labels: BTreeMap<String, String>,
    department_label: String,
    departments: Vec<Department>,
}

impl From<Organization> for OrganizationView {
    fn from(organization: Organization) -> Self {
        Self {
            roles: organization.roles().into_iter().map(str::to_owned).collect(),
            id: organization.id,
            name: organization.name,
            description: organization.description,
            roles_labels: organization.roles_labels,
            department_label: organization.department_label,
            departments: organization.departments,
        }
    }
}

/// A member of an organisation.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MemberView {
    id: String,
    name: String,
    email: String,
    email_confirmed: bool,
    role: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    department: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    department_name: Option<String>,
}

impl MemberView {
    /// One membership of a person.
    pub fn new(person: &Person, membership: &MembershipRecord, organization: &Organization) -> Self {
        let department = membership.department.as_deref().and_then(|id| organization.department(id));
        Self {
            id: person.id.clone(),
            name: person.name(),
            email: person.email.clone(),
            email_confirmed: true,
            role: membership.role.clone(),
            department: membership.department.clone(),
            department_name: department.map(|department| department.name.clone()),
        }
    }
}

/// An API key; never with its hash.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyView {
    id: String,
    title: String,
    scopes: Vec<String>,
    expire_at: String,
    created_at: Timestamp,
    /// Only in the answer that makes the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    clear_key: Option<String>,
}

impl KeyView {
    /// The view that the maker of the key gets, this once.
    pub fn with_clear_key(self, clear: &Secret<String>) -> Self {
        Self { clear_key: Some(clear.reveal().clone()), ..self }
    }
}

impl From<&ApiKey> for KeyView {
    fn from(key: &ApiKey) -> Self {
        Self {
            id: key.id.clone(),
            title: key.title.clone(),
            scopes: key.scopes.clone(),
            expire_at: key.expire_at.to_string(),
            created_at: key.created_at,
            clear_key: None,
        }
    }
}

/// Settings of an account.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SettingsView {
    #[serde(flatten)]
    account: AccountRef,
    api_keys: Vec<KeyView>,
    #[serde(flatten)]
    content: SettingsContent,
}

impl SettingsView {
    /// Settings of `account`.
    pub fn new(account: AccountRef, api_keys: Vec<KeyView>, content: SettingsContent) -> Self {
        Self { account, api_keys, content }
    }
}

/// The session state that every service derives from cookies (services reference §0.2). `claims` is the payload of the
/// token, `null` for nobody.
pub fn session_state(caller: &Caller, claims: &Value, lang: &str) -> Value {
    let mut state = json!({ "lang": lang });
    let (Some(_), Some(account)) = (&caller.user, &caller.account) else { return state };
    state["user"] = claims.clone();
    state["account"] = json!(account);
    state["accountRole"] = json!(caller.role);
    if account.kind == AccountKind::Organization {
        let mut organization = json!({ "id": account.id, "name": account.name, "role": caller.role });
        if let Some(department) = &account.department {
            organization["department"] = json!(department);
            organization["departmentName"] = json!(account.department_name);
        }
        state["organization"] = organization;
    }
    state
}
