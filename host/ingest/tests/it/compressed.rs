//! Compressed files, honest and not.

use std::io::{Cursor, Read, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use halle_ingest::{Attachments, Container, IngestError};
use zip::write::SimpleFileOptions;

use crate::Sample;

const TABLE: &str = "code;nom\n01004;Ambérieu\n75056;Paris\n";

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zipped(files: &[(&str, &[u8])], method: zip::CompressionMethod) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        writer.start_file(*name, SimpleFileOptions::default().compression_method(method)).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

#[test]
fn what_is_inside_is_read() {
    let two_members = [gzip(b"code;nom\n01004;"), gzip("Ambérieu\n75056;Paris\n".as_bytes())].concat();
    let deflated = zip::CompressionMethod::Deflated;
    let beside: &[(&str, &[u8])] =
        &[("d/communes.csv", TABLE.as_bytes()), ("__MACOSX/d/._communes.csv", b"x"), ("d/.DS_Store", b"x")];
    for (name, bytes, container) in [
        ("a.csv.gz", gzip(TABLE.as_bytes()), Container::Gzip),
        ("a.csv.gz", two_members, Container::Gzip),
        ("a.zip", zipped(&[("a.csv", TABLE.as_bytes())], deflated), Container::Zip),
        ("a.zip", zipped(&[("a.txt", TABLE.as_bytes())], zip::CompressionMethod::Stored), Container::Zip),
        ("a.zip", zipped(beside, deflated), Container::Zip),
    ] {
        let sample = Sample::new(name, bytes);
        let analysis = sample.analyze().unwrap();
        assert_eq!(analysis.container, container);
        assert_eq!(sample.rows(&analysis, &analysis.columns).0, "01004 | Ambérieu\n75056 | Paris", "{name}");
    }
}

#[test]
fn other_contents_are_refused() {
    let deflated = zip::CompressionMethod::Deflated;
    for files in [&[("a.tab", &b"x"[..]), ("a.map", b"x")][..], &[("__MACOSX/a", b"x")], &[]] {
        let error = Sample::new("a.zip", zipped(files, deflated)).refusal();
        assert_eq!(error.to_string(), "application/zip type is not supported", "{files:?}");
    }
}

#[test]
fn files_that_are_no_table_are_listed() {
    let deflated = zip::CompressionMethod::Deflated;
    let files: &[(&str, &[u8])] = &[("2024/été.pdf", b"%PDF"), ("a.csv", b"a\n1\n"), ("__MACOSX/a", b"x")];
    let sample = Sample::new("a.zip", zipped(files, deflated));
    let analysis = sample.analyze().unwrap();
    assert_eq!(analysis.columns[0].refers_to.as_deref(), Some("http://schema.org/DigitalDocument"));
    assert_eq!(sample.table(), ("file:text".to_owned(), "2024/été.pdf\na.csv".to_owned()));
    let read = |name: &str| {
        let mut content = Vec::new();
        let found = Attachments::open(&sample.path()).unwrap().find(name).unwrap()?;
        { found }.content.read_to_end(&mut content).unwrap();
        Some(content)
    };
    assert_eq!(read("2024/été.pdf").unwrap(), b"%PDF");
    assert_eq!(read("../a.csv"), None);
    let error = Sample::new("a.zip", zipped(&[("../a.pdf", b"x")], deflated)).refusal();
    assert!(error.to_string().contains("« ../a.pdf » : son chemin sort du dossier"), "{error}");
}

#[test]
fn damaged_files_are_refused() {
    let whole = gzip(&TABLE.repeat(1_000).into_bytes());
    let cut = &whole[..whole.len() / 2];
    let mut wrong_sum = zipped(&[("a.csv", TABLE.as_bytes())], zip::CompressionMethod::Stored);
    let at = wrong_sum.windows(5).position(|window| window == b"Paris").unwrap();
    wrong_sum[at] = b'p';
    for (name, bytes) in [
        ("a.csv.gz", cut.to_vec()),
        ("a.csv.gz", b"a;b\n1;2\n".to_vec()),
        ("a.zip", b"PK".to_vec()),
        ("a.zip", wrong_sum),
    ] {
        let error = Sample::new(name, bytes).refusal();
        assert!(matches!(error, IngestError::BadArchive { .. }), "{name}: {error}");
    }
}

#[test]
fn a_zip_bomb_is_stopped() {
    let bomb = vec![b'a'; 40 << 20];
    for (name, bytes) in
        [("a.csv.gz", gzip(&bomb)), ("a.zip", zipped(&[("a.csv", &bomb)], zip::CompressionMethod::Deflated))]
    {
        let error = Sample::new(name, bytes).refusal();
        assert!(matches!(error, IngestError::ZipBomb), "{name}: {error}");
    }
}
