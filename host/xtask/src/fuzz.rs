//! Fuzzing guided by coverage: one instrumented program, its targets two at a time.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};

use crate::sh;

/// Seconds for what reads what anybody sends, file or question.
const SECONDS_EXPOSED: u32 = 60;
/// Seconds for each of the other targets.
const SECONDS_OTHER: u32 = 20;
/// What gets [`SECONDS_EXPOSED`], the longest first, so that no processor waits at the end.
const EXPOSED: &[&str] = &["csv", "zip", "tiles", "geometries", "expressions", "filters", "qs", "q"];

/// Targets that run at the same time.
const TOGETHER: usize = 2;
/// Largest input, in bytes.
const INPUT_BYTES_MAX: usize = 64 << 10;
/// Longest time of one input, in seconds: generous, for a busy machine.
const INPUT_S_MAX: u32 = 10;
/// Memory of the whole program, in MiB.
const MEMORY_MIB_MAX: u32 = 1024;
/// Lines of libFuzzer's that a failure shows.
const SHOWN_LINES: usize = 40;

/// What was asked on the command line.
#[derive(Debug, Default)]
struct Options {
    seconds: Option<u32>,
    seed: u32,
    target: Option<String>,
    input: Option<PathBuf>,
}

impl Options {
    fn parse(args: &[String]) -> Result<Self> {
        let mut options = Self { seed: 1, ..Self::default() };
        let mut args = args.iter();
        while let Some(name) = args.next() {
            let value = args.next().with_context(|| format!("`{name}` wants a value"))?;
            let number =
                || value.parse().with_context(|| format!("`{name}` wants a whole number, not `{value}`"));
            match name.as_str() {
                "--seconds" => options.seconds = Some(number()?),
                "--seed" => options.seed = number()?,
                "--target" => options.target = Some(value.clone()),
                "--input" => options.input = Some(value.into()),
                _ => bail!("`cargo xtask fuzz` does not know `{name}`"),
            }
        }
        ensure!(
            options.input.is_none() || options.target.is_some(),
            "`--input` wants `--target` too: who reads it"
        );
        Ok(options)
    }
}

/// Builds the instrumented program and runs the targets: all, or the one asked for; with an input, only that.
pub fn run(args: &[String]) -> Result<()> {
    let options = Options::parse(args)?;
    let targets = targets(options.target.as_deref())?;
    let program = build()?;
    if let (Some(input), [target]) = (&options.input, &targets[..]) {
        let mut once = command(&program, target)?;
        once.args(limits()).arg(input);
        return sh::run(&format!("{target} reads {}", input.display()), &mut once);
    }
    sh::say("fuzzing what reads what strangers write");
    let started = Instant::now();
    let (queue, failures) = (Mutex::new(targets.iter()), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..TOGETHER {
            scope.spawn(|| {
                while let Some(target) = queue.lock().ok().and_then(|mut queue| queue.next()) {
                    match fuzz(&program, target, &options) {
                        Ok(reached) => println!("  ok      {target}: {reached}"),
                        Err(error) => {
                            println!("  FAILED  {target}: {error:#}");
                            failures.lock().expect("nobody panics with it").push(target.as_str());
                        }
                    }
                }
            });
        }
    });
    println!("  done in {:.1} s", started.elapsed().as_secs_f64());
    let failures = failures.into_inner().expect("nobody panics with it");
    ensure!(
        failures.is_empty(),
        "fuzzing broke {}: see above what and how to do it again",
        failures.join(", ")
    );
    Ok(())
}

/// Names of the targets, from their folders; only the one asked for, if it is there.
fn targets(only: Option<&str>) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder()).context("the targets are missing")? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort_by_key(|name| {
        (EXPOSED.iter().position(|one| one == name).unwrap_or(EXPOSED.len()), name.clone())
    });
    if let Some(only) = only {
        ensure!(
            names.iter().any(|name| name == only),
            "there is no target `{only}`; there are {}",
            names.join(", ")
        );
        names.retain(|name| name == only);
    }
    Ok(names)
}

fn folder() -> PathBuf {
    sh::root().join("host/fuzz/targets")
}

/// Where corpora, logs and inputs that failed are kept.
fn kept() -> PathBuf {
    sh::target().join("fuzz")
}

/// Builds the program with what is built already: only the crates of the repository are compiled once more, to be
/// instrumented. The whole workspace is named, because features of dependencies follow from what is named.
fn build() -> Result<PathBuf> {
    let args = ["build", "--workspace", "--bin", "halle-fuzz"];
    let mut build = sh::command("cargo", args);
    build.env("RUSTC_WORKSPACE_WRAPPER", sh::root().join("host/fuzz/instrument"));
    // Of no use here, and large.
    build.env("CARGO_INCREMENTAL", "0");
    sh::run("building what is fuzzed, instrumented", &mut build)?;
    // Apart: the next ordinary build puts a program without instruments in its place.
    let program = kept().join("halle-fuzz");
    std::fs::create_dir_all(kept())?;
    let built = sh::target().join("debug/halle-fuzz");
    std::fs::copy(&built, &program).with_context(|| format!("{} cannot be copied", built.display()))?;
    Ok(program)
}

/// The program for a target, with a fresh folder of temporary files.
fn command(program: &Path, target: &str) -> Result<Command> {
    let temporary = kept().join("temporary").join(target);
    if temporary.exists() {
        std::fs::remove_dir_all(&temporary)?;
    }
    std::fs::create_dir_all(&temporary)?;
    let mut command = sh::command(&program.to_string_lossy(), [] as [&str; 0]);
    command
        .env("HALLE_FUZZ_TARGET", target)
        .env("HALLE_FUZZ_SEEDS", temporary.join("seeds"))
        .env("TMPDIR", &temporary);
    Ok(command)
}

fn limits() -> [String; 3] {
    [
        format!("-timeout={INPUT_S_MAX}"),
        format!("-rss_limit_mb={MEMORY_MIB_MAX}"),
        format!("-max_len={INPUT_BYTES_MAX}"),
    ]
}

/// Runs a target until its time is up; says what it reached. Fails with the input that breaks it, kept, and how to feed it
/// again; and when the program counts no edges.
fn fuzz(program: &Path, target: &str, options: &Options) -> Result<String> {
    let ours = folder().join(target);
    let (corpus, log, failed) =
        (kept().join("corpus").join(target), kept().join(format!("{target}.log")), kept().join("failed"));
    std::fs::create_dir_all(&corpus)?;
    std::fs::create_dir_all(&failed)?;
    let mut command = command(program, target)?;
    let temporary = kept().join("temporary").join(target);
    let default = if EXPOSED.contains(&target) { SECONDS_EXPOSED } else { SECONDS_OTHER };
    command.args(limits());
    command.arg(format!("-max_total_time={}", options.seconds.unwrap_or(default)));
    command.arg(format!("-seed={}", options.seed));
    command.arg("-print_funcs=0");
    command.arg(format!("-dict={}", ours.join("dictionary").display()));
    command.arg(format!("-artifact_prefix={}", failed.join(format!("{target}-")).display()));
    // What is found goes into the first folder. The second is filled by the program, before libFuzzer looks into it.
    std::fs::create_dir_all(temporary.join("seeds"))?;
    command.arg(corpus).arg(temporary.join("seeds"));
    if ours.join("seeds").exists() {
        command.arg(ours.join("seeds"));
    }
    let output = std::fs::File::create(&log)?;
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(output).status()?;
    std::fs::remove_dir_all(&temporary)?;
    let told = String::from_utf8_lossy(&std::fs::read(&log)?).into_owned();
    if !status.success() {
        let lines: Vec<&str> = told.lines().filter(|line| !line.starts_with('#')).collect();
        let last = lines[lines.len().saturating_sub(SHOWN_LINES)..].join("\n    ");
        let again = written(&told).map_or_else(String::new, |input| {
            format!("\n    again: cargo xtask fuzz --target {target} --input {input}")
        });
        bail!("{status}; all it said is in {}\n    {last}{again}", log.display());
    }
    reached(&told).with_context(|| {
        format!("no edge was counted: the program is not instrumented; see {}", log.display())
    })
}

/// The input that libFuzzer says it kept.
fn written(told: &str) -> Option<&str> {
    let (_, rest) = told.split_once("Test unit written to ")?;
    rest.split_whitespace().next()
}

/// Edges, inputs and inputs worth keeping, from the last line of libFuzzer's that counts; `None` when edges are none.
fn reached(told: &str) -> Option<String> {
    let line = told.lines().rfind(|line| line.starts_with('#') && line.contains(" cov: "))?;
    let after = |name: &str| line.split_once(name)?.1.split_whitespace().next();
    let inputs = line.trim_start_matches('#').split_whitespace().next()?;
    let edges = after(" cov: ").filter(|edges| *edges != "0")?;
    Some(format!("{edges} edges covered, {inputs} inputs, corpus {}", after(" corp: ").unwrap_or("0")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOLD: &str = "INFO: Loaded 1 modules\n#2\tINITED cov: 12 ft: 13 corp: 1/1b exec/s: 0 rss: 40Mb\n\
        #4096\tDONE   cov: 345 ft: 900 corp: 20/1Kb lim: 4 exec/s: 9 rss: 50Mb\nDone 4096 runs in 1 second(s)\n";

    #[test]
    fn what_was_reached_is_told_and_nothing_is_no_success() {
        assert_eq!(reached(TOLD).unwrap(), "345 edges covered, 4096 inputs, corpus 20/1Kb");
        assert_eq!(reached(&TOLD.replace("cov: 345", "cov: 0")), None);
        assert_eq!(reached("#2\tINITED ft: 13 corp: 1/1b exec/s: 0\n"), None);
        assert_eq!(reached(""), None);
    }

    #[test]
    fn the_input_that_failed_is_found() {
        let told = "artifact_prefix='a/'; Test unit written to a/crash-1f\nBase64: AA==\n";
        assert_eq!(written(told), Some("a/crash-1f"));
        assert_eq!(written(TOLD), None);
    }

    #[test]
    fn options_are_read_and_wrong_ones_are_named() {
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let options = Options::parse(&words("--seconds 5 --target csv")).unwrap();
        assert_eq!((options.seconds, options.seed, options.target.as_deref()), (Some(5), 1, Some("csv")));
        for (wrong, said) in [
            ("--seconds x", "whole number"),
            ("--input a", "--target"),
            ("--a b", "does not know"),
            ("--seed", "value"),
        ] {
            assert!(Options::parse(&words(wrong)).unwrap_err().to_string().contains(said), "{wrong}");
        }
    }
}
