//! Guests in WAT, one per thing that may go wrong.

use wit_component::{ComponentEncoder, StringEncoding};
use wit_parser::Resolve;

/// Makes a component of a core module, as a guest of a world.
pub fn component(package: &str, world: &str, module: &str) -> Vec<u8> {
    let wit = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit");
    let mut resolve = Resolve::default();
    for dependency in ["base", "host"] {
        resolve.push_dir(wit.join(dependency).join("1")).unwrap();
    }
    let (package, _) = resolve.push_dir(wit.join(package).join("1")).unwrap();
    let world = resolve.select_world(&[package], Some(world)).unwrap();
    let mut module = wat::parse_str(module).unwrap();
    wit_component::embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
    ComponentEncoder::default().module(&module).unwrap().validate(true).encode().unwrap()
}

/// What every module here has: a memory, an allocator that only goes up, 256 zero bytes at 512 to answer with.
const COMMON: &str = r#"
    (memory (export "memory") 4)
    (global $top (mut i32) (i32.const 65536))
    (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
        (local $at i32)
        (local.set $at (i32.and (i32.add (global.get $top) (i32.const 7)) (i32.const -8)))
        (global.set $top (i32.add (local.get $at) (local.get 3)))
        (if (i32.gt_u (global.get $top) (i32.mul (memory.size) (i32.const 65536)))
            (then (drop (memory.grow (i32.add (i32.div_u (local.get 3) (i32.const 65536)) (i32.const 1))))))
        (local.get $at))
"#;

/// A processing whose `run` has this body, before it answers an empty summary. `extra` are other parts of the module,
/// imports first.
pub fn processing(imports: &str, extra: &str, body: &str) -> Vec<u8> {
    let module = format!(
        r#"(module
            {imports}
            {COMMON}
            {extra}
            (func (export "halle:processing/job@1.0.0#describe") (result i32) (i32.const 512))
            (func (export "halle:processing/job@1.0.0#prepare") (param i32 i32) (result i32) (i32.const 512))
            (func (export "halle:processing/job@1.0.0#run") (param i32 i32) (result i32)
                {body}
                (i32.const 512)))"#
    );
    component("processing", "processing", &module)
}

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
pub struct Answer {
    /// Kind of the column in the plan.
    pub kind: &'static str,
    /// Instructions that fill the answer: `$rows` is the number of rows that came, the column starts at 900.
    pub fill: &'static str,
}

/// An enricher that plans one input `code` and one output `out`, and answers as told.
pub fn enricher(answer: &Answer) -> Vec<u8> {
    let (kind, fill) = (answer.kind, answer.fill);
    let module = format!(
        r#"(module
            (import "[export]halle:enricher/enrichment@1.0.0" "[resource-new]session" (func $new (param i32) (result i32)))
            {COMMON}
            (data (i32.const 2000) "code")
            (data (i32.const 2008) "out")
            (data (i32.const 2016) "{kind}")
            (func (export "halle:enricher/enrichment@1.0.0#describe") (result i32) (i32.const 512))
            (func (export "halle:enricher/enrichment@1.0.0#plan") (param i32 i32 i32 i32) (result i32)
                ;; inputs: one key, at 1500
                (i32.store (i32.const 1500) (i32.const 2000)) (i32.store (i32.const 1504) (i32.const 4))
                ;; outputs: one field, at 1600
                (i32.store (i32.const 1600) (i32.const 2008)) (i32.store (i32.const 1604) (i32.const 3))
                (i32.store (i32.const 1608) (i32.const 2016)) (i32.store (i32.const 1612) (i32.const {kind_length}))
                (i32.store8 (i32.const 1616) (i32.const 1))
                (i32.store (i32.const 520) (i32.const 1500)) (i32.store (i32.const 524) (i32.const 1))
                (i32.store (i32.const 528) (i32.const 1600)) (i32.store (i32.const 532) (i32.const 1))
                (i32.const 512))
            (func (export "halle:enricher/enrichment@1.0.0#[static]session.open") (param i32 i32 i32 i32) (result i32)
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
pub const ZEROES: Answer = Answer {
    kind: "integer",
    fill: "(i32.store8 (i32.const 908) (i32.const 1))
           (i32.store (i32.const 912) (i32.const 131072)) (i32.store (i32.const 916) (local.get $rows))",
};
