//! What guests give to the functions of the host: requests, slots and queries, keys, names of files, texts of the log, batches.
//!
//! The guest here is always the same: it calls what the input says, with arguments that the input holds, until the host stops it
//! or the input ends. Behind the sandbox stand the real way out, whose every name has a private address, and a platform in memory
//! that checks what reaches it.

mod guest;
mod platform;

use std::sync::{Arc, LazyLock};

use halle_base::{Secret, SeededDice};
use halle_extensions::grants::{Limits, asked};
use halle_extensions::host::{Call, PluginHost};
use halle_extensions::metering::Subject;
use halle_extensions::registry::{Installed, MemoryComponents};
use halle_extensions::{PluginError, check};
use halle_wasm::{SANDBOX_FAILED, WasmConfig, WasmHost};
use serde_json::json;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

pub use guest::seeds;

/// Bytes of an input that the guest gets.
const INPUT_BYTES_MAX: usize = 4 << 10;

/// Everything that a processing may ask for.
const MANIFEST: &str = r#"
schema = 1
[plugin]
id = "p"
version = "1.0.0"
kind = "processing"
contract = "halle:processing@1"
title = { en = "P" }
licence = "MIT"
[http.api]
origins = ["https://a.example", "https://*.b.example"]
methods = ["GET", "POST", "PUT"]
credential = { secret = "token", place = "bearer" }
[state]
max-bytes = 4096
[slots.input]
direction = "read"
[slots.output]
direction = "write"
[config]
type = "object"
properties = { token = { type = "string", x-secret = true } }
"#;

/// A sandbox that knows the guest. Who started the process removes its folder.
struct Sandbox {
    host: WasmHost,
    plugin: Arc<Installed>,
    runtime: Runtime,
    _folder: tempfile::TempDir,
}

static SANDBOX: LazyLock<Sandbox> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("the folder of temporary files can be written");
    let mut known = MemoryComponents::default();
    known.insert("calls", guest::component().into());
    let host = WasmHost::new(WasmConfig::new(folder.path()), Arc::new(known), &SeededDice::new(1));
    let manifest = check::parse(MANIFEST).expect("the manifest is sound");
    let plugin = Installed {
        id: "p".to_owned(),
        digest: "calls".to_owned(),
        grants: Some(asked(&manifest)),
        manifest,
        limits: Limits {
            memory_bytes_max: 16 << 20,
            cpu_ms_max: 1_000,
            wall_ms_max: 5_000,
            host_calls_max: 300,
            crossing_bytes_max: 1 << 20,
            handles_max: 50,
            log_records_max: 50,
            grace_ms: 100,
        },
        signed_by: None,
    };
    let runtime = Runtime::new().expect("threads can be started");
    let host = host.expect("the sandbox can be set up");
    Sandbox { host, plugin: Arc::new(plugin), runtime, _folder: folder }
});

/// A guest makes the calls of the input: each is answered, refused with a problem, or stops the guest for what it is.
pub fn calls(input: &[u8]) {
    #[cfg(test)]
    let _turn = tests::turn();
    if let Err(error) = run(input) {
        // A panic on a thread of the sandbox is kept there, and is one all the same. Words tell nothing: guests choose theirs.
        assert!(!matches!(error, PluginError::Stopped { code: SANDBOX_FAILED, .. }), "{error}");
    }
}

fn run(input: &[u8]) -> Result<(), PluginError> {
    let sandbox = &*SANDBOX;
    let call = Call {
        subject: Subject::tool(&sandbox.plugin),
        plugin: Arc::clone(&sandbox.plugin),
        config: json!({ "token": "token" }),
        secrets: Arc::new(vec![("token".to_owned(), Secret::new(platform::SECRET.to_owned()))]),
        services: platform::services(),
        cancel: CancellationToken::new(),
    };
    let trigger = guest::trigger(&input[..input.len().min(INPUT_BYTES_MAX)]);
    sandbox.runtime.block_on(sandbox.host.run_processing(call, trigger)).map(drop)
}

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, MutexGuard, PoisonError};

    use super::*;

    /// Calls of two guests at once cannot be told apart.
    pub(super) fn turn() -> MutexGuard<'static, ()> {
        static TURN: Mutex<()> = Mutex::new(());
        TURN.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[test]
    fn right_calls_are_answered() {
        let _turn = turn();
        // What each seed brings to the platform at least: the last asks for one exchange.
        let (seeds, expected) = (seeds(), [3, 3, 3, 3, 3, 1]);
        assert_eq!(seeds.len(), expected.len());
        for (number, (seed, expected)) in seeds.iter().zip(expected).enumerate() {
            let before = platform::reached();
            run(seed).unwrap_or_else(|error| panic!("seed {number}: {error}"));
            let reached = platform::reached() - before;
            assert!(reached >= expected, "seed {number} stopped short after {reached} calls");
        }
    }
}
