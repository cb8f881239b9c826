//! What is fed, and with what.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use halle_base::SeededDice;
use halle_expressions::{Line, Program, Value};
use halle_ingest::{Options, analyze, read};
use halle_model::{Column, ColumnKind};
use halle_search::params::{Fields, LinesParams, Params, ValuesAggParams};

use crate::plugins;

/// Something that reads what strangers write.
pub struct Target {
    /// Name on the command line.
    pub name: &'static str,
    /// Right inputs to begin with.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// Pieces that mean something to it.
    pub pieces: &'static [&'static str],
    /// Feeds it one input, which it may refuse.
    pub feed: fn(&[u8]),
}

/// Operators of the languages of questions.
const OPERATORS: &[&str] = &[
    " AND ",
    " OR ",
    " NOT ",
    "nom:",
    "n:[1 TO 2]",
    "n:{1 TO *}",
    "_exists_:",
    "\"",
    "*",
    "~1",
    "(",
    ")",
    "|",
    "+",
    "-",
    ":>",
    "\\",
    "é",
    "nom.text:",
    ",",
    "2024-01-01",
];

/// Everything that is fed.
pub const TARGETS: &[Target] = &[
    Target {
        name: "csv",
        seeds: csv_seeds,
        pieces: &[",", ";", "\t", "\"", "\r\n", "\u{feff}", "1 234,5", "oui", "01/02/2024 10:30", "\0"],
        feed: |input| file("a.csv", input),
    },
    Target {
        name: "zip",
        seeds: || fixtures(".shp.zip"),
        pieces: &["PK\u{3}\u{4}", "../"],
        feed: |input| file("a.zip", input),
    },
    Target {
        name: "geojson",
        seeds: || vec![GEOJSON.into()],
        pieces: &["[", "]", "null", "\"Polygon\"", "1e999", "{\"type\":\"Point\",\"coordinates\":[0,0]}"],
        feed: |input| file("a.geojson", input),
    },
    Target {
        name: "workbook",
        seeds: || fixtures(".xlsx"),
        pieces: &["PK\u{1}\u{2}"],
        feed: |input| file("a.xlsx", input),
    },
    Target {
        name: "geopackage",
        seeds: || fixtures(".gpkg"),
        pieces: &[],
        feed: |input| file("a.gpkg", input),
    },
    Target {
        name: "q",
        seeds: || texts(&["place bellecour", "+a -b \"c d\"~2 e* (f | g)"]),
        pieces: OPERATORS,
        feed: |input| question("q", input),
    },
    Target {
        name: "qs",
        seeds: || {
            texts(&[
                "nom:\"a b\" AND n:[1 TO 20} OR NOT jour:>2024",
                "nom:(a OR b*) -_exists_:n",
                "nom.text:parc",
            ])
        },
        pieces: OPERATORS,
        feed: |input| question("qs", input),
    },
    Target {
        name: "filters",
        seeds: || {
            texts(&[
                "nom_in=\"a,b\",\"c\"",
                "n_gte=3",
                "jour_lt=2024-01-01",
                "bbox=1,2,3,4",
                "geo_distance=1,2,3km",
                "sort=-n,nom",
                "after=1,\"a\"",
                "date_match=,2024",
                "field=nom;n",
                "interval=month",
            ])
        },
        pieces: OPERATORS,
        feed: filter,
    },
    Target {
        name: "expressions",
        seeds: || {
            texts(&[
                "f(x) = x ^ 2; map(f, [1, 2, a])",
                "a > 1 and not (s in [\"x\"]) ? CONCAT(s, \"-\", a) : UPPER(s)",
                "TRANSFORM_DATE(s, \"DD/MM/YYYY\", \"X\") || [1][0]",
                "JSON_PARSE(s).b!",
            ])
        },
        pieces: &[
            "(",
            ")",
            "[",
            "]",
            "?",
            ":",
            ";",
            "=",
            "||",
            "^",
            "!",
            ".",
            "\"",
            "'",
            "a",
            "s",
            "SPLIT(",
            "PAD_LEFT(s, 9, ",
            "fold(",
            "1e308",
            " in ",
            "é",
        ],
        feed: expression,
    },
    Target {
        name: "pdf",
        seeds: || texts(&[PDF]),
        pieces: &[
            " 0 obj ",
            " endobj ",
            "stream\n",
            "\nendstream",
            "<<",
            ">>",
            "[",
            "]",
            "(",
            ")",
            "/Kids [2 0 R]",
            "/Filter /FlateDecode",
            "/Type /ObjStm /N 9 /First 3",
            "/Differences [1 /eacute]",
            " 0 R ",
            " Tj ",
            "-99999999999",
        ],
        feed: |input| document("a.pdf", input),
    },
    Target {
        name: "rtf",
        seeds: || {
            texts(&[r"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0 A;}}\f0 L'\'e9t\'e9 \u8364? \b un\par{\*\x y}}"])
        },
        pieces: &["{", "}", "\\bin9 ", "\\u-1?", "\\uc9", "\\'", "\\ansicpg932"],
        feed: |input| document("a.rtf", input),
    },
    Target {
        name: "manifest",
        seeds: plugins::manifest_seeds,
        pieces: plugins::MANIFEST_PIECES,
        feed: plugins::manifest,
    },
    Target {
        name: "package",
        seeds: plugins::package_seeds,
        pieces: &["ustar", "../", "plugin.toml", "static/", "\0\0\0\0", "77777777777"],
        feed: plugins::package,
    },
    Target {
        name: "component",
        seeds: plugins::component_seeds,
        pieces: &["\0asm"],
        feed: plugins::component,
    },
];

const PDF: &str = "%PDF-1.7\n1 0 obj << /Type /Catalog /Pages 2 0 R >> endobj\n2 0 obj << /Kids [3 0 R] >> endobj\n\
3 0 obj << /Type /Page /Parent 2 0 R /Contents [4 0 R] /Resources << /Font << /F 5 0 R >> /XObject << /X 7 0 R >> >> >> endobj\n\
4 0 obj << /Length 70 >>\nstream\nq 1 0 0 1 2 3 cm BT /F 9 Tf (L'\\351t\\351) Tj [(a) -300 <01>] TJ ET Q /X Do\nendstream endobj\n\
5 0 obj << /Subtype /Type1 /FirstChar 32 /Widths [500 600] /Encoding << /Differences [1 /fi] >> /ToUnicode 6 0 R >> endobj\n\
6 0 obj << >> stream\n1 begincodespacerange <00> <ff> endcodespacerange 1 beginbfrange <61> <63> <0041> endbfrange\nendstream endobj\n\
7 0 obj << /Subtype /Form /Matrix [1 0 0 1 9 9] >> stream\nBT /F 9 Tf (b) ' ET\nendstream endobj\ntrailer << /Root 1 0 R >>";

const GEOJSON: &str = r#"{"type":"FeatureCollection","crs":{"properties":{"name":"EPSG:2154"}},"features":[
{"type":"Feature","id":1,"properties":{"a":"x","b":{"c":1}},"geometry":{"type":"Polygon","coordinates":[[[0,0],[1,0],[1,1],[0,0]]]}},
{"type":"Feature","properties":null,"geometry":{"type":"GeometryCollection","geometries":[{"type":"MultiPoint","coordinates":[[1,2]]}]}}]}"#;

fn csv_seeds() -> Vec<Vec<u8>> {
    texts(&[
        "Code,Nom du lieu,Habitants\na1,\"Rue \"\"de\"\" la, Paix\",10\na2,Place,\"1 234,5\"\n",
        "a;b;c\r\n1;01/02/2024 10:30;oui\r\n2;;non\r\n",
        "\u{feff}a\tb\n'x\ny'\té\n",
    ])
}

fn texts(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

/// Fixtures of the tests whose names end so.
fn fixtures(end: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ingest/tests/fixtures");
    let entries = std::fs::read_dir(&folder).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.retain(|path| path.to_string_lossy().ends_with(end));
    paths.sort();
    assert!(!paths.is_empty(), "no fixture in {} ends in {end}", folder.display());
    paths.iter().filter_map(|path| std::fs::read(path).ok()).collect()
}

/// One folder for all files: nothing but this program looks into it.
static FOLDER: LazyLock<tempfile::TempDir> =
    LazyLock::new(|| tempfile::tempdir().expect("the folder of temporary files can be written"));

/// Removes what the targets wrote.
pub fn clean() {
    plugins::clean();
    // Left behind is no failure of what was fed.
    let _gone = std::fs::remove_dir_all(FOLDER.path());
}

/// Analyses a file and reads every row.
fn file(name: &str, input: &[u8]) {
    let path = FOLDER.path().join("input");
    std::fs::write(&path, input).expect("the folder of temporary files can be written");
    let Ok(analysis) = analyze(&path, name, &Options::default()) else { return };
    let Ok(rows) = read(&path, &analysis, &analysis.columns) else { return };
    for batch in rows {
        if batch.is_err() {
            return;
        }
    }
}

/// Reads the text of a document. A panic that its reader keeps to itself is one all the same.
fn document(name: &str, input: &[u8]) {
    if let Err(error) = halle_ingest::document::text(name, input) {
        assert!(!error.to_string().contains("interrompue"), "the reader of {name} panicked");
    }
}

static COLUMNS: LazyLock<Vec<Column>> = LazyLock::new(|| {
    let kinds = [("nom", ColumnKind::Text), ("n", ColumnKind::Integer), ("jour", ColumnKind::Date)];
    let mut columns: Vec<Column> = kinds.into_iter().map(|(key, kind)| Column::new(key, kind)).collect();
    columns[0].capabilities.wildcard = Some(true);
    columns[2].refers_to = Some("http://schema.org/Date".to_owned());
    columns
});

fn ask(pairs: &[(&str, &str)]) {
    let Ok(params) = Params::new(pairs.iter().copied()) else { return };
    let fields = Fields::new(&COLUMNS, true);
    // Either a question, or a refusal that says why.
    drop(LinesParams::parse(&params, &fields));
    drop(ValuesAggParams::parse(&params, &fields));
}

fn question(name: &str, input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    for mode in ["simple", "complete", "and"] {
        ask(&[(name, &text), ("q_mode", mode), ("field", "nom")]);
    }
}

/// A parameter with its value, as `name=value`.
fn filter(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let (name, value) = text.split_once('=').unwrap_or((&text, ""));
    ask(&[(name, value)]);
    ask(&[("metric_field", "n"), ("metric", "sum"), (name, value)]);
}

/// A line of one number and one text.
struct Sample;

impl Line for Sample {
    fn value(&self, column: usize) -> Value {
        if column == 0 { Value::Number(2.0) } else { Value::Text("héllo, 01/02/2024".into()) }
    }
}

fn expression(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    if let Ok(program) = Program::compile(&text, &["a", "s"]) {
        // A value, or an error that says where.
        drop(program.evaluate(&Sample, &SeededDice::new(1)));
    }
}
