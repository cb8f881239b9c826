//! What is drawn, whatever the form.

use halle_plugin::serde_json::{Value, json};
use halle_plugin::visualisation::Context;
use halle_plugin::{Cell, Kind, Problem, Result, Rows};

use crate::config::{Config, Metric};
use crate::locale::Locale;
use crate::svg::{Anchor, Colours, Style, Svg, fit};

/// A group and its measure.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// Name of the group.
    pub label: String,
    /// Its measure.
    pub value: f64,
}

/// A chart, before it has a form.
#[derive(Debug, Clone, PartialEq)]
pub struct Chart {
    /// Groups, in their order.
    pub points: Vec<Point>,
    /// Title.
    pub title: String,
    /// What the groups are.
    pub groups: String,
    /// What is measured, unit included.
    pub measure: String,
    /// Unit.
    pub unit: Option<String>,
    /// Language.
    pub locale: Locale,
    /// Colours.
    pub colours: Colours,
    /// Pixels.
    pub width: f64,
    /// Pixels.
    pub height: f64,
}

/// Room around everything.
pub const MARGIN: f64 = 24.0;

impl Chart {
    /// The chart of an answer to the aggregation.
    pub fn new(rows: &Rows<'_>, config: &Config, context: &Context) -> Result<Self> {
        let locale = Locale::of(&context.locale);
        let measure = measure(config, locale);
        let unit = config.unit.clone().filter(|unit| !unit.is_empty());
        let groups = config.field_title.clone().unwrap_or_else(|| config.field.clone());
        let own = config.title.clone().or_else(|| context.title.clone()).filter(|title| !title.is_empty());
        let title = own.unwrap_or_else(|| format!("{measure} {} {groups}", locale.pick("par", "by")));
        Ok(Self {
            points: points(rows, config, locale)?,
            title,
            groups,
            measure: unit.as_ref().map_or(measure.clone(), |unit| format!("{measure} ({unit})")),
            unit,
            locale,
            colours: Colours::of(&context.theme),
            width: f64::from(context.width.clamp(240, 4_000)),
            height: f64::from(context.height.clamp(160, 4_000)),
        })
    }

    /// Begins the picture: background, title, what is measured. Returns it with the height that is taken.
    pub fn begin(&self) -> (Svg, f64) {
        let mut svg = Svg::new(self.width, self.height, &self.title, &self.alt(), &self.colours);
        let title_size = (self.width / 38.0).clamp(14.0, 24.0);
        let small = self.small();
        let title = Style { size: title_size, fill: &self.colours.text, anchor: Anchor::Start, strong: true };
        let room = self.width - 2.0 * MARGIN;
        svg.text(MARGIN, MARGIN + title_size * 0.8, &fit(&self.title, title_size, room), title);
        let below = MARGIN + title_size * 0.8 + small * 1.7;
        svg.text(MARGIN, below, &fit(&self.measure, small, room), self.muted(Anchor::Start));
        (svg, below + small * 1.2)
    }

    /// The size of small texts, in pixels.
    pub fn small(&self) -> f64 {
        (self.width / 62.0).clamp(10.0, 14.0)
    }

    /// Axis labels and notes.
    pub fn muted(&self, anchor: Anchor) -> Style<'_> {
        Style { size: self.small(), fill: &self.colours.muted, anchor, strong: false }
    }

    /// Names and values.
    pub fn plain(&self, anchor: Anchor) -> Style<'_> {
        Style { size: self.small(), fill: &self.colours.text, anchor, strong: false }
    }

    /// A value, written out.
    pub fn value(&self, value: f64) -> String {
        self.locale.with_unit(value, self.unit.as_deref())
    }

    /// A point, told in words.
    pub fn told(&self, point: &Point) -> String {
        format!("{}{} {}", point.label, self.locale.pick("\u{a0}:", ":"), self.value(point.value))
    }

    /// The picture when there is nothing to draw.
    pub fn empty(&self) -> String {
        let (mut svg, top) = self.begin();
        let text = self.locale.pick("Aucune donnée", "No data");
        svg.text(self.width / 2.0, f64::midpoint(top, self.height), text, self.muted(Anchor::Middle));
        svg.finish()
    }

    /// What a person who does not see the picture is told: the title, how many groups, the extremes.
    pub fn alt(&self) -> String {
        let Some(first) = self.points.first() else {
            return format!("{}. {}", self.title, self.locale.pick("Aucune donnée.", "No data."));
        };
        let by_value = |a: &&Point, b: &&Point| a.value.total_cmp(&b.value);
        let high = self.points.iter().max_by(by_value).unwrap_or(first);
        let low = self.points.iter().min_by(by_value).unwrap_or(first);
        let count = self.points.len();
        match self.locale {
            Locale::Fr if count == 1 => format!("{}. Une seule valeur, {}.", self.title, self.told(first)),
            Locale::En if count == 1 => format!("{}. One value only, {}.", self.title, self.told(first)),
            Locale::Fr => format!(
                "{}. {count} valeurs, de {} ({}) à {} ({}).",
                self.title,
                self.value(low.value),
                low.label,
                self.value(high.value),
                high.label
            ),
            Locale::En => format!(
                "{}. {count} values, from {} ({}) to {} ({}).",
                self.title,
                self.value(low.value),
                low.label,
                self.value(high.value),
                high.label
            ),
        }
    }

    /// The same data as a table.
    pub fn table(&self) -> Value {
        let rows: Vec<Value> = self.points.iter().map(|point| json!([point.label, point.value])).collect();
        json!({ "columns": [self.groups, self.measure], "rows": rows })
    }
}

fn measure(config: &Config, locale: Locale) -> String {
    if let Some(title) = config.metric_title.clone().filter(|title| !title.is_empty()) {
        return title;
    }
    let column = config.metric_field.as_deref().unwrap_or_default();
    let of = |fr: &str, en: &str| format!("{} {column}", locale.pick(fr, en));
    match config.metric {
        Metric::Count => locale.pick("Nombre de lignes", "Number of rows").to_owned(),
        Metric::Sum => of("Somme de", "Sum of"),
        Metric::Avg => of("Moyenne de", "Average of"),
        Metric::Min => of("Minimum de", "Minimum of"),
        Metric::Max => of("Maximum de", "Maximum of"),
    }
}

fn points(rows: &Rows<'_>, config: &Config, locale: Locale) -> Result<Vec<Point>> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let groups = rows.column("value")?;
    let measures = rows.column(if config.metric == Metric::Count { "total" } else { "metric" })?;
    if !matches!(measures.kind(), Kind::Integer | Kind::Number) {
        let message = format!(
            "La colonne « {} » n'est pas numérique.",
            config.metric_field.as_deref().unwrap_or_default()
        );
        return Err(Problem::config("/metricField", message));
    }
    let found = (0..rows.len()).filter_map(|row| {
        let value = measures.number(row).filter(|value| value.is_finite())?;
        Some(Point { label: label(groups.cell(row), locale), value })
    });
    Ok(found.collect())
}

fn label(cell: Cell<'_>, locale: Locale) -> String {
    match cell {
        Cell::Null | Cell::Text("") => locale.pick("sans valeur", "no value").to_owned(),
        Cell::Text("true") | Cell::Boolean(true) => locale.pick("oui", "yes").to_owned(),
        Cell::Text("false") | Cell::Boolean(false) => locale.pick("non", "no").to_owned(),
        Cell::Text(text) => day(text, locale).unwrap_or_else(|| text.to_owned()),
        // Codes and years are no quantities: they are not cut into thousands.
        Cell::Integer(value) => value.to_string(),
        Cell::Number(value) if value.fract() == 0.0 => format!("{value:.0}"),
        Cell::Number(value) => locale.number(value),
        other => {
            let text = other.to_json().as_str().unwrap_or_default().to_owned();
            day(&text, locale).unwrap_or(text)
        }
    }
}

/// A day as French readers write it, or `None` when the text is none.
fn day(text: &str, locale: Locale) -> Option<String> {
    let days = halle_plugin::dates::parse_day(text).filter(|_| locale == Locale::Fr)?;
    let (year, month, day) = halle_plugin::dates::civil(days);
    Some(format!("{day:02}/{month:02}/{year:04}"))
}
