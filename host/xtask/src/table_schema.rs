//! Table Schemas against Frictionless itself, with the lines they describe.

use anyhow::{Context, Result, bail};

use crate::openapi::document;
use crate::setup::python;
use crate::sh;

/// A data resource: a schema and lines, as a test of the data API saw them.
const SNAPSHOT: &str = "host/datasets/tests/it/snapshots/it__table_schema__villes.snap";

/// Validates the schema and the lines; then the same with a line that breaks a rule, which must be refused.
pub fn validate() -> Result<()> {
    let frictionless = python::wheel("frictionless", "5.21.0")?.join("bin/frictionless");
    let folder = sh::target().join("table-schema");
    std::fs::create_dir_all(&folder)?;
    let resource = document(SNAPSHOT)?;
    let good = folder.join("villes.resource.json");
    std::fs::write(&good, &resource)?;
    let validate = |file: &std::path::Path| {
        let args = ["validate".as_ref(), "--type".as_ref(), "resource".as_ref(), file.as_os_str()];
        sh::command(&frictionless.to_string_lossy(), args)
    };
    sh::run("Table Schema: the schema and lines of a dataset", &mut validate(&good))?;
    let broken = resource.replacen("\"01001\"", "\"1001\"", 1);
    if broken == resource {
        bail!("{SNAPSHOT} has no line with the code 01001 to break");
    }
    let bad = folder.join("broken.resource.json");
    std::fs::write(&bad, broken)?;
    let status = validate(&bad).stdout(std::process::Stdio::null()).status();
    let status = status.context("frictionless does not start")?;
    if status.success() {
        bail!("Frictionless accepts a code that does not follow its pattern: the rules do not arrive");
    }
    Ok(())
}
