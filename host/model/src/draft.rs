//! Drafts: a state of a dataset beside the published one, seen by those who prepare it (reference §4.8).
//!
//! A dataset that was never published has the status `draft` and everything else in its draft. The file of a published
//! one is replaced through a draft too, so that readers keep what they have until the new file is found to be fit.
//!
//! Code that works on datasets knows nothing of drafts: [`Dataset::with_draft`] gives the dataset as it would be,
//! [`Dataset::keep_draft`] takes back what became of it.

use halle_base::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::column::Column;
use crate::dataset::{AnalysedFile, Author, Building, Dataset, OriginalFile, Status, Version};
use crate::extension::Extension;

/// What becomes of a new file of a published dataset, once its rows are found to obey. Names are Data Fair's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum DraftMode {
    /// It is published, even when it breaks what readers rely on.
    #[default]
    Always,
    /// It waits for somebody.
    Never,
    /// It is published unless it breaks something; then it waits.
    Compatible,
    /// It is published unless it breaks something; then it is dropped.
    CompatibleOrCancel,
}

impl DraftMode {
    /// The mode of this name.
    pub fn of(name: &str) -> Option<Self> {
        Some(match name {
            "always" => Self::Always,
            "never" => Self::Never,
            "compatible" => Self::Compatible,
            "compatibleOrCancel" => Self::CompatibleOrCancel,
            _ => return None,
        })
    }
}

/// Why there is a draft.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DraftReason {
    /// `file-new` or `file-updated`.
    pub key: String,
    /// The same for a person.
    pub message: String,
    /// What becomes of it.
    pub validation_mode: DraftMode,
}

impl DraftReason {
    /// A first file, to be looked at before anybody else sees it.
    pub fn new_file() -> Self {
        Self {
            key: "file-new".to_owned(),
            message: "Nouveau jeu de données, à vérifier avant sa première publication.".to_owned(),
            validation_mode: DraftMode::Never,
        }
    }

    /// Another file for a published dataset.
    pub fn updated_file(validation_mode: DraftMode) -> Self {
        let message = "Nouveau fichier pour un jeu de données déjà publié.".to_owned();
        Self { key: "file-updated".to_owned(), message, validation_mode }
    }
}

/// What a draft has of its own. Field by field the same as in [`Dataset`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Draft {
    /// Why there is one.
    pub reason: DraftReason,
    /// Progress in the pipeline; `finalized` for one that waits.
    pub status: Status,
    /// Status to resume from, when `status` is `error`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_status: Option<Status>,
    /// Columns.
    #[serde(default)]
    pub schema: Vec<Column>,
    /// The upload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub original_file: Option<OriginalFile>,
    /// What the analysis found in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<AnalysedFile>,
    /// Lines of the sample that can be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// Box of these lines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bbox: Option<[f64; 4]>,
    /// The sample, once it is whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub served: Option<Version>,
    /// The version in the making.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub building: Option<Building>,
    /// Upload of the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_updated_at: Option<Timestamp>,
    /// When the sample became whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finalized_at: Option<Timestamp>,
    /// Last change.
    pub updated_at: Timestamp,
    /// By whom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_by: Option<Author>,
    /// Title, when it is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Extensions, when they are others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extensions: Option<Vec<Extension>>,
    /// Key columns, when they are others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub primary_key: Option<Vec<String>>,
    /// Descriptive attributes that differ; `null` for one that is gone.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub description: Map<String, Value>,
}

impl Draft {
    /// A draft of `dataset` of which nothing but the upload is known, received by `author`.
    pub fn of(
        dataset: &Dataset,
        reason: DraftReason,
        building: Building,
        now: Timestamp,
        author: Option<Author>,
    ) -> Self {
        let is_first = dataset.served.is_none();
        Self {
            reason,
            status: Status::Loaded,
            error_status: None,
            schema: dataset.schema.clone(),
            original_file: if is_first {
                building.original_file.clone()
            } else {
                dataset.original_file.clone()
            },
            file: dataset.file.clone(),
            count: dataset.count,
            bbox: dataset.bbox,
            served: None,
            building: Some(building),
            data_updated_at: Some(now),
            finalized_at: None,
            updated_at: now,
            updated_by: author,
            title: None,
            extensions: None,
            primary_key: None,
            description: Map::new(),
        }
    }

    /// Whether the pipeline has something to do for it.
    pub fn is_moving(&self) -> bool {
        self.building.is_some() && !matches!(self.status, Status::Error | Status::Finalized)
    }
}

impl Dataset {
    /// The dataset as its draft has it; as it is when there is none. What the draft does not have yet is that of the
    /// published state. The result knows why it is one ([`Dataset::draft_reason`]) and must not be stored as it is.
    #[must_use]
    pub fn with_draft(&self) -> Self {
        let mut seen = self.clone();
        let Some(draft) = seen.draft.take() else { return seen };
        let draft = *draft;
        seen.overlay(&draft);
        seen.draft_reason = Some(draft.reason);
        seen.status = draft.status;
        seen.error_status = draft.error_status;
        seen.schema = draft.schema;
        seen.original_file = draft.original_file;
        seen.file = draft.file;
        seen.count = draft.count;
        seen.bbox = draft.bbox;
        seen.served = draft.served.or(seen.served);
        seen.building = draft.building;
        seen.data_updated_at = draft.data_updated_at;
        seen.finalized_at = draft.finalized_at.or(seen.finalized_at);
        seen.updated_at = draft.updated_at;
        seen.updated_by = draft.updated_by;
        seen
    }

    /// Keeps as the draft what became of the dataset that [`with_draft`](Self::with_draft) gave. Nothing happens when
    /// that was none.
    pub fn keep_draft(&mut self, seen: Self) {
        let Some(reason) = seen.draft_reason else { return };
        let own = |version: &Version| self.served.as_ref().is_none_or(|served| served.id != version.id);
        let mut description: Map<String, Value> = seen
            .description
            .iter()
            .filter(|(name, value)| self.description.get(*name) != Some(value))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        for name in self.description.keys().filter(|name| !seen.description.contains_key(*name)) {
            description.insert(name.clone(), Value::Null);
        }
        self.draft = Some(Box::new(Draft {
            reason,
            status: seen.status,
            error_status: seen.error_status,
            schema: seen.schema,
            original_file: seen.original_file,
            file: seen.file,
            count: seen.count,
            bbox: seen.bbox,
            served: seen.served.filter(own),
            building: seen.building,
            data_updated_at: seen.data_updated_at,
            finalized_at: seen.finalized_at.filter(|at| Some(at) != self.finalized_at.as_ref()),
            updated_at: seen.updated_at,
            updated_by: seen.updated_by,
            title: Some(seen.title).filter(|title| *title != self.title),
            extensions: Some(seen.extensions).filter(|extensions| *extensions != self.extensions),
            primary_key: Some(seen.primary_key).filter(|key| *key != self.primary_key),
            description,
        }));
    }

    /// Makes `building` the next version of the dataset, with the attributes of the draft, which ends. Readers get it once
    /// it is whole. The draft that was.
    pub fn publish_draft(&mut self, building: Building) -> Option<Draft> {
        let draft = *self.draft.take()?;
        self.overlay(&draft);
        if self.served.is_none() {
            self.original_file.clone_from(&building.original_file);
            self.schema.clone_from(&draft.schema);
        }
        self.building = Some(building);
        self.status = Status::Validated;
        self.error_status = None;
        self.data_updated_at = draft.data_updated_at;
        self.updated_at = draft.updated_at;
        self.updated_by.clone_from(&draft.updated_by);
        Some(draft)
    }

    /// Whether the dataset was never published.
    pub fn is_first_draft(&self) -> bool {
        self.status == Status::Draft
    }

    /// The attributes in which the draft differs.
    fn overlay(&mut self, draft: &Draft) {
        if let Some(title) = &draft.title {
            self.title.clone_from(title);
        }
        if let Some(extensions) = &draft.extensions {
            self.extensions.clone_from(extensions);
        }
        if let Some(key) = &draft.primary_key {
            self.primary_key.clone_from(key);
        }
        for (name, value) in &draft.description {
            if value.is_null() {
                self.description.shift_remove(name);
            } else {
                self.description.insert(name.clone(), value.clone());
            }
        }
    }

    /// The versions of both states: what is served, and what is in the making.
    pub fn versions(&self) -> (Vec<&Version>, Vec<&Building>) {
        let draft = self.draft.as_deref();
        let served = self.served.iter().chain(draft.and_then(|draft| draft.served.as_ref()));
        let building = self.building.iter().chain(draft.and_then(|draft| draft.building.as_ref()));
        (served.collect(), building.collect())
    }
}

/// How a file breaks what readers of the published columns rely on, column by column, in French. Columns that the platform
/// computes or an extension fills are left aside: the file does not decide about them.
pub fn breaking_changes(published: &[Column], next: &[Column]) -> Vec<(String, String)> {
    let of_the_file = |column: &&Column| !column.calculated && column.extension.is_none();
    let mut found = Vec::new();
    for column in published.iter().filter(of_the_file) {
        let text = match next.iter().find(|other| other.key == column.key) {
            None => format!("la colonne \"{}\" a disparu", column.key),
            Some(other) if (&other.json_type, &other.format) != (&column.json_type, &column.format) => {
                let (before, after) = (type_of(column), type_of(other));
                format!("la colonne \"{}\" est passée du type {before} au type {after}", column.key)
            }
            Some(_) => continue,
        };
        found.push((column.key.clone(), text));
    }
    found
}

fn type_of(column: &Column) -> &str {
    column.format.as_deref().unwrap_or(&column.json_type)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::column::ColumnKind;
    use serde_json::json;

    fn dataset() -> Dataset {
        serde_json::from_value(json!({
            "id": "d", "slug": "d", "title": "Publié", "owner": { "type": "user", "id": "a", "name": "a" },
            "status": "finalized", "count": 3, "createdAt": "2026-01-01T00:00:00Z", "createdBy": null,
            "updatedAt": "2026-01-01T00:00:00Z", "updatedBy": null, "summary": "avant", "keywords": ["a"],
            "served": { "id": "v1", "rows": 3 },
        }))
        .unwrap()
    }

    fn drafted() -> Dataset {
        let mut dataset = dataset();
        let building = Building::new("v2");
        let reason = DraftReason::updated_file(DraftMode::Never);
        let now = "2026-01-02T00:00:00Z".parse().unwrap();
        dataset.draft = Some(Box::new(Draft::of(&dataset, reason, building, now, None)));
        dataset
    }

    #[test]
    fn what_is_changed_in_the_draft_stays_there_and_survives_the_store() {
        let mut dataset = drafted();
        let mut seen = dataset.with_draft();
        assert_eq!((seen.status, seen.count), (Status::Loaded, Some(3)));
        assert_eq!(
            seen.served.as_ref().unwrap().id,
            "v1",
            "readers of the draft get what is published meanwhile"
        );
        seen.title = "Brouillon".to_owned();
        seen.description.insert("summary".to_owned(), json!("après"));
        seen.description.shift_remove("keywords");
        seen.status = Status::Analyzed;
        dataset.keep_draft(seen.clone());
        assert_eq!((dataset.title.as_str(), dataset.status), ("Publié", Status::Finalized));
        let stored: Dataset = serde_json::from_value(serde_json::to_value(&dataset).unwrap()).unwrap();
        assert_eq!(stored.with_draft(), seen);
        assert_eq!(stored.draft.as_ref().unwrap().served, None);
    }

    #[test]
    fn changes_of_the_published_state_show_through() {
        let mut dataset = drafted();
        let mut seen = dataset.with_draft();
        seen.title = "Brouillon".to_owned();
        dataset.keep_draft(seen);
        dataset.description.insert("summary".to_owned(), json!("corrigé"));
        let seen = dataset.with_draft();
        assert_eq!((seen.title.as_str(), &seen.description["summary"]), ("Brouillon", &json!("corrigé")));
        let draft = dataset.publish_draft(Building::new("v2"));
        assert!(draft.is_some() && dataset.draft.is_none());
        assert_eq!((dataset.title.as_str(), dataset.status), ("Brouillon", Status::Validated));
        assert_eq!(dataset.served.as_ref().unwrap().id, "v1");
    }

    #[test]
    fn a_file_breaks_what_it_removes_or_retypes_only() {
        let mut up = Column::new("up.nom", ColumnKind::Text);
        up.extension = Some("up".to_owned());
        let before = [Column::new("a", ColumnKind::Text), Column::new("b", ColumnKind::Integer), up];
        let more = [
            Column::new("a", ColumnKind::Text),
            Column::new("b", ColumnKind::Integer),
            Column::new("c", ColumnKind::Text),
        ];
        assert_eq!(breaking_changes(&before, &more), []);
        let other = [Column::new("b", ColumnKind::Date)];
        let texts: Vec<String> =
            breaking_changes(&before, &other).into_iter().map(|(_, text)| text).collect();
        assert_eq!(
            texts,
            ["la colonne \"a\" a disparu", "la colonne \"b\" est passée du type integer au type date"]
        );
    }
}
