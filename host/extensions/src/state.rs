//! Durable state of plugins, kept in the store.

use std::sync::Arc;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use halle_base::Clock;
use halle_store::{Document, Filter, Key, Order, Store, StoreError};
use serde_json::json;

use crate::services::PluginState;
use crate::types::Problem;

/// Collection of the documents.
const COLLECTION: &str = "plugin-state";

/// Bytes of one key.
const KEY_BYTES_MAX: usize = 200;

/// Keys of one instance.
const KEYS_MAX: u32 = 10_000;

/// State of one instance, such as `processings/{id}`: other instances cannot see it.
#[derive(Debug, Clone)]
pub struct StoredState {
    /// Where it is kept.
    pub store: Arc<dyn Store>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Whose state it is.
    pub instance: String,
}

impl StoredState {
    fn id(&self, key: &str) -> Result<String, Problem> {
        if key.is_empty() || key.len() > KEY_BYTES_MAX {
            let message = format!("a state key has 1 to {KEY_BYTES_MAX} bytes, this one has {}", key.len());
            return Err(Problem::new("state/key", message));
        }
        Ok(format!("{}/{key}", self.instance))
    }
}

fn problem(error: StoreError) -> Problem {
    match error {
        StoreError::Stale { .. } | StoreError::Duplicate { .. } => {
            Problem::new("state/conflict", "the value changed since it was read")
        }
        error => {
            tracing::error!(%error, "plugin state failed");
            Problem::new("state/unavailable", "the state cannot be reached")
        }
    }
}

fn decode(document: &Document) -> Result<Vec<u8>, Problem> {
    let text = document.body["value"].as_str().unwrap_or_default();
    STANDARD.decode(text).map_err(|_| Problem::new("state/damaged", "the stored value is damaged"))
}

#[async_trait]
impl PluginState for StoredState {
    async fn get(&self, key: &str) -> Result<Option<(Vec<u8>, u64)>, Problem> {
        let id = self.id(key)?;
        let mut work = self.store.read().await.map_err(problem)?;
        let found = work.documents().get(COLLECTION, &id).await.map_err(problem)?;
        found.map(|document| Ok((decode(&document)?, document.revision.unsigned_abs()))).transpose()
    }

    async fn put(&self, key: &str, value: Vec<u8>, expected: Option<u64>) -> Result<u64, Problem> {
        let id = self.id(key)?;
        let now = self.clock.now();
        let mut work = self.store.begin().await.map_err(problem)?;
        let current = work.documents().get(COLLECTION, &id).await.map_err(problem)?;
        let revision = current.as_ref().map_or(0, |document| document.revision);
        if expected.is_some_and(|expected| expected != revision.unsigned_abs()) {
            return Err(Problem::new("state/conflict", "the value changed since it was read"));
        }
        let document = Document {
            collection: COLLECTION,
            id,
            owner: None,
            sort_title: key.to_owned(),
            search_text: String::new(),
            keys: vec![Key::new("instance", &self.instance)],
            body: json!({ "key": key, "value": STANDARD.encode(value) }),
            revision,
            created_at: current.map_or(now, |document| document.created_at),
            updated_at: now,
        };
        let revision = work.documents().put(&document).await.map_err(problem)?;
        work.commit().await.map_err(problem)?;
        Ok(revision.unsigned_abs())
    }

    async fn delete(&self, key: &str) -> Result<(), Problem> {
        let id = self.id(key)?;
        let mut work = self.store.begin().await.map_err(problem)?;
        work.documents().delete(COLLECTION, &id).await.map_err(problem)?;
        work.commit().await.map_err(problem)
    }

    async fn keys(&self, prefix: &str, after: Option<&str>, max: u32) -> Result<Vec<String>, Problem> {
        let mut filter = Filter::all(KEYS_MAX).with("instance", &self.instance);
        filter.order = Order::TitleAsc;
        let mut work = self.store.read().await.map_err(problem)?;
        let page = work.documents().list(COLLECTION, &filter).await.map_err(problem)?;
        let keys = page.results.iter().filter_map(|document| document.body["key"].as_str());
        let wanted = keys.filter(|key| key.starts_with(prefix) && after.is_none_or(|after| *key > after));
        Ok(wanted.take(max as usize).map(str::to_owned).collect())
    }
}
