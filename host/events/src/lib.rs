//! Events: who is told that something happened. Outside by webhooks, which an account declares in its settings
//! (reference §1.9); inside, by reading: what people sent about the datasets of an account, and what a person received.
//!
//! A feature tells of an event with [`halle_store::settings::notify`], and of what a person wrote with
//! [`halle_store::notifications::send`], in the unit of work that makes it true; that enqueues one job per webhook that
//! wants it. Here the jobs are done: one `POST` each, through the one way out.
//!
//! **Invariant:** a webhook that does not answer delays nothing but its own calls, and is given up after a few attempts.
//!
//! **Invariant:** an address that the egress refuses (private, loopback) is never called, whatever the settings say.
//!
//! **Invariant:** a person reads what was sent to them; who administers an account, what was sent about what it owns. Nobody else reads either.

mod http;
mod service;
mod webhooks;

use std::sync::Arc;

use halle_base::Clock;
use halle_store::Store;

pub use http::{openapi, router};
pub use webhooks::{EventsParts, handlers};

/// What was sent, to be read; cheap to clone.
#[derive(Clone)]
pub struct Events {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
}

impl Events {
    /// Over the given store.
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock }
    }
}
