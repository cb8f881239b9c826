//! `POST /auth/password` and `GET /auth/token_callback`.

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use halle_http::session::ActiveAccount;
use halle_http::{ApiError, ApiResult, BaseUrl, ClientIp, Params, body};
use serde_json::json;
use url::Url;
use url::form_urlencoded;

use crate::Directory;
use crate::service::{Granted, SessionCookies, SignIn, SignedIn};

/// Bytes of a body that signs in.
const SIGN_IN_BYTES_MAX: usize = 16 << 10;

/// Signs in by password. JSON: answers with the address of the callback that opens the session. A form: opens it at once
/// and redirects; a refusal leads back to the login page.
#[utoipa::path(post, path = "/simple-directory/api/auth/password", tag = "directory",
    operation_id = "passwordAuth",
    params(("redirect" = Option<String>, Query, description = "Address on this site to go to afterwards")),
    responses(
        (status = 200, description = "Address of the callback, as text; or `{\"step\":\"adminMode\"}`"),
        (status = 302, description = "For a form: cookies are set"),
        (status = 400, description = "`badCredentials`"),
        (status = 403, description = "`adminModeOnly`: no superadmin"),
        (status = 429, description = "Five failures within a minute"),
    ))]
pub async fn password(
    State(directory): State<Directory>,
    base: BaseUrl,
    ip: ClientIp,
    params: Params,
    request: Request,
) -> ApiResult<Response> {
    let headers = request.headers().clone();
    let redirect = safe_redirect(&base, params.get("redirect"));
    let media_type = body::media_type(&headers);
    let bytes = body::bytes(request, SIGN_IN_BYTES_MAX).await?;
    match media_type.as_str() {
        "application/json" => {
            let sign_in: SignIn =
                serde_json::from_slice(&bytes).map_err(|error| body::not_readable(&error))?;
            match directory.sign_in(&sign_in, ip).await? {
                SignedIn::OfferAdminMode => Ok(Json(json!({ "step": "adminMode" })).into_response()),
                SignedIn::Granted(granted) => {
                    Ok(callback_url(&directory, &base, &granted, &redirect).await?.into_response())
                }
            }
        }
        "application/x-www-form-urlencoded" => {
            refuse_foreign_form(&headers, &base)?;
            let fields: serde_json::Map<_, _> = form_urlencoded::parse(&bytes)
                .map(|(name, value)| (name.into_owned(), json!(value)))
                .collect();
            let target = fields.get("redirect").and_then(|value| value.as_str()).map(str::to_owned);
            let redirect = target.map_or(redirect, |target| safe_redirect(&base, Some(&target)));
            let sign_in: SignIn =
                serde_json::from_value(fields.into()).map_err(|error| body::not_readable(&error))?;
            let attempt = directory.sign_in(&SignIn { offer_admin_mode: false, ..sign_in }, ip).await;
            form_answer(&directory, &base, &headers, attempt, &redirect).await
        }
        _ => Err(body::unsupported_media_type()),
    }
}

async fn form_answer(
    directory: &Directory,
    base: &BaseUrl,
    headers: &HeaderMap,
    attempt: ApiResult<SignedIn>,
    redirect: &Url,
) -> ApiResult<Response> {
    match attempt {
        Ok(SignedIn::Granted(granted)) => open(directory, *granted, headers, redirect).await,
        Ok(SignedIn::OfferAdminMode) => Err(ApiError::internal("a form was offered the admin mode")),
        Err(error) if error.status.is_client_error() => {
            let code = if error.status == StatusCode::TOO_MANY_REQUESTS {
                "tooManyAttempts"
            } else {
                &error.message
            };
            Ok(found(login_url(base, code, redirect).as_str()))
        }
        Err(error) => Err(error),
    }
}

/// Opens the session that a callback address stands for, and goes on to where the person wanted.
#[utoipa::path(get, path = "/simple-directory/api/auth/token_callback", tag = "directory",
    operation_id = "tokenCallback",
    params(
        ("id_token" = String, Query, description = "Token of the callback, 15 minutes"),
        ("redirect" = Option<String>, Query, description = "Address on this site"),
        ("id_token_org" = Option<String>, Query, description = "Organisation to start with"),
        ("id_token_dep" = Option<String>, Query, description = "Department of it"),
        ("id_token_role" = Option<String>, Query, description = "Role in it"),
    ),
    responses((status = 302, description = "Cookies are set; or to the login page with `error`")))]
pub async fn token_callback(
    State(directory): State<Directory>,
    base: BaseUrl,
    params: Params,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let redirect = safe_redirect(&base, params.get("redirect"));
    let given = |name| params.get(name).map(str::to_owned);
    let active = ActiveAccount {
        organization: given("id_token_org"),
        department: given("id_token_dep"),
        role: given("id_token_role"),
    };
    let token = params.get("id_token").unwrap_or("");
    match directory.redeem_callback(token, active).await {
        Ok(granted) => open(&directory, granted, &headers, &redirect).await,
        Err(error) if error.status == StatusCode::UNAUTHORIZED => {
            let code = if error.code == "session-expired" { "expiredLink" } else { "brokenLink" };
            Ok(found(login_url(&base, code, &redirect).as_str()))
        }
        Err(error) => Err(error),
    }
}

async fn open(
    directory: &Directory,
    granted: Granted,
    headers: &HeaderMap,
    redirect: &Url,
) -> ApiResult<Response> {
    let device = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or("");
    let cookies: SessionCookies = directory.open_session(granted, device).await?;
    let mut response = found(redirect.as_str());
    cookies.write(&directory.cookie_scope(), response.headers_mut());
    Ok(response)
}

async fn callback_url(
    directory: &Directory,
    base: &BaseUrl,
    granted: &Granted,
    redirect: &Url,
) -> ApiResult<String> {
    let mut url = Url::parse(&format!("{}/simple-directory/api/auth/token_callback", base.0))
        .map_err(ApiError::internal)?;
    let token = directory.callback_token(granted).await?;
    url.query_pairs_mut().append_pair("id_token", &token).append_pair("redirect", redirect.as_str());
    let account = [
        ("id_token_org", &granted.active.organization),
        ("id_token_dep", &granted.active.department),
        ("id_token_role", &granted.active.role),
    ];
    for (name, value) in account {
        if let Some(value) = value {
            url.query_pairs_mut().append_pair(name, value);
        }
    }
    Ok(url.into())
}

fn login_url(base: &BaseUrl, code: &str, redirect: &Url) -> String {
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("error", code)
        .append_pair("redirect", redirect.as_str())
        .finish();
    format!("{}/simple-directory/login?{query}", base.0)
}

/// Where to go after signing in: an address on this site, whatever the client says. Another site's address would make
/// the login page a bait.
pub fn safe_redirect(base: &BaseUrl, asked: Option<&str>) -> Url {
    let root = Url::parse(&format!("{}/", base.0)).unwrap_or_else(|_| fallback());
    let Some(asked) = asked else { return root };
    match root.join(asked) {
        Ok(url) if url.origin() == root.origin() && url.username().is_empty() => url,
        _ => {
            tracing::warn!(target: "halle::audit", code = "sd.auth.redirect", "refused to redirect to another site");
            root
        }
    }
}

fn fallback() -> Url {
    Url::parse("http://localhost/").expect("a literal that is a URL")
}

/// 403 for a form that another site sent: it would sign the visitor into somebody else's account.
fn refuse_foreign_form(headers: &HeaderMap, base: &BaseUrl) -> ApiResult<()> {
    let origin = headers.get(header::ORIGIN).and_then(|value| value.to_str().ok());
    let own = Url::parse(&base.0).map(|url| url.origin().ascii_serialization()).unwrap_or_default();
    match origin {
        Some(origin) if origin != own => Err(ApiError::forbidden(
            "Ce formulaire vient d'un autre site. This form comes from another site.",
        )),
        _ => Ok(()),
    }
}

fn found(location: &str) -> Response {
    let mut response = StatusCode::FOUND.into_response();
    if let Ok(value) = HeaderValue::from_str(location) {
        response.headers_mut().insert(header::LOCATION, value);
    }
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_sent_to_another_site() {
        let base = BaseUrl("https://example.org".into());
        let check = |asked: &str| safe_redirect(&base, Some(asked)).to_string();
        assert_eq!(check("/admin?x=1"), "https://example.org/admin?x=1");
        assert_eq!(check("https://example.org/a"), "https://example.org/a");
        for bad in [
            "https://evil.org/",
            "//evil.org",
            "javascript:alert(1)",
            "https://u@example.org/",
            "\\\\evil.org",
        ] {
            assert_eq!(check(bad), "https://example.org/", "{bad}");
        }
    }
}
