//! Bringing a dataset: its file where it has one, its lines page by page otherwise.

use halle_plugin::catalog::{Fetched, not_modified};
use halle_plugin::host::blobs::{Blob, BlobWriter};
use halle_plugin::serde_json::{Map, Value, json};
use halle_plugin::{Problem, Result, check_cancelled, http, info};

use crate::browse::{file, version};
use crate::config::{Config, dataset};

/// Lines of one page, the most that the API gives.
const PAGE_LINES: &str = "10000";
/// Bytes written at a time; the host takes at most 1 MiB.
const CHUNK_BYTES: usize = 512 << 10;
/// Attributes that come along as they are.
const METADATA: [&str; 14] = [
    "title",
    "summary",
    "description",
    "license",
    "origin",
    "image",
    "keywords",
    "frequency",
    "creator",
    "modified",
    "spatial",
    "temporal",
    "projection",
    "conformsTo",
];
/// Attributes of a column that a person chose.
const COLUMN: [&str; 9] =
    ["key", "type", "format", "title", "description", "x-originalName", "x-refersTo", "x-labels", "x-group"];

/// Fetches a dataset, unless it is the version that `options.etag` names.
pub fn fetch(config: &Config, id: &str, options: &Value) -> Result<Fetched> {
    let source = config.get(&dataset(id))?;
    let etag = version(&source).map(str::to_owned);
    if etag.is_some() && options["etag"].as_str() == etag.as_deref() {
        return Err(not_modified());
    }
    if source["isMetaOnly"] == json!(true) {
        return Err(Problem::new(
            "remote/no-data",
            "Ce jeu de données n'a que des métadonnées : il n'y a rien à importer.",
        ));
    }
    let metadata = metadata(config, &source);
    let (body, name) = match file(&source).and_then(|file| file["name"].as_str()) {
        Some(name) => (raw(config, id)?, name.to_owned()),
        None => (lines(config, id)?, format!("{}.csv", source["slug"].as_str().unwrap_or("data"))),
    };
    Ok(Fetched { body, name, metadata, etag })
}

fn raw(config: &Config, id: &str) -> Result<Blob> {
    let mut request = config.request("GET", &format!("{}/raw", dataset(id)));
    // The file as it is, not a description of it.
    request.headers.clear();
    let url = request.url.clone();
    let downloaded = halle_plugin::host::http::download(&request)?;
    if (200..300).contains(&downloaded.status) {
        return Ok(downloaded.body);
    }
    let message = match downloaded.status {
        401 | 403 => {
            format!("{url} refuse le téléchargement du fichier : la clé d'API doit en avoir le droit.")
        }
        status => format!("{url} a répondu {status}."),
    };
    Err(Problem::new("remote/status", message))
}

/// All lines as one CSV file. The first page has the header.
fn lines(config: &Config, id: &str) -> Result<Blob> {
    let writer = BlobWriter::new();
    let first = http::with_query(
        &format!("{}{}/lines", config.api(), dataset(id)),
        [("format", "csv"), ("size", PAGE_LINES)],
    );
    let mut next = Some(first);
    let mut pages = 0_u64;
    while let Some(url) = next {
        check_cancelled()?;
        let url = if pages == 0 || url.contains("header=false") {
            url
        } else {
            http::with_query(&url, [("header", "false")])
        };
        let mut request = config.request_at("GET", url.clone());
        request.headers.clear();
        let response = http::send_patiently(&request, 3)?.ok(&url)?;
        if response.truncated {
            return Err(Problem::new(
                "remote/too-large",
                format!("Une page de {url} dépasse ce qui peut être lu."),
            ));
        }
        let body = if pages == 0 { &response.body[..] } else { without_bom(&response.body) };
        for chunk in body.chunks(CHUNK_BYTES) {
            writer.append(chunk)?;
        }
        pages += 1;
        info(format!("page {pages} lue"));
        next = http::next_link(&response).filter(|_| !body.is_empty());
    }
    BlobWriter::finish(writer)
}

fn without_bom(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)
}

fn metadata(config: &Config, source: &Value) -> Value {
    let chosen = METADATA.iter().filter(|key| !source[**key].is_null());
    let mut metadata: Map<String, Value> =
        chosen.map(|key| ((*key).to_owned(), source[*key].clone())).collect();
    if !metadata.contains_key("origin") {
        let page = source["page"].as_str().or_else(|| source["href"].as_str());
        metadata.insert("origin".to_owned(), page.unwrap_or(&config.url).into());
    }
    let topics = source["topics"].as_array().into_iter().flatten();
    let topics: Vec<Value> =
        topics.filter_map(|topic| Some(json!({ "title": topic["title"].as_str()? }))).collect();
    if !topics.is_empty() {
        metadata.insert("topics".to_owned(), topics.into());
    }
    let columns = source["schema"].as_array().into_iter().flatten();
    // What the remote computed, it computed from other columns: it does not come from the file.
    let own =
        columns.filter(|column| column["x-calculated"] != json!(true) && column.get("x-extension").is_none());
    let columns = own.map(|column| {
        let kept = COLUMN.iter().filter(|key| !column[**key].is_null());
        Value::Object(kept.map(|key| ((*key).to_owned(), column[*key].clone())).collect())
    });
    metadata.insert("schema".to_owned(), columns.collect());
    Value::Object(metadata)
}
