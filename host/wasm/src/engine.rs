//! The engine: one configuration for compiling and running, and the thread that advances its epoch.

use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, WasmFeatures};

use crate::limits::{INSTANCES_MAX, MEMORIES_MAX, TABLE_ELEMENTS_MAX, TABLES_MAX};
use crate::turns::Turns;

/// How often guest code is interrupted to look at its limits.
const TICK: Duration = Duration::from_millis(10);

/// Native stack that guest code may use.
const GUEST_STACK_BYTES: usize = 512 << 10;

/// Native stack of one call, host functions included.
const CALL_STACK_BYTES: usize = 2 << 20;

/// Memories of the pool, at 4 GiB of addresses each: 32 TiB of the 128 TiB that a process has.
const POOL_MEMORIES_MAX: usize = 8 << 10;

/// Native stack that is wiped in place for the next guest; the system takes back what was used beyond.
const STACK_BYTES_WIPED: usize = 64 << 10;

/// What of a memory is wiped in place for the next guest; the system takes back what was used beyond.
const MEMORY_BYTES_WIPED: usize = 512 << 10;

/// The same for a table.
const TABLE_BYTES_WIPED: usize = 64 << 10;

/// Bytes of the host's own structures of one guest.
const STRUCTURES_BYTES_MAX: usize = 4 << 20;

/// An engine that compiles, and runs nothing: it keeps no room for guests, which a compiling process may not have.
pub fn compiling() -> wasmtime::Result<Engine> {
    Engine::new(&config())
}

/// An engine that runs as many guests as `guests_max` at once.
///
/// Their memories, tables and stacks are places of one pool: taking one is a few microseconds, where mapping each anew makes
/// threads wait for one another. Only addresses are reserved, no memory; a place that is given back is emptied before another
/// guest gets it. Where the addresses cannot be had (a limit on the address space), each is mapped anew.
pub fn running(guests_max: usize) -> wasmtime::Result<Engine> {
    let with = |pool: PoolingAllocationConfig| {
        let mut config = config();
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
        config.async_stack_zeroing(true);
        Engine::new(&config)
    };
    with(wiped_in_place(pool(guests_max))).or_else(|_| with(pool(guests_max))).or_else(|error| {
        tracing::warn!(%error, "no addresses for a pool of guests: their memory is mapped one by one");
        compiling()
    })
}

/// The pool, whose memories and tables are made what they were at first page by page, where the kernel tells which pages were
/// written (Linux 6.7); else they are given back and come again one fault at a time, which costs more than most calls.
/// The engine is refused where the kernel cannot.
fn wiped_in_place(mut pool: PoolingAllocationConfig) -> PoolingAllocationConfig {
    pool.pagemap_scan(Enabled::Yes)
        .linear_memory_keep_resident(MEMORY_BYTES_WIPED)
        .table_keep_resident(TABLE_BYTES_WIPED);
    pool
}

fn pool(guests_max: usize) -> PoolingAllocationConfig {
    let counted = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    // As much as all may have, so that none can take the place of another.
    let of_all = |each: usize| guests_max.saturating_mul(each);
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(counted(guests_max))
        .total_core_instances(counted(of_all(INSTANCES_MAX)))
        .total_memories(counted(of_all(MEMORIES_MAX).min(POOL_MEMORIES_MAX)))
        .total_tables(counted(of_all(TABLES_MAX)))
        .total_stacks(counted(guests_max))
        .max_core_instances_per_component(counted(INSTANCES_MAX))
        .max_memories_per_component(counted(MEMORIES_MAX))
        .max_tables_per_component(counted(TABLES_MAX))
        .max_memories_per_module(counted(MEMORIES_MAX))
        .max_tables_per_module(counted(TABLES_MAX))
        .max_component_instance_size(STRUCTURES_BYTES_MAX)
        .max_core_instance_size(STRUCTURES_BYTES_MAX)
        .table_elements(TABLE_ELEMENTS_MAX)
        // Nothing of one guest stays where another comes.
        .linear_memory_keep_resident(0)
        .table_keep_resident(0)
        .async_stack_keep_resident(STACK_BYTES_WIPED);
    pool
}

/// What is compiled depends on it: the same for those who compile and those who run.
fn config() -> Config {
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
    config
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

/// Advances the epoch of an engine and looks after the turns of guests, on a thread of its own, so that no guest can hold it up,
/// until dropped.
#[derive(Debug)]
pub struct Ticker {
    stop: Arc<AtomicBool>,
}

impl Ticker {
    /// Starts the thread.
    pub fn start(engine: &Engine, turns: Arc<Turns>) -> std::io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let (engine, asked) = (engine.weak(), Arc::clone(&stop));
        std::thread::Builder::new().name("plugin-ticker".to_owned()).spawn(move || {
            while !asked.load(Ordering::Relaxed) {
                std::thread::sleep(TICK);
                let Some(engine) = engine.upgrade() else { return };
                engine.increment_epoch();
                turns.look();
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
