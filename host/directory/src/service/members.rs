//! Members of an organisation.

use halle_http::paging::{List, Paging};
use halle_http::{ApiError, ApiResult, layers};
use halle_model::Caller;
use halle_model::slug::fold;
use halle_store::documents::Stored;
use halle_store::{EntityExt, UnitOfWork};
use serde::Deserialize;

use crate::Directory;
use crate::entities::{MembershipRecord, Organization, Person};
use crate::error::stored;
use crate::service::organizations::members;
use crate::service::{found, organization_admin};
use crate::views::MemberView;

/// Memberships of one person.
const MEMBERSHIPS_MAX: usize = 100;

/// Which members a list shows. All conditions must hold.
#[derive(Debug, Clone, Default)]
pub struct MemberFilter {
    /// Words in name or e-mail address.
    pub q: Option<String>,
    /// Identifiers of people; any when empty.
    pub ids: Vec<String>,
    /// Role.
    pub role: Option<String>,
    /// Department; `-` for the root.
    pub department: Option<String>,
}

/// Who joins: by e-mail address or identifier, one of them.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct NewMember {
    /// Identifier of a person.
    pub id: Option<String>,
    /// E-mail address of a person who has an account.
    pub email: Option<String>,
    /// Role.
    pub role: String,
    /// Department; the root without one.
    pub department: Option<String>,
}

/// What changes of a membership. Absent fields stay.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct MemberChange {
    /// New role.
    pub role: Option<String>,
    /// New department; `""` for the root.
    pub department: Option<String>,
}

impl Directory {
    /// A page of members, for members; ordered by name.
    pub async fn list_members(
        &self,
        caller: &Caller,
        id: &str,
        filter: &MemberFilter,
        paging: Paging,
    ) -> ApiResult<List<MemberView>> {
        let organization = self.organization(caller, id).await?;
        let words: Vec<String> =
            filter.q.as_deref().map(fold).unwrap_or_default().split_whitespace().map(str::to_owned).collect();
        let mut views = Vec::new();
        for person in members(&mut *self.read().await?, id).await? {
            let text = fold(&format!("{} {}", person.name(), person.email));
            let wanted = (filter.ids.is_empty() || filter.ids.contains(&person.id))
                && words.iter().all(|word| text.contains(word));
            if !wanted {
                continue;
            }
            let shown = person.memberships_of(id).filter(|membership| {
                let department = membership.department.as_deref().unwrap_or("-");
                filter.role.as_ref().is_none_or(|role| *role == membership.role)
                    && filter.department.as_ref().is_none_or(|wanted| wanted == department)
            });
            views.extend(shown.map(|membership| MemberView::new(&person, membership, &organization)));
        }
        let count = views.len() as u64;
        let results = views.into_iter().skip(paging.skip as usize).take(paging.size as usize).collect();
        Ok(List { count: Some(count), results })
    }

    /// Makes a person with an account a member. 404 when nobody has the address, 409 when they are there already.
    pub async fn add_member(&self, caller: &Caller, id: &str, new: NewMember) -> ApiResult<MemberView> {
        let department = new.department.filter(|department| !department.is_empty());
        let admin = organization_admin(caller, id, department.as_deref())?;
        let now = self.now();
        let mut work = self.begin().await?;
        let organization = found::<Organization>(&mut *work, id, "L'organisation").await?;
        check_place(&organization, &new.role, department.as_deref())?;
        let mut person = match (&new.id, &new.email) {
            (Some(user), None) => found::<Person>(&mut *work, user, "L'utilisateur").await?,
            (None, Some(email)) => {
                let person =
                    work.find::<Person>("email", &email.trim().to_lowercase()).await.map_err(stored)?;
                person.ok_or_else(|| {
                    ApiError::not_found(format!(
                        "Aucun compte n'a l'adresse `{email}` : un super-administrateur doit d'abord le créer."
                    ))
                })?
            }
            _ => return Err(ApiError::bad_request("Donnez soit `id`, soit `email`.")),
        };
        let membership =
            MembershipRecord { organization: id.to_owned(), department, role: new.role, created_at: now };
        let taken = person.memberships_of(id).any(|known| known.department == membership.department);
        if taken || person.memberships.len() >= MEMBERSHIPS_MAX {
            let message = format!("`{}` est déjà membre, ou a trop d'organisations.", person.email);
            return Err(ApiError::conflict(message));
        }
        // The first organisation somebody joins becomes their default account.
        if person.default_org.is_none() {
            person.default_org = Some(id.to_owned());
            person.default_dep.clone_from(&membership.department);
        }
        let view = MemberView::new(&person, &membership, &organization);
        person.memberships.push(membership);
        work.save(&mut person, now).await.map_err(stored)?;
        work.commit().await.map_err(stored)?;
        layers::audit("sd.member.add", None, &admin.email, &format!("added {} to {id}", person.id));
        Ok(view)
    }

    /// Changes the role or department of a member. `department` and `role` choose among several memberships.
    pub async fn change_member(
        &self,
        caller: &Caller,
        id: &str,
        user: &str,
        which: &MemberFilter,
        change: MemberChange,
    ) -> ApiResult<MemberView> {
        let now = self.now();
        let mut work = self.begin().await?;
        let organization = found::<Organization>(&mut *work, id, "L'organisation").await?;
        let mut person = found::<Person>(&mut *work, user, "L'utilisateur").await?;
        let place = place_of(&person, id, which)?;
        let mut membership = person.memberships[place].clone();
        organization_admin(caller, id, membership.department.as_deref())?;
        if let Some(role) = change.role {
            membership.role = role;
        }
        if let Some(department) = change.department {
            membership.department = (!department.is_empty()).then_some(department);
        }
        let admin = organization_admin(caller, id, membership.department.as_deref())?;
        check_place(&organization, &membership.role, membership.department.as_deref())?;
        let twin = |(i, known): (usize, &MembershipRecord)| {
            i != place && known.organization == id && known.department == membership.department
        };
        if person.memberships.iter().enumerate().any(twin) {
            return Err(ApiError::conflict(format!("`{}` est déjà membre de ce département.", person.email)));
        }
        let view = MemberView::new(&person, &membership, &organization);
        person.memberships[place] = membership;
        work.save(&mut person, now).await.map_err(stored)?;
        keep_an_admin(&mut *work, caller, id).await?;
        work.commit().await.map_err(stored)?;
        layers::audit("sd.member.patch", None, &admin.email, &format!("changed {user} in {id}"));
        Ok(view)
    }

    /// Ends a membership: an administrator ends anybody's, and everybody their own.
    pub async fn remove_member(
        &self,
        caller: &Caller,
        id: &str,
        user: &str,
        which: &MemberFilter,
    ) -> ApiResult<()> {
        let now = self.now();
        let mut work = self.begin().await?;
        let mut person: Stored<Person> = found::<Person>(&mut *work, user, "L'utilisateur").await?;
        let place = place_of(&person, id, which)?;
        let membership = person.memberships.remove(place);
        let own = crate::service::signed_in(caller)?;
        if own.id != user {
            organization_admin(caller, id, membership.department.as_deref())?;
        }
        if person.memberships_of(id).next().is_none() {
            person.default_org.take_if(|default| default == id);
            if person.default_org.is_none() {
                person.default_dep = None;
            }
        }
        work.save(&mut person, now).await.map_err(stored)?;
        keep_an_admin(&mut *work, caller, id).await?;
        work.commit().await.map_err(stored)?;
        layers::audit("sd.member.remove", None, &own.email, &format!("removed {user} from {id}"));
        Ok(())
    }
}

/// 400 unless the organisation has such a role and department.
fn check_place(organization: &Organization, role: &str, department: Option<&str>) -> ApiResult<()> {
    let roles = organization.roles();
    if !roles.contains(&role) {
        let message = format!("`role` : `{role}` n'existe pas ici ; rôles possibles : {}.", roles.join(", "));
        return Err(ApiError::bad_request(message));
    }
    match department {
        Some(id) if organization.department(id).is_none() => {
            let message =
                format!("`department` : l'organisation `{}` n'a pas de département `{id}`.", organization.id);
            Err(ApiError::bad_request(message))
        }
        _ => Ok(()),
    }
}

/// Which membership of the person is meant; 404 for none, 400 when several are possible.
fn place_of(person: &Person, organization: &str, which: &MemberFilter) -> ApiResult<usize> {
    let matching = person.memberships.iter().enumerate().filter(|(_, membership)| {
        membership.organization == organization
            && which.role.as_ref().is_none_or(|role| *role == membership.role)
            && which
                .department
                .as_ref()
                .is_none_or(|wanted| wanted == membership.department.as_deref().unwrap_or("-"))
    });
    let places: Vec<usize> = matching.map(|(place, _)| place).collect();
    match places[..] {
        [] => Err(ApiError::not_found(format!(
            "L'utilisateur `{}` n'est pas membre de `{organization}`.",
            person.id
        ))),
        [place] => Ok(place),
        _ => Err(ApiError::bad_request(
            "Cette personne a plusieurs rôles dans l'organisation : précisez `?department=` (`-` pour la racine).",
        )),
    }
}

/// 400 if the organisation would be left without an administrator; superadmins may leave it so.
async fn keep_an_admin(work: &mut dyn UnitOfWork, caller: &Caller, organization: &str) -> ApiResult<()> {
    let is_admin = |person: &Stored<Person>| {
        person.memberships_of(organization).any(|one| one.role == "admin" && one.department.is_none())
    };
    if caller.admin_mode || members(work, organization).await?.iter().any(is_admin) {
        return Ok(());
    }
    Err(ApiError::bad_request(
        "Une organisation garde au moins un administrateur : nommez-en un autre d'abord. Name another administrator \
         first.",
    ))
}
