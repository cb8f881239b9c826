//! What is refused at installation, and the cache of what was compiled.

use std::sync::Arc;

use halle_extensions::host::PluginHost;
use halle_extensions::registry::MemoryComponents;
use serde_json::json;

use crate::guests::{IMPORT_LOG, ZEROES, enricher, processing};
use crate::sandbox::{Sandbox, call, host_in, manifest};

async fn refusal(kind: &str, component: &[u8]) -> String {
    let sandbox = Sandbox::with(&[]);
    sandbox.host.admit(&manifest(kind, ""), component).await.unwrap_err().to_string()
}

#[tokio::test]
async fn a_sound_component_is_admitted_and_told_about() {
    let sandbox = Sandbox::with(&[]);
    let component = processing(
        IMPORT_LOG,
        "",
        "(call $emit (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))",
    );
    let admission = sandbox.host.admit(&manifest("processing", ""), &component).await.unwrap();
    assert!(admission.imports.contains(&"halle:host/log@1.0.0".to_owned()), "{admission:?}");
    assert!(admission.exports.contains(&"halle:processing/job@1.0.0".to_owned()), "{admission:?}");
    assert_eq!(admission.initial_memory_bytes, 4 << 16);
}

#[tokio::test]
async fn an_import_outside_of_the_world_is_named() {
    let component = wat::parse_str(
        r#"(component (import "wasi:cli/environment@0.2.3" (instance (export "get" (func (result string))))))"#,
    )
    .unwrap();
    let message = refusal("processing", &component).await;
    assert!(message.contains("`wasi:cli/environment@0.2.3`"), "{message}");
}

#[tokio::test]
async fn a_component_of_another_kind_is_refused() {
    let message = refusal("processing", &enricher(&ZEROES)).await;
    assert!(message.contains("halle:processing/job"), "{message}");
}

#[tokio::test]
async fn what_is_no_component_is_refused_in_words() {
    assert!(refusal("processing", b"hello").await.contains("no WebAssembly component"));
    let module = wat::parse_str("(module)").unwrap();
    assert!(refusal("processing", &module).await.contains("halle plugin build"));
    let damaged = [&processing("", "", "")[..60], &[0xff; 40]].concat();
    assert!(refusal("processing", &damaged).await.contains("cannot be compiled"));
}

#[tokio::test]
async fn a_component_that_hangs_in_describe_is_refused() {
    let start = "(func $start (loop $again (br $again))) (start $start)";
    let message = refusal("processing", &processing("", start, "")).await;
    assert!(message.contains("stopped"), "{message}");
}

#[tokio::test]
async fn a_memory_too_large_is_refused_before_anything_runs() {
    let message = refusal("processing", &processing("", "(memory 8000)", "")).await;
    assert!(message.contains("starts with"), "{message}");
}

/// A sandbox that compiles in a process of its own: the example `compile_worker`, which `cargo test` builds.
pub fn with_worker(folder: &std::path::Path, limits: halle_wasm::CompilerLimits) -> halle_wasm::WasmHost {
    let tests = std::env::current_exe().unwrap();
    let program = tests.ancestors().nth(2).unwrap().join("examples/compile_worker");
    let compiler = halle_wasm::Compiler::Process { program, args: Vec::new(), limits };
    let config = halle_wasm::WasmConfig { compiler, ..halle_wasm::WasmConfig::new(folder) };
    let components = Arc::new(MemoryComponents::default());
    halle_wasm::WasmHost::new(config, components, &halle_base::SeededDice::new(1)).unwrap()
}

#[tokio::test]
async fn compiling_happens_in_a_process_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let host = with_worker(folder.path(), halle_wasm::CompilerLimits::default());
    host.admit(&manifest("processing", ""), &processing("", "", "")).await.unwrap();
    let damaged = [&processing("", "", "")[..60], &[0xff; 40]].concat();
    let refused = host.admit(&manifest("processing", ""), &damaged).await.unwrap_err();
    assert_eq!(refused.code(), "plugin/invalid");
    assert!(refused.to_string().contains("cannot be compiled"), "{refused}");
}

#[tokio::test]
async fn a_compiled_file_that_was_changed_is_not_loaded() {
    let component = processing("", "", "");
    let folder = tempfile::tempdir().unwrap();
    let known = [("healthy", component)];
    let run = |host: halle_wasm::WasmHost| async move {
        host.run_processing(call("healthy", manifest("processing", "")), json!({})).await.unwrap();
    };
    run(host_in(folder.path(), &known)).await;
    let compiled = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.file_name().unwrap() != "key")
        .unwrap();
    let before = std::fs::read(&compiled).unwrap();
    let mut changed = before.clone();
    let middle = changed.len() / 2;
    changed[middle] ^= 1;
    std::fs::write(&compiled, &changed).unwrap();
    run(host_in(folder.path(), &known)).await;
    assert_ne!(std::fs::read(&compiled).unwrap(), changed, "the changed file was kept");

    use std::os::unix::fs::PermissionsExt;
    assert_eq!(std::fs::metadata(folder.path()).unwrap().permissions().mode() & 0o777, 0o700);
}
