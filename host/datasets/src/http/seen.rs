//! The feature as a read asks to see it: with drafts, when its address says `draft=true`.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use url::form_urlencoded;

use crate::state::Datasets;

/// In the place of `State` in reads: [`Datasets::seeing_drafts`] when the client asks for drafts.
pub(crate) struct Seen(pub Datasets);

impl FromRequestParts<Datasets> for Seen {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, datasets: &Datasets) -> Result<Self, Infallible> {
        let asks = draft(parts.uri.query().unwrap_or_default()).as_deref() == Some("true");
        Ok(Self(if asks { datasets.seeing_drafts() } else { datasets.clone() }))
    }
}

/// The parameter `draft` of a query.
pub(crate) fn draft(query: &str) -> Option<String> {
    let parameters = form_urlencoded::parse(query.as_bytes());
    parameters.into_iter().find(|(name, _)| name == "draft").map(|(_, value)| value.into_owned())
}
