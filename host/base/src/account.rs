//! Accounts as the rest of the platform refers to them.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What kind of account owns or acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AccountKind {
    /// A person.
    User,
    /// An organisation, possibly narrowed to one of its departments.
    Organization,
}

impl AccountKind {
    /// The name on the wire: `user` or `organization`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Organization => "organization",
        }
    }
}

/// A reference to an account, in the shape Data Fair has for `owner`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccountRef {
    /// `user` or `organization`.
    #[serde(rename = "type")]
    pub kind: AccountKind,
    /// Identifier within its kind.
    pub id: String,
    /// Display name at the time of writing.
    #[serde(default)]
    pub name: String,
    /// Department of an organisation; absent for its root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub department: Option<String>,
    /// Display name of the department.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub department_name: Option<String>,
}

impl AccountRef {
    /// A person's own account.
    pub fn user(id: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            kind: AccountKind::User,
            id: id.into(),
            name: name.into(),
            department: None,
            department_name: None,
        }
    }

    /// An organisation's root account.
    pub fn organization(id: impl Into<String>, name: impl Into<String>) -> Self {
        Self { kind: AccountKind::Organization, ..Self::user(id, name) }
    }

    /// `type:id` or `type:id:department`, the form of keys and filters. Names are left out: they change.
    pub fn key(&self) -> String {
        self.to_string()
    }

    /// Whether both refer to the same account and department, whatever their names say.
    pub fn is_same(&self, other: &Self) -> bool {
        self.kind == other.kind && self.id == other.id && self.department == other.department
    }
}

impl fmt::Display for AccountRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind.as_str(), self.id)?;
        self.department.as_ref().map_or(Ok(()), |department| write!(f, ":{department}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wire_shape_is_data_fairs() {
        let mut owner = AccountRef::organization("c1", "Commune");
        assert_eq!(
            serde_json::to_string(&owner).unwrap(),
            r#"{"type":"organization","id":"c1","name":"Commune"}"#
        );
        owner.department = Some("eau".to_owned());
        assert_eq!(owner.key(), "organization:c1:eau");
    }
}
