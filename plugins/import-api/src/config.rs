//! The configuration, with the field names that existing configurations have.

use halle_plugin::serde_json::Value;
use serde::Deserialize;

/// What to read, and what becomes of it.
#[derive(Debug, Clone, Deserialize)]
pub struct Config {
    /// Address of the first page.
    #[serde(rename = "apiURL")]
    pub api_url: String,
    /// How requests are authorised.
    #[serde(default)]
    pub auth: Auth,
    /// How the next page is found.
    #[serde(default)]
    pub pagination: Pagination,
    /// Path to the list of results; empty when the answer is the list.
    #[serde(default, rename = "resultsPath")]
    pub results_path: String,
    /// Columns.
    pub block: Block,
    /// Between the values of a list.
    #[serde(default = "semicolon")]
    pub separator: String,
}

fn semicolon() -> String {
    ";".to_owned()
}

/// How requests are authorised. The secrets themselves never come here: the host places them.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(tag = "authMethod")]
pub enum Auth {
    /// They are not.
    #[default]
    #[serde(rename = "noAuth")]
    None,
    /// User and password.
    #[serde(rename = "basicAuth")]
    Basic {},
    /// A token.
    #[serde(rename = "bearerAuth")]
    Bearer {},
    /// A key in a header.
    #[serde(rename = "apiKey")]
    ApiKey {},
    /// Methods of other versions of this plugin, such as `oauth2`.
    #[serde(other)]
    Unsupported,
}

impl Auth {
    /// Name of the secret to place in requests.
    pub fn secret(&self) -> Option<&'static str> {
        match self {
            Self::None | Self::Unsupported => None,
            Self::Basic {} => Some("auth/password"),
            Self::Bearer {} => Some("auth/token"),
            Self::ApiKey {} => Some("auth/apiKeyValue"),
        }
    }
}

/// How the next page is found.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(tag = "method")]
pub enum Pagination {
    /// There is one page.
    #[default]
    #[serde(rename = "none")]
    None,
    /// Its address is in the answer.
    #[serde(rename = "nextPageData", rename_all = "camelCase")]
    NextPageData {
        /// Path to the address.
        next_page_path: String,
        /// Parameter that asks for a number of rows.
        #[serde(default)]
        limit_key: Option<String>,
        /// That number.
        #[serde(default = "thousand")]
        limit_value: u64,
    },
    /// By parameters of the query.
    #[serde(rename = "queryParams", rename_all = "camelCase")]
    QueryParams {
        /// Parameter of the position.
        #[serde(default = "offset")]
        offset_key: String,
        /// Whether positions count pages, from 1; otherwise rows, from 0.
        #[serde(default)]
        offset_pages: bool,
        /// Parameter that asks for a number of rows.
        #[serde(default)]
        limit_key: Option<String>,
        /// That number.
        #[serde(default = "thousand")]
        limit_value: u64,
    },
}

fn thousand() -> u64 {
    1000
}

fn offset() -> String {
    "offset".to_owned()
}

/// Columns taken from a result, and perhaps from elements nested in it.
#[derive(Debug, Clone, Deserialize)]
pub struct Block {
    /// Columns.
    pub mapping: Vec<Mapping>,
    /// Makes one row per nested element.
    #[serde(default)]
    pub expand: Option<Box<Expand>>,
}

/// A column.
#[derive(Debug, Clone, Deserialize)]
pub struct Mapping {
    /// Its name.
    pub key: String,
    /// Where its value is.
    pub path: String,
}

/// Nested elements.
#[derive(Debug, Clone, Deserialize)]
pub struct Expand {
    /// Where they are.
    pub path: String,
    /// Their columns.
    pub block: Block,
}

impl Block {
    /// Names of all columns, those of nested elements last.
    pub fn keys(&self) -> Vec<&str> {
        let mut keys: Vec<&str> = self.mapping.iter().map(|mapping| mapping.key.as_str()).collect();
        if let Some(expand) = &self.expand {
            keys.extend(expand.block.keys());
        }
        keys
    }
}

/// Whether a draft holds a secret where its method needs one: the host writes the secret's name there.
pub fn has_secret(draft: &Value, auth: &Auth) -> bool {
    auth.secret().is_none_or(|name| {
        let value = draft.pointer(&format!("/{name}")).and_then(Value::as_str);
        value.is_some_and(|value| !value.is_empty())
    })
}
