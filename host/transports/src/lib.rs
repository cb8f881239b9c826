//! The ways out of the platform. One so far: HTTP on behalf of plugins and services ([`HttpEgress`]).
//!
//! **Invariant:** no request leaves but through [`HttpEgress`], where each hop is checked in this order: what the URL
//! says ([`Target`]), what the policy allows, how often, and at dial time every address that its name stands for
//! ([`is_public`]).
//!
//! **Invariant:** private addresses are dialled only for origins that the operator listed one by one.
//!
//! **Invariant:** logs and problems have method, host, status, bytes and milliseconds, never a path, a query, a header
//! or a body.

mod address;
mod body;
mod config;
mod egress;
mod exchange;
mod policy;
mod problem;
mod resolver;
mod target;

pub use address::is_public;
pub use config::{EgressConfig, EgressError};
pub use egress::HttpEgress;
pub use resolver::{Resolver, SystemResolver};
pub use target::Target;
