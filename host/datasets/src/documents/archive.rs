//! The files of the lines of a file: those of the zip that was uploaded.

use std::io::Read;
use std::sync::Arc;

use arrow::array::{Array, AsArray};
use arrow::record_batch::RecordBatch;
use halle_ingest::Attachments;
use halle_ingest::document::DOCUMENT_BYTES_MAX;
use halle_model::Column;
use halle_store::blobs::LocalBlob;

use super::{FileFacts, attachment_column, facts, with};
use crate::jobs::index::Versioned;
use crate::jobs::pipeline::{StageError, StageResult};
use crate::jobs::rows::blocking;
use crate::state::Datasets;

/// Bytes of the texts of files that are in memory at a time, and those of one file more.
const TEXTS_BYTES_MAX: usize = 8 << 20;

/// Lines whose files are read in one go, so that a cancelled job ends soon.
const LINES_PER_STEP: usize = 256;

/// Files whose text could not be read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Unread {
    files: u64,
    /// The first of them, and why.
    first: Option<(String, String)>,
}

impl Unread {
    fn add(&mut self, path: &str, why: String) {
        self.files += 1;
        self.first.get_or_insert_with(|| (path.to_owned(), why));
    }

    /// For the journal; `None` when everything was read.
    pub(crate) fn text(&self) -> Option<String> {
        let (path, why) = self.first.as_ref()?;
        let why = why.strip_suffix('.').unwrap_or(why);
        Some(format!(
            "Le texte de {} pièces jointes n'a pas pu être lu, leurs mots ne seront pas trouvés par la recherche. Première : \
             \"{path}\" ({why}).",
            self.files
        ))
    }
}

/// The files that the rows of a version name.
pub(crate) struct Files {
    dataset: String,
    source: Option<Arc<Source>>,
    /// What could not be read so far.
    pub(crate) unread: Unread,
}

struct Source {
    archive: Attachments,
    /// Column of the paths.
    column: String,
    wants_text: bool,
    /// The zip stays while it is read.
    _local: LocalBlob,
}

impl Files {
    /// Opens the files of a version; of one without files, everything is absent.
    pub(crate) async fn open(datasets: &Datasets, version: &Versioned<'_>) -> StageResult<Self> {
        let dataset = version.dataset.to_owned();
        let column = attachment_column(version.schema).cloned();
        let mut files = Self { dataset, source: None, unread: Unread::default() };
        if let (Some(key), Some(column)) = (&version.files, column) {
            let local = datasets.blobs.local(key).await?;
            let local =
                local.ok_or_else(|| StageError::Machine(format!("the blob {} is missing", key.as_str())))?;
            let path = local.path.clone();
            let archive = blocking(move || Ok(Attachments::open(&path)?)).await?;
            let wants_text = column.capabilities.index_attachment();
            files.source = Some(Arc::new(Source { archive, column: column.key, wants_text, _local: local }));
        }
        Ok(files)
    }

    /// Some rows of a batch, from the row `from` on, under the columns of the index: as many as have texts that fit in
    /// memory, at least one.
    pub(crate) async fn with_files(
        &mut self,
        batch: &RecordBatch,
        from: usize,
        columns: &[Column],
    ) -> StageResult<RecordBatch> {
        let rest = batch.slice(from, batch.num_rows() - from);
        let Some(source) = self.source.clone() else {
            return if super::has_files(columns) {
                Ok(with(&rest, columns, &vec![FileFacts::default(); rest.num_rows()])?)
            } else {
                Ok(rest)
            };
        };
        let (dataset, mut unread) = (self.dataset.clone(), std::mem::take(&mut self.unread));
        let rows = rest.clone();
        let (files, unread) = blocking(move || {
            let files = source.read(&dataset, &rows, &mut unread);
            Ok((files, unread))
        })
        .await?;
        self.unread = unread;
        Ok(with(&rest.slice(0, files.len()), columns, &files)?)
    }
}

impl Source {
    fn read(&self, dataset: &str, rows: &RecordBatch, unread: &mut Unread) -> Vec<FileFacts> {
        let paths = rows.column_by_name(&self.column).and_then(|paths| paths.as_string_opt::<i32>());
        let (mut files, mut texts_bytes) = (Vec::new(), 0);
        for row in 0..rows.num_rows().min(LINES_PER_STEP) {
            let path = paths.filter(|paths| paths.is_valid(row)).map(|paths| paths.value(row));
            let file = path.map(|path| self.file(dataset, path, unread)).unwrap_or_default();
            texts_bytes += file.content.as_ref().map_or(0, String::len);
            files.push(file);
            if texts_bytes > TEXTS_BYTES_MAX {
                break;
            }
        }
        files
    }

    fn file(&self, dataset: &str, path: &str, unread: &mut Unread) -> FileFacts {
        let mut bytes = Vec::new();
        let read = match self.archive.find(path) {
            Ok(None) => return FileFacts::default(),
            Ok(Some(mut file)) => (&mut file.content).take(DOCUMENT_BYTES_MAX + 1).read_to_end(&mut bytes),
            Err(error) => Err(error.into()),
        };
        if let Err(error) = read {
            unread.add(path, error.to_string());
            bytes.clear();
            return facts(dataset, path, None, false).0;
        }
        let whole = (bytes.len() as u64 <= DOCUMENT_BYTES_MAX).then_some(bytes.as_slice());
        let (found, why) = facts(dataset, path, whole, self.wants_text);
        if let Some(why) = why {
            unread.add(path, why);
        }
        found
    }
}
