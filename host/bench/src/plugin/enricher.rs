//! Enrichers: two in the sandbox beside the same code compiled natively, on the same columns, one that does little for each
//! row and one that does more; one in JavaScript.

use std::marker::PhantomData;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Result, anyhow, ensure};
use arrow::array::{ArrayRef, Float64Array, StringArray};
use arrow::record_batch::RecordBatch;
use clean::Clean;
use halle_base::limits::BATCH_ROWS_MAX;
use halle_extensions::host::{Enricher, PluginHost};
use halle_extensions::package::Package;
use halle_model::ColumnKind;
use halle_plugin::enricher::Enricher as Guest;
use halle_plugin::{Batch, BatchBuilder, Field, Kind, Rows};
use halle_wasm::WasmHost;
use serde_json::{Value, json};
use territory::Territories;

use super::hollow::hollow;
use super::{built, failed, field, median, sandbox};
use crate::alone::Seen;

/// Communes that exist, whose codes are repeated over the rows.
const CODES: [&str; 8] = ["75056", "29019", "35238", "13055", "69123", "31555", "06088", "67482"];

/// Times one thing is repeated; the median counts.
const ROUNDS: usize = 5;

/// Batches that a job gives an enrichment at once, at most.
const ROUND_BATCHES: usize = 8;

/// Calls of which the median is taken.
const CALLS: usize = 200;

/// Name of the plugin in JavaScript that is made from the template.
const JAVASCRIPT_NAME: &str = "in-javascript";

/// Rows for the interpreter of JavaScript: a tenth of a million takes long enough to be measured.
const JAVASCRIPT_ROWS_MAX: usize = 100_000;

/// The columns: the code of a commune, a name, a telephone number, a number. Enrichers are offered three of them.
const CODE: &str = "code_commune";
const NAME: &str = "name";
const TELEPHONE: &str = "telephone";
const AMOUNT: &str = "amount";

fn code(row: usize) -> String {
    CODES[row % CODES.len()].to_owned()
}

/// As people write them, each another one.
fn telephone(row: usize) -> String {
    let pair = |at: u32| (row / 100_usize.pow(at)) % 100;
    format!("02 {:02} {:02} {:02} {:02}", pair(3), pair(2), pair(1), pair(0))
}

/// An enricher that is compiled both ways, and what it is asked about.
struct Subject<E> {
    plugin: &'static str,
    config: Value,
    /// The column that it needs, and its values.
    column: &'static str,
    value: fn(usize) -> String,
    same_code: PhantomData<E>,
}

/// Measures `territory` and `clean` in the sandbox and natively, what of the first is crossing, then an enricher in JavaScript.
pub async fn measure(halle: &Path, packages: &Path, work: &Path, rows: usize) -> Result<Vec<Seen>> {
    let batches = arrow_batches(rows)?;
    let mut seen = light(packages, work, &batches).await?;
    seen.extend(heavier(packages, work, &batches).await?);
    let [alone, together] = javascript(halle, work, &batches).await?;
    seen.push(("enricher in JavaScript (at most 1,500 ns)".to_owned(), format!("{alone:.0} ns/row")));
    seen.push(("the same in rounds, by several sessions".to_owned(), format!("{together:.0} ns/row")));
    Ok(seen)
}

fn ns_per_row(ns: f64) -> String {
    format!("{ns:.1} ns/row")
}

/// `territory`, with what of it is crossing. The contenders take turns, so that what else the machine does is the same for all.
async fn light(packages: &Path, work: &Path, batches: &[RecordBatch]) -> Result<Vec<Seen>> {
    let cache = work.join("compiled");
    let subject = Subject::<Territories> {
        plugin: "territory",
        config: json!({}),
        column: CODE,
        value: code,
        same_code: PhantomData,
    };
    let mut native = Native::new(&subject, batches)?;
    let package = built(packages, subject.plugin)?;
    let (_host, mut enricher) = opened(&package, &cache, &subject.config).await?;
    let answer = native.answer(0)?;
    let nothing = Batch { columns: Vec::new(), ..answer.clone() };
    let none = json!({});
    let (_there_and_back_host, mut there_and_back) = opened(&hollow_package(&answer)?, &cache, &none).await?;
    let (_there_host, mut there) = opened(&hollow_package(&nothing)?, &cache, &none).await?;
    // What is hollow answers as many rows as the first batch has.
    let whole: Vec<RecordBatch> =
        batches.iter().filter(|batch| batch.num_rows() == answer.rows as usize).cloned().collect();
    let [mut natively, mut sandboxed, mut crossed, mut lowered, mut together] = [const { Vec::new() }; 5];
    for _ in 0..ROUNDS {
        natively.push(native.per_row()?);
        sandboxed.push(per_row(&mut *enricher, batches).await?);
        together.push(side_by_side(&mut *enricher, batches).await?);
        crossed.push(per_row(&mut *there_and_back, &whole).await?);
        lowered.push(per_row(&mut *there, &whole).await?);
    }
    let one = batches[0].slice(0, 1);
    let mut calls = Vec::new();
    for _ in 0..CALLS {
        let started = Instant::now();
        enricher.run(one.clone()).await.map_err(failed)?;
        calls.push(started.elapsed().as_secs_f64() * 1e6);
    }
    let [natively, sandboxed, crossed, lowered, together] =
        [natively, sandboxed, crossed, lowered, together].map(median);
    Ok(vec![
        ("enricher `territory`, in the sandbox".to_owned(), ns_per_row(sandboxed)),
        ("of it: columns in, and handing over to another thread".to_owned(), ns_per_row(lowered)),
        ("of it: the guest".to_owned(), ns_per_row(sandboxed - crossed)),
        ("of it: columns out, checked".to_owned(), ns_per_row(crossed - lowered)),
        ("the same code natively".to_owned(), ns_per_row(natively)),
        ("native ÷ sandbox (at least 0.8)".to_owned(), format!("{:.2}", natively / sandboxed)),
        ("the same in rounds, by several sessions".to_owned(), ns_per_row(together)),
        ("call with one row, live instance".to_owned(), format!("{:.1} µs", median(calls))),
    ])
}

/// `clean` of telephone numbers, which looks at every character.
async fn heavier(packages: &Path, work: &Path, batches: &[RecordBatch]) -> Result<Vec<Seen>> {
    let subject = Subject::<Clean> {
        plugin: "clean",
        config: json!({ "kind": "phone", "column": TELEPHONE }),
        column: TELEPHONE,
        value: telephone,
        same_code: PhantomData,
    };
    let mut native = Native::new(&subject, batches)?;
    let package = built(packages, subject.plugin)?;
    let (_host, mut enricher) = opened(&package, &work.join("compiled"), &subject.config).await?;
    let [mut natively, mut sandboxed, mut together] = [const { Vec::new() }; 3];
    for _ in 0..ROUNDS {
        natively.push(native.per_row()?);
        sandboxed.push(per_row(&mut *enricher, batches).await?);
        together.push(side_by_side(&mut *enricher, batches).await?);
    }
    let [natively, sandboxed, together] = [natively, sandboxed, together].map(median);
    Ok(vec![
        ("enricher `clean`, telephone numbers, in the sandbox".to_owned(), ns_per_row(sandboxed)),
        ("its code natively".to_owned(), ns_per_row(natively)),
        ("native ÷ sandbox (at least 0.8)".to_owned(), format!("{:.2}", natively / sandboxed)),
        ("the same in rounds, by several sessions".to_owned(), ns_per_row(together)),
    ])
}

/// The plugin, opened for the columns of the bench, in a sandbox of its own.
async fn opened(package: &Package, cache: &Path, config: &Value) -> Result<(WasmHost, Box<dyn Enricher>)> {
    let (host, mut call) = sandbox(package, cache, 16)?;
    call.config = config.clone();
    let fields = [
        field(CODE, ColumnKind::Text),
        field(TELEPHONE, ColumnKind::Text),
        field(AMOUNT, ColumnKind::Number),
    ];
    let enricher = host.enricher(call, &fields).await.map_err(failed)?;
    Ok((host, enricher))
}

/// A plugin that only answers.
fn hollow_package(answer: &Batch) -> Result<Package> {
    let manifest = "schema = 1\n[plugin]\nid = \"hollow\"\nversion = \"1.0.0\"\nkind = \"enricher\"\n\
                    contract = \"halle:enricher@1\"\ntitle = { en = \"Hollow\" }\nlicence = \"MIT\"\n";
    Ok(Package::new(manifest, hollow(CODE, answer).into(), Default::default())?)
}

/// Nanoseconds per row.
async fn per_row(enricher: &mut dyn Enricher, batches: &[RecordBatch]) -> Result<f64> {
    let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
    let started = Instant::now();
    for batch in batches {
        enricher.run(batch.clone()).await.map_err(failed)?;
    }
    Ok(started.elapsed().as_secs_f64() * 1e9 / rows as f64)
}

/// Nanoseconds per row where an enrichment is given rounds of batches, as jobs give them, and has a session for each thread of
/// guests.
async fn side_by_side(enricher: &mut dyn Enricher, batches: &[RecordBatch]) -> Result<f64> {
    let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
    let started = Instant::now();
    for round in batches.chunks(ROUND_BATCHES) {
        enricher.run_all(round.to_vec()).await.map_err(failed)?;
    }
    Ok(started.elapsed().as_secs_f64() * 1e9 / rows as f64)
}

/// An enricher as the template has it: a greeting for a name.
async fn javascript(halle: &Path, work: &Path, batches: &[RecordBatch]) -> Result<[f64; 2]> {
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
    let fields = [field(NAME, ColumnKind::Text)];
    let mut enricher = host.enricher(call, &fields).await.map_err(failed)?;
    let count = (JAVASCRIPT_ROWS_MAX / BATCH_ROWS_MAX).min(batches.len()).max(1);
    let [mut alone, mut together] = [const { Vec::new() }; 2];
    for _ in 0..ROUNDS {
        alone.push(per_row(&mut *enricher, &batches[..count]).await?);
        together.push(side_by_side(&mut *enricher, &batches[..count]).await?);
    }
    Ok([alone, together].map(median))
}

fn arrow_batches(rows: usize) -> Result<Vec<RecordBatch>> {
    let starts = (0..rows).step_by(BATCH_ROWS_MAX);
    starts
        .map(|start| {
            let range = start..(start + BATCH_ROWS_MAX).min(rows);
            let texts = |value: fn(usize) -> String| -> ArrayRef {
                Arc::new(StringArray::from_iter_values(range.clone().map(value)))
            };
            let amounts: ArrayRef =
                Arc::new(Float64Array::from_iter_values(range.clone().map(|row| row as f64)));
            Ok(RecordBatch::try_from_iter([
                (CODE, texts(code)),
                (NAME, texts(|row| format!("name {row}"))),
                (TELEPHONE, texts(telephone)),
                (AMOUNT, amounts),
            ])?)
        })
        .collect()
}

/// The same code, and the same columns, without a sandbox.
struct Native<E> {
    fields: [Field; 1],
    batches: Vec<Batch>,
    session: E,
}

impl<E: Guest> Native<E> {
    fn new(subject: &Subject<E>, batches: &[RecordBatch]) -> Result<Self> {
        let fields = [Field::new(subject.column, Kind::Text)];
        let mut own = Vec::new();
        let mut row = 0;
        for rows in batches {
            let mut batch = BatchBuilder::new(&fields);
            for _ in 0..rows.num_rows() {
                batch.push([(subject.value)(row).as_str().into()]).map_err(reported)?;
                row += 1;
            }
            own.push(batch.finish());
        }
        let config = serde_json::from_value(subject.config.clone())?;
        let session = E::open(&fields, config).map_err(reported)?;
        Ok(Self { fields, batches: own, session })
    }

    /// What the batch at an index is answered.
    fn answer(&mut self, index: usize) -> Result<Batch> {
        let rows = Rows::new(&self.fields, &self.batches[index]).map_err(reported)?;
        Ok(self.session.run(&rows).map_err(reported)?.columns)
    }

    /// Nanoseconds per row.
    fn per_row(&mut self) -> Result<f64> {
        let rows: usize = self.batches.iter().map(|batch| batch.rows as usize).sum();
        let started = Instant::now();
        for index in 0..self.batches.len() {
            std::hint::black_box(self.answer(index)?);
        }
        Ok(started.elapsed().as_secs_f64() * 1e9 / rows as f64)
    }
}

fn reported(problem: halle_plugin::Problem) -> anyhow::Error {
    anyhow!("{}", problem.message)
}
