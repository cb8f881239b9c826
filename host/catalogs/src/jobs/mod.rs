//! Jobs of the feature: one import, one publication.

mod import;
mod publish;
mod stop;

pub(crate) use import::{IMPORT, ImportHandler};
pub(crate) use publish::{PUBLISH, PublishHandler};
