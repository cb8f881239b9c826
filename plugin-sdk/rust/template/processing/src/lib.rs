//! Reads a JSON list of `{"name", "size"}` and makes it the content of the slot `output`.

use halle_plugin::host::{datasets, progress};
use halle_plugin::processing::{Outcome, Processing, Trigger};
use halle_plugin::serde_json::Value;
use halle_plugin::{BatchBuilder, Field, Kind, Result, check_cancelled, http, info, warn};
use serde::Deserialize;

/// Rows that are written at a time.
const BATCH_ROWS: usize = 1_000;

/// The configuration; its schema is in `plugin.toml`.
#[derive(Debug, Clone, Deserialize)]
pub struct Config {
    url: String,
}

/// The processing.
pub struct MyPlugin;

impl Processing for MyPlugin {
    type Config = Config;

    fn title() -> String {
        "Mon traitement".to_owned()
    }

    fn run(config: Config, _trigger: Trigger) -> Result<Outcome> {
        let items: Vec<Value> = http::get_json(&config.url)?;
        info(format!("{} éléments lus", items.len()));
        let fields = [Field::new("name", Kind::Text), Field::new("size", Kind::Number)];
        let writer = datasets::open_write("output", "replace", &fields)?;
        progress::task("Écriture", Some(items.len() as u64));
        for (index, items) in items.chunks(BATCH_ROWS).enumerate() {
            check_cancelled()?;
            let mut batch = BatchBuilder::new(&fields);
            for item in items {
                for problem in batch.push_json(&[&item["name"], &item["size"]])? {
                    warn(problem.message);
                }
            }
            writer.write(&batch.finish())?;
            progress::advance((index * BATCH_ROWS + items.len()) as u64);
        }
        let report = datasets::Writer::commit(writer)?;
        Ok(Outcome { summary: format!("{} lignes écrites", report.rows), details: None })
    }
}

halle_plugin::export_processing!(MyPlugin);

#[cfg(test)]
mod tests {
    use super::*;
    use halle_plugin::serde_json::json;
    use halle_plugin::testing::FakeHost;

    #[test]
    fn a_list_becomes_rows() {
        let url = "https://api.test/list".to_owned();
        let host = FakeHost::default().on_json("GET", &url, r#"[{"name": "a", "size": 1.5}, {"name": "b"}]"#);
        let (outcome, host) = host.run(|| MyPlugin::run(Config { url }, Trigger::default()));
        assert_eq!(outcome.unwrap().summary, "2 lignes écrites");
        assert_eq!(host.written[0].rows(), [json!({ "name": "a", "size": 1.5 }), json!({ "name": "b" })]);
    }
}
