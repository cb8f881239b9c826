//! Answers that lie, or that would make whoever reads them recurse.

use halle_extensions::host::PluginHost;
use serde_json::json;

use super::{stopped, stopped_within};
use crate::guests::processing;
use crate::ports::Tables;
use crate::sandbox::{Sandbox, call, manifest, tight};

#[tokio::test]
async fn an_answer_out_of_bounds_is_a_fault_of_the_guest() {
    let lie =
        "(i32.store (i32.const 520) (i32.const 2147483640)) (i32.store (i32.const 524) (i32.const 100))";
    assert_eq!(stopped("", "", lie).await.0, "plugin/trap");
    let no_text = "(i32.store (i32.const 520) (i32.const 4000)) (i32.store (i32.const 524) (i32.const 1))
                   (i32.store8 (i32.const 4000) (i32.const 255))";
    assert_eq!(stopped("", "", no_text).await.0, "plugin/trap");
    // The case of a `result` is 0 or 1.
    assert_eq!(stopped("", "", "(i32.store8 (i32.const 512) (i32.const 7))").await.0, "plugin/trap");
}

/// Fills 200,000 bytes with `[` and calls them JSON: the details of an outcome, or of a problem.
fn nested(case: u32, details_at: u32) -> Vec<u8> {
    let body = format!(
        "(drop (memory.grow (i32.const 10)))
         (memory.fill (i32.const 262144) (i32.const 91) (i32.const 200000))
         (i32.store8 (i32.const 512) (i32.const {case}))
         (i32.store8 (i32.const {details_at}) (i32.const 1))
         (i32.store (i32.const {}) (i32.const 262144)) (i32.store (i32.const {}) (i32.const 200000))",
        details_at + 4,
        details_at + 8
    );
    processing("", "", &body)
}

#[tokio::test]
async fn json_of_a_hundred_thousand_levels_is_no_json() {
    // An outcome: its summary at 520, its details at 528.
    assert_eq!(stopped_within(tight(), nested(0, 528)).await.0, "plugin/bad-answer");
    // A problem: its details behind code, message, field and time to wait. What is no JSON is shown as a text, cut.
    let sandbox = Sandbox::with(&[("p", nested(1, 568))]);
    let error =
        sandbox.host.run_processing(call("p", manifest("processing", "")), json!({})).await.unwrap_err();
    let halle_extensions::PluginError::Reported(problem) = error else { panic!("{error}") };
    assert_eq!(problem.details, Some(json!("[".repeat(4 << 10))));
}

#[tokio::test]
async fn a_thousand_and_one_columns_are_refused() {
    // Fields of 36 bytes from 262144 on, all without key, as many as a dataset may not have.
    let imports = r#"(import "halle:host/datasets@1.0.0" "open-write"
        (func $open_write (param i32 i32 i32 i32 i32 i32 i32)))"#;
    let body = "(drop (memory.grow (i32.const 10)))
        (call $open_write (i32.const 4000) (i32.const 6) (i32.const 4008) (i32.const 7)
            (i32.const 262144) (i32.const 1001) (i32.const 3504))";
    let data = r#"(data (i32.const 4000) "output") (data (i32.const 4008) "replace")"#;
    let sandbox = Sandbox::with(&[("p", processing(imports, data, body))]);
    let mut call = call("p", manifest("processing", "[slots.output]\ndirection = \"write\""));
    let tables = std::sync::Arc::new(Tables::default());
    call.services.datasets = Some(std::sync::Arc::<Tables>::clone(&tables));
    let error = sandbox.host.run_processing(call, json!({})).await.unwrap_err();
    assert_eq!(error.code(), "plugin/bad-answer");
    assert!(error.to_string().contains("more than 1000 columns"), "{error}");
    assert!(tables.told().is_empty());
}
