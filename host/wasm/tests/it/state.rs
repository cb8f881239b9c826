//! State of guests, kept in SQLite: what was granted, what fits, and whose it is.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use halle_extensions::host::PluginHost;
use halle_extensions::services::{PluginState, Services};
use halle_extensions::state::StoredState;
use halle_extensions::{PluginError, Problem};
use halle_testkit::Stack;
use halle_testkit::guests::Script;
use serde_json::json;

use crate::sandbox::{Memory, Sandbox, call, manifest};

/// The state of one instance of a plugin.
fn state(stack: &Stack, instance: &str) -> Arc<StoredState> {
    let (store, clock) = (Arc::clone(&stack.store), Arc::clone(&stack.clock) as _);
    Arc::new(StoredState { store, clock, instance: instance.to_owned() })
}

/// Runs a script that was granted `granted_bytes` of state; what it said.
async fn run(
    script: &Script,
    state: Arc<impl PluginState + 'static>,
    granted_bytes: u64,
) -> Result<Vec<String>, PluginError> {
    let sandbox = Sandbox::with(&[("p", script.component())]);
    let asks =
        if granted_bytes == 0 { String::new() } else { format!("[state]\nmax-bytes = {granted_bytes}") };
    let log = Arc::new(Memory::default());
    let mut call = call("p", manifest("processing", &asks));
    call.services = Services { log: Arc::<Memory>::clone(&log), state: Some(state), ..Services::none() };
    sandbox.host.run_processing(call, json!({})).await?;
    Ok(log.said())
}

async fn refusal(script: &Script, state: Arc<StoredState>, granted_bytes: u64) -> String {
    run(script, state, granted_bytes).await.unwrap_err().code().to_owned()
}

#[tokio::test]
async fn nothing_is_kept_without_the_grant() {
    let stack = Stack::new().await;
    let state = state(&stack, "processings/a");
    state.put("seen", b"before".to_vec(), None).await.unwrap();
    let empty = Script::new();
    for script in [
        empty.clone().state_get("seen"),
        empty.clone().state_put("seen", "mine", None),
        empty.clone().state_delete("seen"),
        empty.state_keys(""),
    ] {
        assert_eq!(refusal(&script, Arc::clone(&state), 0).await, "denied/state");
    }
    assert_eq!(state.get("seen").await.unwrap().unwrap().0, b"before");
}

#[tokio::test]
async fn what_one_run_keeps_the_next_one_finds() {
    let stack = Stack::new().await;
    let state = state(&stack, "processings/a");
    let first = Script::new().state_put("page/2", "two", Some(0)).state_put("page/1", "one", None);
    assert!(run(&first, Arc::clone(&state), 1_000).await.unwrap().is_empty());
    let second = Script::new().state_keys("page/").state_get("page/2").state_get("never");
    assert_eq!(run(&second, Arc::clone(&state), 1_000).await.unwrap(), ["page/1", "page/2", "two"]);
    let third = Script::new().state_delete("page/1").state_delete("never").state_keys("");
    assert_eq!(run(&third, state, 1_000).await.unwrap(), ["page/2"]);
}

#[tokio::test]
async fn an_instance_does_not_see_the_state_of_another() {
    let stack = Stack::new().await;
    let secret = Script::new().state_put("token", "alice's", None);
    run(&secret, state(&stack, "processings/alice"), 1_000).await.unwrap();
    let mut curious = Script::new().state_keys("");
    for key in ["token", "../alice/token", "processings/alice/token", "../processings/alice/token"] {
        curious = curious.state_get(key);
    }
    let curious = curious.state_delete("token").state_put("token", "bob's", None);
    assert!(run(&curious, state(&stack, "processings/bob"), 1_000).await.unwrap().is_empty());
    let kept = state(&stack, "processings/alice").get("token").await.unwrap();
    assert_eq!(kept.unwrap().0, b"alice's");
}

#[tokio::test]
async fn keys_that_are_not_plain_are_refused() {
    let stack = Stack::new().await;
    let long = "k".repeat(201);
    for key in ["", " ", "é", "a b", "a\0b", "a\nb", "a'--", "a%", &long] {
        let script = Script::new().state_put(key, "x", None);
        assert_eq!(refusal(&script, state(&stack, "processings/a"), 1_000).await, "state/key", "{key:?}");
        let script = Script::new().state_get(key);
        assert_eq!(refusal(&script, state(&stack, "processings/a"), 1_000).await, "state/key", "{key:?}");
    }
}

#[tokio::test]
async fn keys_and_values_together_meet_the_granted_bytes() {
    let stack = Stack::new().await;
    let state = state(&stack, "processings/a");
    // 1 + 15 bytes twice fit into 32; a value that is replaced counts once.
    let fits = Script::new()
        .state_put("a", "123456789012345", None)
        .state_put("b", "123456789012345", None)
        .state_put("b", "543210987654321", None);
    run(&fits, Arc::clone(&state), 32).await.unwrap();
    // The next run counts what the one before left.
    let more = Script::new().state_put("c", "", None);
    assert_eq!(refusal(&more, Arc::clone(&state), 32).await, "limit/state-bytes");
    let longer = Script::new().state_put("b", "1234567890123456", None);
    assert_eq!(refusal(&longer, Arc::clone(&state), 32).await, "limit/state-bytes");
    let room = Script::new().state_delete("a").state_put("c", "12345", None).state_keys("");
    assert_eq!(run(&room, Arc::clone(&state), 32).await.unwrap(), ["b", "c"]);
    assert_eq!(state.get("b").await.unwrap().unwrap().0, b"543210987654321");
}

#[tokio::test]
async fn who_expects_another_revision_overwrites_nothing() {
    let stack = Stack::new().await;
    let state = state(&stack, "processings/a");
    run(&Script::new().state_put("n", "1", Some(0)), Arc::clone(&state), 1_000).await.unwrap();
    let again = Script::new().state_put("n", "2", Some(0));
    assert_eq!(refusal(&again, Arc::clone(&state), 1_000).await, "state/conflict");
    let (value, revision) = state.get("n").await.unwrap().unwrap();
    assert_eq!(value, b"1");
    run(&Script::new().state_put("n", "2", Some(revision)), Arc::clone(&state), 1_000).await.unwrap();
    assert_eq!(state.get("n").await.unwrap().unwrap().0, b"2");
}

/// Notes which threads it is asked from.
#[derive(Default)]
struct Seen(Mutex<Vec<String>>);

impl Seen {
    fn note(&self) {
        let name = std::thread::current().name().unwrap_or_default().to_owned();
        self.0.lock().unwrap().push(name);
    }
}

#[async_trait]
impl PluginState for Seen {
    async fn get(&self, _key: &str) -> Result<Option<(Vec<u8>, u64)>, Problem> {
        self.note();
        Ok(None)
    }

    async fn put(&self, _key: &str, _value: Vec<u8>, _expected: Option<u64>) -> Result<u64, Problem> {
        self.note();
        Ok(1)
    }

    async fn delete(&self, _key: &str) -> Result<(), Problem> {
        self.note();
        Ok(())
    }

    async fn keys(&self, _prefix: &str, _after: Option<&str>, _max: u32) -> Result<Vec<String>, Problem> {
        self.note();
        Ok(Vec::new())
    }
}

#[tokio::test]
async fn others_never_wait_for_a_thread_of_guests() {
    let seen = Arc::new(Seen::default());
    let script = Script::new().state_get("k").state_put("k", "v", None).state_delete("k").state_keys("");
    run(&script, Arc::<Seen>::clone(&seen), 1 << 20).await.unwrap();
    let threads = seen.0.lock().unwrap();
    assert!(threads.len() >= 4, "{threads:?}");
    // Threads of guests, which come after all others, have this name.
    assert!(threads.iter().all(|name| name != "plugin"), "{threads:?}");
}
