//! The session of the caller: renew, end, describe.

use axum::Json;
use axum::extract::State;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum_extra::extract::CookieJar;
use halle_http::session::{TokenVerifier, session_token};
use halle_http::{ApiError, ApiResult, Caller};
use serde_json::{Value, json};

use crate::Directory;
use crate::service::SessionCookies;
use crate::views::session_state;

/// Cookie of the exchange token.
const EXCHANGE_COOKIE: &str = "id_token_ex";

/// Renews the session: fresh claims, later end.
#[utoipa::path(post, path = "/simple-directory/api/auth/keepalive", tag = "directory", operation_id = "keepalive",
    responses((status = 204, description = "New cookies"), (status = 401, description = "The session has ended")))]
pub async fn keepalive(State(directory): State<Directory>, jar: CookieJar) -> Response {
    let renewed = match jar.get(EXCHANGE_COOKIE) {
        Some(cookie) => directory.keep_alive(cookie.value()).await,
        None => Err(ended()),
    };
    renewed_or_forgotten(&directory, renewed)
}

/// Ends the session.
#[utoipa::path(delete, path = "/simple-directory/api/auth", tag = "directory", operation_id = "logout",
    responses((status = 204, description = "The cookies are removed")))]
pub async fn sign_out(State(directory): State<Directory>, jar: CookieJar) -> ApiResult<Response> {
    if let Some(cookie) = jar.get(EXCHANGE_COOKIE) {
        directory.end_session(cookie.value()).await?;
    }
    let mut response = StatusCode::NO_CONTENT.into_response();
    SessionCookies::clear(&directory.cookie_scope(), response.headers_mut());
    Ok(response)
}

/// Leaves the superadmin mode and keeps the session.
#[utoipa::path(delete, path = "/simple-directory/api/auth/adminmode", tag = "directory",
    operation_id = "leaveAdminMode",
    responses((status = 204, description = "New cookies"), (status = 401, description = "The session has ended")))]
pub async fn leave_admin_mode(State(directory): State<Directory>, jar: CookieJar) -> Response {
    let renewed = match jar.get(EXCHANGE_COOKIE) {
        Some(cookie) => directory.leave_admin_mode(cookie.value()).await,
        None => Err(ended()),
    };
    renewed_or_forgotten(&directory, renewed)
}

/// The payload of the caller's token.
#[utoipa::path(get, path = "/simple-directory/api/auth/me", tag = "directory", operation_id = "getMe",
    responses((status = 200, description = "Claims of the session"), (status = 404, description = "Nobody is signed in")))]
pub async fn me(State(directory): State<Directory>, caller: Caller, parts: Parts) -> ApiResult<Response> {
    let claims = claims(&directory, &caller, &parts).await?;
    if claims.is_null() {
        return Err(ApiError::not_found("Personne n'est connecté. Nobody is signed in."));
    }
    Ok(private(claims))
}

/// The session as every service sees it: person, active account, role.
#[utoipa::path(get, path = "/simple-directory/api/auth/my-session", tag = "directory",
    operation_id = "getMySession", responses((status = 200, description = "State of the session")))]
pub async fn my_session(
    State(directory): State<Directory>,
    caller: Caller,
    parts: Parts,
) -> ApiResult<Response> {
    let claims = claims(&directory, &caller, &parts).await?;
    let jar = CookieJar::from_headers(&parts.headers);
    let lang = jar.get("i18n_lang").map_or("fr", |cookie| cookie.value());
    let lang = if lang == "en" { "en" } else { "fr" };
    Ok(private(session_state(&caller, &claims, lang)))
}

/// The claims of a session; `null` for nobody and for API keys.
async fn claims(directory: &Directory, caller: &Caller, parts: &Parts) -> ApiResult<Value> {
    if caller.is_anonymous() || caller.scopes.is_some() {
        return Ok(Value::Null);
    }
    let bearer = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let bearer =
        bearer.and_then(|value| value.split_once(' ')).map(|(_scheme, token)| token.trim().to_owned());
    let token = bearer.or_else(|| session_token(&CookieJar::from_headers(&parts.headers)));
    match token {
        Some(token) => Ok(json!(directory.0.verifier.verify(&token).await?)),
        None => Ok(Value::Null),
    }
}

fn private(body: Value) -> Response {
    ([(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))], Json(body)).into_response()
}

fn renewed_or_forgotten(directory: &Directory, renewed: ApiResult<SessionCookies>) -> Response {
    let scope = directory.cookie_scope();
    match renewed {
        Ok(cookies) => {
            let mut headers = HeaderMap::new();
            cookies.write(&scope, &mut headers);
            (StatusCode::NO_CONTENT, headers).into_response()
        }
        Err(error) => {
            let over = error.status == StatusCode::UNAUTHORIZED;
            let mut response = error.into_response();
            if over {
                SessionCookies::clear(&scope, response.headers_mut());
            }
            response
        }
    }
}

fn ended() -> ApiError {
    ApiError::unauthorized("Aucune session à prolonger : connectez-vous. No session to renew: sign in.")
}
