//! The engine: one configuration for compiling and running, and the thread that advances its epoch.

use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use wasmtime::{Config, Engine, WasmFeatures};

/// How often guest code is interrupted to look at its limits.
const TICK: Duration = Duration::from_millis(10);

/// Native stack that guest code may use.
const GUEST_STACK_BYTES: usize = 512 << 10;

/// Native stack of one call, host functions included.
const CALL_STACK_BYTES: usize = 2 << 20;

/// An engine. Every process that compiles for another must call this too: the configuration is part of what is compiled.
pub fn engine() -> wasmtime::Result<Engine> {
    let mut config = Config::new();
    config.wasm_component_model(true);
    config.concurrency_support(false);
    let off = WasmFeatures::THREADS
        | WasmFeatures::SHARED_EVERYTHING_THREADS
        | WasmFeatures::MEMORY64
        | WasmFeatures::GC
        | WasmFeatures::FUNCTION_REFERENCES
        | WasmFeatures::EXCEPTIONS
        | WasmFeatures::STACK_SWITCHING
        | WasmFeatures::RELAXED_SIMD
        | WasmFeatures::CUSTOM_PAGE_SIZES
        | WasmFeatures::CM_ASYNC;
    config.wasm_features(off, false);
    // The same input must give the same output on every machine.
    config.cranelift_nan_canonicalization(true);
    config.epoch_interruption(true);
    config.max_wasm_stack(GUEST_STACK_BYTES);
    config.async_stack_size(CALL_STACK_BYTES);
    Engine::new(&config)
}

/// What compiled code depends on besides its source: version and settings of the engine, features of the processor.
pub fn fingerprint(engine: &Engine) -> String {
    struct Bytes(Vec<u8>);
    impl Hasher for Bytes {
        fn finish(&self) -> u64 {
            0
        }
        fn write(&mut self, bytes: &[u8]) {
            self.0.extend_from_slice(bytes);
        }
    }
    let mut bytes = Bytes(Vec::new());
    engine.precompile_compatibility_hash().hash(&mut bytes);
    hex::encode(<sha2::Sha256 as sha2::Digest>::digest(&bytes.0))
}

/// Advances the epoch of an engine on a thread of its own, so that no guest can hold it up, until dropped.
#[derive(Debug)]
pub struct Ticker {
    stop: Arc<AtomicBool>,
}

impl Ticker {
    /// Starts the thread.
    pub fn start(engine: &Engine) -> std::io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let (engine, asked) = (engine.weak(), Arc::clone(&stop));
        std::thread::Builder::new().name("plugin-ticker".to_owned()).spawn(move || {
            while !asked.load(Ordering::Relaxed) {
                std::thread::sleep(TICK);
                let Some(engine) = engine.upgrade() else { return };
                engine.increment_epoch();
            }
        })?;
        Ok(Self { stop })
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}
