//! The demo.

use anyhow::Result;

use crate::build::{self, Profile};
use crate::setup::{self, python};
use crate::sh;

/// Sets everything up, builds everything, then hands over to `halle-e2e demo`.
pub fn run(args: &[String]) -> Result<()> {
    setup::for_demo()?;
    build::ui()?;
    build::binaries(Profile::Release)?;
    build::plugins(Profile::Release)?;
    drive(Profile::Release, args)
}

/// Replays the scenarios of the API contract with binaries that are built already.
pub fn scenarios(profile: Profile, args: &[String]) -> Result<()> {
    let driver = profile.binary("halle-e2e");
    let mut command = sh::command(&driver.to_string_lossy(), ["scenarios", "--halle"]);
    command.arg(profile.binary("halle")).arg("--work-dir").arg(sh::target().join("scenarios")).args(args);
    sh::run("the scenarios of the API", &mut command)
}

/// Kills a server at random moments, with binaries that are built already.
pub fn durability(profile: Profile, args: &[String]) -> Result<()> {
    let driver = profile.binary("halle-e2e");
    let mut command = sh::command(&driver.to_string_lossy(), ["durability", "--halle"]);
    command.arg(profile.binary("halle")).arg("--work-dir").arg(sh::target().join("durability")).args(args);
    sh::run("durability under kill -9", &mut command)
}

/// Asks schemathesis and DuckDB about a server, with binaries that are built already.
pub fn oracles(profile: Profile, args: &[String]) -> Result<()> {
    python::wheel("duckdb", "2.0.0")?;
    let environment = python::wheel("schemathesis", "4.32.5")?;
    let driver = profile.binary("halle-e2e");
    let mut command = sh::command(&driver.to_string_lossy(), ["oracles", "--halle"]);
    command.arg(profile.binary("halle")).arg("--work-dir").arg(sh::target().join("oracles"));
    command.arg("--python").arg(environment).args(args);
    sh::run("schemathesis and DuckDB", &mut command)
}

/// Starts the demo with binaries that are built already.
pub fn drive(profile: Profile, args: &[String]) -> Result<()> {
    let driver = profile.binary("halle-e2e");
    let halle = profile.binary("halle");
    let data = sh::target().join("demo");
    let mut command = sh::command(&driver.to_string_lossy(), ["demo", "--halle"]);
    command
        .arg(halle)
        .arg("--work-dir")
        .arg(data)
        .arg("--plugins")
        .arg(sh::target().join("plugins"))
        .args(args);
    sh::run("the demo", &mut command)
}
