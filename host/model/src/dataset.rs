//! The dataset: what the catalogue knows about a table of lines.

use halle_base::{AccountRef, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::column::Column;
use crate::draft::{Draft, DraftReason};
use crate::editing::Editing;
use crate::extension::Extension;
use crate::journal::Diagnostic;
use crate::permission::PermissionEntry;
use crate::read_key::ReadKey;
use crate::union::Union;

/// How far a dataset is in the pipeline. Names are Data Fair's (reference §4.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// Declared, nothing received.
    Created,
    /// The upload is in the blobs.
    Loaded,
    /// Encoding and digest are known.
    Stored,
    /// The file is in a format that can be read row by row.
    Normalized,
    /// Dialect, columns and types are known.
    Analyzed,
    /// Rules changed; only the validation is replayed.
    ValidationUpdated,
    /// Every row obeys the schema.
    Validated,
    /// Extensions have filled their columns.
    Extended,
    /// The index of the next version is whole.
    Indexed,
    /// Ready: statistics computed, readers switched.
    Finalized,
    /// Stopped; `error_status` tells where.
    Error,
    /// Never published: everything is in the draft.
    Draft,
}

impl Status {
    /// Name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Loaded => "loaded",
            Self::Stored => "stored",
            Self::Normalized => "normalized",
            Self::Analyzed => "analyzed",
            Self::ValidationUpdated => "validation-updated",
            Self::Validated => "validated",
            Self::Extended => "extended",
            Self::Indexed => "indexed",
            Self::Finalized => "finalized",
            Self::Error => "error",
            Self::Draft => "draft",
        }
    }
}

/// Where the lines of a dataset come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DatasetKind {
    /// An uploaded file.
    File,
    /// Lines edited one by one.
    Editable,
    /// The lines of other datasets.
    Virtual,
    /// No data, only a description.
    MetadataOnly,
}

/// A dataset as it is stored. Field names are Data Fair's; `views` of the `datasets` feature decide what a caller sees.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Dataset {
    /// Identifier, unique on the platform.
    pub id: String,
    /// Readable identifier, unique among the owner's datasets.
    pub slug: String,
    /// Title.
    pub title: String,
    /// Account that owns the dataset.
    pub owner: AccountRef,
    /// Progress in the pipeline.
    pub status: Status,
    /// Status to resume from, when `status` is `error`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_status: Option<Status>,
    /// Whether lines are edited one by one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_rest: bool,
    /// Whether the dataset has no data.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_meta_only: bool,
    /// Whether the lines are those of other datasets.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_virtual: bool,
    /// Which ones, of a virtual dataset.
    #[serde(rename = "virtual", default, skip_serializing_if = "Option::is_none")]
    pub union: Option<Union>,
    /// Columns, in order.
    #[serde(default)]
    pub schema: Vec<Column>,
    /// Key columns that identify a line of an editable dataset.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub primary_key: Vec<String>,
    /// Rules of an editable dataset.
    #[serde(default, skip_serializing_if = "Editing::is_default")]
    pub rest: Editing,
    /// The upload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub original_file: Option<OriginalFile>,
    /// What the analysis found in the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<AnalysedFile>,
    /// Enrichments, applied in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub extensions: Vec<Extension>,
    /// Number of lines of the served version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// Box of the lines: west, south, east, north, in degrees.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bbox: Option<[f64; 4]>,
    /// The version that readers get. `None` until the first one is whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub served: Option<Version>,
    /// The version in the making.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub building: Option<Building>,
    /// Which edited lines wait for what extensions give them; `None` when none does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extending: Option<Extending>,
    /// The state that is prepared beside this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub draft: Option<Box<Draft>>,
    /// Why this is a draft; only in what [`Dataset::with_draft`] gives, never stored.
    #[serde(skip)]
    pub draft_reason: Option<DraftReason>,
    /// What was wrong with the last draft, if it was dropped for that: the list is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancelled_draft: Option<Diagnostic>,
    /// Creation.
    pub created_at: Timestamp,
    /// Who created it.
    pub created_by: Option<Author>,
    /// Last change of anything.
    pub updated_at: Timestamp,
    /// Who changed it last.
    pub updated_by: Option<Author>,
    /// Last change of the data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_updated_at: Option<Timestamp>,
    /// When the served version became whole. Cache keys of clients.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finalized_at: Option<Timestamp>,
    /// Keys with which anybody reads the dataset.
    #[serde(rename = "readApiKey", default, skip_serializing_if = "Option::is_none")]
    pub read_key: Option<ReadKey>,
    /// Explicit grants besides the owner's own rights.
    #[serde(default)]
    pub permissions: Vec<PermissionEntry>,
    /// Descriptive attributes: see [`DESCRIPTIVE`].
    #[serde(flatten)]
    pub description: Map<String, Value>,
}

/// Attributes a producer may set freely; they are stored as they come, after a check of their JSON type.
pub const DESCRIPTIVE: &[&str] = &[
    "summary",
    "description",
    "license",
    "origin",
    "image",
    "topics",
    "keywords",
    "spatial",
    "temporal",
    "frequency",
    "creator",
    "modified",
    "conformsTo",
    "extras",
    "customMetadata",
    "relatedDatasets",
    "thumbnails",
    "exports",
    "analysis",
    "attachments",
    "attachmentsAsImage",
    "projection",
    "publications",
    "publicationSites",
    "requestedPublicationSites",
    "masterData",
    "nonBlockingValidation",
];

/// Who did something; names are not stored (Data Fair stopped too, for privacy).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Author {
    /// Identifier of the user.
    pub id: String,
}

/// An upload, as it was received.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OriginalFile {
    /// File name without folders.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// Media type, from the name.
    pub mimetype: String,
    /// Digest, once stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub md5: Option<String>,
    /// Encoding: given by the client, else detected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<String>,
    /// Where the table is in a spreadsheet, as the client said: `spreadsheetWorksheetIndex`, `spreadsheetHeaderLine`,
    /// `spreadsheetStartCol`, from 1.
    #[serde(rename = "normalizeOptions", default, skip_serializing_if = "Option::is_none")]
    pub normalize_options: Option<Value>,
}

/// A file once analysed: what it is once it can be read row by row. A spreadsheet is described as the CSV, a shapefile as
/// the GeoJSON that it would be converted to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AnalysedFile {
    /// File name without folders.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// Encoding, an IANA name in upper case (`UTF-8`, `WINDOWS-1252`).
    pub encoding: String,
    /// Media type.
    pub mimetype: String,
    /// Columns with the formats in which the file writes dates.
    #[serde(default)]
    pub schema: Vec<Column>,
    /// CSV dialect: `numLines`, `linesDelimiter`, `fieldsDelimiter`, `escapeChar`, `quote`.
    #[serde(default)]
    pub props: Map<String, Value>,
}

/// A zip of files that came beside a data file, whose lines name them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttachmentsZip {
    /// Version under which it is kept: the files outlive the data file that they came with.
    pub version: String,
    /// Bytes of the zip.
    pub size: u64,
    /// Files in it.
    pub count: u64,
}

/// An immutable version of the data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Version {
    /// Identifier of the version; also names its blobs and its index.
    pub id: String,
    /// Number of lines.
    pub rows: u64,
    /// Bytes of the index on disk.
    #[serde(default)]
    pub index_bytes: u64,
    /// Bytes of the canonical rows, or of the edited lines.
    #[serde(default)]
    pub rows_bytes: u64,
    /// Version that received the upload, and under which it is kept; this one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upload: Option<String>,
    /// What is wrong with rows that are served all the same, under `nonBlockingValidation`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diagnostic: Option<Diagnostic>,
    /// Version that has all the rows, of a sample: its first lines, of a draft.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample_of: Option<String>,
    /// Files that came beside the upload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attachments: Option<AttachmentsZip>,
}

impl Version {
    /// Version under which the canonical rows are, all of them.
    pub fn whole(&self) -> &str {
        self.sample_of.as_deref().unwrap_or(&self.id)
    }
}

/// A version in the making. Nothing of it is visible to readers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Building {
    /// Identifier the version will have.
    pub id: String,
    /// The upload it is made from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub original_file: Option<OriginalFile>,
    /// What the analysis found, once it ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<AnalysedFile>,
    /// Columns of the version, once known.
    #[serde(default)]
    pub schema: Vec<Column>,
    /// Version that received the upload, and under which it is kept; this one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upload: Option<String>,
    /// Version whose canonical rows are taken, instead of reading the upload again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows_from: Option<String>,
    /// What reading the upload again needs to know of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub analysis: Option<Value>,
    /// What the index knows of the version, once it is whole: rows, bytes, statistics of columns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<Value>,
    /// Whether only rules of columns changed: once the served rows are found to obey, they stay served.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub checks_only: bool,
    /// What is wrong with the rows, once they were checked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diagnostic: Option<Diagnostic>,
    /// Files that came beside the upload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attachments: Option<AttachmentsZip>,
}

impl Building {
    /// A version of which nothing is known yet.
    pub fn new(id: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            original_file: None,
            file: None,
            schema: Vec::new(),
            upload: None,
            rows_from: None,
            analysis: None,
            summary: None,
            checks_only: false,
            diagnostic: None,
            attachments: None,
        }
    }
}

/// Edited lines that wait for what extensions give them: those numbered above `after`. It is written with the lines
/// themselves, so that none is forgotten.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extending {
    /// Number of the last line that has what the extensions give.
    pub after: i64,
    /// Whether the extensions changed, so that every line is treated and the index built again.
    pub whole: bool,
    /// Changes with the extensions: what was computed for another change of them does not count.
    pub change: String,
}

impl Dataset {
    /// Where the lines come from.
    pub fn kind(&self) -> DatasetKind {
        match (self.is_rest, self.is_virtual, self.is_meta_only) {
            (true, _, _) => DatasetKind::Editable,
            (_, true, _) => DatasetKind::Virtual,
            (_, _, true) => DatasetKind::MetadataOnly,
            _ => DatasetKind::File,
        }
    }

    /// Bytes that the served version takes on disk: the upload, the files beside it, the canonical rows, the index.
    pub fn stored_bytes(&self) -> u64 {
        let upload =
            self.original_file.as_ref().filter(|_| self.served.is_some()).map_or(0, |file| file.size);
        let version = self.served.as_ref();
        let files = version.and_then(|version| version.attachments.as_ref()).map_or(0, |zip| zip.size);
        upload + files + version.map_or(0, |version| version.rows_bytes + version.index_bytes)
    }

    /// Bytes of the index of the served version.
    pub fn indexed_bytes(&self) -> u64 {
        self.served.as_ref().map_or(0, |version| version.index_bytes)
    }

    /// The column with this key.
    pub fn column(&self, key: &str) -> Option<&Column> {
        self.schema.iter().find(|column| column.key == key)
    }

    /// The primary column of a concept: the first one that refers to it.
    pub fn concept_column(&self, concept: &crate::concept::Concept) -> Option<&Column> {
        self.schema
            .iter()
            .find(|column| column.refers_to.as_deref().is_some_and(|uri| concept.identifiers.contains(&uri)))
    }
}
