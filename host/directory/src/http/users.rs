//! `/simple-directory/api/users`.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use halle_base::Secret;
use halle_http::paging::{List, Paging};
use halle_http::{ApiResult, Caller, JsonBody, Params};
use serde::Deserialize;

use crate::Directory;
use crate::service::{NewUser, UserChange};
use crate::views::{UserRef, UserView};

/// Results of a page when the client does not say.
pub const PAGE_SIZE_DEFAULT: usize = 10;

/// A new password.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewPassword {
    /// The new one.
    #[schema(value_type = String)]
    password: Secret<String>,
    /// The current one; superadmins need not give it.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    current_password: Option<Secret<String>>,
}

/// Lists people by identifier and name.
#[utoipa::path(get, path = "/simple-directory/api/users", tag = "directory", operation_id = "listUsers",
    params(
        ("q" = Option<String>, Query, description = "Words in name or e-mail address"),
        ("ids" = Option<String>, Query, description = "Identifiers, separated by commas"),
        ("email" = Option<String>, Query, description = "Exact address; superadmins only"),
        ("size" = Option<usize>, Query), ("page" = Option<usize>, Query),
    ),
    responses((status = 200, description = "`{count, results}`")))]
pub async fn list(
    State(directory): State<Directory>,
    caller: Caller,
    params: Params,
) -> ApiResult<Json<List<UserRef>>> {
    let paging = Paging::parse(&params, PAGE_SIZE_DEFAULT)?;
    let ids = ids(&params);
    directory.list_users(&caller, params.get("q"), ids, params.get("email"), paging).await.map(Json)
}

/// The identifiers of `ids=a,b`; `None` for all.
pub fn ids(params: &Params) -> Option<Vec<String>> {
    params.get("ids").map(|_| params.list("ids").into_iter().map(str::to_owned).collect())
}

/// Makes an account, without a mail.
#[utoipa::path(post, path = "/simple-directory/api/users", tag = "directory", operation_id = "postUser",
    request_body = NewUser,
    responses((status = 201, description = "The account"), (status = 403, description = "For superadmins"),
        (status = 409, description = "The address has an account")))]
pub async fn create(
    State(directory): State<Directory>,
    caller: Caller,
    JsonBody(new): JsonBody<NewUser>,
) -> ApiResult<(StatusCode, Json<UserView>)> {
    Ok((StatusCode::CREATED, Json(directory.create_user(&caller, new).await?)))
}

/// Shows a person to themselves or a superadmin.
#[utoipa::path(get, path = "/simple-directory/api/users/{id}", tag = "directory", operation_id = "getUser",
    params(("id" = String, Path)), responses((status = 200, description = "The person")))]
pub async fn read(
    State(directory): State<Directory>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Json<UserView>> {
    directory.user(&caller, &id).await.map(Json)
}

/// Changes a person.
#[utoipa::path(patch, path = "/simple-directory/api/users/{id}", tag = "directory", operation_id = "patchUser",
    params(("id" = String, Path)), request_body = UserChange,
    responses((status = 200, description = "The person")))]
pub async fn change(
    State(directory): State<Directory>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(change): JsonBody<UserChange>,
) -> ApiResult<Json<UserView>> {
    directory.change_user(&caller, &id, change).await.map(Json)
}

/// Removes a person; superadmins only.
#[utoipa::path(delete, path = "/simple-directory/api/users/{id}", tag = "directory", operation_id = "deleteUser",
    params(("id" = String, Path)), responses((status = 204, description = "Gone")))]
pub async fn remove(
    State(directory): State<Directory>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<StatusCode> {
    directory.delete_user(&caller, &id).await.map(|()| StatusCode::NO_CONTENT)
}

/// Sets a new password, and ends all sessions of the person.
#[utoipa::path(post, path = "/simple-directory/api/users/{id}/password", tag = "directory",
    operation_id = "changePassword", params(("id" = String, Path)), request_body = NewPassword,
    responses((status = 204, description = "Changed"), (status = 400, description = "Too simple, or the current one is wrong")))]
pub async fn change_password(
    State(directory): State<Directory>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<NewPassword>,
) -> ApiResult<StatusCode> {
    let current = body.current_password.as_ref();
    directory.change_password(&caller, &id, current, &body.password).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends one session of a person.
#[utoipa::path(delete, path = "/simple-directory/api/users/{id}/sessions/{session}", tag = "directory",
    operation_id = "deleteUserSession", params(("id" = String, Path), ("session" = String, Path)),
    responses((status = 204, description = "Ended: its keepalive answers 401")))]
pub async fn remove_session(
    State(directory): State<Directory>,
    caller: Caller,
    Path((id, session)): Path<(String, String)>,
) -> ApiResult<StatusCode> {
    directory.delete_session(&caller, &id, &session).await.map(|()| StatusCode::NO_CONTENT)
}
