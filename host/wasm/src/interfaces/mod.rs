//! The host's side of each interface of `wit/host`, one file each. Every function counts itself first
//! ([`Guest::enter`](crate::guest::Guest::enter)), checks the grant next, and only then does something.

pub mod blobs;
pub mod csv;
pub mod datasets;
pub mod http;
pub mod log;
pub mod pace;
pub mod policy;
pub mod reference;
pub mod room;
pub mod small;
pub mod source;
pub mod state;
pub mod unzip;
