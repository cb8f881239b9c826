//! Numbers written large, each with what it says.
//!
//! **Invariant:** the same data, configuration and context give the same bytes.

use drawing::config::{Dataset, Metric, Query, given, only};
use drawing::svg::{Anchor, Style, fit, width_of};
use drawing::{Frame, MARGIN};
use halle_plugin::serde_json::json;
use halle_plugin::visualisation::{Context, Data, DataRequest, Described, Output, Rendered, Visualisation};
use halle_plugin::{Problem, Result};
use serde::Deserialize;

/// Figures of one picture.
const FIGURES_MAX: usize = 12;

/// What to show.
#[derive(Debug, Clone, Deserialize)]
pub struct Config {
    /// The one dataset.
    datasets: Vec<Dataset>,
    /// Title above the figures.
    #[serde(default)]
    title: Option<String>,
    /// The figures, in their order.
    figures: Vec<Figure>,
}

/// A figure.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Figure {
    title: String,
    #[serde(default)]
    metric: Metric,
    #[serde(default)]
    metric_field: Option<String>,
    #[serde(default)]
    unit: Option<String>,
    #[serde(default)]
    qs: Option<String>,
}

/// The visualisation.
pub struct KeyFigures;

impl Visualisation for KeyFigures {
    type Config = Config;

    fn describe() -> Described {
        Described { title: "Chiffres clés".to_owned(), needs: Vec::new(), sizes: Vec::new() }
    }

    fn query(config: &Config) -> Result<Vec<DataRequest>> {
        let dataset = only(&config.datasets)?;
        if config.figures.is_empty() || config.figures.len() > FIGURES_MAX {
            return Err(Problem::config("/figures", format!("Donnez 1 à {FIGURES_MAX} chiffres.")));
        }
        let request = |(index, figure): (usize, &Figure)| {
            let lacks_column =
                figure.metric != Metric::Count && given(figure.metric_field.as_ref()).is_none();
            if lacks_column {
                let message = format!("Choisissez la colonne mesurée du chiffre « {} ».", figure.title);
                return Err(Problem::config(format!("/figures/{index}/metricField"), message));
            }
            let column = figure.metric.api_name().and_then(|_| given(figure.metric_field.as_ref()));
            // Without a metric, the host counts lines.
            let query = Query::new(&index.to_string(), dataset, "metric_agg", 1)
                .with("metric", figure.metric.api_name())
                .with("field", column)
                .with("qs", given(figure.qs.as_ref()));
            Ok(query.finish())
        };
        config.figures.iter().enumerate().map(request).collect()
    }

    fn render(data: &[Data], config: &Config, context: &Context) -> Result<Rendered> {
        let frame = Frame::new(context);
        let dataset = config.datasets.first().and_then(|dataset| given(dataset.title.as_ref()));
        let own = given(config.title.as_ref()).or(given(context.title.as_ref())).or(dataset);
        let title = own.unwrap_or(frame.locale.pick("Chiffres clés", "Key figures")).to_owned();
        let frame = frame.titled(title, String::new());
        let mut shown = Vec::with_capacity(config.figures.len());
        for (index, figure) in config.figures.iter().enumerate() {
            let name = index.to_string();
            shown.push((figure, value(data.iter().find(|data| data.name == name), figure)?));
        }
        let written = |(figure, value): &(&Figure, Option<f64>)| {
            value
                .map_or_else(|| "–".to_owned(), |value| frame.locale.with_unit(value, figure.unit.as_deref()))
        };
        let told: Vec<String> = shown
            .iter()
            .map(|item| format!("{}{} {}", item.0.title, frame.locale.pick("\u{a0}:", ":"), written(item)))
            .collect();
        let alt = format!("{}. {}.", frame.title, told.join(" ; "));
        let cards: Vec<(&str, String)> =
            shown.iter().map(|item| (item.0.title.as_str(), written(item))).collect();
        let rows: Vec<_> =
            shown.iter().map(|(figure, value)| json!([figure.title, value, figure.unit])).collect();
        let columns =
            frame.locale.pick("Chiffre,Valeur,Unité", "Figure,Value,Unit").split(',').collect::<Vec<_>>();
        let table = Some(json!({ "columns": columns, "rows": rows }));
        Ok(Rendered { output: Output::Svg(draw(&frame, &cards, &told, &alt)), alt, table })
    }
}

/// The number of an answer; none where no line has a value.
fn value(data: Option<&Data>, figure: &Figure) -> Result<Option<f64>> {
    let missing = || Problem::new("input/missing", format!("Le chiffre « {} » manque.", figure.title));
    let rows = data.ok_or_else(missing)?.rows()?;
    let name = if figure.metric == Metric::Count { "total" } else { "metric" };
    let Ok(column) = rows.column(name) else { return Ok(None) };
    Ok(column.number(0).filter(|value| value.is_finite()))
}

/// Cards side by side, in as many columns as keep them broad.
fn draw(frame: &Frame, cards: &[(&str, String)], told: &[String], alt: &str) -> String {
    let (mut svg, top) = frame.begin(alt);
    let (width, height) = (frame.width - 2.0 * MARGIN, (frame.height - top - MARGIN).max(60.0));
    let gap = 12.0;
    let columns = (1..=cards.len())
        .min_by(|a, b| {
            let badness = |columns: usize| {
                let rows = cards.len().div_ceil(columns);
                let empty = rows * columns - cards.len();
                let ratio = (width / columns as f64) / (height / rows as f64);
                (ratio / 1.9).ln().abs() + empty as f64 * 0.35
            };
            badness(*a).total_cmp(&badness(*b))
        })
        .unwrap_or(1);
    let rows = cards.len().div_ceil(columns);
    let card_width = (width - gap * (columns - 1) as f64) / columns as f64;
    let card_height = (height - gap * (rows - 1) as f64) / rows as f64;
    let small = frame.small();
    let widest = cards.iter().map(|(_, value)| width_of(value, 1.0)).fold(1.0, f64::max);
    // One size for all numbers: a larger one would say that its number is.
    let size = (card_height * 0.38).min((card_width - 24.0) / (widest * 1.22)).clamp(small, 72.0);
    let back = drawing::svg::Colours::between(&frame.colours.background, &frame.colours.primary, 0.08);
    svg.begin_list(&frame.title);
    for (index, ((title, value), told)) in cards.iter().zip(told).enumerate() {
        let (x, y) = (
            MARGIN + (card_width + gap) * (index % columns) as f64,
            top + (card_height + gap) * (index / columns) as f64,
        );
        svg.begin_item(told);
        svg.rect([x, y, card_width, card_height], 8.0, &back);
        svg.rect([x, y, 4.0, card_height], 2.0, &frame.colours.primary);
        let middle = x + card_width / 2.0;
        let text = Style { size, fill: &frame.colours.text, anchor: Anchor::Middle, strong: true };
        let baseline = y + card_height / 2.0 + size * 0.18;
        svg.text(middle, baseline, value, text);
        let below = (baseline + size * 0.25 + small * 1.2).min(y + card_height - small * 0.5);
        svg.text(middle, below, &fit(title, small, card_width - 20.0), frame.muted(Anchor::Middle));
        svg.end();
    }
    svg.end();
    svg.finish()
}

halle_plugin::export_visualisation!(KeyFigures);
