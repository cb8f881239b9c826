//! Floods and forgeries in the log of a run.

use std::sync::Arc;

use halle_extensions::host::{Call, PluginHost};
use halle_extensions::services::Services;
use halle_testkit::guests::Script;
use serde_json::json;

use crate::guests::{IMPORT_LOG, processing};
use crate::sandbox::{Memory, Sandbox, call, manifest};

async fn said(guest: Vec<u8>) -> Vec<String> {
    let sandbox = Sandbox::with(&[("p", guest)]);
    let log = Arc::new(Memory::default());
    let services = Services { log: Arc::<Memory>::clone(&log), ..Services::none() };
    let call = Call { services, ..call("p", manifest("processing", "")) };
    sandbox.host.run_processing(call, json!({})).await.unwrap();
    log.said()
}

#[tokio::test]
async fn a_flood_of_records_is_counted_and_dropped() {
    let flood = "(local $n i32)
        (loop $again
            (call $emit (i32.const 1) (i32.const 4000) (i32.const 5) (i32.const 0) (i32.const 0))
            (local.set $n (i32.add (local.get $n) (i32.const 1)))
            (br_if $again (i32.lt_u (local.get $n) (i32.const 500))))";
    let records = said(processing(IMPORT_LOG, r#"(data (i32.const 4000) "a\1b\0ab!")"#, flood)).await;
    assert_eq!(records.len(), 51);
    assert_eq!(records[0], "a  b!", "control characters stay in the record");
    assert!(records[50].contains("450"), "{}", records[50]);
}

#[tokio::test]
async fn a_record_stays_one_record_of_plain_text() {
    let forged = "done\r\n2026-01-01 ERROR admin: \u{1b}]0;evil\u{7}\u{9b}2J\u{2028}\"},{\"level\":\"error";
    let records = said(Script::new().say(forged).component()).await;
    assert_eq!(records.len(), 1);
    assert!(!records[0].chars().any(char::is_control), "{:?}", records[0]);
}

#[tokio::test]
async fn a_record_is_cut_between_two_characters() {
    let records = said(Script::new().say(&"é".repeat(4_000)).component()).await;
    assert_eq!(records[0], "é".repeat(2_048));
}
