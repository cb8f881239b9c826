//! What is asked, in the words of each contender.

use serde::{Deserialize, Serialize};

use crate::rows;

/// Lines of a page.
pub const PAGE_LINES: usize = 12;

/// Lines before the deep page.
pub const DEEP_LINES: usize = 9_000;

/// Groups of a terms aggregation.
pub const TERMS: usize = 20;

/// Different forms of one question, so that no answer is the one before.
const FORMS: u64 = 48;

/// A question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Question {
    /// The line with a code.
    Get { code: String },
    /// Lines with a word, by relevance.
    Word { word: String },
    /// Lines with either word, in a category, by decreasing amount.
    Words { first: String, second: String, category: String },
    /// The twenty most frequent categories, with the average of a column.
    Terms { of: String },
    /// Lines per month, in a category.
    Histogram { category: String },
    /// Lines in a box: west, south, east, north.
    Box([f64; 4]),
    /// How many cities there are, among active lines, others, or all.
    Distinct { active: Option<bool> },
    /// A page at 9,000 by decreasing amount.
    Page { skip: usize },
    /// The page after a line, by decreasing amount.
    Next { amount: f64, line: usize },
    /// The twenty cells with most lines, of about `2 ^ -depth` of the globe in both directions, in a box.
    Grid { area: [f64; 4], depth: u32 },
    /// Lines with `quantity < below`, all of them.
    Export { below: i64, format: ExportFormat },
}

/// How an export is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ExportFormat {
    /// Values with commas between them.
    Csv,
    /// An object per line.
    Ndjson,
    /// A collection of features.
    GeoJson,
}

impl ExportFormat {
    fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Ndjson => "ndjson",
            Self::GeoJson => "geojson",
        }
    }
}

/// A kind of question, under the name it has in the report.
#[derive(Debug, Clone)]
pub struct Case {
    /// Name.
    pub name: &'static str,
    /// Its forms.
    pub forms: Vec<Question>,
    /// Whether every contender must give the same total.
    pub is_exact: bool,
}

/// Every kind but `next`, whose cursors are known once the rows are there.
pub fn cases(rows: usize) -> Vec<Case> {
    let ranks = |from: f64, to: f64| {
        (0..FORMS).map(move |form| (from * (to / from).powf(form as f64 / FORMS as f64)) as u64)
    };
    let case = |name, forms, is_exact| Case { name, forms, is_exact };
    let categories = || (0..FORMS).map(|form| rows::category(form % 12));
    let box_of = |form: u64| {
        let (west, south) = (-4.0 + 0.2 * form as f64, 42.5 + 0.1 * form as f64);
        Question::Box([west, south, west + 1.0, south + 1.0])
    };
    vec![
        case(
            "get by id",
            (0..FORMS as usize)
                .map(|form| Question::Get { code: rows::code(form * 7_919_777 % rows) })
                .collect(),
            true,
        ),
        case(
            "one word",
            ranks(50.0, 5_000.0).map(|rank| Question::Word { word: rows::word(rank) }).collect(),
            false,
        ),
        case(
            "two words + filter + sort",
            ranks(30.0, 1_000.0)
                .zip(categories())
                .map(|(rank, category)| Question::Words {
                    first: rows::word(rank),
                    second: rows::word(rank * 2),
                    category,
                })
                .collect(),
            false,
        ),
        case(
            "terms with an average",
            ["amount", "quantity"].map(|of| Question::Terms { of: of.to_owned() }).to_vec(),
            true,
        ),
        case(
            "date histogram with a filter",
            categories().map(|category| Question::Histogram { category }).collect(),
            true,
        ),
        case("box", (0..FORMS).map(box_of).collect(), true),
        case(
            "distinct count",
            [None, Some(true), Some(false)].map(|active| Question::Distinct { active }).to_vec(),
            true,
        ),
        case("page at 9,000", vec![Question::Page { skip: DEEP_LINES }], true),
        case("geohash grid", (0..FORMS).map(grid).collect(), true),
        case("GeoJSON export of a tenth", vec![export(ExportFormat::GeoJson)], false),
        case("ndjson export of a tenth", vec![export(ExportFormat::Ndjson)], true),
        case("CSV export of a tenth", vec![export(ExportFormat::Csv)], true),
    ]
}

/// A box for which the reference has cells of geohashes of four characters: 39 by 20 km.
fn grid(form: u64) -> Question {
    let (west, south) = (-4.0 + 0.1 * form as f64, 42.5 + 0.05 * form as f64);
    Question::Grid { area: [west, south, west + 2.0, south + 1.5], depth: 10 }
}

fn export(format: ExportFormat) -> Question {
    Question::Export { below: 100, format }
}

/// A path for Halle: the data API of a dataset, relative to its address.
pub fn halle_path(dataset: &str, question: &Question) -> String {
    let size = PAGE_LINES;
    let tail = match question {
        Question::Get { code } => format!("lines?size=1&code_eq={code}"),
        Question::Word { word } => format!("lines?size={size}&q={word}"),
        Question::Words { first, second, category } => {
            let category = encoded(category);
            format!("lines?size={size}&q={first}%20{second}&category_eq={category}&sort=-amount")
        }
        Question::Terms { of } => {
            format!("values_agg?field=category&agg_size={TERMS}&metric=avg&metric_field={of}&sort=-count")
        }
        Question::Histogram { category } => {
            format!("values_agg?field=day&interval=month&agg_size=200&category_eq={}", encoded(category))
        }
        Question::Box([west, south, east, north]) => {
            format!("lines?size={size}&bbox={west},{south},{east},{north}")
        }
        Question::Distinct { active } => {
            let filter = active.map(|active| format!("&active_eq={active}")).unwrap_or_default();
            format!("metric_agg?metric=cardinality&field=city{filter}")
        }
        Question::Page { skip } => format!("lines?size={size}&page={}&sort=-amount", skip / size + 1),
        Question::Next { amount, line } => {
            format!("lines?size={size}&sort=-amount&after={amount},{line}")
        }
        Question::Grid { area: [west, south, east, north], .. } => {
            format!("geo_agg?agg_size={TERMS}&size=0&bbox={west},{south},{east},{north}")
        }
        Question::Export { below, format } => {
            format!("lines?format={}&size=all&quantity_lt={below}", format.name())
        }
    };
    format!("/data-fair/api/v1/datasets/{dataset}/{tail}")
}

/// A path for a yardstick: the question as JSON.
pub fn yardstick_path(question: &Question) -> String {
    let json = serde_json::to_string(question).unwrap_or_default();
    format!("/?question={}", encoded(&json))
}

fn encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}
