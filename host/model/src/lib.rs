//! What Halle's things are, and who may do what to them: pure functions and plain data.
//!
//! **Invariant:** no I/O, no async, no clock. Every decision about a permission is made by
//! [`permission::can`] and nowhere else.
//!
//! Start with [`dataset::Dataset`], then [`column::Column`], then [`permission::can`].

pub mod caller;
pub mod column;
pub mod concept;
pub mod dataset;
pub mod draft;
pub mod editing;
pub mod extension;
pub mod journal;
pub mod limits;
pub mod listing;
pub mod notification;
pub mod pass;
pub mod permission;
pub mod plugins;
pub mod read_key;
pub mod schedule;
pub mod settings;
pub mod slug;
pub mod union;
pub mod webhook;

pub use caller::{Caller, Membership, User};
pub use column::{Capabilities, Column, ColumnKind};
pub use dataset::{Dataset, DatasetKind, Status};
pub use editing::Editing;
pub use extension::Extension;
pub use pass::Pass;
pub use settings::Settings;
pub use union::Union;
