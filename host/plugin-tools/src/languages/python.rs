//! Python: componentize-py makes a component of the plugin, the SDK and CPython. It imports what the plugin's world has, and no
//! system interface: calls of one stop it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use halle_extensions::manifest::Manifest;
use serde::Deserialize;

use super::{packages, world};
use crate::embedded::{self, File};
use crate::error::{Result, ToolError, at};

/// Oldest Python 3 that runs the tools.
const PYTHON_OLDEST: u32 = 10;

/// The module in which every plugin begins.
const ENTRY: &str = "main.py";

/// Name of the module that joins plugin and world; not one that a plugin would have.
const COMPONENT: &str = "halle_component";

/// Name of the folder of installed dependencies, below `build/`.
const DEPENDENCIES: &str = "packages";

/// What the script `componentize-py` does; the script itself names the Python it was installed with.
const RUN: &str =
    "import sys; sys.argv[0] = 'componentize-py'; from componentize_py import script; sys.exit(script())";

/// What a plugin says of itself in `pyproject.toml`, as far as `build` cares.
#[derive(Debug, Deserialize)]
struct Project {
    #[serde(default)]
    project: ProjectTable,
    #[serde(default)]
    tool: ToolTables,
}

#[derive(Debug, Default, Deserialize)]
struct ProjectTable {
    /// Packages it needs, as pip names them.
    #[serde(default)]
    dependencies: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
struct ToolTables {
    #[serde(default)]
    halle: HalleTable,
}

#[derive(Debug, Default, Deserialize)]
struct HalleTable {
    /// Folder of the SDK.
    sdk: Option<PathBuf>,
}

/// Compiles the plugin in `folder` to a component.
pub fn component(
    folder: &Path,
    manifest: &Manifest,
    cache: &Path,
    say: &mut dyn FnMut(&str),
) -> Result<Vec<u8>> {
    check_python()?;
    let folder = folder.canonicalize().map_err(at(folder))?;
    let project = read_project(&folder)?;
    let sdk = sdk(&folder, &project)?;
    if !folder.join(ENTRY).is_file() {
        return Err(ToolError::Usage(format!("{} has no {ENTRY}, where plugins begin", folder.display())));
    }
    let tools = packages::folder(cache, "python", &embedded::python_toolchain(), |folder| {
        say("installing what turns Python into components, once for all plugins (60 MB from PyPI)");
        let requirements = folder.join("requirements.txt");
        let mut pip = pip(&folder.join("packages"));
        pip.args(["--no-deps", "--require-hashes", "--requirement"]).arg(requirements);
        install(&mut pip, "componentize-py", say)
    })?;
    let build = folder.join("build");
    let wit = build.join("wit");
    let world = world::write(manifest, &wit)?;
    let source = build.join(format!("{COMPONENT}.py"));
    std::fs::write(&source, glue(manifest, &world)).map_err(at(&source))?;
    let out = build.join("component.wasm");
    let mut paths = vec![build.clone(), folder.clone(), sdk];
    paths.extend(dependencies(&build, &project, say)?);
    let mut python = Command::new("python3");
    python.args(["-c", RUN, "--quiet", "--wit-path"]).arg(&wit).args(["--world", world.name]);
    python.args(["componentize", "--stub-wasi", "--output"]).arg(&out);
    for path in paths {
        python.arg("--python-path").arg(path);
    }
    python.arg(COMPONENT).current_dir(&build).stdin(Stdio::null());
    // Packages of whoever runs this stay out: `VIRTUAL_ENV` would bring them in.
    python.env("PYTHONPATH", tools.join("packages")).env_remove("VIRTUAL_ENV");
    super::compile(&mut python, say)?;
    std::fs::read(&out).map_err(at(&out))
}

/// Joins the plugin, the interfaces of its world and the exports of its kind.
fn glue(manifest: &Manifest, world: &world::World) -> String {
    let names: Vec<&str> = world.interfaces.keys().map(String::as_str).collect();
    let pairs: Vec<String> = names.iter().map(|name| format!("\"{name}\": {name}")).collect();
    let (kind, exports) = (world::kind_name(manifest.plugin.kind), &world.exports);
    format!(
        "from wit_world.imports import {}\nfrom halle_plugin import guest\n\nguest.attach({{{}}})\n\nfrom main import \
         plugin\n\nglobals().update(guest.exports(\"{kind}\", \"{exports}\", plugin))\n",
        names.join(", "),
        pairs.join(", "),
    )
}

/// Refuses where there is no Python, one that is too old, or none of its pip.
fn check_python() -> Result<()> {
    let script = format!("import sys, pip; sys.exit(sys.version_info < (3, {PYTHON_OLDEST}))");
    let mut python = Command::new("python3");
    python.args(["-c", &script]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    if python.status().is_ok_and(|status| status.success()) {
        return Ok(());
    }
    Err(ToolError::Toolchain(format!(
        "plugins in Python are built with Python 3.{PYTHON_OLDEST} or later and its pip, and `python3` is none here: install \
         them (on Debian as root `apt-get install python3 python3-pip`), then try again"
    )))
}

fn read_project(folder: &Path) -> Result<Project> {
    let path = folder.join("pyproject.toml");
    let text = std::fs::read_to_string(&path).map_err(at(&path))?;
    toml::from_str(&text).map_err(|error| ToolError::Usage(format!("{}: {error}", path.display())))
}

fn sdk(folder: &Path, project: &Project) -> Result<PathBuf> {
    let path = project.tool.halle.sdk.as_ref().map(|path| folder.join(path));
    let path = path.filter(|path| path.join("halle_plugin").is_dir()).ok_or_else(|| {
        ToolError::Usage(
            "the SDK is missing: [tool.halle] of pyproject.toml must have sdk = \"<its folder>\", as plugins have that \
             `halle plugin new` makes"
                .to_owned(),
        )
    })?;
    path.canonicalize().map_err(at(&path))
}

/// The folder with the packages that the plugin depends on, if it does. Only those in pure Python run in a plugin.
fn dependencies(build: &Path, project: &Project, say: &mut dyn FnMut(&str)) -> Result<Option<PathBuf>> {
    let wanted = &project.project.dependencies;
    if wanted.is_empty() {
        return Ok(None);
    }
    let folder = packages::folder(build, DEPENDENCIES, &listed(wanted), |folder| {
        let wanted = wanted.join(", ");
        say(&format!("installing {wanted} from PyPI"));
        let mut pip = pip(&folder.join("packages"));
        pip.args(["--only-binary=:all:", "--platform=any", "--implementation=py", "--abi=none"]);
        pip.arg("--requirement").arg(folder.join("dependencies.txt"));
        install(&mut pip, &wanted, say)
    })?;
    Ok(Some(folder.join("packages")))
}

/// The file that names what a plugin depends on, which tells one set of installed packages from another.
fn listed(wanted: &[String]) -> [File; 1] {
    [("dependencies.txt".to_owned(), wanted.join("\n").into_bytes())]
}

/// Name and version of every package that the last build put into the plugin in `folder`; `None` where it was not built with
/// the dependencies that it has now.
pub fn installed(folder: &Path) -> Result<Option<BTreeSet<(String, String)>>> {
    let wanted = read_project(folder)?.project.dependencies;
    if wanted.is_empty() {
        return Ok(Some(BTreeSet::new()));
    }
    let place = packages::place(&folder.join("build"), DEPENDENCIES, &listed(&wanted)).join("packages");
    if !place.is_dir() {
        return Ok(None);
    }
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(&place).map_err(at(&place))? {
        let metadata = entry.map_err(at(&place))?.path().join("METADATA");
        if metadata.is_file() {
            let text = std::fs::read(&metadata).map_err(at(&metadata))?;
            found.extend(described(&String::from_utf8_lossy(&text)));
        }
    }
    Ok(Some(found))
}

/// Name and version in what an installed package says of itself, headers as those of a mail.
fn described(metadata: &str) -> Option<(String, String)> {
    let header = |name: &str| {
        let headers = metadata.lines().take_while(|line| !line.is_empty());
        headers.filter_map(|line| line.split_once(": ")).find(|(key, _)| *key == name).map(|(_, value)| value)
    };
    // PyPI knows one name for `A_b` and `a-b`.
    Some((header("Name")?.to_lowercase().replace(['_', '.'], "-"), header("Version")?.to_owned()))
}

fn pip(target: &Path) -> Command {
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile", "--target"]);
    pip.arg(target).stdin(Stdio::null());
    pip
}

fn install(pip: &mut Command, what: &str, say: &mut dyn FnMut(&str)) -> Result<()> {
    super::compile(pip, say).map_err(|error| match error {
        ToolError::Compile(lines) => {
            ToolError::Toolchain(format!("pip cannot install {what}; its last lines:\n{lines}"))
        }
        other => other,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plugin_is_made_of_the_packages_that_were_installed_for_it() {
        let dir = tempfile::tempdir().unwrap();
        let depends = |list: &str| {
            let project = format!("[project]\nname = \"mine\"\ndependencies = [{list}]\n");
            std::fs::write(dir.path().join("pyproject.toml"), project).unwrap();
            installed(dir.path()).unwrap()
        };
        assert_eq!(depends(""), Some(BTreeSet::new()));
        assert_eq!(depends("\"Big_Thing\""), None, "nothing was built yet");
        let place =
            packages::place(&dir.path().join("build"), DEPENDENCIES, &listed(&["Big_Thing".to_owned()]));
        let metadata = place.join("packages/big_thing-1.2.dist-info");
        std::fs::create_dir_all(&metadata).unwrap();
        std::fs::create_dir_all(place.join("packages/big_thing")).unwrap();
        let text = "Metadata-Version: 2.1\nName: Big_Thing\nVersion: 1.2\n\nVersion: of what it says\n";
        std::fs::write(metadata.join("METADATA"), text).unwrap();
        let found = BTreeSet::from([("big-thing".to_owned(), "1.2".to_owned())]);
        assert_eq!(depends("\"Big_Thing\""), Some(found));
        assert_eq!(depends("\"other\""), None, "what was installed is of another list");
    }
}
