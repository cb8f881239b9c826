//! What a caller sees of a dataset: the wire types.

use halle_base::Timestamp;
use halle_model::concept::{VOCABULARY, by_uri};
use halle_model::dataset::DatasetKind;
use halle_model::draft::Draft;
use halle_model::permission::{Class, DATASET_OPERATIONS, can, is_public, visibility};
use halle_model::read_key::ReadKey;
use halle_model::settings::PrivateConcept;
use halle_model::{Caller, Column, Dataset};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::service::drafts::may_see;
use crate::service::load::protected;
use crate::service::remote_files::{REMOTE_FILE, TARGET};

/// Attributes that every answer has, whatever `select` says.
pub(crate) const ALWAYS: &[&str] = &["id", "href", "page", "slug", "title", "owner"];

/// Attributes that are not stored but computed for the caller.
pub(crate) const COMPUTED: &[&str] =
    &["href", "page", "thumbnail", "visibility", "public", "userPermissions"];

/// A dataset as `caller` sees it. `base` is the client's address of this server, without a trailing slash.
pub(crate) fn dataset(dataset: &Dataset, caller: &Caller, base: &str) -> Map<String, Value> {
    let mut view = Map::new();
    let mut set = |name: &str, value: Value| drop(view.insert(name.to_owned(), value));
    set("id", json!(dataset.id));
    set("slug", json!(dataset.slug));
    set("title", json!(dataset.title));
    set("href", json!(format!("{base}/data-fair/api/v1/datasets/{}", dataset.id)));
    set("page", json!(format!("{base}/datasets/{}", dataset.slug)));
    set("owner", json!(dataset.owner));
    set("status", json!(dataset.status));
    for (name, value) in &dataset.description {
        set(name, if name == "attachments" { attachments(dataset, value, base) } else { value.clone() });
    }
    if dataset.description.get("image").is_some_and(Value::is_string) {
        set("thumbnail", json!(format!("{base}/data-fair/api/v1/datasets/{}/thumbnail", dataset.id)));
    }
    let optional = [
        ("errorStatus", json!(dataset.error_status)),
        ("originalFile", json!(dataset.original_file)),
        ("file", json!(dataset.file)),
        ("count", json!(dataset.count)),
        ("bbox", json!(dataset.bbox)),
        ("dataUpdatedAt", json!(dataset.data_updated_at.map(millis))),
        ("finalizedAt", json!(dataset.finalized_at.map(millis))),
        ("createdBy", json!(dataset.created_by)),
        ("updatedBy", json!(dataset.updated_by)),
        ("draftReason", json!(dataset.draft_reason)),
    ];
    for (name, value) in optional.into_iter().filter(|(_, value)| !value.is_null()) {
        set(name, value);
    }
    for (name, _) in kinds(dataset).into_iter().filter(|(_, is)| *is) {
        set(name, json!(true));
    }
    if let Some(union) = &dataset.union {
        set("virtual", json!(union));
    }
    if let Some(draft) = dataset.draft.as_ref().filter(|_| may_see(caller, dataset)) {
        set("draft", draft_view(draft));
    }
    if !dataset.primary_key.is_empty() {
        set("primaryKey", json!(dataset.primary_key));
    }
    if let Some(key) = &dataset.read_key {
        set("readApiKey", read_key(key));
    }
    if dataset.is_rest {
        set("rest", json!(dataset.rest));
    }
    if !dataset.extensions.is_empty() {
        set("extensions", extensions(dataset));
    }
    set("schema", json!(columns(&dataset.schema)));
    set("createdAt", json!(millis(dataset.created_at)));
    set("updatedAt", json!(millis(dataset.updated_at)));
    if dataset.kind() != DatasetKind::MetadataOnly {
        set("storage", storage(dataset));
    }
    set("visibility", json!(visibility(&dataset.permissions)));
    set("public", json!(reads_are_public(dataset)));
    set("userPermissions", json!(user_permissions(dataset, caller)));
    view
}

/// What a draft has of its own.
fn draft_view(draft: &Draft) -> Value {
    let mut view = draft.description.clone();
    let members = [
        ("status", json!(draft.status)),
        ("draftReason", json!(draft.reason)),
        ("errorStatus", json!(draft.error_status)),
        ("title", json!(draft.title)),
        ("originalFile", json!(draft.original_file)),
        ("file", json!(draft.file)),
        ("count", json!(draft.count)),
        ("bbox", json!(draft.bbox)),
        ("primaryKey", json!(draft.primary_key)),
        ("extensions", json!(draft.extensions)),
        ("schema", json!(columns(&draft.schema))),
        ("dataUpdatedAt", json!(draft.data_updated_at.map(millis))),
        ("finalizedAt", json!(draft.finalized_at.map(millis))),
        ("updatedAt", json!(millis(draft.updated_at))),
        ("updatedBy", json!(draft.updated_by)),
    ];
    for (name, value) in members.into_iter().filter(|(_, value)| !value.is_null()) {
        view.insert(name.to_owned(), value);
    }
    Value::Object(view)
}

/// Extensions; those of edited lines that were not asked since they changed say `needsUpdate`.
fn extensions(dataset: &Dataset) -> Value {
    let mut extensions = json!(dataset.extensions);
    let needs_update = dataset.extending.as_ref().is_some_and(|extending| extending.whole);
    for extension in extensions.as_array_mut().into_iter().flatten().filter(|_| needs_update) {
        extension["needsUpdate"] = true.into();
    }
    extensions
}

/// The flags of which a dataset has one at most.
fn kinds(dataset: &Dataset) -> [(&'static str, bool); 3] {
    [("isRest", dataset.is_rest), ("isVirtual", dataset.is_virtual), ("isMetaOnly", dataset.is_meta_only)]
}

/// Files that go with the description, with the addresses of those that are had here. Where remote ones are is not told.
fn attachments(dataset: &Dataset, listed: &Value, base: &str) -> Value {
    let mut listed = listed.clone();
    for entry in listed.as_array_mut().into_iter().flatten() {
        let is_remote = entry["type"] == REMOTE_FILE;
        if let Some(entry) = entry.as_object_mut().filter(|_| is_remote) {
            entry.shift_remove(TARGET);
        }
        let is_here = is_remote || entry["type"] == "file";
        let name = entry.get("name").and_then(Value::as_str).filter(|_| is_here);
        if let Some(name) = name {
            let name = name.replace('%', "%25").replace('?', "%3F").replace('#', "%23").replace(' ', "%20");
            let root = format!("{base}/data-fair/api/v1/datasets/{}", dataset.id);
            entry["url"] = format!("{root}/metadata-attachments/{name}").into();
        }
    }
    listed
}

/// Instants on the wire, with milliseconds, as JavaScript writes them.
pub(crate) fn millis(instant: Timestamp) -> String {
    format!("{instant:.3}")
}

/// A column on the wire: with the concept it holds, and whether it is the first to.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct ColumnView {
    #[serde(flatten)]
    column: Column,
    #[serde(rename = "x-concept", skip_serializing_if = "Option::is_none")]
    concept: Option<Value>,
}

impl ColumnView {
    /// The column itself.
    pub(crate) fn column(&self) -> &Column {
        &self.column
    }

    /// Whether the column holds a concept that is known.
    pub(crate) fn has_concept(&self) -> bool {
        self.concept.is_some()
    }
}

/// Columns on the wire.
pub(crate) fn columns(schema: &[Column]) -> Vec<ColumnView> {
    let mut seen = Vec::new();
    let view = |column: &Column| {
        let concept = column.refers_to.as_deref().and_then(by_uri).map(|concept| {
            let primary = !seen.contains(&concept.id);
            seen.push(concept.id);
            let mut value = json!({ "id": concept.id, "title": concept.title[0] });
            if primary {
                value["primary"] = json!(true);
            }
            value
        });
        ColumnView { column: column.clone(), concept }
    };
    schema.iter().map(view).collect()
}

/// The rhythm of the keys, without the keys.
fn read_key(key: &ReadKey) -> Value {
    json!({
        "active": true,
        "interval": key.interval,
        "expiresAt": millis(key.expires_at),
        "renewAt": millis(key.renew_at),
    })
}

/// Identifiers of the operations that `caller` may do.
fn user_permissions(dataset: &Dataset, caller: &Caller) -> Vec<&'static str> {
    let allowed = DATASET_OPERATIONS.iter().filter(|operation| can(caller, **operation, protected(dataset)));
    allowed.map(|operation| operation.id).collect()
}

/// Whether everybody may do every operation of the read class.
fn reads_are_public(dataset: &Dataset) -> bool {
    let mut reads = DATASET_OPERATIONS.iter().filter(|operation| operation.class == Class::Read);
    reads.all(|operation| is_public(*operation, &dataset.permissions))
}

/// Bytes on disk: the upload, the files beside it and the canonical rows, or the edited lines, and the index.
fn storage(dataset: &Dataset) -> Value {
    let mut files = Vec::new();
    if let Some(file) = dataset.original_file.as_ref().filter(|_| dataset.served.is_some()) {
        files.push(
            json!({ "key": "original", "name": file.name, "size": file.size, "mimetype": file.mimetype }),
        );
    }
    let (rows_bytes, index_bytes) =
        dataset.served.as_ref().map_or((0, 0), |version| (version.rows_bytes, version.index_bytes));
    if rows_bytes > 0 && !dataset.is_rest {
        files.push(json!({ "key": "rows", "name": "rows.parquet", "size": rows_bytes }));
    }
    let attachments = dataset.served.as_ref().and_then(|version| version.attachments.as_ref());
    let sizes = files.iter().filter_map(|file| file["size"].as_u64());
    let collection_bytes = if dataset.is_rest { rows_bytes } else { 0 };
    let mut storage = json!({
        "size": sizes.sum::<u64>() + attachments.map_or(0, |zip| zip.size) + collection_bytes + index_bytes,
        "indexed": { "size": index_bytes, "parts": ["lines"] },
        "dataFiles": files,
    });
    if let Some(zip) = attachments {
        storage["attachments"] = json!({ "size": zip.size, "count": zip.count });
    }
    if dataset.is_rest {
        storage["collection"] = json!({ "size": collection_bytes, "count": dataset.count.unwrap_or(0) });
    }
    storage
}

/// The vocabulary on the wire, in French or in English.
pub(crate) fn vocabulary(english: bool, private: &[PrivateConcept]) -> Value {
    let concept = |concept: &halle_model::concept::Concept| {
        let mut value = json!({
            "id": concept.id,
            "title": concept.title[usize::from(english)],
            "identifiers": concept.identifiers,
        });
        if let Some(forced) = concept.forced_type {
            value["type"] = json!(forced);
        }
        value
    };
    let own = private.iter().map(|concept| {
        let mut value = json!(concept);
        value["private"] = json!(true);
        value
    });
    VOCABULARY.iter().map(concept).chain(own).collect()
}
