//! A cloud of points: two quantities of each line against each other.

use drawing::config::given;
use drawing::scale::Scale;
use drawing::svg::{Anchor, px, width_of};
use drawing::{Frame, Locale, MARGIN, label};
use halle_plugin::serde_json::{Value, json};
use halle_plugin::visualisation::{Context, Output, Rendered};
use halle_plugin::{Result, Rows};

use crate::config::{Config, POINTS_MAX};
use crate::model::{numeric, own_title};

/// A line of the dataset.
struct Dot {
    across: f64,
    up: f64,
    name: Option<String>,
}

/// Draws the lines of an answer.
pub fn render(rows: &Rows<'_>, config: &Config, context: &Context) -> Result<Rendered> {
    let frame = Frame::new(context);
    let up = config.metric_field.clone().unwrap_or_default();
    let unit = given(config.unit.as_ref()).map(|unit| format!(" ({unit})")).unwrap_or_default();
    let names = [
        config.field_title.clone().unwrap_or_else(|| config.field.clone()),
        format!("{}{unit}", given(config.metric_title.as_ref()).unwrap_or(&up)),
    ];
    let by = frame.locale.pick("selon", "against");
    let what = format!("{} {by} {}", names[1], names[0]);
    let dots = dots(rows, config, &up, frame.locale)?;
    let note = cut_note(&frame, dots.len());
    let (title, subtitle) = match own_title(config, context) {
        Some(title) if note.is_empty() => (title, what),
        Some(title) => (title, format!("{what} · {note}")),
        None => (what, note),
    };
    let frame = frame.titled(title, subtitle);
    let alt = alt(&frame, &dots, &names);
    let picture = if dots.is_empty() { frame.empty(&alt) } else { draw(&frame, &dots, &names, &alt) };
    Ok(Rendered { output: Output::Svg(picture), alt, table: Some(table(&dots, &names, config)) })
}

/// Says that there are more lines than points.
fn cut_note(frame: &Frame, count: usize) -> String {
    if count < POINTS_MAX as usize {
        return String::new();
    }
    let number = frame.locale.number(count as f64);
    match frame.locale {
        Locale::Fr => format!("les {number} premières lignes"),
        Locale::En => format!("the first {number} lines"),
    }
}

fn dots(rows: &Rows<'_>, config: &Config, up: &str, locale: Locale) -> Result<Vec<Dot>> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let across = numeric(rows, &config.field, "/field", &config.field)?;
    let up = numeric(rows, up, "/metricField", up)?;
    let names = given(config.label_field.as_ref()).and_then(|key| rows.column(key).ok());
    let dot = |row: usize| {
        let name = names.map(|names| label::of(names.cell(row), locale));
        Some(Dot { across: across.number(row)?, up: up.number(row)?, name })
    };
    Ok((0..rows.len()).filter_map(dot).filter(|dot| dot.across.is_finite() && dot.up.is_finite()).collect())
}

/// Lowest and highest of some values.
fn extent(values: impl Iterator<Item = f64>) -> [f64; 2] {
    values.fold([f64::MAX, f64::MIN], |[low, high], value| [low.min(value), high.max(value)])
}

/// An axis that begins at zero where that costs little room.
fn axis([low, high]: [f64; 2], ticks: usize) -> Scale {
    let low = if low > 0.0 && low < high * 0.35 { 0.0 } else { low };
    Scale::between(low, high, ticks)
}

fn draw(frame: &Frame, dots: &[Dot], names: &[String; 2], alt: &str) -> String {
    let (mut svg, top) = frame.begin(alt);
    let small = frame.small();
    let top = top + small * 0.5;
    let bottom = frame.height - MARGIN - small * 3.2;
    let up = axis(extent(dots.iter().map(|dot| dot.up)), ((bottom - top) / 55.0) as usize);
    let ticks: Vec<String> = up.ticks.iter().map(|tick| frame.locale.short_number(*tick)).collect();
    let left = MARGIN + ticks.iter().map(|tick| width_of(tick, small)).fold(0.0, f64::max) + 14.0;
    let right = frame.width - MARGIN - 12.0;
    let across = axis(extent(dots.iter().map(|dot| dot.across)), ((right - left) / 90.0) as usize);
    let x = |value: f64| left + across.at(value) * (right - left);
    let y = |value: f64| bottom - up.at(value) * (bottom - top);
    for (tick, text) in up.ticks.iter().zip(&ticks) {
        svg.line([left, y(*tick), right, y(*tick)], &frame.colours.grid, 1.0);
        svg.text(left - 8.0, y(*tick) + small * 0.35, text, frame.muted(Anchor::End));
    }
    for tick in &across.ticks {
        svg.line([x(*tick), top, x(*tick), bottom], &frame.colours.grid, 1.0);
        let text = frame.locale.short_number(*tick);
        svg.text(x(*tick), bottom + small * 1.5, &text, frame.muted(Anchor::Middle));
    }
    svg.text(right, bottom + small * 3.0, &names[0], frame.plain(Anchor::End));
    svg.begin_list(&frame.title);
    // The more points, the smaller and the more transparent: where they lie thick stays visible.
    let many = dots.len() as f64;
    let radius = (60.0 / many.sqrt()).clamp(2.0, 6.0);
    let opacity = px((9.0 / many.sqrt()).clamp(0.25, 0.75) * 10.0).parse::<f64>().unwrap_or(5.0) / 10.0;
    for dot in dots {
        let told = |value: f64| frame.locale.number(value);
        let name = dot.name.as_ref().map(|name| format!("{name} · ")).unwrap_or_default();
        svg.begin_item(&format!("{name}{} {} · {} {}", names[0], told(dot.across), names[1], told(dot.up)));
        svg.circle(
            [x(dot.across), y(dot.up), radius],
            &frame.colours.primary,
            opacity,
            &frame.colours.primary,
        );
        svg.end();
    }
    svg.end();
    svg.finish()
}

fn alt(frame: &Frame, dots: &[Dot], names: &[String; 2]) -> String {
    if dots.is_empty() {
        return format!("{}. {}.", frame.title, frame.no_data());
    }
    let told = |values: [f64; 2]| values.map(|value| frame.locale.number(value));
    let [left, right] = told(extent(dots.iter().map(|dot| dot.across)));
    let [low, high] = told(extent(dots.iter().map(|dot| dot.up)));
    let (title, count) = (&frame.title, dots.len());
    match frame.locale {
        Locale::Fr => format!(
            "{title}. {count} points ; {} de {left} à {right}, {} de {low} à {high}.",
            names[0], names[1]
        ),
        Locale::En => format!(
            "{title}. {count} points; {} from {left} to {right}, {} from {low} to {high}.",
            names[0], names[1]
        ),
    }
}

fn table(dots: &[Dot], names: &[String; 2], config: &Config) -> Value {
    let Some(label) = given(config.label_field.as_ref()) else {
        let rows: Vec<Value> = dots.iter().map(|dot| json!([dot.across, dot.up])).collect();
        return json!({ "columns": names, "rows": rows });
    };
    let rows: Vec<Value> = dots.iter().map(|dot| json!([dot.name, dot.across, dot.up])).collect();
    json!({ "columns": [label, names[0], names[1]], "rows": rows })
}
