//! A remote catalogue.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use halle_extensions::host::{
    Call, CatalogEntry, Connector, Fetched, FetchedFile, Listing, Publication, Published,
};
use halle_extensions::{PluginError, PluginHost as _, PluginResult, Problem};
use serde_json::{Value, json};
use tempfile::NamedTempFile;

use super::host::FakePlugins;

/// The connector `neighbour`, bound to one catalogue.
pub(super) struct Neighbour {
    pub(super) plugins: FakePlugins,
    pub(super) call: Call,
}

#[derive(Debug)]
struct Download(NamedTempFile);

impl FetchedFile for Download {
    fn path(&self) -> &Path {
        self.0.path()
    }
}

#[async_trait]
impl Connector for Neighbour {
    async fn describe(&self) -> PluginResult<(String, Vec<String>)> {
        let mut abilities = vec!["browse".to_owned(), "search".to_owned()];
        if self.call.config["mode"] != "read-only" {
            abilities.push("publish-dataset".to_owned());
        }
        Ok(("Voisin".to_owned(), abilities))
    }

    async fn browse(
        &self,
        _folder: Option<&str>,
        q: Option<&str>,
        _page: u32,
        _size: u32,
        _filters: Value,
    ) -> PluginResult<Listing> {
        self.plugins.check_share(&self.call.subject).await?;
        if self.call.config["mode"] == "fail" {
            return Err(Problem::new("remote/status", "le voisin ne répond pas").into());
        }
        let entry = |id: &str| CatalogEntry {
            id: id.to_owned(),
            title: format!("Les {id}"),
            kind: "resource".to_owned(),
            format: Some("csv".to_owned()),
            size: None,
            updated: None,
            details: None,
        };
        let entries: Vec<CatalogEntry> = ["arbres", "bancs"]
            .into_iter()
            .filter(|id| q.is_none_or(|q| id.contains(q)))
            .map(entry)
            .collect();
        Ok(Listing { total: Some(entries.len() as u64), path: Vec::new(), entries })
    }

    async fn fetch(&self, id: &str, _options: Value) -> PluginResult<Fetched> {
        self.plugins.begin(&self.call.subject).await?;
        let Some(csv) = self.plugins.resource(id) else {
            return Err(Problem::new("remote/status", format!("le voisin n'a pas de « {id} »")).into());
        };
        let failed = |error: std::io::Error| PluginError::Unavailable(error.to_string());
        let file = NamedTempFile::new().map_err(failed)?;
        std::fs::write(file.path(), csv).map_err(failed)?;
        Ok(Fetched {
            file: Arc::new(Download(file)),
            name: format!("{id}.csv"),
            metadata: json!({ "title": format!("Les {id}"), "description": "D'à côté" }),
            etag: None,
        })
    }

    async fn publish(&self, dataset: Value, current: Publication) -> PluginResult<Published> {
        self.plugins.begin(&self.call.subject).await?;
        let id =
            current.remote_id.unwrap_or_else(|| format!("jumeau-{}", dataset["id"].as_str().unwrap_or("?")));
        self.plugins.keep_twin(&id, dataset);
        let refusal = (self.call.config["mode"] == "half").then(|| PluginError::Stopped {
            code: "plugin/bad-answer",
            message: "une partie de la réponse n'est pas conforme".to_owned(),
        });
        let twin = Publication { target: current.target, remote_id: Some(id), url: None, state: Value::Null };
        Ok(Published { twin, refusal })
    }

    async fn unpublish(&self, current: Publication) -> PluginResult<()> {
        self.plugins.begin(&self.call.subject).await?;
        self.plugins.drop_twin(&current.remote_id.unwrap_or_default());
        Ok(())
    }
}
