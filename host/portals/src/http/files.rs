//! What is not a page: the style sheet, and what search engines ask for.

use std::fmt::Write as _;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use halle_datasets::service::list::{KeyFilter, ListQuery};
use halle_http::{ApiResult, BaseUrl};
use halle_model::Caller;
use halle_store::Order;

use crate::Portals;
use crate::templates::CSS;
use crate::visit::segment;

/// Addresses of one site map, the most that search engines read.
const SITEMAP_URLS_MAX: u64 = 50_000;

/// Datasets read at once.
const SITEMAP_PAGE: u32 = 500;

/// The style sheet. Its address changes with its content.
pub(super) async fn css() -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/css; charset=utf-8"),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
    ];
    (headers, CSS).into_response()
}

/// `GET /robots.txt`.
pub(super) async fn robots(base: BaseUrl) -> Response {
    let text = format!(
        "User-agent: *\nDisallow: /admin\nDisallow: /simple-directory/\nDisallow: /data-fair/\nAllow: /\n\
         Sitemap: {}/sitemap.xml\n",
        base.0
    );
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()
}

/// `GET /sitemap.xml`: what everybody may list, whoever asks.
pub(super) async fn sitemap(State(portals): State<Portals>, base: BaseUrl) -> ApiResult<Response> {
    let mut xml = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">\n",
    );
    let mut add = |path: &str, changed: Option<String>| {
        let changed = changed.map(|instant| format!("<lastmod>{instant}</lastmod>")).unwrap_or_default();
        // Writing to a text cannot fail.
        let _ = writeln!(xml, "<url><loc>{}{path}</loc>{changed}</url>", escaped(&base.0));
    };
    for path in ["/", "/datasets", "/accessibility"] {
        add(path, None);
    }
    let visible = KeyFilter {
        facet: "visibility",
        key: "visibility",
        any_of: vec!["public".to_owned()],
        none_of: Vec::new(),
    };
    let mut query = ListQuery {
        filters: vec![visible],
        orders: vec![Order::CreatedAsc],
        size: SITEMAP_PAGE,
        ..ListQuery::default()
    };
    loop {
        let answer = portals.datasets.list(&Caller::anonymous(), &query).await?;
        for dataset in &answer.results {
            add(
                &format!("/datasets/{}", escaped(&segment(&dataset.id))),
                Some(dataset.updated_at.to_string()),
            );
        }
        query.skip += SITEMAP_PAGE;
        if u64::from(query.skip) >= answer.count.min(SITEMAP_URLS_MAX - u64::from(SITEMAP_PAGE)) {
            break;
        }
    }
    xml.push_str("</urlset>\n");
    Ok(([(header::CONTENT_TYPE, "application/xml; charset=utf-8")], xml).into_response())
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
