//! How the settings of an account are stored: under the account's key, found by the addresses of its sites.

use halle_base::AccountRef;
use halle_model::Settings;

use crate::{Entity, EntityExt, Key, StoreResult, UnitOfWork};

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
