//! `GET /.well-known/jwks.json`: the public keys of the current and the previous signing key.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, header};
use halle_http::ApiResult;
use halle_http::jwks::JwksSource;
use jsonwebtoken::jwk::JwkSet;

use crate::Directory;

/// Publishes the keys that verify tokens. Not to be cached: a key that was rotated out must stop working.
#[utoipa::path(get, path = "/simple-directory/.well-known/jwks.json", tag = "directory",
    operation_id = "getJwks", responses((status = 200, description = "JSON Web Key Set, RFC 7517")))]
pub async fn show(
    State(directory): State<Directory>,
) -> ApiResult<([(HeaderName, HeaderValue); 1], Json<JwkSet>)> {
    let keys = directory.jwks().await?;
    Ok(([(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"))], Json(keys)))
}

/// Publishes the same keys where other software looks for them first.
#[utoipa::path(get, path = "/.well-known/jwks.json", tag = "directory", operation_id = "getJwksAtRoot",
    responses((status = 200, description = "JSON Web Key Set, RFC 7517")))]
pub async fn show_at_root(
    directory: State<Directory>,
) -> ApiResult<([(HeaderName, HeaderValue); 1], Json<JwkSet>)> {
    show(directory).await
}
