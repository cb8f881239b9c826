//! The registry over HTTP: which plugins are installed, what each asks for, and what an administrator granted.
//!
//! Paths are those of the registry of Data Fair's newest generation (`/registry/api/v1/artefacts`); an artefact here is
//! a signed package of one WebAssembly component. Rules of packages and grants are in `halle_extensions::registry`.
//!
//! **Invariant:** only a superadmin in admin mode, with a session, installs, grants, rolls back or removes. A key that was made
//! for one plugin sends versions of it, which run only as far as the version before was granted, and reads its package back.
//!
//! **Invariant:** consent is given to what was read: a grant may name the digest it was decided on, and is refused if the
//! package changed since.
//!
//! Start with [`router`].

mod error;
mod http;
mod views;

pub use http::{openapi, router};
