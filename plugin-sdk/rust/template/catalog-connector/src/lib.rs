//! A catalogue that is one JSON list, `[{"id", "title", "file"}]`, at `<url>/index.json`.

use halle_plugin::catalog::{Browse, CatalogConnector, Descriptor, Entry, Fetched, Listing};
use halle_plugin::messages::Request;
use halle_plugin::serde_json::{Value, json};
use halle_plugin::{Problem, Result, host, http};
use serde::Deserialize;

/// The configuration; its schema is in `plugin.toml`.
#[derive(Debug, Clone, Deserialize)]
pub struct Config {
    url: String,
}

impl Config {
    fn items(&self) -> Result<Vec<Value>> {
        http::get_json(&format!("{}/index.json", self.url))
    }
}

/// The connector.
pub struct MyPlugin;

impl CatalogConnector for MyPlugin {
    type Config = Config;

    fn describe() -> Descriptor {
        let abilities = vec!["browse".to_owned(), "search".to_owned(), "fetch".to_owned()];
        Descriptor { title: "Mon connecteur".to_owned(), abilities }
    }

    fn browse(config: Config, page: Browse) -> Result<Listing> {
        let q = page.q.unwrap_or_default().to_lowercase();
        let title = |item: &Value| item["title"].as_str().unwrap_or_default().to_owned();
        let found: Vec<Value> =
            config.items()?.into_iter().filter(|item| title(item).to_lowercase().contains(&q)).collect();
        let skipped = (page.page.max(1) - 1) as usize * page.size as usize;
        let entries = found.iter().skip(skipped).take(page.size as usize).map(|item| Entry {
            id: item["id"].as_str().unwrap_or_default().to_owned(),
            title: title(item),
            kind: "resource".to_owned(),
            ..Entry::default()
        });
        Ok(Listing { total: Some(found.len() as u64), path: Vec::new(), entries: entries.collect() })
    }

    fn fetch(config: Config, id: String, _options: Value) -> Result<Fetched> {
        let items = config.items()?;
        let item = items.iter().find(|item| item["id"].as_str() == Some(&id));
        let item = item.ok_or_else(|| {
            Problem::new("remote/not-found", format!("« {id} » n'est plus dans le catalogue."))
        })?;
        let name = item["file"].as_str().unwrap_or_default().to_owned();
        // The file stays on the host: it never comes through here, however large it is.
        let answer = host::http::download(&Request::new("GET", format!("{}/{name}", config.url)))?;
        if answer.status != 200 {
            return Err(Problem::new("remote/status", format!("{name} : réponse {}", answer.status)));
        }
        Ok(Fetched { body: answer.body, name, metadata: json!({ "title": item["title"] }), etag: None })
    }
}

halle_plugin::export_catalog_connector!(MyPlugin);
