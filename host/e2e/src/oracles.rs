//! What programs that are not ours say of a server: schemathesis sends what its description allows and does not allow,
//! and looks for failures and for statuses that are not described; DuckDB reads exports and computes the same figures.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use tokio::process::Command;

use crate::OracleArgs;
use crate::client::Client;
use crate::scenarios;
use crate::server::{Server, free_port};

/// Descriptions that schemathesis reads, with the seconds that it may take for each.
const DESCRIPTIONS: [(&str, &str); 2] =
    [("/data-fair/api/v1/datasets/lieux/api-docs.json", "20"), ("/data-fair/api/v1/api-docs.json", "40")];

/// Examples of each operation.
const EXAMPLES: &str = "4";

/// Asks both; fails with what they say.
pub async fn ask(args: &OracleArgs) -> Result<()> {
    if args.work_dir.exists() {
        std::fs::remove_dir_all(&args.work_dir)?;
    }
    let options = [("HALLE_NO_RATE_LIMITS", "true")];
    let server = Server::start_with(&args.halle, &args.work_dir, free_port()?, &options).await?;
    let owner = scenarios::make_world(&Client::anonymous(&server.url)?, &args.scenarios).await?;
    let key = owner.key().context("the owner of the world has a key")?;
    compute(args, &server, key).await?;
    for (description, seconds) in DESCRIPTIONS {
        explore(args, &server, key, description, seconds).await?;
    }
    server.stop().await
}

/// DuckDB over exports and aggregations of a random table.
async fn compute(args: &OracleArgs, server: &Server, key: &str) -> Result<()> {
    let mut duckdb = Command::new(args.python.join("bin/python"));
    duckdb.arg(args.oracles.join("duckdb_agrees.py")).arg(&server.url).arg(key).arg(server.data());
    duckdb.arg(args.seed.to_string());
    let status = duckdb.status().await.context("Python cannot be started")?;
    ensure!(status.success(), "DuckDB does not agree (seed {})", args.seed);
    Ok(())
}

/// schemathesis over one description.
async fn explore(
    args: &OracleArgs,
    server: &Server,
    key: &str,
    description: &str,
    seconds: &str,
) -> Result<()> {
    let config = std::path::absolute(args.oracles.join("schemathesis.toml"))?;
    let program = std::path::absolute(args.python.join("bin/schemathesis"))?;
    let mut command = Command::new(program);
    command.current_dir(server.data()).arg("--config-file").arg(config);
    command.args(["run", &format!("{}{description}", server.url), "--header", &format!("x-apiKey: {key}")]);
    command.args([
        "--phases",
        "coverage,fuzzing",
        "--max-examples",
        EXAMPLES,
        "--no-shrink",
        "--workers",
        "1",
    ]);
    command.args(["--checks", "not_a_server_error,status_code_conformance", "--continue-on-failure"]);
    command.args(["--max-time", seconds, "--seed", &args.seed.to_string(), "--no-color"]);
    // A slow machine is no failure of the server.
    command.args(["--suppress-health-check", "all"]);
    command.args(["--generation-database", "none", "--warnings", "off"]);
    let output = command.output().await.context("schemathesis cannot be started")?;
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    let log = log_of(server.data(), description);
    std::fs::write(&log, &told)?;
    let failures = told.split_once("= FAILURES =").map_or("", |(_, failures)| failures);
    ensure!(
        output.status.success(),
        "schemathesis found failures in {description}: see {}\n{}\n{}",
        log.display(),
        failures.chars().take(4_000).collect::<String>(),
        errors_of(server.data())
    );
    let cases = told.lines().find(|line| line.contains("generated")).unwrap_or_default().trim();
    println!("schemathesis, {description}: {cases}");
    Ok(())
}

/// The last errors that the server wrote down: what an answer calls by a reference only.
fn errors_of(folder: &Path) -> String {
    const LINES_MAX: usize = 20;
    let log = std::fs::read_to_string(folder.join("server.log")).unwrap_or_default();
    let errors: Vec<&str> = log.lines().filter(|line| line.contains("ERROR")).collect();
    errors[errors.len().saturating_sub(LINES_MAX)..].join("\n")
}

fn log_of(folder: &Path, description: &str) -> std::path::PathBuf {
    folder.join(format!("schemathesis{}.log", description.replace('/', "-")))
}
