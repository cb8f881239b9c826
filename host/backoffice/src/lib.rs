//! The administration UI: its sources in `ui/`, and the route that serves what was built of them.
//!
//! `cargo xtask ui` builds the sources into `target/ui/backoffice`; this crate embeds that folder as it is when the crate is
//! compiled. The screens use the same HTTP API as everybody; this crate knows no other feature.
//!
//! **Invariant:** the crate compiles without Node and without the bundle; then `/admin/` says how to add it.
//!
//! **Invariant:** no page loads anything from another origin: the content security policy forbids it.
//!
//! **Invariant:** scripts may compile text only below `/admin/forms/`, where forms are drawn from the schemas of plugins.

mod http;

pub use http::router;
