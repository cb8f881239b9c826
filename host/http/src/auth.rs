//! Who calls: established once per request, read by handlers.

use std::sync::Arc;

use async_trait::async_trait;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use halle_base::AccountRef;
use halle_model::permission::{Class, Operation, Protected, can, can_create};

use crate::error::{ApiError, ApiResult};

/// Finds out who calls, from the session cookies or the API key of a request.
#[async_trait]
pub trait Authenticator: Send + Sync {
    /// The caller; anonymous when the request says nothing. 401 for a broken token or an unknown key, 403 for an
    /// expired one.
    async fn authenticate(&self, parts: &Parts) -> ApiResult<halle_model::Caller>;

    /// Called for a 401: appends to the answer's headers what makes the client forget a broken session.
    fn forget(&self, _parts: &Parts, _answer: &mut HeaderMap) {}
}

/// Finds the caller that an API key stands for. Implemented by the feature that stores keys.
#[async_trait]
pub trait ApiKeys: Send + Sync {
    /// The caller of the clear key, `None` for an unknown key; 403 `Cette clé d'API est expirée.` for an expired one.
    async fn resolve(&self, clear: &str) -> ApiResult<Option<halle_model::Caller>>;

    /// The same, where keys of one resource work too. `resource` is what the request is about, as a path below the root of
    /// the data API, or a channel: `datasets/{id}`, and what may follow; empty elsewhere.
    async fn resolve_on(&self, clear: &str, _resource: &str) -> ApiResult<Option<halle_model::Caller>> {
        self.resolve(clear).await
    }
}

/// Middleware: authenticates and leaves the [`Caller`] in the request's extensions.
pub async fn authenticate(
    State(authenticator): State<Arc<dyn Authenticator>>,
    request: Request,
    next: Next,
) -> Response {
    let (mut parts, body) = request.into_parts();
    match authenticator.authenticate(&parts).await {
        Ok(caller) => {
            parts.extensions.insert(Caller(caller));
            next.run(Request::from_parts(parts, body)).await
        }
        Err(error) => {
            let unauthorized = error.status == StatusCode::UNAUTHORIZED;
            let mut response = error.into_response();
            if unauthorized {
                authenticator.forget(&parts, response.headers_mut());
            }
            response
        }
    }
}

/// Extractor: who calls.
#[derive(Debug, Clone)]
pub struct Caller(pub halle_model::Caller);

impl std::ops::Deref for Caller {
    type Target = halle_model::Caller;

    fn deref(&self) -> &halle_model::Caller {
        &self.0
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        let caller = parts.extensions.get::<Self>().cloned();
        caller.ok_or_else(|| ApiError::internal("a route is mounted outside the authentication layer"))
    }
}

/// Refuses with 403 unless `caller` may do `operation` on `resource`. `what` names the resource in French, with its
/// article (`Le jeu de données`).
pub fn require(
    caller: &halle_model::Caller,
    operation: Operation,
    resource: Protected<'_>,
    what: &str,
) -> ApiResult<()> {
    if can(caller, operation, resource) {
        return Ok(());
    }
    if caller.is_anonymous() && caller.passes.is_empty() {
        let message = format!("{what} n'est pas accessible publiquement. Veuillez vous connecter.");
        return Err(ApiError::forbidden(message));
    }
    Err(ApiError::forbidden(format!(
        "Permission manquante pour l'opération \"{}\" ou la catégorie \"{}\".",
        operation.id,
        operation.class.as_str()
    )))
}

/// The owner of a new resource that contributors may make: the one given, else the caller's active account. 401 for
/// nobody, 403 unless the caller may create for that account. `scope` is that of the kind of resource, `what` names it in
/// French (`une application`).
pub fn owner_of_new(
    caller: &halle_model::Caller,
    given: Option<AccountRef>,
    scope: &str,
    what: &str,
) -> ApiResult<AccountRef> {
    let owner = intended_owner(caller, given, what)?;
    if can_create(caller, &owner, scope) { Ok(owner) } else { Err(may_not_create()) }
}

/// The same, for a resource that only admins of the account may make.
pub fn owner_of_new_by_admin(
    caller: &halle_model::Caller,
    given: Option<AccountRef>,
    scope: &str,
    what: &str,
) -> ApiResult<AccountRef> {
    let owner = intended_owner(caller, given, what)?;
    let create = Operation { class: Class::Write, id: "post" };
    if can(caller, create, Protected { id: "", owner: &owner, grants: &[], scope }) {
        Ok(owner)
    } else {
        Err(may_not_create())
    }
}

fn intended_owner(
    caller: &halle_model::Caller,
    given: Option<AccountRef>,
    what: &str,
) -> ApiResult<AccountRef> {
    if caller.is_anonymous() {
        return Err(ApiError::unauthorized(format!("Veuillez vous connecter pour créer {what}.")));
    }
    given.or_else(|| caller.account.clone()).ok_or_else(|| {
        ApiError::bad_request(format!("`owner` manque : dites pour quel compte créer {what}."))
    })
}

fn may_not_create() -> ApiError {
    ApiError::forbidden("Permission manquante pour l'opération \"post\".")
}

/// Identifiers of the operations of `table` that the caller may do on `resource`, for interfaces.
pub fn granted(
    caller: &halle_model::Caller,
    table: &[Operation],
    resource: Protected<'_>,
) -> Vec<&'static str> {
    table
        .iter()
        .filter(|operation| can(caller, **operation, resource))
        .map(|operation| operation.id)
        .collect()
}
