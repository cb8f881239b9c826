//! One run: rows, ingestion, questions, plugins.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::halle::Halle;
use crate::load::{self, Connection, Round};
use crate::process::{Process, bytes_in};
use crate::questions::{self, Case, PAGE_LINES, Question, halle_path, yardstick_path};
use crate::report::{Answers, Ingestion, Report};
use crate::{alone, attack, plugin, rows};

/// How long one round of one question lasts on one contender, in latency and again in throughput.
const ROUND: Duration = Duration::from_millis(1_000);

/// Rounds in which the contenders take turns.
const ROUNDS: usize = 3;

/// Pages followed by `next` of a thousand lines each, to have cursors at every depth.
const CHAIN_PAGES: usize = 24;

/// Options of `run`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The release binary.
    #[arg(long)]
    halle: PathBuf,
    /// Folder of the packages of plugins.
    #[arg(long)]
    plugins: PathBuf,
    /// Folder for rows and indexes.
    #[arg(long)]
    work_dir: PathBuf,
    /// Rows.
    #[arg(long, default_value_t = 1_000_000)]
    rows: usize,
    /// Only questions whose name has this in it.
    #[arg(long)]
    only: Option<String>,
    /// Leave out the ingestion of a quarter of the rows, which shows whether memory grows, and plugins.
    #[arg(long)]
    short: bool,
}

/// The contenders, with their rows.
struct Contenders {
    halle: Halle,
    dataset: String,
    tantivy: Process,
    raw: Process,
}

/// Runs everything and prints the report.
pub async fn run(args: &Args) -> Result<()> {
    std::fs::create_dir_all(&args.work_dir)?;
    let mut report = Report::new(args.rows);
    let contenders = ingest(args, &mut report).await?;
    let mut cases = questions::cases(args.rows);
    cases.insert(cases.len() - 1, by_next(&contenders).await?);
    for case in &cases {
        if args.only.as_ref().is_none_or(|only| case.name.contains(only)) {
            eprintln!("  {}", case.name);
            report.answers.push(ask(&contenders, case).await.with_context(|| case.name)?);
        }
    }
    report.after = Some(contenders.halle.process.used()?);
    if !args.short {
        eprintln!("  alone");
        report.alone =
            alone::measure(&contenders.halle, &contenders.dataset, &args.halle, &args.work_dir).await?;
        eprintln!("  chart");
        let chart = plugin::chart(&contenders.halle, &args.halle, &args.plugins, &contenders.dataset).await?;
        report.plugins.push(chart);
    }
    drop(contenders);
    if !args.short {
        eprintln!("  attacks");
        report.plugins.extend(attack::measure(&args.halle, &args.work_dir).await?);
        eprintln!("  plugins");
        report.plugins.extend(plugin::measure(&args.halle, &args.plugins, &args.work_dir, args.rows).await?);
    }
    let text = report.to_string();
    std::fs::write(args.work_dir.join("report.md"), &text)?;
    println!("{text}");
    Ok(())
}

async fn ingest(args: &Args, report: &mut Report) -> Result<Contenders> {
    let csv = args.work_dir.join(format!("rows-{}.csv", args.rows));
    eprintln!("  writing rows");
    rows::write_csv(&csv, args.rows)?;
    report.csv_bytes = std::fs::metadata(&csv)?.len();
    eprintln!("  ingestion: halle");
    let mut halle = Halle::start(&args.halle, &args.work_dir.join("halle")).await?;
    if !args.short {
        let quarter = args.work_dir.join(format!("rows-{}.csv", args.rows / 4));
        rows::write_csv(&quarter, args.rows / 4)?;
        let (id, took) = halle.ingest(&quarter, "quarter").await?;
        report.quarter =
            Some(Ingestion { seconds: took.as_secs_f64(), used: halle.process.used()?, bytes: 0 });
        halle.remove(&id).await?;
        // What is removed goes from the disk a moment later.
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
    let (before, disk_before) = (halle.process.used()?, halle.on_disk()?);
    halle.process.forget_peak();
    let (dataset, took) = halle.ingest(&csv, "rows").await?;
    let (mut used, disk) = (halle.process.used()?, halle.on_disk()?);
    used.cpu_seconds -= before.cpu_seconds;
    let bytes = disk.index.saturating_sub(disk_before.index);
    report.halle_truth_bytes = disk.truth.saturating_sub(disk_before.truth);
    report.halle = Some(Ingestion { seconds: took.as_secs_f64(), used, bytes });
    let (tantivy, loaded) = yardstick(args, "tantivy", &csv).await?;
    report.tantivy = Some(loaded);
    let (raw, loaded) = yardstick(args, "raw", &csv).await?;
    report.raw = Some(loaded);
    Ok(Contenders { halle, dataset, tantivy, raw })
}

async fn yardstick(args: &Args, name: &str, csv: &Path) -> Result<(Process, Ingestion)> {
    eprintln!("  ingestion: {name}");
    let dir = args.work_dir.join(name);
    if dir.exists() {
        std::fs::remove_dir_all(&dir)?;
    }
    std::fs::create_dir_all(&dir)?;
    let started = Instant::now();
    let process = Process::yardstick(name, csv, &dir).await?;
    let seconds = started.elapsed().as_secs_f64();
    let ingestion = Ingestion { seconds, used: process.used()?, bytes: bytes_in(&dir)? };
    Ok((process, ingestion))
}

/// Pages at many depths, by the cursors that Halle gives.
async fn by_next(contenders: &Contenders) -> Result<Case> {
    let mut connection = Connection::open(&contenders.halle.process.address).await?;
    let mut path = format!(
        "/data-fair/api/v1/datasets/{}/lines?size=1000&select=code&count=false&sort=-amount",
        contenders.dataset
    );
    let mut forms = Vec::new();
    for _ in 0..CHAIN_PAGES {
        let page: Value = serde_json::from_slice(&connection.read(&path).await?)?;
        let Some(next) = page["next"].as_str() else { break };
        let after = next.split(['?', '&']).find_map(|part| part.strip_prefix("after="));
        let after = after.context("`next` has no cursor")?;
        let after = percent_encoding::percent_decode_str(after).decode_utf8()?;
        let (amount, line) = after.split_once(',').with_context(|| format!("an unknown cursor: {after}"))?;
        forms.push(Question::Next { amount: amount.parse()?, line: line.parse()? });
        path = next
            .split_once("/data-fair/")
            .map(|(_, tail)| format!("/data-fair/{tail}"))
            .context("no path")?;
    }
    Ok(Case { name: "page by next", forms, is_exact: false })
}

/// One kind of question, asked to each in turn.
async fn ask(contenders: &Contenders, case: &Case) -> Result<Answers> {
    let halle: Vec<String> = case.forms.iter().map(|form| halle_path(&contenders.dataset, form)).collect();
    let yardstick: Vec<String> = case.forms.iter().map(yardstick_path).collect();
    let sides = [
        (&contenders.halle.process, &halle),
        (&contenders.tantivy, &yardstick),
        (&contenders.raw, &yardstick),
    ];
    let mut totals = Vec::new();
    let mut lengths = Vec::new();
    for (process, paths) in sides {
        let mut connection = Connection::open(&process.address).await?;
        let answer = connection.read(&paths[0]).await?;
        lengths.push(answer.len());
        totals.push(match serde_json::from_slice::<Value>(&answer) {
            Ok(json) => json["total"].as_u64().unwrap_or(0),
            Err(_) => answer.iter().filter(|byte| **byte == b'\n').count() as u64,
        });
    }
    ensure!(
        !case.is_exact || totals.iter().all(|total| *total == totals[0]),
        "the contenders do not agree: {totals:?} lines"
    );
    let mut rounds: [Vec<Round>; 3] = Default::default();
    for _ in 0..ROUNDS {
        for (side, (process, paths)) in sides.iter().enumerate() {
            rounds[side].push(load::round(&process.address, paths, ROUND).await?);
        }
    }
    let [halle, tantivy, raw] = rounds.map(median);
    // A page at 9,000 must have all its lines.
    ensure!(lengths[0] > PAGE_LINES, "an empty answer");
    Ok(Answers { name: case.name.to_owned(), total: totals[0], halle, tantivy, raw })
}

/// Medians over the rounds, each figure for itself.
fn median(rounds: Vec<Round>) -> Round {
    let of = |figure: fn(&Round) -> f64| {
        let mut values: Vec<f64> = rounds.iter().map(figure).collect();
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    Round {
        p50_ms: of(|round| round.p50_ms),
        p99_ms: of(|round| round.p99_ms),
        per_second: of(|round| round.per_second),
    }
}
