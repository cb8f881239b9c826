//! Single searches: what a person types, completed.

use std::collections::HashSet;

use halle_model::Caller;
use halle_search::Query;
use halle_search::ast::Metric;
use halle_search::params::{LinesParams, Params};
use serde_json::{Map, Value, json};

use super::{conditions, offers, unknown};
use crate::error::{DatasetsError, DatasetsResult};
use crate::service::read::Reading;
use crate::state::Datasets;

/// Answers of one search at most.
const SIZE_MAX: usize = 1_000;

/// Lines looked at to find answers that differ.
const LINES_MAX: usize = 10_000;

/// Lines asked at a time.
const PAGE_LINES: usize = 500;

impl Datasets {
    /// `{total, results: [{output, label, score}]}`: values of the output column, each once, that fit what was typed; in
    /// alphabetical order when nothing was.
    pub async fn single_search(
        &self,
        caller: &Caller,
        id: &str,
        search: &str,
        params: &Params,
    ) -> DatasetsResult<(Reading, Value)> {
        let reading = self.open(caller, id, "readLines").await?;
        let offered = offers(reading.dataset()).single_searchs;
        let search = offered.into_iter().find(|one| one.id == search).ok_or_else(|| unknown(search))?;
        let output = search.output.key();
        let label = search.label.as_ref().map_or(output, |label| label.key());
        let size = params.number("size", 12, SIZE_MAX)?;
        let typed = params.get("q").is_some();
        let keys = if label == output { output.to_owned() } else { format!("{output},{label}") };
        let mut asked = params.clone().with("select", &keys).with("page", "").with("after", "");
        asked = asked.with("size", &PAGE_LINES.to_string()).with("count", "false");
        asked = if typed { asked.with("q_mode", "complete") } else { asked.with("sort", label) };
        let asked = LinesParams::parse(&asked, &reading.fields())?;
        let mut request = asked.request(PAGE_LINES);
        request.query = Query::And(vec![
            request.query,
            Query::Unscored(Box::new(conditions(&search.filters, reading.columns())?)),
            Query::Exists { column: output.to_owned() },
        ]);
        let counted = reading.index().metric(request.query.clone(), output, Metric::Cardinality, &[]).await?;
        let (mut results, mut known, mut looked_at) = (Vec::new(), HashSet::new(), 0);
        while results.len() < size && looked_at < LINES_MAX {
            let page = reading.index().lines(request.clone()).await?;
            looked_at += page.lines.len();
            for line in &page.lines {
                let line: Map<String, Value> =
                    serde_json::from_slice(line).map_err(DatasetsError::internal)?;
                let value = line.get(output);
                if results.len() < size && known.insert(value.map(Value::to_string)) {
                    let label = line.get(label).or(value);
                    results.push(json!({ "output": value, "label": label, "score": line.get("_score") }));
                }
            }
            let Some(next) = page.next else { break };
            request.after = Some(next);
        }
        Ok((reading, json!({ "total": counted.1, "results": results })))
    }
}
