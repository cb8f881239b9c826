//! Use cases.

mod edit;
mod find;

pub(crate) use edit::{NewService, ServicePatch};
pub(crate) use find::ListQuery;
