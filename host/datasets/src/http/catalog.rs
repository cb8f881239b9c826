//! `/catalog/*`: what a publication site shows (reference §1.9).

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use halle_base::AccountRef;
use halle_http::conditional::{CacheFor, json as conditional_json};
use halle_http::{ApiError, ApiResult, BaseUrl, Caller, Params};
use halle_model::settings::PublicationSite;

use crate::http::list;
use crate::openapi;
use crate::service::dcat;
use crate::service::list::{KeyFilter, ListQuery};
use crate::state::Datasets;

/// Datasets of a DCAT document.
const DCAT_DATASETS_MAX: u32 = 10_000;

/// Datasets of a site, with the parameters of a list.
pub(super) async fn datasets(
    State(datasets): State<Datasets>,
    caller: Caller,
    base: BaseUrl,
    params: Params,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let (account, site) = site(&datasets, &base, &params).await?;
    let query = on_site(list::parse(&params)?, &account, &site);
    list::answer(&datasets, &caller, &base, &params, &headers, &query).await
}

/// The datasets of a site that the caller may list, as DCAT in JSON-LD.
pub(super) async fn as_dcat(
    State(datasets): State<Datasets>,
    caller: Caller,
    base: BaseUrl,
    params: Params,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let (account, site) = site(&datasets, &base, &params).await?;
    let query = ListQuery { size: DCAT_DATASETS_MAX, ..ListQuery::default() };
    let found = datasets.list(&caller, &on_site(query, &account, &site)).await?;
    let document = dcat::catalog(&site, &account, &found.results, &base.0);
    let cache = if caller.is_anonymous() { CacheFor::Everybody } else { CacheFor::Nobody };
    let mut response = conditional_json(&headers, cache, &document)?;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/ld+json"));
    Ok(response)
}

/// The description of these routes.
pub(super) async fn api_docs(
    State(datasets): State<Datasets>,
    base: BaseUrl,
    params: Params,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let (_, site) = site(&datasets, &base, &params).await?;
    conditional_json(&headers, CacheFor::Everybody, &openapi::catalog_document(&site, &base.0))
}

/// The site that the request means; 400 when it means none.
async fn site(
    datasets: &Datasets,
    base: &BaseUrl,
    params: &Params,
) -> ApiResult<(AccountRef, PublicationSite)> {
    let named = params.get("publicationSites");
    let found = datasets.site_of(&base.0, named).await?;
    found.ok_or_else(|| match named {
        Some(named) => ApiError::not_found(format!("publication site unknown: `{named}`")),
        None => ApiError::bad_request(
            "Le catalogue est celui d'un site de publication : appelez-le à l'adresse du site, ou donnez \
             publicationSites=type:id.",
        ),
    })
}

fn on_site(mut query: ListQuery, account: &AccountRef, site: &PublicationSite) -> ListQuery {
    let must = |key: &'static str, value: String| KeyFilter {
        facet: "",
        key,
        any_of: vec![value],
        none_of: Vec::new(),
    };
    let root = AccountRef { department: None, ..account.clone() };
    query.filters.push(must("publicationSites", site.key()));
    query.filters.push(must("owner-filter", root.key()));
    query
}
