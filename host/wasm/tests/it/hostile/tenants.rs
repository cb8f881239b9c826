//! Two accounts that use the same plugin: neither finds anything of the other. State is in `state`, datasets in `datasets`
//! and, over HTTP, in `host/app/tests/it/slots.rs`.

use std::sync::Arc;

use halle_base::Secret;
use halle_extensions::host::PluginHost;
use halle_extensions::services::Services;
use halle_testkit::guests::Script;
use serde_json::json;

use crate::guests::processing;
use crate::sandbox::{Echo, Sandbox, call, manifest};

const ASKS: &str = r#"
    [config]
    type = "object"
    [config.properties.key]
    type = "string"
    x-secret = true
    [http.api]
    origins = ["https://api.example"]
    credential = { secret = "key", place = "header:x-api-key" }
"#;

#[tokio::test]
async fn nothing_is_left_in_memory_from_the_call_before() {
    // Fails when its memory is not all zeroes where it wrote last time.
    let body = "(local $at i32)
        (drop (memory.grow (i32.const 60)))
        (local.set $at (i32.const 262144))
        (loop $next
            (if (i64.ne (i64.load (local.get $at)) (i64.const 0)) (then (unreachable)))
            (i64.store (local.get $at) (i64.const -1))
            (local.set $at (i32.add (local.get $at) (i32.const 4096)))
            (br_if $next (i32.lt_u (local.get $at) (i32.const 4194304))))";
    let sandbox = Sandbox::with(&[("p", processing("", "", body))]);
    for _ in 0..20 {
        sandbox.host.run_processing(call("p", manifest("processing", "")), json!({})).await.unwrap();
    }
}

#[tokio::test]
async fn secrets_are_those_of_the_call_and_of_no_other() {
    let script = Script::new().send("GET", "https://api.example/").component();
    let sandbox = Sandbox::with(&[("p", script)]);
    let run = async |name: &str| {
        let mut call = call("p", manifest("processing", ASKS));
        call.secrets = Arc::new(vec![("key".to_owned(), Secret::new(format!("{name}-password")))]);
        let echo = Arc::new(Echo::default());
        call.services = Services { egress: Some(Arc::<Echo>::clone(&echo)), ..Services::none() };
        sandbox.host.run_processing(call, json!({})).await.unwrap();
        let sent = echo.0.lock().unwrap();
        sent[0].1.headers.clone()
    };
    for _ in 0..5 {
        let (alice, bob) = tokio::join!(run("alice"), run("bob"));
        assert_eq!(alice, [("x-api-key".to_owned(), "alice-password".to_owned())]);
        assert_eq!(bob, [("x-api-key".to_owned(), "bob-password".to_owned())]);
    }
}

#[tokio::test]
async fn a_handle_of_another_call_is_no_handle() {
    let import =
        r#"(import "halle:host/blobs@1.0.0" "[method]blob.size" (func $size (param i32) (result i64)))"#;
    let holds = Script::new().blob("alice's").loop_forever().component();
    // The first handles that a call is given.
    for handle in 0..3 {
        let guess = processing(import, "", &format!("(drop (call $size (i32.const {handle})))"));
        let sandbox = Sandbox::with(&[("holds", holds.clone()), ("guesses", guess)]);
        let holder = call("holds", manifest("processing", ""));
        let (_, guessed) = tokio::join!(
            sandbox.host.run_processing(holder, json!({})),
            sandbox.host.run_processing(call("guesses", manifest("processing", "")), json!({})),
        );
        assert_eq!(guessed.unwrap_err().code(), "plugin/trap", "{handle}");
    }
}
