//! `GET /datasets`: the catalogue.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use halle_http::conditional::{CacheFor, json as conditional_json};
use halle_http::paging::{self, Paging};
use halle_http::{ApiError, ApiResult, BaseUrl, Caller, Params};
use halle_store::{ABSENT, Order};
use serde_json::{Map, Value, json};

use crate::http::describe::size_thumbnail;
use crate::rich_text::Rendering;
use crate::service::list::{FACETS, KeyFilter, ListQuery, SUMS};
use crate::state::Datasets;
use crate::views;

/// Results of a page when the client does not say (Data Fair: 12).
const SIZE_DEFAULT: usize = 12;

/// Fields that a list is sorted by.
const ORDERS_MAX: usize = 4;

/// Parameters that filter on a key of the store: parameter, facet, key.
const KEY_FILTERS: &[(&str, &str, &str)] = &[
    ("slugs", "", "slug"),
    ("slug", "", "slug"),
    ("filename", "", "filename"),
    ("type", "", "type"),
    ("owner", "owner", "owner-filter"),
    ("visibility", "visibility", "visibility"),
    ("status", "status", "status"),
    ("draftStatus", "draftStatus", "draftStatus"),
    ("topics", "topics", "topics"),
    ("keywords", "keywords", "keywords"),
    ("concepts", "concepts", "concepts"),
    ("short-concept", "short-concept", "short-concept"),
    ("field-type", "field-type", "field-type"),
    ("field-format", "field-format", "field-format"),
    ("children", "children", "children"),
    ("services", "services", "services"),
    ("publicationSites", "publicationSites", "publicationSites"),
    ("requestedPublicationSites", "requestedPublicationSites", "requestedPublicationSites"),
    ("spatial", "spatial", "spatial"),
    ("title", "title", "title"),
    ("conformsTo", "conformsTo", "conformsTo"),
];

/// Parameters that are a filter when they are `true`: parameter, facet, key, value.
const FLAG_FILTERS: &[(&str, &str, &str, &str)] = &[
    ("file", "", "type", "file"),
    ("rest", "", "type", "rest"),
    ("metaOnly", "", "type", "metaOnly"),
    ("virtual", "", "type", "virtual"),
    ("bbox", "", "has", "bbox"),
    ("queryable", "", "has", "lines"),
    ("public", "visibility", "visibility", "public"),
    ("protected", "visibility", "visibility", "protected"),
    ("private", "visibility", "visibility", "private"),
];

/// Datasets that the caller may list.
pub(super) async fn list(
    State(datasets): State<Datasets>,
    caller: Caller,
    base: BaseUrl,
    params: Params,
    headers: HeaderMap,
) -> ApiResult<Response> {
    answer(&datasets, &caller, &base, &params, &headers, &parse(&params)?).await
}

/// The datasets that the caller may list of those that `query` asks for, as `params` want them.
pub(super) async fn answer(
    datasets: &Datasets,
    caller: &Caller,
    base: &BaseUrl,
    params: &Params,
    headers: &HeaderMap,
    query: &ListQuery,
) -> ApiResult<Response> {
    let answer = datasets.list(caller, query).await?;
    let mut body = Map::new();
    if params.get("count") != Some("false") {
        body.insert("count".to_owned(), json!(answer.count));
    }
    let rendering = Rendering::new(params.get("html"), params.number("truncate")?);
    let results = answer.results.iter().map(|dataset| {
        let mut view = views::dataset(dataset, caller, &base.0);
        let raw = params.flag("raw");
        if raw {
            view.retain(|name, _| !views::COMPUTED.contains(&name.as_str()));
        }
        let mut view = Value::Object(view);
        paging::select(&mut view, params, if raw { &[][..] } else { views::ALWAYS });
        rendering.description(&mut view);
        size_thumbnail(&mut view, params)?;
        Ok(view)
    });
    body.insert("results".to_owned(), results.collect::<ApiResult<Value>>()?);
    if !query.facets.is_empty() {
        body.insert("facets".to_owned(), json!(answer.facets));
    }
    if !query.sums.is_empty() {
        body.insert("sums".to_owned(), json!(answer.sums));
    }
    conditional_json(headers, cache_for(params), &body)
}

/// Lists are for shared caches only when they ask for public datasets, without what depends on the caller.
fn cache_for(params: &Params) -> CacheFor {
    let impersonal = params.list("select").contains(&"-userPermissions");
    if impersonal && params.list("visibility") == ["public"] { CacheFor::Everybody } else { CacheFor::Nobody }
}

/// What the parameters ask for; 400 names the one that is wrong.
pub(super) fn parse(params: &Params) -> ApiResult<ListQuery> {
    let Paging { skip, size } = Paging::parse(params, SIZE_DEFAULT)?;
    let mut filters: Vec<KeyFilter> = KEY_FILTERS
        .iter()
        .filter(|(parameter, _, _)| params.get(parameter).is_some())
        .map(|&(parameter, facet, key)| {
            let (none_of, any_of): (Vec<&str>, Vec<&str>) =
                params.list(parameter).into_iter().partition(|value| value.starts_with('-'));
            KeyFilter {
                facet,
                key,
                any_of: any_of.into_iter().map(|value| stored(key, value)).collect(),
                none_of: none_of.into_iter().map(|value| stored(key, &value[1..])).collect(),
            }
        })
        .collect();
    for &(parameter, facet, key, value) in FLAG_FILTERS {
        if params.flag(parameter) {
            filters.push(KeyFilter { facet, key, any_of: vec![value.to_owned()], none_of: Vec::new() });
        }
    }
    let ids = params.get("ids").or_else(|| params.get("id"));
    Ok(ListQuery {
        q: params.get("q").map(str::to_owned),
        filters,
        ids: ids.map(|ids| ids.split(',').map(|id| id.trim().to_owned()).collect()),
        mine: params.flag("mine"),
        unshared: params.get("shared") == Some("false"),
        can: params.list("can").into_iter().map(str::to_owned).collect(),
        orders: orders(params)?,
        skip,
        size,
        facets: facets(params)?,
        sums: sums(params)?,
    })
}

/// A value as the store has it: `null` is the absence of the attribute; `type:id:*` of an owner means any department,
/// like `type:id`.
fn stored(key: &str, value: &str) -> String {
    if value == "null" {
        return ABSENT.to_owned();
    }
    let any_department = if key == "owner-filter" { value.strip_suffix(":*") } else { None };
    any_department.unwrap_or(value).to_owned()
}

fn facets(params: &Params) -> ApiResult<Vec<&'static str>> {
    let known = |name: &str| FACETS.iter().find(|facet| **facet == name).copied();
    let facet = |name: &str| {
        known(name).ok_or_else(|| {
            let among = FACETS.join(", ");
            ApiError::bad_request(format!(
                "Le paramètre \"facets\" ne connaît pas \"{name}\". Au choix : {among}."
            ))
        })
    };
    params.list("facets").into_iter().map(facet).collect()
}

fn sums(params: &Params) -> ApiResult<Vec<(&'static str, &'static str)>> {
    let sum = |name: &str| {
        let known = SUMS.iter().find(|(sum, _)| *sum == name).copied();
        known.ok_or_else(|| {
            ApiError::bad_request(format!(
                "Le paramètre \"sums\" ne connaît pas \"{name}\". Au choix : count."
            ))
        })
    };
    params.list("sums").into_iter().map(sum).collect()
}

/// Fields to sort by, up to [`ORDERS_MAX`]: `field:1`, `field:-1`, `field` or `-field`. `modified` is the date that the
/// producer gave, else that of the data. Days are told apart by the time of the last change.
fn orders(params: &Params) -> ApiResult<Vec<Order>> {
    let fields = params.list("sort").into_iter().take(ORDERS_MAX);
    let mut orders = fields.map(order).collect::<ApiResult<Vec<Order>>>()?;
    match orders.last() {
        Some(Order::KeyAsc("modified-day" | "data-day")) => orders.push(Order::UpdatedAsc),
        Some(Order::KeyDesc("modified-day" | "data-day")) => orders.push(Order::UpdatedDesc),
        _ => {}
    }
    Ok(orders)
}

fn order(field: &str) -> ApiResult<Order> {
    let (field, descending) = match field.split_once(':') {
        Some((field, direction)) => (field, direction == "-1"),
        None => field.strip_prefix('-').map_or((field, false), |field| (field, true)),
    };
    let key = match field {
        "createdAt" if descending => return Ok(Order::CreatedDesc),
        "createdAt" => return Ok(Order::CreatedAsc),
        "updatedAt" | "finalizedAt" if descending => return Ok(Order::UpdatedDesc),
        "updatedAt" | "finalizedAt" => return Ok(Order::UpdatedAsc),
        "title" if descending => return Ok(Order::TitleDesc),
        "title" => return Ok(Order::TitleAsc),
        "modified" => "modified-day",
        "dataUpdatedAt" => "data-day",
        "slug" => "slug",
        "status" => "status",
        "visibility" => "visibility",
        "spatial" => "spatial",
        "owner" | "owner.name" => "owner",
        _ => {
            return Err(ApiError::bad_request(format!(
                "Le paramètre \"sort\" ne connaît pas \"{field}\". Au choix : createdAt, updatedAt, dataUpdatedAt, \
                 finalizedAt, modified, title, slug, status, visibility, spatial, owner."
            )));
        }
    };
    Ok(if descending { Order::KeyDesc(key) } else { Order::KeyAsc(key) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(query: &str) -> Result<ListQuery, String> {
        parse(&Params::parse(query).unwrap()).map_err(|error| error.message)
    }

    #[test]
    fn filters_name_the_keys_of_the_store() {
        let query =
            parsed("owner=organization:v:*,-user:a&visibility=public&rest=true&sort=-title&size=5&page=2")
                .unwrap();
        assert_eq!(query.orders, [Order::TitleDesc]);
        assert_eq!((query.skip, query.size), (5, 5));
        let by_key = |key: &str| query.filters.iter().find(|filter| filter.key == key).unwrap();
        assert_eq!(by_key("owner-filter").any_of, ["organization:v"]);
        assert_eq!(by_key("owner-filter").none_of, ["user:a"]);
        assert_eq!(by_key("type").any_of, ["rest"]);
        assert_eq!(by_key("visibility").facet, "visibility");
    }

    #[test]
    fn what_does_not_exist_is_named() {
        assert!(parsed("facets=color").unwrap_err().contains("\"color\""));
        assert!(parsed("sort=color:1").unwrap_err().contains("\"color\""));
        assert!(parsed("sums=color").unwrap_err().contains("\"color\""));
        assert!(parsed("size=9000&skip=2000").unwrap_err().contains("10000"));
    }

    #[test]
    fn only_impersonal_lists_of_public_datasets_are_shared() {
        let cache = |query: &str| cache_for(&Params::parse(query).unwrap());
        assert_eq!(cache("visibility=public&select=-userPermissions"), CacheFor::Everybody);
        assert_eq!(cache("visibility=public"), CacheFor::Nobody);
        assert_eq!(cache("visibility=public,private&select=-userPermissions"), CacheFor::Nobody);
    }
}
