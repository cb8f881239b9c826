//! Computing without end in every function that a plugin exports, and anything as an answer of `describe`.
//!
//! The functions come from `wit/`; one that is new in the contract fails the test until somebody said how it is called.

use halle_base::{Dice, SeededDice};
use halle_extensions::PluginError;
use halle_extensions::grants::Limits;
use halle_extensions::host::{Admission, Call, Fetched, PluginHost, Publication};
use halle_extensions::registry::Installed;
use halle_testkit::guests::{ANSWER, COMMON, component};
use serde_json::json;
use wit_parser::WorldItem;
use wit_parser::abi::AbiVariant;

use super::matrix::{WORLDS, contract, core_type};
use crate::enricher::{rows, text};
use crate::guests::{Answer, ZEROES, enricher};
use crate::sandbox::{Sandbox, call, manifest, tight};

const LOOP: &str = "(loop $again (br $again))";

/// A core module in which every function that the world exports computes without end, but for `describe`, which answers what is
/// in memory; their names. `data` are other parts of the module.
fn without_end(package: &str, world: &str, data: &str) -> (String, Vec<String>) {
    let (resolve, world) = contract(package, world);
    let mut bodies = String::new();
    let mut functions = Vec::new();
    for item in resolve.worlds[world].exports.values() {
        let WorldItem::Interface { id, .. } = item else { panic!("a world exports interfaces only") };
        let interface = resolve.id_of(*id).unwrap();
        for function in resolve.interfaces[*id].functions.values() {
            let signature = resolve.wasm_signature(AbiVariant::GuestExport, function);
            let params: Vec<&str> = signature.params.iter().map(core_type).collect();
            let results: Vec<&str> = signature.results.iter().map(core_type).collect();
            let (name, params, results) = (&function.name, params.join(" "), results.join(" "));
            let body = if name == "describe" { "" } else { LOOP };
            bodies.push_str(&format!(
                r#"(func (export "{interface}#{name}") (param {params}) (result {results}) {body} (i32.const {ANSWER}))"#
            ));
            functions.push(function.name.clone());
        }
    }
    (format!("(module {COMMON} {data} {bodies})"), functions)
}

/// A call that may compute for a tenth of a second.
fn short(kind: &str) -> Call {
    let call = call("p", manifest(kind, ""));
    let limits = Limits { cpu_ms_max: 100, ..tight() };
    // What an adapter is told of its operation.
    let config = json!({ "operation": { "input": [], "output": [] } });
    Call { plugin: std::sync::Arc::new(Installed { limits, ..(*call.plugin).clone() }), config, ..call }
}

/// How a call of a function ended.
async fn ended(sandbox: &Sandbox, kind: &str, function: &str) -> Result<(), PluginError> {
    let host = &sandbox.host;
    let connector = || host.connector(short(kind));
    match function {
        "prepare" => host.prepare(short(kind), json!({})).await.map(drop),
        "run" => host.run_processing(short(kind), json!({})).await.map(drop),
        "browse" => connector().browse(None, None, 1, 10, json!({})).await.map(drop),
        "fetch" => connector().fetch("a", json!({})).await.map(|_: Fetched| ()),
        "publish" => connector().publish(json!({}), Publication::default()).await.map(drop),
        "unpublish" => connector().unpublish(Publication::default()).await,
        "plan" => host.enricher(short(kind), &[text("code")]).await.map(drop),
        "query" => host.visualisation_queries(short(kind)).await.map(drop),
        "render" => host.render(short(kind), Vec::new(), json!({})).await.map(drop),
        "from-openapi" => host.operations(short(kind), json!({})).await.map(drop),
        "build" => host.build_requests(short(kind), "a", rows(1)).await.map(drop),
        "parse" => host.parse_responses(short(kind), "a", Vec::new(), Vec::new()).await.map(drop),
        new => panic!("`{new}` is new: say here how it is called"),
    }
}

/// How a session of an enricher ended whose functions have these parts of a body.
async fn session_ended(answer: Answer<'_>) -> Result<(), PluginError> {
    let sandbox = Sandbox::with(&[("p", enricher(&answer))]);
    let mut session = sandbox.host.enricher(short("enricher"), &[text("code")]).await?;
    session.run(rows(1)).await.map(drop)
}

#[tokio::test]
async fn every_function_that_computes_without_end_is_cut() {
    for (package, world, kind) in WORLDS {
        let (module, functions) = without_end(package, world, "");
        let sandbox = Sandbox::with(&[("p", component(package, world, &module))]);
        for function in functions.iter().filter(|name| *name != "describe") {
            let outcome = match function.as_str() {
                "[static]session.open" => session_ended(Answer { open: LOOP, ..ZEROES }).await,
                "[method]session.run" => session_ended(Answer { fill: LOOP, ..ZEROES }).await,
                function => ended(&sandbox, kind, function).await,
            };
            let code = outcome.as_ref().err().map_or("", PluginError::code);
            assert_eq!(code, "plugin/cpu", "{kind}: {function}: {outcome:?}");
        }
    }
}

/// Words of an answer of `describe`, of chance: what may stand in a record, an option, a length or an address, and what may not.
fn words(dice: &dyn Dice) -> String {
    let word = || match dice.roll() % 8 {
        0..=2 => 0,
        3 => 1,
        4 => dice.roll() as u32 % 100,
        // Addresses of texts, and of this very answer.
        5 => 4_000 + dice.roll() as u32 % 3_000,
        6 => ANSWER + 4 * (dice.roll() as u32 % 60),
        _ => dice.roll() as u32,
    };
    let bytes = (0..60).flat_map(|_| word().to_le_bytes());
    bytes.map(|byte| format!("\\{byte:02x}")).collect()
}

#[tokio::test]
async fn whatever_a_plugin_says_of_itself_is_bounded_or_refused() {
    let dice = SeededDice::new(7);
    let sandbox = Sandbox::with(&[]);
    // Texts, numbers and control characters, then bytes that are no text.
    let texts = "é42{}\\00\\0a\\1b ".repeat(250) + &"\\ff".repeat(300);
    let (mut admitted, mut refused) = (0, 0);
    for (package, world, kind) in WORLDS {
        for _ in 0..40 {
            let data = format!(
                r#"(data (i32.const {ANSWER}) "{}") (data (i32.const 4000) "{texts}")"#,
                words(&dice)
            );
            let (module, _) = without_end(package, world, &data);
            let admission =
                sandbox.host.admit(&manifest(kind, ""), &component(package, world, &module)).await;
            match admission {
                Ok(Admission { described, .. }) => {
                    admitted += 1;
                    let shown = serde_json::to_string(&described).unwrap();
                    assert!(shown.len() < 256 << 10, "{} bytes", shown.len());
                    assert!(!described.title.contains(char::is_control) && described.title.len() <= 1 << 10);
                    assert!(
                        described.columns.len() <= 32 && described.abilities.len() <= 32,
                        "{described:?}"
                    );
                }
                Err(error) => {
                    refused += 1;
                    let code = error.code();
                    assert!(["plugin/trap", "plugin/bad-answer"].contains(&code), "{kind}: {error} ({code})");
                }
            }
        }
    }
    assert!(admitted > 10 && refused > 10, "{admitted} admitted, {refused} refused");
}
