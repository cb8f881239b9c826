//! Changing a dataset: description, schema, extensions; and what has to be computed again.

use std::path::Path;

use halle_model::dataset::{AttachmentsZip, Author, DatasetKind, Status};
use halle_model::{Caller, Column, Dataset, Editing};
use halle_store::EntityExt;
use halle_store::documents::Stored;
use halle_store::settings::notify;
use serde_json::{Map, Value};

use crate::constraints;
use crate::error::{DatasetsError, DatasetsResult};
use crate::jobs::follow::with_notes;
use crate::jobs::{expire, read_key, sweep};
use crate::service::attributes::{check_attributes, set_description};
use crate::service::create::advance;
use crate::service::extensions::{check_kind, extensions_of};
use crate::service::load::check;
use crate::service::publication::sites;
use crate::service::rename::rename;
use crate::service::schema_patch::{
    Effect, editable_schema, is_breaking, is_reindexing, patch_file_schema, wanted_schema,
};
use crate::service::union::edit::set_union;
use crate::service::union::{tell_parents, union_job};
use crate::service::write::{extend_job, history, rebuild_job};
use crate::service::{columns, master_data, rules};
use crate::state::Datasets;

/// What a patch asks for besides the change itself.
#[derive(Debug, Default)]
struct Consequences {
    /// Whether the operation `writeDescriptionBreaking` is needed.
    breaking: bool,
    /// The stage from which the pipeline must run again.
    restart: Option<Status>,
    /// Whether the rows must only be checked again.
    checks_only: bool,
    /// Whether the index of an editable dataset must be built again from its lines.
    rebuild: bool,
    /// Whether what extensions give edited lines must be asked for again, and the index built again with it.
    recompute: bool,
    /// Whether edited lines must be found to obey new constraints.
    constrain: bool,
    /// Whether the columns or the extensions changed.
    structure: bool,
    /// Whether the extensions changed: what they are done by must be there when they are stored.
    extensions: bool,
    /// Whether the dataset came to be published on a site.
    published: bool,
    /// Whether the history of lines starts, or is forgotten.
    history: Option<bool>,
    /// Whether what the description of a virtual dataset says of its lines must be computed again.
    reunite: bool,
    /// Files that take the place of those beside the data file; none when they are taken away.
    files: Option<Option<AttachmentsZip>>,
}

impl Datasets {
    /// Changes attributes; `null` unsets. 400 for an attribute that does not exist or is of the wrong type; 409 while
    /// the pipeline runs, for changes that would need it.
    pub async fn patch(
        &self,
        caller: &Caller,
        id: &str,
        attributes: &Map<String, Value>,
    ) -> DatasetsResult<Dataset> {
        self.patch_with(caller, id, attributes, None).await
    }

    /// As [`patch`](Self::patch), with a zip that takes the place of the files that came beside the data file.
    pub(crate) async fn patch_with(
        &self,
        caller: &Caller,
        id: &str,
        attributes: &Map<String, Value>,
        zip: Option<&Path>,
    ) -> DatasetsResult<Dataset> {
        check_attributes(attributes, false)?;
        let decide = || self.patch_once(caller, id, attributes, zip);
        self.deciding_again((caller, id), attributes, decide).await
    }

    /// As [`patch_with`](Self::patch_with), decided on the dataset as it is now.
    async fn patch_once(
        &self,
        caller: &Caller,
        id: &str,
        attributes: &Map<String, Value>,
        zip: Option<&Path>,
    ) -> DatasetsResult<Dataset> {
        let mut stored = if is_structural(attributes) || zip.is_some() {
            let ready = [Status::Finalized, Status::Error, Status::Created];
            self.load_in_state(caller, id, "writeDescription", &ready).await?
        } else {
            self.load(caller, id, "writeDescription").await?
        };
        let published = sites(stored.description.get("publicationSites"));
        let mut consequences = self.apply(caller, &mut stored, attributes).await?;
        self.apply_read_key(caller, &mut stored, attributes)?;
        consequences.published = self.check_publication(caller, &stored, &published, attributes).await?;
        if consequences.breaking {
            check(caller, "writeDescriptionBreaking", &stored)?;
        }
        self.receive_beside(caller, &stored, zip, &mut consequences).await?;
        let id = stored.id.clone();
        let saved = self.save_patch(caller, stored, attributes, &consequences).await;
        self.forget_unless_saved(&id, consequences.files.flatten(), saved).await
    }

    /// As [`patch`](Self::patch), of the draft only; of the dataset when it has none.
    pub(crate) async fn patch_draft(
        &self,
        caller: &Caller,
        id: &str,
        attributes: &Map<String, Value>,
        zip: Option<&Path>,
    ) -> DatasetsResult<Dataset> {
        check_attributes(attributes, false)?;
        let decide = || self.patch_draft_once(caller, id, attributes, zip);
        self.deciding_again((caller, id), attributes, decide).await
    }

    /// As [`patch_draft`](Self::patch_draft), decided on the dataset as it is now.
    async fn patch_draft_once(
        &self,
        caller: &Caller,
        id: &str,
        attributes: &Map<String, Value>,
        zip: Option<&Path>,
    ) -> DatasetsResult<Dataset> {
        let mut stored = self.load(caller, id, "writeDescription").await?;
        if stored.draft.is_none() {
            return self.patch_once(caller, id, attributes, zip).await;
        }
        if let Some(name) = ["slug", "readApiKey"].iter().find(|name| attributes.contains_key(**name)) {
            let message = format!(
                "L'attribut \"{name}\" ne peut pas être changé dans un brouillon : changez-le sans \"draft=true\"."
            );
            return Err(DatasetsError::BadRequest(message));
        }
        if is_structural(attributes) || zip.is_some() {
            stored = self.wait_for_draft(caller, id, "writeDescription").await?;
        }
        let mut seen = Stored { entity: stored.with_draft(), ..stored.clone() };
        let mut consequences = self.apply(caller, &mut seen, attributes).await?;
        self.receive_beside(caller, &seen, zip, &mut consequences).await?;
        let id = stored.id.clone();
        let saved = self.save_draft_patch(caller, stored, seen, &consequences).await;
        self.forget_unless_saved(&id, consequences.files.flatten(), saved).await
    }

    /// Writes the change of a draft with what it entails.
    async fn save_draft_patch(
        &self,
        caller: &Caller,
        mut stored: Stored<Dataset>,
        mut seen: Stored<Dataset>,
        consequences: &Consequences,
    ) -> DatasetsResult<Dataset> {
        let mut unit = self.store.begin().await?;
        if consequences.extensions {
            self.hold_sources(unit.as_mut(), &seen).await?;
        }
        let now = self.clock.now();
        seen.entity.updated_at = now;
        seen.updated_by = caller.user.as_ref().map(|user| Author { id: user.id.clone() });
        let retired = self.restarted(&mut seen, consequences);
        stored.keep_draft(seen.entity);
        unit.save(&mut stored, now).await?;
        if let Some(retired) = retired {
            if !retired.is_empty() {
                unit.jobs().enqueue(&sweep::at_once(&stored.id, &retired, now)).await?;
            }
            unit.jobs().enqueue(&advance(&stored.id, now)).await?;
        }
        unit.commit().await?;
        Ok(stored.with_draft())
    }

    /// Takes a zip for files beside the data file, which is then read again.
    async fn receive_beside(
        &self,
        caller: &Caller,
        dataset: &Dataset,
        zip: Option<&Path>,
        consequences: &mut Consequences,
    ) -> DatasetsResult<()> {
        let Some(zip) = zip else { return Ok(()) };
        consequences.files = Some(self.other_attachments(caller, dataset, zip).await?);
        consequences.restart = Some(Status::Stored);
        consequences.checks_only = false;
        Ok(())
    }

    /// Starts the version that a patch asks for. The versions that nobody needs any more, if there is one.
    fn restarted(&self, dataset: &mut Dataset, consequences: &Consequences) -> Option<Vec<String>> {
        let mut retired = self.restart(dataset, consequences.restart?, consequences.checks_only)?;
        if let Some((files, building)) = consequences.files.as_ref().zip(dataset.building.as_mut()) {
            let before = std::mem::replace(&mut building.attachments, files.clone());
            retired.extend(before.map(|zip| zip.version));
        }
        Some(retired)
    }

    /// Changes the dataset in memory.
    async fn apply(
        &self,
        caller: &Caller,
        stored: &mut Stored<Dataset>,
        attributes: &Map<String, Value>,
    ) -> DatasetsResult<Consequences> {
        let before = stored.is_virtual.then(|| stored.entity.clone());
        let projection = stored.description.get("projection").cloned();
        let was_lenient = is_lenient(stored);
        let reference = stored.description.get("masterData").cloned();
        set_description(stored, attributes);
        let is_moved = stored.description.get("projection") != projection.as_ref();
        let mut consequences = Consequences {
            breaking: ["projection", "attachmentsAsImage"].iter().any(|name| attributes.contains_key(*name)),
            ..Consequences::default()
        };
        if let Some(schema) = attributes.get("schema").filter(|schema| !schema.is_null()) {
            apply_schema(stored, schema, &mut consequences)?;
        }
        if was_lenient != is_lenient(stored) && stored.status == Status::Error && has_wrong_rows(stored) {
            consequences.restart = Some(Status::ValidationUpdated);
            consequences.checks_only = true;
        }
        if let Some(rest) = attributes.get("rest") {
            let before = stored.rest.clone();
            consequences.breaking |= rules::apply(stored, rest)?;
            consequences.history = Some(stored.rest.history).filter(|on| *on != before.history);
            let columns = |rules: &Editing| (rules.line_ownership, rules.store_updated_by);
            consequences.rebuild |= columns(&before) != columns(&stored.rest);
        }
        if stored.description.get("masterData") != reference.as_ref() {
            master_data::check_change(caller, stored, stored.description.get("masterData"))?;
        }
        if let Some(union) = attributes.get("virtual") {
            set_union(stored, union)?;
        }
        if let Some(before) =
            before.filter(|before| before.schema != stored.schema || before.union != stored.union)
        {
            self.complete_union(caller, stored, Some(&before)).await?;
            consequences.breaking |= before.union != stored.union;
            consequences.reunite = true;
        }
        if is_moved && stored.kind() == DatasetKind::File {
            // Coordinates are brought to degrees as the file is read.
            consequences.restart = Some(Status::Stored);
        }
        self.apply_extensions(caller, stored, attributes.get("extensions"), &mut consequences).await?;
        if stored.is_rest {
            // Their columns stand after those of extensions.
            rules::settle(stored)?;
        }
        apply_constraints(stored, attributes.get("constraints"), &mut consequences)?;
        if let Some(key) = attributes.get("primaryKey") {
            apply_primary_key(stored, key, &mut consequences)?;
        }
        Ok(consequences)
    }

    /// Sets the extensions that a body gives, and the columns that they add to those of an editable dataset.
    async fn apply_extensions(
        &self,
        caller: &Caller,
        stored: &mut Stored<Dataset>,
        wanted: Option<&Value>,
        consequences: &mut Consequences,
    ) -> DatasetsResult<()> {
        if let Some(wanted) = wanted {
            let extensions = with_notes(extensions_of(Some(wanted))?, &stored.extensions);
            if stored.extensions != extensions {
                check_kind(stored.kind(), &extensions)?;
                self.check_sources(caller, stored, &extensions).await?;
                stored.extensions = extensions;
                consequences.extensions = true;
                consequences.breaking = true;
                consequences.structure = true;
                consequences.checks_only = false;
                if stored.kind() == DatasetKind::File {
                    consequences.restart = Some(consequences.restart.unwrap_or(Status::Validated));
                    self.check_extensions(stored).await?;
                }
            }
        }
        if stored.kind() == DatasetKind::Editable && consequences.structure {
            consequences.recompute = self.extend_editable(stored).await? || consequences.rebuild;
            consequences.rebuild = false;
            if consequences.recompute {
                self.extend_all(stored);
            }
        }
        Ok(())
    }

    /// Writes the change with what it entails. [`StoreError::Stale`](halle_store::StoreError::Stale), a 409, when
    /// somebody else changed the dataset meanwhile.
    async fn save_patch(
        &self,
        caller: &Caller,
        mut stored: Stored<Dataset>,
        attributes: &Map<String, Value>,
        consequences: &Consequences,
    ) -> DatasetsResult<Dataset> {
        let mut unit = self.store.begin().await?;
        if consequences.extensions {
            self.hold_sources(unit.as_mut(), &stored).await?;
        }
        let now = self.clock.now();
        if let Some(slug) = attributes.get("slug") {
            rename(unit.as_mut(), caller, &mut stored, slug.as_str(), now).await?;
        }
        if consequences.constrain {
            constraints::refill(unit.as_mut(), &stored).await?;
        }
        stored.entity.updated_at = now;
        stored.updated_by = caller.user.as_ref().map(|user| Author { id: user.id.clone() });
        if consequences.reunite {
            stored.status = Status::Indexed;
            stored.error_status = None;
        }
        let retired = self.restarted(&mut stored, consequences);
        unit.save(&mut stored, now).await?;
        if let Some(retired) = retired {
            if !retired.is_empty() {
                unit.jobs().enqueue(&sweep::at_once(&stored.id, &retired, now)).await?;
            }
            unit.jobs().enqueue(&advance(&stored.id, now)).await?;
        }
        if let Some(job) = expire::job(&stored, now).filter(|_| attributes.contains_key("rest")) {
            unit.jobs().enqueue(&job).await?;
        }
        if let Some(job) = read_key::job(&stored, now).filter(|_| attributes.contains_key("readApiKey")) {
            unit.jobs().enqueue(&job).await?;
        }
        if let Some(on) = consequences.history {
            history::switch(unit.as_mut(), &stored.id, on, now).await?;
        }
        if consequences.reunite {
            unit.jobs().enqueue(&union_job(&stored.id, now)).await?;
        } else if ["schema", "attachmentsAsImage"].iter().any(|name| attributes.contains_key(*name)) {
            tell_parents(unit.as_mut(), &stored.id, now).await?;
        }
        if consequences.recompute {
            unit.jobs().enqueue(&extend_job(&stored.id, now)).await?;
        }
        if consequences.rebuild {
            unit.jobs().enqueue(&rebuild_job(&stored.id, now)).await?;
        }
        let event = if consequences.structure && stored.kind() == DatasetKind::Editable {
            Some(self.record(unit.as_mut(), &stored.id, "structure-updated", None).await?)
        } else {
            None
        };
        if consequences.published {
            notify(unit.as_mut(), &stored.owner, "dataset", &stored.id, "publication", now).await?;
        }
        unit.commit().await?;
        event.iter().for_each(|event| self.announce(&stored.id, event));
        Ok(stored.entity)
    }
}

/// Whether rows that do not obey are served all the same.
pub(crate) fn is_lenient(dataset: &Dataset) -> bool {
    dataset.description.get("nonBlockingValidation") == Some(&Value::Bool(true))
}

/// Whether a version waits for its rows to obey.
fn has_wrong_rows(dataset: &Dataset) -> bool {
    dataset.building.as_ref().is_some_and(|building| building.diagnostic.is_some())
}

/// Whether attributes need a dataset on which no work is done.
fn is_structural(attributes: &Map<String, Value>) -> bool {
    ["schema", "virtual", "extensions", "primaryKey", "projection", "rest", "constraints"]
        .iter()
        .any(|name| attributes.contains_key(*name))
}

fn apply_schema(
    dataset: &mut Dataset,
    schema: &Value,
    consequences: &mut Consequences,
) -> DatasetsResult<()> {
    let wanted = wanted_schema(schema)?;
    match dataset.kind() {
        DatasetKind::MetadataOnly => dataset.schema = wanted,
        DatasetKind::Virtual => {
            consequences.breaking |= is_breaking(&dataset.schema, &wanted);
            dataset.schema = wanted;
        }
        DatasetKind::Editable => {
            let after = editable_schema(with_owners(wanted, &dataset.schema))?;
            consequences.breaking |= is_breaking(&dataset.schema, &after);
            consequences.rebuild |= is_reindexing(&dataset.schema, &after);
            consequences.structure |= consequences.rebuild;
            dataset.schema = after;
        }
        DatasetKind::File => {
            let known = match &dataset.building {
                Some(building) if !building.schema.is_empty() => building.schema.clone(),
                _ => columns::indexed(&dataset.schema),
            };
            let (patched, effect) = patch_file_schema(&known, wanted)?;
            consequences.breaking |= effect == Effect::Read;
            consequences.structure |= effect > Effect::Rules;
            consequences.restart = match effect {
                Effect::Texts => consequences.restart,
                Effect::Rules | Effect::RulesAndIndex => Some(Status::ValidationUpdated),
                Effect::Index => Some(consequences.restart.unwrap_or(Status::Validated)),
                Effect::Read => Some(Status::Stored),
            };
            consequences.checks_only |= effect == Effect::Rules;
            consequences.checks_only &= effect <= Effect::Rules;
            if let Some(building) = &mut dataset.building {
                building.schema = columns::of_the_file(&patched);
            }
            let computed = dataset.schema.iter().filter(|column| column.calculated).cloned();
            dataset.schema = patched.into_iter().chain(computed.collect::<Vec<_>>()).collect();
        }
    }
    Ok(())
}

/// Columns as a body gives them, filled by the extensions that fill them already: that is not the writer's to say.
fn with_owners(mut wanted: Vec<Column>, before: &[Column]) -> Vec<Column> {
    for column in &mut wanted {
        let known = before.iter().find(|other| other.key == column.key);
        column.extension = known.and_then(|known| known.extension.clone());
    }
    wanted
}

/// Sets the constraints, and refuses a schema that lacks a column of one. Rows of files are looked at again on their way
/// to the index.
fn apply_constraints(
    dataset: &mut Dataset,
    wanted: Option<&Value>,
    consequences: &mut Consequences,
) -> DatasetsResult<()> {
    let is_changed = match wanted {
        Some(wanted) => constraints::set(dataset, wanted)?,
        None => false,
    };
    let kind = dataset.kind();
    if is_changed || kind == DatasetKind::Editable {
        let building = dataset.building.as_ref().map(|building| &building.schema);
        let known = building.filter(|schema| !schema.is_empty()).unwrap_or(&dataset.schema);
        // What extensions add to a file is known at the end of the pipeline.
        let filled = dataset.schema.iter().filter(|column| column.extension.is_some());
        let schema: Vec<Column> = known.iter().chain(filled).cloned().collect();
        constraints::check(dataset, &schema)?;
    }
    consequences.constrain = is_changed && kind == DatasetKind::Editable;
    if is_changed && kind == DatasetKind::File {
        consequences.restart = Some(consequences.restart.unwrap_or(Status::Validated));
        consequences.checks_only = false;
    }
    Ok(())
}

fn apply_primary_key(
    dataset: &mut Dataset,
    key: &Value,
    consequences: &mut Consequences,
) -> DatasetsResult<()> {
    let wanted = if key.is_null() { Vec::new() } else { columns::primary_key(key, &dataset.schema)? };
    if wanted == dataset.primary_key {
        return Ok(());
    }
    if dataset.kind() == DatasetKind::Editable && dataset.count.unwrap_or(0) > 0 {
        let message = "La clé primaire ne peut être changée que tant que le jeu de données est vide.";
        return Err(DatasetsError::bad_request(message));
    }
    dataset.primary_key = wanted;
    consequences.breaking = true;
    Ok(())
}
