//! The sandbox against guests written by hand: core modules in WAT, made components of a world of `wit/`.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

mod admission;
mod datasets;
mod enricher;
mod guests;
mod hostile;
mod http;
mod instance;
mod lanes;
mod metering;
mod pace;
mod ports;
mod reference;
mod sandbox;
mod state;
mod upload;
