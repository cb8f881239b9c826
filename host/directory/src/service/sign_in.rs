//! Signing in by password.

use halle_base::Secret;
use halle_http::rate_limit::address_name;
use halle_http::session::{ActiveAccount, ClaimedMembership, Claims};
use halle_http::{ApiError, ApiResult, ClientIp, layers};
use halle_store::{EntityExt, UnitOfWork};
use serde::Deserialize;

use crate::Directory;
use crate::entities::{Organization, Person};
use crate::error::stored;

/// What somebody sends to sign in, as JSON or as a form.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SignIn {
    /// E-mail address, in any case.
    pub email: String,
    /// Password.
    pub password: Secret<String>,
    /// Organisation to start with.
    #[serde(default)]
    pub org: Option<String>,
    /// Department of it.
    #[serde(default)]
    pub dep: Option<String>,
    /// Whether to enter the superadmin mode.
    #[serde(default, deserialize_with = "flag")]
    pub admin_mode: bool,
    /// Whether the cookies outlive the browser session.
    #[serde(default, deserialize_with = "flag")]
    pub remember_me: bool,
    /// Whether to be asked about the superadmin mode instead of signing in at once.
    #[serde(default, deserialize_with = "flag")]
    pub offer_admin_mode: bool,
}

/// JSON has booleans, forms have text.
fn flag<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Ok(match serde_json::Value::deserialize(deserializer)? {
        serde_json::Value::Bool(set) => set,
        serde_json::Value::String(text) => matches!(text.as_str(), "true" | "on" | "1"),
        _ => false,
    })
}

/// How an attempt ended well.
#[derive(Debug)]
pub enum SignedIn {
    /// The person may have a session.
    Granted(Box<Granted>),
    /// The password is right; ask whether to enter the superadmin mode.
    OfferAdminMode,
}

/// A person who proved who they are.
#[derive(Debug)]
pub struct Granted {
    /// Claims of the session to be, without dates.
    pub claims: Claims,
    /// Account it starts with.
    pub active: ActiveAccount,
}

impl Directory {
    /// Checks a password. 429 after five failures a minute, of one address or against one e-mail; 400 `badCredentials`
    /// for an unknown e-mail and for a wrong password alike; 403 `adminModeOnly` for a superadmin mode that is not theirs.
    pub async fn sign_in(&self, request: &SignIn, ip: ClientIp) -> ApiResult<SignedIn> {
        let email = request.email.trim().to_lowercase();
        let buckets = [format!("ip {}", address_name(ip.0)), format!("email {email}")];
        // The address comes first: once it is limited, it cannot use up the attempts of an e-mail.
        if !buckets.iter().all(|bucket| self.0.attempts.take(bucket)) {
            layers::audit("sd.auth.password.rate-limit", Some(ip), &email, "too many attempts to sign in");
            let message = "Trop de tentatives dans un bref interval. Veuillez patienter une minute avant d'essayer de \
                           nouveau. Too many attempts: wait a minute.";
            let status = halle_http::error::StatusCode::TOO_MANY_REQUESTS;
            return Err(ApiError::new(status, "too-many-attempts", message));
        }
        let mut work = self.read().await?;
        let person = work.find::<Person>("email", &email).await.map_err(stored)?;
        drop(work); // Never hold a transaction across a slow call.
        let hash = person.as_ref().and_then(|person| person.password_hash.as_deref());
        let matches = self.0.passwords.matches(&request.password, hash).await?;
        let Some(person) = person.filter(|_| matches) else {
            layers::audit("sd.auth.password.fail", Some(ip), &email, "wrong e-mail or password");
            return Err(bad_credentials());
        };
        buckets.iter().for_each(|bucket| self.0.attempts.give_back(bucket));
        if request.admin_mode && !person.is_admin {
            layers::audit("sd.auth.admin-mode.fail", Some(ip), &email, "is no superadmin");
            let status = halle_http::error::StatusCode::FORBIDDEN;
            return Err(ApiError::new(status, "admin-mode-only", "adminModeOnly"));
        }
        if person.is_admin && request.offer_admin_mode && !request.admin_mode {
            return Ok(SignedIn::OfferAdminMode);
        }
        let mut work = self.read().await?;
        let mut claims = claims(&mut *work, &person).await?;
        claims.admin_mode = request.admin_mode;
        claims.remember_me = request.remember_me && !request.admin_mode;
        let active = starting_account(&claims, request.org.as_deref(), request.dep.as_deref());
        layers::audit("sd.auth.password.ok", Some(ip), &email, "signed in");
        Ok(SignedIn::Granted(Box::new(Granted { claims, active })))
    }
}

/// 400 in the words that clients of the directory know.
pub fn bad_credentials() -> ApiError {
    ApiError::new(halle_http::error::StatusCode::BAD_REQUEST, "bad-credentials", "badCredentials")
}

/// What a token says of a person now, without dates and modes.
pub async fn claims(work: &mut dyn UnitOfWork, person: &Person) -> ApiResult<Claims> {
    let mut organizations: Vec<ClaimedMembership> = Vec::new();
    for membership in &person.memberships {
        let organization = work.load::<Organization>(&membership.organization).await.map_err(stored)?;
        // An organisation that is being removed takes its memberships along.
        let Some(organization) = organization else { continue };
        let department = membership.department.as_deref().and_then(|id| organization.department(id));
        if membership.department.is_some() && department.is_none() {
            continue;
        }
        organizations.push(ClaimedMembership {
            id: organization.id.clone(),
            name: organization.name.clone(),
            role: membership.role.clone(),
            department: membership.department.clone(),
            department_name: department.map(|department| department.name.clone()),
            dflt: person.default_org.as_ref() == Some(&organization.id)
                && person.default_dep == membership.department,
        });
    }
    Ok(Claims {
        id: person.id.clone(),
        email: person.email.clone(),
        name: person.name(),
        organizations,
        is_admin: person.is_admin,
        ipa: person.ignore_personal_account,
        ..Claims::default()
    })
}

/// The account a session starts with: the one asked for, else the person's default, else the first organisation if the
/// personal account is hidden, else the personal account. Never one they do not belong to.
fn starting_account(claims: &Claims, org: Option<&str>, dep: Option<&str>) -> ActiveAccount {
    let dep = dep.filter(|dep| !dep.is_empty());
    let asked = org.filter(|org| !org.is_empty()).and_then(|org| {
        let all = &claims.organizations;
        all.iter().find(|one| one.id == org && dep.is_none_or(|dep| one.department.as_deref() == Some(dep)))
    });
    let default = || claims.organizations.iter().find(|one| one.dflt);
    let first = || claims.organizations.first().filter(|_| claims.ipa);
    asked.or_else(default).or_else(first).map_or_else(ActiveAccount::default, |chosen| ActiveAccount {
        organization: Some(chosen.id.clone()),
        department: chosen.department.clone(),
        role: Some(chosen.role.clone()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(id: &str, department: Option<&str>, dflt: bool) -> ClaimedMembership {
        ClaimedMembership {
            id: id.to_owned(),
            role: "user".to_owned(),
            department: department.map(str::to_owned),
            dflt,
            ..ClaimedMembership::default()
        }
    }

    fn start(claims: &Claims, org: Option<&str>, dep: Option<&str>) -> (Option<String>, Option<String>) {
        let active = starting_account(claims, org, dep);
        (active.organization, active.department)
    }

    #[test]
    fn a_session_starts_where_it_was_asked_to_or_by_default() {
        let mut claims = Claims {
            organizations: vec![member("a", None, false), member("b", Some("eau"), true)],
            ..Claims::default()
        };
        let b = (Some("b".to_owned()), Some("eau".to_owned()));
        assert_eq!(start(&claims, Some("a"), None).0.as_deref(), Some("a"));
        assert_eq!(start(&claims, None, None), b);
        assert_eq!(start(&claims, Some("stranger"), None), b);
        claims.organizations[1].dflt = false;
        assert_eq!(start(&claims, None, None), (None, None));
        claims.ipa = true;
        assert_eq!(start(&claims, None, None).0.as_deref(), Some("a"));
    }
}
