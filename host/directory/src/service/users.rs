//! People: made by superadmins, changed by themselves.

use halle_base::{Secret, new_id};
use halle_http::paging::{List, Paging};
use halle_http::{ApiError, ApiResult, layers};
use halle_model::Caller;
use halle_model::slug::fold;
use halle_store::{EntityExt, Filter, Order, UnitOfWork};
use serde::Deserialize;

use crate::Directory;
use crate::entities::{ApiKey, Person, Session};
use crate::error::stored;
use crate::passwords::check_policy;
use crate::service::{found, sign_in, signed_in, superadmin};
use crate::views::{SessionView, UserRef, UserView};

/// Longest name or e-mail address, in bytes.
const NAME_BYTES_MAX: usize = 200;

/// Documents removed along with a person: sessions and keys.
const BELONGINGS_MAX: u32 = 1_000;

/// What a superadmin gives to make an account.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewUser {
    /// E-mail address.
    pub email: String,
    /// Password; without one the person cannot sign in until a superadmin sets it.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub password: Option<Secret<String>>,
    /// First name.
    #[serde(default)]
    pub first_name: String,
    /// Last name.
    #[serde(default)]
    pub last_name: String,
    /// Whether the person may enter the superadmin mode.
    #[serde(default)]
    pub is_admin: bool,
}

/// What may change of a person. Absent fields stay.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct UserChange {
    /// First name.
    pub first_name: Option<String>,
    /// Last name.
    pub last_name: Option<String>,
    /// Organisation to start with; `""` for none.
    pub default_org: Option<String>,
    /// Department of it; `""` for none.
    pub default_dep: Option<String>,
    /// Whether to hide the personal account.
    pub ignore_personal_account: Option<bool>,
    /// Superadmin or not; for superadmins only.
    pub is_admin: Option<bool>,
}

impl Directory {
    /// A page of people, by identifier and name. Nobody for a caller who is not signed in.
    pub async fn list_users(
        &self,
        caller: &Caller,
        q: Option<&str>,
        ids: Option<Vec<String>>,
        email: Option<&str>,
        paging: Paging,
    ) -> ApiResult<List<UserRef>> {
        if signed_in(caller).is_err() {
            return Ok(List { count: Some(0), results: Vec::new() });
        }
        let mut filter =
            Filter { ids, order: Order::TitleAsc, skip: paging.skip, ..Filter::all(paging.size) };
        filter.words = q.map(|q| fold(q).split_whitespace().map(str::to_owned).collect()).unwrap_or_default();
        if let Some(email) = email {
            superadmin(caller)?;
            filter = filter.with("email", email.to_lowercase());
        }
        let page = self.read().await?.list::<Person>(&filter).await.map_err(stored)?;
        let results =
            page.results.iter().map(|person| UserRef { id: person.id.clone(), name: person.name() });
        Ok(List { count: Some(page.count), results: results.collect() })
    }

    /// A person, as themselves or a superadmin sees them.
    pub async fn user(&self, caller: &Caller, id: &str) -> ApiResult<UserView> {
        self_or_superadmin(caller, id)?;
        let mut work = self.read().await?;
        let person = found::<Person>(&mut *work, id, "L'utilisateur").await?;
        view(&mut *work, &person).await
    }

    /// Makes an account without any mail; 409 if the address has one.
    pub async fn create_user(&self, caller: &Caller, new: NewUser) -> ApiResult<UserView> {
        let admin = superadmin(caller)?;
        let email = parse_email(&new.email)?;
        let (first_name, last_name) = (parse_name(&new.first_name)?, parse_name(&new.last_name)?);
        let password_hash = match &new.password {
            Some(password) => {
                check_policy(password)?;
                Some(self.0.passwords.hash(password).await?)
            }
            None => None,
        };
        let now = self.now();
        let person = Person {
            id: new_id(&*self.0.dice),
            email,
            first_name,
            last_name,
            password_hash,
            is_admin: new.is_admin,
            created_at: now,
            ..Person::default()
        };
        let mut work = self.begin().await?;
        work.insert(&person, now).await.map_err(stored)?;
        let view = view(&mut *work, &person).await?;
        work.commit().await.map_err(stored)?;
        layers::audit("sd.user.create", None, &admin.email, &format!("made the account {}", person.id));
        Ok(view)
    }

    /// Changes a person; themselves or a superadmin.
    pub async fn change_user(&self, caller: &Caller, id: &str, change: UserChange) -> ApiResult<UserView> {
        self_or_superadmin(caller, id)?;
        if change.is_admin.is_some() {
            superadmin(caller)?;
        }
        let now = self.now();
        let mut work = self.begin().await?;
        let mut person = found::<Person>(&mut *work, id, "L'utilisateur").await?;
        if let Some(name) = &change.first_name {
            person.first_name = parse_name(name)?;
        }
        if let Some(name) = &change.last_name {
            person.last_name = parse_name(name)?;
        }
        if let Some(org) = change.default_org {
            if !org.is_empty() && person.memberships_of(&org).next().is_none() {
                let message = format!("`defaultOrg` : vous n'êtes pas membre de l'organisation `{org}`.");
                return Err(ApiError::bad_request(message));
            }
            person.default_org = (!org.is_empty()).then_some(org);
            person.default_dep = None;
        }
        if let Some(dep) = change.default_dep {
            person.default_dep = (!dep.is_empty()).then_some(dep);
        }
        person.ignore_personal_account =
            change.ignore_personal_account.unwrap_or(person.ignore_personal_account);
        person.is_admin = change.is_admin.unwrap_or(person.is_admin);
        work.save(&mut person, now).await.map_err(stored)?;
        let view = view(&mut *work, &person).await?;
        work.commit().await.map_err(stored)?;
        Ok(view)
    }

    /// Sets a new password and ends every session of the person. They prove the current one; superadmins need not.
    pub async fn change_password(
        &self,
        caller: &Caller,
        id: &str,
        current: Option<&Secret<String>>,
        password: &Secret<String>,
    ) -> ApiResult<()> {
        let user = self_or_superadmin(caller, id)?;
        check_policy(password)?;
        let mut work = self.read().await?;
        let person = found::<Person>(&mut *work, id, "L'utilisateur").await?;
        drop(work); // Never hold a transaction across a slow call.
        if !caller.admin_mode {
            let bucket = format!("password {id}");
            if !self.0.attempts.take(&bucket) {
                return Err(halle_http::rate_limit::too_many_requests());
            }
            let given = current.cloned().unwrap_or_default();
            if !self.0.passwords.matches(&given, person.password_hash.as_deref()).await? {
                return Err(sign_in::bad_credentials());
            }
            self.0.attempts.give_back(&bucket);
        }
        let hash = self.0.passwords.hash(password).await?;
        let now = self.now();
        let mut work = self.begin().await?;
        let mut person = found::<Person>(&mut *work, id, "L'utilisateur").await?;
        person.password_hash = Some(hash);
        work.save(&mut person, now).await.map_err(stored)?;
        remove_sessions(&mut *work, id).await?;
        work.commit().await.map_err(stored)?;
        layers::audit("sd.user.password", None, &user.email, &format!("changed the password of {id}"));
        Ok(())
    }

    /// Removes a person with their sessions and keys; superadmins only.
    pub async fn delete_user(&self, caller: &Caller, id: &str) -> ApiResult<()> {
        let admin = superadmin(caller)?;
        let mut work = self.begin().await?;
        let person = found::<Person>(&mut *work, id, "L'utilisateur").await?;
        remove_sessions(&mut *work, id).await?;
        let keys = Filter::all(BELONGINGS_MAX).with("owner", person.account().key());
        for key in work.list::<ApiKey>(&keys).await.map_err(stored)?.results {
            work.remove::<ApiKey>(&key.id).await.map_err(stored)?;
        }
        work.remove::<Person>(id).await.map_err(stored)?;
        work.commit().await.map_err(stored)?;
        layers::audit("sd.user.delete", None, &admin.email, &format!("removed the account {id}"));
        Ok(())
    }

    /// Ends one session of a person; themselves or a superadmin.
    pub async fn delete_session(&self, caller: &Caller, id: &str, session: &str) -> ApiResult<()> {
        self_or_superadmin(caller, id)?;
        let mut work = self.begin().await?;
        let known = found::<Session>(&mut *work, session, "La session").await?;
        if known.user != id {
            return Err(ApiError::not_found(format!("La session `{session}` n'existe pas.")));
        }
        work.remove::<Session>(session).await.map_err(stored)?;
        work.commit().await.map_err(stored)
    }
}

async fn view(work: &mut dyn UnitOfWork, person: &Person) -> ApiResult<UserView> {
    let claims = sign_in::claims(work, person).await?;
    let sessions = Filter::all(BELONGINGS_MAX).with("user", &person.id);
    let sessions = work.list::<Session>(&sessions).await.map_err(stored)?;
    let sessions = sessions.results.iter().map(|session| SessionView::from(&session.entity));
    Ok(UserView::new(person, claims, sessions.collect()))
}

async fn remove_sessions(work: &mut dyn UnitOfWork, user: &str) -> ApiResult<()> {
    let sessions = Filter::all(BELONGINGS_MAX).with("user", user);
    for session in work.list::<Session>(&sessions).await.map_err(stored)?.results {
        work.remove::<Session>(&session.id).await.map_err(stored)?;
    }
    Ok(())
}

fn self_or_superadmin<'a>(caller: &'a Caller, id: &str) -> ApiResult<&'a halle_model::User> {
    let user = signed_in(caller)?;
    if user.id == id { Ok(user) } else { superadmin(caller) }
}

/// A sound e-mail address in lower case. Who owns it only a mail could prove; this keeps typing errors out.
pub fn parse_email(text: &str) -> ApiResult<String> {
    let email = text.trim().to_lowercase();
    let sound = email.len() <= NAME_BYTES_MAX
        && !email
            .contains(|c: char| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | ',' | ';'))
        && email.split_once('@').is_some_and(|(local, domain)| {
            !local.is_empty() && !domain.is_empty() && !domain.contains('@') && !domain.starts_with('.')
        });
    if sound { Ok(email) } else { Err(ApiError::bad_request("`email` : ce n'est pas une adresse valide.")) }
}

fn parse_name(text: &str) -> ApiResult<String> {
    let name = text.trim();
    if name.len() > NAME_BYTES_MAX || name.contains(char::is_control) {
        let message = format!("Nom trop long ou illisible : au plus {NAME_BYTES_MAX} octets sur une ligne.");
        return Err(ApiError::bad_request(message));
    }
    Ok(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_folded_and_checked() {
        assert_eq!(parse_email(" Ana@Example.org ").unwrap(), "ana@example.org");
        for bad in ["", "ana", "@x", "a@", "a b@x.org", "a@b@c", "a@x.org,b@x.org"] {
            assert!(parse_email(bad).is_err(), "{bad:?} was accepted");
        }
    }
}
