//! How often values of a quantity occur: bars side by side, their edges on the axis.
//!
//! With a width in the configuration, the API counts; without, the values of the first lines are counted here, in about as
//! many bars as the logarithm of their number wants (Sturges).

use drawing::config::given;
use drawing::scale::Scale;
use drawing::svg::{Anchor, width_of};
use drawing::{Frame, Locale, MARGIN};
use halle_plugin::serde_json::{Value, json};
use halle_plugin::visualisation::{Context, Output, Rendered};
use halle_plugin::{Problem, Result, Rows};

use crate::config::{Config, VALUES_MAX};
use crate::model::{numeric, own_title};

/// Bars that fit in a picture.
const BARS_MAX: usize = 200;

/// How many values lie from a number on, below the next.
struct Bin {
    from: f64,
    to: f64,
    count: f64,
}

/// Draws an answer.
pub fn render(rows: &Rows<'_>, config: &Config, context: &Context) -> Result<Rendered> {
    let frame = Frame::new(context);
    let name = config.field_title.clone().unwrap_or_else(|| config.field.clone());
    let name = given(config.unit.as_ref()).map_or(name.clone(), |unit| format!("{name} ({unit})"));
    let distribution = frame.locale.pick("Répartition", "Distribution");
    let title = own_title(config, context).unwrap_or_else(|| format!("{distribution} : {name}"));
    let is_cut = given(config.interval.as_ref()).is_none() && rows.len() >= VALUES_MAX as usize;
    let count = frame.locale.pick("Nombre de lignes", "Number of rows");
    let note = frame.locale.pick(" · les premières lignes seulement", " · the first lines only");
    let subtitle = format!("{count}{}", if is_cut { note } else { "" });
    let frame = frame.titled(title, subtitle);
    let bins = match given(config.interval.as_ref()) {
        Some(interval) => counted(rows, config, interval)?,
        None => count_values(rows, config)?,
    };
    let alt = alt(&frame, &bins);
    let picture = if bins.is_empty() { frame.empty(&alt) } else { draw(&frame, &bins, &name, &alt) };
    let cells = bins.iter().map(|bin| json!([bin.from, bin.to, bin.count]));
    let (from, to) = (frame.locale.pick("de", "from"), frame.locale.pick("à moins de", "to below"));
    let columns = json!([format!("{name}, {from}"), to, count]);
    let table: Value = json!({ "columns": columns, "rows": cells.collect::<Vec<_>>() });
    Ok(Rendered { output: Output::Svg(picture), alt, table: Some(table) })
}

/// The groups of the API, with those in which nothing lies.
fn counted(rows: &Rows<'_>, config: &Config, interval: &str) -> Result<Vec<Bin>> {
    let width: f64 = interval.parse().ok().filter(|width| *width > 0.0).ok_or_else(|| {
        Problem::config(
            "/interval",
            "Donnez la largeur des barres en nombre, ou rien pour la laisser choisir.",
        )
    })?;
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let starts = numeric(rows, "value", "/field", &config.field)?;
    let totals = rows.column("total")?;
    let groups: Vec<(f64, f64)> =
        (0..rows.len()).filter_map(|row| Some((starts.number(row)?, totals.number(row)?))).collect();
    let low = groups.iter().map(|(start, _)| *start).fold(f64::MAX, f64::min);
    let high = groups.iter().map(|(start, _)| *start).fold(f64::MIN, f64::max);
    let bars = if groups.is_empty() { 0 } else { ((high - low) / width).round() as usize + 1 };
    if bars > BARS_MAX {
        let message =
            format!("Cela ferait {bars} barres, au plus {BARS_MAX} : donnez une largeur plus grande.");
        return Err(Problem::config("/interval", message));
    }
    let mut bins = bins(low, width, bars);
    for (start, total) in groups {
        if let Some(bin) = bins.get_mut(((start - low) / width).round() as usize) {
            bin.count += total;
        }
    }
    Ok(bins)
}

/// Counts the values of lines.
fn count_values(rows: &Rows<'_>, config: &Config) -> Result<Vec<Bin>> {
    if rows.is_empty() || rows.fields().is_empty() {
        return Ok(Vec::new());
    }
    let column = numeric(rows, &config.field, "/field", &config.field)?;
    let values: Vec<f64> =
        (0..rows.len()).filter_map(|row| column.number(row)).filter(|value| value.is_finite()).collect();
    if values.is_empty() {
        return Ok(Vec::new());
    }
    let low = values.iter().copied().fold(f64::MAX, f64::min);
    let high = values.iter().copied().fold(f64::MIN, f64::max);
    let wanted = ((values.len() as f64).log2().ceil() + 1.0).clamp(5.0, 20.0) as usize;
    let edges = Scale::between(low, high, wanted).ticks;
    let (first, width) = (edges[0], edges.get(1).map_or(1.0, |second| second - edges[0]));
    // The highest value lies in a bar of its own when it is on an edge.
    let bars = ((high - first) / width).floor() as usize + 1;
    let mut bins = bins(first, width, bars);
    for value in values {
        let index = (((value - first) / width).floor() as usize).min(bars - 1);
        bins[index].count += 1.0;
    }
    Ok(bins)
}

fn bins(first: f64, width: f64, count: usize) -> Vec<Bin> {
    // Rounded to what the width can mean, so that edges read 0.3 and not 0.30000000000000004.
    let digits = (3.0 - width.log10().floor()).clamp(0.0, 12.0) as i32;
    let edge = |index: usize| {
        let scale = 10_f64.powi(digits);
        ((first + width * index as f64) * scale).round() / scale
    };
    (0..count).map(|index| Bin { from: edge(index), to: edge(index + 1), count: 0.0 }).collect()
}

fn draw(frame: &Frame, bins: &[Bin], name: &str, alt: &str) -> String {
    let (mut svg, top) = frame.begin(alt);
    let small = frame.small();
    let top = top + small * 0.5;
    let bottom = frame.height - MARGIN - small * 3.2;
    let up = Scale::over(bins.iter().map(|bin| bin.count), ((bottom - top) / 55.0) as usize);
    let ticks: Vec<String> = up.ticks.iter().map(|tick| frame.locale.short_number(*tick)).collect();
    let left = MARGIN + ticks.iter().map(|tick| width_of(tick, small)).fold(0.0, f64::max) + 14.0;
    let right = frame.width - MARGIN - 12.0;
    let bar = (right - left) / bins.len() as f64;
    let y = |value: f64| bottom - up.at(value) * (bottom - top);
    for (tick, text) in up.ticks.iter().zip(&ticks) {
        svg.line([left, y(*tick), right, y(*tick)], &frame.colours.grid, 1.0);
        svg.text(left - 8.0, y(*tick) + small * 0.35, text, frame.muted(Anchor::End));
    }
    svg.begin_list(&frame.subtitle);
    for (index, bin) in bins.iter().enumerate() {
        svg.begin_item(&told(frame, bin));
        let x = left + bar * index as f64;
        svg.rect(
            [x + 0.5, y(bin.count), (bar - 1.0).max(0.5), bottom - y(bin.count)],
            0.0,
            &frame.colours.primary,
        );
        svg.end();
    }
    svg.end();
    svg.line([left, bottom, right, bottom], &frame.colours.muted, 1.0);
    let edges: Vec<f64> = bins.iter().map(|bin| bin.from).chain(bins.last().map(|bin| bin.to)).collect();
    let texts: Vec<String> = edges.iter().map(|edge| frame.locale.short_number(*edge)).collect();
    let widest = texts.iter().map(|text| width_of(text, small)).fold(0.0, f64::max);
    let every = ((widest + 14.0) / bar).ceil().max(1.0) as usize;
    for (index, text) in texts.iter().enumerate().step_by(every) {
        svg.text(left + bar * index as f64, bottom + small * 1.5, text, frame.muted(Anchor::Middle));
    }
    svg.text(right, bottom + small * 3.0, name, frame.plain(Anchor::End));
    svg.finish()
}

/// A bar, told in words.
fn told(frame: &Frame, bin: &Bin) -> String {
    let [from, to, count] = [bin.from, bin.to, bin.count].map(|value| frame.locale.number(value));
    match frame.locale {
        Locale::Fr => format!("de {from} à moins de {to}\u{a0}: {count}"),
        Locale::En => format!("from {from} to below {to}: {count}"),
    }
}

fn alt(frame: &Frame, bins: &[Bin]) -> String {
    let Some(most) = bins.iter().max_by(|a, b| a.count.total_cmp(&b.count)) else {
        return format!("{}. {}.", frame.title, frame.no_data());
    };
    let count = frame.locale.number(bins.iter().map(|bin| bin.count).sum());
    let (title, most) = (&frame.title, told(frame, most));
    match frame.locale {
        Locale::Fr => format!("{title}. {count} valeurs en {} classes, la plus fournie {most}.", bins.len()),
        Locale::En => format!("{title}. {count} values in {} classes, most of them {most}.", bins.len()),
    }
}
