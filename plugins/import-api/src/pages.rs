//! Walking through the pages of an API.

use halle_plugin::messages::Request;
use halle_plugin::serde_json::Value;
use halle_plugin::{Problem, Result, check_cancelled, http, warn};

use crate::config::{Config, Pagination};
use crate::path;

/// Pages of one import at most; an API that always names a next page ends here.
const PAGES_MAX: u64 = 100_000;
/// Milliseconds for one page: some APIs compute for long.
const PAGE_TIMEOUT_MS: u32 = 600_000;
/// Tries of a page that the API says to ask again.
const TRIES: u32 = 3;
/// Rows in one page beyond which a person is told to ask for smaller ones.
const ROWS_PER_PAGE_WARNING: usize = 10_000;

/// Reads all pages; `each` gets the results of one.
pub fn walk(config: &Config, mut each: impl FnMut(&[&Value]) -> Result<()>) -> Result<u64> {
    let mut url = first_url(config);
    for page in 1..=PAGES_MAX {
        check_cancelled()?;
        let body = read(config, &url)?;
        let results = path::list(&body, &config.results_path);
        if page == 1 && path::value(&body, &config.results_path).is_none() {
            let message = format!("La réponse de {url} n'a rien au chemin « {} ».", config.results_path);
            return Err(Problem {
                field: Some("/resultsPath".to_owned()),
                ..Problem::new("config/results-path", message)
            });
        }
        if results.len() > ROWS_PER_PAGE_WARNING {
            warn(format!(
                "La page {page} a {} résultats : des pages plus petites ménagent l'API.",
                results.len()
            ));
        }
        each(&results)?;
        match next_url(config, &url, page, results.len() as u64, &body) {
            Some(next) if next == url => {
                return Err(Problem::new(
                    "remote/pagination",
                    format!("La page suivante de {url} est elle-même."),
                ));
            }
            Some(next) => url = next,
            None => return Ok(page),
        }
    }
    Err(Problem::new("remote/pagination", format!("Plus de {PAGES_MAX} pages : la pagination ne finit pas.")))
}

fn read(config: &Config, url: &str) -> Result<Value> {
    let mut request = Request::get_json(url).auth(config.auth.secret());
    request.timeout_ms = Some(PAGE_TIMEOUT_MS);
    http::send_patiently(&request, TRIES)?.ok(url)?.json(url)
}

fn first_url(config: &Config) -> String {
    match &config.pagination {
        Pagination::None => config.api_url.clone(),
        Pagination::NextPageData { limit_key, limit_value, .. } => {
            with_limit(&config.api_url, limit_key.as_deref(), *limit_value)
        }
        Pagination::QueryParams { offset_key, offset_pages, limit_key, limit_value } => {
            let url = with_limit(&config.api_url, limit_key.as_deref(), *limit_value);
            http::with_query(&url, [(offset_key.as_str(), if *offset_pages { "1" } else { "0" })])
        }
    }
}

fn with_limit(url: &str, key: Option<&str>, value: u64) -> String {
    key.filter(|key| !key.is_empty())
        .map_or_else(|| url.to_owned(), |key| http::with_query(url, [(key, value.to_string().as_str())]))
}

/// Address of the page after `page` (from 1), which was at `url` and had `count` results.
fn next_url(config: &Config, url: &str, page: u64, count: u64, body: &Value) -> Option<String> {
    match &config.pagination {
        Pagination::None => None,
        Pagination::NextPageData { next_page_path, .. } => {
            let next =
                path::value(body, next_page_path)?.as_str().filter(|next| !next.is_empty() && count > 0)?;
            Some(resolve(url, next))
        }
        Pagination::QueryParams { offset_key, offset_pages, limit_key, limit_value } => {
            let asked = limit_key.as_deref().is_some_and(|key| !key.is_empty());
            if count == 0 || (asked && count < *limit_value) {
                return None;
            }
            let step = if asked { *limit_value } else { count.max(1) };
            let position = if *offset_pages { page + 1 } else { page * step };
            let base = with_limit(&config.api_url, limit_key.as_deref(), *limit_value);
            Some(http::with_query(&base, [(offset_key.as_str(), position.to_string().as_str())]))
        }
    }
}

/// A link found in an answer, made absolute.
fn resolve(base: &str, link: &str) -> String {
    if link.contains("://") {
        return link.to_owned();
    }
    let origin = http::origin(base).unwrap_or(base);
    if link.starts_with('/') {
        return format!("{origin}{link}");
    }
    let path = base.split(['?', '#']).next().unwrap_or(base);
    if link.starts_with('?') {
        return format!("{path}{link}");
    }
    let folder = path.rfind('/').filter(|&at| at > origin.len()).map_or(path, |at| &path[..at]);
    format!("{folder}/{link}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_links_are_resolved_against_the_page() {
        for (link, expected) in [
            ("https://other.test/x", "https://other.test/x"),
            ("/v2?page=2", "https://a.test/v2?page=2"),
            ("?page=2", "https://a.test/v1/items?page=2"),
            ("items2", "https://a.test/v1/items2"),
        ] {
            assert_eq!(resolve("https://a.test/v1/items?page=1", link), expected);
        }
    }
}
