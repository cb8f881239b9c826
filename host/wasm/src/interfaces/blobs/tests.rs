use super::*;

async fn blob(bytes: &[u8]) -> BlobHandle {
    let mut blob = NewBlob::create(1 << 20).await.unwrap();
    blob.append(bytes).await.unwrap();
    blob.finish(None).await.unwrap()
}

async fn lines(bytes: &[u8]) -> Result<Vec<String>, Problem> {
    let blob = blob(bytes).await;
    let reader = BufReader::new(tokio::fs::File::open(blob.file()).await.unwrap());
    let mut reader = LineReaderHandle { reader, _blob: blob };
    let mut all = Vec::new();
    loop {
        match reader.next(2).await? {
            next if next.is_empty() => return Ok(all),
            next => all.extend(next),
        }
    }
}

#[tokio::test]
async fn lines_end_as_they_do_in_files() {
    assert_eq!(lines(b"a\r\n\nb\xff\nlast").await.unwrap(), ["a", "", "b\u{fffd}", "last"]);
    assert_eq!(lines(b"").await.unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn a_blob_takes_what_it_may_and_no_more() {
    let mut blob = NewBlob::create(3).await.unwrap();
    blob.append(b"abc").await.unwrap();
    assert_eq!(blob.append(b"d").await.unwrap_err().code, "limit/blob-bytes");
}

#[tokio::test]
async fn a_file_goes_with_its_last_handle() {
    let blob = blob(b"abc").await;
    let (path, copy) = (blob.file().to_owned(), blob.clone());
    drop(blob);
    assert_eq!(copy.read(1, 10).await.unwrap(), b"bc");
    drop(copy);
    assert!(!path.exists(), "{} stayed", path.display());
}

#[tokio::test]
async fn csv_rows_come_as_text_and_faults_have_their_line() {
    let mut reader = RowReaderHandle::open(
        blob("\u{feff}a;a;\n1;\"x\ny\";\n;z;é\n".as_bytes()).await,
        r#"{"delimiter": ";"}"#,
    )
    .await
    .unwrap();
    let keys: Vec<&str> = reader.schema().iter().map(|field| field.key.as_str()).collect();
    assert_eq!(keys, ["a", "a_2", "_3"]);
    let rows = reader.next(10).await.unwrap().unwrap();
    assert_eq!(rows.num_rows(), 2);
    assert_eq!(rows.column(0).null_count(), 1);
    assert!(reader.next(10).await.unwrap().is_none());

    let mut broken = RowReaderHandle::open(blob(b"a,b\n1,2\n3\n").await, "{}").await.unwrap();
    let problem = broken.next(10).await.unwrap_err();
    assert!(problem.code == "blob/csv" && problem.message.contains("line: 3"), "{problem}");
    assert_eq!(broken.next(10).await.unwrap_err().code, "blob/csv");
}

fn zip(name: &str, bytes: &[u8]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    archive.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
    archive.write_all(bytes).unwrap();
    archive.finish().unwrap().into_inner()
}

#[tokio::test]
async fn archives_give_their_entries_and_bombs_do_not() {
    let cancel = CancellationToken::new();
    let archive = blob(&zip("data.csv", b"a,b")).await;
    let entry = unzip(&archive, "data.csv", 1 << 30, &cancel).unwrap();
    assert_eq!(entry.read(0, 10).await.unwrap(), b"a,b");
    assert_eq!(unzip(&archive, "../x", 1 << 30, &cancel).unwrap_err().code, "blob/zip");
    assert_eq!(unzip(&blob(b"no zip").await, "x", 1 << 30, &cancel).unwrap_err().code, "blob/zip");

    let bomb = blob(&zip("zeroes", &vec![0; 20 << 20])).await;
    let refused = unzip(&bomb, "zeroes", 1 << 30, &cancel).unwrap_err();
    assert!(refused.message.contains("inflates to more than 10485760 bytes"), "{refused}");
}
