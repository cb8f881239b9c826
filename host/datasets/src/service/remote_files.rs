//! Files of the description that are on other servers: entries of `attachments` of the type `remoteFile` (reference §1.6).
//!
//! The address, `targetUrl`, is written by the producer and told to nobody. A reader asks this server, which fetches the
//! file through the one way out, keeps it, and asks again whether it changed once a few seconds have passed.
//!
//! **Invariant:** only addresses that the description has are fetched, and only public ones are dialled.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use futures::StreamExt;
use halle_base::Timestamp;
use halle_extensions::services::{Egress, EgressPolicy, HttpRequest, HttpStream};
use halle_model::Dataset;
use halle_store::BlobKey;
use jiff::SignedDuration;
use serde_json::{Map, Value};
use tempfile::NamedTempFile;
use tokio::io::AsyncWriteExt;

use crate::error::{DatasetsError, DatasetsResult};
use crate::state::Datasets;

/// Type of the entries.
pub(crate) const REMOTE_FILE: &str = "remoteFile";

/// Where the file is; never answered.
pub(crate) const TARGET: &str = "targetUrl";

/// Bytes of one file, unless uploads may not be as large.
const REMOTE_BYTES_MAX: u64 = 100 << 20;

/// Bytes of an address.
const TARGET_BYTES_MAX: usize = 2_000;

/// Time for which a file is answered without asking its server (reference §1.6: 5 s).
const FRESH: SignedDuration = SignedDuration::from_secs(5);

/// Time for one file, in milliseconds.
const FETCH_MS_MAX: u32 = 60_000;

/// Files fetched per minute from one server.
const FETCHES_PER_MINUTE_MAX: u32 = 600;

/// Files of which is known when they were fetched; those that nobody reads are forgotten first.
const KNOWN_MAX: usize = 1_000;

/// How a file was come by: `x-remote-status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RemoteStatus {
    /// It was fetched.
    Download,
    /// It was fetched a moment ago.
    Cache,
    /// It was kept, and its server says that it did not change.
    NotModified,
}

impl RemoteStatus {
    /// The value of the header.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Download => "DOWNLOAD",
            Self::Cache => "CACHE",
            Self::NotModified => "NOTMODIFIED",
        }
    }
}

/// What is known of a file that was fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Known {
    target: String,
    key: BlobKey,
    etag: Option<String>,
    last_modified: Option<String>,
    checked_at: Timestamp,
}

/// Locked while a file is fetched, so that those who ask at the same time fetch it once.
type Turn = Arc<tokio::sync::Mutex<Option<Known>>>;

/// What is known of the files of this process, by dataset and name.
#[derive(Default)]
pub(crate) struct RemoteFiles(Mutex<HashMap<(String, String), Turn>>);

impl RemoteFiles {
    fn of(&self, dataset: &str, name: &str) -> Turn {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= KNOWN_MAX {
            known.retain(|_, turn| Arc::strong_count(turn) > 1);
        }
        Arc::clone(known.entry((dataset.to_owned(), name.to_owned())).or_default())
    }
}

/// Refuses entries without a name, or with an address that is none of the web.
pub(crate) fn check(listed: &Value) -> DatasetsResult<()> {
    for entry in listed.as_array().into_iter().flatten().filter(|entry| entry["type"] == REMOTE_FILE) {
        if entry["name"].as_str().is_none_or(|name| name.trim().is_empty()) {
            let message = "Une pièce jointe de type \"remoteFile\" doit avoir un nom de fichier (name).";
            return Err(DatasetsError::bad_request(message));
        }
        let sound = match &entry[TARGET] {
            Value::Null => true,
            Value::String(target) => is_web(target),
            _ => false,
        };
        if !sound {
            let name = entry["name"].as_str().unwrap_or_default();
            let message = format!(
                "L'adresse (targetUrl) de la pièce jointe \"{name}\" doit commencer par https:// ou http:// et avoir au plus \
                 {TARGET_BYTES_MAX} octets."
            );
            return Err(DatasetsError::BadRequest(message));
        }
    }
    Ok(())
}

fn is_web(target: &str) -> bool {
    let parsed = url::Url::parse(target).ok().filter(|_| target.len() <= TARGET_BYTES_MAX);
    parsed.is_some_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}

/// The list as it is stored: an entry that comes without its address, as it was read, keeps the one that its name had.
pub(crate) fn with_known_targets(before: Option<&Value>, mut listed: Value) -> Value {
    for entry in listed.as_array_mut().into_iter().flatten().filter(|entry| entry["type"] == REMOTE_FILE) {
        let Some(name) = entry["name"].as_str().map(str::to_owned) else { continue };
        let known =
            before.and_then(|before| entry_of(before, &name)).and_then(|known| known.get(TARGET)).cloned();
        if let (Some(entry), Some(known)) = (entry.as_object_mut(), known) {
            let target = entry.entry(TARGET).or_insert(Value::Null);
            if target.is_null() {
                *target = known;
            }
        }
    }
    listed
}

fn entry_of<'a>(listed: &'a Value, name: &str) -> Option<&'a Map<String, Value>> {
    let entries = listed.as_array()?.iter().filter_map(Value::as_object);
    entries.into_iter().find(|entry| {
        let is = |key: &str, value: &str| entry.get(key).and_then(Value::as_str) == Some(value);
        is("type", REMOTE_FILE) && is("name", name)
    })
}

/// Where the file of this name is, if the description says that it is on another server.
pub(crate) fn target_of<'a>(dataset: &'a Dataset, name: &str) -> Option<&'a str> {
    entry_of(dataset.description.get("attachments")?, name)?.get(TARGET)?.as_str()
}

impl Datasets {
    /// Has the file of this name here, fetched if need be; 502 when it cannot be had. What is had is the blob of the key.
    pub(crate) async fn remote_file(
        &self,
        dataset: &Dataset,
        name: &str,
        target: &str,
    ) -> DatasetsResult<(BlobKey, RemoteStatus)> {
        let Some(egress) = self.egress() else {
            let message = "Cette installation ne va pas chercher de fichiers distants.";
            return Err(DatasetsError::NotImplemented(message.to_owned()));
        };
        let turn = self.remote_files().of(&dataset.id, name);
        let mut known = turn.lock().await;
        let now = self.clock.now();
        let mut usable = known.clone().filter(|known| known.target == target);
        if let Some(found) = &usable
            && self.blobs.head(&found.key).await?.is_none()
        {
            usable = None;
        }
        if let Some(found) = &usable
            && now.duration_since(found.checked_at) < FRESH
        {
            return Ok((found.key.clone(), RemoteStatus::Cache));
        }
        let answer = fetch(&**egress, target, usable.as_ref(), self.remote_bytes_max()).await?;
        match (answer.status, usable) {
            (304, Some(found)) => {
                let key = found.key.clone();
                *known = Some(Known { checked_at: now, ..found });
                Ok((key, RemoteStatus::NotModified))
            }
            (200, _) => {
                let (etag, last_modified) = (header(&answer, "etag"), header(&answer, "last-modified"));
                let file = self.received(answer).await?;
                let (key, _) = self.keep_metadata_file(&dataset.id, name, file.path()).await?;
                let (target, checked_at) = (target.to_owned(), now);
                *known = Some(Known { target, key: key.clone(), etag, last_modified, checked_at });
                Ok((key, RemoteStatus::Download))
            }
            (status, _) => Err(failed(&format!("le serveur distant répond {status}"))),
        }
    }

    fn remote_bytes_max(&self) -> u64 {
        REMOTE_BYTES_MAX.min(self.config.upload_bytes_max)
    }

    /// Writes the body to a file piece by piece; 502 when it ends early or is too large.
    async fn received(&self, mut answer: HttpStream) -> DatasetsResult<NamedTempFile> {
        let file = NamedTempFile::new_in(&self.config.temp_dir).map_err(DatasetsError::internal)?;
        let mut out = tokio::fs::File::create(file.path()).await.map_err(DatasetsError::internal)?;
        let (mut size, max) = (0, self.remote_bytes_max());
        while let Some(piece) = answer.body.next().await {
            let piece = piece.map_err(|problem| {
                tracing::info!(%problem, "a remote file ended early");
                failed("son contenu n'est pas arrivé en entier, ou il est trop grand")
            })?;
            size += piece.len() as u64;
            if size > max {
                return Err(failed(&format!("il dépasse {max} octets")));
            }
            out.write_all(&piece).await.map_err(DatasetsError::internal)?;
        }
        out.flush().await.map_err(DatasetsError::internal)?;
        Ok(file)
    }
}

/// Asks for a file, unless it is as it is known.
async fn fetch(
    egress: &dyn Egress,
    target: &str,
    known: Option<&Known>,
    bytes_max: u64,
) -> DatasetsResult<HttpStream> {
    let url = url::Url::parse(target).map_err(|_| failed("son adresse est incorrecte"))?;
    // The address comes from data, so its own origin is all that is allowed; the way out refuses what is not public.
    let policy = EgressPolicy {
        origins: vec![url.origin().ascii_serialization()],
        methods: vec!["GET".to_owned()],
        requester: None,
        requests_per_minute_max: FETCHES_PER_MINUTE_MAX,
        response_bytes_max: bytes_max,
    };
    let mut headers = Vec::new();
    if let Some(known) = known {
        let conditions = [("if-none-match", &known.etag), ("if-modified-since", &known.last_modified)];
        headers.extend(
            conditions.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value.clone()?))),
        );
    }
    let request = HttpRequest {
        method: "GET".to_owned(),
        url: url.clone().into(),
        headers,
        body: None,
        timeout_ms: Some(FETCH_MS_MAX),
        max_bytes: None,
    };
    egress.stream(&policy, request).await.map_err(|problem| {
        // Of an address, a log tells the host: the rest may hold a key.
        tracing::info!(host = url.host_str().unwrap_or("?"), %problem, "a remote file could not be fetched");
        failed(if problem.code.starts_with("denied/") {
            "son adresse n'est pas publique ou n'est pas autorisée"
        } else {
            "le serveur distant ne répond pas"
        })
    })
}

fn header(answer: &HttpStream, name: &str) -> Option<String> {
    answer.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
}

fn failed(why: &str) -> DatasetsError {
    DatasetsError::Remote(format!("Le fichier distant ne peut pas être récupéré : {why}."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_list_that_was_read_keeps_the_addresses_that_are_not_told() {
        let before = json!([{ "type": "remoteFile", "name": "a", "targetUrl": "https://x/a" }, { "type": "file", "name": "b", "targetUrl": "no" }]);
        let wanted = json!([{ "type": "remoteFile", "name": "a", "title": "A" }, { "type": "remoteFile", "name": "b" }]);
        let stored = with_known_targets(Some(&before), wanted);
        assert_eq!(
            stored[0],
            json!({ "type": "remoteFile", "name": "a", "title": "A", "targetUrl": "https://x/a" })
        );
        assert_eq!(stored[1], json!({ "type": "remoteFile", "name": "b" }));
        let moved = json!([{ "type": "remoteFile", "name": "a", "targetUrl": "https://y/a" }]);
        assert_eq!(with_known_targets(Some(&before), moved.clone()), moved);
    }

    #[test]
    fn addresses_are_of_the_web() {
        let refused = |target: Value| {
            check(&json!([{ "type": "remoteFile", "name": "a", "targetUrl": target }])).is_err()
        };
        for target in
            [json!("ftp://x/a"), json!("file:///etc/passwd"), json!("a"), json!(3), json!("https://")]
        {
            assert!(refused(target.clone()), "{target}");
        }
        assert!(!refused(json!("https://example.org/a.pdf?x=1")) && !refused(Value::Null));
        assert!(check(&json!([{ "type": "remoteFile", "targetUrl": "https://x/" }])).is_err());
    }
}
