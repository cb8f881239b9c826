//! What a request about lines is about: the dataset, the line, and the owner whose lines they are.

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;
use halle_base::AccountRef;
use halle_http::{ApiError, Caller};

/// The operations of a route: for all lines, and for those that one owns.
pub(in crate::http) type Operations = [&'static str; 2];

/// What the path of a request about lines names. Under `/own/{owner}/`, the owner is the active account of the caller, or the request is
/// refused with 403.
pub(in crate::http) struct Target {
    /// Dataset: identifier or slug.
    pub id: String,
    /// The line; empty where the path names none.
    pub line: String,
    /// The owner, under `/own/{owner}/`.
    pub owner: Option<AccountRef>,
}

impl Target {
    /// The one of the two operations that this is.
    pub(in crate::http) fn operation(&self, operations: Operations) -> &'static str {
        operations[usize::from(self.owner.is_some())]
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Target {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let params = RawPathParams::from_request_parts(parts, state).await.map_err(ApiError::internal)?;
        let named = |name| params.iter().find(|(key, _)| *key == name).map(|(_, value)| value.to_owned());
        let (id, line) = (named("id").unwrap_or_default(), named("line").unwrap_or_default());
        let owner = match named("owner") {
            None => None,
            Some(wanted) => {
                let caller = Caller::from_request_parts(parts, state).await?;
                let account = caller.account.clone().filter(|account| account.key() == wanted);
                let refusal = || ApiError::forbidden("only owner can manage his own lines");
                Some(account.ok_or_else(refusal)?)
            }
        };
        Ok(Self { id, line, owner })
    }
}
