//! The boundary of the sandbox: what is read of a plugin before anybody trusts it.

use std::sync::{Arc, OnceLock};

use halle_base::SeededDice;
use halle_extensions::config::ConfigSchema;
use halle_extensions::host::PluginHost;
use halle_extensions::manifest::Manifest;
use halle_extensions::package::Package;
use halle_extensions::registry::MemoryComponents;
use halle_extensions::{PluginError, check, grants};
use halle_guests::{Script, processing};
use halle_wasm::{SANDBOX_FAILED, WasmConfig, WasmHost};

const MANIFEST: &str = include_str!("../targets/manifest/seeds/processing.toml");

/// Reads a manifest, and whatever is done with one that was accepted.
pub fn manifest(input: &[u8]) {
    let Ok(manifest) = check::parse(&String::from_utf8_lossy(input)) else { return };
    let asked = grants::asked(&manifest);
    assert!(asked.beyond(&asked).is_empty(), "a manifest asks for more than itself");
    if let Some(schema) = &manifest.config {
        let schema = ConfigSchema::new(schema).expect("an accepted manifest has a schema that can be used");
        // Valid, or refused with the field.
        drop(schema.validate(&serde_json::json!({ "url": "https://a.example", "key": "aaaaaaaaaaaaaaaa!" })));
    }
}

/// The archive of a package, not compressed, so that damage reaches the entries; and a compressed one.
pub fn package_seeds() -> Vec<Vec<u8>> {
    let component = processing("", "", "").into();
    let statics = [("static/a/b.txt".to_owned(), "text".into())].into_iter().collect();
    let package = Package::new(MANIFEST, component, statics).expect("the seed is sound");
    let package = package.write().expect("the seed can be written");
    let archive = zstd::decode_all(&package[..]).expect("it was just compressed");
    vec![archive, package]
}

/// Reads a package, as it is and compressed. What is accepted is the same after it is written and read again.
pub fn package(input: &[u8]) {
    let compressed = zstd::encode_all(input, 1).expect("memory takes everything");
    for archive in [input, &compressed] {
        let Ok(package) = Package::read(archive) else { continue };
        let written = package.write().expect("an accepted package can be written");
        let again = Package::read(&written).expect("a written package can be read");
        assert_eq!(again.digest(), package.digest());
    }
}

/// A sandbox that compiles, and the folder it does so in: who started the process removes it.
struct Sandbox {
    host: WasmHost,
    manifest: Manifest,
    runtime: tokio::runtime::Runtime,
    _folder: tempfile::TempDir,
}

static SANDBOX: OnceLock<Sandbox> = OnceLock::new();

fn sandbox() -> Sandbox {
    let folder = tempfile::tempdir().expect("the folder of temporary files can be written");
    let config = WasmConfig::new(folder.path());
    let host = WasmHost::new(config, Arc::new(MemoryComponents::default()), &SeededDice::new(1));
    Sandbox {
        host: host.expect("the sandbox can be set up"),
        manifest: check::parse(MANIFEST).expect("the seed is sound"),
        runtime: tokio::runtime::Runtime::new().expect("threads can be started"),
        _folder: folder,
    }
}

/// Small components that log, keep state and call out.
pub fn component_seeds() -> Vec<Vec<u8>> {
    let import = r#"(import "halle:host/cancel@1.0.0" "requested" (func $requested (result i32)))"#;
    vec![
        processing("", "", ""),
        processing(
            import,
            "(table 3 funcref) (global $g (mut i64) (i64.const 5))",
            "(drop (call $requested))",
        ),
        Script::new().say("hello").state_get("k").send("GET", "https://a.example/").component(),
    ]
}

/// Admits a component: compiles it, looks at what it imports, asks it what it is.
pub fn component(input: &[u8]) {
    let sandbox = SANDBOX.get_or_init(sandbox);
    let admitted = sandbox.runtime.block_on(sandbox.host.admit(&sandbox.manifest, input));
    if let Err(error) = admitted {
        // A panic on a thread of the sandbox is kept there, and is one all the same. Words tell nothing: guests choose theirs.
        assert!(!matches!(error, PluginError::Stopped { code: SANDBOX_FAILED, .. }), "{error}");
    }
}
