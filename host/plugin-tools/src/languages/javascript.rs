//! JavaScript and TypeScript: esbuild makes one module of the plugin and the SDK, componentize-qjs a component of the module
//! and QuickJS, or componentize-js one of the module and StarlingMonkey ([`Engine`]). The component imports what the plugin's
//! world has, and no system interface: calls of one stop it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use halle_extensions::manifest::Manifest;
use serde_json::{Value, json};

use super::{packages, world};
use crate::embedded;
use crate::error::{Result, ToolError, at};

/// Oldest Node that runs the tools.
const NODE_OLDEST: u32 = 20;

/// Where a plugin begins, unless `main` of its `package.json` says otherwise.
const ENTRIES: [&str; 2] = ["src/index.ts", "src/index.js"];

/// Name of the SDK among the dependencies of a plugin.
const SDK: &str = "halle-plugin";

/// What runs JavaScript inside a component. A plugin says which in its `package.json`: `"halle": { "engine": "quickjs" }`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Engine {
    /// Small: 1.8 MB a component. What plugins have that say nothing.
    QuickJs,
    /// Firefox's engine: 12 MB a component, with what packages expect of browsers (`TextEncoder`, `URL`, `structuredClone`).
    StarlingMonkey,
}

impl Engine {
    const ALL: [Self; 2] = [Self::QuickJs, Self::StarlingMonkey];

    /// Name in `package.json`, and of its folder in the tool chain.
    fn name(self) -> &'static str {
        match self {
            Self::QuickJs => "quickjs",
            Self::StarlingMonkey => "starlingmonkey",
        }
    }

    /// What its npm packages take on a disk, for whoever waits for them.
    fn packages_mb(self) -> u32 {
        match self {
            Self::QuickJs => 50,
            Self::StarlingMonkey => 400,
        }
    }

    /// The engine that a `package.json` asks for.
    fn of(package: &Value) -> Result<Self> {
        let Some(asked) = package.pointer("/halle/engine") else { return Ok(Self::QuickJs) };
        let found = Self::ALL.into_iter().find(|engine| asked == engine.name());
        found.ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(" or ");
            ToolError::Usage(format!("`halle.engine` of package.json is {asked}: use {names}"))
        })
    }
}

/// Compiles the plugin in `folder` to a component.
pub fn component(
    folder: &Path,
    manifest: &Manifest,
    cache: &Path,
    say: &mut dyn FnMut(&str),
) -> Result<Vec<u8>> {
    check_node()?;
    let folder = folder.canonicalize().map_err(at(folder))?;
    let package = read_package(&folder)?;
    let engine = Engine::of(&package)?;
    let entry = entry(&folder, &package)?;
    install_dependencies(&folder, &package, say)?;
    let sdk = sdk(&folder, &package)?;
    let tools = tools(engine, cache, say)?;
    let build = folder.join("build");
    let wit = build.join("wit");
    let world = world::write(manifest, &wit)?;
    let out = build.join("component.wasm");
    let job = json!({
        "entry": entry,
        "sdk": sdk,
        "wit": wit,
        "world": world.name,
        "kind": world::kind_name(manifest.plugin.kind),
        "exports": world.exports,
        "interfaces": world.interfaces,
        "out": out,
    });
    let mut node = Command::new("node");
    node.arg(tools.join("build.mjs")).arg(job.to_string()).current_dir(&folder).stdin(Stdio::null());
    super::compile(&mut node, say)?;
    std::fs::read(&out).map_err(at(&out))
}

/// The folder of the tools of an engine, installed if they are not.
fn tools(engine: Engine, cache: &Path, say: &mut dyn FnMut(&str)) -> Result<PathBuf> {
    let name = format!("javascript-{}", engine.name());
    packages::folder(cache, &name, &embedded::javascript_toolchain(engine.name()), |folder| {
        say(&format!(
            "installing what turns JavaScript into components with {}, once for all plugins ({} MB of npm packages)",
            engine.name(),
            engine.packages_mb()
        ));
        npm_install(folder, say)
    })
}

/// Refuses where there is no Node, or one that is too old.
fn check_node() -> Result<()> {
    let version = |program: &str| {
        let output = Command::new(program).arg("--version").stderr(Stdio::null()).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let node = version("node");
    let major = node.as_deref().and_then(|text| text.trim_start_matches('v').split('.').next()?.parse().ok());
    if major.is_some_and(|major: u32| major >= NODE_OLDEST) && version("npm").is_some() {
        return Ok(());
    }
    let found = node.map_or_else(|| "there is none here".to_owned(), |version| format!("here is {version}"));
    Err(ToolError::Toolchain(format!(
        "plugins in JavaScript are built with Node {NODE_OLDEST} or later and its npm, and {found}: install them \
         (https://nodejs.org, or your system's packages `nodejs` and `npm` where they are recent enough), then try again"
    )))
}

fn read_package(folder: &Path) -> Result<Value> {
    let path = folder.join("package.json");
    let text = std::fs::read_to_string(&path).map_err(at(&path))?;
    serde_json::from_str(&text)
        .map_err(|error| ToolError::Usage(format!("{} is no JSON: {error}", path.display())))
}

fn entry(folder: &Path, package: &Value) -> Result<PathBuf> {
    let named = package["main"].as_str().into_iter();
    let found = named.chain(ENTRIES).map(|entry| folder.join(entry)).find(|path| path.is_file());
    found.ok_or_else(|| {
        let entries = ENTRIES.join(" nor ");
        ToolError::Usage(format!(
            "{} has neither {entries}, nor what `main` of package.json says",
            folder.display()
        ))
    })
}

/// The SDK that the plugin asks for: a folder named in its `package.json`, or a package that npm installed.
fn sdk(folder: &Path, package: &Value) -> Result<PathBuf> {
    let named = package["dependencies"][SDK].as_str().and_then(|version| version.strip_prefix("file:"));
    let places = [named.map(|path| folder.join(path)), Some(folder.join("node_modules").join(SDK))];
    let found = places.into_iter().flatten().find(|path| path.join("package.json").is_file());
    let path = found.ok_or_else(|| {
        ToolError::Usage(format!(
            "the SDK is missing: `dependencies` of package.json must have \"{SDK}\": \"file:<its folder>\", as plugins \
             have that `halle plugin new` makes"
        ))
    })?;
    path.canonicalize().map_err(at(&path))
}

/// Installs the packages of the plugin itself, if one of them is not there.
fn install_dependencies(folder: &Path, package: &Value, say: &mut dyn FnMut(&str)) -> Result<()> {
    let lists = ["dependencies", "devDependencies"];
    let names = lists.iter().filter_map(|list| package[list].as_object()).flat_map(|list| list.keys());
    let is_missing = |name: &&String| !folder.join("node_modules").join(name).exists();
    let missing: Vec<&str> = names.filter(is_missing).map(String::as_str).collect();
    if missing.is_empty() {
        return Ok(());
    }
    say(&format!("installing {} with npm", missing.join(", ")));
    npm_install(folder, say)
}

/// Installs packages as their lock file pins them. Not `npm ci`, which refuses a lock without the packages for systems that
/// were never published, as some of componentize-qjs are. Scripts of packages do not run.
fn npm_install(folder: &Path, say: &mut dyn FnMut(&str)) -> Result<()> {
    let mut npm = Command::new("npm");
    npm.args(["install", "--no-save", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]);
    npm.current_dir(folder).stdin(Stdio::null());
    super::compile(&mut npm, say).map_err(|error| match error {
        ToolError::Compile(lines) => ToolError::Toolchain(format!(
            "npm cannot install the packages of {}; its last lines:\n{lines}",
            folder.display()
        )),
        other => other,
    })
}
