//! What every HTTP route of Halle shares: errors, the caller, the base URL, pagination, cache validators, limits.
//!
//! **Invariant:** a route never decides who may do what: it asks [`halle_model::permission::can`], through
//! [`auth::require`].
//!
//! **Invariant:** the text of an internal error goes to the log with an identifier, never to the client.
//!
//! Start with [`error::ApiError`], then [`auth`].

pub mod app_keys;
pub mod auth;
pub mod base_url;
pub mod body;
pub mod client_ip;
pub mod conditional;
pub mod cookies;
pub mod error;
pub mod jwks;
pub mod layers;
pub mod openapi;
pub mod paging;
pub mod params;
pub mod rate_limit;
pub mod realtime;
mod refusals;
pub mod session;
pub mod shapes;
pub mod statuses;

pub use auth::{ApiKeys, Authenticator, Caller};
pub use base_url::BaseUrl;
pub use body::JsonBody;
pub use client_ip::ClientIp;
pub use error::{ApiError, ApiResult};
pub use params::Params;
pub use realtime::{Hub, Realtime};
