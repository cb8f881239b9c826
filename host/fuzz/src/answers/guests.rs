//! Guests that answer what they were configured with.

use std::fmt::Write as _;

use halle_guests::{COMMON, component};
use serde_json::{Value, json};

use super::{OUTPUTS, ROWS};

/// Where the plan of the enricher begins, beyond all answers.
const PLAN: u32 = 32_768;
/// Where opening a session answers.
const OPENED: u32 = 61_440;
/// Where a guest says what it is: zeroes.
const DESCRIBED: u32 = 62_464;
/// Bytes of a field.
const FIELD_BYTES: usize = 44;

/// Writes the bytes of a configuration at the beginning of the memory: two letters each, from the seventh character of
/// its text to the next quote.
const IMAGE: &str = r#"
    (func $image (param $at i32)
        (local $to i32) (local $letter i32)
        (local.set $at (i32.add (local.get $at) (i32.const 6)))
        (block $end (loop $more
            (local.set $letter (i32.load8_u (local.get $at)))
            (br_if $end (i32.eq (local.get $letter) (i32.const 34)))
            (i32.store8 (local.get $to) (i32.or
                (i32.shl (i32.sub (local.get $letter) (i32.const 97)) (i32.const 4))
                (i32.sub (i32.load8_u offset=1 (local.get $at)) (i32.const 97))))
            (local.set $to (i32.add (local.get $to) (i32.const 1)))
            (local.set $at (i32.add (local.get $at) (i32.const 2)))
            (br $more))))
"#;

/// What a guest answers with its configuration.
#[derive(Debug, Clone, Copy)]
pub enum Answers {
    /// The plan of an enricher.
    Plan,
    /// The opening of a session of an enricher.
    Open,
    /// Batches of an enricher, and every call of the other kinds.
    Calls,
}

/// A configuration that holds an answer. What follows it is for the host, which reads there which columns were agreed.
pub fn config(image: &[u8], answers: Answers) -> Value {
    let letter = |nibble: u8| char::from(b'a' + nibble);
    let text: String = image.iter().flat_map(|byte| [letter(byte >> 4), letter(byte & 15)]).collect();
    let outputs = OUTPUTS.map(
        |(key, kind)| json!({ "key": key, "kind": kind, "nullable": true, "title": null, "concept": null }),
    );
    let name = match answers {
        Answers::Plan => "p",
        Answers::Open => "o",
        Answers::Calls => "a",
    };
    json!({ name: text, "operation": { "input": [], "output": outputs }, "rows": ROWS })
}

/// Each guest, with its kind.
pub fn components() -> Vec<(&'static str, Vec<u8>)> {
    let processing =
        answering("halle:processing/job@1.0.0", &[("prepare", " i32 i32", 0), ("run", " i32 i32", 0)]);
    let visualisation = answering(
        "halle:visualisation/view@1.0.0",
        &[("query", " i32 i32", 0), ("render", " i32 i32 i32 i32 i32 i32", 2)],
    );
    let service = answering(
        "halle:remote-service/adapter@1.0.0",
        &[
            ("from-openapi", " i32 i32", 0),
            ("build", " i32 i32 i32 i32 i32 i32 i32", 5),
            ("parse", " i32 i32 i32 i32 i32 i32 i32 i32", 6),
        ],
    );
    vec![
        ("processing", component("processing", "processing", &processing)),
        ("visualisation", component("visualisation", "visualisation", &visualisation)),
        ("remote-service", component("remote-service", "remote-service", &service)),
        ("enricher", component("enricher", "enricher", &enricher())),
        ("catalog-connector", component("catalog", "catalog-connector", &connector())),
    ]
}

/// A connector that answers what it was asked with: the filters of `browse`, the options of `fetch`, the dataset of `publish`. Where
/// the answer of `fetch` has a zero for its body, that is an empty file.
fn connector() -> String {
    let interface = "halle:catalog/connector@1.0.0";
    let wide = " i32".repeat(10);
    let (published, withdrawn) = (" i32".repeat(12), " i32".repeat(10));
    format!(
        r#"(module
            (import "halle:host/blobs@1.0.0" "[constructor]blob-writer" (func $writer (result i32)))
            (import "halle:host/blobs@1.0.0" "[static]blob-writer.finish" (func $finish (param i32 i32)))
            {COMMON} {IMAGE}
            (func (export "{interface}#describe") (result i32) (i32.const {DESCRIBED}))
            (func (export "{interface}#prepare") (param i32 i32) (result i32)
                (call $image (local.get 0)) (i32.const 0))
            (func (export "{interface}#browse") (param{wide}) (result i32)
                (call $image (local.get 8)) (i32.const 0))
            (func (export "{interface}#fetch") (param i32 i32 i32 i32) (result i32)
                (call $image (local.get 2))
                (if (i32.eqz (i32.or (i32.load8_u (i32.const 0)) (i32.load (i32.const 8)))) (then
                    (call $finish (call $writer) (i32.const {OPENED}))
                    (i32.store (i32.const 8) (i32.load offset=8 (i32.const {OPENED})))))
                (i32.const 0))
            (func (export "{interface}#publish") (param{published}) (result i32)
                (call $image (local.get 0)) (i32.const 0))
            (func (export "{interface}#unpublish") (param{withdrawn}) (result i32)
                (unreachable)))"#
    )
}

/// A module whose exports answer what they were configured with: their names, parameters, and which one is the address of
/// the configuration.
fn answering(interface: &str, exports: &[(&str, &str, u32)]) -> String {
    let mut functions = String::new();
    for (name, parameters, config) in exports {
        write!(
            functions,
            r#"(func (export "{interface}#{name}") (param{parameters}) (result i32)
                (call $image (local.get {config})) (i32.const 0))"#
        )
        .expect("a String takes everything");
    }
    format!(
        r#"(module {COMMON} {IMAGE} {functions}
            (func (export "{interface}#describe") (result i32) (i32.const {DESCRIBED})))"#
    )
}

/// An enricher that plans [`OUTPUTS`] and answers a batch, or answers when it plans.
fn enricher() -> String {
    let interface = "halle:enricher/enrichment@1.0.0";
    let plan: String = plan().iter().map(|byte| format!("\\{byte:02x}")).collect();
    format!(
        r#"(module
            (import "[export]{interface}" "[resource-new]session" (func $new (param i32) (result i32)))
            {COMMON} {IMAGE}
            (data (i32.const {PLAN}) "{plan}")
            (func (export "{interface}#describe") (result i32) (i32.const {DESCRIBED}))
            (func (export "{interface}#plan") (param i32 i32 i32 i32) (result i32)
                ;; the name in the configuration is `p`
                (if (i32.eq (i32.load8_u offset=2 (local.get 2)) (i32.const 112))
                    (then (call $image (local.get 2)) (return (i32.const 0))))
                (i32.const {PLAN}))
            (func (export "{interface}#[static]session.open") (param i32 i32 i32 i32) (result i32)
                (i32.store (i32.const {handle}) (call $new (i32.const 7)))
                (call $image (local.get 2))
                ;; the name in the configuration is `o`
                (if (i32.eq (i32.load8_u offset=2 (local.get 2)) (i32.const 111)) (then (return (i32.const 0))))
                (i32.const {OPENED}))
            (func (export "{interface}#[method]session.run") (param i32 i32 i32 i32) (result i32) (i32.const 0))
            (func (export "{interface}#[dtor]session") (param i32)))"#,
        handle = OPENED + 8,
    )
}

/// The answer of `plan`: all went well, no input, the outputs; then their fields, then their texts.
fn plan() -> Vec<u8> {
    let fields_at = PLAN + 24;
    let texts_at = fields_at as usize + OUTPUTS.len() * FIELD_BYTES;
    let (mut fields, mut texts) = (Vec::new(), String::new());
    for (key, kind) in OUTPUTS {
        for text in [key, kind] {
            fields.extend([(texts_at + texts.len()) as u32, text.len() as u32]);
            texts.push_str(text);
        }
        // Nullable, no title, no concept.
        fields.extend([1, 0, 0, 0, 0, 0, 0]);
    }
    let head = [0, 0, 0, 0, fields_at, OUTPUTS.len() as u32];
    let mut bytes: Vec<u8> = head.iter().chain(&fields).flat_map(|word: &u32| word.to_le_bytes()).collect();
    bytes.extend_from_slice(texts.as_bytes());
    bytes
}
