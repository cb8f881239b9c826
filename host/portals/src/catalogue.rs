//! The catalogue: what the home page and the list of datasets show.

use halle_datasets::service::list::{FacetValue, KeyFilter, ListAnswer, ListQuery};
use halle_http::ApiResult;
use halle_model::Dataset;
use halle_store::Order;
use serde::Serialize;
use serde_json::Value;

use crate::texts::{self, LINES};
use crate::visit::Visit;

/// Datasets of one page.
const PAGE_DATASETS: u32 = 12;

/// Pages that can be reached: further on, a search helps more.
const PAGES_MAX: usize = 800;

/// Datasets that the home page shows.
const LATEST_DATASETS: u32 = 6;

/// Values of a facet that are offered.
const FACET_VALUES_SHOWN: usize = 12;

/// Characters of a summary on a card.
const SUMMARY_CHARS_MAX: usize = 180;

/// Facets that pages offer: parameter and facet, key in the store, word for it.
const FACETS: [(&str, &str, &str); 3] = [
    ("topics", "topics", "topics"),
    ("keywords", "keywords", "keywords"),
    ("owner", "owner-filter", "producers"),
];

/// Orders that visitors choose from: parameter, order, word for it.
const ORDERS: [(&str, Order, &str); 3] = [
    ("updated", Order::UpdatedDesc, "sort_updated"),
    ("created", Order::CreatedDesc, "sort_created"),
    ("title", Order::TitleAsc, "sort_title"),
];

/// A dataset in a list.
#[derive(Debug, Clone, Serialize)]
pub struct Card {
    href: String,
    title: String,
    summary: String,
    owner: String,
    updated: Day,
    lines: Option<String>,
    topics: Vec<String>,
}

/// A day for machines and for people.
#[derive(Debug, Clone, Serialize)]
pub struct Day {
    iso: String,
    text: String,
}

/// A link with a text.
#[derive(Debug, Clone, Serialize)]
pub struct Link {
    /// Address.
    pub href: String,
    /// Text.
    pub text: String,
}

/// A facet.
#[derive(Debug, Clone, Serialize)]
pub struct Facet {
    /// Key of its title among the texts.
    title: &'static str,
    values: Vec<FacetLink>,
}

#[derive(Debug, Clone, Serialize)]
struct FacetLink {
    href: String,
    text: String,
    count: String,
    active: bool,
}

/// Where in a list of pages one is.
#[derive(Debug, Clone, Serialize)]
pub struct Pager {
    previous: Option<String>,
    next: Option<String>,
    page: String,
    pages: String,
}

/// How many there are of something.
#[derive(Debug, Serialize)]
struct Figure {
    number: String,
    word: &'static str,
}

/// The home page.
#[derive(Debug, Serialize)]
pub struct Home {
    figures: Vec<Figure>,
    latest: Vec<Card>,
    topics: Vec<FacetLink>,
}

/// The list of datasets.
#[derive(Debug, Serialize)]
pub struct Catalogue {
    q: String,
    count: String,
    none: bool,
    cards: Vec<Card>,
    facets: Vec<Facet>,
    sorts: Vec<Sort>,
    pager: Pager,
    carried: Vec<(String, String)>,
    filtered: bool,
    reset: String,
}

#[derive(Debug, Serialize)]
struct Sort {
    value: &'static str,
    title: &'static str,
    active: bool,
}

impl Day {
    /// The day of an ISO date or instant.
    pub fn of(visit: &Visit, iso: &str) -> Self {
        Self { iso: iso.to_owned(), text: visit.lang.day(iso) }
    }
}

impl Pager {
    /// The pager of a list of `total` things, `size` on each page, `pages_max` pages at most.
    pub fn of(visit: &Visit, page: usize, total: u64, size: usize, pages_max: usize) -> Self {
        let pages = usize::try_from(total).unwrap_or(usize::MAX).div_ceil(size).clamp(1, pages_max);
        let link = |page: usize| {
            visit.with(&[("page", if page == 1 { String::new() } else { page.to_string() }.as_str())])
        };
        Self {
            previous: (page > 1).then(|| link(page - 1)),
            next: (page < pages).then(|| link(page + 1)),
            page: visit.lang.number(page as u64),
            pages: visit.lang.number(pages as u64),
        }
    }
}

/// The page that the address asks for, from 1.
pub fn page_number(visit: &Visit, pages_max: usize) -> ApiResult<usize> {
    Ok(visit.params.number("page")?.unwrap_or(1).clamp(1, pages_max))
}

/// What the home page asks the catalogue.
pub fn home_query() -> ListQuery {
    ListQuery {
        orders: vec![Order::UpdatedDesc],
        size: LATEST_DATASETS,
        facets: vec!["topics", "owner"],
        ..ListQuery::default()
    }
}

impl Home {
    /// The home page.
    pub fn of(visit: &Visit, answer: &ListAnswer) -> Self {
        let distinct = |facet: &str| answer.facets.get(facet).map_or(0, Vec::len) as u64;
        let figure = |count: u64, keys| Figure {
            number: visit.lang.number(count),
            word: texts::word(visit.lang, count, keys),
        };
        let topics = answer.facets.get("topics").into_iter().flatten().take(FACET_VALUES_SHOWN);
        Self {
            figures: vec![
                figure(answer.count, ["one_dataset", "many_datasets"]),
                figure(distinct("owner"), ["one_producer", "many_producers"]),
                figure(distinct("topics"), ["one_topic", "many_topics"]),
            ],
            latest: answer.results.iter().map(|dataset| card(visit, dataset)).collect(),
            topics: topics
                .filter_map(|found| {
                    let (value, text) = value_and_text(&found.value)?;
                    let count = visit.lang.number(found.count);
                    Some(FacetLink { href: visit.catalogue("topics", &value), text, count, active: false })
                })
                .collect(),
        }
    }
}

/// What the list asks the catalogue: the search, one value of each facet, the order and the page of the address.
pub fn list_query(visit: &Visit) -> ApiResult<ListQuery> {
    let filters = FACETS
        .iter()
        .filter_map(|&(facet, key, _)| {
            let value = visit.params.get(facet)?.to_owned();
            Some(KeyFilter { facet, key, any_of: vec![value], none_of: Vec::new() })
        })
        .collect();
    let page = page_number(visit, PAGES_MAX)?;
    Ok(ListQuery {
        q: visit.params.get("q").map(str::to_owned),
        filters,
        orders: vec![order(visit).1],
        skip: (page as u32 - 1) * PAGE_DATASETS,
        size: PAGE_DATASETS,
        facets: FACETS.iter().map(|(facet, _, _)| *facet).collect(),
        ..ListQuery::default()
    })
}

fn order(visit: &Visit) -> (&'static str, Order, &'static str) {
    let asked = visit.params.get("sort");
    *ORDERS.iter().find(|(name, _, _)| asked == Some(name)).unwrap_or(&ORDERS[0])
}

impl Catalogue {
    /// The list.
    pub fn of(visit: &Visit, answer: &ListAnswer) -> ApiResult<Self> {
        let chosen = order(visit).0;
        let facets = FACETS.iter().filter_map(|&(facet, _, title)| {
            let values = answer.facets.get(facet)?;
            let values: Vec<FacetLink> = facet_links(visit, facet, values);
            (!values.is_empty()).then_some(Facet { title, values })
        });
        let page = page_number(visit, PAGES_MAX)?;
        Ok(Self {
            q: visit.params.get("q").unwrap_or_default().to_owned(),
            count: texts::counted(visit.lang, answer.count, ["one_result", "many_results"]),
            none: answer.count == 0,
            cards: answer.results.iter().map(|dataset| card(visit, dataset)).collect(),
            facets: facets.collect(),
            sorts: ORDERS
                .iter()
                .map(|&(value, _, title)| Sort { value, title, active: value == chosen })
                .collect(),
            pager: Pager::of(visit, page, answer.count, PAGE_DATASETS as usize, PAGES_MAX),
            carried: visit.carried(|name| matches!(name, "q" | "sort")),
            filtered: visit.params.get("q").is_some()
                || FACETS.iter().any(|(facet, _, _)| visit.params.get(facet).is_some()),
            reset: format!("{}/datasets", visit.root),
        })
    }
}

/// Links that set a facet, or, for the value that is set, remove it. The value that is set is always among them.
fn facet_links(visit: &Visit, facet: &str, values: &[FacetValue]) -> Vec<FacetLink> {
    let set = visit.params.get(facet);
    let links = values.iter().filter_map(|found| {
        let (value, text) = value_and_text(&found.value)?;
        let active = set == Some(value.as_str());
        let target = if active { "" } else { value.as_str() };
        let href = visit.with(&[(facet, target), ("page", "")]);
        Some(FacetLink { href, text, count: visit.lang.number(found.count), active })
    });
    let (mut active, others): (Vec<_>, Vec<_>) = links.partition(|link| link.active);
    active.extend(others.into_iter().take(FACET_VALUES_SHOWN));
    active
}

/// What filters by a value of a facet, and what it is called: texts are both; topics and owners have names.
fn value_and_text(value: &Value) -> Option<(String, String)> {
    if let Some(text) = value.as_str() {
        return Some((text.to_owned(), text.to_owned()));
    }
    let text = |key: &str| value.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
    let id = text("id")?;
    let Some(kind) = text("type") else {
        return Some((id.to_owned(), text("title").unwrap_or(id).to_owned()));
    };
    let name = text("name").unwrap_or(id);
    Some(match text("department") {
        None => (format!("{kind}:{id}"), name.to_owned()),
        Some(department) => {
            let department_name = text("departmentName").unwrap_or(department);
            (format!("{kind}:{id}:{department}"), format!("{name} – {department_name}"))
        }
    })
}

fn card(visit: &Visit, dataset: &Dataset) -> Card {
    let changed = dataset.data_updated_at.unwrap_or(dataset.updated_at).to_string();
    Card {
        href: visit.dataset(&dataset.id),
        title: dataset.title.clone(),
        summary: summary(dataset, SUMMARY_CHARS_MAX),
        owner: owner_name(dataset),
        updated: Day::of(visit, &changed),
        lines: dataset.count.map(|count| texts::counted(visit.lang, count, LINES)),
        topics: topics(dataset).into_iter().map(|(_, title)| title).collect(),
    }
}

/// The name of the owner as people know it.
pub fn owner_name(dataset: &Dataset) -> String {
    let owner = &dataset.owner;
    let name = if owner.name.is_empty() { &owner.id } else { &owner.name };
    match owner.department_name.as_ref().or(owner.department.as_ref()) {
        Some(department) => format!("{name} – {department}"),
        None => name.clone(),
    }
}

/// Identifier and title of each topic.
pub fn topics(dataset: &Dataset) -> Vec<(String, String)> {
    let topics = dataset.description.get("topics").and_then(Value::as_array);
    topics.into_iter().flatten().filter_map(value_and_text).collect()
}

/// A descriptive attribute that is a text.
pub fn attribute<'a>(dataset: &'a Dataset, key: &str) -> Option<&'a str> {
    dataset.description.get(key).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty())
}

/// The summary, else the beginning of the description, on one line.
pub fn summary(dataset: &Dataset, chars_max: usize) -> String {
    let text =
        attribute(dataset, "summary").or_else(|| attribute(dataset, "description")).unwrap_or_default();
    let words = text.split_whitespace().map(|word| word.trim_matches(['#', '*', '_', '`']));
    shorten(&words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" "), chars_max)
}

/// A text of at most `chars_max` characters, with an ellipsis where it was cut.
pub fn shorten(text: &str, chars_max: usize) -> String {
    match text.char_indices().nth(chars_max) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", text[..end].trim_end()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn facets_filter_by_identifier_and_show_names() {
        let of = |value: Value| value_and_text(&value).unwrap();
        assert_eq!(of(json!("eau")), ("eau".to_owned(), "eau".to_owned()));
        assert_eq!(of(json!({"id": "t1", "title": "Eau"})), ("t1".to_owned(), "Eau".to_owned()));
        let owner = json!({"type": "organization", "id": "v", "name": "Ville", "department": "d"});
        assert_eq!(of(owner), ("organization:v:d".to_owned(), "Ville – d".to_owned()));
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        assert_eq!(shorten("été", 3), "été");
        assert_eq!(shorten("été 2026", 4), "été…");
    }
}
