//! The smallest program that `Compiler::Process` can start: a component on standard input, its compiled form on standard
//! output. The binary `halle` does the same under a hidden subcommand.

use std::io::Write;
use std::process::ExitCode;

fn main() -> ExitCode {
    match halle_wasm::compile_worker(std::io::stdin().lock(), std::io::stdout().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            // Nobody is left to tell when standard error is closed too.
            let _ = writeln!(std::io::stderr(), "{reason}");
            ExitCode::FAILURE
        }
    }
}
