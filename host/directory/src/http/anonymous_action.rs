//! `GET /auth/anonymous-action`.

use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, header};
use halle_base::new_id;
use halle_http::ApiResult;
use halle_http::app_keys::AnonymousAction;

use crate::Directory;

/// Gives a token for an action without an account, such as filling a public form. It works after eight seconds, for a day:
/// a person takes longer than that, a robot does not.
#[utoipa::path(get, path = "/simple-directory/api/auth/anonymous-action", tag = "directory",
    operation_id = "getAnonymousAction",
    responses((status = 200, description = "The token, as text", body = String, content_type = "text/plain")))]
pub async fn show(State(directory): State<Directory>) -> ApiResult<([(HeaderName, HeaderValue); 1], String)> {
    let action = AnonymousAction::new(new_id(&*directory.0.dice), directory.now());
    let token = directory.0.keys.sign(&action).await?;
    Ok(([(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))], token))
}
