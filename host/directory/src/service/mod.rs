//! Use cases of the directory, a file per noun.

pub(crate) mod api_keys;
mod bootstrap;
mod members;
mod organizations;
mod sessions;
mod settings;
mod sign_in;
mod users;

use halle_base::Timestamp;
use halle_http::{ApiError, ApiResult};
use halle_model::{Caller, User};
use halle_store::documents::Stored;
use halle_store::{Entity, EntityExt, UnitOfWork};

pub use api_keys::KeyChange;
pub use members::{MemberChange, MemberFilter, NewMember};
pub use organizations::OrganizationChange;
pub use sessions::SessionCookies;
pub use settings::Change;
pub use sign_in::{Granted, SignIn, SignedIn};
pub use users::{NewUser, UserChange};

use crate::Directory;
use crate::error::stored;

impl Directory {
    pub(crate) async fn read(&self) -> ApiResult<Box<dyn UnitOfWork>> {
        self.0.store.read().await.map_err(stored)
    }

    pub(crate) async fn begin(&self) -> ApiResult<Box<dyn UnitOfWork>> {
        self.0.store.begin().await.map_err(stored)
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.0.clock.now()
    }
}

/// Loads an entity or answers 404; `what` names it in French with its article.
pub(crate) async fn found<E: Entity>(
    work: &mut dyn UnitOfWork,
    id: &str,
    what: &str,
) -> ApiResult<Stored<E>> {
    let entity = work.load::<E>(id).await.map_err(stored)?;
    entity.ok_or_else(|| ApiError::not_found(format!("{what} `{id}` n'existe pas.")))
}

/// The person behind a session; 401 for nobody, 403 for an API key: keys manage no accounts.
pub(crate) fn signed_in(caller: &Caller) -> ApiResult<&User> {
    if caller.scopes.is_some() {
        return Err(ApiError::forbidden(
            "Une clé d'API ne permet pas de gérer les comptes : connectez-vous. An API key cannot manage accounts.",
        ));
    }
    caller.user.as_ref().ok_or_else(|| {
        ApiError::unauthorized("Connectez-vous pour accéder à cette ressource. Sign in to use this resource.")
    })
}

/// 403 unless superadmin powers are on.
pub(crate) fn superadmin(caller: &Caller) -> ApiResult<&User> {
    let user = signed_in(caller)?;
    if caller.admin_mode {
        return Ok(user);
    }
    Err(ApiError::forbidden(
        "Réservé aux super-administrateurs en mode administration. For superadmins in admin mode only.",
    ))
}

/// 403 unless the person administers the organisation, or that department of it; superadmins may everything.
pub(crate) fn organization_admin<'a>(
    caller: &'a Caller,
    organization: &str,
    department: Option<&str>,
) -> ApiResult<&'a User> {
    let user = signed_in(caller)?;
    let administers = user.organizations.iter().any(|membership| {
        membership.id == organization
            && membership.role == "admin"
            && (membership.department.is_none() || membership.department.as_deref() == department)
    });
    if administers || caller.admin_mode {
        return Ok(user);
    }
    Err(ApiError::forbidden(format!(
        "Il faut être administrateur de l'organisation `{organization}`. You must administer this organisation."
    )))
}
