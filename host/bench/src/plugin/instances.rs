//! Instances: what a fresh one costs, how fast a compiled plugin is there again, what a thousand take.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result};
use halle_extensions::host::PluginHost;
use halle_extensions::package::Package;
use halle_model::ColumnKind;
use halle_testkit::guests::Script;
use serde_json::Value;

use super::{JAVASCRIPT, built, failed, field, kept, median, read, sandbox};
use crate::alone::Seen;

/// Calls of which the median is taken.
const CALLS: usize = 500;

/// Callers at the same time, so that no thread of the sandbox waits.
const CALLERS: usize = 16;

/// Times that all of them call, of which the median is taken.
const ROUNDS: usize = 5;

/// Name of the threads that run guests.
const THREAD_NAME: &str = "plugin";

/// Sandboxes opened over a warm cache, of which the median is taken.
const OPENINGS: usize = 9;

/// Instances alive at once.
const ALIVE: usize = 1_000;

/// A fresh instance, a warm start, a thousand instances.
pub async fn measure(packages: &Path, work: &Path) -> Result<Vec<Seen>> {
    let cache = work.join("compiled");
    let territory = built(packages, "territory")?;
    let (alone, together) = empty_calls(&cache).await?;
    let opened = opened(&territory, &cache).await?;
    let rust = warm(&territory, "code_commune", &cache).await?;
    let javascript = warm(&read(&kept(JAVASCRIPT))?, "name", &cache).await?;
    let alive = alive(&territory, &cache).await?;
    Ok(vec![
        (
            "empty call on a fresh instance (at most 20 µs), computed by the sandbox".to_owned(),
            format!("{together:.1} µs"),
        ),
        ("the same, one at a time, until the answer".to_owned(), format!("{alone:.1} µs")),
        ("enrichment begun on a fresh instance: plan and open".to_owned(), format!("{opened:.1} µs")),
        ("plugin in Rust ready from a warm cache (at most 5 ms)".to_owned(), format!("{rust:.2} ms")),
        ("plugin in JavaScript ready from a warm cache".to_owned(), format!("{javascript:.2} ms")),
        (format!("{ALIVE} live instances in Rust (at most 200 MB)"), format!("{alive:.0} MiB")),
    ])
}

/// Microseconds of a run that does nothing: for who waits for one, and those that the sandbox's threads compute for each of many.
async fn empty_calls(cache: &Path) -> Result<(f64, f64)> {
    let manifest = "schema = 1\n[plugin]\nid = \"empty\"\nversion = \"1.0.0\"\nkind = \"processing\"\n\
                    contract = \"halle:processing@1\"\ntitle = { en = \"Empty\" }\nlicence = \"MIT\"\n";
    let package = Package::new(manifest, Script::new().component().into(), Default::default())?;
    let (host, call) = sandbox(&package, cache, CALLERS)?;
    let run = || async { host.run_processing(call.clone(), Value::Null).await.map_err(failed) };
    let mut took = Vec::new();
    for _ in 0..CALLS {
        let started = Instant::now();
        run().await?;
        took.push(started.elapsed().as_secs_f64() * 1e6);
    }
    let caller = || async {
        for _ in 0..CALLS {
            run().await?;
        }
        anyhow::Ok(())
    };
    let mut computed = Vec::new();
    for _ in 0..ROUNDS {
        let before = computed_us()?;
        futures::future::try_join_all((0..CALLERS).map(|_| caller())).await?;
        computed.push((computed_us()? - before) / (CALLERS * CALLS) as f64);
    }
    Ok((median(took), median(computed)))
}

/// Microseconds that the threads of sandboxes have computed so far (`schedstat`, proc_pid_schedstat(5)).
fn computed_us() -> Result<f64> {
    let mut ns = 0.0;
    for task in std::fs::read_dir("/proc/self/task")? {
        let task = task?.path();
        let read = |file: &str| std::fs::read_to_string(task.join(file));
        // One that ends meanwhile has nothing to tell.
        let (Ok(name), Ok(times)) = (read("comm"), read("schedstat")) else { continue };
        if name.trim_end() == THREAD_NAME {
            let computed = times.split_whitespace().next().context("/proc has another form")?;
            ns += computed.parse::<f64>()?;
        }
    }
    Ok(ns / 1e3)
}

/// Microseconds until an enrichment may be given rows.
async fn opened(package: &Package, cache: &Path) -> Result<f64> {
    let (host, call) = sandbox(package, cache, 16)?;
    let fields = [field("code_commune", ColumnKind::Text)];
    let mut took = Vec::new();
    for _ in 0..CALLS {
        let started = Instant::now();
        host.enricher(call.clone(), &fields).await.map_err(failed)?;
        took.push(started.elapsed().as_secs_f64() * 1e6);
    }
    Ok(median(took))
}

/// Milliseconds of the first call of a sandbox that finds the plugin compiled.
async fn warm(package: &Package, column: &str, cache: &Path) -> Result<f64> {
    let fields = [field(column, ColumnKind::Text)];
    let mut took = Vec::new();
    for _ in 0..OPENINGS {
        let (host, call) = sandbox(package, cache, 16)?;
        let started = Instant::now();
        host.enricher(call, &fields).await.map_err(failed)?;
        took.push(started.elapsed().as_secs_f64() * 1e3);
    }
    Ok(median(took))
}

/// MiB that this process allocates for instances that are alive at once.
async fn alive(package: &Package, cache: &Path) -> Result<f64> {
    let (host, call) = sandbox(package, cache, ALIVE + 1)?;
    let fields = [field("code_commune", ColumnKind::Text)];
    // What the first one loads is not counted for each.
    let mut instances = vec![host.enricher(call.clone(), &fields).await.map_err(failed)?];
    let before = own_mib()?;
    while instances.len() <= ALIVE {
        instances.push(host.enricher(call.clone(), &fields).await.map_err(failed)?);
    }
    let after = own_mib()?;
    drop(instances);
    Ok(after - before)
}

/// What this process has allocated.
fn own_mib() -> Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    let kib = line.and_then(|line| line.split_whitespace().next()).context("/proc has another form")?;
    Ok(kib.parse::<f64>()? / 1_024.0)
}
