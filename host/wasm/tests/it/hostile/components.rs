//! Components that are not what they seem: strange imports, damaged bytes, giants, exchanged files of the compiled cache.

use std::path::{Path, PathBuf};

use halle_base::{Dice, SeededDice};
use halle_extensions::host::PluginHost;
use halle_extensions::package::COMPONENT_BYTES_MAX;
use halle_extensions::{PluginError, PluginResult};
use halle_testkit::guests::Script;
use halle_wasm::CompilerLimits;
use serde_json::json;

use crate::admission::with_worker;
use crate::enricher::{rows, text};
use crate::guests::{IMPORT_LOG, ZEROES, enricher, processing};
use crate::sandbox::{Sandbox, call, host_in, manifest};

const KINDS: [&str; 5] = ["catalog-connector", "processing", "enricher", "visualisation", "remote-service"];

#[tokio::test]
async fn no_kind_has_a_clock_dice_threads_files_or_sockets() {
    let sandbox = Sandbox::with(&[]);
    for import in [
        "wasi:clocks/monotonic-clock@0.2.3",
        "wasi:clocks/wall-clock@0.2.3",
        "wasi:random/random@0.2.3",
        "wasi:filesystem/preopens@0.2.3",
        "wasi:sockets/tcp@0.2.3",
        "wasi:http/outgoing-handler@0.2.3",
        "wasi:cli/environment@0.2.3",
        "halle:host/http@2.0.0",
        "halle:host/shell@1.0.0",
        "halle:evil/log@1.0.0",
        "env",
    ] {
        let component = format!(r#"(component (import "{import}" (instance (export "get" (func)))))"#);
        let component = wat::parse_str(component).unwrap();
        for kind in KINDS {
            let error = sandbox.host.admit(&manifest(kind, ""), &component).await.unwrap_err();
            assert_eq!(error.code(), "plugin/invalid", "{kind}: {error}");
            assert!(error.to_string().contains(&format!("`{import}`")), "{kind}: {error}");
        }
    }
}

#[tokio::test]
async fn pure_kinds_may_not_call_out_or_keep_anything() {
    let sandbox = Sandbox::with(&[]);
    for import in ["http", "state", "blobs", "datasets", "secrets", "config", "source"] {
        let import = format!("halle:host/{import}@1.0.0");
        let component = wat::parse_str(format!(r#"(component (import "{import}" (instance)))"#)).unwrap();
        for kind in ["enricher", "visualisation", "remote-service"] {
            let error = sandbox.host.admit(&manifest(kind, ""), &component).await.unwrap_err();
            assert!(error.to_string().contains(&format!("`{import}`")), "{kind}: {error}");
        }
    }
}

/// A sound component that logs.
fn sound() -> Vec<u8> {
    let emit = "(call $emit (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))";
    processing(IMPORT_LOG, "", emit)
}

#[tokio::test]
async fn a_function_that_the_interface_does_not_have_is_refused() {
    let mut component = sound();
    let places: Vec<usize> =
        component.windows(4).enumerate().filter(|(_, part)| *part == b"emit").map(|(at, _)| at).collect();
    assert!(!places.is_empty());
    for at in places {
        component[at..at + 4].copy_from_slice(b"spy!");
    }
    let sandbox = Sandbox::with(&[]);
    let error = sandbox.host.admit(&manifest("processing", ""), &component).await.unwrap_err();
    assert_eq!(error.code(), "plugin/invalid", "{error}");
}

/// What a component may be refused or stopped with.
const STOPPED: [&str; 10] = [
    "plugin/bad-answer",
    "plugin/cpu",
    "plugin/deadline",
    "plugin/handles",
    "plugin/host-calls",
    "plugin/invalid",
    "plugin/memory",
    "plugin/output-too-large",
    "plugin/stack",
    "plugin/trap",
];

/// Runs a component once, within the limits of tests.
async fn ran(kind: &str, component: &[u8]) -> PluginResult<()> {
    let sandbox = Sandbox::with(&[("damaged", component.to_vec())]);
    let call = call("damaged", manifest(kind, ""));
    if kind == "processing" {
        return sandbox.host.run_processing(call, json!({})).await.map(drop);
    }
    let mut enrichment = sandbox.host.enricher(call, &[text("code")]).await?;
    enrichment.run(rows(3)).await.map(drop)
}

/// Fails when a component is refused or stopped with a code that is not known; a fault of the host has one that is not.
fn sane(error: &PluginError, component: &[u8]) {
    assert!(STOPPED.contains(&error.code()), "{}: {error}: {component:?}", error.code());
}

#[tokio::test]
async fn damaged_components_are_refused_or_run_within_limits() {
    let sandbox = Sandbox::with(&[("healthy", processing("", "", ""))]);
    let script = Script::new().say("hello").state_get("k").component();
    let dice = SeededDice::new(25);
    let mut admitted = 0;
    for (kind, seed) in [("processing", script), ("processing", sound()), ("enricher", enricher(&ZEROES))] {
        for _ in 0..120 {
            let mut damaged = seed.clone();
            for _ in 0..=dice.roll() % 4 {
                let at = (dice.roll() % damaged.len() as u64) as usize;
                match dice.roll() % 3 {
                    0 => damaged[at] = dice.roll() as u8,
                    1 => damaged.truncate(at.max(8)),
                    _ => drop(damaged.drain(at..(at + 3).min(damaged.len()))),
                }
            }
            match sandbox.host.admit(&manifest(kind, ""), &damaged).await {
                Err(error) => sane(&error, &damaged),
                Ok(_) => {
                    admitted += 1;
                    match ran(kind, &damaged).await {
                        // The words of the guest itself, which may be any.
                        Ok(()) | Err(PluginError::Reported(_)) => {}
                        Err(error) => sane(&error, &damaged),
                    }
                }
            }
        }
    }
    assert!(admitted > 0, "nothing was run");
    sandbox.host.run_processing(call("healthy", manifest("processing", "")), json!({})).await.unwrap();
}

/// A section of a component.
fn section(id: u8, content: &[u8]) -> Vec<u8> {
    let mut section = vec![id];
    let mut rest = content.len();
    while rest > 0x7f {
        section.push((rest & 0x7f) as u8 | 0x80);
        rest >>= 7;
    }
    section.push(rest as u8);
    section.extend_from_slice(content);
    section
}

/// A component in a component in a component, so many times.
fn nested(levels: usize) -> Vec<u8> {
    let magic = [0, b'a', b's', b'm', 0x0d, 0, 1, 0];
    (0..levels).fold(magic.to_vec(), |inner, _| [&magic[..], &section(COMPONENT_SECTION, &inner)].concat())
}

/// Identifiers of sections of a component.
const CUSTOM_SECTION: u8 = 0;
const MODULE_SECTION: u8 = 1;
const COMPONENT_SECTION: u8 = 4;

#[tokio::test]
async fn giants_are_refused_and_take_the_compiler_with_them_at_most() {
    let folder = tempfile::tempdir().unwrap();
    // A tenth of the memory that the compiler has on a server: filling it all takes minutes.
    let limits = CompilerLimits { memory_kib_max: 640 << 10, ..CompilerLimits::default() };
    let host = with_worker(folder.path(), limits);
    let with = |part: Vec<u8>| [sound(), part].concat();
    let module = |locals: usize| {
        let module = format!("(module (func (local{})))", " i64".repeat(locals));
        section(MODULE_SECTION, &wat::parse_str(module).unwrap())
    };
    // The same parts of usual size are no reason to refuse the component.
    for part in [section(CUSTOM_SECTION, b"\x01x"), section(COMPONENT_SECTION, &nested(2)), module(10)] {
        host.admit(&manifest("processing", ""), &with(part)).await.unwrap();
    }
    let bytes = section(CUSTOM_SECTION, &[b"\x01x", &vec![0; COMPONENT_BYTES_MAX][..]].concat());
    let levels = section(COMPONENT_SECTION, &nested(10_000));
    for (what, part) in [("bytes", bytes), ("levels", levels), ("locals", module(60_000))] {
        let error = host.admit(&manifest("processing", ""), &with(part)).await.unwrap_err();
        assert_eq!(error.code(), "plugin/invalid", "{what}: {error}");
        assert!(error.to_string().contains("cannot be compiled"), "{what}: {error}");
        assert!(!error.to_string().contains("does not export"), "{what}: {error}");
    }
    host.admit(&manifest("processing", ""), &sound()).await.unwrap();
}

/// The compiled files in a folder.
fn compiled(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.file_name().unwrap() != "key").collect()
}

/// Fills the cache in `folder` with this component; the file it is in.
async fn filled(folder: &Path, component: Vec<u8>) -> PathBuf {
    let before = compiled(folder);
    let host = host_in(folder, &[("p", component)]);
    // It may fail: what matters is that it was compiled.
    let _ended = host.run_processing(call("p", manifest("processing", "")), json!({})).await;
    compiled(folder).into_iter().find(|path| !before.contains(path)).unwrap()
}

#[tokio::test]
async fn a_compiled_file_stands_in_for_no_other() {
    let (here, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let evil = || processing("", "", "(unreachable)");
    let healthy = || processing("", "", "");
    let file = filled(here.path(), healthy()).await;
    let sound = std::fs::read(&file).unwrap();
    let strange = std::fs::read(filled(here.path(), evil()).await).unwrap();
    // Made with a key of another folder.
    let _key = halle_wasm::WasmHost::new(
        halle_wasm::WasmConfig::new(elsewhere.path()),
        std::sync::Arc::new(halle_extensions::registry::MemoryComponents::default()),
        &SeededDice::new(2),
    )
    .unwrap();
    let foreign = std::fs::read(filled(elsewhere.path(), healthy()).await).unwrap();
    assert_ne!(foreign[..32], sound[..32]);
    for (what, bytes) in [
        ("another plugin", &strange[..]),
        ("another key", &foreign[..]),
        ("nothing", b""),
        ("a part", &sound[..sound.len() / 2]),
        ("more", &[&sound[..], b"x"].concat()),
        ("no keyed hash", &sound[32..]),
    ] {
        std::fs::write(&file, bytes).unwrap();
        let host = host_in(here.path(), &[("p", healthy())]);
        host.run_processing(call("p", manifest("processing", "")), json!({})).await.unwrap();
        assert_eq!(std::fs::read(&file).unwrap().len(), sound.len(), "{what} was kept");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_else_reads_the_key_or_the_compiled_files() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let file = filled(folder.path(), processing("", "", "")).await;
    for path in [file, folder.path().join("key"), folder.path().to_owned()] {
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{} is open to others: {mode:o}", path.display());
    }
}
