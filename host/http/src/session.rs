//! Sessions as the directory's cookies tell them: token claims, active account, and the authenticator of the platform.

use std::sync::Arc;

use async_trait::async_trait;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method};
use axum_extra::extract::CookieJar;
use halle_model::{Caller, Membership, User};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use url::form_urlencoded;

use crate::auth::{ApiKeys, Authenticator};
use crate::client_ip::ClientIp;
use crate::cookies::{CookieScope, SESSION_COOKIES};
use crate::error::{ApiError, ApiResult};

/// What a token says of a person (services reference §1.4). Flags are `1` on the wire and absent when false.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Claims {
    /// Identifier.
    pub id: String,
    /// E-mail address.
    pub email: String,
    /// Display name.
    pub name: String,
    /// Memberships.
    pub organizations: Vec<ClaimedMembership>,
    /// May enter the superadmin mode.
    #[serde(with = "flag", skip_serializing_if = "is_false")]
    pub is_admin: bool,
    /// Is in the superadmin mode.
    #[serde(with = "flag", skip_serializing_if = "is_false")]
    pub admin_mode: bool,
    /// The personal account is hidden.
    #[serde(with = "flag", skip_serializing_if = "is_false")]
    pub ipa: bool,
    /// Cookies outlive the browser session.
    #[serde(with = "flag", skip_serializing_if = "is_false")]
    pub remember_me: bool,
    /// Made for a callback link, to be exchanged for a session.
    #[serde(with = "flag", skip_serializing_if = "is_false")]
    pub temporary: bool,
    /// May only read.
    #[serde(with = "flag", skip_serializing_if = "is_false")]
    pub pseudo_session: bool,
    /// Made for one action without an account: no session at all.
    #[serde(with = "flag", skip_serializing_if = "is_false")]
    pub anonymous_action: bool,
    /// Works from this address only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bound_ip: Option<String>,
    /// Start, in seconds since 1970.
    pub iat: i64,
    /// End, in seconds since 1970.
    pub exp: i64,
}

/// A membership inside a token.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ClaimedMembership {
    /// Organisation.
    pub id: String,
    /// Its display name.
    pub name: String,
    /// Role in it.
    pub role: String,
    /// Department, absent at the root.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub department: Option<String>,
    /// Display name of the department.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub department_name: Option<String>,
    /// The account a session starts with.
    #[serde(with = "flag", skip_serializing_if = "is_false")]
    pub dflt: bool,
}

fn is_false(flag: &bool) -> bool {
    !flag
}

/// `1` or `true` in, `1` out.
pub(crate) mod flag {
    use super::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(_set: &bool, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(1)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
        Ok(match serde_json::Value::deserialize(deserializer)? {
            serde_json::Value::Bool(set) => set,
            serde_json::Value::Number(number) => number.as_i64() == Some(1),
            _ => false,
        })
    }
}

/// Which account a session acts for, as cookies or the header `x-organizationid` say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ActiveAccount {
    /// Organisation; the personal account without one.
    pub organization: Option<String>,
    /// Department of it.
    pub department: Option<String>,
    /// Role, where a person has several.
    pub role: Option<String>,
}

impl ActiveAccount {
    /// Reads `x-organizationid: <org>[:<department>]`, else the cookies `id_token_org`, `_dep` and `_role`.
    pub fn of(parts: &Parts, jar: &CookieJar) -> Self {
        if let Some(header) = header(parts, "x-organizationid") {
            let (organization, department) = match header.split_once(':') {
                Some((organization, department)) => (organization, Some(department.to_owned())),
                None => (header, None),
            };
            return Self { organization: Some(organization.to_owned()), department, role: None };
        }
        let cookie = |name| jar.get(name).map(|cookie| cookie.value().to_owned()).filter(|v| !v.is_empty());
        Self {
            organization: cookie("id_token_org"),
            department: cookie("id_token_dep"),
            role: cookie("id_token_role"),
        }
    }
}

impl Claims {
    /// The caller these claims describe while acting for `active`; the personal account if they are no member of it.
    pub fn caller(&self, active: &ActiveAccount) -> Caller {
        let membership = |claimed: &ClaimedMembership| Membership {
            id: claimed.id.clone(),
            name: claimed.name.clone(),
            role: claimed.role.clone(),
            department: claimed.department.clone(),
            department_name: claimed.department_name.clone(),
        };
        let user = User {
            id: self.id.clone(),
            name: self.name.clone(),
            email: self.email.to_lowercase(),
            organizations: self.organizations.iter().map(membership).collect(),
            is_admin: self.is_admin,
        };
        let chosen = self.organizations.iter().find(|claimed| {
            active.organization.as_ref() == Some(&claimed.id)
                && active.department == claimed.department
                && active.role.as_ref().is_none_or(|role| *role == claimed.role)
        });
        let caller = match chosen {
            Some(claimed) => Caller::member(user, &membership(claimed)),
            None => Caller::personal(user),
        };
        Caller { admin_mode: self.admin_mode && self.is_admin, ..caller }
    }
}

/// Checks a token. [`JwksVerifier`](crate::jwks::JwksVerifier) is the one of the platform.
#[async_trait]
pub trait TokenVerifier: Send + Sync {
    /// The claims of a sound token; 401 for a broken, expired or unknown one, 500 when keys cannot be had.
    async fn verify(&self, token: &str) -> ApiResult<Claims>;
}

/// The authenticator of the platform: API key, then bearer token, then session cookies, then anonymous.
pub struct SessionAuthenticator {
    verifier: Arc<dyn TokenVerifier>,
    keys: Option<Arc<dyn ApiKeys>>,
    scope: CookieScope,
}

/// Routes that work without a session or repair one: a broken or expired token must not lock anybody out of them.
const LENIENT: [(&Method, &str); 4] = [
    (&Method::POST, "/simple-directory/api/auth/password"),
    (&Method::GET, "/simple-directory/api/auth/token_callback"),
    (&Method::POST, "/simple-directory/api/auth/keepalive"),
    (&Method::DELETE, "/simple-directory/api/auth/"),
];

impl SessionAuthenticator {
    /// Verifies sessions with `verifier` and keys with `keys`; without `keys`, every API key is unknown. `scope` is that
    /// of the site's cookies: a broken session is removed there.
    pub fn new(verifier: Arc<dyn TokenVerifier>, keys: Option<Arc<dyn ApiKeys>>, scope: CookieScope) -> Self {
        Self { verifier, keys, scope }
    }

    async fn by_key(&self, clear: &str, path: &str) -> ApiResult<Caller> {
        let unknown = || ApiError::unauthorized("Cette clé d'API est inconnue.");
        let keys = self.keys.as_ref().ok_or_else(unknown)?;
        let resource = path.strip_prefix("/data-fair/api/v1/").unwrap_or_default();
        keys.resolve_on(clear, resource).await?.ok_or_else(unknown)
    }

    async fn by_token(&self, token: &str, parts: &Parts, jar: &CookieJar) -> ApiResult<Caller> {
        let claims = self.verifier.verify(token).await?;
        if claims.temporary {
            return Err(ApiError::unauthorized(
                "Ce jeton ne sert qu'à ouvrir une session. This token only opens a session.",
            ));
        }
        let ip = parts.extensions.get::<ClientIp>().map(|ip| ip.0.to_string());
        if claims.bound_ip.is_some() && claims.bound_ip != ip {
            return Err(ApiError::unauthorized("Cette session est liée à une autre adresse."));
        }
        if claims.pseudo_session && !matches!(parts.method, Method::GET | Method::HEAD) {
            return Err(ApiError::forbidden("Cette session ne permet que la lecture."));
        }
        Ok(claims.caller(&ActiveAccount::of(parts, jar)))
    }
}

#[async_trait]
impl Authenticator for SessionAuthenticator {
    async fn authenticate(&self, parts: &Parts) -> ApiResult<Caller> {
        if let Some(clear) = api_key(parts) {
            return self.by_key(&clear, parts.uri.path()).await;
        }
        let jar = CookieJar::from_headers(&parts.headers);
        let bearer = header(parts, "authorization").and_then(|value| {
            let (scheme, token) = value.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
        });
        let Some(token) = bearer.or_else(|| session_token(&jar)) else { return Ok(Caller::anonymous()) };
        match self.by_token(&token, parts, &jar).await {
            Err(error) if error.status == axum::http::StatusCode::UNAUTHORIZED && is_lenient(parts) => {
                Ok(Caller::anonymous())
            }
            answer => answer,
        }
    }

    fn forget(&self, parts: &Parts, answer: &mut HeaderMap) {
        if api_key(parts).is_none() && CookieJar::from_headers(&parts.headers).get("id_token").is_some() {
            for name in SESSION_COOKIES {
                self.scope.clear(answer, name);
            }
        }
    }
}

/// The token of the split cookies; `None` unless both halves are there.
pub fn session_token(jar: &CookieJar) -> Option<String> {
    let (head, sign) = (jar.get("id_token")?.value(), jar.get("id_token_sign")?.value());
    (!head.is_empty() && !sign.is_empty()).then(|| format!("{head}.{sign}"))
}

fn is_lenient(parts: &Parts) -> bool {
    LENIENT.iter().any(|(method, path)| {
        parts.method == **method && parts.uri.path().trim_end_matches('/') == path.trim_end_matches('/')
    })
}

fn header<'a>(parts: &'a Parts, name: &str) -> Option<&'a str> {
    parts.headers.get(name).and_then(|value| value.to_str().ok()).filter(|value| !value.is_empty())
}

fn api_key(parts: &Parts) -> Option<String> {
    let given = header(parts, "x-apikey").or_else(|| header(parts, "x-api-key"));
    given.map(str::to_owned).or_else(|| {
        let query = parts.uri.query()?;
        let mut pairs = form_urlencoded::parse(query.as_bytes());
        pairs.find(|(name, value)| name == "apiKey" && !value.is_empty()).map(|(_, value)| value.into_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims() -> Claims {
        serde_json::from_value(serde_json::json!({
            "id": "u", "email": "U@example.org", "name": "U", "isAdmin": 1, "adminMode": true,
            "organizations": [
                { "id": "ville", "name": "Ville", "role": "user" },
                { "id": "ville", "name": "Ville", "role": "contrib", "department": "eau" },
            ],
        }))
        .unwrap()
    }

    #[test]
    fn the_active_account_is_chosen_among_memberships() {
        let active = |organization: &str, department: Option<&str>| ActiveAccount {
            organization: Some(organization.to_owned()),
            department: department.map(str::to_owned),
            role: None,
        };
        let role = |account: &ActiveAccount| claims().caller(account).role;
        assert_eq!(role(&active("ville", None)).as_deref(), Some("user"));
        assert_eq!(role(&active("ville", Some("eau"))).as_deref(), Some("contrib"));
        let stranger = claims().caller(&active("autre", None));
        assert_eq!(stranger.account.map(|account| account.key()).as_deref(), Some("user:u"));
    }

    #[test]
    fn flags_are_one_on_the_wire_and_only_admins_have_the_admin_mode() {
        let mut claims = claims();
        assert!(claims.caller(&ActiveAccount::default()).admin_mode);
        let text = serde_json::to_string(&claims).unwrap();
        assert!(text.contains(r#""adminMode":1"#) && !text.contains("temporary"), "{text}");
        claims.is_admin = false;
        assert!(!claims.caller(&ActiveAccount::default()).admin_mode);
    }
}
