//! The sandbox against guests written by hand: core modules in WAT, made components of a world of `wit/`.

mod admission;
mod enricher;
mod guests;
mod hostile;
mod http;
mod sandbox;
