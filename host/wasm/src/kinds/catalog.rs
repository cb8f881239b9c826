//! World `catalog-connector`.

use std::sync::Arc;

use async_trait::async_trait;
use futures::future::BoxFuture;
use halle_base::Timestamp;
use halle_extensions::PluginResult;
use halle_extensions::host::{
    Call, CatalogEntry, Connector, Fetched, Listing, Prepared, Publication, Published,
};
use serde_json::Value;
use wasmtime::Store;

use super::prepared;
use crate::admit::Ready;
use crate::bindings::catalog::CatalogConnector;
use crate::bindings::catalog::exports::halle::catalog::connector as wit;
use crate::bindings::shared::halle::base::types::Problem;
use crate::convert::{json, one_line, optional_json};
use crate::guest::Guest;
use crate::host::{Inner, wrong_kind};
use crate::interfaces::datasets::check_file_name;
use crate::limits::{bad_answer, explain};
use crate::redact::Redactor;
use crate::weigh::Weigh;

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
    let given = draft.to_string();
    once(inner, call, move |store, world| {
        Box::pin(async move {
            store.data_mut().gave(given.weight());
            match world.halle_catalog_connector().call_prepare(&mut *store, &given).await? {
                Ok(done) => prepared(store.data_mut(), &draft, &done.config, done.notes).map(Ok),
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

/// A text of one line for people and programs, without the values of secrets.
fn text(redactor: &Redactor, text: &str) -> String {
    one_line(&redactor.text(text), TEXT_BYTES_MAX)
}

fn optional_text(redactor: &Redactor, value: Option<String>) -> Option<String> {
    value.map(|value| text(redactor, &value))
}

/// An instant as RFC 3339 in UTC; none where the catalogue wrote something else, for an entry is worth showing without.
fn instant(redactor: &Redactor, value: Option<&str>) -> Option<String> {
    let instant: Timestamp = text(redactor, value?).parse().ok()?;
    Some(instant.to_string())
}

/// An optional JSON text, without the values of secrets.
fn clean_json(redactor: &Redactor, value: Option<&str>, what: &str) -> wasmtime::Result<Option<Value>> {
    let mut value = optional_json(value, what)?;
    if let Some(value) = &mut value {
        redactor.json(value);
    }
    Ok(value)
}

fn entry(redactor: &Redactor, entry: wit::Entry) -> wasmtime::Result<CatalogEntry> {
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
        title: text(redactor, &entry.title),
        kind: entry.kind,
        format: optional_text(redactor, entry.format),
        size: entry.size,
        updated: instant(redactor, entry.updated.as_deref()),
        details: clean_json(redactor, entry.details.as_deref(), "details of an entry")?,
    })
}

fn entries(
    redactor: &Redactor,
    list: Vec<wit::Entry>,
    count_max: usize,
    what: &str,
) -> wasmtime::Result<Vec<CatalogEntry>> {
    if list.len() > count_max {
        return Err(bad_answer(format!("{what} has {} entries, more than {count_max}", list.len())));
    }
    // Changed, an identifier would be that of something else: an entry that would tell a secret is left out.
    let kept = list.into_iter().filter(|one| !redactor.betrayed_by(&one.id));
    kept.map(|one| entry(redactor, one)).collect()
}

fn publication_to_wit(publication: Publication) -> wit::Publication {
    let Publication { target, remote_id, url, state } = publication;
    wit::Publication { target, remote_id, url, state: state.to_string() }
}

/// What a connector says of a publication that was asked for, and why a part of it is not taken.
///
/// The twin exists by now: whatever is wrong with one part of the answer, the others are kept, since by them the next call finds
/// it. A part that is not taken stays as it was asked. Texts for people lose the values of secrets, and so does the state; what
/// the twin is found by stays as it is, since changed it would be that of something else.
fn published(
    redactor: &Redactor,
    asked: Publication,
    answer: wit::Publication,
) -> (Publication, Option<String>) {
    let mut wrong = Vec::new();
    let mut twin = asked;
    match target(redactor, &answer.target) {
        Ok(target) => twin.target = target,
        Err(what) => wrong.push(what.to_owned()),
    }
    match answer.remote_id.map(|id| remote_id(redactor, id)).transpose() {
        Ok(id) => twin.remote_id = id,
        Err(what) if twin.remote_id.is_some() => wrong.push(what.to_owned()),
        Err(what) => wrong.push(format!("{what}; {TWIN_STAYS}")),
    }
    twin.url = optional_text(redactor, answer.url);
    if twin.url.as_deref().is_some_and(|url| !url.starts_with("https://") && !url.starts_with("http://")) {
        twin.url = None;
        wrong.push("the page of the publication is no https:// or http:// address".to_owned());
    }
    match state(redactor, &answer.state) {
        Ok(state) => twin.state = state,
        Err(what) => wrong.push(what),
    }
    (twin, (!wrong.is_empty()).then(|| wrong.join("; ")))
}

/// What people do about a twin of which nothing is known.
const TWIN_STAYS: &str = "le jumeau publié reste dans le catalogue distant, supprimez-le là-bas / the twin stays in the remote \
                          catalogue: remove it there";

fn target(redactor: &Redactor, target: &str) -> Result<String, &'static str> {
    if redactor.told_by(target) {
        return Err("the target of the publication tells a secret");
    }
    Ok(one_line(target, TEXT_BYTES_MAX))
}

fn remote_id(redactor: &Redactor, id: String) -> Result<String, &'static str> {
    if redactor.told_by(&id) {
        return Err("the remote identifier of the publication tells a secret");
    }
    // Cut or tidied up, it would be that of something else.
    if id.len() > ID_BYTES_MAX || id.chars().any(char::is_control) {
        return Err("the remote identifier of the publication has more than 1 KiB, or control characters");
    }
    Ok(id)
}

fn state(redactor: &Redactor, state: &str) -> Result<Value, String> {
    if state.len() > STATE_BYTES_MAX {
        return Err("the state of the publication has more than 64 KiB".to_owned());
    }
    let mut state = json(state, "the state of the publication").map_err(|error| format!("{error:#}"))?;
    redactor.unmistakable(&mut state);
    Ok(state)
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
                store.data_mut().gave(folder.weight() + q.weight() + filters.weight());
                let browsed = world
                    .halle_catalog_connector()
                    .call_browse(&mut *store, folder.as_deref(), q.as_deref(), page, size, &filters)
                    .await?;
                if let Ok(listing) = &browsed {
                    store.data_mut().took(listing.path.weight() + listing.entries.weight());
                }
                let redactor = &store.data().redactor;
                match browsed {
                    Ok(listing) => Ok(Ok(Listing {
                        total: listing.total,
                        path: entries(redactor, listing.path, PATH_MAX, "the path")?,
                        entries: entries(redactor, listing.entries, size as usize, "the page")?,
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
                store.data_mut().gave(id.weight() + options.weight());
                let fetched =
                    match world.halle_catalog_connector().call_fetch(&mut *store, &id, &options).await? {
                        Ok(fetched) => fetched,
                        Err(problem) => return Ok(Err(problem)),
                    };
                store.data_mut().took(fetched.name.weight() + fetched.metadata.weight());
                let file = store.data_mut().table.delete(fetched.body)?;
                check_file_name(&fetched.name).map_err(|problem| bad_answer(problem.message))?;
                let redactor = &store.data().redactor;
                let metadata = clean_json(redactor, Some(&fetched.metadata), "the metadata")?;
                Ok(Ok(Fetched {
                    file: Arc::new(file),
                    name: redactor.text(&fetched.name),
                    metadata: metadata.unwrap_or_default(),
                    etag: optional_text(redactor, fetched.etag),
                }))
            })
        })
        .await
    }

    async fn publish(&self, dataset: Value, current: Publication) -> PluginResult<Published> {
        let (dataset, asked, limits) = (dataset.to_string(), current.clone(), self.call.plugin.limits);
        let current = publication_to_wit(current);
        self.once(move |store, world| {
            Box::pin(async move {
                let connector = world.halle_catalog_connector();
                store.data_mut().gave(dataset.weight() + current.weight());
                match connector.call_publish(&mut *store, &dataset, &current).await? {
                    Ok(answer) => {
                        store.data_mut().took(answer.weight());
                        let (twin, wrong) = published(&store.data().redactor, asked, answer);
                        let refusal = wrong.map(|what| explain(&bad_answer(what), &limits, false));
                        Ok(Ok(Published { twin, refusal }))
                    }
                    Err(problem) => Ok(Err(problem)),
                }
            })
        })
        .await
    }

    async fn unpublish(&self, current: Publication) -> PluginResult<()> {
        let current = publication_to_wit(current);
        self.once(move |store, world| {
            Box::pin(async move {
                store.data_mut().gave(current.weight());
                world.halle_catalog_connector().call_unpublish(store, &current).await
            })
        })
        .await
    }
}

impl std::fmt::Debug for WasmConnector {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("WasmConnector").field("plugin", &self.call.plugin.id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_that_would_tell_a_secret_are_left_out_and_the_others_keep_their_identifier() {
        let redactor = Redactor::new(["2024", "hunter2-secret"].into_iter());
        let one = |id: &str| wit::Entry {
            id: id.to_owned(),
            title: format!("Title {id}"),
            kind: "resource".to_owned(),
            format: None,
            size: None,
            updated: None,
            details: None,
        };
        let list = vec![one("budget-2024"), one("?key=hunter2-secret"), one("roads")];
        let told: Vec<_> = entries(&redactor, list, 10, "the page")
            .unwrap()
            .into_iter()
            .map(|entry| (entry.id, entry.title))
            .collect();
        let text = |id: &str, title: &str| (id.to_owned(), title.to_owned());
        assert_eq!(told, [text("budget-2024", "Title budget-***"), text("roads", "Title roads")]);
    }

    #[test]
    fn the_last_change_of_an_entry_is_an_instant_or_not_told() {
        let redactor = Redactor::new(["2024"].into_iter());
        for (said, told) in [
            ("2023-01-31T10:00:00+01:00", Some("2023-01-31T09:00:00Z")),
            ("2023-01-31T10:00:00.250Z", Some("2023-01-31T10:00:00.25Z")),
            ("2023-01-31", None),
            ("yesterday", None),
            ("2024-01-31T10:00:00Z", None),
        ] {
            assert_eq!(instant(&redactor, Some(said)).as_deref(), told, "{said}");
        }
        assert_eq!(instant(&redactor, None), None);
    }

    /// An answer with this target, remote identifier and state.
    fn answer(target: &str, id: &str, state: &str) -> wit::Publication {
        wit::Publication {
            target: target.to_owned(),
            remote_id: Some(id.to_owned()),
            url: Some(format!("https://a.example/{id}?key=2024")),
            state: state.to_owned(),
        }
    }

    /// What a first publication is asked with.
    fn asked() -> Publication {
        Publication { target: "create".to_owned(), ..Publication::default() }
    }

    #[test]
    fn what_a_publication_is_found_by_is_kept_whole() {
        let redactor = Redactor::new(["2024", "hunter2-secret"].into_iter());
        let state = r#"{"2024":"r2024","pass":"2024","url":"a?k=hunter2-secret","hunter2-secret":1}"#;
        let (kept, wrong) = published(&redactor, asked(), answer("update-2024", "budget-2024", state));
        assert_eq!((kept.target.as_str(), wrong), ("update-2024", None));
        assert_eq!(kept.remote_id.as_deref(), Some("budget-2024"));
        let masked = serde_json::json!({ "2024": "r2024", "pass": "***", "url": "a?k=***", "***": 1 });
        assert_eq!(kept.state, masked, "a year stays within, a password does not");
        assert_eq!(kept.url.as_deref(), Some("https://a.example/budget-***?key=***"), "a text for people");
    }

    #[test]
    fn a_part_that_is_not_taken_loses_no_other() {
        let redactor = Redactor::new(["2024", "hunter2-secret"].into_iter());
        let long = "x".repeat(ID_BYTES_MAX + 1);
        for id in ["2024", "x-hunter2-secret", "a\nb", &long] {
            let (kept, wrong) = published(&redactor, asked(), answer("update", id, "1"));
            assert_eq!((kept.target.as_str(), kept.remote_id, kept.state), ("update", None, 1.into()));
            let wrong = wrong.unwrap();
            assert!(wrong.contains("remote identifier") && wrong.contains("remove it there"), "{wrong}");
            let before = Publication { remote_id: Some("twin".to_owned()), ..asked() };
            let (kept, wrong) = published(&redactor, before, answer("update", id, "1"));
            assert_eq!(kept.remote_id.as_deref(), Some("twin"), "it is known still");
            assert!(!wrong.unwrap().contains("remove it there"));
        }
        for (target, state) in [("2024", "1"), ("hunter2-secret", "1"), ("update", "{")] {
            let (kept, wrong) = published(&redactor, asked(), answer(target, "a", state));
            assert_eq!(kept.remote_id.as_deref(), Some("a"), "{target}");
            assert!(wrong.is_some(), "{target} {state}");
        }
        let (kept, wrong) = published(
            &redactor,
            asked(),
            wit::Publication { url: Some("ftp://a".into()), ..answer("u", "a", "1") },
        );
        assert_eq!((kept.remote_id.as_deref(), kept.url), (Some("a"), None));
        assert!(wrong.unwrap().contains("https://"));
    }
}
