//! Speaking to whoever watches: log, cancellation.

use crate::host;
use crate::problem::{Problem, Result};

/// Writes to the log, for operators.
pub fn debug(message: impl AsRef<str>) {
    host::log::emit(host::log::Level::Debug, message.as_ref(), &[]);
}

/// Writes to the log: progress in words.
pub fn info(message: impl AsRef<str>) {
    host::log::emit(host::log::Level::Info, message.as_ref(), &[]);
}

/// Writes to the log: something to look at.
pub fn warn(message: impl AsRef<str>) {
    host::log::emit(host::log::Level::Warn, message.as_ref(), &[]);
}

/// Writes to the log: something went wrong.
pub fn error(message: impl AsRef<str>) {
    host::log::emit(host::log::Level::Error, message.as_ref(), &[]);
}

/// The problem `cancelled` once somebody asked the run to stop. Call it between two pieces of work.
pub fn check_cancelled() -> Result<()> {
    if host::cancel::requested() {
        return Err(Problem::new("cancelled", "Arrêt demandé."));
    }
    Ok(())
}
