//! What plugins used, one or all: for superadmins of every account, for administrators of theirs.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use halle_base::{AccountRef, Timestamp};
use halle_extensions::metering::{Ledger, USAGE_DAYS_MAX};
use halle_extensions::registry::{Installation, Registry};
use halle_http::paging::Paging;
use halle_http::{ApiError, ApiResult, Caller, Params};
use halle_model::permission::operation;
use halle_model::plugins::{PLUGIN_OPERATIONS, can_read_usage};
use halle_store::usage::{UsageBy, UsageKey, UsageOf, UsagePage, UsageSums, day_of, start_of};
use serde::Serialize;

use crate::error::{missing, refused};
use crate::http::{load, require};

/// Lines of a page when the client does not say.
const PAGE_SIZE_DEFAULT: usize = 50;

/// Lines of a page.
const PAGE_SIZE_MAX: u32 = 1_000;

/// Days when the client does not say.
const DAYS_DEFAULT: i64 = 30;

/// What the routes need.
#[derive(Clone)]
pub struct UsageState {
    /// The registry.
    pub registry: Registry,
    /// The account book.
    pub ledger: Arc<Ledger>,
}

/// What plugins used in some days.
#[derive(Debug, Serialize)]
pub struct UsageView {
    /// First day, UTC.
    from: String,
    /// Last day, included.
    to: String,
    /// Lines over all pages.
    count: u64,
    /// Everything in one sum, whatever the page.
    total: SumsView,
    results: Vec<LineView>,
}

/// One line: what it is about, and its sums.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct LineView {
    /// With `by=day`.
    #[serde(skip_serializing_if = "Option::is_none")]
    day: Option<String>,
    /// Over all plugins, with `by=plugin` and `by=instance`; `null` for calls that were too many to be told apart.
    #[serde(skip_serializing_if = "Option::is_none")]
    plugin: Option<Option<PluginView>>,
    /// With `by=instance`.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    /// With `by=instance` and `by=account`; `null` for calls that nobody pays.
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<Option<AccountView>>,
    /// With `by=instance`: what called, as in lists of uses.
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<InstanceView>,
    #[serde(flatten)]
    sums: SumsView,
}

/// A plugin, which may be gone.
#[derive(Debug, Serialize)]
struct PluginView {
    id: String,
    /// By language, for who may see the plugin as it is now.
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<BTreeMap<String, String>>,
}

/// An account by its key: names change.
#[derive(Debug, Serialize)]
struct AccountView {
    #[serde(rename = "type")]
    kind: String,
    id: String,
}

/// What called.
#[derive(Debug, Serialize)]
struct InstanceView {
    #[serde(rename = "type")]
    kind: String,
    id: String,
}

/// What calls used.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct SumsView {
    calls: i64,
    answered: i64,
    reported: i64,
    trapped: i64,
    stopped: i64,
    cancelled: i64,
    wall_ms: f64,
    guest_ms: f64,
    memory_peak_bytes: i64,
    host_calls: i64,
    bytes_in: i64,
    bytes_out: i64,
    http_bytes_in: i64,
    http_bytes_out: i64,
}

impl From<UsageSums> for SumsView {
    fn from(sums: UsageSums) -> Self {
        let ms = |us: i64| us as f64 / 1_000.0;
        Self {
            calls: sums.calls(),
            answered: sums.answered,
            reported: sums.reported,
            trapped: sums.trapped,
            stopped: sums.stopped,
            cancelled: sums.cancelled,
            wall_ms: ms(sums.wall_us),
            guest_ms: ms(sums.guest_us),
            memory_peak_bytes: sums.memory_peak_bytes,
            host_calls: sums.host_calls,
            bytes_in: sums.bytes_in,
            bytes_out: sums.bytes_out,
            http_bytes_in: sums.http_bytes_in,
            http_bytes_out: sums.http_bytes_out,
        }
    }
}

/// Shows what a plugin used: calls by how they ended, times, memory at its peak, host calls, bytes. An account's administrator
/// sees what this account used; a superadmin sees every account, or the one that `account` names.
#[utoipa::path(get, path = "/registry/api/v1/artefacts/{id}/usage", tag = "registry", operation_id = "readUsage",
    params(("id" = String, Path),
        ("from" = Option<String>, Query, description = "First day (UTC), such as `2026-01-31`; 30 days in all when absent"),
        ("to" = Option<String>, Query, description = "Last day, included; today when absent"),
        ("by" = Option<String>, Query,
            description = "What a line is about: `instance` (version, account and what called; the default), `day`, `account`"),
        ("account" = Option<String>, Query, description = "`user:{id}` or `organization:{id}`; the active account when absent"),
        ("size" = Option<usize>, Query, description = "Lines of a page: 50, at most 1000"),
        ("page" = Option<usize>, Query), ("skip" = Option<usize>, Query)),
    responses((status = 200, description = "`{from, to, count, total, results}`; times in milliseconds, `guestMs` in the plugin itself"),
        (status = 400, description = "A day, `by` or `account` is wrong, or there are more than 400 days"),
        (status = 401, description = "Nobody is signed in"),
        (status = 403, description = "Not an administrator of the account"), (status = 404, description = "Not installed")))]
pub async fn usage(
    State(state): State<UsageState>,
    caller: Caller,
    Path(id): Path<String>,
    params: Params,
) -> ApiResult<Json<UsageView>> {
    require(&caller, "readArtefact")?;
    let wanted = Wanted::parse(&state, &caller, &params, OF_ONE_BY)?;
    let installation = load(&state.registry, &id).await?;
    let page = wanted.page(&state, Some(&id)).await?;
    let may_see = installation.allows(&caller, operation(PLUGIN_OPERATIONS, "readArtefact"));
    if !may_see && page.count == 0 {
        // As for the plugin itself. What an account used of it, it sees all the same.
        return Err(missing(&id));
    }
    let by = wanted.by;
    Ok(Json(wanted.view(page, |key, sums| line(by, key, sums))))
}

/// Shows what all plugins used, in one answer: as for one plugin, and by plugin. What an account used it sees, even of plugins
/// that it does not see any more or that were removed.
#[utoipa::path(get, path = "/registry/api/v1/usage", tag = "registry", operation_id = "readUsageOfPlugins",
    params(("from" = Option<String>, Query, description = "First day (UTC), such as `2026-01-31`; 30 days in all when absent"),
        ("to" = Option<String>, Query, description = "Last day, included; today when absent"),
        ("by" = Option<String>, Query, description = "What a line is about: `plugin` (the default), `instance` (plugin, version, \
            account and what called), `day`, `account`"),
        ("account" = Option<String>, Query, description = "`user:{id}` or `organization:{id}`; when absent, the active account, \
            or every one for a superadmin"),
        ("size" = Option<usize>, Query, description = "Lines of a page: 50, at most 1000"),
        ("page" = Option<usize>, Query), ("skip" = Option<usize>, Query)),
    responses((status = 200, description = "`{from, to, count, total, results}`; lines by `plugin` and `instance` have a \
            `plugin: {id, title}`, without a title where the plugin is gone or not for the caller to see, `null` for calls that were \
            too many to be told apart; times in milliseconds, `guestMs` in the plugins themselves"),
        (status = 400, description = "A day, `by` or `account` is wrong, or there are more than 400 days"),
        (status = 401, description = "Nobody is signed in"),
        (status = 403, description = "Not an administrator of the account")))]
pub async fn usage_of_all(
    State(state): State<UsageState>,
    caller: Caller,
    params: Params,
) -> ApiResult<Json<UsageView>> {
    require(&caller, "readArtefact")?;
    let wanted = Wanted::parse(&state, &caller, &params, OF_ALL_BY)?;
    let page = wanted.page(&state, None).await?;
    let by = wanted.by;
    let names_plugins = matches!(by, UsageBy::Plugin | UsageBy::Instance);
    let titles = if names_plugins { titles(&state.registry, &caller).await? } else { HashMap::new() };
    Ok(Json(wanted.view(page, |key, sums| {
        let plugin = names_plugins.then(|| plugin(&key.plugin, &titles));
        LineView { plugin, ..line(by, key, sums) }
    })))
}

/// Ways to group, by the name that clients give them; the first one is the default.
type Groupings = &'static [(&'static str, UsageBy)];

/// What lines about one plugin are about.
const OF_ONE_BY: Groupings =
    &[("instance", UsageBy::Instance), ("day", UsageBy::Day), ("account", UsageBy::Account)];

/// What lines about all plugins are about.
const OF_ALL_BY: Groupings = &[
    ("plugin", UsageBy::Plugin),
    ("instance", UsageBy::Instance),
    ("day", UsageBy::Day),
    ("account", UsageBy::Account),
];

/// What a client asks for and may see.
struct Wanted {
    /// Key of the account; `None` for every one.
    account: Option<String>,
    from: i64,
    to: i64,
    by: UsageBy,
    paging: Paging,
}

impl Wanted {
    /// 400 for wrong parameters, 403 unless the caller administers the account.
    fn parse(state: &UsageState, caller: &Caller, params: &Params, groupings: Groupings) -> ApiResult<Self> {
        let account = account(caller, params.get("account"))?;
        let (from, to) = days(params, day_of(state.registry.clock.now()))?;
        let by = grouping(params.get("by"), groupings)?;
        let paging = Paging::parse(params, PAGE_SIZE_DEFAULT)?.within(PAGE_SIZE_MAX)?;
        Ok(Self { account: account.map(|account| account.key()), from, to, by, paging })
    }

    /// The sums of one plugin, or over all.
    async fn page(&self, state: &UsageState, plugin: Option<&str>) -> ApiResult<UsagePage> {
        let of = UsageOf { plugin, account: self.account.as_deref(), from: self.from, to: self.to };
        Ok(state.ledger.page(of, self.by, self.paging.skip, self.paging.size).await?)
    }

    fn view(&self, page: UsagePage, line: impl Fn(UsageKey, UsageSums) -> LineView) -> UsageView {
        UsageView {
            from: day_text(self.from),
            to: day_text(self.to),
            count: page.count,
            total: page.total.into(),
            results: page.lines.into_iter().map(|(key, sums)| line(key, sums)).collect(),
        }
    }
}

/// How lines are grouped; 400 tells the names that there are.
fn grouping(asked: Option<&str>, groupings: Groupings) -> ApiResult<UsageBy> {
    let found = match asked {
        None => groupings.first(),
        Some(asked) => groupings.iter().find(|(name, _)| *name == asked),
    };
    found.map(|&(_, by)| by).ok_or_else(|| {
        let names: Vec<String> = groupings.iter().map(|(name, _)| format!("`{name}`")).collect();
        let names = names.join(", ");
        ApiError::bad_request(format!("\"by\" : une valeur parmi {names}. \"by\" is one of {names}."))
    })
}

/// Titles of the installed plugins that the caller may see. Of the others, none: whoever may not see a plugin is not told
/// whether it is there, nor what it is called by now.
async fn titles(
    registry: &Registry,
    caller: &Caller,
) -> ApiResult<HashMap<String, BTreeMap<String, String>>> {
    let read = operation(PLUGIN_OPERATIONS, "readArtefact");
    let installed = registry.list().await.map_err(refused)?;
    let title = |installation: Installation| {
        let plugin = installation.current.installed.manifest.plugin;
        (plugin.id, plugin.title)
    };
    Ok(installed.into_iter().filter(|one| one.allows(caller, read)).map(title).collect())
}

/// `None` for what the account book counted together when it had no more room.
fn plugin(id: &str, titles: &HashMap<String, BTreeMap<String, String>>) -> Option<PluginView> {
    (!id.is_empty()).then(|| PluginView { id: id.to_owned(), title: titles.get(id).cloned() })
}

/// Whose usage is shown; `None` for that of everybody. 403 unless the caller administers the account.
fn account(caller: &Caller, asked: Option<&str>) -> ApiResult<Option<AccountRef>> {
    let account = match asked {
        Some(text) => Some(parse_account(text).ok_or_else(|| {
            ApiError::bad_request(
                "\"account\" : `user:{id}` ou `organization:{id}`, sans département. \"account\" is `user:{id}` or \
                 `organization:{id}`, without a department.",
            )
        })?),
        None if caller.admin_mode && caller.scopes.is_none() => return Ok(None),
        None => caller.account.clone().map(|account| AccountRef { department: None, ..account }),
    };
    match account {
        Some(account) if can_read_usage(caller, &account) => Ok(Some(account)),
        _ => Err(ApiError::forbidden(
            "Réservé aux administrateurs du compte. For administrators of the account only.",
        )),
    }
}

fn parse_account(text: &str) -> Option<AccountRef> {
    let (kind, id) = text.split_once(':')?;
    let account = match kind {
        "user" => AccountRef::user(id, ""),
        "organization" => AccountRef::organization(id, ""),
        _ => return None,
    };
    (!id.is_empty() && !id.contains(':')).then_some(account)
}

/// First and last day.
fn days(params: &Params, today: i64) -> ApiResult<(i64, i64)> {
    let day = |name: &str| {
        let parse = |text: &str| {
            let parsed = format!("{text}T00:00:00Z").parse::<Timestamp>().ok().filter(|_| text.len() == 10);
            parsed.map(day_of).ok_or_else(|| {
                ApiError::bad_request(format!(
                    "\"{name}\" : un jour comme 2026-01-31, pas `{text}`. \"{name}\" is a day such as 2026-01-31, not `{text}`."
                ))
            })
        };
        params.get(name).map(parse).transpose()
    };
    let to = day("to")?.unwrap_or(today);
    let from = day("from")?.unwrap_or(to - DAYS_DEFAULT + 1);
    if !(0..USAGE_DAYS_MAX).contains(&(to - from)) {
        return Err(ApiError::bad_request(format!(
            "\"from\" doit précéder \"to\", de {USAGE_DAYS_MAX} jours au plus : rien de plus ancien n'est gardé. \
             \"from\" comes before \"to\", by {USAGE_DAYS_MAX} days at most: nothing older is kept."
        )));
    }
    Ok((from, to))
}

fn day_text(day: i64) -> String {
    start_of(day).to_string().chars().take(10).collect()
}

fn line(by: UsageBy, key: UsageKey, sums: UsageSums) -> LineView {
    let account = || {
        let pair = key.account.split_once(':');
        pair.map(|(kind, id)| AccountView { kind: kind.to_owned(), id: id.to_owned() })
    };
    let is_instance = by == UsageBy::Instance;
    LineView {
        day: (by == UsageBy::Day).then(|| day_text(key.day)),
        plugin: None,
        account: matches!(by, UsageBy::Instance | UsageBy::Account).then(account),
        version: is_instance.then(|| key.version.clone()),
        instance: is_instance.then(|| InstanceView { kind: key.kind.clone(), id: key.instance.clone() }),
        sums: sums.into(),
    }
}

#[cfg(test)]
mod tests {
    use halle_base::AccountKind;

    use super::*;

    #[test]
    fn accounts_have_no_department_here() {
        assert_eq!(
            parse_account("organization:ville").map(|account| account.kind),
            Some(AccountKind::Organization)
        );
        for wrong in ["ville", "organization:", "organization:ville:eau", "robot:r", ""] {
            assert_eq!(parse_account(wrong), None, "{wrong}");
        }
    }
}
