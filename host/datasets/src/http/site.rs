//! Which publication site a request comes to (reference §1.1). On a site, names mean what the site's owner has.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use halle_base::AccountRef;
use halle_http::base_url::{BareHost, Elsewhere};
use halle_http::{ApiError, ApiResult, BaseUrl, Caller, Params};

use crate::state::Datasets;

/// Middleware around the routes that name datasets and applications: finds the site at the address that the request came to,
/// or on the main address the one that `publicationSites=type:id` names, and leaves its owner in the [`Caller`]. 404 for an
/// address that is neither the main one nor that of a site.
pub async fn resolve(State(datasets): State<Datasets>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let by_host = parts.extensions.get::<BareHost>().is_some();
    let answer = match found(&datasets, &mut parts).await {
        Ok(owner) => {
            if let (Some(owner), Some(Caller(caller))) = (owner, parts.extensions.get_mut::<Caller>()) {
                caller.site = Some(owner);
            }
            next.run(Request::from_parts(parts, body)).await
        }
        Err(refusal) => refusal.into_response(),
    };
    vary(answer, by_host)
}

/// Middleware around routes that are the same everywhere, but for the links in their answers: those of a site begin with its address.
pub async fn locate(State(datasets): State<Datasets>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let by_host = parts.extensions.get::<BareHost>().is_some();
    let answer = match at_bare_host(&datasets, &mut parts).await {
        Ok(_) => next.run(Request::from_parts(parts, body)).await,
        Err(refusal) => refusal.into_response(),
    };
    vary(answer, by_host)
}

/// Tells caches that serve several domains from one store that an answer is that of its domain alone.
fn vary(mut answer: Response, by_host: bool) -> Response {
    if by_host {
        answer.headers_mut().append(header::VARY, HeaderValue::from_static("host"));
    }
    answer
}

/// Owner of the site that the request comes to.
async fn found(datasets: &Datasets, request: &mut Parts) -> ApiResult<Option<AccountRef>> {
    if let Some(owner) = at_bare_host(datasets, request).await? {
        return Ok(Some(owner));
    }
    if request.extensions.get::<BareHost>().is_some_and(|host| host.must_be_site) {
        return Err(unknown());
    }
    site_owner(datasets, request).await
}

/// Owner of the site at the domain of the request; its address is the one that links begin with from here on.
async fn at_bare_host(datasets: &Datasets, request: &mut Parts) -> ApiResult<Option<AccountRef>> {
    let Some(host) = request.extensions.get::<BareHost>() else { return Ok(None) };
    let address = Arc::clone(&host.address);
    let Some((owner, _)) = datasets.site_of(&address, None).await? else { return Ok(None) };
    request.extensions.insert(BaseUrl(address));
    Ok(Some(owner))
}

fn unknown() -> ApiError {
    ApiError::not_found("publication site unknown")
}

async fn site_owner(datasets: &Datasets, request: &Parts) -> ApiResult<Option<AccountRef>> {
    let extensions = &request.extensions;
    if extensions.get::<Elsewhere>().is_some() {
        let base = extensions.get::<BaseUrl>().map(|base| base.0.to_string()).unwrap_or_default();
        let found = datasets.site_of(&base, None).await?;
        return Ok(Some(found.map(|(owner, _)| owner).ok_or_else(unknown)?));
    }
    let query = request.uri.query().unwrap_or_default();
    if !query.contains("publicationSites=") {
        return Ok(None);
    }
    // What is wrong with the parameters, the route says.
    let named =
        Params::parse(query).ok().and_then(|params| params.get("publicationSites").map(str::to_owned));
    let one = named.filter(|key| !key.starts_with('-') && !key.contains(','));
    let Some(key) = one else { return Ok(None) };
    Ok(datasets.site_of("", Some(&key)).await?.map(|(owner, _)| owner))
}
