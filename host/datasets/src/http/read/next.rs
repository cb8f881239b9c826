//! Addresses of next pages.

use axum::http::Uri;
use halle_http::{BaseUrl, Params};

/// The address of this request with one parameter changed, without `page`.
pub(in crate::http) fn address(
    base: &BaseUrl,
    uri: &Uri,
    params: &Params,
    name: &str,
    value: &str,
) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for (key, text) in params.iter().filter(|(key, _)| *key != name && *key != "page") {
        query.append_pair(key, text);
    }
    query.append_pair(name, value);
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
            address(&base, &uri, &params, "after", "1,\"a\""),
            "https://example.org/data-fair/api/v1/datasets/d/lines?size=2&q=%C3%A9t%C3%A9&after=1%2C%22a%22"
        );
    }
}
