//! Processings over HTTP: real adapters, plugins whose behaviour the configuration chooses.

mod changes;
mod permissions;
mod runs;
mod site;
