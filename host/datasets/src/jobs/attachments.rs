//! Files that came beside a data file: which column names them, and which of its values name none.

use std::borrow::Cow;

use arrow::array::{Array, AsArray};
use halle_ingest::{Analysis, Attachments, BATCH_PROBLEMS_MAX, Batch, CellProblem, Format};
use halle_model::Column;
use halle_store::blobs::LocalBlob;

use crate::documents::attachment_column;
use crate::jobs::pipeline::{Stage, StageError, StageResult};
use crate::jobs::rows::{blocking, local};
use crate::service::names;

/// Paths that a message gives as examples.
const EXAMPLES: usize = 3;

/// Characters of a value in a report, as of any other value.
const VALUE_CHARS_MAX: usize = 300;

/// The files beside the upload of a version.
pub(super) struct Beside {
    files: Attachments,
    /// Whether they came with this upload, not with an earlier one.
    is_new: bool,
    /// The zip stays while it is read.
    _local: LocalBlob,
}

impl Beside {
    /// Opens the files of the version in the making; `None` when there are none.
    pub(super) async fn of(stage: &Stage<'_>) -> StageResult<Option<Self>> {
        let Some(zip) = &stage.building.attachments else { return Ok(None) };
        let blob = local(stage, &names::attachments_zip(&stage.dataset.id, &zip.version)?).await?;
        let path = blob.path.clone();
        let files = blocking(move || Ok(Attachments::open(&path)?)).await?;
        let served = stage.dataset.served.as_ref().and_then(|served| served.attachments.as_ref());
        let is_new = served.is_none_or(|served| served.version != zip.version);
        Ok(Some(Self { files, is_new, _local: blob }))
    }

    /// Where to look for paths.
    pub(super) fn files(&self) -> &Attachments {
        &self.files
    }

    /// Refuses new files that no column names: nobody would ever reach them.
    pub(super) fn check(&self, analysis: &Analysis) -> StageResult<()> {
        if !self.is_new {
            return Ok(());
        }
        if analysis.format == Format::Attachments {
            let message = "Le fichier est lui-même un zip de pièces jointes : envoyez-le seul, ou envoyez un fichier de \
                           données avec les pièces jointes.";
            return Err(StageError::Producer(message.to_owned()));
        }
        if analysis.rows == 0 || attachment_column(&analysis.columns).is_some() {
            return Ok(());
        }
        let examples = self.files.first_paths(EXAMPLES).join(", ");
        Err(StageError::Producer(format!(
            "Aucune colonne du fichier n'a les chemins des pièces jointes qui l'accompagnent. Chemins attendus, par exemple : {examples}."
        )))
    }

    /// Adds to the problems of a batch the paths that are of no file.
    pub(super) fn check_rows(&self, batch: &mut Batch, columns: &[Column]) {
        let Some(column) = attachment_column(columns) else { return };
        let paths = batch.rows.column_by_name(&column.key).and_then(|paths| paths.as_string_opt::<i32>());
        let Some(paths) = paths.cloned() else { return };
        for row in (0..paths.len()).filter(|&row| paths.is_valid(row)) {
            let path = paths.value(row);
            if self.files.has(path) {
                continue;
            }
            batch.problems_total += 1;
            if batch.problems.len() < BATCH_PROBLEMS_MAX {
                let value = path.chars().take(VALUE_CHARS_MAX).collect();
                let reason = Cow::Borrowed("aucune pièce jointe n'a ce chemin");
                let line = batch.lines[row];
                batch.problems.push(CellProblem { row, line, column: column.key.clone(), value, reason });
            }
        }
    }
}
