//! What is drawn, whatever the form.

use std::ops::Deref;

use drawing::config::{Metric, given};
use drawing::svg::Svg;
use drawing::{Frame, Locale, label};
use halle_plugin::serde_json::{Value, json};
use halle_plugin::visualisation::Context;
use halle_plugin::{Kind, Problem, Reader, Result, Rows};

use crate::config::Config;

/// A group and its measure.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// Name of the group.
    pub label: String,
    /// Its measure.
    pub value: f64,
}

/// A group, and the parts it is divided into.
#[derive(Debug, Clone, PartialEq)]
pub struct Branch {
    /// The group.
    pub whole: Point,
    /// Its parts; none when groups are not divided.
    pub parts: Vec<Point>,
}

/// A chart of groups, before it has a form.
#[derive(Debug, Clone, PartialEq)]
pub struct Chart {
    /// Groups, in their order.
    pub points: Vec<Point>,
    /// The same, with their parts.
    pub branches: Vec<Branch>,
    /// What the groups are.
    pub groups: String,
    /// What their parts are, where they are divided.
    pub parts: Option<String>,
    /// What is measured, unit included.
    pub measure: String,
    /// Unit.
    pub unit: Option<String>,
    frame: Frame,
}

impl Deref for Chart {
    type Target = Frame;

    fn deref(&self) -> &Frame {
        &self.frame
    }
}

impl Chart {
    /// The chart of the answers: groups, and their parts where they are divided.
    pub fn new(
        rows: &Rows<'_>,
        parts: Option<&Rows<'_>>,
        config: &Config,
        context: &Context,
    ) -> Result<Self> {
        let frame = Frame::new(context);
        let locale = frame.locale;
        let measure = given(config.metric_title.as_ref()).map_or_else(
            || config.metric.title(config.metric_field.as_deref().unwrap_or_default(), locale),
            str::to_owned,
        );
        let unit = config.unit.clone().filter(|unit| !unit.is_empty());
        let groups = config.field_title.clone().unwrap_or_else(|| config.field.clone());
        let title = own_title(config, context)
            .unwrap_or_else(|| format!("{measure} {} {groups}", locale.pick("par", "by")));
        let measure = unit.as_ref().map_or(measure.clone(), |unit| format!("{measure} ({unit})"));
        let mut branches: Vec<Branch> = measures(rows, config, locale)?
            .into_iter()
            .map(|(_, whole)| Branch { whole, parts: Vec::new() })
            .collect();
        if let Some(parts) = parts {
            divide(&mut branches, measures(parts, config, locale)?, locale);
        }
        Ok(Self {
            points: branches.iter().map(|branch| branch.whole.clone()).collect(),
            branches,
            groups,
            parts: config.parts().map(str::to_owned),
            unit,
            frame: frame.titled(title, measure.clone()),
            measure,
        })
    }

    /// Begins the picture. Returns it with the height that is taken.
    pub fn begin(&self) -> (Svg, f64) {
        self.frame.begin(&self.alt())
    }

    /// The picture when there is nothing to draw.
    pub fn empty(&self) -> String {
        self.frame.empty(&self.alt())
    }

    /// A value, written out.
    pub fn value(&self, value: f64) -> String {
        self.locale.with_unit(value, self.unit.as_deref())
    }

    /// A point, told in words.
    pub fn told(&self, point: &Point) -> String {
        format!("{}{} {}", point.label, self.locale.pick("\u{a0}:", ":"), self.value(point.value))
    }

    /// What a person who does not see the picture is told: the title, how many groups, the extremes.
    pub fn alt(&self) -> String {
        let Some(first) = self.points.first() else {
            return format!("{}. {}.", self.title, self.no_data());
        };
        let by_value = |a: &&Point, b: &&Point| a.value.total_cmp(&b.value);
        let high = self.points.iter().max_by(by_value).unwrap_or(first);
        let low = self.points.iter().min_by(by_value).unwrap_or(first);
        let count = self.points.len();
        let told = |point: &Point| format!("{} ({})", self.value(point.value), point.label);
        match self.locale {
            Locale::Fr if count == 1 => format!("{}. Une seule valeur, {}.", self.title, self.told(first)),
            Locale::En if count == 1 => format!("{}. One value only, {}.", self.title, self.told(first)),
            Locale::Fr => format!("{}. {count} valeurs, de {} à {}.", self.title, told(low), told(high)),
            Locale::En => format!("{}. {count} values, from {} to {}.", self.title, told(low), told(high)),
        }
    }

    /// The same data as a table.
    pub fn table(&self) -> Value {
        let Some(parts) = &self.parts else {
            let rows: Vec<Value> =
                self.points.iter().map(|point| json!([point.label, point.value])).collect();
            return json!({ "columns": [self.groups, self.measure], "rows": rows });
        };
        let rows = self.branches.iter().flat_map(|branch| {
            branch.parts.iter().map(|part| json!([branch.whole.label, part.label, part.value]))
        });
        json!({ "columns": [self.groups, parts, self.measure], "rows": rows.collect::<Vec<_>>() })
    }

    /// Refuses values that are no share of anything.
    pub fn check_shares(&self) -> Result<()> {
        let parts = self.branches.iter().flat_map(|branch| &branch.parts);
        match self.points.iter().chain(parts).find(|point| point.value < 0.0) {
            None => Ok(()),
            Some(negative) => {
                let told = self.told(negative);
                let message =
                    format!("Les parts d'un tout ne peuvent pas montrer de valeur négative ({told}).");
                Err(Problem::new("chart/negative", message))
            }
        }
    }
}

/// The title that the configuration or the page gives.
pub fn own_title(config: &Config, context: &Context) -> Option<String> {
    config.title.clone().or_else(|| context.title.clone()).filter(|title| !title.is_empty())
}

/// A column of numbers; `field` is where the configuration names it.
pub fn numeric<'a>(rows: &Rows<'a>, key: &str, field: &str, named: &str) -> Result<Reader<'a>> {
    let column = rows.column(key)?;
    if matches!(column.kind(), Kind::Integer | Kind::Number) {
        return Ok(column);
    }
    Err(Problem::config(field, format!("La colonne « {named} » n'est pas numérique.")))
}

/// Share of a group below which what is left of it is rounding.
const REST_MIN: f64 = 1e-9;

/// Measures of groups, in the order of the answer. Of parts, with the group first.
fn measures(rows: &Rows<'_>, config: &Config, locale: Locale) -> Result<Vec<(String, Point)>> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let groups = rows.column("value")?;
    let parts = rows.column("value2").ok();
    let measured = if config.metric == Metric::Count { "total" } else { "metric" };
    let measures =
        numeric(rows, measured, "/metricField", config.metric_field.as_deref().unwrap_or_default())?;
    let measure = |row: usize| {
        let value = measures.number(row).filter(|value| value.is_finite())?;
        let label = label::of(parts.unwrap_or(groups).cell(row), locale);
        Some((label::of(groups.cell(row), locale), Point { label, value }))
    };
    Ok((0..rows.len()).filter_map(measure).collect())
}

/// Gives groups their parts; what the answer leaves out of a group is a part of its own, so that parts add up to it.
fn divide(branches: &mut [Branch], parts: Vec<(String, Point)>, locale: Locale) {
    for (group, part) in parts {
        if let Some(branch) = branches.iter_mut().find(|branch| branch.whole.label == group) {
            branch.parts.push(part);
        }
    }
    for branch in branches {
        let known: f64 = branch.parts.iter().map(|part| part.value).sum();
        let rest = branch.whole.value - known;
        if !branch.parts.is_empty() && rest > branch.whole.value.abs() * REST_MIN {
            let label = locale.pick("autres ou sans valeur", "others or no value").to_owned();
            branch.parts.push(Point { label, value: rest });
        }
    }
}
