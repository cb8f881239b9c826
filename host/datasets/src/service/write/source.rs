//! Reading the changes of a bulk request, in batches, without holding them all.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use halle_model::{Column, ColumnKind};
use serde::de::{Deserializer, SeqAccess, Visitor};
use serde_json::{Map, Value};
use tokio::sync::mpsc;

use super::change::{Action, Change};

/// Changes of one transaction (Data Fair: 1000).
const BATCH_LINES: usize = 1_000;

/// Batches read ahead.
const BATCHES_AHEAD: usize = 2;

/// How the changes are written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BulkFormat {
    /// A JSON array of objects.
    Json,
    /// One JSON object per line.
    Ndjson,
    /// CSV with a header of keys or original names; the separator.
    Csv(u8),
}

/// A change with its number, from 1, or why the line cannot be read.
pub(super) type Numbered = (u64, Result<Change, String>);

/// Why a whole request cannot be read. The text is for the client.
pub(super) type Unreadable = String;

/// Reads a file in the background. The channel ends after the first error.
pub(super) fn read(
    path: &Path,
    format: BulkFormat,
    schema: &[Column],
) -> mpsc::Receiver<Result<Vec<Numbered>, Unreadable>> {
    let (sender, receiver) = mpsc::channel(BATCHES_AHEAD);
    let (path, schema): (PathBuf, Vec<Column>) = (path.to_owned(), schema.to_vec());
    tokio::task::spawn_blocking(move || {
        let mut batches = Batches { sender, batch: Vec::new(), line: 0 };
        let done = File::open(&path).map_err(|error| error.to_string()).and_then(|file| {
            let file = BufReader::new(file);
            match format {
                BulkFormat::Json => read_json(file, &mut batches),
                BulkFormat::Ndjson => read_ndjson(file, &mut batches),
                BulkFormat::Csv(separator) => read_csv(file, separator, &schema, &mut batches),
            }
        });
        batches.flush();
        if let Err(text) = done {
            // A receiver that is gone has no use for the error.
            let _unheard = batches.sender.blocking_send(Err(text));
        }
    });
    receiver
}

struct Batches {
    sender: mpsc::Sender<Result<Vec<Numbered>, Unreadable>>,
    batch: Vec<Numbered>,
    line: u64,
}

impl Batches {
    /// Adds a change; `false` when nobody listens any more.
    fn push(&mut self, change: Result<Change, String>) -> bool {
        self.line += 1;
        self.batch.push((self.line, change));
        self.batch.len() < BATCH_LINES || self.flush()
    }

    fn flush(&mut self) -> bool {
        if self.batch.is_empty() {
            return true;
        }
        self.sender.blocking_send(Ok(std::mem::take(&mut self.batch))).is_ok()
    }
}

fn change_of(value: Value) -> Result<Change, String> {
    match value {
        Value::Object(body) => Ok(Change { action: Action::CreateOrUpdate, id: None, body }),
        other => Err(format!("doit être de type object (valeur : {other})")),
    }
}

fn read_json(file: impl BufRead, batches: &mut Batches) -> Result<(), Unreadable> {
    struct Items<'a>(&'a mut Batches);

    impl<'de> Visitor<'de> for Items<'_> {
        type Value = ();

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a JSON array of lines")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
            while let Some(item) = items.next_element::<Value>()? {
                if !self.0.push(change_of(item)) {
                    break;
                }
            }
            Ok(())
        }
    }

    let mut deserializer = serde_json::Deserializer::from_reader(file);
    deserializer
        .deserialize_seq(Items(batches))
        .and_then(|()| deserializer.end())
        .map_err(|error| format!("Le corps de la requête n'est pas un tableau JSON valide : {error}."))
}

fn read_ndjson(file: impl BufRead, batches: &mut Batches) -> Result<(), Unreadable> {
    for line in file.lines() {
        let line =
            line.map_err(|error| format!("Le corps de la requête n'est pas du texte UTF-8 : {error}."))?;
        if line.trim().is_empty() {
            continue;
        }
        let parsed = serde_json::from_str(&line).map_err(|error| format!("JSON invalide : {error}"));
        if !batches.push(parsed.and_then(change_of)) {
            break;
        }
    }
    Ok(())
}

fn read_csv(
    file: impl BufRead,
    separator: u8,
    schema: &[Column],
    batches: &mut Batches,
) -> Result<(), Unreadable> {
    let mut reader = csv::ReaderBuilder::new().delimiter(separator).from_reader(file);
    let headers = reader.headers().map_err(|error| format!("L'en-tête du CSV est illisible : {error}."))?;
    let targets: Vec<(String, Option<ColumnKind>)> =
        headers.iter().map(|name| target(name, schema)).collect();
    for record in reader.records() {
        let change = record.map_err(|error| format!("ligne illisible : {error}")).and_then(|record| {
            let mut body = Map::new();
            for ((key, kind), text) in targets.iter().zip(&record) {
                body.insert(key.clone(), cell(key, *kind, text)?);
            }
            change_of(Value::Object(body))
        });
        if !batches.push(change) {
            break;
        }
    }
    Ok(())
}

/// The key and kind of the column that a header names: its key, its original name, or what its key is made of.
fn target(header: &str, schema: &[Column]) -> (String, Option<ColumnKind>) {
    let header = header.trim_start_matches('\u{feff}').trim();
    let escaped = halle_model::slug::column_key(header);
    let found = schema
        .iter()
        .find(|column| column.key == header)
        .or_else(|| schema.iter().find(|column| column.original_name.as_deref() == Some(header)))
        .or_else(|| schema.iter().find(|column| column.key == escaped));
    match found {
        Some(column) => (column.key.clone(), Some(column.kind())),
        None => (header.to_owned(), None),
    }
}

/// The value of a CSV cell; empty cells have none.
fn cell(key: &str, kind: Option<ColumnKind>, text: &str) -> Result<Value, String> {
    let trimmed = text.trim();
    if trimmed.is_empty() {
        return Ok(Value::Null);
    }
    let typed = match kind {
        Some(ColumnKind::Integer) => trimmed.parse::<i64>().ok().map(Value::from),
        Some(ColumnKind::Number) => trimmed.replacen(',', ".", 1).parse::<f64>().ok().map(Value::from),
        Some(ColumnKind::Boolean) => match trimmed.to_lowercase().as_str() {
            "1" | "true" | "vrai" | "oui" | "yes" => Some(Value::Bool(true)),
            "0" | "-1" | "false" | "faux" | "non" | "no" => Some(Value::Bool(false)),
            _ => None,
        },
        Some(ColumnKind::Object) => serde_json::from_str(trimmed).ok(),
        _ => Some(Value::from(text)),
    };
    let wanted = match kind {
        Some(ColumnKind::Integer) => "integer",
        Some(ColumnKind::Number) => "number",
        Some(ColumnKind::Boolean) => "boolean",
        _ => "object",
    };
    typed.ok_or_else(|| format!("/{key} doit être de type {wanted} (valeur : {text:?})"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    async fn changes(format: BulkFormat, text: &str) -> Vec<String> {
        let mut nom = Column::new("nom_du_lieu", ColumnKind::Text);
        nom.original_name = Some("Nom du lieu".to_owned());
        let schema = [nom, Column::new("n", ColumnKind::Integer)];
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        let mut batches = read(file.path(), format, &schema);
        let mut found = Vec::new();
        while let Some(batch) = batches.recv().await {
            match batch {
                Ok(lines) => found.extend(lines.into_iter().map(|(line, change)| match change {
                    Ok(change) => format!("{line} {}", Value::Object(change.body)),
                    Err(text) => format!("{line} {text}"),
                })),
                Err(text) => found.push(text),
            }
        }
        found
    }

    #[tokio::test]
    async fn every_format_gives_the_same_lines() {
        let expect = [r#"1 {"nom_du_lieu":"a","n":1}"#, r#"2 {"nom_du_lieu":"b, c","n":null}"#];
        let csv = "\u{feff}Nom du lieu;n\na;1\n\"b, c\";\n";
        assert_eq!(changes(BulkFormat::Csv(b';'), csv).await, expect);
        let json = r#"[{"nom_du_lieu":"a","n":1},{"nom_du_lieu":"b, c","n":null}]"#;
        assert_eq!(changes(BulkFormat::Json, json).await, expect);
        let ndjson = "{\"nom_du_lieu\":\"a\",\"n\":1}\n\n{\"nom_du_lieu\":\"b, c\",\"n\":null}\n";
        assert_eq!(changes(BulkFormat::Ndjson, ndjson).await, expect);
    }

    #[tokio::test]
    async fn a_line_that_cannot_be_read_does_not_stop_the_others() {
        let found = changes(BulkFormat::Ndjson, "{\"n\":1}\n{oops\n3\n{\"n\":2}").await;
        assert_eq!(found.len(), 4);
        assert!(found[1].starts_with("2 JSON invalide : "), "{}", found[1]);
        assert_eq!(found[2], "3 doit être de type object (valeur : 3)");
        let found = changes(BulkFormat::Csv(b','), "n\nx\n2\n").await;
        assert_eq!(found, [r#"1 /n doit être de type integer (valeur : "x")"#, r#"2 {"n":2}"#]);
    }

    #[tokio::test]
    async fn a_body_that_is_no_array_is_refused_as_a_whole() {
        let found = changes(BulkFormat::Json, "{}").await;
        assert!(
            found[0].starts_with("Le corps de la requête n'est pas un tableau JSON valide : "),
            "{}",
            found[0]
        );
    }
}
