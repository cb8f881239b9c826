//! Addresses of next pages.

use axum::http::Uri;
use halle_http::{BaseUrl, Params};

/// The address of this request with some parameters changed, without `page`.
pub(in crate::http) fn address(
    base: &BaseUrl,
    uri: &Uri,
    params: &Params,
    changed: &[(&str, &str)],
) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    let is_kept = |key: &str| key != "page" && changed.iter().all(|(name, _)| key != *name);
    for (key, text) in params.iter().filter(|(key, _)| is_kept(key)) {
        query.append_pair(key, text);
    }
    query.extend_pairs(changed);
    format!("{}{}?{}", base.0, uri.path(), query.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_the_same_question_with_a_cursor() {
        let base = BaseUrl("https://example.org".into());
        let uri: Uri = "/data-fair/api/v1/datasets/d/lines?size=2&page=1&q=%C3%A9t%C3%A9".parse().unwrap();
        let params = Params::parse(uri.query().unwrap()).unwrap();
        assert_eq!(
            address(&base, &uri, &params, &[("after", "1,\"a\"")]),
            "https://example.org/data-fair/api/v1/datasets/d/lines?size=2&q=%C3%A9t%C3%A9&after=1%2C%22a%22"
        );
    }
}
