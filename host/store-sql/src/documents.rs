//! Documents on SQL.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use halle_base::Timestamp;
use halle_store::{Document, DocumentRepository, Filter, Key, Page, StoreError, StoreResult};
use serde_json::Value;

use crate::dialect::{Arg, Row};
use crate::names::intern;
use crate::shape::{self, Conditions, document_columns};
use crate::work::SqlWork;

/// Keys inserted by one statement.
const KEYS_PER_STATEMENT_MAX: usize = 64;

/// Keys as the column `keys` holds them: name, value, whether unique.
type StoredKeys = Vec<(String, String, bool)>;

#[async_trait]
impl DocumentRepository for SqlWork {
    async fn get(&mut self, collection: &'static str, id: &str) -> StoreResult<Option<Document>> {
        let sql =
            concat!("SELECT ", document_columns!(), " FROM document d WHERE d.collection = $1 AND d.id = $2");
        let row = self.connection.row(sql, &[collection.into(), id.into()]).await?;
        row.map(|row| document(collection, &row)).transpose()
    }

    async fn find(
        &mut self,
        collection: &'static str,
        key: &'static str,
        value: &str,
    ) -> StoreResult<Option<Document>> {
        let sql = concat!(
            "SELECT ",
            document_columns!(),
            " FROM document_key k JOIN document d ON d.collection = k.collection AND d.id = k.id",
            " WHERE k.collection = $1 AND k.name = $2 AND k.value = $3 AND k.is_unique = 1"
        );
        let row = self.connection.row(sql, &[collection.into(), key.into(), value.into()]).await?;
        row.map(|row| document(collection, &row)).transpose()
    }

    async fn list(&mut self, collection: &'static str, filter: &Filter) -> StoreResult<Page<Document>> {
        let conditions = Conditions::new(collection, filter);
        let (sql, args) = conditions.count();
        let count: i64 = match self.connection.row(sql, args).await? {
            Some(row) => row.get(0)?,
            None => 0,
        };
        let count = count.unsigned_abs();
        if filter.limit == 0 || count <= u64::from(filter.skip) {
            return Ok(Page { count, results: Vec::new() });
        }
        let (sql, args) = conditions.page(filter);
        let rows = self.connection.rows(sql, &args).await?;
        let results = rows.iter().map(|row| document(collection, row)).collect::<StoreResult<_>>()?;
        Ok(Page { count, results })
    }

    async fn facet(
        &mut self,
        collection: &'static str,
        filter: &Filter,
        facet: &'static str,
    ) -> StoreResult<Vec<(String, u64)>> {
        let (sql, args) = Conditions::new(collection, filter).facet(facet);
        let rows = self.connection.rows(sql, &args).await?;
        rows.iter().map(|row| Ok((row.get(0)?, row.get::<i64>(1)?.unsigned_abs()))).collect()
    }

    async fn sum(
        &mut self,
        collection: &'static str,
        filter: &Filter,
        name: &'static str,
    ) -> StoreResult<i64> {
        let (sql, args) = Conditions::new(collection, filter).sum(name);
        self.connection.row(sql, &args).await?.map_or(Ok(0), |row| row.get(0))
    }

    async fn put(&mut self, document: &Document) -> StoreResult<i64> {
        let keys = keys_column(document)?;
        let before = match document.revision {
            0 => "[]".to_owned(),
            _ => self.stored_keys(document).await?,
        };
        if before == keys {
            return self.write_document(document, &keys).await;
        }
        // A key that is taken shows only after the document was written: the caller may go on as if it never was.
        self.connection.execute("SAVEPOINT document_put", &[]).await?;
        let written = match self.write_document(document, &keys).await {
            Ok(revision) => self.write_keys(document, &before).await.map(|()| revision),
            Err(error) => Err(error),
        };
        if written.is_err() {
            self.connection.execute("ROLLBACK TO SAVEPOINT document_put", &[]).await?;
        }
        self.connection.execute("RELEASE SAVEPOINT document_put", &[]).await?;
        written
    }

    async fn hold(&mut self, collection: &'static str, id: &str) -> StoreResult<bool> {
        let sql = self.connection.holding();
        Ok(self.connection.row(sql, &[collection.into(), id.into()]).await?.is_some())
    }

    async fn claim(&mut self, collection: &'static str, id: &str) -> StoreResult<()> {
        self.connection.lock_name(&format!("{collection}/{id}")).await
    }

    async fn delete(&mut self, collection: &'static str, id: &str) -> StoreResult<bool> {
        let sql = "DELETE FROM document WHERE collection = $1 AND id = $2";
        Ok(self.connection.execute(sql, &[collection.into(), id.into()]).await? > 0)
    }
}

impl SqlWork {
    /// The column `keys` of the stored document, which must have the revision of `document`.
    async fn stored_keys(&mut self, document: &Document) -> StoreResult<String> {
        let sql = "SELECT keys FROM document WHERE collection = $1 AND id = $2 AND revision = $3";
        let args = [document.collection.into(), document.id.as_str().into(), document.revision.into()];
        self.connection.row(sql, &args).await?.ok_or_else(|| stale(document))?.get(0)
    }

    /// Writes the row of the document. Its new revision.
    async fn write_document(&mut self, document: &Document, keys: &str) -> StoreResult<i64> {
        let body = serde_json::to_string(&document.body).map_err(StoreError::engine)?;
        let mut args: Vec<Arg<'_>> = vec![
            document.collection.into(),
            document.id.as_str().into(),
            document.owner.as_deref().into(),
            document.sort_title.as_str().into(),
            document.search_text.as_str().into(),
            keys.into(),
            body.into(),
            document.updated_at.as_microsecond().into(),
        ];
        if document.revision == 0 {
            args.push(document.created_at.as_microsecond().into());
            let sql = "INSERT INTO document \
                (collection, id, owner, sort_title, search_text, keys, body, updated_us, created_us, revision) \
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 1) ON CONFLICT DO NOTHING";
            if self.connection.execute(sql, &args).await? == 0 {
                return Err(duplicate(document, "id", &document.id));
            }
        } else {
            args.push(document.revision.into());
            let sql = "UPDATE document SET owner = $3, sort_title = $4, search_text = $5, keys = $6, body = $7, \
                updated_us = $8, revision = revision + 1 \
                WHERE collection = $1 AND id = $2 AND revision = $9";
            if self.connection.execute(sql, &args).await? == 0 {
                return Err(stale(document));
            }
        }
        Ok(document.revision + 1)
    }

    /// Makes the index of the document's keys what they are, where it was what the column `keys` had `before`. Only what
    /// differs is written: a count that goes up must not cost as much as all keys.
    async fn write_keys(&mut self, document: &Document, before: &str) -> StoreResult<()> {
        let before: StoredKeys = serde_json::from_str(before).map_err(StoreError::engine)?;
        let before: BTreeSet<(&str, &str, bool)> =
            before.iter().map(|(name, value, unique)| (name.as_str(), value.as_str(), *unique)).collect();
        let wanted = distinct(&document.keys);
        for &(name, value, unique) in &before {
            let stays = wanted.iter().any(|(key, is)| (key.0, key.1, *is) == (name, value, unique));
            if !stays {
                let (collection, id) = (document.collection.into(), document.id.as_str().into());
                self.connection
                    .execute(shape::DELETE_KEY, &[collection, id, name.into(), value.into()])
                    .await?;
            }
        }
        let args = |name: &'static str, value: &str, unique: bool| -> [Arg<'_>; 5] {
            let (collection, id) = (document.collection.into(), document.id.clone().into());
            [collection, id, name.into(), value.to_owned().into(), unique.into()]
        };
        let mut shared = Vec::new();
        for ((name, value), unique) in wanted {
            if before.contains(&(name, value, unique)) {
                continue;
            }
            if !unique {
                shared.push((name, value));
            } else if self.connection.execute(shape::insert_keys(1), &args(name, value, true)).await? == 0 {
                return Err(duplicate(document, name, value));
            }
        }
        for chunk in shared.chunks(KEYS_PER_STATEMENT_MAX) {
            let rows: Vec<Arg<'_>> =
                chunk.iter().flat_map(|(name, value)| args(name, value, false)).collect();
            self.connection.execute(shape::insert_keys(chunk.len()), &rows).await?;
        }
        Ok(())
    }
}

/// The keys, each name and value once.
fn distinct(keys: &[Key]) -> BTreeMap<(&'static str, &str), bool> {
    let mut distinct = BTreeMap::new();
    for key in keys {
        *distinct.entry((key.name, key.value.as_str())).or_insert(false) |= key.unique;
    }
    distinct
}

fn keys_column(document: &Document) -> StoreResult<String> {
    let keys: Vec<_> = document.keys.iter().map(|key| (key.name, &key.value, key.unique)).collect();
    serde_json::to_string(&keys).map_err(StoreError::engine)
}

fn document(collection: &'static str, row: &Row) -> StoreResult<Document> {
    let id: String = row.get(0)?;
    let unreadable =
        |source| StoreError::Unreadable { collection: collection.to_owned(), id: id.clone(), source };
    let keys: StoredKeys = serde_json::from_str(&row.get::<String>(4)?).map_err(unreadable)?;
    let body: Value = serde_json::from_str(&row.get::<String>(5)?).map_err(unreadable)?;
    let keys = keys.into_iter().map(|(name, value, unique)| Key { name: intern(&name), value, unique });
    Ok(Document {
        collection,
        owner: row.get(1)?,
        sort_title: row.get(2)?,
        search_text: row.get(3)?,
        keys: keys.collect(),
        body,
        revision: row.get(6)?,
        created_at: instant(row.get(7)?)?,
        updated_at: instant(row.get(8)?)?,
        id,
    })
}

/// An instant from its microseconds since 1970.
pub(crate) fn instant(microseconds: i64) -> StoreResult<Timestamp> {
    Timestamp::from_microsecond(microseconds).map_err(StoreError::engine)
}

fn stale(document: &Document) -> StoreError {
    StoreError::Stale { collection: document.collection, id: document.id.clone() }
}

fn duplicate(document: &Document, key: &str, value: &str) -> StoreError {
    StoreError::Duplicate { collection: document.collection, key: key.to_owned(), value: value.to_owned() }
}
