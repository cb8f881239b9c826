//! Tiles that have been drawn, so that a map that many look at is drawn once.
//!
//! **Invariant:** who may read is decided before the cache is asked: a name says what a tile shows, never to whom.

use std::sync::Arc;

use halle_search::SearchError;
use moka::future::Cache;
use sha2::{Digest, Sha256};

use super::TileAnswer;
use crate::error::{DatasetsError, DatasetsResult};

/// Bytes of the tiles that are kept, least used ones going first.
pub const TILE_CACHE_BYTES_MAX: u64 = 64 << 20;

/// Bytes that a kept tile costs beside its own.
const ENTRY_BYTES: usize = 256;

/// The name of a tile: a digest of everything it depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TileKey([u8; 32]);

impl TileKey {
    /// The name of what the text describes in full.
    pub(super) fn of(text: &str) -> Self {
        Self(Sha256::digest(text.as_bytes()).into())
    }
}

/// Kept tiles.
#[derive(Debug)]
pub struct TileCache(Cache<TileKey, TileAnswer>);

impl Default for TileCache {
    fn default() -> Self {
        let weigh = |_: &TileKey, tile: &TileAnswer| {
            u32::try_from(tile.bytes.len() + ENTRY_BYTES).unwrap_or(u32::MAX)
        };
        Self(Cache::builder().max_capacity(TILE_CACHE_BYTES_MAX).weigher(weigh).build())
    }
}

impl TileCache {
    /// The tile, drawn by `draw` unless it is known; who asks for a tile that is being drawn waits for it.
    pub(super) async fn get(
        &self,
        key: TileKey,
        draw: impl Future<Output = DatasetsResult<TileAnswer>>,
    ) -> DatasetsResult<TileAnswer> {
        let entry = self.0.entry(key).or_try_insert_with(draw).await.map_err(|error| shared(&error))?;
        let is_fresh = entry.is_fresh();
        let mut tile = entry.into_value();
        if !is_fresh {
            tile.mode = tile.mode.replacen("es/", "cache/", 1);
        }
        Ok(tile)
    }
}

/// An error that several wait for.
fn shared(error: &Arc<DatasetsError>) -> DatasetsError {
    match &**error {
        DatasetsError::BadRequest(message) | DatasetsError::Search(SearchError::BadRequest(message)) => {
            DatasetsError::BadRequest(message.clone())
        }
        DatasetsError::Search(SearchError::TooLong) => SearchError::TooLong.into(),
        other => DatasetsError::internal(other),
    }
}

/// A validator of a tile.
pub(super) fn etag(bytes: &[u8]) -> String {
    format!("W/\"{}\"", hex::encode(&Sha256::digest(bytes)[..16]))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn drawn() -> TileAnswer {
        let mode = "es/neighbors/10000".to_owned();
        TileAnswer { bytes: vec![1].into(), etag: etag(&[1]), shown: 1, total: 1, mode }
    }

    #[tokio::test]
    async fn a_tile_is_drawn_once_however_many_wait_for_it() {
        let (cache, count) = (TileCache::default(), AtomicUsize::new(0));
        let draw = || async {
            count.fetch_add(1, Ordering::Relaxed);
            tokio::task::yield_now().await;
            Ok(drawn())
        };
        let key = TileKey::of("a");
        let (first, second) = tokio::join!(cache.get(key, draw()), cache.get(key, draw()));
        assert_eq!((first.unwrap().bytes, second.unwrap().bytes), (vec![1].into(), vec![1].into()));
        assert_eq!(count.load(Ordering::Relaxed), 1);
        assert_eq!(cache.get(key, draw()).await.unwrap().mode, "cache/neighbors/10000");
        assert_eq!(cache.get(TileKey::of("b"), draw()).await.unwrap().mode, "es/neighbors/10000");
    }

    #[tokio::test]
    async fn an_error_is_told_and_not_kept() {
        let cache = TileCache::default();
        let fail = async { Err(SearchError::BadRequest("non".to_owned()).into()) };
        let error = cache.get(TileKey::of("a"), fail).await.unwrap_err();
        assert!(matches!(error, DatasetsError::BadRequest(text) if text == "non"));
        assert!(cache.get(TileKey::of("a"), async { Ok(drawn()) }).await.is_ok());
    }
}
