//! Organisations, their departments and roles.

use std::collections::{BTreeMap, BTreeSet};

use halle_base::{new_id, parse_id};
use halle_http::paging::{List, Paging};
use halle_http::{ApiError, ApiResult, layers};
use halle_model::Caller;
use halle_model::slug::{fold, title_slug};
use halle_store::{EntityExt, Filter, Order, UnitOfWork};
use serde::Deserialize;

use crate::Directory;
use crate::entities::{Department, MembershipRecord, Organization, Person};
use crate::error::stored;
use crate::service::{found, organization_admin, signed_in, superadmin};
use crate::views::UserRef;

/// Longest name, in bytes (services reference §1.3).
const NAME_BYTES_MAX: usize = 150;

/// Longest description, in bytes.
const DESCRIPTION_BYTES_MAX: usize = 5_000;

/// Departments of one organisation.
const DEPARTMENTS_MAX: usize = 500;

/// Roles of one organisation.
const ROLES_MAX: usize = 20;

/// Members looked at when a department or a role goes.
pub(crate) const MEMBERS_MAX: u32 = 10_000;

/// What makes or changes an organisation. Absent fields stay.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct OrganizationChange {
    /// Identifier, chosen by a superadmin at creation; made up otherwise.
    pub id: Option<String>,
    /// Display name.
    pub name: Option<String>,
    /// A few sentences.
    pub description: Option<String>,
    /// Roles; `admin` is always one. Empty for the platform's.
    pub roles: Option<Vec<String>>,
    /// How roles are called here.
    pub roles_labels: Option<BTreeMap<String, String>>,
    /// How departments are called here.
    pub department_label: Option<String>,
    /// All departments; one without `id` gets its identifier from its name.
    pub departments: Option<Vec<Department>>,
}

impl Directory {
    /// A page of organisations by identifier and name. None for a caller who is not signed in.
    pub async fn list_organizations(
        &self,
        caller: &Caller,
        q: Option<&str>,
        ids: Option<Vec<String>>,
        paging: Paging,
    ) -> ApiResult<List<UserRef>> {
        if signed_in(caller).is_err() {
            return Ok(List { count: Some(0), results: Vec::new() });
        }
        let mut filter =
            Filter { ids, order: Order::TitleAsc, skip: paging.skip, ..Filter::all(paging.size) };
        filter.words = q.map(|q| fold(q).split_whitespace().map(str::to_owned).collect()).unwrap_or_default();
        let page = self.read().await?.list::<Organization>(&filter).await.map_err(stored)?;
        let reference = |one: &Organization| UserRef { id: one.id.clone(), name: one.name.clone() };
        Ok(List { count: Some(page.count), results: page.results.iter().map(|one| reference(one)).collect() })
    }

    /// An organisation, for its members and superadmins.
    pub async fn organization(&self, caller: &Caller, id: &str) -> ApiResult<Organization> {
        let user = signed_in(caller)?;
        if !caller.admin_mode && !user.organizations.iter().any(|membership| membership.id == id) {
            let message = format!("L'organisation `{id}` n'est visible que de ses membres.");
            return Err(ApiError::forbidden(message));
        }
        let mut work = self.read().await?;
        Ok(found::<Organization>(&mut *work, id, "L'organisation").await?.entity)
    }

    /// Makes an organisation. Whoever makes it becomes its administrator, unless `auto_admin` says no.
    pub async fn create_organization(
        &self,
        caller: &Caller,
        change: OrganizationChange,
        auto_admin: bool,
    ) -> ApiResult<Organization> {
        let user = signed_in(caller)?;
        let id = match &change.id {
            Some(id) => {
                superadmin(caller)?;
                parse_id(id).map_err(|error| ApiError::bad_request(format!("`id` : {error}")))?.to_owned()
            }
            None => new_id(&*self.0.dice),
        };
        let name = change.name.clone().unwrap_or_default();
        let mut organization = Organization { id, name, ..Organization::default() };
        apply(&mut organization, change)?;
        let now = self.now();
        let mut work = self.begin().await?;
        if work.load::<Organization>(&organization.id).await.map_err(stored)?.is_some() {
            let message =
                format!("L'organisation `{}` existe déjà : choisissez un autre `id`.", organization.id);
            return Err(ApiError::conflict(message));
        }
        work.insert(&organization, now).await.map_err(stored)?;
        if auto_admin {
            let mut person = found::<Person>(&mut *work, &user.id, "L'utilisateur").await?;
            person.memberships.push(MembershipRecord {
                organization: organization.id.clone(),
                department: None,
                role: "admin".to_owned(),
                created_at: now,
            });
            // The first organisation somebody joins becomes their default account.
            person.default_org.get_or_insert_with(|| organization.id.clone());
            work.save(&mut person, now).await.map_err(stored)?;
        }
        work.commit().await.map_err(stored)?;
        let message = format!("made the organisation {}", organization.id);
        layers::audit("sd.organization.create", None, &user.email, &message);
        Ok(organization)
    }

    /// Changes an organisation; its administrators. A department or role that members still have cannot go.
    pub async fn change_organization(
        &self,
        caller: &Caller,
        id: &str,
        change: OrganizationChange,
    ) -> ApiResult<Organization> {
        let user = organization_admin(caller, id, None)?;
        if change.id.as_ref().is_some_and(|new| new != id) {
            return Err(ApiError::bad_request("`id` ne peut pas être modifié."));
        }
        let now = self.now();
        let mut work = self.begin().await?;
        let mut organization = found::<Organization>(&mut *work, id, "L'organisation").await?;
        apply(&mut organization, change)?;
        refuse_orphans(&mut *work, &organization).await?;
        work.save(&mut organization, now).await.map_err(stored)?;
        work.commit().await.map_err(stored)?;
        layers::audit("sd.organization.patch", None, &user.email, &format!("changed the organisation {id}"));
        Ok(organization.entity)
    }

    /// Removes an organisation that has at most one member, with that membership.
    pub async fn delete_organization(&self, caller: &Caller, id: &str) -> ApiResult<()> {
        let user = organization_admin(caller, id, None)?;
        let now = self.now();
        let mut work = self.begin().await?;
        found::<Organization>(&mut *work, id, "L'organisation").await?;
        let members = members(&mut *work, id).await?;
        if members.len() > 1 {
            let message = format!(
                "L'organisation `{id}` a encore {} membres : retirez-les avant de la supprimer.",
                members.len()
            );
            return Err(ApiError::bad_request(message));
        }
        for mut person in members {
            person.memberships.retain(|membership| membership.organization != id);
            person.default_org.take_if(|default| default == id);
            work.save(&mut person, now).await.map_err(stored)?;
        }
        work.remove::<Organization>(id).await.map_err(stored)?;
        work.commit().await.map_err(stored)?;
        layers::audit("sd.organization.delete", None, &user.email, &format!("removed the organisation {id}"));
        Ok(())
    }
}

/// Everybody who belongs to an organisation.
pub(crate) async fn members(
    work: &mut dyn UnitOfWork,
    organization: &str,
) -> ApiResult<Vec<halle_store::documents::Stored<Person>>> {
    let filter =
        Filter { order: Order::TitleAsc, ..Filter::all(MEMBERS_MAX).with("organization", organization) };
    Ok(work.list::<Person>(&filter).await.map_err(stored)?.results)
}

/// Puts the change into the organisation, or says which field is wrong.
fn apply(organization: &mut Organization, change: OrganizationChange) -> ApiResult<()> {
    if let Some(name) = change.name {
        organization.name = name.trim().to_owned();
    }
    if organization.name.is_empty() || organization.name.len() > NAME_BYTES_MAX {
        let message = format!("`name` : donnez un nom de 1 à {NAME_BYTES_MAX} octets.");
        return Err(ApiError::bad_request(message));
    }
    organization.description = change.description.unwrap_or_else(|| organization.description.clone());
    if organization.description.len() > DESCRIPTION_BYTES_MAX {
        let message = format!("`description` : au plus {DESCRIPTION_BYTES_MAX} octets.");
        return Err(ApiError::bad_request(message));
    }
    organization.roles_labels = change.roles_labels.unwrap_or_else(|| organization.roles_labels.clone());
    organization.department_label =
        change.department_label.unwrap_or_else(|| organization.department_label.clone());
    if let Some(roles) = change.roles {
        let lacks_admin = !roles.is_empty() && !roles.iter().any(|role| role == "admin");
        if lacks_admin || roles.len() > ROLES_MAX || roles.iter().any(String::is_empty) {
            let message = format!("`roles` : `admin` et au plus {} autres noms.", ROLES_MAX - 1);
            return Err(ApiError::bad_request(message));
        }
        organization.roles = roles;
    }
    if let Some(departments) = change.departments {
        organization.departments = parse_departments(departments)?;
    }
    Ok(())
}

fn parse_departments(departments: Vec<Department>) -> ApiResult<Vec<Department>> {
    if departments.len() > DEPARTMENTS_MAX {
        return Err(ApiError::bad_request(format!("`departments` : au plus {DEPARTMENTS_MAX}.")));
    }
    let mut seen = BTreeSet::new();
    let mut parsed = Vec::with_capacity(departments.len());
    for (i, Department { id, name }) in departments.into_iter().enumerate() {
        let id = if id.is_empty() { title_slug(&name) } else { id };
        let wrong = |what: &str| ApiError::bad_request(format!("`departments[{i}]` : {what}"));
        parse_id(&id).map_err(|error| wrong(&error.to_string()))?;
        if name.trim().is_empty() || name.len() > NAME_BYTES_MAX {
            return Err(wrong(&format!("donnez un nom de 1 à {NAME_BYTES_MAX} octets.")));
        }
        if !seen.insert(id.clone()) {
            return Err(wrong(&format!("l'identifiant `{id}` est déjà pris.")));
        }
        parsed.push(Department { id, name: name.trim().to_owned() });
    }
    Ok(parsed)
}

/// 400 if a member has a role or a department that the organisation no longer has.
async fn refuse_orphans(work: &mut dyn UnitOfWork, organization: &Organization) -> ApiResult<()> {
    for person in members(work, &organization.id).await? {
        for membership in person.memberships_of(&organization.id) {
            let department = membership.department.as_deref();
            if department.is_some_and(|id| organization.department(id).is_none()) {
                let message = format!(
                    "Le département `{}` a encore des membres ({}) : déplacez-les avant de le retirer.",
                    department.unwrap_or(""),
                    person.name()
                );
                return Err(ApiError::bad_request(message));
            }
            if !organization.roles().contains(&membership.role.as_str()) {
                let message = format!(
                    "Le rôle `{}` est encore donné ({}) : changez-le avant de le retirer.",
                    membership.role,
                    person.name()
                );
                return Err(ApiError::bad_request(message));
            }
        }
    }
    Ok(())
}
