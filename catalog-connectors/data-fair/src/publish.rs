//! Publishing: the remote twin of a local dataset, its file replaced at each call.

use halle_plugin::catalog::Publication;
use halle_plugin::host::blobs::{Blob, BlobWriter};
use halle_plugin::host::{http as host_http, source};
use halle_plugin::messages::Response;
use halle_plugin::serde_json::{Map, Value, json};
use halle_plugin::{Problem, Result, http};

use crate::config::{Config, dataset};

/// Attributes that go along as they are.
const METADATA: [&str; 11] = [
    "title",
    "summary",
    "description",
    "license",
    "image",
    "keywords",
    "frequency",
    "creator",
    "modified",
    "spatial",
    "temporal",
];
/// Where the twin remembers whose it is.
const OWNER_KEY: &str = "publishedFrom";

/// Creates or updates the remote twin. The identifier is chosen here, so that a call after a crash finds the same twin.
pub fn publish(config: &Config, local: &Value, current: &Publication) -> Result<Publication> {
    if config.api_key.is_empty() {
        return Err(Problem::config("/apiKey", "Une clé d'API est nécessaire pour publier."));
    }
    let id = match &current.remote_id {
        Some(id) => id.clone(),
        None => remote_id(local)?,
    };
    let from = home(local)?;
    if let Some(twin) = existing(config, &id)? {
        let owner = twin["extras"][OWNER_KEY].as_str();
        if current.remote_id.is_none() && owner != Some(from) {
            let message = format!("Le catalogue a déjà un jeu de données « {id} » qui ne vient pas d'ici.");
            return Err(Problem::new("remote/conflict", message));
        }
    }
    let file = source::file("csv")?;
    let boundary = boundary(&id);
    let body = multipart(&body(local, from), &file, &boundary)?;
    let request = config
        .request("POST", &dataset(&id))
        .header("content-type", format!("multipart/form-data; boundary={boundary}"));
    let answer = host_http::upload(&request, &body)?;
    let twin: Value = refusals(answer, &request.url)?.json(&request.url)?;
    let url = ["page", "href"].into_iter().find_map(|key| twin[key].as_str());
    let fallback = format!("{}{}", config.api(), dataset(&id));
    Ok(Publication {
        target: "update".to_owned(),
        url: Some(url.unwrap_or(&fallback).to_owned()),
        state: json!({ "dataUpdatedAt": local["dataUpdatedAt"] }),
        remote_id: Some(id),
    })
}

/// Removes the remote twin.
pub fn unpublish(config: &Config, current: &Publication) -> Result<()> {
    let Some(id) = &current.remote_id else { return Ok(()) };
    let request = config.request("DELETE", &dataset(id));
    let answer = http::send(&request)?;
    if matches!(answer.status, 404 | 410) {
        return Ok(());
    }
    refusals(answer, &request.url).map(drop)
}

fn existing(config: &Config, id: &str) -> Result<Option<Value>> {
    let request = config.request("GET", &dataset(id));
    let answer = http::send(&request)?;
    if answer.status == 404 {
        return Ok(None);
    }
    refusals(answer, &request.url)?.json(&request.url).map(Some)
}

/// The answer, or what a person can do about its status.
fn refusals(answer: Response, url: &str) -> Result<Response> {
    match answer.status {
        401 => Err(Problem::config("/apiKey", "Le catalogue ne reconnaît pas la clé d'API.")),
        403 => Err(Problem::config("/apiKey", "La clé d'API n'a pas le droit d'écrire des jeux de données.")),
        _ => answer.ok(url),
    }
}

/// The identifier of the twin: that of the dataset, marked, so that it meets no other.
fn remote_id(local: &Value) -> Result<String> {
    let id = local["id"]
        .as_str()
        .ok_or_else(|| Problem::new("input/missing", "Le jeu de données n'a pas d'identifiant."))?;
    let safe = |c: char| if c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' { c } else { '-' };
    Ok(format!("pub-{}", id.to_ascii_lowercase().chars().map(safe).collect::<String>()))
}

/// The address by which the twin knows its source.
fn home(local: &Value) -> Result<&str> {
    let address = ["page", "api"].into_iter().find_map(|key| local[key].as_str());
    address.ok_or_else(|| Problem::new("input/missing", "Le jeu de données n'a pas d'adresse publique."))
}

fn body(local: &Value, from: &str) -> Value {
    let chosen = METADATA.iter().filter(|key| !local[**key].is_null());
    let mut body: Map<String, Value> = chosen.map(|key| ((*key).to_owned(), local[*key].clone())).collect();
    body.insert("origin".to_owned(), from.into());
    let mut extras = Map::new();
    extras.insert(OWNER_KEY.to_owned(), from.into());
    body.insert("extras".to_owned(), extras.into());
    Value::Object(body)
}

/// A text that stands between parts. Guests have no chance, so it comes from the identifier; that a file holds this very
/// line is not to be feared.
fn boundary(id: &str) -> String {
    let hash = id.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("halle-{hash:016x}-{:016x}", hash.rotate_left(29) ^ 0x9e37_79b9_7f4a_7c15)
}

fn multipart(body: &Value, file: &Blob, boundary: &str) -> Result<Blob> {
    let name = "data.csv";
    let head = format!(
        "--{boundary}\r\ncontent-disposition: form-data; name=\"body\"\r\ncontent-type: application/json\r\n\r\n{body}\r\n\
         --{boundary}\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{name}\"\r\ncontent-type: text/csv\r\n\r\n"
    );
    let writer = BlobWriter::new();
    writer.append(head.as_bytes())?;
    writer.append_blob(file)?;
    writer.append(format!("\r\n--{boundary}--\r\n").as_bytes())?;
    BlobWriter::finish(writer)
}
