//! Creating a dataset: from a file, empty and editable, or as a description only.

use std::path::Path;

use halle_base::{AccountRef, new_id, parse_id};
use halle_http::ApiError;
use halle_ingest::{Container, NormalizeOptions};
use halle_model::dataset::{Author, Building, DatasetKind, OriginalFile, Status, Version};
use halle_model::draft::{Draft, DraftReason};
use halle_model::journal::JournalEvent;
use halle_model::permission::{can_create, default_grants};
use halle_model::slug::title_slug;
use halle_model::{Caller, Column, Dataset, Editing, Union};
use halle_search::engine::IndexSpec;
use halle_store::{EntityExt, NewJob, StoreError, UnitOfWork};
use serde_json::{Map, Value, json};

use crate::constraints;
use crate::error::{DatasetsError, DatasetsResult};
use crate::jobs::ADVANCE;
use crate::service::attributes::{check_attributes, set_description, title_of_file};
use crate::service::extensions::{check_kind, extensions_of};
use crate::service::schema_patch::{editable_schema, wanted_schema};
use crate::service::union::edit::set_union;
use crate::service::union::union_job;
use crate::service::write::{Bulk, BulkFile, BulkFormat, BulkReport, index_columns};
use crate::service::{columns, master_data, names, rules};
use crate::state::Datasets;

/// Times a creation is tried again when a slug was taken between the look and the write.
const SLUG_RACES_MAX: usize = 5;

/// A dataset to create.
#[derive(Debug, Clone, Default)]
pub struct NewDataset {
    /// Owner; the caller's active account when absent.
    pub owner: Option<AccountRef>,
    /// Identifier; a random one when absent.
    pub id: Option<String>,
    /// Title; from the attributes, else from the file's name when absent.
    pub title: Option<String>,
    /// Further attributes, as a creation over HTTP accepts them.
    pub attributes: Map<String, Value>,
    /// Whether the file is to be looked at before the dataset is published: [`Dataset::draft`].
    pub draft: bool,
}

/// A file on this machine to become the content of a dataset.
#[derive(Debug, Clone)]
pub struct Upload<'a> {
    /// Name that the producer gave, without folders: its extension decides the format.
    pub name: &'a str,
    /// Where the bytes are. The file is moved away if that is cheaper than copying.
    pub path: &'a Path,
    /// Encoding that the producer named.
    pub encoding: Option<String>,
    /// Where the table is in a spreadsheet, as the producer said.
    pub normalize: Option<NormalizeOptions>,
    /// A zip of files that the lines name. Without one, a replacement keeps those that are there; an empty one takes them
    /// away.
    pub attachments: Option<&'a Path>,
    /// Columns that the producer describes; [`Column::original_name`] is the header that each one has in the file. What
    /// the dataset knows of a column already goes before.
    pub columns: &'a [Column],
}

impl<'a> Upload<'a> {
    /// A file of which the producer said nothing.
    pub fn new(name: &'a str, path: &'a Path) -> Self {
        Self { name, path, encoding: None, normalize: None, attachments: None, columns: &[] }
    }
}

impl Datasets {
    /// Creates a dataset from a file; the pipeline starts at once. The dataset is `loaded` when this returns.
    pub async fn create_from_file(
        &self,
        caller: &Caller,
        new: NewDataset,
        file_name: &str,
        path: &Path,
    ) -> DatasetsResult<Dataset> {
        self.create_with(caller, new, Upload::new(file_name, path)).await
    }

    /// As [`create_from_file`](Self::create_from_file), with what the producer said of the file.
    pub async fn create_with(
        &self,
        caller: &Caller,
        new: NewDataset,
        upload: Upload<'_>,
    ) -> DatasetsResult<Dataset> {
        let mut new = new;
        owner_of(caller, &new)?;
        if self.initialise(caller, &mut new).await?.is_some() {
            let message =
                "\"initFrom\" ne peut pas donner les données d'un jeu de données créé avec un fichier.";
            return Err(DatasetsError::bad_request(message));
        }
        self.create_of_file(caller, new, upload).await
    }

    async fn create_of_file(
        &self,
        caller: &Caller,
        new: NewDataset,
        upload: Upload<'_>,
    ) -> DatasetsResult<Dataset> {
        let mut dataset = self.new_dataset(caller, &new, Some(upload.name))?;
        if dataset.kind() != DatasetKind::File {
            let message = "Un jeu de données éditable, virtuel ou de métadonnées ne peut pas être créé avec un fichier.";
            return Err(DatasetsError::bad_request(message));
        }
        self.apply_read_key(caller, &mut dataset, &new.attributes)?;
        self.check_publication(caller, &dataset, &[], &new.attributes).await?;
        self.check_sources(caller, &dataset, &dataset.extensions).await?;
        self.check_room(&dataset.owner, upload_bytes(&upload).await?, 1).await?;
        let mut building = self.receive(&dataset.id, &upload).await?;
        building.schema = columns::with_described(&dataset.schema, upload.columns);
        let (id, received) = (dataset.id.clone(), building.clone());
        if new.draft {
            let (now, author) = (dataset.created_at, dataset.created_by.clone());
            let draft = Draft::of(&dataset, DraftReason::new_file(), building, now, author);
            dataset.status = Status::Draft;
            dataset.draft = Some(Box::new(draft));
        } else {
            dataset.status = Status::Loaded;
            dataset.data_updated_at = Some(dataset.created_at);
            dataset.original_file.clone_from(&building.original_file);
            dataset.building = Some(building);
        }
        let inserted = self.insert(dataset, &new.attributes).await;
        if inserted.is_err() {
            self.forget_upload(&id, &received).await;
        }
        inserted
    }

    /// Creates an editable dataset (`isRest`), one of the lines of others (`isVirtual`), a description only
    /// (`isMetaOnly`), or one that waits for its file.
    pub async fn create(&self, caller: &Caller, new: NewDataset) -> DatasetsResult<Dataset> {
        let mut new = new;
        owner_of(caller, &new)?;
        let Some(data) = self.initialise(caller, &mut new).await? else {
            return self.create_without_file(caller, new).await;
        };
        if new.attributes.get("isRest").and_then(Value::as_bool) != Some(true) {
            return self.create_of_file(caller, new, data.upload()).await;
        }
        let dataset = self.create_without_file(caller, new).await?;
        let report = self.fill_from(caller, &dataset, data.path()).await?;
        if let Some(error) = report.errors.first() {
            let message = format!(
                "\"initFrom\" : les données ne conviennent pas, ligne {} : {}",
                error.line, error.error
            );
            self.delete(caller, &dataset.id).await?;
            return Err(DatasetsError::BadRequest(message));
        }
        self.get(caller, &dataset.id).await
    }

    /// Makes the lines of a CSV file those of an editable dataset.
    async fn fill_from(&self, caller: &Caller, dataset: &Dataset, csv: &Path) -> DatasetsResult<BulkReport> {
        let file = BulkFile {
            path: csv.to_owned(),
            format: BulkFormat::Csv(b','),
            container: Container::Plain,
            encoding: Some("UTF-8".to_owned()),
        };
        let bulk =
            Bulk { operation: "bulkLines", owner: None, file: &file, drop: true, lock: false, later: false };
        // Nobody waits for the promise that changes will be made: the answer says that they are.
        let (promise, _unheard) = tokio::sync::oneshot::channel();
        self.bulk_lines(caller, &dataset.id, bulk, promise).await
    }

    async fn create_without_file(&self, caller: &Caller, new: NewDataset) -> DatasetsResult<Dataset> {
        let mut dataset = self.new_dataset(caller, &new, None)?;
        self.apply_read_key(caller, &mut dataset, &new.attributes)?;
        self.check_publication(caller, &dataset, &[], &new.attributes).await?;
        self.check_room(&dataset.owner, 0, 1).await?;
        let now = dataset.created_at;
        check_kind(dataset.kind(), &dataset.extensions)?;
        self.check_sources(caller, &dataset, &dataset.extensions).await?;
        if dataset.is_rest {
            self.extend_editable(&mut dataset).await?;
            rules::settle(&mut dataset)?;
            let version = new_id(&*self.dice);
            let spec = IndexSpec { columns: index_columns(&dataset.schema), editable: true };
            let builder = self.engine.create(&names::index(&dataset.id, &version), spec).await?;
            let summary = builder.finish().await?;
            dataset.count = Some(0);
            dataset.data_updated_at = Some(now);
            dataset.served = Some(Version {
                id: version,
                rows: 0,
                index_bytes: summary.bytes,
                rows_bytes: 0,
                upload: None,
                diagnostic: None,
                sample_of: None,
                attachments: None,
            });
        }
        if dataset.is_rest || dataset.is_meta_only {
            dataset.status = Status::Finalized;
            dataset.finalized_at = Some(now);
        }
        if dataset.is_virtual {
            self.complete_union(caller, &mut dataset, None).await?;
            dataset.status = Status::Indexed;
        }
        self.insert(dataset, &new.attributes).await
    }

    /// Checks everything that can be checked before a file is stored, and fills in what a creation has in common.
    fn new_dataset(&self, caller: &Caller, new: &NewDataset, file: Option<&str>) -> DatasetsResult<Dataset> {
        let owner = owner_of(caller, new)?;
        check_attributes(&new.attributes, true)?;
        if let Some(id) = &new.id {
            parse_id(id).map_err(|error| DatasetsError::bad_request(error.to_string()))?;
        }
        if let Some(file) = file {
            accept(file)?;
        }
        let flag = |name: &str| new.attributes.get(name).and_then(Value::as_bool).unwrap_or(false);
        let title = new.title.clone().or_else(|| file.map(title_of_file));
        let given = new.attributes.get("title").and_then(Value::as_str);
        let untitled = "Le titre est obligatoire : envoyez un attribut \"title\" ou un fichier.";
        let title = given.map(str::to_owned).or(title).ok_or_else(|| DatasetsError::bad_request(untitled))?;
        let now = self.clock.now();
        let author = caller.user.as_ref().map(|user| Author { id: user.id.clone() });
        let mut dataset = Dataset {
            id: new.id.clone().unwrap_or_else(|| new_id(&*self.dice)),
            slug: String::new(),
            title,
            permissions: default_grants(&owner),
            owner,
            status: Status::Created,
            error_status: None,
            is_rest: flag("isRest"),
            is_meta_only: flag("isMetaOnly"),
            is_virtual: flag("isVirtual"),
            union: flag("isVirtual").then(Union::default),
            schema: Vec::new(),
            primary_key: Vec::new(),
            rest: Editing::default(),
            original_file: None,
            file: None,
            extensions: extensions_of(new.attributes.get("extensions"))?,
            count: None,
            bbox: None,
            draft: None,
            draft_reason: None,
            cancelled_draft: None,
            extending: None,
            served: None,
            building: None,
            created_at: now,
            created_by: author.clone(),
            updated_at: now,
            updated_by: author,
            data_updated_at: None,
            finalized_at: None,
            read_key: None,
            description: Map::new(),
        };
        if [dataset.is_rest, dataset.is_meta_only, dataset.is_virtual].into_iter().filter(|is| *is).count()
            > 1
        {
            let message = "\"isRest\", \"isVirtual\" et \"isMetaOnly\" s'excluent.";
            return Err(DatasetsError::bad_request(message));
        }
        set_attributes(caller, &mut dataset, &new.attributes)?;
        Ok(dataset)
    }

    /// Stores an upload under a new version; nothing refers to it yet.
    pub(crate) async fn receive(&self, dataset: &str, upload: &Upload<'_>) -> DatasetsResult<Building> {
        let format = accept(upload.name)?;
        let size = bytes_of(upload.path).await?;
        if size > self.config.upload_bytes_max {
            return Err(DatasetsError::TooLarge(self.config.upload_bytes_max));
        }
        let version = new_id(&*self.dice);
        let attachments = match upload.attachments {
            Some(zip) => self.receive_attachments(dataset, &version, zip).await?,
            None => None,
        };
        self.blobs.put_file(&names::original(dataset, &version)?, upload.path).await?;
        let original_file = OriginalFile {
            name: upload.name.to_owned(),
            size,
            mimetype: format.to_owned(),
            md5: None,
            encoding: upload.encoding.clone(),
            normalize_options: upload.normalize.as_ref().map(|options| json!(options)),
        };
        Ok(Building { original_file: Some(original_file), attachments, ..Building::new(version) })
    }

    /// Removes an upload that nothing came to refer to.
    pub(crate) async fn forget_upload(&self, dataset: &str, received: &Building) {
        let keys = [names::original(dataset, &received.id), names::attachments_zip(dataset, &received.id)];
        for key in keys.into_iter().flatten() {
            if let Err(error) = self.blobs.delete(&key).await {
                tracing::warn!(%error, key = key.as_str(), "an upload without dataset stays behind");
            }
        }
    }

    /// Writes a new dataset with a free slug, its first event, and its first job.
    async fn insert(&self, mut dataset: Dataset, attributes: &Map<String, Value>) -> DatasetsResult<Dataset> {
        let wanted = attributes.get("slug").and_then(Value::as_str).map(str::to_owned);
        let base = wanted.unwrap_or_else(|| title_slug(&dataset.title));
        for attempt in 1.. {
            let mut unit = self.store.begin().await?;
            if unit.load::<Dataset>(&dataset.id).await?.is_some() {
                let message = format!("Un jeu de données avec l'identifiant \"{}\" existe déjà.", dataset.id);
                return Err(DatasetsError::Conflict(message));
            }
            self.hold_sources(unit.as_mut(), &dataset).await?;
            dataset.slug = free_slug(unit.as_mut(), &dataset.owner, &base).await?;
            match unit.insert(&dataset, dataset.created_at).await {
                Err(StoreError::Duplicate { .. }) if attempt < SLUG_RACES_MAX => continue,
                result => result?,
            }
            if let Some(job) = crate::jobs::read_key::job(&dataset, dataset.created_at) {
                unit.jobs().enqueue(&job).await?;
            }
            let created = JournalEvent::new("dataset-created", self.clock.now());
            let created = JournalEvent { draft: dataset.draft.as_ref().map(|_| true), ..created };
            let mut events = vec![self.record_event(unit.as_mut(), &dataset.id, created).await?];
            if dataset.status == Status::Finalized {
                events.push(self.record(unit.as_mut(), &dataset.id, "finalize-end", None).await?);
                if let Some(job) = crate::jobs::expire::job(&dataset, dataset.created_at) {
                    unit.jobs().enqueue(&job).await?;
                }
            } else if dataset.is_virtual {
                unit.jobs().enqueue(&union_job(&dataset.id, self.clock.now())).await?;
            } else if dataset.building.is_some() || dataset.draft.is_some() {
                unit.jobs().enqueue(&advance(&dataset.id, self.clock.now())).await?;
            }
            unit.commit().await?;
            events.iter().for_each(|event| self.announce(&dataset.id, event));
            break;
        }
        Ok(dataset)
    }
}

/// Bytes of an upload, with the files that come beside.
pub(crate) async fn upload_bytes(upload: &Upload<'_>) -> DatasetsResult<u64> {
    let beside = match upload.attachments {
        Some(zip) => bytes_of(zip).await?,
        None => 0,
    };
    Ok(bytes_of(upload.path).await?.saturating_add(beside))
}

/// Bytes of a file.
pub(crate) async fn bytes_of(path: &Path) -> DatasetsResult<u64> {
    Ok(tokio::fs::metadata(path).await.map_err(DatasetsError::internal)?.len())
}

/// The job that takes a dataset through the stages it needs.
pub(crate) fn advance(dataset: &str, now: halle_base::Timestamp) -> NewJob {
    NewJob::now(ADVANCE, names::job_key(dataset), json!({ "dataset": dataset }), now)
}

/// Media type of a file that can be read; [`DatasetsError::UnsupportedType`] for one that cannot.
pub(crate) fn accept(file_name: &str) -> DatasetsResult<&'static str> {
    let accepted = halle_ingest::accept(file_name);
    Ok(accepted.map_err(|error| DatasetsError::UnsupportedType(error.to_string()))?.mime)
}

/// A slug that no other dataset of the owner has: the base, or the base with `-2`, `-3`...
pub(crate) async fn free_slug(
    unit: &mut dyn UnitOfWork,
    owner: &AccountRef,
    base: &str,
) -> DatasetsResult<String> {
    let mut slug = base.to_owned();
    for number in 2.. {
        let key = format!("{}/{slug}", owner.key());
        if unit.find::<Dataset>("owner-slug", &key).await?.is_none() {
            break;
        }
        slug = format!("{base}-{number}");
    }
    Ok(slug)
}

fn owner_of(caller: &Caller, new: &NewDataset) -> DatasetsResult<AccountRef> {
    if caller.is_anonymous() {
        return Err(ApiError::unauthorized("Veuillez vous connecter pour créer un jeu de données.").into());
    }
    let in_attributes = new.attributes.get("owner").map(|owner| serde_json::from_value(owner.clone()));
    let owner = match (new.owner.clone(), in_attributes) {
        (Some(owner), _) => Some(owner),
        (None, Some(Ok(owner))) => Some(owner),
        (None, Some(Err(error))) => {
            return Err(DatasetsError::bad_request(format!("L'attribut \"owner\" est incorrect : {error}.")));
        }
        (None, None) => caller.account.clone(),
    };
    let owner = owner.ok_or_else(|| ApiError::forbidden("Aucun compte actif : choisissez un compte."))?;
    if can_create(caller, &owner, "datasets") {
        return Ok(owner);
    }
    Err(ApiError::forbidden("Permission manquante pour l'opération \"post\" ou la catégorie \"write\".")
        .into())
}

/// Sets what a creation says of the dataset besides its owner, its kind and its extensions.
fn set_attributes(
    caller: &Caller,
    dataset: &mut Dataset,
    attributes: &Map<String, Value>,
) -> DatasetsResult<()> {
    if let Some(union) = attributes.get("virtual") {
        set_union(dataset, union)?;
    }
    set_description(dataset, attributes);
    set_columns(dataset, attributes)?;
    if let Some(wanted) = attributes.get("constraints") {
        constraints::set(dataset, wanted)?;
        // The columns of a file are not known yet: its rows are looked at on their way to the index.
        if dataset.kind() != DatasetKind::File {
            constraints::check(dataset, &dataset.schema)?;
        }
    }
    match dataset.description.get("masterData") {
        Some(reference) => master_data::check_change(caller, dataset, Some(reference)),
        None => Ok(()),
    }
}

/// Columns and primary key that the creation gives: all of an editable dataset, hints for the analysis of a file.
fn set_columns(dataset: &mut Dataset, attributes: &Map<String, Value>) -> DatasetsResult<()> {
    let given = attributes.get("schema").filter(|schema| !schema.is_null());
    let mut given_columns: Vec<Column> = given.map(wanted_schema).transpose()?.unwrap_or_default();
    if dataset.is_rest {
        let rest = attributes.get("rest").map(Editing::parse).transpose();
        dataset.rest = rest.map_err(DatasetsError::BadRequest)?.unwrap_or_default();
        // Columns of extensions come with the extensions, those of the rules after them.
        given_columns.retain(|column| column.extension.is_none());
        given_columns = editable_schema(given_columns)?;
    }
    dataset.schema = given_columns;
    if let Some(key) = attributes.get("primaryKey").filter(|key| !key.is_null()) {
        dataset.primary_key = columns::primary_key(key, &dataset.schema)?;
    }
    Ok(())
}
