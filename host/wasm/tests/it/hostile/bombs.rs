//! Taking more than there is: memory, tables, instances, stack, handles, bytes.

use halle_extensions::grants::Limits;
use halle_extensions::host::PluginHost;
use serde_json::json;

use super::{stopped, stopped_within};
use crate::guests::{IMPORT_CANCEL, IMPORT_LOG, IMPORT_WRITER, processing};
use crate::sandbox::{Sandbox, manifest, tight};

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
async fn tables_share_one_limit_too() {
    let (code, message) = stopped("", "(table $a 10000000 funcref)", "").await;
    assert_eq!(code, "plugin/invalid");
    assert!(message.contains("takes more than a plugin may have"), "{message}");
    let tables = "(table $a 1 funcref) (table $b 1 funcref)";
    let grow = "(drop (table.grow $a (ref.null func) (i32.const 150000)))
        (if (i32.eq (table.grow $b (ref.null func) (i32.const 150000)) (i32.const -1)) (then (unreachable)))";
    assert_eq!(stopped("", tables, grow).await.0, "plugin/memory");
}

#[tokio::test]
async fn a_hundred_tables_or_memories_are_refused() {
    for part in ["(table 1 funcref)", "(memory 0)"] {
        let (code, message) = stopped("", &part.repeat(80), "").await;
        assert_eq!(code, "plugin/invalid", "{part}");
        assert!(message.contains("takes more than a plugin may have"), "{part}: {message}");
    }
}

/// The component with its first module instantiated this many times more.
fn with_instances(mut component: Vec<u8>, count: usize) -> Vec<u8> {
    // A section of core instances: of module 0, with no arguments, each.
    let instances = [leb128(count), [0, 0, 0].repeat(count)].concat();
    component.push(2);
    component.extend(leb128(instances.len()));
    component.extend(instances);
    component
}

/// A number as WebAssembly writes it.
fn leb128(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = (number & 0x7f) as u8;
        number >>= 7;
        if number == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

#[tokio::test]
async fn hundreds_of_instances_are_refused_at_installation() {
    let sandbox = Sandbox::with(&[]);
    let admit = async |count| {
        let component = with_instances(processing("", "", ""), count);
        sandbox.host.admit(&manifest("processing", ""), &component).await
    };
    assert!(admit(2).await.is_ok());
    // The sandbox refuses to make a hundred, the engine to compile three thousand.
    for (count, reason) in [(100, "takes more than a plugin may have"), (3_000, "instance")] {
        let error = admit(count).await.unwrap_err();
        assert_eq!(error.code(), "plugin/invalid", "{count}: {error}");
        assert!(error.to_string().contains(reason), "{error}");
    }
}

#[tokio::test]
async fn endless_recursion_is_cut() {
    let recurse =
        "(func $deeper (param i32) (result i32) (i32.add (i32.const 1) (call $deeper (local.get 0))))";
    assert_eq!(stopped("", recurse, "(drop (call $deeper (i32.const 0)))").await.0, "plugin/stack");
}

#[tokio::test]
async fn endless_recursion_that_calls_the_host_at_each_level_is_cut() {
    let recurse = "(func $deeper (param i32) (result i32)
        (i32.add (call $requested) (call $deeper (local.get 0))))";
    let limits = Limits { host_calls_max: u64::MAX, cpu_ms_max: 20_000, ..tight() };
    let hostile = processing(IMPORT_CANCEL, recurse, "(drop (call $deeper (i32.const 0)))");
    assert_eq!(stopped_within(limits, hostile).await.0, "plugin/stack");
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
async fn an_answer_of_megabytes_is_refused_before_it_is_copied() {
    let answer = "(drop (memory.grow (i32.const 40)))
        (i32.store (i32.const 520) (i32.const 0)) (i32.store (i32.const 524) (i32.const 2000000))";
    assert_eq!(stopped("", "", answer).await.0, "plugin/output-too-large");
}

#[tokio::test]
async fn a_list_of_many_small_things_is_charged_by_what_they_take_on_the_host() {
    // 100,000 fields of a log record, all empty: 1.6 MB of the guest, more on the host.
    let fields = "(drop (memory.grow (i32.const 40)))
        (call $emit (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 262144) (i32.const 100000))";
    assert_eq!(stopped(IMPORT_LOG, "", fields).await.0, "plugin/output-too-large");
}

#[tokio::test]
async fn more_headers_than_a_request_may_have_are_refused() {
    let send = r#"(import "halle:host/http@1.0.0" "send" (func $send
        (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i64 i32)))"#;
    let body = "(call $send (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 262144) (i32.const 65)
        (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
        (i32.const 0) (i32.const 0) (i32.const 0) (i64.const 0) (i32.const 3504))
        (memory.copy (i32.const 512) (i32.const 3504) (i32.const 96))";
    let grown = format!("(drop (memory.grow (i32.const 4))) {body}");
    let sandbox = Sandbox::with(&[("p", processing(send, "", &grown))]);
    let mut call = crate::sandbox::call("p", manifest("processing", ""));
    call.services.egress = Some(std::sync::Arc::new(crate::sandbox::Echo::default()));
    let error = sandbox.host.run_processing(call, json!({})).await.unwrap_err();
    assert_eq!(error.code(), "http/request");
    assert!(error.to_string().contains("64 headers"), "{error}");
}
