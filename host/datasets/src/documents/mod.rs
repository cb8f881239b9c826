//! Files of lines in the index: their words, so that `q` finds them; their type and size; where they can be had.
//!
//! The index has columns that the canonical rows have not. They are computed when it is built, from the files themselves,
//! so that `halle reindex` finds them again.
//!
//! **Invariant:** no file makes a dataset fail: one that cannot be read has no words, and the journal says so.
//!
//! **Invariant:** memory is bounded: one file at a time, at most [`DOCUMENT_BYTES_MAX`], and the texts of a few lines.

pub(crate) mod archive;
mod lines;

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, StringArray};
use arrow::datatypes::{Field, Schema};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use halle_ingest::document::{DOCUMENT_BYTES_MAX, media_type, text};
use halle_model::dataset::{AttachmentsZip, OriginalFile};
use halle_model::{Capabilities, Column, ColumnKind};
use halle_search::engine::FILE_TEXT;
use halle_store::{BlobKey, StoreResult};
use serde_json::{Map, Value};

use crate::error::{DatasetsError, DatasetsResult};
use crate::service::attachments::ATTACHMENT;
use crate::service::{columns, names};

/// Text of the file (reference §3.3).
const CONTENT: &str = FILE_TEXT;

/// Media type of the file.
const MEDIA_TYPE: &str = "_file.content_type";

/// Bytes of the file.
const LENGTH: &str = "_file.content_length";

/// Where the file can be had. The index has what follows `datasets/` in the address.
pub(crate) const URL: &str = "_attachment_url";

/// What the index has of one file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct FileFacts {
    content: Option<String>,
    media_type: Option<&'static str>,
    bytes: Option<i64>,
    url: Option<String>,
}

/// The column whose values are paths of files.
pub(crate) fn attachment_column(schema: &[Column]) -> Option<&Column> {
    schema.iter().find(|column| !column.calculated && column.refers_to.as_deref() == Some(ATTACHMENT))
}

/// Whether the key is of a column that is computed from files.
pub(crate) fn is_of_files(key: &str) -> bool {
    matches!(key, CONTENT | MEDIA_TYPE | LENGTH | URL)
}

/// Whether an index has columns that are computed from files.
pub(crate) fn has_files(columns: &[Column]) -> bool {
    columns.iter().any(|column| is_of_files(&column.key))
}

/// The columns that are computed from files: none where no column names files.
pub(crate) fn columns(schema: &[Column]) -> Vec<Column> {
    let Some(attachment) = attachment_column(schema) else { return Vec::new() };
    let no = Some(false);
    let words = Capabilities { index: no, values: no, insensitive: no, ..Capabilities::default() };
    let exact = Capabilities { text: no, text_standard: no, insensitive: no, ..Capabilities::default() };
    let shown = Capabilities { index: no, values: no, ..exact };
    let made = [
        (CONTENT, ColumnKind::Text, "Contenu textuel du fichier", words),
        (MEDIA_TYPE, ColumnKind::Text, "Type de média du fichier", exact),
        (LENGTH, ColumnKind::Integer, "Taille du fichier en octets", Capabilities::default()),
        (URL, ColumnKind::Text, "Adresse de téléchargement du fichier", shown),
    ];
    let wanted =
        made.into_iter().filter(|(key, ..)| *key != CONTENT || attachment.capabilities.index_attachment());
    let column = |(key, kind, title, capabilities): (&str, ColumnKind, &str, Capabilities)| {
        let mut column = Column::new(key, kind);
        column.calculated = true;
        column.title = Some(title.to_owned());
        column.capabilities = capabilities;
        column
    };
    wanted.map(column).collect()
}

/// The columns of an index that is built from canonical rows: those that hold data, and those computed from files.
pub(crate) fn in_index(schema: &[Column]) -> Vec<Column> {
    let mut all = columns::indexed(schema);
    all.extend(columns(schema));
    all
}

/// The zip of the files that lines of a version name: the one that came beside its upload, else the upload itself, if that
/// is one.
pub(crate) fn archive_key(
    dataset: &str,
    schema: &[Column],
    original: Option<&OriginalFile>,
    upload: &str,
    beside: Option<&AttachmentsZip>,
) -> StoreResult<Option<BlobKey>> {
    if attachment_column(schema).is_none() {
        return Ok(None);
    }
    if let Some(zip) = beside {
        return names::attachments_zip(dataset, &zip.version).map(Some);
    }
    let is_zip = original.is_some_and(|original| original.mimetype == "application/zip");
    is_zip.then(|| names::original(dataset, upload)).transpose()
}

/// What the index has of a file: all but its address when it is too large (`bytes` is `None`). The second part is why its
/// text could not be read.
fn facts(dataset: &str, path: &str, bytes: Option<&[u8]>, wants_text: bool) -> (FileFacts, Option<String>) {
    let mut facts = FileFacts { url: Some(address(dataset, path)), ..FileFacts::default() };
    let Some(bytes) = bytes else { return (facts, None) };
    facts.bytes = i64::try_from(bytes.len()).ok();
    facts.media_type = Some(media_type(path, bytes));
    match if wants_text { text(path, bytes) } else { Ok(None) } {
        Ok(text) => {
            facts.content = text.filter(|text| !text.is_empty());
            (facts, None)
        }
        Err(error) => (facts, Some(error.to_string())),
    }
}

/// A line as JSON without the text of its file, which is for searching.
pub(crate) fn without_text(values: &mut Map<String, Value>) {
    values.shift_remove(CONTENT);
}

/// The address of a file below `datasets/`.
fn address(dataset: &str, path: &str) -> String {
    let mut address = format!("{dataset}/attachments/");
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~' | b'/') {
            address.push(char::from(byte));
        } else {
            address.push_str(&format!("%{byte:02X}"));
        }
    }
    address
}

/// The path that is written so in an address; `None` when it is no text.
pub(crate) fn path_of(written: &str) -> Option<String> {
    let mut path = Vec::with_capacity(written.len());
    let mut rest = written.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let code = after.get(..2).filter(|_| first == b'%').and_then(|two| hex::decode(two).ok());
        path.push(code.as_ref().map_or(first, |code| code[0]));
        rest = if code.is_some() { &after[2..] } else { after };
    }
    String::from_utf8(path).ok()
}

/// The batch under the columns of an index, with what is known of the file of each of its lines.
pub(crate) fn with(
    batch: &RecordBatch,
    columns: &[Column],
    files: &[FileFacts],
) -> DatasetsResult<RecordBatch> {
    let mut fields = Vec::with_capacity(columns.len());
    let mut arrays = Vec::with_capacity(columns.len());
    for column in columns {
        let texts = |text: fn(&FileFacts) -> Option<&str>| -> ArrayRef {
            Arc::new(files.iter().map(text).collect::<StringArray>())
        };
        let array = match column.key.as_str() {
            CONTENT => texts(|file| file.content.as_deref()),
            MEDIA_TYPE => texts(|file| file.media_type),
            URL => texts(|file| file.url.as_deref()),
            LENGTH => Arc::new(files.iter().map(|file| file.bytes).collect::<Int64Array>()),
            key => {
                let missing = || DatasetsError::internal(format!("the rows lack the column {key}"));
                Arc::clone(batch.column_by_name(key).ok_or_else(missing)?)
            }
        };
        fields.push(Field::new(&column.key, array.data_type().clone(), true));
        arrays.push(array);
    }
    let rows = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), arrays, &rows)
        .map_err(DatasetsError::internal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_add_columns_that_the_producer_can_do_without() {
        let mut column = Column::new("doc", ColumnKind::Text);
        let keys =
            |schema: &[Column]| columns(schema).into_iter().map(|column| column.key).collect::<Vec<_>>();
        assert_eq!(keys(std::slice::from_ref(&column)), Vec::<String>::new());
        column.refers_to = Some(ATTACHMENT.to_owned());
        assert_eq!(keys(std::slice::from_ref(&column)), [CONTENT, MEDIA_TYPE, LENGTH, URL]);
        column.capabilities.index_attachment = Some(false);
        assert_eq!(keys(&[column]), [MEDIA_TYPE, LENGTH, URL]);
    }

    #[test]
    fn addresses_keep_what_they_name() {
        for path in ["2024/Arrêté n°1 #?.pdf", "100%.pdf", "a%20b"] {
            let address = address("d", path);
            assert_eq!(path_of(address.strip_prefix("d/attachments/").unwrap()).as_deref(), Some(path));
        }
        assert_eq!(path_of("%FF"), None);
        assert_eq!(
            address("d", "2024/Arrêté n°1 #?.pdf"),
            "d/attachments/2024/Arr%C3%AAt%C3%A9%20n%C2%B01%20%23%3F.pdf"
        );
    }
}
