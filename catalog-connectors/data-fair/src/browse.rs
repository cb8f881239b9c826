//! Listing and searching the remote datasets. The catalogue is flat: there are no folders.

use halle_plugin::catalog::{Browse, Entry, Listing};
use halle_plugin::serde_json::{Value, json};
use halle_plugin::{Result, http};

use crate::config::Config;

/// Attributes of the list; the catalogue adds the identifier by itself.
const SELECT: &str = "id,slug,title,file,originalFile,count,updatedAt,dataUpdatedAt,finalizedAt,isMetaOnly";
/// Filters of the remote list that a caller may use.
const FILTERS: [&str; 8] =
    ["owner", "topics", "concepts", "keywords", "publicationSites", "visibility", "type", "status"];

/// A page of the datasets.
pub fn browse(config: &Config, page: &Browse) -> Result<Listing> {
    let (size, number) = (page.size.to_string(), page.page.max(1).to_string());
    let mut params = vec![("size", size.as_str()), ("page", number.as_str()), ("select", SELECT)];
    if let Some(q) = page.q.as_deref().filter(|q| !q.trim().is_empty()) {
        params.push(("q", q));
    }
    let filters = FILTERS.iter().filter_map(|name| Some((*name, page.filters.get(name)?.as_str()?)));
    params.extend(filters);
    let answer = config.get(&http::with_query("/datasets", params))?;
    let results = answer["results"].as_array().map(Vec::as_slice).unwrap_or_default();
    Ok(Listing {
        total: answer["count"].as_u64(),
        path: Vec::new(),
        entries: results.iter().filter_map(entry).collect(),
    })
}

fn entry(dataset: &Value) -> Option<Entry> {
    let id = dataset["id"].as_str()?.to_owned();
    let file = file(dataset);
    let format = file.map_or("csv", |file| extension(file["name"].as_str().unwrap_or_default())).to_owned();
    Some(Entry {
        title: dataset["title"].as_str().unwrap_or(&id).to_owned(),
        id,
        kind: "resource".to_owned(),
        format: (dataset["isMetaOnly"] != json!(true)).then_some(format),
        size: file.and_then(|file| file["size"].as_u64()),
        updated: version(dataset).map(str::to_owned),
        details: Some(json!({ "count": dataset["count"], "slug": dataset["slug"] })),
    })
}

/// The file as it was uploaded, if the dataset has one.
pub fn file(dataset: &Value) -> Option<&Value> {
    ["originalFile", "file"].into_iter().map(|key| &dataset[key]).find(|file| file["name"].is_string())
}

/// What tells whether the data changed.
pub fn version(dataset: &Value) -> Option<&str> {
    ["dataUpdatedAt", "finalizedAt", "updatedAt"].into_iter().find_map(|key| dataset[key].as_str())
}

fn extension(name: &str) -> &str {
    name.rsplit_once('.').map_or("", |(_, extension)| extension)
}
