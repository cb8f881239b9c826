//! Names of what a dataset has outside the store: blobs, indexes, journal, jobs.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use halle_model::dataset::{Building, Version};
use halle_search::IndexId;
use halle_store::{BlobKey, StoreResult};

/// In the place of a version, for the list of what was wrong with the last draft that was dropped.
pub(crate) const CANCELLED_DRAFT: &str = "cancelled-draft";

/// Key of the jobs of a dataset: one runs at a time.
pub(crate) fn job_key(dataset: &str) -> String {
    format!("datasets/{dataset}")
}

/// Log stream of a dataset's journal.
pub(crate) fn journal(dataset: &str) -> String {
    format!("journal/{dataset}")
}

/// Name under which the unique values of the lines of a dataset are kept: no dataset's identifier has a colon.
pub(crate) fn unique_values(dataset: &str) -> String {
    format!("{dataset}:unique")
}

/// Index of one version of a dataset.
pub(crate) fn index(dataset: &str, version: &str) -> IndexId {
    IndexId(format!("{dataset}-{version}"))
}

/// Upload that was received as `version` (see [`Version::upload`]).
pub(crate) fn original(dataset: &str, version: &str) -> StoreResult<BlobKey> {
    BlobKey::new(&["datasets", dataset, version, "original"])
}

/// Zip of the files that came beside an upload as `version` (see [`AttachmentsZip::version`]).
///
/// [`AttachmentsZip::version`]: halle_model::dataset::AttachmentsZip::version
pub(crate) fn attachments_zip(dataset: &str, version: &str) -> StoreResult<BlobKey> {
    BlobKey::new(&["datasets", dataset, version, "attachments.zip"])
}

/// Canonical rows of a version.
pub(crate) fn rows(dataset: &str, version: &str) -> StoreResult<BlobKey> {
    BlobKey::new(&["datasets", dataset, version, "rows.parquet"])
}

/// List of what is wrong with the rows of a version, as CSV.
pub(crate) fn diagnostic(dataset: &str, version: &str) -> StoreResult<BlobKey> {
    BlobKey::new(&["datasets", dataset, version, "diagnostic.csv"])
}

/// Bytes of one segment of the key of an attachment.
const SEGMENT_BYTES: usize = 160;

/// Folder of the files that go with the description under a name, of which this is the digest; or the one of them that has
/// this content.
pub(crate) fn metadata_file(dataset: &str, name: &str, content: Option<&str>) -> StoreResult<BlobKey> {
    let mut segments = vec!["datasets", dataset, "metadata-attachments", name];
    segments.extend(content);
    BlobKey::new(&segments)
}

/// Folders of a dataset that belong to no version.
pub(crate) fn folders(dataset: &str) -> StoreResult<[BlobKey; 2]> {
    Ok([attachments(dataset)?, BlobKey::new(&["datasets", dataset, "metadata-attachments"])?])
}

/// Folder of the files of edited lines.
pub(crate) fn attachments(dataset: &str) -> StoreResult<BlobKey> {
    BlobKey::new(&["datasets", dataset, "attachments"])
}

/// File of an edited line, by the path that the line has. Keys hold no text that a client chose: the path is encoded, in
/// as many segments as it needs; the last one ends with `.f`, so that no file is in the place of a folder.
pub(crate) fn attachment(dataset: &str, path: &str) -> StoreResult<BlobKey> {
    let mut encoded = format!("{}.f", URL_SAFE_NO_PAD.encode(path));
    let mut segments = vec!["datasets".to_owned(), dataset.to_owned(), "attachments".to_owned()];
    while encoded.len() > SEGMENT_BYTES + 2 {
        let rest = encoded.split_off(SEGMENT_BYTES);
        segments.push(std::mem::replace(&mut encoded, rest));
    }
    segments.push(encoded);
    BlobKey::new(&segments.iter().map(String::as_str).collect::<Vec<_>>())
}

/// The path of the file of an edited line, from its key.
pub(crate) fn attachment_path(key: &BlobKey) -> Option<String> {
    let encoded: String = key.as_str().split('/').skip(3).collect();
    let bytes = URL_SAFE_NO_PAD.decode(encoded.strip_suffix(".f")?).ok()?;
    String::from_utf8(bytes).ok()
}

/// Version under which the upload of a version is kept.
pub(crate) fn upload_of(version: &Version) -> &str {
    version.upload.as_deref().unwrap_or(&version.id)
}

/// Version under which the upload of a version in the making is kept.
pub(crate) fn upload_of_building(building: &Building) -> &str {
    building.upload.as_deref().unwrap_or(&building.id)
}

/// Every version under which something of a version is kept: its own data, the upload, files beside it.
pub(crate) fn places_of(version: &Version) -> Vec<String> {
    let mut places = vec![version.id.as_str(), version.whole(), upload_of(version)];
    places.extend(version.attachments.as_ref().map(|zip| zip.version.as_str()));
    distinct(places)
}

/// As [`places_of`], of a version in the making.
pub(crate) fn places_of_building(building: &Building) -> Vec<String> {
    let mut places = vec![building.id.as_str(), upload_of_building(building)];
    places.extend(building.rows_from.as_deref());
    places.extend(building.attachments.as_ref().map(|zip| zip.version.as_str()));
    distinct(places)
}

fn distinct(mut places: Vec<&str>) -> Vec<String> {
    places.sort_unstable();
    places.dedup();
    places.into_iter().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_attachments_tell_their_paths() {
        for path in ["a.pdf", "ligne 1/0f/été.pdf", &"é".repeat(300), &"x".repeat(120), &"x".repeat(121)] {
            let key = attachment("d", path).unwrap();
            assert!(key.as_str().starts_with("datasets/d/attachments/"), "{key:?}");
            assert_eq!(attachment_path(&key).as_deref(), Some(path));
        }
        assert_eq!(attachment_path(&rows("d", "v").unwrap()), None);
    }
}
