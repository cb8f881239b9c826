//! The configuration of one remote catalogue.

use halle_plugin::messages::Request;
use halle_plugin::serde_json::Value;
use halle_plugin::{Result, http};
use serde::Deserialize;

/// Name of the secret; the host places it in the header `x-apiKey`.
const API_KEY: &str = "apiKey";

/// Where the catalogue is, and whether a key opens it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Config {
    /// What an administrator typed: a portal, the service, or its API.
    pub url: String,
    /// Name of the secret once there is one.
    #[serde(default)]
    pub api_key: String,
}

impl Config {
    /// Root of the data API.
    pub fn api(&self) -> String {
        let url = self.url.trim().trim_end_matches('/');
        match url.find("/data-fair") {
            Some(at) => format!("{}/data-fair/api/v1", &url[..at]),
            None => format!("{url}/data-fair/api/v1"),
        }
    }

    /// A request below the root, with the key where there is one.
    pub fn request(&self, method: &str, path: &str) -> Request {
        self.request_at(method, format!("{}{path}", self.api()))
    }

    /// A request at a URL that the catalogue gave.
    pub fn request_at(&self, method: &str, url: String) -> Request {
        let key = (!self.api_key.is_empty()).then_some(API_KEY);
        Request::new(method, url).header("accept", "application/json").auth(key)
    }

    /// The JSON below the root.
    pub fn get(&self, path: &str) -> Result<Value> {
        http::json(&self.request("GET", path))
    }
}

/// The path of a dataset.
pub fn dataset(id: &str) -> String {
    format!("/datasets/{}", http::encode(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_api_is_found_from_any_address_of_the_service() {
        for url in [
            "https://a.test",
            "https://a.test/",
            "https://a.test/data-fair",
            "https://a.test/data-fair/api/v1/",
            "https://a.test/data-fair/datasets",
        ] {
            let config = Config { url: url.to_owned(), api_key: String::new() };
            assert_eq!(config.api(), "https://a.test/data-fair/api/v1", "{url}");
        }
    }
}
