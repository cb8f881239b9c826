//! Which publication site a request comes to (reference §1.1). On a site, names mean what the site's owner has.

use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use halle_http::base_url::Elsewhere;
use halle_http::{ApiError, ApiResult, BaseUrl, Caller, Params};

use crate::state::Datasets;

/// Middleware around the routes that name datasets and applications: finds the site at the address that the request came to,
/// or on the main address the one that `publicationSites=type:id` names, and leaves its owner in the [`Caller`]. 404 for an
/// address that is neither the main one nor that of a site.
pub async fn resolve(State(datasets): State<Datasets>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    match site_owner(&datasets, &parts).await {
        Ok(None) => {}
        Ok(Some(owner)) => {
            if let Some(Caller(caller)) = parts.extensions.get_mut::<Caller>() {
                caller.site = Some(owner);
            }
        }
        Err(refusal) => return refusal.into_response(),
    }
    next.run(Request::from_parts(parts, body)).await
}

async fn site_owner(datasets: &Datasets, request: &Parts) -> ApiResult<Option<halle_base::AccountRef>> {
    let extensions = &request.extensions;
    if extensions.get::<Elsewhere>().is_some() {
        let base = extensions.get::<BaseUrl>().map(|base| base.0.to_string()).unwrap_or_default();
        let found = datasets.site_of(&base, None).await?;
        let unknown = || ApiError::not_found("publication site unknown");
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
