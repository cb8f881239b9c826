//! Use cases, a file per verb. No HTTP here.

pub mod load;
pub(crate) mod names;
pub mod read;
pub mod write;
