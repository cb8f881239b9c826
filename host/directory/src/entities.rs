//! What the directory stores.

use std::collections::BTreeMap;

use halle_base::{AccountRef, Timestamp};
use halle_store::{Entity, Key};
use serde::{Deserialize, Serialize};

/// Roles of an organisation that does not define its own.
pub const DEFAULT_ROLES: [&str; 3] = ["admin", "contrib", "user"];

/// A person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Person {
    /// Identifier.
    pub id: String,
    /// E-mail address, lower case; unique.
    pub email: String,
    /// First name, possibly empty.
    pub first_name: String,
    /// Last name, possibly empty.
    pub last_name: String,
    /// Argon2id hash in PHC form; without one nobody can sign in with a password.
    pub password_hash: Option<String>,
    /// Memberships. Names of organisations are not kept here: they change.
    pub memberships: Vec<MembershipRecord>,
    /// Organisation that a session starts with.
    pub default_org: Option<String>,
    /// Department of it.
    pub default_dep: Option<String>,
    /// Whether the personal account is hidden.
    pub ignore_personal_account: bool,
    /// Whether the person may enter the superadmin mode.
    pub is_admin: bool,
    /// Creation.
    pub created_at: Timestamp,
    /// Last sign-in.
    pub logged_at: Option<Timestamp>,
}

impl Default for Person {
    fn default() -> Self {
        Self {
            id: String::new(),
            email: String::new(),
            first_name: String::new(),
            last_name: String::new(),
            password_hash: None,
            memberships: Vec::new(),
            default_org: None,
            default_dep: None,
            ignore_personal_account: false,
            is_admin: false,
            created_at: Timestamp::UNIX_EPOCH,
            logged_at: None,
        }
    }
}

/// A person's place in an organisation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MembershipRecord {
    /// Organisation.
    pub organization: String,
    /// Department; absent at the root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub department: Option<String>,
    /// Role.
    pub role: String,
    /// Since when.
    pub created_at: Timestamp,
}

impl Person {
    /// First and last name, or the part of the e-mail address before `@`.
    pub fn name(&self) -> String {
        let name = format!("{} {}", self.first_name.trim(), self.last_name.trim());
        let name = name.trim();
        if name.is_empty() { self.email.split('@').next().unwrap_or("").to_owned() } else { name.to_owned() }
    }

    /// The account of the person.
    pub fn account(&self) -> AccountRef {
        AccountRef::user(&self.id, self.name())
    }

    /// Memberships of one organisation.
    pub fn memberships_of<'a>(&'a self, organization: &'a str) -> impl Iterator<Item = &'a MembershipRecord> {
        self.memberships.iter().filter(move |membership| membership.organization == organization)
    }
}

impl Entity for Person {
    const COLLECTION: &'static str = "user";

    fn id(&self) -> &str {
        &self.id
    }

    fn title(&self) -> &str {
        if self.last_name.is_empty() { &self.email } else { &self.last_name }
    }

    fn search_text(&self) -> String {
        format!("{} {}", self.name(), self.email)
    }

    fn keys(&self) -> Vec<Key> {
        let mut organizations: Vec<&str> =
            self.memberships.iter().map(|membership| membership.organization.as_str()).collect();
        organizations.sort_unstable();
        organizations.dedup();
        let mut keys = vec![Key::unique("email", &self.email)];
        keys.extend(organizations.into_iter().map(|id| Key::new("organization", id)));
        keys
    }
}

/// An organisation.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Organization {
    /// Identifier.
    pub id: String,
    /// Display name.
    pub name: String,
    /// A few sentences.
    pub description: String,
    /// Roles; [`DEFAULT_ROLES`] when empty.
    pub roles: Vec<String>,
    /// How roles are called in this organisation.
    pub roles_labels: BTreeMap<String, String>,
    /// How departments are called in this organisation.
    pub department_label: String,
    /// Departments.
    pub departments: Vec<Department>,
}

/// A department of an organisation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default)]
pub struct Department {
    /// Identifier within the organisation; made from the name when a client leaves it out.
    pub id: String,
    /// Display name.
    pub name: String,
}

impl Organization {
    /// The roles a member may have.
    pub fn roles(&self) -> Vec<&str> {
        if self.roles.is_empty() {
            DEFAULT_ROLES.to_vec()
        } else {
            self.roles.iter().map(String::as_str).collect()
        }
    }

    /// The department with this identifier.
    pub fn department(&self, id: &str) -> Option<&Department> {
        self.departments.iter().find(|department| department.id == id)
    }

    /// The organisation as an account, narrowed to a department of it.
    pub fn account(&self, department: Option<&str>) -> AccountRef {
        let department = department.and_then(|id| self.department(id));
        AccountRef {
            department: department.map(|department| department.id.clone()),
            department_name: department.map(|department| department.name.clone()),
            ..AccountRef::organization(&self.id, &self.name)
        }
    }
}

impl Entity for Organization {
    const COLLECTION: &'static str = "organization";

    fn id(&self) -> &str {
        &self.id
    }

    fn title(&self) -> &str {
        &self.name
    }
}

/// A session: what keepalive renews and sign-out ends.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Session {
    /// Identifier.
    pub id: String,
    /// Whose.
    pub user: String,
    /// Browser, as it calls itself, shortened.
    pub device_name: String,
    /// Start.
    pub created_at: Timestamp,
    /// Last renewal.
    pub last_keepalive: Timestamp,
    /// When it ends unless renewed.
    pub expires_at: Timestamp,
}

impl Entity for Session {
    const COLLECTION: &'static str = "session";

    fn id(&self) -> &str {
        &self.id
    }

    fn keys(&self) -> Vec<Key> {
        // The day lets the clean-up find old sessions without reading all.
        vec![
            Key::new("user", &self.user),
            Key::new("expires-day", self.expires_at.strftime("%Y-%m-%d").to_string()),
        ]
    }
}

/// An API key. The key itself is not here: only its hash.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApiKey {
    /// Identifier.
    pub id: String,
    /// Name for people.
    pub title: String,
    /// Hex SHA-512 of the clear key.
    pub hash: String,
    /// What it may be used for; empty: only as its pseudo user.
    pub scopes: Vec<String>,
    /// Last day it works, `YYYY-MM-DD`, UTC.
    pub expire_at: jiff::civil::Date,
    /// Account it acts for.
    pub owner: AccountRef,
    /// Who made it.
    pub created_by: AccountRef,
    /// When.
    pub created_at: Timestamp,
}

impl Entity for ApiKey {
    const COLLECTION: &'static str = "api-key";

    fn id(&self) -> &str {
        &self.id
    }

    fn owner(&self) -> Option<&AccountRef> {
        Some(&self.owner)
    }

    fn title(&self) -> &str {
        &self.title
    }

    fn keys(&self) -> Vec<Key> {
        vec![Key::unique("hash", &self.hash), Key::new("owner", self.owner.key())]
    }
}
