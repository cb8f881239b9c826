//! Reading the changes of a bulk request, in batches, without holding them all.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use arrow::array::{Array, AsArray};
use halle_ingest::{Container, Format, IngestError, Options, RECORD_BYTES_MAX};
use halle_model::{Column, ColumnKind};
use serde::de::{Deserializer, SeqAccess, Visitor};
use serde_json::{Map, Value};
use tokio::sync::mpsc;

use super::change::{Action, Change};

/// Changes read together (Data Fair: 1000).
const BATCH_LINES: usize = 1_000;

/// Batches read ahead.
const BATCHES_AHEAD: usize = 4;

/// How the changes are written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BulkFormat {
    /// A JSON array of objects.
    Json,
    /// One JSON object per line.
    Ndjson,
    /// Number, space and JSON object in each line, in UTF-8: what the platform itself writes down.
    Numbered,
    /// CSV with a header of keys or original names; the separator.
    Csv(u8),
    /// A table of another format, such as a workbook: the name of the file tells which.
    Table(String),
}

/// Changes in a file on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BulkFile {
    /// Where the bytes are.
    pub path: PathBuf,
    /// How the changes are written down.
    pub format: BulkFormat,
    /// What the content is wrapped in.
    pub container: Container,
    /// Encoding of the text that the client named; detected when absent.
    pub encoding: Option<String>,
}

impl BulkFile {
    /// A file sent under this name: its extension tells the format, a zip is looked into. `separator` is that of CSV. The
    /// error is for the client.
    pub fn named(path: &Path, name: &str, separator: u8, encoding: Option<String>) -> Result<Self, String> {
        let (format, container) = halle_ingest::identify(path, name).map_err(|error| error.to_string())?;
        let format = match format {
            Format::Csv => BulkFormat::Csv(separator),
            Format::Json => BulkFormat::Json,
            Format::Ndjson => BulkFormat::Ndjson,
            Format::Attachments => {
                return Err("Le fichier \"actions\" ne contient pas de tableau de lignes.".to_owned());
            }
            _ => BulkFormat::Table(name.to_owned()),
        };
        Ok(Self { path: path.to_owned(), format, container, encoding })
    }
}

/// A change with its number, from 1, or why the line cannot be read.
pub(crate) type Numbered = (u64, Result<Change, String>);

/// Why a whole request cannot be read. The text is for the client.
pub(crate) type Unreadable = String;

/// Reads a file in the background. The channel ends after the first error.
pub(crate) fn read(file: &BulkFile, schema: &[Column]) -> mpsc::Receiver<Result<Vec<Numbered>, Unreadable>> {
    let (sender, receiver) = mpsc::channel(BATCHES_AHEAD);
    let (file, schema): (BulkFile, Vec<Column>) = (file.clone(), schema.to_vec());
    tokio::task::spawn_blocking(move || {
        let mut batches = Batches { sender, batch: Vec::new(), line: 0 };
        let done = read_all(&file, &schema, &mut batches);
        batches.flush();
        if let Err(text) = done {
            // A receiver that is gone has no use for the error.
            let _unheard = batches.sender.blocking_send(Err(text));
        }
    });
    receiver
}

/// Adds to `lines` what was read meanwhile, `batches_max` batches at most. Gives back what cannot be added: an error.
pub(crate) fn gather(
    lines: &mut Vec<Numbered>,
    batches: &mut mpsc::Receiver<Result<Vec<Numbered>, Unreadable>>,
    batches_max: usize,
) -> Option<Result<Vec<Numbered>, Unreadable>> {
    for _ in 0..batches_max {
        match batches.try_recv() {
            Ok(Ok(more)) => lines.extend(more),
            Ok(error) => return Some(error),
            Err(_nothing_yet) => break,
        }
    }
    None
}

fn read_all(file: &BulkFile, schema: &[Column], batches: &mut Batches) -> Result<(), Unreadable> {
    let broken = |error: IngestError| error.to_string();
    if let BulkFormat::Table(name) = &file.format {
        return read_table(file, name, schema, batches).map_err(broken);
    }
    let encoding = file.encoding.as_deref();
    let text = BufReader::new(halle_ingest::open_text(&file.path, file.container, encoding).map_err(broken)?);
    match &file.format {
        BulkFormat::Ndjson => read_ndjson(text, batches, false),
        BulkFormat::Numbered => read_ndjson(text, batches, true),
        BulkFormat::Csv(separator) => read_csv(text, *separator, schema, batches),
        _ => read_json(text, batches),
    }
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

    /// Takes the number at the beginning of a line for its own; what comes after it.
    fn after_number<'a>(&mut self, line: &'a [u8]) -> &'a [u8] {
        let end = line.iter().position(|byte| *byte == b' ').unwrap_or(0);
        let number = std::str::from_utf8(&line[..end]).ok().and_then(|digits| digits.parse::<u64>().ok());
        if let Some(number) = number {
            self.line = number.saturating_sub(1);
        }
        &line[end..]
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

/// Reads one object per line; with `numbered`, its number stands before it.
fn read_ndjson(mut file: impl BufRead, batches: &mut Batches, numbered: bool) -> Result<(), Unreadable> {
    let mut line = Vec::new();
    loop {
        line.clear();
        let mut limited = file.by_ref().take(RECORD_BYTES_MAX as u64 + 1);
        let read = limited
            .read_until(b'\n', &mut line)
            .map_err(|error| format!("Le corps de la requête est illisible : {error}."))?;
        if read == 0 {
            return Ok(());
        }
        if line.len() > RECORD_BYTES_MAX {
            return Err(format!("La ligne {} dépasse {RECORD_BYTES_MAX} octets.", batches.line + 1));
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        let json = if numbered { batches.after_number(&line) } else { &line };
        let parsed = serde_json::from_slice(json).map_err(|error| format!("JSON invalide : {error}"));
        if !batches.push(parsed.and_then(change_of)) {
            return Ok(());
        }
    }
}

/// Reads a workbook or another table: every cell as text, then as CSV.
fn read_table(
    file: &BulkFile,
    name: &str,
    schema: &[Column],
    batches: &mut Batches,
) -> Result<(), IngestError> {
    let options = Options { encoding: file.encoding.as_deref(), ..Options::default() };
    let analysis = halle_ingest::analyze(&file.path, name, &options)?;
    let columns: Vec<Column> =
        analysis.columns.iter().map(|column| Column::new(&*column.key, ColumnKind::Text)).collect();
    let header = |column: &Column| column.original_name.clone().unwrap_or_else(|| column.key.clone());
    let targets: Vec<_> = analysis.columns.iter().map(|column| target(&header(column), schema)).collect();
    for batch in halle_ingest::read(&file.path, &analysis, &columns)? {
        let rows = batch?.rows;
        let texts: Vec<_> = rows.columns().iter().map(AsArray::as_string::<i32>).collect();
        for row in 0..rows.num_rows() {
            let values = texts.iter().map(|texts| if texts.is_null(row) { "" } else { texts.value(row) });
            if !batches.push(change_of_cells(&targets, values)) {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// The change that the cells of one row ask for.
fn change_of_cells<'a>(
    targets: &[(String, Option<ColumnKind>)],
    cells: impl Iterator<Item = &'a str>,
) -> Result<Change, String> {
    let mut body = Map::new();
    for ((key, kind), text) in targets.iter().zip(cells) {
        body.insert(key.clone(), cell(key, *kind, text)?);
    }
    change_of(Value::Object(body))
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
        let record = record.map_err(|error| format!("ligne illisible : {error}"));
        let change = record.and_then(|record| change_of_cells(&targets, record.iter()));
        if !batches.push(change) {
            break;
        }
    }
    Ok(())
}

/// The key and kind of the column that a header names: its key, its original name, or what its key is made of.
pub(super) fn target(header: &str, schema: &[Column]) -> (String, Option<ColumnKind>) {
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
pub(crate) fn cell(key: &str, kind: Option<ColumnKind>, text: &str) -> Result<Value, String> {
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
        // Workbooks have instants only.
        Some(ColumnKind::Date) => {
            Some(Value::from(trimmed.strip_suffix("T00:00:00.000Z").unwrap_or(trimmed)))
        }
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
        let (path, container) = (file.path().to_owned(), Container::Plain);
        let mut batches = read(&BulkFile { path, format, container, encoding: None }, &schema);
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
    async fn numbered_lines_keep_their_numbers() {
        let found = changes(BulkFormat::Numbered, "3 {\"n\":1}\n7 {\"n\":2}\n").await;
        assert_eq!(found, [r#"3 {"n":1}"#, r#"7 {"n":2}"#]);
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
