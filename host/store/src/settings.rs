//! How the settings of an account are stored: under the account's key, found by the addresses of its sites.

use halle_base::{AccountRef, Timestamp};
use halle_model::Settings;
use halle_model::settings::WEBHOOK_EVENTS;
use serde_json::{Value, json};

use crate::{Entity, EntityExt, Key, NewJob, StoreResult, UnitOfWork};

impl Entity for Settings {
    const COLLECTION: &'static str = "settings";

    fn id(&self) -> &str {
        &self.key
    }

    fn owner(&self) -> Option<&AccountRef> {
        Some(&self.account)
    }

    fn title(&self) -> &str {
        &self.account.name
    }

    /// `site` (`type:id` of each site), `site-url` (unique: its address without a trailing slash, lower case).
    fn keys(&self) -> Vec<Key> {
        let sites = self.content.publication_sites.iter();
        let urls = sites.clone().filter_map(|site| site.url.as_deref()).map(site_url);
        let mut keys: Vec<Key> = sites.map(|site| Key::new("site", site.key())).collect();
        keys.extend(urls.map(|url| Key::unique("site-url", url)));
        keys
    }
}

/// The address of a site as it is compared: lower case, without a trailing slash.
pub fn site_url(url: &str) -> String {
    url.trim_end_matches('/').to_ascii_lowercase()
}

/// The settings of an account or department, and those of the organisation above a department, if they were ever set.
pub async fn settings_of(unit: &mut dyn UnitOfWork, account: &AccountRef) -> StoreResult<Vec<Settings>> {
    let mut found = Vec::new();
    let root = account.department.is_some().then(|| AccountRef { department: None, ..account.clone() });
    for account in root.iter().chain([account]) {
        found.extend(unit.load::<Settings>(&account.key()).await?.map(|stored| stored.entity));
    }
    Ok(found)
}

/// Kind of the job that calls one webhook. Its payload is `{account, webhook, resource, id, event}`: the key of the account
/// whose settings declare the webhook, its title, and what happened to what; and `notification`, when a person wrote one.
pub const WEBHOOK_JOB: &str = "webhook";

/// Enqueues the calls of the webhooks of `owner` that want to know that `event` happened to the `resource` (`dataset` or
/// `application`) with this identifier. Part of the unit of work that makes the event true. Nothing is done for events to
/// which nobody can subscribe.
pub async fn notify(
    unit: &mut dyn UnitOfWork,
    owner: &AccountRef,
    resource: &'static str,
    id: &str,
    event: &str,
    now: Timestamp,
) -> StoreResult<()> {
    let name = format!("{resource}-{event}");
    if !WEBHOOK_EVENTS.contains(&name.as_str()) {
        return Ok(());
    }
    call_webhooks(unit, owner, &name, &json!({ "resource": resource, "id": id, "event": event }), now).await
}

/// Enqueues the calls of the webhooks of `owner` that want the event called `name`. `payload` is that of [`WEBHOOK_JOB`] but
/// for the webhook.
pub(crate) async fn call_webhooks(
    unit: &mut dyn UnitOfWork,
    owner: &AccountRef,
    name: &str,
    payload: &Value,
    now: Timestamp,
) -> StoreResult<()> {
    for settings in settings_of(unit, owner).await? {
        let account = settings.account.key();
        for webhook in settings.content.webhooks.into_iter().filter(|webhook| webhook.wants(name)) {
            let mut payload = payload.clone();
            payload["account"] = account.as_str().into();
            payload["webhook"] = webhook.title.as_str().into();
            let key = format!("webhooks/{account}/{}", webhook.title);
            // Two events of one kind are two calls.
            let job = NewJob { deduplicate: false, ..NewJob::now(WEBHOOK_JOB, key, payload, now) };
            unit.jobs().enqueue(&job).await?;
        }
    }
    Ok(())
}
