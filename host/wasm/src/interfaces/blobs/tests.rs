use std::io::Write;

use tokio_util::sync::CancellationToken;

use super::*;

fn room() -> Room {
    Room::new(1 << 30)
}

async fn blob(bytes: &[u8]) -> BlobHandle {
    let mut blob = NewBlob::create(&room()).await.unwrap();
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
async fn blobs_of_a_call_share_its_room_written_or_finished() {
    let room = Room::new(4);
    let (mut one, mut other) = (NewBlob::create(&room).await.unwrap(), NewBlob::create(&room).await.unwrap());
    one.append(b"abc").await.unwrap();
    assert_eq!(other.append(b"de").await.unwrap_err().code, "limit/blob-bytes");
    other.append(b"d").await.unwrap();
    let one = one.finish(None).await.unwrap();
    let copy = one.clone();
    drop(one);
    assert_eq!(room.left(), 0, "a finished blob takes room as long as somebody has it");
    drop(copy);
    assert_eq!(room.left(), 3);
    drop(other);
    assert_eq!(room.left(), 4, "what is given up takes no room");
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

#[tokio::test]
async fn a_header_of_commas_is_refused_before_it_is_columns() {
    let refused = async |header: Vec<u8>| {
        let refused = RowReaderHandle::open(blob(&header).await, "{}").await.err().unwrap();
        assert_eq!(refused.code, "blob/csv");
        refused.message
    };
    let message = refused(vec![b','; 16 << 20]).await;
    assert!(message.contains("first row has more than 1 MiB"), "{message}");
    let message = refused(vec![b','; 100_000]).await;
    assert!(message.contains("100001 columns") && message.contains("delimiter"), "{message}");
    // A row may be longer than the header.
    let long = [&b"a\n"[..], &vec![b'x'; 2 << 20]].concat();
    let mut reader = RowReaderHandle::open(blob(&long).await, "{}").await.unwrap();
    let message = reader.next(10).await.map(|rows| rows.map(|rows| rows.num_rows()));
    assert!(!format!("{message:?}").contains("first row"), "{message:?}");
}

fn zip(name: &str, bytes: &[u8]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    archive.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
    archive.write_all(bytes).unwrap();
    archive.finish().unwrap().into_inner()
}

#[tokio::test]
async fn a_quotation_mark_left_open_does_not_bring_the_file_into_memory() {
    let open = |before: &str| [before.as_bytes(), b"\"", &vec![b'x'; 20 << 20]].concat();
    let refused = RowReaderHandle::open(blob(&open("")).await, "{}").await.err().unwrap();
    assert!(
        refused.code == "blob/csv" && refused.message.contains("first row has more than 1 MiB"),
        "{refused}"
    );
    let mut reader = RowReaderHandle::open(blob(&open("a\n1\n")).await, "{}").await.unwrap();
    let refused = reader.next(10).await.unwrap_err();
    assert!(refused.code == "blob/csv" && refused.message.contains("quotation mark"), "{refused}");
}

#[tokio::test]
async fn archives_give_their_entries_and_bombs_do_not() {
    let stop = CancellationToken::new();
    let archive = blob(&zip("data.csv", b"a,b")).await;
    let entry = unzip(&archive, "data.csv", &room(), &stop).unwrap();
    assert_eq!(entry.read(0, 10).await.unwrap(), b"a,b");
    assert_eq!(unzip(&archive, "../x", &room(), &stop).unwrap_err().code, "blob/zip");
    assert_eq!(unzip(&blob(b"no zip").await, "x", &room(), &stop).unwrap_err().code, "blob/zip");

    let bomb = blob(&zip("zeroes", &vec![0; 20 << 20])).await;
    let refused = unzip(&bomb, "zeroes", &room(), &stop).unwrap_err();
    assert!(refused.message.contains("inflates to more than 10485760 bytes"), "{refused}");

    let small = Room::new(2);
    assert_eq!(unzip(&archive, "data.csv", &small, &stop).unwrap_err().code, "limit/blob-bytes");
    assert_eq!(small.left(), 2);
    stop.cancel();
    assert_eq!(unzip(&archive, "data.csv", &room(), &stop).unwrap_err().code, "cancelled");
}

#[tokio::test]
async fn a_list_of_entries_is_read_within_bounds() {
    // Names of 65,000 bytes, 400 times: 26 MB of list for empty entries.
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let stored = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    let name = "n".repeat(65_000);
    for entry in 0..400 {
        archive.start_file(format!("{entry}{name}"), stored).unwrap();
    }
    let bomb = blob(&archive.finish().unwrap().into_inner()).await;
    let refused = unzip(&bomb, "x", &room(), &CancellationToken::new()).unwrap_err();
    assert!(refused.code == "blob/zip" && refused.message.contains("16 MiB"), "{refused}");
}
