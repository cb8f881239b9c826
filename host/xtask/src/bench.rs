//! The bench.

use anyhow::Result;

use crate::build::{self, Profile};
use crate::{setup, sh};

/// Sets everything up, builds for release, then hands over to `halle-bench run`, which explains its options.
pub fn run(args: &[String]) -> Result<()> {
    setup::for_demo()?;
    build::ui()?;
    build::release(&["halle-app", "halle-e2e", "halle-bench"])?;
    build::plugins(Profile::Release)?;
    let bench = Profile::Release.binary("halle-bench");
    let mut command = sh::command(&bench.to_string_lossy(), ["run", "--halle"]);
    command
        .arg(Profile::Release.binary("halle"))
        .arg("--plugins")
        .arg(sh::target().join("plugins"))
        .arg("--work-dir")
        .arg(sh::target().join("bench"))
        // A plugin in JavaScript is built on the way.
        .env("PATH", build::guest_path()?)
        .args(args);
    sh::run("measuring", &mut command)
}
