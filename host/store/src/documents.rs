//! Documents: the metadata of every feature.

use async_trait::async_trait;
use halle_base::{AccountRef, Timestamp};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{StoreError, StoreResult, UnitOfWork};

/// An extracted attribute of a document, by which lists filter. A name may occur several times: any value matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Name, a literal of our own code.
    pub name: &'static str,
    /// Value; compared byte by byte.
    pub value: String,
    /// Whether no other document of the collection may have the same name and value.
    pub unique: bool,
}

impl Key {
    /// A key that any number of documents may share.
    pub fn new(name: &'static str, value: impl Into<String>) -> Self {
        Self { name, value: value.into(), unique: false }
    }

    /// A key that only one document of the collection may have.
    pub fn unique(name: &'static str, value: impl Into<String>) -> Self {
        Self { unique: true, ..Self::new(name, value) }
    }
}

/// A stored document, untyped.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// Collection, a literal of our own code.
    pub collection: &'static str,
    /// Identifier within the collection.
    pub id: String,
    /// Owner, as [`AccountRef::key`].
    pub owner: Option<String>,
    /// Title by which lists sort, folded (lower case, no accents).
    pub sort_title: String,
    /// Words that `q` searches, folded, separated by spaces.
    pub search_text: String,
    /// Extracted attributes.
    pub keys: Vec<Key>,
    /// The document.
    pub body: Value,
    /// Number of writes so far; 0 for a document that was never stored.
    pub revision: i64,
    /// First write.
    pub created_at: Timestamp,
    /// Last write.
    pub updated_at: Timestamp,
}

/// Order of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// Newest first. The default.
    #[default]
    CreatedDesc,
    /// Oldest first.
    CreatedAsc,
    /// Last changed first.
    UpdatedDesc,
    /// Last changed last.
    UpdatedAsc,
    /// By identifier: for reading a list that changes meanwhile page by page (see [`Filter::after_id`]).
    IdAsc,
    /// By folded title.
    TitleAsc,
    /// By folded title, backwards.
    TitleDesc,
    /// By the first value of a key, as text; documents without it first.
    KeyAsc(&'static str),
    /// By the first value of a key, as text, backwards; documents without it last.
    KeyDesc(&'static str),
    /// Documents whose title has the searched words first, then those whose summary does (see [`SECTION`]), newest first.
    Relevance,
}

/// Separates the sections of [`Entity::search_text`]: title, summary, the rest. A text without it is all of one weight.
pub const SECTION: &str = " \u{1f} ";

/// As a value of a condition: the document has no such key at all.
pub const ABSENT: &str = "";

/// What a list asks for. All conditions must hold.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Filter {
    /// For each entry, the document must have the named key with one of the values; [`ABSENT`] among them also admits
    /// documents without the key.
    pub any_of: Vec<(&'static str, Vec<String>)>,
    /// For each entry, the document must not have the named key with any of the values.
    pub none_of: Vec<(&'static str, Vec<String>)>,
    /// Identifiers to restrict to.
    pub ids: Option<Vec<String>>,
    /// Only documents whose identifier comes after this one. With [`Order::IdAsc`] the next page begins where the last one
    /// ended, whatever came or went meanwhile; `skip` would leave out as many as went.
    pub after_id: Option<String>,
    /// Folded words that must all occur in `search_text`.
    pub words: Vec<String>,
    /// Order of the results.
    pub order: Order,
    /// Orders among results that `order` does not tell apart.
    pub then: Vec<Order>,
    /// Documents to skip.
    pub skip: u32,
    /// Documents to return at most; 0 counts only.
    pub limit: u32,
}

impl Filter {
    /// Everything, newest first, up to `limit` documents.
    pub fn all(limit: u32) -> Self {
        Self { limit, ..Self::default() }
    }

    /// Adds the condition that key `name` has `value`.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.any_of.push((name, vec![value.into()]));
        self
    }
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<T> {
    /// Number of documents that match, over all pages.
    pub count: u64,
    /// The documents of this page.
    pub results: Vec<T>,
}

/// Documents of every collection.
#[async_trait]
pub trait DocumentRepository: Send {
    /// The document, or `None`.
    async fn get(&mut self, collection: &'static str, id: &str) -> StoreResult<Option<Document>>;

    /// The document that has this unique key, or `None`.
    async fn find(
        &mut self,
        collection: &'static str,
        key: &'static str,
        value: &str,
    ) -> StoreResult<Option<Document>>;

    /// A page of documents and the number of all that match.
    async fn list(&mut self, collection: &'static str, filter: &Filter) -> StoreResult<Page<Document>>;

    /// Number of documents per value of key `facet`, among those that match, most frequent first.
    async fn facet(
        &mut self,
        collection: &'static str,
        filter: &Filter,
        facet: &'static str,
    ) -> StoreResult<Vec<(String, u64)>>;

    /// Sum of the whole numbers that the matching documents have as key `name`.
    async fn sum(
        &mut self,
        collection: &'static str,
        filter: &Filter,
        name: &'static str,
    ) -> StoreResult<i64>;

    /// Inserts (`revision` 0) or replaces (`revision` as read), and returns the new revision. Fails with
    /// [`StoreError::Stale`] when the stored revision differs, with [`StoreError::Duplicate`] when a unique key is taken.
    async fn put(&mut self, document: &Document) -> StoreResult<i64>;

    /// Whether the document is there. If it is, nobody else changes or removes it before this work ends: for what is written
    /// only while something else stays.
    async fn hold(&mut self, collection: &'static str, id: &str) -> StoreResult<bool>;

    /// Makes whoever claims the same wait until this work ends, whether there is such a document or not.
    async fn claim(&mut self, collection: &'static str, id: &str) -> StoreResult<()>;

    /// Removes the document and its keys. Whether there was one.
    async fn delete(&mut self, collection: &'static str, id: &str) -> StoreResult<bool>;
}

/// A type that is stored as a document.
pub trait Entity: Serialize + DeserializeOwned + Send + Sync {
    /// Collection, unique on the platform.
    const COLLECTION: &'static str;

    /// Identifier within the collection.
    fn id(&self) -> &str;

    /// Owner, if the entity has one.
    fn owner(&self) -> Option<&AccountRef> {
        None
    }

    /// Title by which lists sort.
    fn title(&self) -> &str {
        ""
    }

    /// Text that `q` searches; the title when not said otherwise.
    fn search_text(&self) -> String {
        self.title().to_owned()
    }

    /// Attributes that lists filter on.
    fn keys(&self) -> Vec<Key> {
        Vec::new()
    }
}

/// An entity as it was read, with the revision that a later write must name.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored<E> {
    /// The entity.
    pub entity: E,
    /// Revision at the time of reading; 0 for a new one.
    pub revision: i64,
    /// First write.
    pub created_at: Timestamp,
    /// Last write.
    pub updated_at: Timestamp,
}

impl<E> std::ops::Deref for Stored<E> {
    type Target = E;

    fn deref(&self) -> &E {
        &self.entity
    }
}

impl<E> std::ops::DerefMut for Stored<E> {
    fn deref_mut(&mut self) -> &mut E {
        &mut self.entity
    }
}

/// Typed access to documents, for any unit of work.
#[async_trait]
pub trait EntityExt {
    /// The entity, or `None`.
    async fn load<E: Entity>(&mut self, id: &str) -> StoreResult<Option<Stored<E>>>;

    /// The entity that has this unique key, or `None`.
    async fn find<E: Entity>(&mut self, key: &'static str, value: &str) -> StoreResult<Option<Stored<E>>>;

    /// A page of entities.
    async fn list<E: Entity>(&mut self, filter: &Filter) -> StoreResult<Page<Stored<E>>>;

    /// Inserts a new entity; [`StoreError::Duplicate`] if its identifier or a unique key is taken.
    async fn insert<E: Entity>(&mut self, entity: &E, now: Timestamp) -> StoreResult<()>;

    /// Replaces an entity; [`StoreError::Stale`] if it changed since it was read.
    async fn save<E: Entity>(&mut self, stored: &mut Stored<E>, now: Timestamp) -> StoreResult<()>;

    /// Removes an entity. Whether there was one.
    async fn remove<E: Entity>(&mut self, id: &str) -> StoreResult<bool>;
}

#[async_trait]
impl EntityExt for dyn UnitOfWork + '_ {
    async fn load<E: Entity>(&mut self, id: &str) -> StoreResult<Option<Stored<E>>> {
        self.documents().get(E::COLLECTION, id).await?.map(decode).transpose()
    }

    async fn find<E: Entity>(&mut self, key: &'static str, value: &str) -> StoreResult<Option<Stored<E>>> {
        self.documents().find(E::COLLECTION, key, value).await?.map(decode).transpose()
    }

    async fn list<E: Entity>(&mut self, filter: &Filter) -> StoreResult<Page<Stored<E>>> {
        let page = self.documents().list(E::COLLECTION, filter).await?;
        let results = page.results.into_iter().map(decode).collect::<StoreResult<_>>()?;
        Ok(Page { count: page.count, results })
    }

    async fn insert<E: Entity>(&mut self, entity: &E, now: Timestamp) -> StoreResult<()> {
        self.documents().put(&encode(entity, 0, now, now)?).await.map(drop)
    }

    async fn save<E: Entity>(&mut self, stored: &mut Stored<E>, now: Timestamp) -> StoreResult<()> {
        let document = encode(&stored.entity, stored.revision, stored.created_at, now)?;
        stored.revision = self.documents().put(&document).await?;
        stored.updated_at = now;
        Ok(())
    }

    async fn remove<E: Entity>(&mut self, id: &str) -> StoreResult<bool> {
        self.documents().delete(E::COLLECTION, id).await
    }
}

fn decode<E: Entity>(document: Document) -> StoreResult<Stored<E>> {
    let entity = serde_json::from_value(document.body).map_err(|source| StoreError::Unreadable {
        collection: E::COLLECTION.to_owned(),
        id: document.id,
        source,
    })?;
    let (revision, created_at, updated_at) = (document.revision, document.created_at, document.updated_at);
    Ok(Stored { entity, revision, created_at, updated_at })
}

fn encode<E: Entity>(
    entity: &E,
    revision: i64,
    created_at: Timestamp,
    now: Timestamp,
) -> StoreResult<Document> {
    Ok(Document {
        collection: E::COLLECTION,
        id: entity.id().to_owned(),
        owner: entity.owner().map(AccountRef::key),
        sort_title: halle_model::slug::fold(entity.title()),
        search_text: halle_model::slug::fold(&entity.search_text()),
        keys: entity.keys(),
        body: serde_json::to_value(entity).map_err(StoreError::engine)?,
        revision,
        created_at,
        updated_at: now,
    })
}
