//! Query parameters: flat, in the order given, each at most once (reference §1.2).

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use url::form_urlencoded;

use crate::error::{ApiError, ApiResult};

/// Bytes of a query string; longer ones belong into a body.
const QUERY_BYTES_MAX: usize = 64 << 10;

/// Extractor: the parameters of the query string. Unknown ones are kept: handlers ignore what they do not know.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Params(Vec<(String, String)>);

impl Params {
    /// Parses a query string without its `?`. 400 for a parameter that occurs twice, or a string that is too long.
    pub fn parse(query: &str) -> ApiResult<Self> {
        if query.len() > QUERY_BYTES_MAX {
            let message = format!("La requête dépasse {QUERY_BYTES_MAX} octets : raccourcissez ses filtres.");
            return Err(ApiError::bad_request(message));
        }
        let pairs: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let mut names: Vec<&str> = pairs.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        if let Some(twice) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            let message = format!("query parameter \"{}\" is defined multiple times", twice[0]);
            return Err(ApiError::bad_request(message));
        }
        Ok(Self(pairs))
    }

    /// The value of a parameter, or `None`; an empty value counts as absent.
    pub fn get(&self, name: &str) -> Option<&str> {
        let pair = self.0.iter().find(|(key, _)| key == name)?;
        (!pair.1.is_empty()).then_some(pair.1.as_str())
    }

    /// Whether a parameter says `true`.
    pub fn flag(&self, name: &str) -> bool {
        self.get(name) == Some("true")
    }

    /// The comma-separated values of a parameter, trimmed, without empty ones.
    pub fn list(&self, name: &str) -> Vec<&str> {
        let values = self.get(name).into_iter().flat_map(|text| text.split(','));
        values.map(str::trim).filter(|value| !value.is_empty()).collect()
    }

    /// A whole number; 400 that names the parameter when it is none.
    pub fn number(&self, name: &str) -> ApiResult<Option<usize>> {
        let Some(text) = self.get(name) else { return Ok(None) };
        text.parse().map(Some).map_err(|_| {
            ApiError::bad_request(format!(
                "Le paramètre \"{name}\" doit être un entier positif : \"{text}\"."
            ))
        })
    }

    /// All parameters, in the order given.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Params {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        Self::parse(parts.uri.query().unwrap_or(""))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_given_twice_is_named_in_the_refusal() {
        let refusal = Params::parse("a=1&size=2&size=3").unwrap_err();
        assert_eq!(refusal.message, "query parameter \"size\" is defined multiple times");
        assert_eq!(refusal.status.as_u16(), 400);
    }

    #[test]
    fn values_are_decoded_and_read_by_kind() {
        let params = Params::parse("Code_postal_(BAN)=75%20001&select=a,+b,&count=true&size=x&q=").unwrap();
        assert_eq!(params.get("Code_postal_(BAN)"), Some("75 001"));
        assert_eq!(params.list("select"), ["a", "b"]);
        assert!(params.flag("count"));
        assert_eq!(params.get("q"), None);
        assert!(params.number("size").unwrap_err().message.contains("\"size\""));
        assert_eq!(params.iter().next(), Some(("Code_postal_(BAN)", "75 001")));
    }
}
