//! The binary `halle`.

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    halle_app::run(halle_app::Cli::parse())
}
