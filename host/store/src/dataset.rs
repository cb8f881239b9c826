//! How a dataset is stored: the attributes that lists filter on.

use halle_base::AccountRef;
use halle_model::listing::{list_visibility, resource_powers, resource_words};
use halle_model::permission::{dataset_operation, is_public};
use halle_model::{Dataset, DatasetKind, Status};
use serde_json::Value;

use crate::documents::SECTION;
use crate::{Entity, Key};

/// Values of the key `reference`: a dataset in which others look up lines, of which they make virtual datasets, or whose
/// columns are a standard for theirs.
pub const REFERENCE_USES: [&str; 3] = ["searches", "virtual", "standard"];

/// Value of the key `offered` of datasets that everybody reads.
pub const OFFERED_TO_ALL: &str = "*";

impl Entity for Dataset {
    const COLLECTION: &'static str = "datasets";

    fn id(&self) -> &str {
        &self.id
    }

    fn owner(&self) -> Option<&AccountRef> {
        Some(&self.owner)
    }

    fn title(&self) -> &str {
        &self.title
    }

    /// Title, summary, and the rest: description, keywords, topics, owner's name.
    fn search_text(&self) -> String {
        let text =
            |key: &str| self.description.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let mut words = vec![text("description"), self.owner.name.clone()];
        words.extend(texts(self.description.get("keywords"), None));
        words.extend(texts(self.description.get("topics"), Some("title")));
        [self.title.clone(), text("summary"), words.join(" ")].join(SECTION)
    }

    /// `slug`, `owner-slug` (unique), `owner`, `owner-filter` (`type:id` and `type:id:department`, `-` for the root),
    /// `status`, `draftStatus`, `type`, `visibility`, `has` (`bbox`, `lines`), `grant` and `power` (see [`halle_model::listing`]),
    /// `topics`, `keywords`, `concepts`, `plugin` (enrichers that extend it), and what [`described`] and [`measured`] tell.
    fn keys(&self) -> Vec<Key> {
        let kind = match self.kind() {
            DatasetKind::File => "file",
            DatasetKind::Editable => "rest",
            DatasetKind::Virtual => "virtual",
            DatasetKind::MetadataOnly => "metaOnly",
        };
        let root = AccountRef { department: None, ..self.owner.clone() };
        let mut keys = vec![
            Key::new("slug", &self.slug),
            Key::unique("owner-slug", format!("{}/{}", self.owner.key(), self.slug)),
            Key::new("owner", self.owner.key()),
            Key::new("owner-filter", root.key()),
            Key::new(
                "owner-filter",
                format!("{}:{}", root.key(), self.owner.department.as_deref().unwrap_or("-")),
            ),
            Key::new("status", self.status.as_str()),
            Key::new("type", kind),
            Key::new("visibility", list_visibility(&self.permissions)),
        ];
        if let Some(draft) = &self.draft {
            keys.push(Key::new("draftStatus", draft.status.as_str()));
        }
        if self.bbox.is_some() {
            keys.push(Key::new("has", "bbox"));
        }
        let is_ready_union = self.is_virtual && self.status == Status::Finalized;
        if self.served.is_some() || is_ready_union {
            keys.push(Key::new("has", "lines"));
        }
        let powers = resource_powers(&self.owner, &self.permissions);
        keys.extend(powers.into_iter().map(|power| Key::new("power", power)));
        keys.extend(described(self));
        keys.extend(measured(self));
        let words = resource_words(&self.owner, &self.permissions);
        keys.extend(words.into_iter().map(|word| Key::new("grant", word)));
        let several = [
            ("topics", texts(self.description.get("topics"), Some("id"))),
            ("keywords", texts(self.description.get("keywords"), None)),
            ("children", self.union.as_ref().map(|union| union.children.clone()).unwrap_or_default()),
            ("concepts", self.schema.iter().filter_map(|column| column.refers_to.clone()).collect()),
            ("plugin", plugins(self)),
            ("publicationSites", texts(self.description.get("publicationSites"), None)),
            ("requestedPublicationSites", texts(self.description.get("requestedPublicationSites"), None)),
        ];
        for (name, mut values) in several {
            values.sort_unstable();
            values.dedup();
            keys.extend(values.into_iter().map(|value| Key::new(name, value)));
        }
        keys
    }
}

/// Enrichers that extend it, or would extend its draft, running or not.
fn plugins(dataset: &Dataset) -> Vec<String> {
    let drafted = dataset.draft.iter().filter_map(|draft| draft.extensions.as_ref());
    let all = dataset.extensions.iter().chain(drafted.flatten());
    all.filter_map(|extension| extension.plugin.clone()).collect()
}

/// `title`, `filename`, `spatial`, `conformsTo`, `field-type`, `field-format`, `short-concept`, `services`; and what
/// [`offers`] tells: `reference`, of [`REFERENCE_USES`], and `offered`: its owner, the accounts with whom the owner shares it as a
/// reference, and [`OFFERED_TO_ALL`] where everybody reads its lines.
fn described(dataset: &Dataset) -> Vec<Key> {
    let mut keys = vec![Key::new("title", &dataset.title)];
    let names =
        [dataset.original_file.as_ref().map(|file| &file.name), dataset.file.as_ref().map(|file| &file.name)];
    keys.extend(names.into_iter().flatten().map(|name| Key::new("filename", name)));
    let spatial = dataset.description.get("spatial").and_then(Value::as_str);
    keys.extend(spatial.map(|place| Key::new("spatial", place)));
    let conforms_to = dataset.description.get("conformsTo");
    let model = conforms_to.and_then(|model| model.get("title").or_else(|| model.get("url")));
    keys.extend(model.and_then(Value::as_str).map(|title| Key::new("conformsTo", title)));
    for column in dataset.schema.iter().filter(|column| !column.calculated) {
        keys.push(Key::new("field-type", &column.json_type));
        keys.extend(column.format.as_ref().map(|format| Key::new("field-format", format)));
        let concept = column.refers_to.as_deref().and_then(halle_model::concept::by_uri);
        keys.extend(concept.map(|concept| Key::new("short-concept", concept.id)));
    }
    let services = dataset.extensions.iter().filter_map(|extension| extension.remote_service.clone());
    keys.extend(services.map(|service| Key::new("services", service)));
    keys.extend(offers(dataset));
    keys
}

/// What a reference is for, and to whom it is offered.
fn offers(dataset: &Dataset) -> Vec<Key> {
    let root = AccountRef { department: None, ..dataset.owner.clone() };
    let mut offered = vec![root.key()];
    let mut keys = Vec::new();
    if let Some(offers) = dataset.description.get("masterData") {
        let is_active = |name: &str| offers.pointer(&format!("/{name}/active")) == Some(&Value::Bool(true));
        let has_searches = offers["bulkSearchs"].as_array().is_some_and(|searches| !searches.is_empty());
        let uses = [has_searches, is_active("virtualDatasets"), is_active("standardSchema")];
        let used = REFERENCE_USES.into_iter().zip(uses).filter(|(_, is_used)| *is_used);
        keys.extend(used.map(|(name, _)| Key::new("reference", name)));
        let shared = texts(offers.get("shareOrgs"), Some("id"));
        offered.extend(shared.into_iter().map(|id| AccountRef::organization(id, "").key()));
    }
    if is_public(dataset_operation("readLines"), &dataset.permissions) {
        offered.push(OFFERED_TO_ALL.to_owned());
    }
    offered.sort_unstable();
    offered.dedup();
    keys.extend(offered.into_iter().map(|account| Key::new("offered", account)));
    keys
}

/// What lists add up (`count`, `stored-bytes`, `indexed-bytes`, whole numbers) or sort by (`data-day`, `modified-day`:
/// days, so that they change once a day at most; the time of the last write tells days apart).
fn measured(dataset: &Dataset) -> Vec<Key> {
    let day = |instant: halle_base::Timestamp| instant.strftime("%Y-%m-%d").to_string();
    let given = dataset.description.get("modified").and_then(Value::as_str);
    let given = given.and_then(|text| text.get(..10)).map(str::to_owned);
    let data = dataset.data_updated_at.map(day);
    let modified = given.or_else(|| data.clone()).unwrap_or_else(|| day(dataset.updated_at));
    let mut keys = vec![
        Key::new("stored-bytes", dataset.stored_bytes().to_string()),
        Key::new("indexed-bytes", dataset.indexed_bytes().to_string()),
        Key::new("modified-day", modified),
    ];
    keys.extend(dataset.count.map(|count| Key::new("count", count.to_string())));
    keys.extend(data.map(|day| Key::new("data-day", day)));
    keys
}

/// The texts of an array: its items, or their attribute `of`.
fn texts(array: Option<&Value>, of: Option<&str>) -> Vec<String> {
    let items = array.and_then(Value::as_array).into_iter().flatten();
    let text =
        |item: &Value| of.map_or(Some(item), |key| item.get(key)).and_then(Value::as_str).map(str::to_owned);
    items.filter_map(text).collect()
}
