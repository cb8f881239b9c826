//! Work that a guest makes the host do: it grows with what the guest does, and not with what is stored.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use halle_extensions::Problem;
use halle_extensions::host::PluginHost;
use halle_extensions::services::PluginState;
use serde_json::json;

use crate::guests::processing;
use crate::sandbox::{Sandbox, call, manifest};

/// Keys that are there from the beginning.
const KEYS: usize = 500;

/// State that counts how often it is asked.
struct Counted {
    values: Mutex<BTreeMap<String, Vec<u8>>>,
    asked: AtomicUsize,
}

impl Counted {
    fn new() -> Self {
        let values = (0..KEYS).map(|key| (format!("key-{key:04}"), vec![0; 10])).collect();
        Self { values: Mutex::new(values), asked: AtomicUsize::new(0) }
    }

    fn ask(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Vec<u8>>> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.values.lock().unwrap()
    }
}

#[async_trait]
impl PluginState for Counted {
    async fn get(&self, key: &str) -> Result<Option<(Vec<u8>, u64)>, Problem> {
        Ok(self.ask().get(key).map(|value| (value.clone(), 1)))
    }
    async fn put(&self, key: &str, value: Vec<u8>, expected: Option<u64>) -> Result<u64, Problem> {
        if expected.is_some_and(|expected| expected != 1) {
            drop(self.ask());
            return Err(Problem::new("state/conflict", "another revision is there"));
        }
        self.ask().insert(key.to_owned(), value);
        Ok(1)
    }
    async fn delete(&self, key: &str) -> Result<(), Problem> {
        self.ask().remove(key);
        Ok(())
    }
    async fn keys(&self, prefix: &str, after: Option<&str>, max: u32) -> Result<Vec<String>, Problem> {
        let values = self.ask();
        let keys = values.keys().filter(|key| key.starts_with(prefix));
        let keys = keys.filter(|key| after.is_none_or(|after| key.as_str() > after));
        Ok(keys.take(max as usize).cloned().collect())
    }
}

/// Runs `step` 100 times; how often the state was asked, and what is in it then.
async fn storm(step: &str) -> (usize, BTreeMap<String, Vec<u8>>) {
    let imports = r#"
        (import "halle:host/state@1.0.0" "put" (func $put (param i32 i32 i32 i32 i32 i64 i32)))
        (import "halle:host/state@1.0.0" "delete" (func $delete (param i32 i32 i32)))"#;
    let data = r#"(data (i32.const 4000) "key-0001")"#;
    let body = format!(
        "(local $n i32)
         (loop $again
            {step}
            (local.set $n (i32.add (local.get $n) (i32.const 1)))
            (br_if $again (i32.lt_u (local.get $n) (i32.const 100))))"
    );
    let sandbox = Sandbox::with(&[("p", processing(imports, data, &body))]);
    let state = Arc::new(Counted::new());
    let mut call = call("p", manifest("processing", "[state]\nmax-bytes = 1000000"));
    call.services.state = Some(Arc::<Counted>::clone(&state));
    sandbox.host.run_processing(call, json!({})).await.unwrap();
    let values = state.values.lock().unwrap().clone();
    (state.asked.load(Ordering::Relaxed), values)
}

/// A write of 8 bytes, whatever is there, or of the revision that is expected.
fn put(expected: Option<u64>) -> String {
    let (is_some, revision) = (u8::from(expected.is_some()), expected.unwrap_or_default());
    format!(
        "(call $put (i32.const 4000) (i32.const 8) (i32.const 4000) (i32.const 8)
            (i32.const {is_some}) (i64.const {revision}) (i32.const 3504))"
    )
}

#[tokio::test]
async fn writes_and_removals_count_all_keys_once() {
    let (asked, values) =
        storm(&format!("(call $delete (i32.const 4000) (i32.const 8) (i32.const 3504)) {}", put(None))).await;
    // All keys once, page by page, then each call once.
    assert!(asked <= KEYS + 5 + 200, "{asked}");
    assert_eq!((values.len(), &values["key-0001"][..]), (KEYS, &b"key-0001"[..]));
}

#[tokio::test]
async fn conflicts_look_at_their_own_key_only() {
    let (asked, values) = storm(&put(Some(9))).await;
    assert!(asked <= KEYS + 5 + 200, "{asked}");
    assert_eq!(values["key-0001"], vec![0; 10]);
}
