//! An enricher in the sandbox beside the same code compiled natively, on the same columns.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, anyhow};
use arrow::array::{ArrayRef, StringArray};
use arrow::record_batch::RecordBatch;
use halle_base::SeededDice;
use halle_base::limits::BATCH_ROWS_MAX;
use halle_extensions::grants::{HostLimits, asked};
use halle_extensions::host::{Call, PluginHost};
use halle_extensions::package::Package;
use halle_extensions::registry::{Installed, MemoryComponents};
use halle_extensions::services::Services;
use halle_model::ColumnKind;
use halle_plugin::enricher::Enricher as _;
use halle_plugin::{BatchBuilder, Field, Kind, Rows};
use halle_wasm::{WasmConfig, WasmHost};
use serde_json::json;
use territory::Territories;

/// Communes that exist, whose codes are repeated over the rows.
const CODES: [&str; 8] = ["75056", "29019", "35238", "13055", "69123", "31555", "06088", "67482"];

/// Times one thing is repeated; the median counts.
const ROUNDS: usize = 5;

/// Calls of which the median is taken.
const CALLS: usize = 200;

/// What was seen.
#[derive(Debug, Clone, Copy)]
pub struct Seen {
    /// Nanoseconds per row, in the sandbox.
    pub sandbox_ns: f64,
    /// Nanoseconds per row, natively.
    pub native_ns: f64,
    /// Microseconds for a batch of one row in a live instance.
    pub call_us: f64,
    /// Microseconds to make an instance and have it plan and open.
    pub instance_us: f64,
}

fn code(row: usize) -> &'static str {
    CODES[row % CODES.len()]
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Measures the enricher `territory`, whose package is in `packages`, over `rows` rows.
pub async fn measure(packages: &Path, work: &Path, rows: usize) -> Result<Seen> {
    let package = find(packages)?;
    let mut components = MemoryComponents::default();
    components.insert(package.digest(), package.component().clone());
    let host =
        WasmHost::new(WasmConfig::new(work.join("compiled")), Arc::new(components), &SeededDice::new(1))
            .map_err(|error| anyhow!("{error}"))?;
    let manifest = package.manifest.clone();
    let plugin = Installed {
        id: manifest.plugin.id.clone(),
        digest: package.digest(),
        grants: Some(asked(&manifest)),
        limits: HostLimits::default().effective(manifest.plugin.kind, manifest.limits.as_ref()),
        signed_by: None,
        manifest,
    };
    let call = Call {
        plugin: Arc::new(plugin),
        config: json!({}),
        secrets: Arc::new(Vec::new()),
        services: Services::none(),
        cancel: Default::default(),
    };
    let field = halle_extensions::Field {
        key: "code_commune".to_owned(),
        kind: ColumnKind::Text,
        nullable: true,
        title: None,
        concept: None,
    };
    let fields = [field];
    let instance_us = instances(&host, &call, &fields).await?;
    let batches = arrow_batches(rows)?;
    let failed = |error: halle_extensions::PluginError| anyhow!("{error}");
    let mut enricher = host.enricher(call, &fields).await.map_err(failed)?;
    let mut sandbox = Vec::new();
    for _ in 0..ROUNDS {
        let started = Instant::now();
        for batch in &batches {
            enricher.run(batch.clone()).await.map_err(failed)?;
        }
        sandbox.push(started.elapsed().as_secs_f64() * 1e9 / rows as f64);
    }
    let one = batches[0].slice(0, 1);
    let mut calls = Vec::new();
    for _ in 0..CALLS {
        let started = Instant::now();
        enricher.run(one.clone()).await.map_err(failed)?;
        calls.push(started.elapsed().as_secs_f64() * 1e6);
    }
    Ok(Seen { sandbox_ns: median(sandbox), native_ns: native(rows)?, call_us: median(calls), instance_us })
}

fn find(packages: &Path) -> Result<Package> {
    for entry in std::fs::read_dir(packages).with_context(|| format!("{}", packages.display()))? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with("territory-") {
            let bytes = std::fs::read(path)?;
            return Package::read(&bytes).map_err(|error| anyhow!("{error}"));
        }
    }
    Err(anyhow!("no package `territory` in {}: `cargo xtask plugins` builds it", packages.display()))
}

async fn instances(host: &WasmHost, call: &Call, fields: &[halle_extensions::Field]) -> Result<f64> {
    let mut took = Vec::new();
    for _ in 0..CALLS {
        let started = Instant::now();
        host.enricher(call.clone(), fields).await.map_err(|error| anyhow!("{error}"))?;
        took.push(started.elapsed().as_secs_f64() * 1e6);
    }
    Ok(median(took))
}

fn arrow_batches(rows: usize) -> Result<Vec<RecordBatch>> {
    let starts = (0..rows).step_by(BATCH_ROWS_MAX);
    starts
        .map(|start| {
            let end = (start + BATCH_ROWS_MAX).min(rows);
            let codes: ArrayRef = Arc::new(StringArray::from_iter_values((start..end).map(code)));
            Ok(RecordBatch::try_from_iter([("code_commune", codes)])?)
        })
        .collect()
}

fn native(rows: usize) -> Result<f64> {
    let failed = |problem: halle_plugin::Problem| anyhow!("{}", problem.message);
    let fields = [Field::new("code_commune", Kind::Text)];
    let mut batches = Vec::new();
    for start in (0..rows).step_by(BATCH_ROWS_MAX) {
        let mut batch = BatchBuilder::new(&fields);
        for row in start..(start + BATCH_ROWS_MAX).min(rows) {
            batch.push([code(row).into()]).map_err(failed)?;
        }
        batches.push(batch.finish());
    }
    let mut session = Territories::open(&fields, Default::default()).map_err(failed)?;
    let mut took = Vec::new();
    for _ in 0..ROUNDS {
        let started = Instant::now();
        for batch in &batches {
            let rows = Rows::new(&fields, batch).map_err(failed)?;
            std::hint::black_box(session.run(&rows).map_err(failed)?);
        }
        took.push(started.elapsed().as_secs_f64() * 1e9 / rows as f64);
    }
    Ok(median(took))
}
