//! Who may depend on whom: rules 1 to 5 of ARCHITECTURE.md, from `cargo metadata` and the sources.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde_json::Value;

use super::sources::Source;
use crate::sh;

/// Layer of each host crate, from the bottom. Adding a crate is adding a line here.
const LAYERS: &[(&str, u8)] = &[
    ("halle-base", 0),
    ("halle-model", 1),
    ("halle-expressions", 1),
    ("halle-geo", 1),
    ("halle-ingest", 1),
    ("halle-store", 1),
    ("halle-search", 1),
    ("halle-extensions", 1),
    ("halle-http", 1),
    ("halle-store-sql", 2),
    ("halle-search-tantivy", 2),
    ("halle-wasm", 2),
    ("halle-media", 2),
    ("halle-transports", 2),
    ("halle-directory", 3),
    ("halle-datasets", 3),
    ("halle-applications", 3),
    ("halle-services", 3),
    ("halle-processings", 3),
    ("halle-catalogs", 3),
    ("halle-events", 3),
    ("halle-portals", 3),
    ("halle-backoffice", 3),
    ("halle-registry", 3),
    ("halle-plugin-tools", 3),
    ("halle-app", 4),
];

/// Crates that are tools: they may depend on anything, and nothing but tests may depend on them.
const TOOLS: &[&str] = &["halle-testkit", "halle-guests", "halle-e2e", "halle-bench", "halle-fuzz", "xtask"];

/// Libraries that only some crates may name, and why.
const CONFINED: &[(&str, &[&str])] = &[
    ("sqlx", &["halle-store-sql"]),
    // The bench has bare tantivy as a yardstick.
    ("tantivy", &["halle-search-tantivy", "halle-bench"]),
    ("wasmtime", &["halle-wasm"]),
    ("resvg", &["halle-media"]),
    ("image", &["halle-media"]),
    ("anyhow", &["halle-app", "xtask", "halle-e2e", "halle-bench", "halle-fuzz", "halle-testkit"]),
];

/// Libraries that `base`, `model` and `expressions` must not know.
const IMPURE: &[&str] = &["tokio", "sqlx", "axum", "wasmtime", "reqwest", "tantivy", "object_store"];

/// Dependencies of each workspace member, test-only ones left out.
type Graph = BTreeMap<String, Vec<String>>;

/// Breaches of the layers.
pub fn check(files: &[Source]) -> Result<Vec<String>> {
    let graph = graph()?;
    let mut breaches = Vec::new();
    for (name, dependencies) in &graph {
        breaches.extend(dependencies.iter().filter_map(|on| forbidden(name, on)));
    }
    breaches.extend(files.iter().flat_map(axum_outside_http));
    Ok(breaches)
}

fn graph() -> Result<Graph> {
    let args = ["metadata", "--format-version", "1", "--no-deps"];
    let metadata: Value = serde_json::from_str(&sh::output(&mut sh::command("cargo", args))?)?;
    let packages = metadata["packages"].as_array().context("cargo metadata has no packages")?;
    let mut graph = Graph::new();
    for package in packages {
        let dependencies = package["dependencies"].as_array().context("a package has no dependencies")?;
        let normal = dependencies.iter().filter(|dependency| dependency["kind"].is_null());
        let names = normal.filter_map(|dependency| dependency["name"].as_str()).map(str::to_owned).collect();
        graph.insert(package["name"].as_str().context("a package has no name")?.to_owned(), names);
    }
    Ok(graph)
}

fn layer(name: &str) -> Option<u8> {
    LAYERS.iter().find(|(known, _)| *known == name).map(|(_, layer)| *layer)
}

/// The rule that the edge breaks, if it breaks one.
fn forbidden(name: &str, on: &str) -> Option<String> {
    if let Some((library, owners)) = CONFINED.iter().find(|(library, _)| *library == on)
        && !owners.contains(&name)
    {
        return Some(format!("{name} depends on {library}, which only {} may name", owners.join(", ")));
    }
    if matches!(name, "halle-base" | "halle-model" | "halle-expressions") && IMPURE.contains(&on) {
        return Some(format!("{name} depends on {on}: it does no I/O"));
    }
    if TOOLS.contains(&name) || name == "halle-plugin" {
        return None;
    }
    if TOOLS.contains(&on) || on == "halle-plugin" || on == "halle-app" {
        return Some(format!("{name} depends on {on}, on which nothing may depend outside tests"));
    }
    if !on.starts_with("halle-") {
        return None;
    }
    let (Some(from), Some(to)) = (layer(name), layer(on)) else {
        return Some(format!("{name} or {on} has no layer: give it one in host/xtask/src/tidy/layers.rs"));
    };
    let peers = matches!((from, to), (1, 1)) || (from, to) == (3, 3) && on == "halle-datasets";
    let allowed = match (from, to) {
        (3 | 2, 2) => false,
        (4, _) => true,
        _ => from > to || peers,
    };
    (!allowed).then(|| format!("{name} (layer {from}) may not depend on {on} (layer {to})"))
}

/// `axum` is named only in `http`, in the `http/` folders of features, and in `app`.
fn axum_outside_http(file: &Source) -> Option<String> {
    let free = ["host/http/", "host/app/", "host/xtask/", "host/e2e/", "host/bench/", "host/testkit/"];
    if !file.is_rust()
        || !file.path.starts_with("host/")
        || free.iter().any(|room| file.path.starts_with(room))
    {
        return None;
    }
    let in_http_room = file.path.contains("/src/http/") || file.path.contains("/tests/");
    let named = file.text.lines().position(|line| {
        let code = line.split("//").next().unwrap_or("");
        code.contains("axum::") && !code.contains("pub fn router")
    })?;
    (!in_http_room).then(|| format!("{}:{}: axum outside an http/ folder", file.path, named + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_know_ports_and_datasets_only() {
        assert_eq!(forbidden("halle-portals", "halle-datasets"), None);
        assert_eq!(forbidden("halle-portals", "halle-store"), None);
        assert!(forbidden("halle-portals", "halle-store-sql").is_some());
        assert!(forbidden("halle-portals", "halle-catalogs").is_some());
        assert!(forbidden("halle-datasets", "halle-services").is_some());
        assert!(forbidden("halle-wasm", "halle-transports").is_some());
        assert!(forbidden("halle-model", "tokio").is_some());
        assert!(forbidden("halle-datasets", "sqlx").is_some());
        assert_eq!(forbidden("halle-app", "halle-wasm"), None);
    }
}
