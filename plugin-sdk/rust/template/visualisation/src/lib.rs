//! Shows in large how many lines of a dataset have a value in a column.

use halle_plugin::serde_json::json;
use halle_plugin::visualisation::{Context, Data, DataRequest, Described, Output, Rendered, Visualisation};
use halle_plugin::{Problem, Result};
use serde::Deserialize;

/// The configuration; its schema is in `plugin.toml`.
#[derive(Debug, Clone, Deserialize)]
pub struct Config {
    dataset: Dataset,
    field: String,
}

/// A dataset, as applications name theirs.
#[derive(Debug, Clone, Deserialize)]
pub struct Dataset {
    id: String,
}

/// The visualisation.
pub struct MyPlugin;

impl Visualisation for MyPlugin {
    type Config = Config;

    fn describe() -> Described {
        Described { title: "Ma visualisation".to_owned(), needs: Vec::new(), sizes: Vec::new() }
    }

    fn query(config: &Config) -> Result<Vec<DataRequest>> {
        Ok(vec![DataRequest {
            name: "count".to_owned(),
            dataset: config.dataset.id.clone(),
            operation: "metric_agg".to_owned(),
            params: json!({ "metric": "value_count", "field": config.field }),
            max_rows: 1,
        }])
    }

    fn render(data: &[Data], _config: &Config, context: &Context) -> Result<Rendered> {
        let rows = data.first().ok_or_else(|| Problem::new("input/missing", "Aucune donnée."))?.rows()?;
        let total = rows.column("metric")?.number(0).unwrap_or_default();
        let (width, height) = (context.width, context.height);
        let label = if context.locale.starts_with("en") { "rows" } else { "lignes" };
        let alt = format!("{total} {label}");
        let svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" role=\"img\"><title>{alt}</title>\
             <text x=\"50%\" y=\"50%\" font-size=\"{}\" text-anchor=\"middle\">{alt}</text></svg>",
            height / 5
        );
        let table = json!({ "columns": [label], "rows": [[total]] });
        Ok(Rendered { output: Output::Svg(svg), alt, table: Some(table) })
    }
}

halle_plugin::export_visualisation!(MyPlugin);
