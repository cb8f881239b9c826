//! Runs one target under libFuzzer, which takes the command line. `HALLE_FUZZ_TARGET` names the target; the seeds that it
//! generates are written to the folder `HALLE_FUZZ_SEEDS`, if that is set.
//!
//! Built as every other program it runs blind, and libFuzzer says so: `cargo xtask fuzz` builds it instrumented.
#![no_main]
#![expect(clippy::print_stderr, reason = "a command-line tool talks on its standard streams")]
#![expect(clippy::disallowed_methods, reason = "this tool is not the product: it may read the environment")]

use std::path::Path;
use std::sync::OnceLock;

use halle_fuzz::{TARGETS, Target};
use libfuzzer_sys::fuzz_target;

static TARGET: OnceLock<Target> = OnceLock::new();

fuzz_target!(init: begin(), |input: &[u8]| {
    let target = TARGET.get().expect("libFuzzer begins with `begin`");
    (target.feed)(input);
});

fn begin() {
    let name = std::env::var("HALLE_FUZZ_TARGET").unwrap_or_default();
    let Some(target) = Target::find(&name) else {
        let names: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
        eprintln!("error: HALLE_FUZZ_TARGET is `{name}`; set it to one of {}", names.join(", "));
        std::process::exit(2);
    };
    if let Some(folder) = std::env::var_os("HALLE_FUZZ_SEEDS")
        && let Err(error) = write_seeds(target, Path::new(&folder))
    {
        eprintln!("error: the seeds cannot be written to {}: {error}", folder.display());
        std::process::exit(2);
    }
    TARGET.get_or_init(|| target);
}

fn write_seeds(target: Target, folder: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    for (number, seed) in (target.generated)().iter().enumerate() {
        std::fs::write(folder.join(number.to_string()), seed)?;
    }
    Ok(())
}
