//! Blobs: whole or not at all.

use std::io;
use std::path::Path;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};

use crate::{BlobInfo, BlobKey, Blobs, ByteStream, StoreError, StoreResult};

fn stream(pieces: Vec<io::Result<Bytes>>) -> ByteStream {
    futures::stream::iter(pieces).boxed()
}

fn text(text: &'static str) -> ByteStream {
    stream(vec![Ok(Bytes::from_static(text.as_bytes()))])
}

/// A stream that breaks after more bytes than any buffer holds.
fn broken() -> ByteStream {
    let mut pieces: Vec<_> = (0..48).map(|_| Ok(Bytes::from(vec![b'x'; 64 << 10]))).collect();
    pieces.push(Err(io::Error::other("the client went away")));
    stream(pieces)
}

async fn read(
    blobs: &dyn Blobs,
    key: &BlobKey,
    range: Option<std::ops::Range<u64>>,
) -> StoreResult<Option<String>> {
    let Some((_, body)) = blobs.get(key, range).await? else { return Ok(None) };
    let pieces: Vec<Bytes> = body.try_collect().await.map_err(StoreError::engine)?;
    String::from_utf8(pieces.concat()).map(Some).map_err(StoreError::engine)
}

pub(super) async fn a_blob_reads_back(blobs: &dyn Blobs) -> StoreResult<()> {
    let key = BlobKey::new(&["read", "d1", "original.csv"])?;
    let pieces = vec![Ok(Bytes::from_static(b"a;b\n")), Ok(Bytes::new()), Ok(Bytes::from_static(b"1;2\n"))];
    assert_eq!(blobs.put(&key, stream(pieces)).await?, BlobInfo { size: 8 });
    assert_eq!(blobs.head(&key).await?, Some(BlobInfo { size: 8 }));
    assert_eq!(read(blobs, &key, None).await?.as_deref(), Some("a;b\n1;2\n"));
    blobs.put(&key, text("new")).await?;
    assert_eq!(read(blobs, &key, None).await?.as_deref(), Some("new"), "the last one wins");
    assert_eq!(blobs.put(&key, stream(vec![])).await?, BlobInfo { size: 0 });
    assert_eq!(read(blobs, &key, None).await?.as_deref(), Some(""));
    Ok(())
}

pub(super) async fn absence_is_none(blobs: &dyn Blobs) -> StoreResult<()> {
    let key = BlobKey::new(&["absent", "d1"])?;
    assert_eq!(blobs.head(&key).await?, None);
    assert_eq!(read(blobs, &key, None).await?, None);
    assert!(blobs.local(&key).await?.is_none());
    blobs.delete(&key).await?;
    blobs.put(&key, text("x")).await?;
    blobs.delete(&key).await?;
    assert_eq!(blobs.head(&key).await?, None);
    assert_eq!(blobs.keys(&BlobKey::new(&["absent"])?).await?, []);
    Ok(())
}

pub(super) async fn ranges_are_parts(blobs: &dyn Blobs) -> StoreResult<()> {
    let key = BlobKey::new(&["ranges", "d1"])?;
    blobs.put(&key, text("0123456789")).await?;
    for (range, expected) in [(2..5, "234"), (0..10, "0123456789"), (8..50, "89"), (10..12, ""), (4..4, "")] {
        assert_eq!(read(blobs, &key, Some(range.clone())).await?.as_deref(), Some(expected), "{range:?}");
    }
    let info = blobs.get(&key, Some(2..5)).await?.map(|(info, _)| info);
    assert_eq!(info, Some(BlobInfo { size: 10 }), "the size is that of the whole");
    Ok(())
}

pub(super) async fn a_failing_stream_leaves_nothing(blobs: &dyn Blobs) -> StoreResult<()> {
    let key = BlobKey::new(&["failing", "d1"])?;
    let refused = blobs.put(&key, broken()).await;
    assert!(
        refused.as_ref().is_err_and(|error| error.to_string().contains("the client went away")),
        "{refused:?}"
    );
    assert_eq!(blobs.head(&key).await?, None);
    assert_eq!(blobs.keys(&BlobKey::new(&["failing"])?).await?, []);
    Ok(())
}

pub(super) async fn a_failing_stream_leaves_the_previous_blob(blobs: &dyn Blobs) -> StoreResult<()> {
    let key = BlobKey::new(&["previous", "d1"])?;
    blobs.put(&key, text("before")).await?;
    assert!(blobs.put(&key, broken()).await.is_err());
    assert_eq!(read(blobs, &key, None).await?.as_deref(), Some("before"));
    Ok(())
}

pub(super) async fn a_large_blob_arrives_whole(blobs: &dyn Blobs) -> StoreResult<()> {
    let key = BlobKey::new(&["large", "d1"])?;
    let line = |n: usize| format!("{n:09}\n");
    let pieces = (0..300).map(|block| {
        let lines: String = (0..1_000).map(|n| line(block * 1_000 + n)).collect();
        Ok(Bytes::from(lines))
    });
    let put = blobs.put(&key, stream(pieces.collect())).await?;
    assert_eq!(put, BlobInfo { size: 3_000_000 });
    let whole = read(blobs, &key, None).await?.unwrap_or_default();
    assert!(whole.lines().enumerate().all(|(n, found)| found == line(n).trim_end()), "bytes moved");
    assert_eq!(read(blobs, &key, Some(2_999_980..3_000_000)).await?, Some(line(299_998) + &line(299_999)));
    Ok(())
}

pub(super) async fn keys_are_listed_below_their_prefix(blobs: &dyn Blobs) -> StoreResult<()> {
    let keys = [["list", "b", "2"], ["list", "b", "1"], ["list", "a", "1"], ["list-more", "a", "1"]];
    for key in &keys {
        blobs.put(&BlobKey::new(key)?, text("x")).await?;
    }
    let listed = async |prefix: &[&str]| -> StoreResult<Vec<String>> {
        let found = blobs.keys(&BlobKey::new(prefix)?).await?;
        Ok(found.iter().map(|key| key.as_str().to_owned()).collect())
    };
    assert_eq!(listed(&["list"]).await?, ["list/a/1", "list/b/1", "list/b/2"]);
    assert_eq!(listed(&["list", "b"]).await?, ["list/b/1", "list/b/2"]);
    assert_eq!(listed(&["list", "c"]).await?, [""; 0]);
    Ok(())
}

pub(super) async fn a_blob_is_a_local_file(blobs: &dyn Blobs) -> StoreResult<()> {
    let key = BlobKey::new(&["local", "d1"])?;
    blobs.put(&key, text("bytes")).await?;
    let Some(local) = blobs.local(&key).await? else { panic!("the blob is gone") };
    assert_eq!(std::fs::read(&local.path).map_err(StoreError::engine)?, b"bytes");
    Ok(())
}

pub(super) async fn a_file_becomes_a_blob(blobs: &dyn Blobs, scratch: &Path) -> StoreResult<()> {
    let key = BlobKey::new(&["file", "deep", "d1"])?;
    for content in ["first", "second, longer"] {
        let file = scratch.join("upload");
        std::fs::write(&file, content).map_err(StoreError::engine)?;
        assert_eq!(blobs.put_file(&key, &file).await?, BlobInfo { size: content.len() as u64 });
        assert_eq!(read(blobs, &key, None).await?.as_deref(), Some(content));
    }
    let missing = blobs.put_file(&key, &scratch.join("none")).await;
    assert!(missing.as_ref().is_err_and(|error| error.to_string().contains("none")), "{missing:?}");
    assert_eq!(read(blobs, &key, None).await?.as_deref(), Some("second, longer"));
    Ok(())
}
