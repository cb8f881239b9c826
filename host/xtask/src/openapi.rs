//! Descriptions of the API against the rules of OpenAPI 3.1, by a validator that is not ours.

use std::path::Path;

use anyhow::{Context, Result};

use crate::setup::python;
use crate::sh;

/// Descriptions, as snapshots that tests keep true: the platform's, and that of one dataset.
const SNAPSHOTS: [&str; 2] = [
    "host/app/tests/it/snapshots/it__openapi__api.snap",
    "host/datasets/tests/it/snapshots/it__api_docs__places.snap",
];

/// Validates every description.
pub fn validate() -> Result<()> {
    let validator = python::wheel("openapi-spec-validator", "0.9.0")?.join("bin/openapi-spec-validator");
    let folder = sh::target().join("openapi");
    std::fs::create_dir_all(&folder)?;
    for snapshot in SNAPSHOTS {
        let file = folder.join(Path::new(snapshot).with_extension("json").file_name().unwrap_or_default());
        std::fs::write(&file, document(snapshot)?)?;
        let mut validate = sh::command(&validator.to_string_lossy(), [file.as_os_str()]);
        sh::run(&format!("OpenAPI 3.1: {snapshot}"), &mut validate)?;
    }
    Ok(())
}

/// The document in a snapshot: what follows its header, which ends with the second `---`.
pub fn document(snapshot: &str) -> Result<String> {
    let text =
        std::fs::read_to_string(sh::root().join(snapshot)).with_context(|| format!("no {snapshot}"))?;
    let document = text.splitn(3, "---\n").nth(2).with_context(|| format!("{snapshot} has no document"))?;
    Ok(document.to_owned())
}
