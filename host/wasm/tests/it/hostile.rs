//! What a hostile processing tries, and which limit it meets. Meanwhile a healthy one keeps answering.

use std::sync::Arc;

use halle_extensions::host::PluginHost;
use halle_extensions::{PluginError, services::Services};
use serde_json::json;

use crate::guests::{IMPORT_CANCEL, IMPORT_LOG, IMPORT_WRITER, processing};
use crate::sandbox::{Memory, Sandbox, call, manifest};

/// Runs a processing with this body beside a healthy one; the code it is stopped with and the message.
async fn stopped(imports: &str, extra: &str, body: &str) -> (String, String) {
    let hostile = processing(imports, extra, body);
    let sandbox = Sandbox::with(&[("hostile", hostile), ("healthy", processing("", "", ""))]);
    let host = sandbox.host.clone();
    // Compiled before the race, so that it is about running.
    let healthy = || call("healthy", manifest("processing", ""));
    sandbox.host.run_processing(healthy(), json!({})).await.unwrap();

    let attack = tokio::spawn(async move {
        host.run_processing(call("hostile", manifest("processing", "")), json!({})).await
    });
    for _ in 0..20 {
        sandbox.host.run_processing(healthy(), json!({})).await.unwrap();
    }
    let error = attack.await.unwrap().expect_err("the hostile guest was not stopped");
    (error.code().to_owned(), error.to_string())
}

#[tokio::test]
async fn a_healthy_guest_ends() {
    let sandbox = Sandbox::with(&[("healthy", processing("", "", ""))]);
    let outcome =
        sandbox.host.run_processing(call("healthy", manifest("processing", "")), json!({})).await.unwrap();
    assert_eq!(outcome.summary, "");
}

#[tokio::test]
async fn an_endless_loop_is_cut() {
    let (code, message) = stopped("", "", "(loop $again (br $again))").await;
    assert_eq!(code, "plugin/cpu");
    assert!(message.contains("1000 ms") && message.contains("computed"), "{message}");
}

#[tokio::test]
async fn an_endless_loop_while_instantiating_is_cut() {
    let start = "(func $start (loop $again (br $again))) (start $start)";
    assert_eq!(stopped("", start, "").await.0, "plugin/cpu");
}

#[tokio::test]
async fn growing_without_end_meets_the_limit_on_memory() {
    let grow =
        "(loop $again (br_if $again (i32.ne (memory.grow (i32.const 1)) (i32.const -1)))) (unreachable)";
    let (code, message) = stopped("", "", grow).await;
    assert_eq!(code, "plugin/memory");
    assert!(message.contains("16 MiB"), "{message}");
}

#[tokio::test]
async fn several_memories_share_one_limit() {
    // Each of three memories alone stays below 16 MiB; together they do not.
    let memories = "(memory $a 0) (memory $b 0)";
    let grow = "(drop (memory.grow $a (i32.const 120)))
                (if (i32.eq (memory.grow $b (i32.const 140)) (i32.const -1)) (then (unreachable)))";
    assert_eq!(stopped("", memories, grow).await.0, "plugin/memory");
}

#[tokio::test]
async fn endless_recursion_is_cut() {
    let recurse =
        "(func $deeper (param i32) (result i32) (i32.add (i32.const 1) (call $deeper (local.get 0))))";
    assert_eq!(stopped("", recurse, "(drop (call $deeper (i32.const 0)))").await.0, "plugin/stack");
}

#[tokio::test]
async fn a_storm_of_host_calls_is_cut() {
    let storm = "(loop $again (drop (call $requested)) (br $again))";
    let (code, message) = stopped(IMPORT_CANCEL, "", storm).await;
    assert_eq!(code, "plugin/host-calls");
    assert!(message.contains("10000"), "{message}");
}

#[tokio::test]
async fn a_flood_of_handles_is_cut() {
    let flood = "(loop $again (drop (call $writer)) (br $again))";
    assert_eq!(stopped(IMPORT_WRITER, "", flood).await.0, "plugin/handles");
}

#[tokio::test]
async fn a_message_of_megabytes_is_refused_before_it_is_copied() {
    let shout = "(drop (memory.grow (i32.const 40)))
                 (call $emit (i32.const 1) (i32.const 0) (i32.const 2000000) (i32.const 0) (i32.const 0))";
    assert_eq!(stopped(IMPORT_LOG, "", shout).await.0, "plugin/output-too-large");
}

#[tokio::test]
async fn an_answer_out_of_bounds_is_a_fault_of_the_guest() {
    let lie =
        "(i32.store (i32.const 520) (i32.const 2147483640)) (i32.store (i32.const 524) (i32.const 100))";
    assert_eq!(stopped("", "", lie).await.0, "plugin/trap");
    let no_text = "(i32.store (i32.const 520) (i32.const 4000)) (i32.store (i32.const 524) (i32.const 1))
                   (i32.store8 (i32.const 4000) (i32.const 255))";
    assert_eq!(stopped("", "", no_text).await.0, "plugin/trap");
}

#[tokio::test]
async fn a_flood_of_log_records_is_counted_and_dropped() {
    let flood = "(local $n i32)
        (loop $again
            (call $emit (i32.const 1) (i32.const 4000) (i32.const 5) (i32.const 0) (i32.const 0))
            (local.set $n (i32.add (local.get $n) (i32.const 1)))
            (br_if $again (i32.lt_u (local.get $n) (i32.const 500))))";
    let guest = processing(IMPORT_LOG, r#"(data (i32.const 4000) "a\1b\0ab!")"#, flood);
    let sandbox = Sandbox::with(&[("flood", guest)]);
    let log = Arc::new(Memory::default());
    let services = Services { log: Arc::<Memory>::clone(&log), ..Services::none() };
    let call = halle_extensions::host::Call { services, ..call("flood", manifest("processing", "")) };
    sandbox.host.run_processing(call, json!({})).await.unwrap();
    let records = log.0.lock().unwrap();
    assert_eq!(records.len(), 51);
    assert_eq!(records[0], "a  b!", "control characters stay in the record");
    assert!(records[50].contains("450"), "{}", records[50]);
}

#[tokio::test]
async fn who_ignores_a_cancellation_is_stopped_after_the_grace_time() {
    let patient = "(loop $again (drop (call $requested)) (br $again))";
    let sandbox = Sandbox::with(&[("deaf", processing(IMPORT_CANCEL, "", patient))]);
    let mut call = call("deaf", manifest("processing", ""));
    let mut plugin = (*call.plugin).clone();
    plugin.limits.cpu_ms_max = 60_000;
    plugin.limits.host_calls_max = u64::MAX;
    call.plugin = Arc::new(plugin);
    call.cancel.cancel();
    let error = sandbox.host.run_processing(call, json!({})).await.unwrap_err();
    assert!(matches!(error, PluginError::Cancelled), "{error}");
}

#[tokio::test]
async fn nothing_runs_before_an_administrator_consented() {
    let sandbox = Sandbox::with(&[("healthy", processing("", "", ""))]);
    let call = crate::sandbox::call_with("healthy", manifest("processing", ""), None);
    let error = sandbox.host.run_processing(call, json!({})).await.unwrap_err();
    assert_eq!(error.code(), "denied/consent");
}
