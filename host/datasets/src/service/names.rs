//! Names of what a dataset has outside the store: blobs, indexes, journal, jobs.

use halle_model::dataset::{Building, Version};
use halle_search::IndexId;
use halle_store::{BlobKey, StoreResult};

/// Key of the jobs of a dataset: one runs at a time.
pub(crate) fn job_key(dataset: &str) -> String {
    format!("datasets/{dataset}")
}

/// Log stream of a dataset's journal.
pub(crate) fn journal(dataset: &str) -> String {
    format!("journal/{dataset}")
}

/// Index of one version of a dataset.
pub(crate) fn index(dataset: &str, version: &str) -> IndexId {
    IndexId(format!("{dataset}-{version}"))
}

/// Upload that was received as `version` (see [`Version::upload`]).
pub(crate) fn original(dataset: &str, version: &str) -> StoreResult<BlobKey> {
    BlobKey::new(&["datasets", dataset, version, "original"])
}

/// Canonical rows of a version.
pub(crate) fn rows(dataset: &str, version: &str) -> StoreResult<BlobKey> {
    BlobKey::new(&["datasets", dataset, version, "rows.parquet"])
}

/// List of what is wrong with the rows of a version, as CSV.
pub(crate) fn diagnostic(dataset: &str, version: &str) -> StoreResult<BlobKey> {
    BlobKey::new(&["datasets", dataset, version, "diagnostic.csv"])
}

/// Version under which the upload of a version is kept.
pub(crate) fn upload_of(version: &Version) -> &str {
    version.upload.as_deref().unwrap_or(&version.id)
}

/// Version under which the upload of a version in the making is kept.
pub(crate) fn upload_of_building(building: &Building) -> &str {
    building.upload.as_deref().unwrap_or(&building.id)
}
