//! Multipart bodies of edits: values and files, each file streamed to disk.

use axum::extract::multipart::Field;
use axum::extract::{DefaultBodyLimit, FromRequest, Multipart, Request};
use axum::http::header;
use halle_base::limits::JSON_BODY_BYTES_MAX;
use tempfile::{NamedTempFile, TempPath};
use tokio::io::AsyncWriteExt;

use crate::error::{DatasetsError, DatasetsResult};
use crate::state::Datasets;

/// Fields of one body.
const FIELDS_MAX: usize = 1_000;

/// A multipart body.
#[derive(Default)]
pub(in crate::http) struct Form {
    /// Fields that are no files, in their order.
    pub texts: Vec<(String, String)>,
    /// Files, in their order.
    pub files: Vec<ReceivedFile>,
}

/// A file of a form, removed when dropped.
pub(in crate::http) struct ReceivedFile {
    /// Name of its field.
    pub field: String,
    /// Name of the file, without folders.
    pub name: String,
    /// Where it is.
    pub path: TempPath,
}

impl Form {
    /// Reads a body. 411 without a length, 413 for a file that is too large, 400 for a file in a field that is not one of
    /// `files`.
    pub(in crate::http) async fn receive(
        datasets: &Datasets,
        mut request: Request,
        files: &[&str],
    ) -> DatasetsResult<Self> {
        if !request.headers().contains_key(header::CONTENT_LENGTH) {
            return Err(DatasetsError::LengthRequired);
        }
        // Files stream, and are counted as they are written: the extractor's limit is for forms held in memory.
        DefaultBodyLimit::disable().apply(&mut request);
        let mut multipart = Multipart::from_request(request, &()).await.map_err(broken)?;
        let mut form = Self::default();
        let mut text_bytes = 0;
        for _ in 0..FIELDS_MAX {
            let Some(field) = multipart.next_field().await.map_err(broken)? else { return Ok(form) };
            let name = field.name().unwrap_or_default().to_owned();
            match field.file_name().map(str::to_owned) {
                Some(file) if files.contains(&name.as_str()) => {
                    let path = to_disk(datasets, field).await?;
                    form.files.push(ReceivedFile { field: name, name: base_name(&file)?, path });
                }
                Some(_) => {
                    let files = files.join("\", \"");
                    return Err(DatasetsError::BadRequest(format!(
                        "Le champ \"{name}\" ne peut pas contenir un fichier : utilisez \"{files}\"."
                    )));
                }
                None => {
                    let text = text_of(field, &name, JSON_BODY_BYTES_MAX - text_bytes).await?;
                    text_bytes += text.len();
                    form.texts.push((name, text));
                }
            }
        }
        Err(DatasetsError::BadRequest(format!("Le corps de la requête a plus de {FIELDS_MAX} champs.")))
    }

    /// Takes the file of a field.
    pub(in crate::http) fn take_file(&mut self, field: &str) -> Option<ReceivedFile> {
        let at = self.files.iter().position(|file| file.field == field)?;
        Some(self.files.remove(at))
    }

    /// Takes the text of a field.
    pub(in crate::http) fn take_text(&mut self, field: &str) -> Option<String> {
        let at = self.texts.iter().position(|(name, _)| name == field)?;
        Some(self.texts.remove(at).1)
    }
}

async fn to_disk(datasets: &Datasets, mut field: Field<'_>) -> DatasetsResult<TempPath> {
    let max = datasets.config.upload_bytes_max;
    let path = NamedTempFile::new_in(&datasets.config.temp_dir).map_err(DatasetsError::internal)?;
    let path = path.into_temp_path();
    let mut file = tokio::fs::File::create(&path).await.map_err(DatasetsError::internal)?;
    let mut size = 0_u64;
    while let Some(piece) = field.chunk().await.map_err(broken)? {
        size += piece.len() as u64;
        if size > max {
            return Err(DatasetsError::TooLarge(max));
        }
        file.write_all(&piece).await.map_err(DatasetsError::internal)?;
    }
    file.flush().await.map_err(DatasetsError::internal)?;
    Ok(path)
}

async fn text_of(mut field: Field<'_>, name: &str, bytes_max: usize) -> DatasetsResult<String> {
    let mut bytes = Vec::new();
    while let Some(piece) = field.chunk().await.map_err(broken)? {
        bytes.extend_from_slice(&piece);
        if bytes.len() > bytes_max {
            return Err(DatasetsError::TooLarge(JSON_BODY_BYTES_MAX as u64));
        }
    }
    String::from_utf8(bytes)
        .map_err(|_| DatasetsError::BadRequest(format!("Le champ \"{name}\" n'est pas du texte UTF-8.")))
}

/// The name without folders, whichever system wrote them.
fn base_name(name: &str) -> DatasetsResult<String> {
    let base = name.rsplit(['/', '\\']).next().unwrap_or_default().trim();
    let sound: String = base.chars().filter(|c| !c.is_control()).take(200).collect();
    if sound.is_empty() || sound.starts_with("..") || sound == "." {
        return Err(DatasetsError::BadRequest(format!("\"{name}\" n'est pas un nom de fichier.")));
    }
    Ok(sound)
}

fn broken(error: impl std::fmt::Display) -> DatasetsError {
    DatasetsError::BadRequest(format!("Le corps multipart est incorrect ou incomplet : {error}."))
}
