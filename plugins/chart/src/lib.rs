//! Bars, a line or a ring over an aggregation, as accessible SVG.
//!
//! The picture names itself (`title`, `desc`), each bar, point and slice is an item with a label, colours keep their contrast
//! on light and dark pages, and the same data comes as a sentence and as a table.
//!
//! **Invariant:** the same data, configuration and context give the same bytes.

mod bar;
mod config;
mod line;
mod locale;
mod model;
mod pie;
mod scale;
mod svg;

use halle_plugin::visualisation::{Context, Data, DataRequest, Described, Output, Rendered, Visualisation};
use halle_plugin::{Problem, Result};

use config::{Config, Form, GROUPS};

/// The visualisation.
pub struct ChartPlugin;

impl Visualisation for ChartPlugin {
    type Config = Config;

    fn describe() -> Described {
        Described { title: "Graphique".to_owned(), needs: Vec::new(), sizes: Vec::new() }
    }

    fn query(config: &Config) -> Result<Vec<DataRequest>> {
        config::request(config).map(|request| vec![request])
    }

    fn render(data: &[Data], config: &Config, context: &Context) -> Result<Rendered> {
        let groups = data.iter().find(|data| data.name == GROUPS);
        let groups =
            groups.ok_or_else(|| Problem::new("input/missing", "Les données de l'agrégation manquent."))?;
        let chart = model::Chart::new(&groups.rows()?, config, context)?;
        let picture = match config.form {
            _ if chart.points.is_empty() => chart.empty(),
            Form::Bar => bar::draw(&chart),
            Form::Line => line::draw(&chart),
            Form::Pie => pie::draw(&chart)?,
        };
        Ok(Rendered { output: Output::Svg(picture), alt: chart.alt(), table: Some(chart.table()) })
    }
}

halle_plugin::export_visualisation!(ChartPlugin);
