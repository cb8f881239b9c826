//! Guests in WAT, one per thing that may go wrong.

use halle_testkit::guests::{ANSWER, COMMON, component};

pub use halle_testkit::guests::{processing, processing_module};

/// `halle:host/log.emit`, as the module sees it.
pub const IMPORT_LOG: &str =
    r#"(import "halle:host/log@1.0.0" "emit" (func $emit (param i32 i32 i32 i32 i32)))"#;

/// `halle:host/cancel.requested`.
pub const IMPORT_CANCEL: &str =
    r#"(import "halle:host/cancel@1.0.0" "requested" (func $requested (result i32)))"#;

/// `halle:host/blobs`: the constructor of a writer.
pub const IMPORT_WRITER: &str =
    r#"(import "halle:host/blobs@1.0.0" "[constructor]blob-writer" (func $writer (result i32)))"#;

/// What an enricher of one output column `out` answers.
pub struct Answer<'a> {
    /// Kind of the column in the plan.
    pub kind: &'a str,
    /// Instructions that fill the answer: `$rows` is the number of rows that came, the column starts at 900.
    pub fill: &'a str,
    /// Instructions at the opening of a session, before it is made.
    pub open: &'a str,
    /// Imports.
    pub imports: &'a str,
    /// Other parts of the module.
    pub extra: &'a str,
}

/// An enricher that plans one input `code` and one output `out`, and answers as told.
pub fn enricher(answer: &Answer<'_>) -> Vec<u8> {
    let Answer { kind, fill, open, imports, extra } = answer;
    let module = format!(
        r#"(module
            {imports}
            (import "[export]halle:enricher/enrichment@1.0.0" "[resource-new]session" (func $new (param i32) (result i32)))
            {COMMON}
            {extra}
            (data (i32.const 2000) "code")
            (data (i32.const 2008) "out")
            (data (i32.const 2016) "{kind}")
            (func (export "halle:enricher/enrichment@1.0.0#describe") (result i32) (i32.const {ANSWER}))
            (func (export "halle:enricher/enrichment@1.0.0#plan") (param i32 i32 i32 i32) (result i32)
                ;; inputs: one key, at 1500
                (i32.store (i32.const 1500) (i32.const 2000)) (i32.store (i32.const 1504) (i32.const 4))
                ;; outputs: one field, at 1600
                (i32.store (i32.const 1600) (i32.const 2008)) (i32.store (i32.const 1604) (i32.const 3))
                (i32.store (i32.const 1608) (i32.const 2016)) (i32.store (i32.const 1612) (i32.const {kind_length}))
                (i32.store8 (i32.const 1616) (i32.const 1))
                (i32.store (i32.const 520) (i32.const 1500)) (i32.store (i32.const 524) (i32.const 1))
                (i32.store (i32.const 528) (i32.const 1600)) (i32.store (i32.const 532) (i32.const 1))
                (i32.const {ANSWER}))
            (func (export "halle:enricher/enrichment@1.0.0#[static]session.open") (param i32 i32 i32 i32) (result i32)
                {open}
                (i32.store (i32.const 776) (call $new (i32.const 7)))
                (i32.const 768))
            (func (export "halle:enricher/enrichment@1.0.0#[method]session.run")
                (param $self i32) (param $rows i32) (param $columns i32) (param $count i32) (result i32)
                ;; answer: rows, one column at 900
                (i32.store (i32.const 840) (local.get $rows))
                (i32.store (i32.const 844) (i32.const 900)) (i32.store (i32.const 848) (i32.const 1))
                {fill}
                (i32.const 832))
            (func (export "halle:enricher/enrichment@1.0.0#[dtor]session") (param i32)))"#,
        kind_length = kind.len(),
    );
    component("enricher", "enricher", &module)
}

/// Fills a column of zeroes, as many as rows came.
pub const ZEROES: Answer<'static> = Answer {
    kind: "integer",
    fill: "(i32.store8 (i32.const 908) (i32.const 1))
           (i32.store (i32.const 912) (i32.const 131072)) (i32.store (i32.const 916) (local.get $rows))",
    open: "",
    imports: "",
    extra: "",
};

/// A connector whose `unpublish` has this body before it answers that all is well.
pub fn connector(imports: &str, extra: &str, body: &str) -> Vec<u8> {
    let words = |count: usize| " i32".repeat(count);
    let (ten, twelve) = (words(10), words(12));
    let module = format!(
        r#"(module
            {imports}
            {COMMON}
            {extra}
            (func (export "halle:catalog/connector@1.0.0#describe") (result i32) (i32.const {ANSWER}))
            (func (export "halle:catalog/connector@1.0.0#prepare") (param i32 i32) (result i32) (i32.const {ANSWER}))
            (func (export "halle:catalog/connector@1.0.0#browse") (param{ten}) (result i32) (i32.const {ANSWER}))
            (func (export "halle:catalog/connector@1.0.0#fetch") (param i32 i32 i32 i32) (result i32) (unreachable))
            (func (export "halle:catalog/connector@1.0.0#publish") (param{twelve}) (result i32) (i32.const {ANSWER}))
            (func (export "halle:catalog/connector@1.0.0#unpublish") (param{ten}) (result i32)
                {body}
                (i32.const {ANSWER})))"#
    );
    component("catalog", "catalog-connector", &module)
}
