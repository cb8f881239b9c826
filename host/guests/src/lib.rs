//! Guests written by hand: core modules in WAT, made components of a world of `wit/`.
//!
//! [`Script`] writes a processing as a list of host calls; [`processing`] takes any body, for what no plugin author
//! would write.
//!
//! Apart from `testkit`, so that who only wants guests does not build a whole server.
//!
//! **Invariant:** only tests and tools depend on this crate.

mod script;

use wit_component::{ComponentEncoder, StringEncoding};
use wit_parser::Resolve;

pub use script::{Request, Script};

/// Address of what a call of these guests answers: 256 zero bytes that a body may fill. The case of a `result` is here,
/// its payload 8 bytes further.
pub const ANSWER: u32 = 512;

/// First address that the allocator of these guests gives away.
pub const HEAP: u32 = 65_536;

/// What every module here has: a memory, an allocator that only goes up, and zeroes at [`ANSWER`].
pub const COMMON: &str = r#"
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

/// Makes a component of a core module, as a guest of a world.
///
/// # Panics
/// If the module is malformed or does not fit the world: a test wrote it.
pub fn component(package: &str, world: &str, module: &str) -> Vec<u8> {
    let wit = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit");
    let mut resolve = Resolve::default();
    for dependency in ["base", "host"] {
        resolve.push_dir(wit.join(dependency).join("1")).expect("the contract parses");
    }
    let (package, _) = resolve.push_dir(wit.join(package).join("1")).expect("the contract parses");
    let world = resolve.select_world(&[package], Some(world)).expect("the contract has this world");
    let mut module = wat::parse_str(module).unwrap_or_else(|error| panic!("{error}"));
    wit_component::embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)
        .expect("the world can be embedded");
    let encoder = ComponentEncoder::default().module(&module).expect("the module fits the world");
    encoder.validate(true).encode().unwrap_or_else(|error| panic!("{error:#}"))
}

/// A processing whose `run` has this body, before it answers an empty summary; it accepts any configuration. `extra` are
/// other parts of the module, `imports` come first.
pub fn processing(imports: &str, extra: &str, body: &str) -> Vec<u8> {
    component("processing", "processing", &processing_module(imports, extra, body))
}

/// The core module of [`processing`], for whoever wants to change more of it.
pub fn processing_module(imports: &str, extra: &str, body: &str) -> String {
    format!(
        r#"(module
            {imports}
            {COMMON}
            {extra}
            (func (export "halle:processing/job@1.0.0#describe") (result i32) (i32.const {ANSWER}))
            (func (export "halle:processing/job@1.0.0#prepare") (param i32 i32) (result i32)
                ;; the draft as it came
                (i32.store (i32.const 776) (local.get 0)) (i32.store (i32.const 780) (local.get 1))
                (i32.const 768))
            (func (export "halle:processing/job@1.0.0#run") (param i32 i32) (result i32)
                {body}
                (i32.const {ANSWER})))"#
    )
}

/// A visualisation that asks for the lines of `dataset` as many times as told, and draws a square. What it says of the picture
/// is the context that it was given, and the table is its configuration.
///
/// # Panics
/// If the request does not fit the room that it has.
pub fn visualisation(dataset: &str, requests: u32) -> Vec<u8> {
    const QUERY: u32 = 1_024;
    const SVG: u32 = 2_048;
    const REQUESTS: u32 = 4_096;
    const PICTURE: &str =
        "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 9 9'><rect width='9' height='9'/></svg>";
    let query = format!(r#"{{"dataset":"{dataset}","operation":"lines","params":{{}}}}"#);
    assert!(query.len() < (SVG - QUERY) as usize, "the query is too long");
    // Name, query, rows at most.
    let request = [QUERY, 0, QUERY, query.len() as u32, 10];
    let bytes = request.iter().flat_map(|word| word.to_le_bytes()).map(|byte| format!("\\{byte:02x}"));
    let list = bytes.collect::<String>().repeat(requests as usize);
    let query_text = query.replace('"', "\\22");
    let module = format!(
        r#"(module
            {COMMON}
            (data (i32.const {QUERY}) "{query_text}")
            (data (i32.const {SVG}) "{PICTURE}")
            (data (i32.const {REQUESTS}) "{list}")
            (func (export "halle:visualisation/view@1.0.0#describe") (result i32) (i32.const {ANSWER}))
            (func (export "halle:visualisation/view@1.0.0#query") (param i32 i32) (result i32)
                (i32.store (i32.const 776) (i32.const {REQUESTS})) (i32.store (i32.const 780) (i32.const {requests}))
                (i32.const 768))
            (func (export "halle:visualisation/view@1.0.0#render")
                (param $data i32) (param $count i32) (param $config i32) (param $config_bytes i32)
                (param $context i32) (param $context_bytes i32) (result i32)
                ;; the output is SVG; then the sentence, and that there is a table
                (i32.store (i32.const 780) (i32.const {SVG})) (i32.store (i32.const 784) (i32.const {svg_bytes}))
                (i32.store (i32.const 788) (local.get $context)) (i32.store (i32.const 792) (local.get $context_bytes))
                (i32.store (i32.const 796) (i32.const 1))
                (i32.store (i32.const 800) (local.get $config)) (i32.store (i32.const 804) (local.get $config_bytes))
                (i32.const 768)))"#,
        svg_bytes = PICTURE.len(),
    );
    component("visualisation", "visualisation", &module)
}
