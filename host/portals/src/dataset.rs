//! What the page of a dataset shows.

use halle_model::{Dataset, dataset::DatasetKind};
use serde::Serialize;
use serde_json::{Value, json};
use url::form_urlencoded::Serializer;

use crate::catalogue::{Day, Link, attribute, owner_name, summary, topics};
use crate::chart::Chart;
use crate::markdown;
use crate::table::{self, Table};
use crate::templates::Head;
use crate::texts::{self, LINES};
use crate::visit::{Visit, is_web, segment};

/// Where the API of the platform is, below the site.
const API: &str = "/data-fair/api/v1";

/// Columns that the table of the schema lists.
const SCHEMA_COLUMNS_SHOWN: usize = 200;

/// Characters of the description that search engines are given.
const DESCRIPTION_CHARS_MAX: usize = 300;

/// The page.
#[derive(Debug, Serialize)]
pub struct Page {
    title: String,
    description: Option<String>,
    owner: Link,
    topics: Vec<Link>,
    keywords: Vec<Link>,
    facts: Vec<Fact>,
    updated: Day,
    lines: Option<String>,
    schema: Vec<SchemaRow>,
    table: Option<Table>,
    chart: Option<Chart>,
    downloads: Vec<Link>,
    api: String,
    api_docs: String,
    curl: String,
    embed: String,
    embed_code: String,
    json_ld: Value,
}

#[derive(Debug, Serialize)]
struct Fact {
    /// Key of its name among the texts.
    name: &'static str,
    text: String,
    href: Option<String>,
}

#[derive(Debug, Serialize)]
struct SchemaRow {
    label: String,
    key: String,
    kind: &'static str,
    description: String,
}

/// A table alone, for frames of other sites.
#[derive(Debug, Serialize)]
pub struct Embed {
    title: String,
    href: String,
    table: Option<Table>,
}

impl Embed {
    /// The table of a dataset, and the way to its page.
    pub fn of(visit: &Visit, dataset: &Dataset, table: Option<Table>) -> Self {
        Self { title: dataset.title.clone(), href: visit.dataset(&dataset.id), table }
    }
}

/// What a dataset's page says of itself.
pub fn head(dataset: &Dataset) -> Head {
    Head {
        title: dataset.title.clone(),
        description: summary(dataset, DESCRIPTION_CHARS_MAX),
        canonical: format!("/datasets/{}", segment(&dataset.id)),
        hidden: false,
    }
}

impl Page {
    /// The page of a dataset.
    pub fn of(visit: &Visit, dataset: &Dataset, table: Option<Table>, chart: Option<Chart>) -> Self {
        let api = format!("{}{API}/datasets/{}", visit.base, segment(&dataset.id));
        let page = format!("{}/datasets/{}", visit.base, segment(&dataset.id));
        let has_lines = dataset.served.is_some();
        let downloads = downloads(visit, dataset, &table::filters(visit, dataset));
        let link =
            |filter: &str, value: &str, text: String| Link { href: visit.catalogue(filter, value), text };
        Self {
            title: dataset.title.clone(),
            description: attribute(dataset, "description").map(markdown::html),
            owner: link("owner", &dataset.owner.key(), owner_name(dataset)),
            topics: topics(dataset).into_iter().map(|(id, title)| link("topics", &id, title)).collect(),
            keywords: keywords(dataset).map(|word| link("keywords", word, word.to_owned())).collect(),
            facts: facts(visit, dataset),
            updated: Day::of(visit, &dataset.data_updated_at.unwrap_or(dataset.updated_at).to_string()),
            lines: dataset.count.filter(|_| has_lines).map(|count| texts::counted(visit.lang, count, LINES)),
            schema: schema(visit, dataset),
            json_ld: json_ld(visit, dataset, &page),
            table,
            chart,
            downloads,
            api_docs: format!("{api}/api-docs.json"),
            curl: if has_lines { format!("curl \"{api}/lines?size=10\"") } else { format!("curl \"{api}\"") },
            embed_code: format!(
                "<iframe src=\"{page}/embed\" title=\"{}\" width=\"100%\" height=\"600\"></iframe>",
                dataset.title.replace('&', "&amp;").replace('"', "&quot;")
            ),
            embed: format!("{}/embed", visit.dataset(&dataset.id)),
            api,
        }
    }
}

fn keywords(dataset: &Dataset) -> impl Iterator<Item = &str> {
    let words = dataset.description.get("keywords").and_then(Value::as_array);
    words.into_iter().flatten().filter_map(Value::as_str).filter(|word| !word.is_empty())
}

/// Title and address of the licence.
fn license(dataset: &Dataset) -> Option<(&str, Option<&str>)> {
    let license = dataset.description.get("license")?;
    let text = |key: &str| license.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
    let href = text("href").filter(|href| is_web(href));
    Some((text("title").or(href)?, href))
}

fn facts(visit: &Visit, dataset: &Dataset) -> Vec<Fact> {
    let mut facts = Vec::new();
    let mut add = |name, text: String, href: Option<&str>| {
        facts.push(Fact { name, text, href: href.map(str::to_owned) });
    };
    if let Some((title, href)) = license(dataset) {
        add("license", title.to_owned(), href);
    }
    add("created", visit.lang.day(&dataset.created_at.to_string()), None);
    for name in ["creator", "frequency", "spatial", "origin"] {
        if let Some(text) = attribute(dataset, name) {
            add(name, text.to_owned(), Some(text).filter(|text| is_web(text)));
        }
    }
    if let Some(temporal) = dataset.description.get("temporal") {
        let days = ["start", "end"].into_iter().filter_map(|key| temporal.get(key).and_then(Value::as_str));
        let days: Vec<String> = days.map(|day| visit.lang.day(day)).collect();
        if !days.is_empty() {
            add("temporal", days.join(" – "), None);
        }
    }
    if let Some(file) = &dataset.original_file {
        add("file", format!("{} ({})", file.name, visit.lang.bytes(file.size)), None);
    }
    facts
}

fn schema(visit: &Visit, dataset: &Dataset) -> Vec<SchemaRow> {
    use halle_model::ColumnKind::{Boolean, Date, DateTime, Integer, Number, Object, Text};
    let columns = dataset.schema.iter().filter(|column| !column.calculated);
    let row = |column: &halle_model::Column| SchemaRow {
        label: column.label().to_owned(),
        key: column.key.clone(),
        kind: match column.kind() {
            Text => visit.lang.pick("texte", "text"),
            Integer => visit.lang.pick("nombre entier", "whole number"),
            Number => visit.lang.pick("nombre", "number"),
            Boolean => visit.lang.pick("oui ou non", "yes or no"),
            Date => "date",
            DateTime => visit.lang.pick("date et heure", "date and time"),
            Object => visit.lang.pick("objet", "object"),
        },
        description: column.description.clone().unwrap_or_default(),
    };
    columns.take(SCHEMA_COLUMNS_SHOWN).map(row).collect()
}

/// Addresses of the data, searched and filtered as asked.
fn downloads(visit: &Visit, dataset: &Dataset, filters: &[(String, String)]) -> Vec<Link> {
    let api = format!("{}{API}/datasets/{}", visit.base, segment(&dataset.id));
    let mut links = Vec::new();
    let lines = |format: &str, size: &str| {
        let mut query = Serializer::new(String::new());
        query.append_pair("format", format).append_pair("size", size).extend_pairs(filters);
        format!("{api}/lines?{}", query.finish())
    };
    let word = |key: &str| texts::text(visit.lang, key).to_owned();
    if dataset.served.is_some() {
        let csv = if filters.is_empty() { "download_csv" } else { "download_filtered_csv" };
        links.push(Link { href: lines("csv", "all"), text: word(csv) });
        if dataset.bbox.is_some() {
            links.push(Link { href: lines("geojson", "10000"), text: word("download_geojson") });
        }
    }
    if dataset.kind() == DatasetKind::File && dataset.original_file.is_some() {
        links.push(Link { href: format!("{api}/raw"), text: word("download_raw") });
    }
    links
}

/// The dataset for search engines, in the vocabulary of schema.org. Whole, whatever the visitor searched.
fn json_ld(visit: &Visit, dataset: &Dataset, page: &str) -> Value {
    let mut card = json!({
        "@context": "https://schema.org",
        "@type": "Dataset",
        "@id": page,
        "url": page,
        "name": dataset.title,
        "description": summary(dataset, 5_000),
        "dateCreated": dataset.created_at.to_string(),
        "dateModified": dataset.data_updated_at.unwrap_or(dataset.updated_at).to_string(),
        "keywords": keywords(dataset).collect::<Vec<_>>(),
        "creator": { "@type": "Organization", "name": owner_name(dataset) },
        "isAccessibleForFree": true,
        "includedInDataCatalog": { "@type": "DataCatalog", "url": format!("{}/datasets", visit.base) },
        "variableMeasured": table::columns(dataset).iter().map(|column| column.label()).collect::<Vec<_>>(),
    });
    if let Some((title, href)) = license(dataset) {
        card["license"] = json!(href.unwrap_or(title));
    }
    let file_type = dataset.original_file.as_ref().map_or("", |file| file.mimetype.as_str());
    let distribution = |link: Link| {
        let format = match link.href.rsplit_once('/') {
            Some((_, "raw")) => file_type,
            Some((_, query)) if query.contains("format=csv") => "text/csv",
            _ => "application/geo+json",
        };
        json!({ "@type": "DataDownload", "contentUrl": link.href, "encodingFormat": format, "name": link.text })
    };
    card["distribution"] = downloads(visit, dataset, &[]).into_iter().map(distribution).collect();
    card
}
