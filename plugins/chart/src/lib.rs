//! Bars, lines, areas, rings and surfaces over an aggregation, clouds of points and histograms, as accessible SVG.
//!
//! The picture names itself (`title`, `desc`), each bar, point and slice is an item with a label, colours keep their contrast
//! on light and dark pages, and the same data comes as a sentence and as a table.
//!
//! **Invariant:** the same data, configuration and context give the same bytes.

mod bar;
mod config;
mod histogram;
mod line;
mod model;
mod pie;
mod scatter;
mod sunburst;
mod treemap;

use halle_plugin::visualisation::{Context, Data, DataRequest, Described, Output, Rendered, Visualisation};
use halle_plugin::{Problem, Result};

use config::{Config, Form, GROUPS, PARTS};

/// The visualisation.
pub struct ChartPlugin;

impl Visualisation for ChartPlugin {
    type Config = Config;

    fn describe() -> Described {
        Described { title: "Graphique".to_owned(), needs: Vec::new(), sizes: Vec::new() }
    }

    fn query(config: &Config) -> Result<Vec<DataRequest>> {
        config::requests(config)
    }

    fn render(data: &[Data], config: &Config, context: &Context) -> Result<Rendered> {
        let named = |name: &str| {
            let found = data.iter().find(|data| data.name == name);
            found
                .ok_or_else(|| Problem::new("input/missing", "Les données de l'agrégation manquent."))?
                .rows()
        };
        let rows = named(GROUPS)?;
        match config.form {
            Form::Scatter => return scatter::render(&rows, config, context),
            Form::Histogram => return histogram::render(&rows, config, context),
            _ => {}
        }
        let parts = config.parts().map(|_| named(PARTS)).transpose()?;
        let chart = model::Chart::new(&rows, parts.as_ref(), config, context)?;
        let picture = match config.form {
            _ if chart.points.is_empty() => chart.empty(),
            Form::Line => line::draw(&chart, 0.12),
            Form::Area => line::draw(&chart, 0.55),
            Form::Pie => pie::draw(&chart)?,
            Form::Treemap => treemap::draw(&chart)?,
            Form::Sunburst => sunburst::draw(&chart)?,
            _ => bar::draw(&chart),
        };
        Ok(Rendered { output: Output::Svg(picture), alt: chart.alt(), table: Some(chart.table()) })
    }
}

halle_plugin::export_visualisation!(ChartPlugin);
