//! Every function of the contract, called by a plugin that was granted nothing.
//!
//! The functions come from `wit/`, and so do the calls of them; what each must answer is the table here. A function that is new
//! in the contract is not in the table, and fails the test until somebody decided what it answers without a grant.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use halle_extensions::grants::Grants;
use halle_extensions::host::{Call, PluginHost, Publication};
use halle_extensions::services::{PluginState, Services};
use halle_extensions::{PluginError, Problem};
use serde_json::json;
use wit_parser::abi::{AbiVariant, WasmType};
use wit_parser::{Function, Resolve, WorldId, WorldItem};

use crate::guests::{Answer, ZEROES, connector, enricher, processing};
use crate::ports::{Tables, text};
use crate::sandbox::{Echo, Memory, Sandbox, call_with, manifest};

/// What a function does without a grant.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Without {
    /// It answers: it is about the call itself, which has no effect outside of it.
    Answers,
    /// It is refused with this code.
    Refused(&'static str),
    /// It wants a handle, and there is none to be had: one that is made up stops the guest.
    HasNoHandle,
}
use Without::{Answers, HasNoHandle, Refused};

/// Where a host call answers.
const RESULT: u32 = 3_504;

/// Texts that calls below begin with.
const DATA: &str = r#"
    (data (i32.const 4000) "GET")
    (data (i32.const 4100) "https://api.example/")
    (data (i32.const 4200) "key")
    (data (i32.const 4210) "input")
    (data (i32.const 4220) "output")
    (data (i32.const 4230) "replace")
    (data (i32.const 4240) "{}")
    (data (i32.const 4250) "csv")"#;

const REQUEST: &str = "(i32.const 4000) (i32.const 3) (i32.const 4100) (i32.const 20)";
const KEY: &str = "(i32.const 4200) (i32.const 3)";

/// Interface and function; what it begins its arguments with (the rest is zero); what it does.
const TABLE: &[(&str, &str, Without)] = &[
    ("log.emit", "", Answers),
    ("progress.task", "", Answers),
    ("progress.advance", "", Answers),
    ("cancel.requested", "", Answers),
    ("cancel.remaining-ms", "", Answers),
    ("config.get", "", Answers),
    ("secrets.names", "", Answers),
    ("http.send", REQUEST, Refused("denied/http")),
    ("http.download", REQUEST, Refused("denied/http")),
    ("http.upload", "", HasNoHandle),
    ("state.get", KEY, Refused("denied/state")),
    ("state.put", KEY, Refused("denied/state")),
    ("state.delete", KEY, Refused("denied/state")),
    ("state.keys", "", Refused("denied/state")),
    ("reference.open", "(i32.const 4210) (i32.const 5)", Refused("denied/slot")),
    ("reference.[method]table.schema", "", HasNoHandle),
    ("reference.[method]table.next", "", HasNoHandle),
    (
        "datasets.open-read",
        "(i32.const 4210) (i32.const 5) (i32.const 4240) (i32.const 2)",
        Refused("denied/slot"),
    ),
    (
        "datasets.open-write",
        "(i32.const 4220) (i32.const 6) (i32.const 4230) (i32.const 7)",
        Refused("denied/slot"),
    ),
    ("datasets.[method]reader.schema", "", HasNoHandle),
    ("datasets.[method]reader.next", "", HasNoHandle),
    ("datasets.[method]writer.write", "", HasNoHandle),
    ("datasets.[method]writer.replace-file", "", HasNoHandle),
    ("datasets.[static]writer.commit", "", HasNoHandle),
    ("source.file", "(i32.const 4250) (i32.const 3)", Refused("denied/slot")),
    ("blobs.[method]blob.size", "", HasNoHandle),
    ("blobs.[method]blob.media-type", "", HasNoHandle),
    ("blobs.[method]blob.read", "", HasNoHandle),
    ("blobs.[method]blob.lines", "", HasNoHandle),
    ("blobs.[method]blob.csv", "", HasNoHandle),
    ("blobs.[method]blob.unzip", "", HasNoHandle),
    ("blobs.[constructor]blob-writer", "", Answers),
    ("blobs.[method]blob-writer.append", "", HasNoHandle),
    ("blobs.[method]blob-writer.append-blob", "", HasNoHandle),
    ("blobs.[static]blob-writer.finish", "", HasNoHandle),
    ("blobs.[method]line-reader.next", "", HasNoHandle),
    ("blobs.[method]row-reader.schema", "", HasNoHandle),
    ("blobs.[method]row-reader.next", "", HasNoHandle),
];

/// A package of the contract, its world, and the kind of plugin.
pub const WORLDS: [(&str, &str, &str); 5] = [
    ("processing", "processing", "processing"),
    ("catalog", "catalog-connector", "catalog-connector"),
    ("enricher", "enricher", "enricher"),
    ("visualisation", "visualisation", "visualisation"),
    ("remote-service", "remote-service", "remote-service"),
];

/// A world of the contract.
pub fn contract(package: &str, world: &str) -> (Resolve, WorldId) {
    let wit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit");
    let mut resolve = Resolve::default();
    for dependency in ["base", "host"] {
        resolve.push_dir(wit.join(dependency).join("1")).unwrap();
    }
    let (package, _) = resolve.push_dir(wit.join(package).join("1")).unwrap();
    let world = resolve.select_world(&[package], Some(world)).unwrap();
    (resolve, world)
}

/// The type of a core module.
pub fn core_type(ty: &WasmType) -> &'static str {
    match ty {
        WasmType::I64 | WasmType::PointerOrI64 => "i64",
        WasmType::F32 => "f32",
        WasmType::F64 => "f64",
        WasmType::I32 | WasmType::Pointer | WasmType::Length => "i32",
    }
}

/// Functions that a world imports: the interface with its version, its name without, and the function.
fn imported(package: &str, world: &str) -> (Resolve, Vec<(String, String, Function)>) {
    let (resolve, world) = contract(package, world);
    let mut functions = Vec::new();
    for item in resolve.worlds[world].imports.values() {
        let WorldItem::Interface { id, .. } = item else { panic!("a world imports interfaces only") };
        let name = resolve.id_of(*id).unwrap();
        let short = name.split('/').nth(1).unwrap().split('@').next().unwrap().to_owned();
        for function in resolve.interfaces[*id].functions.values() {
            functions.push((name.clone(), format!("{short}.{}", function.name), function.clone()));
        }
    }
    (resolve, functions)
}

/// The import of a function as `$f`, and a call of it whose arguments begin so and are zero after that.
fn call_of(resolve: &Resolve, interface: &str, function: &Function, begins: &str) -> (String, String) {
    let signature = resolve.wasm_signature(AbiVariant::GuestImport, function);
    let params: Vec<&str> = signature.params.iter().map(core_type).collect();
    let results: String = signature.results.iter().map(|ty| format!("(result {})", core_type(ty))).collect();
    let given = begins.matches(".const").count();
    let mut arguments: Vec<String> = params[given..].iter().map(|ty| format!("({ty}.const 0)")).collect();
    if signature.retptr {
        *arguments.last_mut().unwrap() = format!("(i32.const {RESULT})");
    }
    let import = format!(
        r#"(import "{interface}" "{}" (func $f (param {}) {results}))"#,
        function.name,
        params.join(" ")
    );
    let made = format!("(call $f {begins} {})", arguments.join(" "));
    (import, if results.is_empty() { made } else { format!("(drop {made})") })
}

/// State that remembers that it was asked.
#[derive(Default)]
struct Asked(Mutex<usize>);

impl Asked {
    fn note(&self) -> Problem {
        *self.0.lock().unwrap() += 1;
        Problem::new("test/asked", "the state was asked")
    }
}

#[async_trait]
impl PluginState for Asked {
    async fn get(&self, _: &str) -> Result<Option<(Vec<u8>, u64)>, Problem> {
        Err(self.note())
    }
    async fn put(&self, _: &str, _: Vec<u8>, _: Option<u64>) -> Result<u64, Problem> {
        Err(self.note())
    }
    async fn delete(&self, _: &str) -> Result<(), Problem> {
        Err(self.note())
    }
    async fn keys(&self, _: &str, _: Option<&str>, _: u32) -> Result<Vec<String>, Problem> {
        Err(self.note())
    }
}

/// What stands behind the host in one call.
#[derive(Default)]
struct Behind {
    echo: Arc<Echo>,
    tables: Arc<Tables>,
    state: Arc<Asked>,
}

impl Behind {
    /// A call that was granted nothing, of a manifest that asks for all it may.
    fn call(&self, kind: &str) -> Call {
        let mut call = call_with("p", manifest(kind, ""), Some(Grants::default()));
        call.services = Services {
            log: Arc::new(Memory::default()),
            egress: Some(Arc::<Echo>::clone(&self.echo)),
            state: Some(Arc::<Asked>::clone(&self.state)),
            datasets: Some(Arc::<Tables>::clone(&self.tables)),
        };
        call
    }

    fn was_reached(&self) -> bool {
        !self.echo.0.lock().unwrap().is_empty()
            || !self.tables.told().is_empty()
            || *self.state.0.lock().unwrap() > 0
    }
}

/// Calls a function from within a guest of this kind; what became of the guest.
async fn made(
    kind: &str,
    import: &str,
    call: &str,
    refused_at: bool,
    behind: &Behind,
) -> Result<(), PluginError> {
    // A refusal becomes the problem that the guest answers with.
    let keep = |answer: u32| match refused_at {
        true => format!("{call} (memory.copy (i32.const {answer}) (i32.const {RESULT}) (i32.const 96))"),
        false => call.to_owned(),
    };
    match kind {
        "processing" => {
            let sandbox = Sandbox::with(&[("p", processing(import, DATA, &keep(512)))]);
            sandbox.host.run_processing(behind.call(kind), json!({})).await.map(drop)
        }
        "catalog-connector" => {
            let sandbox = Sandbox::with(&[("p", connector(import, DATA, &keep(512)))]);
            let current =
                Publication { target: String::new(), remote_id: None, url: None, state: json!(null) };
            sandbox.host.connector(behind.call(kind)).unpublish(current).await
        }
        "enricher" => {
            let mut open = keep(768);
            if refused_at {
                open.push_str("(return (i32.const 768))");
            }
            let answer = Answer { imports: import, extra: DATA, open: &open, ..ZEROES };
            let sandbox = Sandbox::with(&[("p", enricher(&answer))]);
            sandbox.host.enricher(behind.call(kind), &[text("code")]).await.map(drop)
        }
        pure => panic!("`{pure}` has no function to call"),
    }
}

#[tokio::test]
async fn without_a_grant_every_function_refuses_or_has_no_effect() {
    let table: BTreeMap<&str, (&str, Without)> =
        TABLE.iter().map(|(name, begins, without)| (*name, (*begins, *without))).collect();
    let mut met = std::collections::BTreeSet::new();
    for (package, world, kind) in WORLDS {
        let (resolve, functions) = imported(package, world);
        for (interface, name, function) in functions {
            let (begins, without) = *table.get(name.as_str()).unwrap_or_else(|| {
                panic!("`{name}` is new: say in the table what it answers without a grant")
            });
            met.insert(name.clone());
            if matches!(kind, "visualisation" | "remote-service") {
                assert_eq!(name, "log.emit", "{kind} imports more than a log");
                continue;
            }
            let (import, call) = call_of(&resolve, &interface, &function, begins);
            let behind = Behind::default();
            let ended = made(kind, &import, &call, matches!(without, Refused(_)), &behind).await;
            let code = ended.as_ref().err().map_or("", |error| error.code());
            let expected = match without {
                Answers => "",
                Refused(code) => code,
                HasNoHandle => "plugin/trap",
            };
            assert_eq!(code, expected, "{kind}: {name}: {ended:?}");
            assert!(!behind.was_reached(), "{kind}: {name} reached what is behind the host");
        }
    }
    let stale: Vec<&&str> = table.keys().filter(|name| !met.contains(**name)).collect();
    assert!(stale.is_empty(), "no longer in the contract: {stale:?}");
}
