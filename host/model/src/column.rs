//! Columns of a dataset, in the shape Data Fair calls *schema property*.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a column holds, once `type` and `format` are read together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ColumnKind {
    /// Any text. Arrow: `Utf8`.
    Text,
    /// Whole numbers. Arrow: `Int64`.
    Integer,
    /// Numbers. Arrow: `Float64`.
    Number,
    /// Truth values. Arrow: `Boolean`.
    Boolean,
    /// Calendar days. Arrow: `Date32`.
    Date,
    /// Instants with their source offset. Arrow: `Utf8` holding RFC 3339, because the offset is part of the value.
    DateTime,
    /// JSON, such as a geometry. Arrow: `Utf8` holding JSON.
    Object,
}

/// One column. Field names on the wire are Data Fair's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Column {
    /// Name in the API: a slug of the original name, with `_` as separator.
    pub key: String,
    /// JSON type: `string`, `integer`, `number`, `boolean` or `object`.
    #[serde(rename = "type", default = "string_type")]
    pub json_type: String,
    /// `date`, `date-time` or `uri-reference`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// Header in the file.
    #[serde(rename = "x-originalName", default, skip_serializing_if = "Option::is_none")]
    pub original_name: Option<String>,
    /// Title chosen by the producer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Description in Markdown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Group under which interfaces show the column.
    #[serde(rename = "x-group", default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Identifier (URI) of the concept that the column holds.
    #[serde(rename = "x-refersTo", default, skip_serializing_if = "Option::is_none")]
    pub refers_to: Option<String>,
    /// Whether the platform computes the column (`_id`, `_i`, `_geopoint`...).
    #[serde(rename = "x-calculated", default, skip_serializing_if = "std::ops::Not::not")]
    pub calculated: bool,
    /// Extension that fills the column.
    #[serde(rename = "x-extension", default, skip_serializing_if = "Option::is_none")]
    pub extension: Option<String>,
    /// What the column may be used for, where it differs from the default.
    #[serde(rename = "x-capabilities", default, skip_serializing_if = "Capabilities::is_default")]
    pub capabilities: Capabilities,
    /// Display: `textarea`, `markdown`...
    #[serde(rename = "x-display", default, skip_serializing_if = "Option::is_none")]
    pub display: Option<String>,
    /// Labels of values.
    #[serde(rename = "x-labels", default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<IndexMap<String, String>>,
    /// Separator of a multivalued column.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub separator: Option<String>,
    /// IANA zone of date-times without an offset; `Europe/Paris` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// Pattern in which the file writes dates; only in `file.schema`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date_format: Option<String>,
    /// Pattern in which the file writes date-times; only in `file.schema`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date_time_format: Option<String>,
    /// Observed values of a column of few values, most frequent first.
    #[serde(rename = "enum", default, skip_serializing_if = "Option::is_none")]
    pub values: Option<Vec<Value>>,
    /// Number of distinct values.
    #[serde(rename = "x-cardinality", default, skip_serializing_if = "Option::is_none")]
    pub cardinality: Option<u64>,
    /// Attributes this version has no use for, kept as they came.
    #[serde(flatten)]
    pub other: serde_json::Map<String, Value>,
}

fn string_type() -> String {
    "string".to_owned()
}

impl Column {
    /// A column of the given kind with nothing else set.
    pub fn new(key: impl Into<String>, kind: ColumnKind) -> Self {
        let (json_type, format) = match kind {
            ColumnKind::Text => ("string", None),
            ColumnKind::Integer => ("integer", None),
            ColumnKind::Number => ("number", None),
            ColumnKind::Boolean => ("boolean", None),
            ColumnKind::Date => ("string", Some("date")),
            ColumnKind::DateTime => ("string", Some("date-time")),
            ColumnKind::Object => ("object", None),
        };
        Self {
            key: key.into(),
            json_type: json_type.to_owned(),
            format: format.map(str::to_owned),
            original_name: None,
            title: None,
            description: None,
            group: None,
            refers_to: None,
            calculated: false,
            extension: None,
            capabilities: Capabilities::default(),
            display: None,
            labels: None,
            separator: None,
            time_zone: None,
            date_format: None,
            date_time_format: None,
            values: None,
            cardinality: None,
            other: serde_json::Map::new(),
        }
    }

    /// What the column holds.
    pub fn kind(&self) -> ColumnKind {
        match (self.json_type.as_str(), self.format.as_deref()) {
            ("integer", _) => ColumnKind::Integer,
            ("number", _) => ColumnKind::Number,
            ("boolean", _) => ColumnKind::Boolean,
            ("object", _) => ColumnKind::Object,
            (_, Some("date")) => ColumnKind::Date,
            (_, Some("date-time")) => ColumnKind::DateTime,
            _ => ColumnKind::Text,
        }
    }

    /// What a reader is shown: title, else the original name, else the key.
    pub fn label(&self) -> &str {
        let given = [self.title.as_deref(), self.original_name.as_deref()];
        given.into_iter().flatten().find(|text| !text.is_empty()).unwrap_or(&self.key)
    }

    /// IANA zone in which days of this column begin.
    pub fn zone(&self) -> &str {
        self.time_zone.as_deref().unwrap_or("Europe/Paris")
    }
}

/// What a column may be used for; `None` means the default of Data Fair.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Capabilities {
    /// Exact filters, ranges, existence. Default true.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<bool>,
    /// Sort, group, metrics, observed values. Default true.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub values: Option<bool>,
    /// Words without French analysis. Default true.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text_standard: Option<bool>,
    /// Words with French analysis. Default true for text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<bool>,
    /// Sort that folds case and accents. Default true.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub insensitive: Option<bool>,
    /// Statistics of words. Default false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text_agg: Option<bool>,
    /// Substring filters. Default false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wildcard: Option<bool>,
    /// Words of the files that the column names. Default true.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index_attachment: Option<bool>,
}

impl Capabilities {
    /// Whether nothing differs from the default.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// "Filtrable sur valeur exacte".
    pub fn index(&self) -> bool {
        self.index.unwrap_or(true)
    }

    /// "Triable et groupable".
    pub fn values(&self) -> bool {
        self.values.unwrap_or(true)
    }

    /// "Texte analysé pour recherche textuelle".
    pub fn text_standard(&self) -> bool {
        self.text_standard.unwrap_or(true)
    }

    /// "Texte analysé spécifiquement pour la langue française".
    pub fn text(&self) -> bool {
        self.text.unwrap_or(true)
    }

    /// "Tri amélioré avec casse et accents".
    pub fn insensitive(&self) -> bool {
        self.insensitive.unwrap_or(true)
    }

    /// "Texte filtrable sur groupe de caractères".
    pub fn wildcard(&self) -> bool {
        self.wildcard.unwrap_or(false)
    }

    /// Whether the words of files are searched.
    pub fn index_attachment(&self) -> bool {
        self.index_attachment.unwrap_or(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_survives_the_wire_with_attributes_of_later_versions() {
        let wire = r#"{"key":"code_insee","type":"string","x-originalName":"Code INSEE","x-refersTo":"http://rdf.insee.fr/def/geo#codeCommune","x-capabilities":{"text":false},"x-master":{"id":"m"}}"#;
        let column: Column = serde_json::from_str(wire).unwrap();
        assert_eq!(column.kind(), ColumnKind::Text);
        assert_eq!(column.label(), "Code INSEE");
        assert!(!column.capabilities.text() && column.capabilities.index());
        assert_eq!(serde_json::to_string(&column).unwrap(), wire);
    }

    #[test]
    fn kind_and_constructor_agree() {
        use ColumnKind::{Boolean, Date, DateTime, Integer, Number, Object, Text};
        for kind in [Text, Integer, Number, Boolean, Date, DateTime, Object] {
            assert_eq!(Column::new("c", kind).kind(), kind);
        }
    }
}
