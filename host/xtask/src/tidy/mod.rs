//! Rules that the compiler does not know: who may depend on whom, how long things may be, which words stay out, what may
//! not change.

mod frozen;
mod layers;
mod lengths;
mod sources;
mod words;

use anyhow::{Result, bail};

use crate::sh;

/// Checks every rule and lists every breach.
pub fn run() -> Result<()> {
    sh::say("tidy");
    let files = sources::tracked()?;
    let mut breaches = layers::check(&files)?;
    breaches.extend(lengths::check(&files));
    breaches.extend(words::check(&files));
    breaches.extend(frozen::check(&files));
    if breaches.is_empty() {
        println!("  {} files are in order", files.len());
        return Ok(());
    }
    for breach in &breaches {
        println!("  {breach}");
    }
    bail!("{} breaches of the rules of ARCHITECTURE.md", breaches.len())
}
