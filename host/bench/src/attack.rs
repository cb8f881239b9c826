//! What attacks cost those who read: the 99th percentile of `/lines` while a plugin misbehaves, and while one is installed,
//! against a quiet server.
//!
//! One server over a small dataset, with the default sandbox. Quiet rounds and rounds under attack take turns; the figure is the
//! ratio of their medians. What each attack may cost at most is in [`TARGET`] and [`INSTALL_TARGET`].

use std::fmt::{Display, Formatter};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use halle_extensions::package::Package;
use halle_testkit::guests::Script;
use serde_json::{Value, json};

use crate::alone::Seen;
use crate::halle::Halle;
use crate::{load, plugin, rows};

/// Rows of the dataset.
const ROWS: usize = 50_000;

/// How long one round lasts.
const ROUND: Duration = Duration::from_secs(2);

/// Rounds, quiet and under attack in turn.
const ROUNDS: usize = 3;

/// How many times longer than on a quiet server the 99th percentile may be.
const TARGET: f64 = 2.0;

/// The same, while a component is compiled.
const INSTALL_TARGET: f64 = 1.5;

/// Guests of one kind of attack at once: more than the sandbox has threads.
const GUESTS: usize = 3;

/// What a plugin asks for that computes as long as a round lasts.
const LONG: &str = "[limits]\ncpu-ms = 600000\n";

/// Attacks by name, each as long as a round at least.
fn attacks() -> Vec<(&'static str, Vec<u8>)> {
    // As much as there is, written again and again.
    let memory = "(loop $more (br_if $more (i32.ne (memory.grow (i32.const 16)) (i32.const -1))))
        (loop $again
            (memory.fill (i32.const 65536) (i32.const 1) (i32.sub (i32.mul (memory.size) (i32.const 65536)) (i32.const 65536)))
            (br $again))";
    let calls = |script: Script| script.raw("(br $more))").component();
    // A little work between two calls: a run may make a million of them, and is to last as long as a round.
    let storm = || {
        Script::new().raw(
            "(loop $more
                (local.set $page (i32.const 2000))
                (loop $spin
                    (local.set $page (i32.sub (local.get $page) (i32.const 1)))
                    (br_if $spin (local.get $page)))",
        )
    };
    let flood = "x".repeat(4_000);
    vec![
        ("endless loop", Script::new().loop_forever().component()),
        ("memory bomb", Script::new().raw(memory).component()),
        ("storm of host calls", calls(storm().advance(1))),
        ("flood of the log", calls(storm().say(&flood))),
    ]
}

/// Every attack in turn, then an installation, against the server that `binary` is.
pub async fn measure(binary: &Path, work_dir: &Path) -> Result<Vec<Seen>> {
    let csv = work_dir.join(format!("rows-{ROWS}.csv"));
    rows::write_csv(&csv, ROWS)?;
    let data = work_dir.join("attacked");
    let mut halle = Halle::start(binary, &data).await?;
    let (dataset, _) = halle.ingest(&csv, "rows").await?;
    let paths: Vec<String> = (0..50)
        .map(|page| format!("/data-fair/api/v1/datasets/{dataset}/lines?size=20&sort=-amount&page={page}"))
        .collect();
    let mut seen = Vec::new();
    for (name, component) in attacks() {
        eprintln!("  attack: {name}");
        let id = name.replace(' ', "-");
        install(&halle, binary, &data, &id, component).await?;
        let cost = under_attack(&halle, &paths, &id).await.with_context(|| name.to_owned())?;
        seen.push((format!("attack {name}: p99 × quiet (at most {TARGET})"), cost.to_string()));
    }
    eprintln!("  installation of a component");
    let cost = while_installing(&halle, &paths, &plugin::kept(plugin::JAVASCRIPT)).await?;
    seen.push((format!("install of a component: p99 × quiet (at most {INSTALL_TARGET})"), cost.to_string()));
    Ok(seen)
}

/// 99th percentiles of those who read, in milliseconds.
struct Cost {
    quiet_ms: f64,
    slowed_ms: f64,
}

impl Display for Cost {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        let Self { quiet_ms, slowed_ms } = self;
        write!(f, "{:.2} ({slowed_ms:.2} ms, {quiet_ms:.2} ms)", slowed_ms / quiet_ms)
    }
}

async fn p99_ms(halle: &Halle, paths: &[String]) -> Result<f64> {
    Ok(load::latency(&halle.process.address, paths, ROUND).await?.1)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Installs a processing of one component, granted what it asks.
async fn install(halle: &Halle, binary: &Path, data: &Path, id: &str, component: Vec<u8>) -> Result<()> {
    let manifest = format!(
        "schema = 1\n[plugin]\nid = \"{id}\"\nversion = \"1.0.0\"\nkind = \"processing\"\n\
         contract = \"halle:processing@1\"\ntitle = {{ en = \"{id}\" }}\nlicence = \"MIT\"\n{LONG}"
    );
    let package = Package::new(&manifest, component.into(), Default::default())?;
    let path = data.with_extension("halle-plugin");
    std::fs::write(&path, package.write()?)?;
    halle.install_package(binary, &path).await
}

/// The 99th percentiles with guests of a plugin at work and without.
async fn under_attack(halle: &Halle, paths: &[String], plugin: &str) -> Result<Cost> {
    let mut processings = Vec::new();
    for _ in 0..GUESTS {
        let body = json!({ "title": plugin, "plugin": plugin, "active": true, "config": {}, "slots": {} });
        let made = halle.post_at("/processings/api/v1/processings", &body).await?;
        processings.push(made["_id"].as_str().context("a processing without id")?.to_owned());
    }
    let (mut quiet, mut attacked) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        quiet.push(p99_ms(halle, paths).await?);
        let mut runs = Vec::new();
        for processing in &processings {
            let path = format!("/processings/api/v1/processings/{processing}/_trigger");
            let run = halle.post_at(&path, &json!({})).await?;
            runs.push(run["_id"].as_str().context("a run without id")?.to_owned());
        }
        until(halle, &runs, |status| status != "scheduled" && status != "triggered").await?;
        attacked.push(p99_ms(halle, paths).await?);
        for run in &runs {
            // One that met a limit meanwhile is over already.
            let _over = halle.post_at(&format!("/processings/api/v1/runs/{run}/_kill"), &json!({})).await;
        }
        until(halle, &runs, |status| matches!(status, "finished" | "error" | "killed")).await?;
    }
    Ok(Cost { quiet_ms: median(quiet), slowed_ms: median(attacked) })
}

/// Looks until the status of every run is as wanted.
async fn until(halle: &Halle, runs: &[String], wanted: impl Fn(&str) -> bool) -> Result<()> {
    for run in runs {
        loop {
            let seen: Value = halle.get_at(&format!("/processings/api/v1/runs/{run}")).await?;
            if seen["status"].as_str().is_some_and(&wanted) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    Ok(())
}

/// The 99th percentiles while a package is installed over HTTP, for as long as that takes, and without.
async fn while_installing(halle: &Halle, paths: &[String], package: &Path) -> Result<Cost> {
    let archive = std::fs::read(package).with_context(|| format!("{}", package.display()))?;
    let quiet = p99_ms(halle, paths).await?;
    let installing = halle.install(archive);
    tokio::pin!(installing);
    let mut slowed = Vec::new();
    let installed = loop {
        tokio::select! {
            biased;
            installed = &mut installing => break installed,
            p99 = p99_ms(halle, paths) => slowed.push(p99?),
        }
    };
    installed?;
    ensure!(!slowed.is_empty(), "the installation was over before a round of requests was");
    Ok(Cost { quiet_ms: quiet, slowed_ms: median(slowed) })
}
