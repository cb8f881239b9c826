//! Enrichers: one in the sandbox beside the same code compiled natively, on the same columns; one in JavaScript.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Result, anyhow, ensure};
use arrow::array::{ArrayRef, Float64Array, StringArray};
use arrow::record_batch::RecordBatch;
use halle_base::limits::BATCH_ROWS_MAX;
use halle_extensions::host::{Enricher, PluginHost};
use halle_model::ColumnKind;
use halle_plugin::enricher::Enricher as _;
use halle_plugin::{BatchBuilder, Field, Kind, Rows};
use territory::Territories;

use super::{built, failed, field, median, sandbox};
use crate::alone::Seen;

/// Communes that exist, whose codes are repeated over the rows.
const CODES: [&str; 8] = ["75056", "29019", "35238", "13055", "69123", "31555", "06088", "67482"];

/// Times one thing is repeated; the median counts.
const ROUNDS: usize = 5;

/// Calls of which the median is taken.
const CALLS: usize = 200;

/// Name of the plugin in JavaScript that is made from the template.
const JAVASCRIPT_NAME: &str = "in-javascript";

/// Rows for the interpreter of JavaScript: a tenth of a million takes long enough to be measured.
const JAVASCRIPT_ROWS_MAX: usize = 100_000;

/// Three columns: the code of a commune, a name, a number.
const COLUMNS: [&str; 3] = ["code_commune", "name", "amount"];

fn code(row: usize) -> &'static str {
    CODES[row % CODES.len()]
}

/// Measures `territory` in the sandbox and natively, then an enricher in JavaScript.
pub async fn measure(halle: &Path, packages: &Path, work: &Path, rows: usize) -> Result<Vec<Seen>> {
    let package = built(packages, "territory")?;
    let (host, call) = sandbox(&package, &work.join("compiled"), 16)?;
    let fields = [
        field(COLUMNS[0], ColumnKind::Text),
        field(COLUMNS[1], ColumnKind::Text),
        field(COLUMNS[2], ColumnKind::Number),
    ];
    let batches = arrow_batches(rows)?;
    let mut enricher = host.enricher(call, &fields).await.map_err(failed)?;
    let sandbox_ns = per_row(&mut *enricher, &batches).await?;
    let one = batches[0].slice(0, 1);
    let mut calls = Vec::new();
    for _ in 0..CALLS {
        let started = Instant::now();
        enricher.run(one.clone()).await.map_err(failed)?;
        calls.push(started.elapsed().as_secs_f64() * 1e6);
    }
    drop(enricher);
    let native_ns = native(rows)?;
    let javascript_ns = javascript(halle, work, &batches).await?;
    Ok(vec![
        ("enricher `territory`, in the sandbox".to_owned(), format!("{sandbox_ns:.1} ns/row")),
        ("the same code natively".to_owned(), format!("{native_ns:.1} ns/row")),
        ("native ÷ sandbox (at least 0.8)".to_owned(), format!("{:.2}", native_ns / sandbox_ns)),
        ("call with one row, live instance".to_owned(), format!("{:.1} µs", median(calls))),
        ("enricher in JavaScript (at most 1,500 ns)".to_owned(), format!("{javascript_ns:.0} ns/row")),
    ])
}

/// Nanoseconds per row.
async fn per_row(enricher: &mut dyn Enricher, batches: &[RecordBatch]) -> Result<f64> {
    let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
    let mut took = Vec::new();
    for _ in 0..ROUNDS {
        let started = Instant::now();
        for batch in batches {
            enricher.run(batch.clone()).await.map_err(failed)?;
        }
        took.push(started.elapsed().as_secs_f64() * 1e9 / rows as f64);
    }
    Ok(median(took))
}

/// An enricher as the template has it: a greeting for a name.
async fn javascript(halle: &Path, work: &Path, batches: &[RecordBatch]) -> Result<f64> {
    let folder = work.join(JAVASCRIPT_NAME);
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    std::fs::create_dir_all(work)?;
    let halle = halle.canonicalize()?;
    let make: [&[&str]; 2] =
        [&["plugin", "new", "--kind", "enricher", "--language", "javascript"], &["plugin", "build"]];
    for args in make {
        let output =
            std::process::Command::new(&halle).args(args).arg(JAVASCRIPT_NAME).current_dir(work).output()?;
        ensure!(
            output.status.success(),
            "no plugin in JavaScript: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    let package = built(&folder.join("dist"), JAVASCRIPT_NAME)?;
    let (host, call) = sandbox(&package, &work.join("compiled"), 16)?;
    let fields = [field("name", ColumnKind::Text)];
    let mut enricher = host.enricher(call, &fields).await.map_err(failed)?;
    let count = (JAVASCRIPT_ROWS_MAX / BATCH_ROWS_MAX).min(batches.len()).max(1);
    per_row(&mut *enricher, &batches[..count]).await
}

fn arrow_batches(rows: usize) -> Result<Vec<RecordBatch>> {
    let starts = (0..rows).step_by(BATCH_ROWS_MAX);
    starts
        .map(|start| {
            let range = start..(start + BATCH_ROWS_MAX).min(rows);
            let codes: ArrayRef = Arc::new(StringArray::from_iter_values(range.clone().map(code)));
            let names: ArrayRef =
                Arc::new(StringArray::from_iter_values(range.clone().map(|row| format!("name {row}"))));
            let amounts: ArrayRef = Arc::new(Float64Array::from_iter_values(range.map(|row| row as f64)));
            Ok(RecordBatch::try_from_iter(COLUMNS.into_iter().zip([codes, names, amounts]))?)
        })
        .collect()
}

fn native(rows: usize) -> Result<f64> {
    let failed = |problem: halle_plugin::Problem| anyhow!("{}", problem.message);
    let fields = [Field::new(COLUMNS[0], Kind::Text)];
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
