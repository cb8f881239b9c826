//! The list of what is installed: which of it, in which order, and which attributes.

use std::cmp::Ordering;

use axum::Json;
use axum::extract::State;
use halle_extensions::registry::{Installation, Registry};
use halle_http::paging::{List, Paging, select};
use halle_http::{ApiError, ApiResult, Caller, Params};
use halle_model::permission::operation;
use halle_model::plugins::PLUGIN_OPERATIONS;
use halle_model::slug::fold;
use serde_json::{Value, json};

use crate::error::refused;
use crate::http::require;
use crate::views::{ARTEFACT_ATTRIBUTES, ArtefactView, FORMAT};

/// Results of a page when the client does not say.
const PAGE_SIZE_DEFAULT: usize = 10;

/// Formats that clients may ask for: the one of this registry, and those of Data Fair's, of which nothing is here.
const FORMATS: [&str; 3] = [FORMAT, "npm", "file"];

/// Attributes that results can be ordered by.
const SORT_KEYS: [&str; 6] = ["title", "id", "name", "category", "size", "updatedAt"];

/// Lists installed plugins, by title when the client does not say.
#[utoipa::path(get, path = "/registry/api/v1/artefacts", tag = "registry", operation_id = "listArtefacts",
    params(
        ("category" = Option<String>, Query, description = "Kinds, separated by commas: `processing`, `enricher`..."),
        ("format" = Option<String>, Query,
            description = "Formats, separated by commas: `wasm`. There is nothing here of Data Fair's `npm` and `file`"),
        ("q" = Option<String>, Query, description = "Words in identifier or titles"),
        ("sort" = Option<String>, Query,
            description = "`title`, `id`, `name`, `category`, `size`, `updatedAt`, separated by commas; `-size`: descending"),
        ("select" = Option<String>, Query,
            description = "Attributes to answer with, separated by commas, beside `_id` and `id`; `-configSchema`: all but this one"),
        ("size" = Option<usize>, Query), ("page" = Option<usize>, Query),
    ),
    responses((status = 200, description = "`{count, results}`"),
        (status = 400, description = "No such format, order or attribute"),
        (status = 401, description = "Nobody is signed in"),
        (status = 403, description = "The API key has no scope of a feature with plugins")))]
pub async fn list(
    State(registry): State<Registry>,
    caller: Caller,
    params: Params,
) -> ApiResult<Json<List<Value>>> {
    require(&caller, "list")?;
    let paging = Paging::parse(&params, PAGE_SIZE_DEFAULT)?;
    known(&params, "format", &FORMATS, false)?;
    known(&params, "sort", &SORT_KEYS, true)?;
    known(&params, "select", &ARTEFACT_ATTRIBUTES, true)?;
    let installed = registry.list().await.map_err(refused)?;
    let mut wanted: Vec<&Installation> = installed
        .iter()
        .filter(|installation| installation.allows(&caller, operation(PLUGIN_OPERATIONS, "list")))
        .filter(|installation| is_wanted(installation, &params))
        .collect();
    let orders = params.list("sort");
    wanted.sort_by(|one, other| {
        orders
            .iter()
            .map(|order| compare(one, other, order))
            .find(|way| way.is_ne())
            .unwrap_or(Ordering::Equal)
    });
    let count = wanted.len() as u64;
    let page = wanted.into_iter().skip(paging.skip as usize).take(paging.size as usize);
    let results = page.map(|installation| {
        let view = ArtefactView::for_caller(installation, &caller);
        let mut value = serde_json::to_value(view).map_err(ApiError::internal)?;
        select(&mut value, &params, &["_id", "id"]);
        Ok(value)
    });
    Ok(Json(List { count: Some(count), results: results.collect::<ApiResult<_>>()? }))
}

/// 400 for a value of a parameter that nothing is called.
fn known(params: &Params, name: &str, names: &[&str], signed: bool) -> ApiResult<()> {
    for value in params.list(name) {
        let bare = if signed { value.strip_prefix('-').unwrap_or(value) } else { value };
        if !names.contains(&bare) {
            let names = names.join("`, `");
            let shown: String = bare.chars().take(100).collect();
            return Err(ApiError::bad_request(format!(
                "Le paramètre \"{name}\" ne connaît pas `{shown}` : dites `{names}`. The parameter \"{name}\" does not know \
                 `{shown}`: say `{names}`."
            )));
        }
    }
    Ok(())
}

/// Whether the category, the format and the words fit.
fn is_wanted(installation: &Installation, params: &Params) -> bool {
    let plugin = &installation.current.installed.manifest.plugin;
    let (categories, formats) = (params.list("category"), params.list("format"));
    let category = json!(plugin.kind);
    let titles: Vec<&str> = plugin.title.values().map(String::as_str).collect();
    let text = fold(&format!("{} {}", plugin.id, titles.join(" ")));
    (categories.is_empty() || categories.iter().any(|name| category == *name))
        && (formats.is_empty() || formats.contains(&FORMAT))
        && fold(params.get("q").unwrap_or("")).split_whitespace().all(|word| text.contains(word))
}

/// How two plugins stand by one of [`SORT_KEYS`]; a minus turns it round.
fn compare(one: &Installation, other: &Installation, order: &str) -> Ordering {
    let (key, is_descending) = order.strip_prefix('-').map_or((order, false), |key| (key, true));
    let plugins = [one, other].map(|installation| &installation.current.installed.manifest.plugin);
    let titles = || {
        plugins.map(|plugin| plugin.title.get("fr").or(plugin.title.values().next()).map(|title| fold(title)))
    };
    let way = match key {
        "title" => titles()[0].cmp(&titles()[1]),
        "category" => json!(plugins[0].kind).to_string().cmp(&json!(plugins[1].kind).to_string()),
        "size" => one.current.package_bytes.cmp(&other.current.package_bytes),
        "updatedAt" => one.current.installed_at.cmp(&other.current.installed_at),
        _id_or_name => plugins[0].id.cmp(&plugins[1].id),
    };
    if is_descending { way.reverse() } else { way }
}
