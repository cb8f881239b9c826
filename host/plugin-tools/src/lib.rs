//! What `halle plugin new`, `build`, `check`, `test`, `pack` and `sign` do on the machine of a plugin's author.
//!
//! Sources become a component ([`languages`]), a component and its manifest become a
//! package, and cases kept as files run against the real sandbox through the port [`halle_extensions::PluginHost`].
//!
//! **Invariant:** nothing here runs a guest; that is the sandbox's alone.
//!
//! **Invariant:** what an author sees pass here is what an administrator sees pass at installation: the same manifest
//! checks, the same package reader, the same host.
//!
//! Start with [`build::build`], then [`check::check`].

pub mod build;
pub mod cases;
pub mod check;
pub mod component;
mod embedded;
pub mod error;
pub mod languages;
pub mod new;
mod pages;
pub mod sign;
pub mod toolchain;
pub mod watch;

pub use error::{Result, ToolError};
