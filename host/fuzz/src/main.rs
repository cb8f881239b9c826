//! Feeds damaged inputs to everything that reads what strangers write: files, questions, expressions,
//! plugins.
//!
//! A bounded random harness on stable Rust: `cargo-fuzz` needs a nightly compiler and a C++ runtime, which this
//! repository does not ask of anybody. It mutates seeds, those that the tests use among them, without the guidance of
//! coverage; a failure is a panic, or an input that takes longer than [`INPUT_MS_MAX`].
//!
//! **Invariant:** a run follows from its seed, so that a failure can be looked for again; the input is kept besides.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line tool talks on its standard streams"
)]

mod mutate;
mod plugins;
mod targets;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use clap::Parser;
use halle_base::SeededDice;

use mutate::Mutator;
use targets::{TARGETS, Target};

/// Longest time that one input may take, in milliseconds: generous, for an unoptimised build on a busy machine.
const INPUT_MS_MAX: u128 = 10_000;

/// Largest mutated input, in bytes.
const INPUT_BYTES_MAX: usize = 64 << 10;

/// Feeds damaged inputs to everything that reads what strangers write.
#[derive(Debug, Parser)]
struct Cli {
    /// Seconds for each target.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// What the inputs follow from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Only this target.
    #[arg(long)]
    target: Option<String>,
    /// Folder that keeps inputs that failed.
    #[arg(long, default_value = "target/fuzz")]
    keep: PathBuf,
    /// A kept input to feed once, to the target of `--target`.
    #[arg(long, requires = "target")]
    input: Option<PathBuf>,
}

fn main() -> ExitCode {
    match run(&Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: &Cli) -> Result<()> {
    let wanted = |target: &&Target| cli.target.as_deref().is_none_or(|name| name == target.name);
    let targets: Vec<&Target> = TARGETS.iter().filter(wanted).collect();
    let names: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
    ensure!(!targets.is_empty(), "there is no such target; there are {}", names.join(", "));
    if let Some(path) = &cli.input {
        (targets[0].feed)(&std::fs::read(path)?);
        return Ok(());
    }
    let mut failures = 0;
    for target in targets {
        match fuzz(target, cli) {
            Ok(inputs) => println!("ok      {}: {inputs} inputs", target.name),
            Err(error) => {
                failures += 1;
                println!("FAILED  {}: {error:#}", target.name);
            }
        }
    }
    targets::clean();
    ensure!(failures == 0, "{failures} targets failed (seed {})", cli.seed);
    Ok(())
}

/// Feeds a target until its time is up; how many inputs that were. Fails with the first input that breaks it.
fn fuzz(target: &Target, cli: &Cli) -> Result<u64> {
    let until = Instant::now() + Duration::from_secs(cli.seconds);
    let mut mutator = Mutator::new(SeededDice::new(cli.seed), (target.seeds)(), target.pieces);
    let mut inputs = 0;
    while Instant::now() < until {
        let mut input = mutator.next();
        input.truncate(INPUT_BYTES_MAX);
        let started = Instant::now();
        let outcome = std::panic::catch_unwind(|| (target.feed)(&input));
        let elapsed_ms = started.elapsed().as_millis();
        inputs += 1;
        let broken = match outcome {
            Err(_) => "panics over".to_owned(),
            Ok(()) if elapsed_ms > INPUT_MS_MAX => format!("takes {elapsed_ms} ms for"),
            Ok(()) => continue,
        };
        std::fs::create_dir_all(&cli.keep)?;
        let path = cli.keep.join(format!("{}-{}-{inputs}", target.name, cli.seed));
        std::fs::write(&path, &input)?;
        bail!(
            "it {broken} input {inputs}, kept as {}; again: `halle-fuzz --target {} --input {}`",
            path.display(),
            target.name,
            path.display()
        );
    }
    Ok(inputs)
}
