//! World `catalog-connector`.

use std::sync::Arc;

use async_trait::async_trait;
use futures::future::BoxFuture;
use halle_extensions::PluginResult;
use halle_extensions::host::{Call, CatalogEntry, Connector, Fetched, Listing, Prepared, Publication};
use serde_json::Value;
use wasmtime::Store;

use super::notes;
use crate::admit::Ready;
use crate::bindings::catalog::CatalogConnector;
use crate::bindings::catalog::exports::halle::catalog::connector as wit;
use crate::bindings::shared::halle::base::types::Problem;
use crate::convert::{json, one_line, optional_json};
use crate::guest::Guest;
use crate::host::{Inner, wrong_kind};
use crate::interfaces::datasets::check_file_name;
use crate::limits::bad_answer;

const ID_BYTES_MAX: usize = 1 << 10;
const TEXT_BYTES_MAX: usize = 1 << 10;
const ABILITIES_MAX: usize = 32;
const PATH_MAX: usize = 64;
/// Entries of one page.
const PAGE_SIZE_MAX: u32 = 1_000;
/// Bytes of what a connector wants back.
const STATE_BYTES_MAX: usize = 64 << 10;

/// A connector bound to one configured catalogue.
pub struct WasmConnector {
    inner: Arc<Inner>,
    call: Call,
}

type Answer<'a, T> = BoxFuture<'a, wasmtime::Result<Result<T, Problem>>>;

/// One call on a fresh instance.
async fn once<T: Send + 'static>(
    inner: &Inner,
    call: Call,
    work: impl for<'a> FnOnce(&'a mut Store<Guest>, CatalogConnector) -> Answer<'a, T> + Send + 'static,
) -> PluginResult<T> {
    let limits = call.plugin.limits;
    inner
        .once(call, limits, move |store, ready| {
            Box::pin(async move {
                let Ready::Catalog(pre) = ready else { return wrong_kind() };
                let world = pre.instantiate_async(&mut *store).await?;
                work(store, world).await
            })
        })
        .await
}

/// Checks a configuration.
pub async fn prepare(inner: &Inner, call: Call, draft: Value) -> PluginResult<Prepared> {
    let draft = draft.to_string();
    once(inner, call, move |store, world| {
        Box::pin(async move {
            match world.halle_catalog_connector().call_prepare(store, &draft).await? {
                Ok(done) => Ok(Ok(Prepared {
                    config: json(&done.config, "the configuration")?,
                    notes: notes(done.notes),
                })),
                Err(problem) => Ok(Err(problem)),
            }
        })
    })
    .await
}

impl WasmConnector {
    /// Binds a connector.
    pub(crate) fn new(inner: &Arc<Inner>, call: Call) -> Self {
        Self { inner: Arc::clone(inner), call }
    }

    async fn once<T: Send + 'static>(
        &self,
        work: impl for<'a> FnOnce(&'a mut Store<Guest>, CatalogConnector) -> Answer<'a, T> + Send + 'static,
    ) -> PluginResult<T> {
        once(&self.inner, self.call.clone(), work).await
    }
}

fn text(text: Option<String>) -> Option<String> {
    text.map(|text| one_line(&text, TEXT_BYTES_MAX))
}

fn entry(entry: wit::Entry) -> wasmtime::Result<CatalogEntry> {
    if entry.id.is_empty() || entry.id.len() > ID_BYTES_MAX {
        return Err(bad_answer("an entry has no identifier, or one of more than 1 KiB"));
    }
    if !matches!(entry.kind.as_str(), "folder" | "resource") {
        return Err(bad_answer(format!(
            "the entry `{}` is neither `folder` nor `resource`",
            one_line(&entry.id, 100)
        )));
    }
    Ok(CatalogEntry {
        id: entry.id,
        title: one_line(&entry.title, TEXT_BYTES_MAX),
        kind: entry.kind,
        format: text(entry.format),
        size: entry.size,
        updated: text(entry.updated),
        details: optional_json(entry.details.as_deref(), "details of an entry")?,
    })
}

fn entries(list: Vec<wit::Entry>, count_max: usize, what: &str) -> wasmtime::Result<Vec<CatalogEntry>> {
    if list.len() > count_max {
        return Err(bad_answer(format!("{what} has {} entries, more than {count_max}", list.len())));
    }
    list.into_iter().map(entry).collect()
}

fn publication_to_wit(publication: Publication) -> wit::Publication {
    let Publication { target, remote_id, url, state } = publication;
    wit::Publication { target, remote_id, url, state: state.to_string() }
}

fn publication_from_wit(publication: wit::Publication) -> wasmtime::Result<Publication> {
    if publication.state.len() > STATE_BYTES_MAX {
        return Err(bad_answer("the state of the publication has more than 64 KiB"));
    }
    let url = text(publication.url);
    if url.as_deref().is_some_and(|url| !url.starts_with("https://") && !url.starts_with("http://")) {
        return Err(bad_answer("the page of the publication is no https:// or http:// address"));
    }
    Ok(Publication {
        target: one_line(&publication.target, TEXT_BYTES_MAX),
        remote_id: text(publication.remote_id),
        url,
        state: json(&publication.state, "the state of the publication")?,
    })
}

#[async_trait]
impl Connector for WasmConnector {
    async fn describe(&self) -> PluginResult<(String, Vec<String>)> {
        self.once(|store, world| {
            Box::pin(async move {
                let described = world.halle_catalog_connector().call_describe(store).await?;
                let abilities =
                    described.abilities.iter().take(ABILITIES_MAX).map(|code| one_line(code, 64)).collect();
                Ok(Ok((one_line(&described.title, TEXT_BYTES_MAX), abilities)))
            })
        })
        .await
    }

    async fn browse(
        &self,
        folder: Option<&str>,
        q: Option<&str>,
        page: u32,
        size: u32,
        filters: Value,
    ) -> PluginResult<Listing> {
        let (folder, q) = (folder.map(str::to_owned), q.map(str::to_owned));
        let (page, size, filters) = (page.max(1), size.clamp(1, PAGE_SIZE_MAX), filters.to_string());
        self.once(move |store, world| {
            Box::pin(async move {
                let browsed = world
                    .halle_catalog_connector()
                    .call_browse(store, folder.as_deref(), q.as_deref(), page, size, &filters)
                    .await?;
                match browsed {
                    Ok(listing) => Ok(Ok(Listing {
                        total: listing.total,
                        path: entries(listing.path, PATH_MAX, "the path")?,
                        entries: entries(listing.entries, size as usize, "the page")?,
                    })),
                    Err(problem) => Ok(Err(problem)),
                }
            })
        })
        .await
    }

    async fn fetch(&self, id: &str, options: Value) -> PluginResult<Fetched> {
        let (id, options) = (id.to_owned(), options.to_string());
        self.once(move |store, world| {
            Box::pin(async move {
                let fetched =
                    match world.halle_catalog_connector().call_fetch(&mut *store, &id, &options).await? {
                        Ok(fetched) => fetched,
                        Err(problem) => return Ok(Err(problem)),
                    };
                let file = store.data_mut().table.delete(fetched.body)?;
                check_file_name(&fetched.name).map_err(|problem| bad_answer(problem.message))?;
                Ok(Ok(Fetched {
                    file: Arc::new(file),
                    name: fetched.name,
                    metadata: json(&fetched.metadata, "the metadata")?,
                    etag: text(fetched.etag),
                }))
            })
        })
        .await
    }

    async fn publish(&self, dataset: Value, current: Publication) -> PluginResult<Publication> {
        let (dataset, current) = (dataset.to_string(), publication_to_wit(current));
        self.once(move |store, world| {
            Box::pin(async move {
                match world.halle_catalog_connector().call_publish(store, &dataset, &current).await? {
                    Ok(publication) => publication_from_wit(publication).map(Ok),
                    Err(problem) => Ok(Err(problem)),
                }
            })
        })
        .await
    }

    async fn unpublish(&self, current: Publication) -> PluginResult<()> {
        let current = publication_to_wit(current);
        self.once(move |store, world| {
            Box::pin(async move { world.halle_catalog_connector().call_unpublish(store, &current).await })
        })
        .await
    }
}

impl std::fmt::Debug for WasmConnector {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("WasmConnector").field("plugin", &self.call.plugin.id).finish_non_exhaustive()
    }
}
