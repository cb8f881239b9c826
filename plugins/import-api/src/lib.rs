//! A paged JSON API becomes a dataset.
//!
//! Pages are read one by one, each result becomes one row (or one per nested element), rows become a CSV file on the host,
//! and the file replaces the content of the slot `output` when everything went well.
//!
//! **Invariant:** an import that fails or is stopped changes nothing.

mod config;
mod pages;
mod path;
mod rows;

use halle_plugin::host::blobs::BlobWriter;
use halle_plugin::host::{datasets, progress};
use halle_plugin::processing::{Outcome, Processing, Trigger};
use halle_plugin::serde_json::{Value, from_value, json};
use halle_plugin::{Prepared, Problem, Result, info};

use config::{Auth, Config};

/// The slot that is filled.
const OUTPUT: &str = "output";
/// Bytes that go to the host at a time; it takes at most 1 MiB.
const CHUNK_BYTES: usize = 512 << 10;

/// The processing.
pub struct ImportApi;

impl Processing for ImportApi {
    type Config = Config;

    fn title() -> String {
        "Import d'une API JSON".to_owned()
    }

    fn prepare(draft: Value) -> Result<Prepared> {
        let config: Config = from_value(draft.clone())
            .map_err(|error| Problem::new("config/invalid", format!("Configuration illisible : {error}")))?;
        let keys = config.block.keys();
        if let Some(twice) = keys.iter().enumerate().find(|(index, key)| keys[..*index].contains(key)) {
            return Err(Problem::config(
                "/block/mapping",
                format!("La colonne « {} » est nommée deux fois.", twice.1),
            ));
        }
        supported(&config.auth)?;
        let mut prepared = Prepared::unchanged(draft);
        if !config::has_secret(&prepared.config, &config.auth) {
            prepared.notes.push(Problem::config(
                "/auth",
                "Aucun secret n'est enregistré : les requêtes partiront sans.",
            ));
        }
        Ok(prepared)
    }

    fn run(config: Config, _trigger: Trigger) -> Result<Outcome> {
        supported(&config.auth)?;
        progress::task("Lecture de l'API", None);
        let mut file = CsvFile::new(&config)?;
        let pages = pages::walk(&config, |results| {
            for result in results {
                file.add(result, &config)?;
            }
            progress::advance(file.rows);
            info(format!("{} lignes lues", file.rows));
            Ok(())
        })?;
        let rows = file.rows;
        if rows == 0 {
            return Err(Problem::new(
                "remote/empty",
                "L'API n'a donné aucun résultat ; le jeu de données reste comme il était.",
            ));
        }
        progress::task("Remplacement du jeu de données", None);
        let blob = file.finish()?;
        let writer = datasets::open_write(OUTPUT, "replace", &[])?;
        writer.replace_file("import.csv", &blob)?;
        datasets::Writer::commit(writer)?;
        let summary = format!("{rows} lignes importées en {pages} page{}", if pages > 1 { "s" } else { "" });
        Ok(Outcome { summary, details: Some(json!({ "rows": rows, "pages": pages })) })
    }
}

fn supported(auth: &Auth) -> Result<()> {
    if matches!(auth, Auth::Unsupported) {
        let message = "Cette méthode d'authentification n'est pas prise en charge : choisissez noAuth, basicAuth, bearerAuth ou apiKey.";
        return Err(Problem::config("/auth/authMethod", message));
    }
    Ok(())
}

/// A CSV file in the making, on the host.
struct CsvFile {
    writer: BlobWriter,
    pending: String,
    rows: u64,
}

impl CsvFile {
    fn new(config: &Config) -> Result<Self> {
        let mut pending = String::new();
        rows::write_csv(config.block.keys(), &mut pending);
        Ok(Self { writer: BlobWriter::new(), pending, rows: 0 })
    }

    fn add(&mut self, result: &Value, config: &Config) -> Result<()> {
        for row in rows::of(result, &config.block, &config.separator) {
            rows::write_csv(row.iter().map(String::as_str), &mut self.pending);
            self.rows += 1;
        }
        if self.pending.len() >= CHUNK_BYTES { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<()> {
        for chunk in self.pending.as_bytes().chunks(CHUNK_BYTES) {
            self.writer.append(chunk)?;
        }
        self.pending.clear();
        Ok(())
    }

    fn finish(mut self) -> Result<halle_plugin::host::blobs::Blob> {
        self.flush()?;
        BlobWriter::finish(self.writer)
    }
}

halle_plugin::export_processing!(ImportApi);

#[cfg(test)]
mod tests;
