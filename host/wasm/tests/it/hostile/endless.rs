//! Computing without end, wherever a guest may compute. In each function that it exports: `exports`.

use halle_extensions::host::PluginHost;
use serde_json::json;

use super::stopped;
use crate::guests::{IMPORT_CANCEL, processing};
use crate::sandbox::{Sandbox, call, manifest};

const LOOP: &str = "(loop $again (br $again))";

#[tokio::test]
async fn a_healthy_guest_ends() {
    let sandbox = Sandbox::with(&[("healthy", processing("", "", ""))]);
    let outcome =
        sandbox.host.run_processing(call("healthy", manifest("processing", "")), json!({})).await.unwrap();
    assert_eq!(outcome.summary, "");
}

#[tokio::test]
async fn an_endless_loop_is_cut() {
    let (code, message) = stopped("", "", LOOP).await;
    assert_eq!(code, "plugin/cpu");
    assert!(message.contains("1000 ms") && message.contains("computed"), "{message}");
}

#[tokio::test]
async fn an_endless_loop_while_instantiating_is_cut() {
    let start = "(func $start (loop $again (br $again))) (start $start)";
    assert_eq!(stopped("", start, "").await.0, "plugin/cpu");
}

#[tokio::test]
async fn an_endless_loop_in_the_clean_up_after_a_call_is_cut() {
    let clean_up =
        r#"(func (export "cabi_post_halle:processing/job@1.0.0#run") (param i32) (loop $again (br $again)))"#;
    assert_eq!(stopped("", clean_up, "").await.0, "plugin/cpu");
}

#[tokio::test]
async fn an_endless_loop_in_a_host_call_that_allocates_is_cut() {
    // The host asks the guest for memory to answer in, and the guest computes there once its `top` is odd.
    let imports = r#"(import "halle:host/config@1.0.0" "get" (func $get (param i32)))"#;
    let module = crate::guests::processing_module(imports, "", "(call $get (i32.const 3504))");
    let module = module.replace(
        "(local $at i32)",
        "(local $at i32) (if (global.get $spin) (then (loop $again (br $again))))",
    );
    let module = module.replace("(global $top", "(global $spin (mut i32) (i32.const 0)) (global $top");
    let module = module.replace("(call $get", "(global.set $spin (i32.const 1)) (call $get");
    let hostile = halle_testkit::guests::component("processing", "processing", &module);
    assert_eq!(super::stopped_within(crate::sandbox::tight(), hostile).await.0, "plugin/cpu");
}

#[tokio::test]
async fn fills_of_megabytes_are_cut_between_two() {
    let fill = "(drop (memory.grow (i32.const 120)))
                (loop $again (memory.fill (i32.const 0) (i32.const 1) (i32.const 7864320)) (br $again))";
    assert_eq!(stopped("", "", fill).await.0, "plugin/cpu");
}

#[tokio::test]
async fn a_storm_of_host_calls_is_cut() {
    let storm = "(loop $again (drop (call $requested)) (br $again))";
    let (code, message) = stopped(IMPORT_CANCEL, "", storm).await;
    assert_eq!(code, "plugin/host-calls");
    assert!(message.contains("10000"), "{message}");
}
