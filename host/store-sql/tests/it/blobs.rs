//! Blobs in a folder.

use futures::StreamExt;
use halle_store::{BlobKey, Blobs, conformance};
use halle_store_sql::FolderBlobs;

#[tokio::test]
async fn a_folder_conforms() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = FolderBlobs::new(&folder.path().join("blobs")).unwrap();
    conformance::blobs(&blobs, folder.path()).await;
}

#[tokio::test]
async fn an_abandoned_upload_leaves_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = FolderBlobs::new(folder.path()).unwrap();
    let key = BlobKey::new(&["d1", "original"]).unwrap();
    let (sender, receiver) = tokio::sync::mpsc::channel(1);
    let body = stream_of(receiver);
    let put = tokio::spawn(async move { blobs.put(&key, body).await });
    for _ in 0..4 {
        sender.send(Ok(bytes::Bytes::from(vec![0; 1 << 20]))).await.unwrap();
    }
    put.abort();
    assert!(put.await.unwrap_err().is_cancelled());
    // The file goes on another thread; only a failing test waits that long.
    for _ in 0..3_000 {
        if std::fs::read_dir(folder.path().join("d1")).unwrap().next().is_none() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("what was staged of the blob is still there");
}

fn stream_of(
    receiver: tokio::sync::mpsc::Receiver<std::io::Result<bytes::Bytes>>,
) -> halle_store::ByteStream {
    futures::stream::unfold(receiver, async |mut receiver| receiver.recv().await.map(|item| (item, receiver)))
        .boxed()
}

#[tokio::test]
async fn a_stored_file_is_moved_within_its_filesystem() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = FolderBlobs::new(&folder.path().join("blobs")).unwrap();
    let file = folder.path().join("upload");
    std::fs::write(&file, "bytes").unwrap();
    let key = BlobKey::new(&["d1", "original"]).unwrap();
    blobs.put_file(&key, &file).await.unwrap();
    assert!(!file.exists(), "it was copied");
}

#[tokio::test]
async fn a_sweep_removes_what_a_dead_upload_left_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = FolderBlobs::new(folder.path()).unwrap();
    let key = BlobKey::new(&["d1", "original"]).unwrap();
    let body = futures::stream::iter([Ok(bytes::Bytes::from_static(b"whole"))]).boxed();
    blobs.put(&key, body).await.unwrap();
    let staged = folder.path().join("d1").join("original#1");
    std::fs::write(&staged, "half").unwrap();

    assert_eq!(
        blobs.sweep(halle_base::Timestamp::UNIX_EPOCH).await.unwrap(),
        0,
        "it may still be written to"
    );
    assert!(staged.exists());
    assert_eq!(blobs.sweep(halle_base::Timestamp::MAX).await.unwrap(), 1);
    assert!(!staged.exists());
    assert_eq!(blobs.keys(&BlobKey::new(&["d1"]).unwrap()).await.unwrap(), [key]);
}
