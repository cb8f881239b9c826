//! `cargo xtask`: everything a developer or a visitor does with this repository, in one place.
//!
//! Light on purpose: it is the first thing a fresh machine compiles. What needs the product's own crates runs as a
//! program of theirs (`halle`, `halle-e2e`).
//!
//! **Invariant:** whatever a step needs and the machine lacks is installed by [`setup`], which says so; nothing relies
//! on what an earlier run or a person left behind.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line tool talks on its standard streams"
)]
#![expect(clippy::disallowed_methods, reason = "this tool is not the product: it may read the environment")]

mod bench;
mod build;
mod demo;
mod fuzz;
mod openapi;
mod setup;
mod sh;
mod table_schema;
mod test;
mod tidy;

use anyhow::{Result, bail};

const USAGE: &str = "\
cargo xtask <command>

  demo [--check] [--port N]   set everything up, load the demo and serve it; with --check, prove it and exit
  test [--fast]               set everything up and run every check and test; --fast leaves out the slow lanes
  bench [--rows N] [--only Q] [--short]
                              measure a release build beside two yardsticks, and print the figures
  scenarios [--only FILE]     replay the corpus of requests and expected answers, with the debug binaries
  durability [--kills N] [--seed N]
                              kill a server at random moments; see whether it lost anything
  oracles [--seed N]          ask schemathesis and DuckDB (from PyPI) about a server
  fuzz [--seconds N] [--seed N] [--target T [--input FILE]]
                              fuzz what reads what strangers write, guided by coverage; with --input, feed only that
  tidy                        layers, lengths, words: the rules that a compiler does not know
  openapi                     validate the descriptions of the API
  tableschema                 validate a schema and its lines with Frictionless
  fix                         format, and apply what clippy can apply
  setup                       only install what the demo and the tests need, and build nothing
  ui | plugins                only build the back office, or the first-party plugins
";

fn main() -> std::process::ExitCode {
    match dispatch() {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            std::process::ExitCode::FAILURE
        }
    }
}

fn dispatch() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (command, rest) =
        args.split_first().map_or(("help", &[][..]), |(first, rest)| (first.as_str(), rest));
    std::env::set_current_dir(sh::root())?;
    match command {
        "demo" => demo::run(rest),
        "test" => test::run(rest),
        "bench" => bench::run(rest),
        "scenarios" => {
            build::binaries(build::Profile::Dev)?;
            demo::scenarios(build::Profile::Dev, rest)
        }
        "durability" => {
            build::binaries(build::Profile::Dev)?;
            demo::durability(build::Profile::Dev, rest)
        }
        "oracles" => {
            build::binaries(build::Profile::Dev)?;
            demo::oracles(build::Profile::Dev, rest)
        }
        "fuzz" => fuzz::run(rest),
        "tidy" => tidy::run(),
        "openapi" => openapi::validate(),
        "tableschema" => table_schema::validate(),
        "fix" => test::fix(),
        "setup" => setup::everything(),
        "ui" => build::ui(),
        "plugins" => build::plugins(build::Profile::Release),
        "help" | "--help" | "-h" => {
            print!("{USAGE}");
            Ok(())
        }
        unknown => bail!("unknown command `{unknown}`\n\n{USAGE}"),
    }
}
