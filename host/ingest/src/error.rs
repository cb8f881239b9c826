//! Why a file cannot be read, in words for the producer.

use halle_base::limits::CELL_BYTES_MAX;

use crate::source::{EXPANDED_BYTES_MAX, EXPANSION_RATIO_MAX};

/// Result of reading a file.
pub type IngestResult<T> = Result<T, IngestError>;

/// Why a file cannot be read. The text is for the producer; French, except where clients match Data Fair's English.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// A format this version does not read. Data Fair's words, answered with 400.
    #[error("{mime} type is not supported")]
    Unsupported {
        /// MIME type, by the extension of the file name.
        mime: String,
    },
    /// The encoding that the producer asked for does not exist.
    #[error(
        "L'encodage « {label} » est inconnu. Indiquez par exemple UTF-8 ou windows-1252, ou laissez Halle le détecter."
    )]
    UnknownEncoding {
        /// The label as given.
        label: String,
    },
    /// The file holds bytes that no text has.
    #[error(
        "Le fichier n'est pas un fichier texte (octet nul à la position {offset}). Exportez-le en CSV avant de le déposer."
    )]
    Binary {
        /// Offset of the first such byte, from 0, after decompression.
        offset: u64,
    },
    /// Nothing that looks like a header.
    #[error(
        "Échec de l'analyse du fichier tabulaire, pas de colonne détectée. Le fichier doit commencer par une ligne d'en-tête."
    )]
    NoColumn,
    /// More columns than a dataset may have.
    #[error("Le fichier contient {found} colonnes, la limite est de {max} colonnes.")]
    TooManyColumns {
        /// Columns of the header.
        found: usize,
        /// The limit.
        max: usize,
    },
    /// A record has values for which there is no header.
    #[error(
        "Échec du traitement de la ligne {line} du fichier. Le format est probablement invalide. Elle contient {found} valeurs pour {expected} colonnes."
    )]
    TooManyValues {
        /// Physical line on which the record begins, from 1.
        line: u64,
        /// Values of the record, trailing blanks left out.
        found: usize,
        /// Columns of the header.
        expected: usize,
    },
    /// A quoted value is still open where the file ends.
    #[error(
        "Échec du traitement de la ligne {line} du fichier. Le format est probablement invalide. Les guillemets ouverts dans la colonne « {column} » ne sont jamais fermés."
    )]
    UnclosedQuote {
        /// Physical line on which the value begins, from 1.
        line: u64,
        /// Header of the column, or its number where there is none.
        column: String,
    },
    /// A value is longer than a cell may be.
    #[error("Échec du traitement de la ligne {line} du fichier. La valeur de la colonne « {column} » dépasse {} ko ; des guillemets sont peut-être mal fermés.", CELL_BYTES_MAX / 1024)]
    CellTooLong {
        /// Physical line on which the value begins, from 1.
        line: u64,
        /// Header of the column, or its number where there is none.
        column: String,
    },
    /// A record is longer than [`RECORD_BYTES_MAX`](crate::RECORD_BYTES_MAX).
    #[error("Échec du traitement de la ligne {line} du fichier. La ligne dépasse {} Mo.", crate::RECORD_BYTES_MAX >> 20)]
    RecordTooLong {
        /// Physical line on which the record begins, from 1.
        line: u64,
    },
    /// A piece of the file that is not what its format says.
    #[error("Échec de la lecture du fichier, {place} : {reason}.")]
    Broken {
        /// Where: « élément 12 », « feuille « Budget », cellule B12 ».
        place: String,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// Shapes most of which are wrong: the file is not what its producer thinks.
    #[error("{percent}% des lignes sont en erreur, {first}.")]
    WrongShapes {
        /// Of a hundred shapes, those that are wrong, rounded up.
        percent: u64,
        /// The first of them: where it is, and what is wrong.
        first: String,
    },
    /// A coordinate system that is not known.
    #[error(
        "Le système de coordonnées « {name} » est inconnu. Convertissez le fichier en WGS84 (EPSG:4326) ou en Lambert-93 (EPSG:2154)."
    )]
    UnknownProjection {
        /// The system as the file or the producer names it.
        name: String,
    },
    /// Compressed data that are damaged or cut short.
    #[error("Le fichier compressé est endommagé ou incomplet ({reason}).")]
    BadArchive {
        /// What the decompressor said.
        reason: String,
    },
    /// Compressed data that grow beyond measure.
    #[error("Le fichier compressé est refusé : décompressé, il dépasse {EXPANSION_RATIO_MAX} fois sa taille ou {} Go.", EXPANDED_BYTES_MAX >> 30)]
    ZipBomb,
    /// The file is not the one that was analysed.
    #[error("Le fichier a changé depuis son analyse : {reason}.")]
    Changed {
        /// What differs.
        reason: String,
    },
    /// Stored rows that cannot be read or written.
    #[error("canonical rows: {0}")]
    Rows(String),
    /// The disk failed.
    #[error("reading the file: {0}")]
    Io(std::io::Error),
}

impl IngestError {
    /// A piece of the file that is not what its format says.
    pub(crate) fn broken(place: impl Into<String>, reason: impl std::fmt::Display) -> Self {
        let reason = reason.to_string();
        let reason = reason.strip_suffix('.').unwrap_or(&reason).to_owned();
        Self::Broken { place: place.into(), reason }
    }

    /// Physical line of the file it is about, from 1.
    pub fn line(&self) -> Option<u64> {
        match self {
            Self::TooManyValues { line, .. }
            | Self::UnclosedQuote { line, .. }
            | Self::CellTooLong { line, .. }
            | Self::RecordTooLong { line } => Some(*line),
            _ => None,
        }
    }

    /// Header of the column it is about.
    pub fn column(&self) -> Option<&str> {
        match self {
            Self::UnclosedQuote { column, .. } | Self::CellTooLong { column, .. } => Some(column),
            _ => None,
        }
    }

    /// Whether the file is at fault, so that trying again cannot help. False: the machine is.
    pub fn is_about_the_file(&self) -> bool {
        !matches!(self, Self::Io(_) | Self::Rows(_))
    }
}

/// Carries an [`IngestError`] through a reader, and finds it again.
impl From<std::io::Error> for IngestError {
    fn from(error: std::io::Error) -> Self {
        match error.downcast::<Self>() {
            Ok(inner) => inner,
            Err(error) => Self::Io(error),
        }
    }
}

impl From<IngestError> for std::io::Error {
    fn from(error: IngestError) -> Self {
        Self::other(error)
    }
}
