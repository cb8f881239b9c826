//! `/simple-directory/api/organizations/{id}/members`.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use halle_http::paging::{List, Paging};
use halle_http::{ApiResult, Caller, JsonBody, Params};

use crate::Directory;
use crate::http::users::{PAGE_SIZE_DEFAULT, ids};
use crate::service::{MemberChange, MemberFilter, NewMember};
use crate::views::MemberView;

/// Lists the members of an organisation, for its members.
#[utoipa::path(get, path = "/simple-directory/api/organizations/{id}/members", tag = "directory",
    operation_id = "listMembers",
    params(
        ("id" = String, Path),
        ("q" = Option<String>, Query), ("ids" = Option<String>, Query), ("role" = Option<String>, Query),
        ("department" = Option<String>, Query, description = "`-` for the root"),
        ("size" = Option<usize>, Query), ("page" = Option<usize>, Query),
    ),
    responses((status = 200, description = "`{count, results}`")))]
pub async fn list(
    State(directory): State<Directory>,
    caller: Caller,
    Path(id): Path<String>,
    params: Params,
) -> ApiResult<Json<List<MemberView>>> {
    let paging = Paging::parse(&params, PAGE_SIZE_DEFAULT)?;
    directory.list_members(&caller, &id, &filter(&params), paging).await.map(Json)
}

/// Makes somebody who has an account a member.
#[utoipa::path(post, path = "/simple-directory/api/organizations/{id}/members", tag = "directory",
    operation_id = "postMember", params(("id" = String, Path)), request_body = NewMember,
    responses((status = 201, description = "The member"), (status = 404, description = "Nobody has the address"),
        (status = 409, description = "A member already")))]
pub async fn add(
    State(directory): State<Directory>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<NewMember>,
) -> ApiResult<(StatusCode, Json<MemberView>)> {
    Ok((StatusCode::CREATED, Json(directory.add_member(&caller, &id, body).await?)))
}

/// Changes role or department of a member.
#[utoipa::path(patch, path = "/simple-directory/api/organizations/{id}/members/{user}", tag = "directory",
    operation_id = "patchMember",
    params(("id" = String, Path), ("user" = String, Path), ("department" = Option<String>, Query),
        ("role" = Option<String>, Query)),
    request_body = MemberChange, responses((status = 200, description = "The member")))]
pub async fn change(
    State(directory): State<Directory>,
    caller: Caller,
    Path((id, user)): Path<(String, String)>,
    params: Params,
    JsonBody(body): JsonBody<MemberChange>,
) -> ApiResult<Json<MemberView>> {
    directory.change_member(&caller, &id, &user, &filter(&params), body).await.map(Json)
}

/// Ends a membership.
#[utoipa::path(delete, path = "/simple-directory/api/organizations/{id}/members/{user}", tag = "directory",
    operation_id = "deleteMember",
    params(("id" = String, Path), ("user" = String, Path), ("department" = Option<String>, Query),
        ("role" = Option<String>, Query)),
    responses((status = 204, description = "No member any more"),
        (status = 400, description = "The last administrator stays")))]
pub async fn remove(
    State(directory): State<Directory>,
    caller: Caller,
    Path((id, user)): Path<(String, String)>,
    params: Params,
) -> ApiResult<StatusCode> {
    directory.remove_member(&caller, &id, &user, &filter(&params)).await.map(|()| StatusCode::NO_CONTENT)
}

fn filter(params: &Params) -> MemberFilter {
    let text = |name| params.get(name).map(str::to_owned);
    MemberFilter {
        q: text("q"),
        ids: ids(params).unwrap_or_default(),
        role: text("role"),
        department: text("department"),
    }
}
