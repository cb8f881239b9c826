//! Callers that a test names in a header.

use async_trait::async_trait;
use axum::http::request::Parts;
use halle_http::{ApiError, ApiResult, Authenticator};
use halle_model::{Caller, Membership, User};

/// Header by which a test says who calls.
pub(crate) const HEADER: &str = "x-test-caller";

/// Believes what the test says.
#[derive(Debug, Clone, Copy, Default)]
pub struct TestCallers;

#[async_trait]
impl Authenticator for TestCallers {
    async fn authenticate(&self, parts: &Parts) -> ApiResult<Caller> {
        let Some(name) = parts.headers.get(HEADER) else { return Ok(Caller::anonymous()) };
        Ok(caller(name.to_str().map_err(ApiError::internal)?))
    }
}

/// `alice` is a person; `alice@ville:contrib` acts for an organisation in a role, `alice@ville:contrib:eau` for one of its
/// departments; `root!` is a superadmin with their powers switched on.
pub fn caller(name: &str) -> Caller {
    let (person, account) =
        name.split_once('@').map_or((name, None), |(person, account)| (person, Some(account)));
    let admin_mode = person.ends_with('!');
    let id = person.trim_end_matches('!');
    let user = User {
        id: id.to_owned(),
        name: id.to_owned(),
        email: format!("{id}@example.org"),
        organizations: Vec::new(),
        is_admin: admin_mode,
    };
    let Some(account) = account else { return Caller { admin_mode, ..Caller::personal(user) } };
    let mut parts = account.split(':');
    let organization = parts.next().unwrap_or_default();
    let membership = Membership {
        id: organization.to_owned(),
        name: organization.to_owned(),
        role: parts.next().unwrap_or("admin").to_owned(),
        department: parts.next().map(str::to_owned),
        department_name: None,
    };
    Caller { admin_mode, ..Caller::member(user, &membership) }
}
