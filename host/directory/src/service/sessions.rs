//! Sessions: opened by a callback, renewed by keepalive, ended by sign-out.

use halle_base::{Timestamp, new_id};
use halle_http::cookies::{CookieScope, SESSION_COOKIES, SetCookie};
use halle_http::error::HeaderMap;
use halle_http::session::{ActiveAccount, Claims};
use halle_http::{ApiError, ApiResult};
use halle_store::{EntityExt, Filter, Order, StoreError};
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::Directory;
use crate::entities::{Person, Session};
use crate::error::stored;
use crate::service::sign_in::{Granted, claims};

/// Life of the token in the cookies, and of the token in a callback link, in seconds.
const ID_TOKEN_S: i64 = 15 * 60;

/// Life of a session that is not renewed, in seconds; rolling.
const EXCHANGE_TOKEN_S: i64 = 30 * 86_400;

/// Life of a superadmin session, in seconds; renewal does not extend it.
const ADMIN_EXCHANGE_TOKEN_S: i64 = 12 * 3_600;

/// Sessions that one person keeps; the oldest ends when there are more.
const SESSIONS_PER_PERSON_MAX: u32 = 50;

/// Expired sessions that one clean-up removes.
const CLEAN_UP_SESSIONS_MAX: u32 = 1_000;

/// Days after their end that expired sessions are looked for.
const CLEAN_UP_DAYS: i64 = 7;

/// Characters kept of how a browser calls itself.
const DEVICE_NAME_CHARS_MAX: usize = 120;

/// Cookie of the exchange token.
pub const EXCHANGE_COOKIE: &str = "id_token_ex";

/// Path of the exchange cookie below the site: only the directory sees it.
const EXCHANGE_PATH: &str = "simple-directory/";

/// What the exchange token says: which session to renew.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ExchangeClaims {
    user: String,
    session: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    admin_mode: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    remember_me: bool,
    iat: i64,
    exp: i64,
}

/// The cookies of a session, to be written into an answer.
#[derive(Debug)]
pub struct SessionCookies {
    id_token: String,
    id_expires: Timestamp,
    exchange: String,
    exchange_expires: Timestamp,
    remember_me: bool,
    /// The account to start with; `None` leaves the cookies of the active account as they are.
    active: Option<ActiveAccount>,
}

impl SessionCookies {
    /// Appends the cookies, `id_token` first.
    pub fn write(&self, scope: &CookieScope, headers: &mut HeaderMap) {
        let (head, sign) = self.id_token.rsplit_once('.').unwrap_or((&self.id_token, ""));
        let lasting = self.remember_me.then_some(self.exchange_expires);
        scope.set(headers, &SetCookie { expires: lasting, ..SetCookie::new("id_token", head) });
        let sign = SetCookie::new("id_token_sign", sign);
        scope.set(headers, &SetCookie { expires: Some(self.id_expires), http_only: true, ..sign });
        if let Some(active) = &self.active {
            let choice = [
                ("id_token_org", &active.organization),
                ("id_token_dep", &active.department),
                ("id_token_role", &active.role),
            ];
            for (name, value) in choice {
                match value {
                    Some(value) => {
                        scope.set(headers, &SetCookie { expires: lasting, ..SetCookie::new(name, value) });
                    }
                    None => scope.clear(headers, name),
                }
            }
        }
        let exchange = SetCookie::new(EXCHANGE_COOKIE, &self.exchange);
        let exchange = SetCookie { expires: Some(self.exchange_expires), http_only: true, ..exchange };
        scope.below(EXCHANGE_PATH).set(headers, &exchange);
    }

    /// Appends what makes the browser forget the session.
    pub fn clear(scope: &CookieScope, headers: &mut HeaderMap) {
        for name in SESSION_COOKIES {
            scope.clear(headers, name);
        }
        scope.below(EXCHANGE_PATH).clear(headers, EXCHANGE_COOKIE);
    }
}

impl Directory {
    /// A token for the callback link of a person who proved who they are: 15 minutes, good for opening a session only.
    pub async fn callback_token(&self, granted: &Granted) -> ApiResult<String> {
        let mut claims = Claims { temporary: true, ..granted.claims.clone() };
        self.date(&mut claims);
        self.0.keys.sign(&claims).await
    }

    /// The person behind a callback token, with claims read anew.
    pub async fn redeem_callback(&self, token: &str, active: ActiveAccount) -> ApiResult<Granted> {
        let given: Claims = self.0.verifier.verify_as(token).await?;
        if !given.temporary || given.id.is_empty() {
            return Err(ApiError::unauthorized("Ce lien n'ouvre pas de session : reconnectez-vous."));
        }
        let mut work = self.read().await?;
        let person = work.load::<Person>(&given.id).await.map_err(stored)?;
        let person = person.ok_or_else(|| ApiError::unauthorized("Ce compte n'existe plus."))?;
        let mut claims = claims(&mut *work, &person).await?;
        claims.admin_mode = given.admin_mode && person.is_admin;
        claims.remember_me = given.remember_me;
        Ok(Granted { claims, active })
    }

    /// Opens a session on the server, and makes its cookies.
    pub async fn open_session(&self, granted: Granted, device: &str) -> ApiResult<SessionCookies> {
        let Granted { claims, active } = granted;
        let now = self.now();
        let life_s = if claims.admin_mode { ADMIN_EXCHANGE_TOKEN_S } else { EXCHANGE_TOKEN_S };
        let session = Session {
            id: new_id(&*self.0.dice),
            user: claims.id.clone(),
            device_name: device.chars().take(DEVICE_NAME_CHARS_MAX).collect(),
            created_at: now,
            last_keepalive: now,
            expires_at: now + SignedDuration::from_secs(life_s),
        };
        let mut work = self.begin().await?;
        let oldest = Filter { order: Order::CreatedAsc, ..Filter::all(SESSIONS_PER_PERSON_MAX) };
        let known = work.list::<Session>(&oldest.with("user", &claims.id)).await.map_err(stored)?;
        if known.count >= u64::from(SESSIONS_PER_PERSON_MAX)
            && let Some(first) = known.results.first()
        {
            work.remove::<Session>(&first.id).await.map_err(stored)?;
        }
        work.insert(&session, now).await.map_err(stored)?;
        if let Some(mut person) = work.load::<Person>(&claims.id).await.map_err(stored)? {
            person.logged_at = Some(now);
            match work.save(&mut person, now).await {
                // Another sign-in of the same moment wrote the date.
                Err(StoreError::Stale { .. }) => {}
                other => other.map_err(stored)?,
            }
        }
        work.commit().await.map_err(stored)?;
        let exchange = ExchangeClaims {
            user: session.user,
            session: session.id,
            admin_mode: claims.admin_mode,
            remember_me: claims.remember_me,
            iat: now.as_second(),
            exp: session.expires_at.as_second(),
        };
        self.cookies(claims, &exchange, Some(active)).await
    }

    /// Renews the session of an exchange token: fresh claims, and a later end unless it is a superadmin's. 401 when the
    /// session was ended, the account is gone, or the token is not ours.
    pub async fn keep_alive(&self, exchange: &str) -> ApiResult<SessionCookies> {
        self.renew(exchange, |_admin_mode| {}).await
    }

    /// Renews a session without its superadmin mode.
    pub async fn leave_admin_mode(&self, exchange: &str) -> ApiResult<SessionCookies> {
        self.renew(exchange, |admin_mode| *admin_mode = false).await
    }

    async fn renew(&self, token: &str, change: impl FnOnce(&mut bool)) -> ApiResult<SessionCookies> {
        let ended =
            || ApiError::unauthorized("Session terminée : reconnectez-vous. Session ended: sign in again.");
        let mut exchange: ExchangeClaims = self.0.verifier.verify_as(token).await?;
        let now = self.now();
        let mut work = self.begin().await?;
        let session = work.load::<Session>(&exchange.session).await.map_err(stored)?;
        let mut session = session.filter(|session| session.user == exchange.user).ok_or_else(ended)?;
        let person = work.load::<Person>(&exchange.user).await.map_err(stored)?.ok_or_else(ended)?;
        exchange.admin_mode &= person.is_admin;
        change(&mut exchange.admin_mode);
        if !exchange.admin_mode {
            exchange.exp = now.as_second() + EXCHANGE_TOKEN_S;
        }
        exchange.iat = now.as_second();
        session.last_keepalive = now;
        session.expires_at = Timestamp::from_second(exchange.exp).map_err(ApiError::internal)?;
        work.save(&mut session, now).await.map_err(stored)?;
        let mut claims = claims(&mut *work, &person).await?;
        work.commit().await.map_err(stored)?;
        claims.admin_mode = exchange.admin_mode;
        claims.remember_me = exchange.remember_me;
        self.cookies(claims, &exchange, None).await
    }

    /// Ends the session of an exchange token. A broken token ends nothing, and that is fine: the cookies go anyway.
    pub async fn end_session(&self, exchange: &str) -> ApiResult<()> {
        let Ok(exchange) = self.0.verifier.verify_as::<ExchangeClaims>(exchange).await else { return Ok(()) };
        let mut work = self.begin().await?;
        work.remove::<Session>(&exchange.session).await.map_err(stored)?;
        work.commit().await.map_err(stored)
    }

    /// Removes sessions whose last day was in the past week.
    pub(crate) async fn drop_expired_sessions(&self) -> ApiResult<()> {
        let now = self.now();
        let day = |ago: i64| {
            let then = now - SignedDuration::from_hours(24 * ago);
            then.strftime("%Y-%m-%d").to_string()
        };
        let mut filter = Filter::all(CLEAN_UP_SESSIONS_MAX);
        filter.any_of.push(("expires-day", (1..=CLEAN_UP_DAYS).map(day).collect()));
        let mut work = self.begin().await?;
        let expired = work.list::<Session>(&filter).await.map_err(stored)?;
        for session in expired.results {
            work.remove::<Session>(&session.id).await.map_err(stored)?;
        }
        work.commit().await.map_err(stored)
    }

    async fn cookies(
        &self,
        mut claims: Claims,
        exchange: &ExchangeClaims,
        active: Option<ActiveAccount>,
    ) -> ApiResult<SessionCookies> {
        self.date(&mut claims);
        claims.exp = claims.exp.min(exchange.exp);
        let instant = |second| Timestamp::from_second(second).map_err(ApiError::internal);
        Ok(SessionCookies {
            id_token: self.0.keys.sign(&claims).await?,
            id_expires: instant(claims.exp)?,
            exchange: self.0.keys.sign(exchange).await?,
            exchange_expires: instant(exchange.exp)?,
            remember_me: exchange.remember_me,
            active,
        })
    }

    fn date(&self, claims: &mut Claims) {
        claims.iat = self.now().as_second();
        claims.exp = claims.iat + ID_TOKEN_S;
    }
}
