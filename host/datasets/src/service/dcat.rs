//! A catalogue as DCAT in JSON-LD, so that other catalogues can harvest it.

use halle_base::AccountRef;
use halle_model::Dataset;
use halle_model::dataset::DatasetKind;
use halle_model::settings::PublicationSite;
use serde_json::{Map, Value, json};

use crate::views::millis;

/// The catalogue of a site. `base` is the client's address of this server.
pub(crate) fn catalog(
    site: &PublicationSite,
    account: &AccountRef,
    datasets: &[Dataset],
    base: &str,
) -> Value {
    let title = site.title.clone().unwrap_or_else(|| account.name.clone());
    json!({
        "@context": context(),
        "@id": format!("{base}/data-fair/api/v1/catalog/dcat?publicationSites={}", site.key()),
        "@type": "dcat:Catalog",
        "title": title,
        "homepage": site.url,
        "publisher": publisher(&account.name),
        "dataset": datasets.iter().map(|one| dataset(one, site, base)).collect::<Vec<_>>(),
    })
}

/// What the short names stand for.
fn context() -> Value {
    let id = |iri: &str| json!({ "@id": iri, "@type": "@id" });
    let date = |iri: &str| json!({ "@id": iri, "@type": "http://www.w3.org/2001/XMLSchema#dateTime" });
    json!({
        "dcat": "http://www.w3.org/ns/dcat#",
        "dct": "http://purl.org/dc/terms/",
        "foaf": "http://xmlns.com/foaf/0.1/",
        "title": "dct:title",
        "description": "dct:description",
        "identifier": "dct:identifier",
        "issued": date("dct:issued"),
        "modified": date("dct:modified"),
        "keyword": "dcat:keyword",
        "theme": "dcat:theme",
        "spatial": "dct:spatial",
        "temporal": "dct:temporal",
        "accrualPeriodicity": "dct:accrualPeriodicity",
        "creator": "dct:creator",
        "license": id("dct:license"),
        "landingPage": id("dcat:landingPage"),
        "homepage": id("foaf:homepage"),
        "publisher": "dct:publisher",
        "name": "foaf:name",
        "dataset": "dcat:dataset",
        "distribution": "dcat:distribution",
        "downloadURL": id("dcat:downloadURL"),
        "accessURL": id("dcat:accessURL"),
        "mediaType": "dcat:mediaType",
        "format": "dct:format",
        "byteSize": "dcat:byteSize",
    })
}

fn publisher(name: &str) -> Value {
    json!({ "@type": "foaf:Organization", "name": name })
}

fn dataset(dataset: &Dataset, site: &PublicationSite, base: &str) -> Value {
    let href = format!("{base}/data-fair/api/v1/datasets/{}", dataset.id);
    let mut view = Map::new();
    let mut set = |name: &str, value: Value| {
        let empty = value.is_null() || value.as_array().is_some_and(Vec::is_empty);
        if !empty {
            view.insert(name.to_owned(), value);
        }
    };
    let given = |name: &str| dataset.description.get(name).cloned().unwrap_or_default();
    set("@id", json!(href));
    set("@type", json!("dcat:Dataset"));
    set("identifier", json!(dataset.id));
    set("title", json!(dataset.title));
    let summary = given("summary");
    set("description", if given("description").is_null() { summary } else { given("description") });
    set("issued", json!(millis(dataset.created_at)));
    let given_date = given("modified");
    let changed = json!(millis(dataset.data_updated_at.unwrap_or(dataset.updated_at)));
    set("modified", if given_date.is_null() { changed } else { given_date });
    set("keyword", given("keywords"));
    set("theme", titles(&given("topics")));
    set("spatial", given("spatial"));
    set("accrualPeriodicity", given("frequency"));
    set("creator", given("creator"));
    set("license", given("license")["href"].clone());
    set("landingPage", json!(landing_page(dataset, site, base)));
    set("publisher", publisher(&dataset.owner.name));
    set("distribution", json!(distributions(dataset, &href)));
    Value::Object(view)
}

fn titles(topics: &Value) -> Value {
    topics.as_array().into_iter().flatten().map(|topic| topic["title"].clone()).collect()
}

/// The page of the dataset on the site, else that of this server.
fn landing_page(dataset: &Dataset, site: &PublicationSite, base: &str) -> String {
    match &site.dataset_url_template {
        Some(template) => template.replace("{id}", &dataset.id).replace("{slug}", &dataset.slug),
        None => format!("{base}/datasets/{}", dataset.slug),
    }
}

/// The upload, the table it became if that is another file, and the lines of an editable dataset.
fn distributions(dataset: &Dataset, href: &str) -> Vec<Value> {
    let of = |title: &str, url: String, media_type: &str| {
        json!({ "@type": "dcat:Distribution", "title": title, "downloadURL": url, "accessURL": href,
            "mediaType": media_type, "format": format_of(media_type) })
    };
    match dataset.kind() {
        DatasetKind::MetadataOnly => Vec::new(),
        DatasetKind::File => {
            let mut found = Vec::new();
            if let Some(original) = dataset.original_file.as_ref().filter(|_| dataset.served.is_some()) {
                found.push(of(&original.name, format!("{href}/raw"), &original.mimetype));
                let converted = dataset.file.as_ref().filter(|file| file.mimetype != original.mimetype);
                found.extend(converted.map(|file| of(&file.name, format!("{href}/convert"), &file.mimetype)));
            }
            found
        }
        _ => vec![of(&dataset.title, format!("{href}/lines?format=csv&size=10000"), "text/csv")],
    }
}

/// The last part of a media type, without what registries add: `csv`, `geo+json`.
fn format_of(media_type: &str) -> &str {
    media_type.rsplit('/').next().unwrap_or(media_type)
}
