//! Aggregations.

use halle_model::slug::fold;
use halle_model::{Caller, Column, ColumnKind};
use halle_search::ast::{Interval, Metric};
use halle_search::engine::{Group, Groups};
use halle_search::params::{
    GeoAggParams, MetricAggParams, Params, SimpleMetricsParams, ValuesAggParams, ValuesParams, WordsAggParams,
};
use halle_search::{Query, geohash};
use serde_json::{Map, Value, json};

use super::Reading;
use crate::error::{DatasetsError, DatasetsResult};
use crate::service::period::instant;
use crate::state::Datasets;

/// Values of `values-labels/{col}` when the client does not say.
const LABELS_DEFAULT: &str = "1000";

/// Groups, and how to go on after them.
#[derive(Debug, Clone, PartialEq)]
pub struct ValuesAggAnswer {
    /// `{total, total_values, total_other, aggs}`.
    pub body: Map<String, Value>,
    /// Filter to add to the question for the next groups, such as `("annee_gt", "2020")`.
    pub next: Option<(String, String)>,
}

impl Datasets {
    /// Groups and metrics, as `GET /datasets/{id}/values_agg` answers them, without `next`.
    pub async fn values_agg(&self, caller: &Caller, id: &str, params: &Params) -> DatasetsResult<Value> {
        let answer = self.open(caller, id, "getValuesAgg").await?.values_agg(params).await?;
        Ok(Value::Object(answer.body))
    }

    /// One metric: `{total, metric}`.
    pub async fn metric_agg(&self, caller: &Caller, id: &str, params: &Params) -> DatasetsResult<Value> {
        self.open(caller, id, "getMetricAgg").await?.metric_agg(params).await
    }
}

impl Reading {
    /// Groups and metrics.
    pub async fn values_agg(&self, params: &Params) -> DatasetsResult<ValuesAggAnswer> {
        let asked = ValuesAggParams::parse(params, &self.fields())?;
        let level = asked.request.levels[0].clone();
        let groups = self.index.values_agg(asked.request).await?;
        let full = level.size > 0 && groups.groups.len() == level.size;
        // Groups by interval would come again: their value is where the interval begins.
        let next =
            asked.by_key.filter(|_| full && level.interval == Interval::Value).and_then(|descending| {
                let last = text_of(&groups.groups.last()?.value)?;
                let suffix = if descending { "lt" } else { "gt" };
                Some((format!("{}_{suffix}", level.column), last))
            });
        // Data Fair does not count groups when told to count them without any precision.
        let counts = params.get("precision_threshold") != Some("0");
        Ok(ValuesAggAnswer { body: groups_json(groups, counts)?, next })
    }

    /// How these groups are found: steps, and lines by part of the index.
    pub async fn explain_values_agg(&self, params: &Params) -> DatasetsResult<Value> {
        let asked = ValuesAggParams::parse(params, &self.fields())?;
        let explained = self.index.explain(asked.request).await?;
        serde_json::to_value(explained).map_err(DatasetsError::internal)
    }

    /// Groups by cell of the geohash grid: `{total, aggs: [{total, value, centroid, center, bbox, results, metric?}]}`.
    pub async fn geo_agg(&self, params: &Params) -> DatasetsResult<Value> {
        let extent = match self.dataset.bbox {
            Some(extent) => Some(extent),
            // Lines that are edited have no box of their own yet.
            None => self.index.bbox(Query::All).await?,
        };
        let asked = GeoAggParams::parse(params, &self.fields(), extent)?;
        let groups = self.index.values_agg(asked.request).await?;
        let total = groups.total;
        let cells = groups.groups.into_iter().map(cell_json).collect::<DatasetsResult<Vec<_>>>()?;
        Ok(json!({ "total": total, "aggs": cells }))
    }

    /// The same as GeoJSON: a point for each cell, where its lines are on average.
    pub async fn geo_agg_features(&self, params: &Params) -> DatasetsResult<Value> {
        let mut answer = self.geo_agg(params).await?;
        let cells = match answer["aggs"].take() {
            Value::Array(cells) => cells,
            _ => Vec::new(),
        };
        let features = cells.into_iter().map(|mut cell| {
            let centroid = cell["centroid"].take();
            let coordinates = [centroid["lon"].clone(), centroid["lat"].clone()];
            let bbox = cell["bbox"].take();
            if let Some(properties) = cell.as_object_mut() {
                properties.retain(|name, _| !matches!(name.as_str(), "centroid" | "bbox"));
            }
            json!({
                "type": "Feature",
                "id": cell["value"],
                "bbox": bbox,
                "geometry": { "type": "Point", "coordinates": coordinates },
                "properties": cell,
            })
        });
        let features: Vec<Value> = features.collect();
        Ok(json!({ "type": "FeatureCollection", "total": answer["total"], "features": features }))
    }

    /// One metric over one column.
    pub async fn metric_agg(&self, params: &Params) -> DatasetsResult<Value> {
        let asked = MetricAggParams::parse(params, &self.fields())?;
        let (total, metric) =
            self.index.metric(asked.query, &asked.column, asked.metric, &asked.percents).await?;
        Ok(json!({ "total": total, "metric": metric }))
    }

    /// The smallest ([`Metric::Min`]) or largest value of a column of numbers or dates, as a bare number: milliseconds since
    /// 1970-01-01 UTC for dates; null when no line has one.
    pub async fn extreme(&self, column: &str, metric: Metric, params: &Params) -> DatasetsResult<Value> {
        let name = if metric == Metric::Min { "min" } else { "max" };
        let question = params.clone().with("metric", name).with("field", column);
        let asked = MetricAggParams::parse(&question, &self.fields())?;
        let kind = self.fields().get(&asked.column).map(Column::kind);
        if kind == Some(ColumnKind::Text) {
            let message = format!("Le champ {column} n'est ni un nombre ni une date : utilisez metric_agg.");
            return Err(DatasetsError::BadRequest(message));
        }
        let (_, value) = self.index.metric(asked.query, &asked.column, metric, &[]).await?;
        Ok(match value {
            Value::String(_) => {
                instant(&value).map_or(Value::Null, |instant| instant.as_millisecond().into())
            }
            value => value,
        })
    }

    /// The words of a column: `{total, sample, results: [{word, total, score}]}`. Every line counts: the sample is all of
    /// them.
    pub async fn words_agg(&self, params: &Params) -> DatasetsResult<Value> {
        let asked = WordsAggParams::parse(params, &self.fields())?;
        let found = self.index.words(asked.request).await?;
        let words = found.words.into_iter();
        let results: Vec<Value> = words
            .map(|word| json!({ "word": word.word, "total": word.total, "score": word.score }))
            .collect();
        Ok(json!({ "total": found.total, "sample": found.total, "results": results }))
    }

    /// Several metrics over several columns.
    pub async fn simple_metrics_agg(&self, params: &Params) -> DatasetsResult<Value> {
        let asked = SimpleMetricsParams::parse(params, &self.fields())?;
        let (mut total, mut columns) = (None, Map::new());
        for (column, metric, name) in asked.metrics {
            let (lines, value) = self.index.metric(asked.query.clone(), &column, metric, &[]).await?;
            total = Some(lines);
            let metrics = columns.entry(column).or_insert_with(|| Value::Object(Map::new()));
            metrics[name] = value;
        }
        let total = match total {
            Some(total) => total,
            // No column can be measured: count at least.
            None => {
                let count = params.clone().with("size", "0").with("select", "_id");
                self.lines(&count).await?.total.unwrap_or(0)
            }
        };
        Ok(json!({ "total": total, "metrics": columns }))
    }

    /// Distinct values of a column, most frequent first.
    pub async fn values(&self, column: &str, params: &Params) -> DatasetsResult<Vec<Value>> {
        let asked = ValuesParams::parse(params, column, &self.fields())?;
        let mut groups = self.index.values_agg(asked.request).await?.groups;
        if let Some(text) = &asked.relevant_to {
            // Most frequent first among those that are as near to what was typed.
            let text = fold(text);
            groups.sort_by_cached_key(|group| {
                std::cmp::Reverse(text_of(&group.value).map_or(0, |value| relevance(&fold(&value), &text)))
            });
            groups.truncate(asked.size);
        }
        let values = groups.into_iter().map(|group| group.value);
        if !asked.stringify {
            return Ok(values.collect());
        }
        Ok(values.filter_map(|value| text_of(&value)).map(Value::from).collect())
    }

    /// Distinct values of a column with their labels: `[{value, label}]`.
    pub async fn values_labels(&self, column: &str, params: &Params) -> DatasetsResult<Vec<Value>> {
        let known = self.dataset.column(column);
        let labels = known.and_then(|column| column.labels.clone()).unwrap_or_default();
        let restricted = known.is_some_and(|column| {
            column.other.get("x-labelsRestricted").and_then(Value::as_bool).unwrap_or(false)
        });
        if restricted {
            return Ok(labels
                .iter()
                .map(|(value, label)| json!({ "value": value, "label": label }))
                .collect());
        }
        let mut params = params.clone();
        if params.get("size").is_none() {
            params = params.with("size", LABELS_DEFAULT);
        }
        let values = self.values(column, &params).await?;
        let labelled = values.into_iter().map(|value| {
            let text = text_of(&value).unwrap_or_default();
            let label = labels.get(&text).filter(|label| !label.is_empty()).unwrap_or(&text);
            json!({ "value": value, "label": label })
        });
        Ok(labelled.collect())
    }
}

/// How near a value is to what was typed, both without case and accents: the same, with the same beginning, with a word
/// of the same beginning, or with these words somewhere.
fn relevance(value: &str, typed: &str) -> u8 {
    let typed = typed.trim().trim_end_matches('*');
    let begins = |at: usize| value[..at].chars().next_back().is_none_or(|before| !before.is_alphanumeric());
    if value == typed {
        3
    } else if value.starts_with(typed) {
        2
    } else {
        u8::from(value.match_indices(typed).any(|(at, _)| begins(at)))
    }
}

fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

fn groups_json(groups: Groups, counts: bool) -> DatasetsResult<Map<String, Value>> {
    let mut body = Map::new();
    body.insert("total".to_owned(), groups.total.into());
    if counts {
        body.insert("total_values".to_owned(), groups.total_values.into());
    }
    body.insert("total_other".to_owned(), groups.total_other.into());
    let aggs = groups
        .groups
        .into_iter()
        .map(|group| group_json(group, counts))
        .collect::<DatasetsResult<Vec<_>>>()?;
    body.insert("aggs".to_owned(), aggs.into());
    Ok(body)
}

/// A cell, with the mean of its points, its middle and its box.
fn cell_json(group: Group) -> DatasetsResult<Value> {
    let area = group.value.as_str().and_then(geohash::area);
    let centroid = group.centroid;
    let mut body = group_json(group, true)?;
    if let (Some((lon, lat)), Some([west, south, east, north])) = (centroid, area) {
        let (middle_lon, middle_lat) = (f64::midpoint(west, east), f64::midpoint(south, north));
        body["centroid"] = json!({ "lat": lat, "lon": lon });
        body["center"] = json!({ "lat": middle_lat, "lon": middle_lon });
        body["bbox"] = json!([west, south, east, north]);
    }
    Ok(body)
}

pub(super) fn group_json(group: Group, counts: bool) -> DatasetsResult<Value> {
    let mut body = Map::new();
    body.insert("total".to_owned(), group.total.into());
    body.insert("value".to_owned(), group.value);
    let lines = group.lines.iter().map(|line| serde_json::from_slice(line));
    let lines: Vec<Value> = lines.collect::<Result<_, _>>().map_err(DatasetsError::internal)?;
    body.insert("results".to_owned(), lines.into());
    body.extend(group.metrics);
    if let Some(inner) = group.inner {
        let inner = groups_json(inner, counts)?;
        // `total` of the inner level is that of the group itself.
        body.extend(inner.into_iter().filter(|(name, _)| name != "total"));
    }
    Ok(Value::Object(body))
}
