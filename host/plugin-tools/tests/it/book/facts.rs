//! What the book says of the code: functions of the contract, limits, codes, keys of manifests, messages.

use std::collections::{BTreeMap, BTreeSet};

use halle_extensions::grants::HostLimits;
use wit_parser::Resolve;

use super::{page, quoted, table_rows};
use crate::sandbox::root;

/// Packages of the contract: folder below `wit`, which is the page below `contract`, too.
const PACKAGES: [&str; 7] =
    ["base", "host", "catalog", "processing", "enricher", "visualisation", "remote-service"];

fn source(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Functions of each package, as the book names them: `connector.browse`, `blobs.blob.read`.
fn functions() -> BTreeMap<String, BTreeSet<String>> {
    let mut resolve = Resolve::default();
    for package in PACKAGES {
        let text = source(&format!("wit/{package}/1/{package}.wit"));
        resolve.push_str(format!("{package}.wit"), &text).expect("the contract is WIT");
    }
    let mut functions: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (_, interface) in &resolve.interfaces {
        let package = &resolve.packages[interface.package.expect("it is in a package")].name.name;
        let own = functions.entry(package.clone()).or_default();
        for name in interface.functions.keys() {
            // `[method]blob.read`, `[constructor]blob-writer`, `[static]writer.commit`, `browse`
            let name = name.split_once(']').map_or(name.as_str(), |(_, name)| name);
            own.insert(format!("{}.{name}", interface.name.as_deref().expect("it has a name")));
        }
    }
    functions
}

#[test]
fn every_function_of_the_contract_has_its_heading_and_no_heading_is_about_another() {
    let functions = functions();
    for package in PACKAGES {
        let text = page(&format!("contract/{package}.md"));
        let headings = text.lines().filter_map(|line| line.strip_prefix("### `"));
        let headings: BTreeSet<String> =
            headings.filter_map(|rest| rest.split('`').next()).map(str::to_owned).collect();
        assert_eq!(functions.get(package).cloned().unwrap_or_default(), headings, "contract/{package}.md");
    }
}

/// A number as the book writes it: `4,096`, `1 MiB`, `10 s`, in the smallest unit that code has: bytes, milliseconds, pieces.
fn told(cell: &str) -> Option<u64> {
    let (number, unit) = cell.split_once(' ').unwrap_or((cell, ""));
    let factor = match unit.split(' ').next().unwrap_or_default() {
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "s" => 1_000,
        "h" => 3_600_000,
        _ => 1,
    };
    number.replace(',', "").parse::<u64>().ok().map(|number| number * factor)
}

/// What a constant of a source file is: numbers, products, shifts, durations.
fn constant(path: &str, name: &str) -> Option<u64> {
    let text = source(path);
    let (_, rest) = text.split_once(&format!("const {name}: "))?;
    let (kind, value) = rest.split_once(';')?.0.split_once('=')?;
    let value = value.trim();
    let number = |text: &str| text.trim().replace('_', "").parse::<u64>().ok();
    if let Some(value) = value.strip_prefix("Duration::from_secs(") {
        return Some(number(value.trim_end_matches(')'))? * 1_000);
    }
    // Constants in seconds say so in their name.
    let factor = if name.contains("_S_") || name.ends_with("_S") { 1_000 } else { 1 };
    assert!(kind.trim().starts_with('u'), "{name} is no number but {kind}");
    if let Some((number_, shift)) = value.split_once("<<") {
        return Some(number(number_)? << number(shift)?);
    }
    value.split('*').map(number).try_fold(factor, |product, number| Some(product * number?))
}

#[test]
fn every_limit_of_the_book_is_that_of_the_code() {
    let mut compared = 0;
    for row in table_rows(&page("limits.md")) {
        let [what, limit, _, place] = &row[..] else { continue };
        let Some((path, name)) = quoted(place).and_then(|place| place.split_once(':')) else { continue };
        let expected = constant(path, name).unwrap_or_else(|| panic!("{path} has no number {name}"));
        assert_eq!(told(limit), Some(expected), "{what}: {path}, {name}");
        compared += 1;
    }
    assert!(compared >= 40, "only {compared} limits are compared");
}

#[test]
fn the_limits_of_each_kind_are_those_of_the_code() {
    let limits = serde_json::to_value(HostLimits::default()).unwrap();
    let kinds = ["enricher", "processing", "catalogConnector", "visualisation", "remoteService"];
    let rows = table_rows(&page("limits.md"));
    for (name, value) in limits["enricher"].as_object().unwrap() {
        let row = rows.iter().find(|row| row.len() == 7 && quoted(&row[6]) == Some(name));
        let row = row.unwrap_or_else(|| panic!("the book says nothing of {name} ({value})"));
        for (place, kind) in kinds.into_iter().enumerate() {
            assert_eq!(told(&row[place + 1]), limits[kind][name].as_u64(), "{name} of {kind}");
        }
    }
}

/// Texts of a source file that are codes of one of these families.
fn codes(path: &str, families: &[&str]) -> BTreeSet<String> {
    let text = source(path);
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    let texts = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    let texts = texts.flat_map(|line| line.split('"').skip(1).step_by(2));
    let is_code = |text: &&str| {
        let Some((family, rest)) = text.split_once('/') else { return false };
        families.contains(&family)
            && rest.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')
            && !rest.is_empty()
    };
    texts.filter(is_code).map(str::to_owned).collect()
}

#[test]
fn every_code_of_the_host_is_told_with_what_to_do() {
    let places = [
        "host/extensions/src/types.rs",
        "host/extensions/src/state.rs",
        "host/wasm/src/admit.rs",
        "host/wasm/src/guest.rs",
        "host/wasm/src/limits.rs",
        "host/wasm/src/interfaces/blobs.rs",
        "host/wasm/src/interfaces/csv.rs",
        "host/wasm/src/interfaces/datasets.rs",
        "host/wasm/src/interfaces/http.rs",
        "host/wasm/src/interfaces/policy.rs",
        "host/wasm/src/interfaces/reference.rs",
        "host/wasm/src/interfaces/room.rs",
        "host/wasm/src/interfaces/source.rs",
        "host/wasm/src/interfaces/state.rs",
        "host/wasm/src/interfaces/unzip.rs",
        "host/datasets/src/service/write/writer.rs",
        "host/processings/src/slots.rs",
        "host/transports/src/problem.rs",
    ];
    let families = ["plugin", "denied", "limit", "blob", "http", "state", "dataset", "remote", "slot"];
    let rows = table_rows(&page("faults.md"));
    let known: BTreeSet<&str> = rows.iter().filter_map(|row| quoted(&row[0])).collect();
    let mut told = 0;
    for place in places {
        for code in codes(place, &families) {
            assert!(known.contains(code.as_str()), "faults.md says nothing of `{code}` ({place})");
            told += 1;
        }
    }
    assert!(told >= 30, "only {told} codes were found");
}

#[test]
fn every_message_of_the_troubleshooting_is_one_that_is_told() {
    let mut compared = 0;
    for row in table_rows(&page("troubleshooting.md")) {
        let [message, _, place] = &row[..] else { continue };
        let Some(path) = quoted(place) else { continue };
        let text = source(path);
        // Texts that go over several lines of a source file are one.
        let text: String = text.split('\\').map(str::trim_start).collect();
        let message = quoted(message).expect("a message is quoted");
        for part in message.split('…').map(str::trim).filter(|part| !part.is_empty()) {
            assert!(text.contains(part), "{path} does not say “{part}”");
        }
        compared += 1;
    }
    assert!(compared >= 15, "only {compared} messages are compared");
}

#[test]
fn every_key_of_a_manifest_is_told() {
    let text = source("host/extensions/src/manifest.rs");
    let book = page("manifest.md");
    let fields = text.lines().filter(|line| !line.contains("fn "));
    let keys = fields.filter_map(|line| line.trim().strip_prefix("pub ")?.split_once(": "));
    let keys: Vec<String> = keys.map(|(key, _)| key.replace('_', "-")).collect();
    assert!(keys.len() > 20, "{keys:?}");
    for key in keys {
        assert!(book.contains(&format!("`{key}`")), "manifest.md says nothing of `{key}`");
    }
}
