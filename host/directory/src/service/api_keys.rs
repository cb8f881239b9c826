//! API keys: made once, shown once, stored as hashes (reference §5.5).

use async_trait::async_trait;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use halle_base::{AccountKind, AccountRef, Secret, new_id};
use halle_http::{ApiError, ApiKeys, ApiResult, layers};
use halle_model::plugins::PLUGIN_KEY_SCOPE;
use halle_model::{Caller, Membership, User};
use halle_store::{EntityExt, Filter, Order, UnitOfWork};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, ToSpan};
use serde::Deserialize;
use sha2::{Digest, Sha512};

use crate::Directory;
use crate::entities::{ApiKey, Organization, Person};
use crate::error::{DirectoryError, stored};
use crate::service::{sign_in, signed_in};
use crate::views::KeyView;

/// Longest life of a key, in days.
const KEY_LIFE_DAYS_MAX: i32 = 730;

/// Keys of one account.
const KEYS_PER_ACCOUNT_MAX: usize = 100;

/// Longest title of a key, in bytes.
const TITLE_BYTES_MAX: usize = 200;

/// What a key may be used for; each also with `-read`, `-write` or `-admin`.
const SCOPES: [&str; 7] =
    ["datasets", "applications", "processings", "catalogs", "remote-services", "portals", "stats"];

/// What a key stands for.
#[derive(Clone)]
pub(crate) struct KnownKey {
    /// Its last day.
    expire_at: Date,
    /// Who uses it; `None` when that person or organisation is gone.
    caller: Option<Caller>,
}

/// One entry of `apiKeys` in a change of settings: a known key is left as it is, an entry without `id` makes one.
#[derive(Debug, Clone, Default, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct KeyChange {
    /// Identifier; read-only.
    pub id: Option<String>,
    /// Name for people.
    pub title: String,
    /// Scopes; empty for permissions by e-mail only.
    pub scopes: Vec<String>,
    /// Last day, `YYYY-MM-DD`.
    #[schema(value_type = Option<String>)]
    pub expire_at: Option<String>,
}

impl Directory {
    /// Replaces the list of keys of an account: entries without `id` are made, and the answer holds their clear key, this
    /// once; keys that are left out stop working. 400 if a known key is changed.
    pub(crate) async fn replace_keys(
        &self,
        work: &mut dyn UnitOfWork,
        user: &User,
        owner: &AccountRef,
        wanted: Vec<KeyChange>,
    ) -> ApiResult<Vec<KeyView>> {
        if wanted.len() > KEYS_PER_ACCOUNT_MAX {
            let message = format!("`apiKeys` : au plus {KEYS_PER_ACCOUNT_MAX} clés par compte.");
            return Err(ApiError::bad_request(message));
        }
        let created_by = AccountRef::user(&user.id, &user.name);
        let now = self.now();
        let known = keys_of(work, owner).await?;
        for key in &known {
            if !wanted.iter().any(|change| change.id.as_ref() == Some(&key.id)) {
                work.remove::<ApiKey>(&key.id).await.map_err(stored)?;
                layers::audit("df.api-key.delete", None, &user.email, &format!("removed the key {}", key.id));
            }
        }
        let mut views = Vec::with_capacity(wanted.len());
        for (i, change) in wanted.iter().enumerate() {
            let Some(id) = &change.id else {
                let (key, clear) = self.make_key(owner, &created_by, change, i)?;
                work.insert(&key, now).await.map_err(stored)?;
                let message = format!("made the key {} of {owner}", key.id);
                layers::audit("df.api-key.create", None, &user.email, &message);
                views.push(KeyView::from(&key).with_clear_key(&clear));
                continue;
            };
            let same = known.iter().find(|key| key.id == *id).filter(|key| is_unchanged(key, change));
            let key = same.ok_or_else(|| {
                ApiError::bad_request(format!(
                    "`apiKeys[{i}]` : une clé ne peut pas être modifiée ; supprimez-la et créez-en une autre sans `id`."
                ))
            })?;
            views.push(KeyView::from(key));
        }
        Ok(views)
    }

    /// Makes a key with all scopes for a person, or for an organisation they administer: the command `halle key new`.
    pub async fn new_key(
        &self,
        email: &str,
        organization: Option<&str>,
    ) -> Result<Secret<String>, DirectoryError> {
        let refused = |message: String| DirectoryError::Refused(message);
        let mut work = self.0.store.begin().await?;
        let person = work.find::<Person>("email", &email.trim().to_lowercase()).await?;
        let person = person.ok_or_else(|| refused(format!("no account has the address `{email}`")))?;
        let owner = match organization {
            None => person.account(),
            Some(id) => {
                let known = work.load::<Organization>(id).await?;
                let known = known.ok_or_else(|| refused(format!("there is no organisation `{id}`")))?;
                let administers = person.memberships_of(id).any(|membership| membership.role == "admin");
                if !administers && !person.is_admin {
                    return Err(refused(format!("`{email}` does not administer the organisation `{id}`")));
                }
                known.account(None)
            }
        };
        let change = KeyChange {
            title: "halle key new".to_owned(),
            scopes: SCOPES.map(str::to_owned).to_vec(),
            ..KeyChange::default()
        };
        let made = self.make_key(&owner, &person.account(), &change, 0);
        let (key, clear) = made.map_err(|error| refused(error.message))?;
        work.insert(&key, self.now()).await?;
        work.commit().await?;
        Ok(clear)
    }

    /// Makes a key with which a superadmin's tools send versions of one plugin, and nothing else: the command
    /// `halle key new --plugin`.
    pub async fn new_plugin_key(&self, email: &str, plugin: &str) -> Result<Secret<String>, DirectoryError> {
        let refused = |message: String| DirectoryError::Refused(message);
        let mut work = self.0.store.begin().await?;
        let person = work.find::<Person>("email", &email.trim().to_lowercase()).await?;
        let person = person.ok_or_else(|| refused(format!("no account has the address `{email}`")))?;
        if !person.is_admin {
            return Err(refused(format!("`{email}` is no superadmin: only superadmins install plugins")));
        }
        let change = KeyChange { title: format!("halle plugin dev: {plugin}"), ..KeyChange::default() };
        let made = self.make_key(&person.account(), &person.account(), &change, 0);
        let (mut key, clear) = made.map_err(|error| refused(error.message))?;
        key.scopes = vec![format!("{PLUGIN_KEY_SCOPE}{plugin}")];
        work.insert(&key, self.now()).await?;
        work.commit().await?;
        Ok(clear)
    }

    /// A new key and its clear text, `base64url(u|o:id[:department]:chance)`.
    fn make_key(
        &self,
        owner: &AccountRef,
        created_by: &AccountRef,
        change: &KeyChange,
        i: usize,
    ) -> ApiResult<(ApiKey, Secret<String>)> {
        let wrong = |what: String| ApiError::bad_request(format!("`apiKeys[{i}]` : {what}"));
        let title = change.title.trim();
        if title.is_empty() || title.len() > TITLE_BYTES_MAX {
            return Err(wrong(format!("donnez un `title` de 1 à {TITLE_BYTES_MAX} octets.")));
        }
        if let Some(scope) = change.scopes.iter().find(|scope| !is_scope(scope)) {
            return Err(wrong(format!(
                "la portée `{scope}` n'existe pas ; possibles : {} (ou suivies de -read, -write, -admin).",
                SCOPES.join(", ")
            )));
        }
        let today = self.now().to_zoned(TimeZone::UTC).date();
        let expire_at = expiry(today, change.expire_at.as_deref()).map_err(wrong)?;
        let kind = if owner.kind == AccountKind::User { "u" } else { "o" };
        let department = owner.department.as_ref().map(|id| format!("{id}:")).unwrap_or_default();
        let chance = format!("{}{}", new_id(&*self.0.dice), new_id(&*self.0.dice));
        let clear = BASE64_URL_SAFE_NO_PAD.encode(format!("{kind}:{}:{department}{chance}", owner.id));
        let key = ApiKey {
            id: new_id(&*self.0.dice),
            title: title.to_owned(),
            hash: hash(&clear),
            scopes: change.scopes.clone(),
            expire_at,
            owner: owner.clone(),
            created_by: created_by.clone(),
            created_at: self.now(),
        };
        Ok((key, Secret::new(clear)))
    }

    async fn known_key(&self, hash: &str) -> ApiResult<Option<KnownKey>> {
        let mut work = self.read().await?;
        let Some(key) = work.find::<ApiKey>("hash", hash).await.map_err(stored)? else { return Ok(None) };
        let expire_at = key.expire_at;
        Ok(Some(KnownKey { expire_at, caller: self.key_caller(&mut *work, key.entity).await? }))
    }

    /// The caller a key stands for; `None` when its person or organisation is gone.
    async fn key_caller(&self, work: &mut dyn UnitOfWork, key: ApiKey) -> ApiResult<Option<Caller>> {
        if key.owner.kind == AccountKind::User {
            let Some(person) = work.load::<Person>(&key.owner.id).await.map_err(stored)? else {
                return Ok(None);
            };
            // What a superadmin's key of a plugin may do ends with their powers.
            let installs = key.scopes.iter().any(|scope| scope.starts_with(PLUGIN_KEY_SCOPE));
            if installs && !person.is_admin {
                return Ok(None);
            }
            let mut claims = sign_in::claims(work, &person).await?;
            claims.is_admin = false; // A key never leads to the superadmin mode.
            let caller = claims.caller(&halle_http::session::ActiveAccount::default());
            return Ok(Some(Caller { scopes: Some(key.scopes), ..caller }));
        }
        let Some(organization) = work.load::<Organization>(&key.owner.id).await.map_err(stored)? else {
            return Ok(None);
        };
        let department = key.owner.department.as_deref();
        if department.is_some_and(|id| organization.department(id).is_none()) {
            return Ok(None);
        }
        let account = organization.account(department);
        let membership = Membership {
            id: account.id,
            name: account.name,
            role: "admin".to_owned(),
            department: account.department,
            department_name: account.department_name,
        };
        let host = url::Url::parse(&self.0.public_url).ok();
        let host = host.as_ref().and_then(url::Url::host_str).unwrap_or("localhost");
        let user = User {
            id: format!("apiKey:{}", key.id),
            name: key.title,
            email: format!("{}@api-key.{host}", key.id).to_lowercase(),
            organizations: vec![membership.clone()],
            is_admin: false,
        };
        Ok(Some(Caller { scopes: Some(key.scopes), ..Caller::member(user, &membership) }))
    }
}

#[async_trait]
impl ApiKeys for Directory {
    async fn resolve(&self, clear: &str) -> ApiResult<Option<Caller>> {
        let hash = hash(clear);
        let version = self.0.store.version().await.map_err(stored)?;
        let known = match version.and_then(|version| self.0.recent_keys.get(version, &hash)) {
            Some(known) => known,
            None => {
                let Some(known) = self.known_key(&hash).await? else { return Ok(None) };
                if let Some(version) = version {
                    self.0.recent_keys.keep(version, hash, known.clone());
                }
                known
            }
        };
        if self.now().to_zoned(TimeZone::UTC).date() > known.expire_at {
            return Err(ApiError::forbidden("Cette clé d'API est expirée."));
        }
        Ok(known.caller)
    }
}

/// A clear key is 250 bits of chance: a fast hash is enough, and lets a key be found by it.
fn hash(clear: &str) -> String {
    hex::encode(Sha512::digest(clear.as_bytes()))
}

/// The person who may see and change the settings of `owner`: 401, 403 otherwise.
pub(super) fn own_settings<'a>(caller: &'a Caller, owner: &AccountRef) -> ApiResult<&'a User> {
    let user = signed_in(caller)?;
    if caller.administers(owner) {
        return Ok(user);
    }
    Err(ApiError::forbidden(format!(
        "Les réglages de `{owner}` sont réservés à ses administrateurs : changez de compte actif. Switch account."
    )))
}

/// The account with its names as they are now; 404 if it does not exist.
pub(super) async fn named(work: &mut dyn UnitOfWork, owner: &AccountRef) -> ApiResult<AccountRef> {
    let missing = || ApiError::not_found(format!("Le compte `{owner}` n'existe pas."));
    if owner.kind == AccountKind::User {
        let person = work.load::<Person>(&owner.id).await.map_err(stored)?;
        return person.map(|person| person.account()).ok_or_else(missing);
    }
    let organization = work.load::<Organization>(&owner.id).await.map_err(stored)?.ok_or_else(missing)?;
    let account = organization.account(owner.department.as_deref());
    if account.department == owner.department { Ok(account) } else { Err(missing()) }
}

pub(super) async fn keys_of(work: &mut dyn UnitOfWork, owner: &AccountRef) -> ApiResult<Vec<ApiKey>> {
    let limit = u32::try_from(KEYS_PER_ACCOUNT_MAX).unwrap_or(u32::MAX);
    let filter = Filter { order: Order::CreatedAsc, ..Filter::all(limit).with("owner", owner.key()) };
    let page = work.list::<ApiKey>(&filter).await.map_err(stored)?;
    Ok(page.results.into_iter().map(|stored| stored.entity).collect())
}

fn is_unchanged(key: &ApiKey, change: &KeyChange) -> bool {
    let given = change.expire_at.as_deref().map(|text| text.get(..10).unwrap_or(text));
    key.title == change.title
        && key.scopes == change.scopes
        && given == Some(key.expire_at.to_string().as_str())
}

fn is_scope(scope: &str) -> bool {
    SCOPES.iter().any(|known| {
        scope.strip_prefix(known).is_some_and(|rest| matches!(rest, "" | "-read" | "-write" | "-admin"))
    })
}

/// The last day of a key made today; the longest life when the request does not say.
fn expiry(today: Date, given: Option<&str>) -> Result<Date, String> {
    let life: Span = KEY_LIFE_DAYS_MAX.days();
    let latest = today.saturating_add(life);
    let Some(text) = given.filter(|text| !text.is_empty()) else { return Ok(latest) };
    let date: Date = text.get(..10).unwrap_or(text).parse().map_err(|_| {
        format!("`expireAt` doit être une date AAAA-MM-JJ : `{}`.", text.chars().take(40).collect::<String>())
    })?;
    if date < today || date > latest {
        return Err(format!("`expireAt` doit être entre {today} et {latest} ({KEY_LIFE_DAYS_MAX} jours)."));
    }
    Ok(date)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_lives_two_years_at_most() {
        let today: Date = "2026-01-01".parse().unwrap();
        assert_eq!(expiry(today, None).unwrap().to_string(), "2028-01-01");
        assert_eq!(expiry(today, Some("2026-06-01")).unwrap().to_string(), "2026-06-01");
        for bad in ["2025-12-31", "2028-01-02", "tomorrow", "é"] {
            assert!(expiry(today, Some(bad)).is_err(), "{bad:?} was accepted");
        }
    }

    #[test]
    fn scopes_are_known_words() {
        for good in ["datasets", "datasets-read", "remote-services-admin", "stats"] {
            assert!(is_scope(good), "{good}");
        }
        for bad in ["", "dataset", "datasets-", "datasets-delete", "superadmin", "plugin:mine"] {
            assert!(!is_scope(bad), "{bad}");
        }
    }
}
