//! The corpus of `host/e2e/scenarios`: requests with the answers that the API contract promises, replayed in order
//! against a server of their own on a clean folder. `host/e2e/scenarios/README.md` describes the format.

mod callers;
mod compare;
mod format;
mod placeholders;
mod request;
mod socket;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use crate::ScenarioArgs;
use crate::client::Client;
use crate::server::{Server, free_port};
use callers::Callers;
use format::{Answer, Scenario, ScenarioFile};
use placeholders::Kept;
use socket::Sockets;

/// How long a scenario with `wait` asks again before it counts as failed.
const WAIT_MAX: Duration = Duration::from_secs(60);

/// Time between two of those requests.
const ASK_EVERY: Duration = Duration::from_millis(50);

/// Replays every file, or those that `--only` names after the first file, which sets the world up.
pub async fn replay(args: &ScenarioArgs) -> Result<()> {
    let files = files(&args.scenarios, args.only.as_deref())?;
    if args.work_dir.exists() {
        std::fs::remove_dir_all(&args.work_dir)?;
    }
    // A proxy of ours says to which of the addresses a request came: `x-forwarded-host` names a site.
    let options = [("HALLE_NO_RATE_LIMITS", "true"), ("HALLE_TRUSTED_PROXIES", "1")];
    let server = Server::start_with(&args.halle, &args.work_dir, free_port()?, &options).await?;
    let anonymous = Client::anonymous(&server.url)?;
    let callers = Callers::introduce(&anonymous).await?;
    let (mut replayed, mut failed) = (0, 0);
    for path in files {
        let (scenarios, failures) = replay_file(&callers, &path).await?;
        replayed += scenarios;
        failed += failures;
    }
    server.stop().await?;
    if failed > 0 {
        let log = args.work_dir.join("server.log");
        bail!("{failed} of {replayed} scenarios failed; the log of the server is in {}", log.display());
    }
    println!("\n{replayed} scenarios answer as the contract says");
    Ok(())
}

/// Makes the world of the scenarios in `folder` on a server; the client of a key of its owner.
pub async fn make_world(anonymous: &Client, folder: &Path) -> Result<Client> {
    let callers = Callers::introduce(anonymous).await?;
    let world = files(folder, None)?.swap_remove(0);
    let (_, failures) = replay_file(&callers, &world).await?;
    ensure!(failures == 0, "the world of the scenarios cannot be made");
    callers.get("key").cloned()
}

/// Replays a file and tells how it went; how many scenarios it has, and how many failed.
async fn replay_file(callers: &Callers, path: &Path) -> Result<(usize, usize)> {
    let file = ScenarioFile::read(path)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut replay = Replay { callers, folder, kept: Kept::default(), sockets: Sockets::default() };
    let mut failures = Vec::new();
    for scenario in &file.scenarios {
        if let Err(error) = replay.one(&file, scenario).await {
            failures.push(format!("{name}: {}: {error:#}", scenario.name));
        }
    }
    let outcome = if failures.is_empty() { "ok" } else { "FAILED" };
    println!("{outcome:7} {name}: {} scenarios, {}", file.scenarios.len(), file.title);
    failures.iter().for_each(|failure| println!("        {failure}"));
    Ok((file.scenarios.len(), failures.len()))
}

/// The files to replay, in the order of their names.
fn files(folder: &Path, only: Option<&str>) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("no folder {}", folder.display()))?;
    let paths = entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>()?;
    let mut files: Vec<PathBuf> =
        paths.into_iter().filter(|path| path.extension().is_some_and(|end| end == "yaml")).collect();
    files.sort();
    ensure!(!files.is_empty(), "there are no scenarios in {}", folder.display());
    let wanted = |path: &Path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        only.is_none_or(|part| name.contains(part))
    };
    Ok(files
        .iter()
        .enumerate()
        .filter(|(at, path)| *at == 0 || wanted(path))
        .map(|(_, path)| path.clone())
        .collect())
}

/// One file being replayed.
struct Replay<'a> {
    callers: &'a Callers,
    folder: &'a Path,
    kept: Kept,
    sockets: Sockets,
}

impl Replay<'_> {
    /// Sends the request of a scenario and compares the answer; with `wait`, until it is the expected one.
    async fn one(&mut self, file: &ScenarioFile, scenario: &Scenario) -> Result<()> {
        let caller = scenario.caller.as_deref().or(file.caller.as_deref()).unwrap_or("owner");
        let client = self.callers.get(caller)?;
        if let Some(step) = scenario.step() {
            let expected = self.kept.in_expectation(&scenario.expected());
            let json = scenario.json.as_ref();
            return self.sockets.play((caller, client), &step, json, &expected, &self.kept).await;
        }
        let deadline = tokio::time::Instant::now() + WAIT_MAX;
        loop {
            let request = request::build(client, scenario, self.folder, &self.kept)?;
            let answer = client.send(request).await?;
            let answer = Answer::new(&answer);
            match compare::answer(&self.kept.in_expectation(&scenario.expected()), &answer) {
                Ok(()) => {
                    for (name, place) in &scenario.keep {
                        let value = answer.at(place).with_context(|| {
                            format!("there is no {place} to keep in {}", answer.excerpt())
                        })?;
                        self.kept.insert(name, value);
                    }
                    return Ok(());
                }
                Err(_) if scenario.wait && tokio::time::Instant::now() < deadline => {
                    tokio::time::sleep(ASK_EVERY).await;
                }
                Err(difference) => return Err(difference),
            }
        }
    }
}
