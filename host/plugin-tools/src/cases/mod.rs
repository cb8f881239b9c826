//! `halle plugin test`: cases kept as files, run in the real sandbox.
//!
//! A case is a JSON file in `tests/cases/`. It gives what a call may use (configuration, secrets, rows, recorded HTTP
//! exchanges) and what must come out; whatever it does not mention is not compared. A request that no exchange answers fails
//! the case, or is made and kept when exchanges are [recorded](Recording).

mod compare;
mod fakes;
mod file;
mod kinds;
mod log;
mod record;
mod slots;
mod tables;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use halle_base::Secret;
use halle_extensions::config::{ConfigSchema, SecretEdit};
use halle_extensions::grants::{HostLimits, asked};
use halle_extensions::host::Call;
use halle_extensions::metering::Subject;
use halle_extensions::package::Package;
use halle_extensions::registry::Installed;
use halle_extensions::{PluginHost, PluginResult};
use tokio_util::sync::CancellationToken;

use crate::error::{Result, ToolError, at};
pub use file::Case;
use record::Recorder;
pub use record::Recording;

/// What became of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseReport {
    /// File name without its ending.
    pub name: String,
    /// What differs from what was expected, in words; empty when the case passed.
    pub differences: Vec<String>,
    /// What the plugin logged, to understand a difference.
    pub log: Vec<String>,
    /// How long the call took, from a fresh instance to its answer.
    pub elapsed: Duration,
    /// Exchanges that were recorded.
    pub recorded: usize,
}

/// What became of all cases of a plugin. Its text has a line per case, then what differs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CasesReport {
    /// Cases, in order of their names.
    pub cases: Vec<CaseReport>,
}

impl CasesReport {
    /// Whether every case came out as expected.
    pub fn passed(&self) -> bool {
        self.cases.iter().all(|case| case.differences.is_empty())
    }
}

impl std::fmt::Display for CasesReport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for case in &self.cases {
            let verdict = if case.differences.is_empty() { "ok" } else { "FAILED" };
            writeln!(f, "case {} ... {verdict} ({:.1} ms)", case.name, case.elapsed.as_secs_f64() * 1_000.0)?;
            if case.recorded > 0 {
                writeln!(f, "    {} exchanges recorded", case.recorded)?;
            }
            for difference in &case.differences {
                writeln!(f, "    {difference}")?;
            }
            let log = case.log.iter().filter(|_| !case.differences.is_empty());
            for line in log {
                writeln!(f, "    log: {line}")?;
            }
        }
        let failed = self.cases.iter().filter(|case| !case.differences.is_empty()).count();
        writeln!(f, "{} passed, {failed} failed", self.cases.len() - failed)
    }
}

/// Runs every case of the plugin in `folder`, in order of their names. `host` must know the component of `package` under its
/// digest. The plugin gets everything its manifest asks.
pub async fn run(folder: &Path, package: &Package, host: Arc<dyn PluginHost>) -> Result<CasesReport> {
    run_with(folder, package, host, None).await
}

/// As [`run`]; requests that no exchange of their case answers are made, and kept in its file.
pub async fn record(
    folder: &Path,
    package: &Package,
    host: Arc<dyn PluginHost>,
    recording: Recording,
) -> Result<CasesReport> {
    run_with(folder, package, host, Some(recording)).await
}

async fn run_with(
    folder: &Path,
    package: &Package,
    host: Arc<dyn PluginHost>,
    recording: Option<Recording>,
) -> Result<CasesReport> {
    let refused = |error: halle_extensions::PluginError| {
        ToolError::Usage(format!("the sandbox refuses this plugin: {error}"))
    };
    host.admit(&package.manifest, package.component()).await.map_err(refused)?;
    let manifest = package.manifest.clone();
    let plugin = Arc::new(Installed {
        id: manifest.plugin.id.clone(),
        digest: package.digest(),
        grants: Some(asked(&manifest)),
        limits: HostLimits::default().effective(manifest.plugin.kind, manifest.limits.as_ref()),
        signed_by: None,
        manifest,
    });
    let mut report = CasesReport::default();
    for path in files(folder)? {
        let case = Case::read(&path)?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let invalid = |message: String| ToolError::Case { path: path.clone(), message };
        let (ran, world) =
            run_case(name, &case, plugin.clone(), &*host, recording.as_ref()).await.map_err(invalid)?;
        if let Some(recorder) = world.recorder().filter(|recorder| recorder.count() > 0) {
            recorder.write(&path)?;
        }
        report.cases.push(ran);
    }
    Ok(report)
}

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let cases = folder.join("tests/cases");
    if !cases.is_dir() {
        return Err(ToolError::Usage(format!("{} is missing: put at least one case there", cases.display())));
    }
    let mut files = Vec::new();
    for entry in std::fs::read_dir(&cases).map_err(at(&cases))? {
        files.push(entry.map_err(at(&cases))?.path());
    }
    files.retain(|path| path.extension().is_some_and(|ending| ending == "json"));
    files.sort();
    if files.is_empty() {
        return Err(ToolError::Usage(format!("{} holds no case (`*.json`)", cases.display())));
    }
    Ok(files)
}

async fn run_case(
    name: String,
    case: &Case,
    plugin: Arc<Installed>,
    host: &dyn PluginHost,
    recording: Option<&Recording>,
) -> Result<(CaseReport, fakes::World), String> {
    let (config, secrets) = prepared(case, &plugin)?;
    let (secrets, recorder) = match recording {
        None => (secrets, None),
        Some(recording) => real(secrets, recording)?,
    };
    let world = fakes::World::new(case, recorder)?;
    let (secrets, services, cancel) = (Arc::new(secrets), world.services(), CancellationToken::new());
    let subject = Subject::tool(&plugin);
    let call = Call { plugin, subject, config, secrets, services, cancel };
    let begun = Instant::now();
    let answer: PluginResult<serde_json::Value> = kinds::run(case, call, &world, host).await?;
    let elapsed = begun.elapsed();
    let mut differences = Vec::new();
    match (answer, &case.expect.problem) {
        (Ok(answer), None) => compare::outcome(case, &answer, &world, &mut differences),
        (Ok(_), Some(_)) => differences.push("a problem was expected, and there was none".to_owned()),
        (Err(error), Some(expected)) => compare::problem(expected, &error, &mut differences),
        (Err(error), None) => differences.push(format!("the plugin gave up: {error} ({})", error.code())),
    }
    if let Some(expected) = &case.expect.log {
        log::compare(expected, &world.records(), &mut differences);
    }
    differences.extend(world.unused_exchanges());
    let recorded = world.recorder().map_or(0, Recorder::count);
    Ok((CaseReport { name, differences, log: world.log_lines(), elapsed, recorded }, world))
}

type Secrets = Vec<(String, Secret<String>)>;

/// Real secrets in place of those of a case, and a recorder that puts these back.
fn real(secrets: Secrets, recording: &Recording) -> Result<(Secrets, Option<Recorder>), String> {
    let mut hidden = Vec::new();
    let shown = secrets.iter().map(|(_, shown)| shown.reveal().clone()).collect();
    let given = secrets.into_iter().map(|(name, shown)| {
        let Some(real) = recording.secrets.get(&name) else { return (name, shown) };
        hidden.push((real.clone(), shown.reveal().clone()));
        (name, real.clone())
    });
    let given = given.collect();
    Ok((given, Some(Recorder::new(Arc::clone(&recording.egress), hidden, shown)?)))
}

/// The configuration as the platform hands it over: valid, its secrets replaced by their names; and the secrets.
fn prepared(case: &Case, plugin: &Installed) -> Result<(serde_json::Value, Secrets), String> {
    let mut config = case.config.clone();
    let mut secrets = Vec::new();
    if let Some(schema) = &plugin.manifest.config {
        let schema = ConfigSchema::new(schema)?;
        schema.validate(&config).map_err(|problems| {
            let told: Vec<String> = problems
                .iter()
                .map(|problem| format!("{} {problem}", problem.field.as_deref().unwrap_or_default()))
                .collect();
            format!("`config` does not fit the manifest: {}", told.join("; "))
        })?;
        for (secret, edit) in schema.take_secrets(&mut config, &[]) {
            if let SecretEdit::Set(value) = edit {
                secrets.push((secret, value));
            }
        }
    }
    Ok((config, secrets))
}
