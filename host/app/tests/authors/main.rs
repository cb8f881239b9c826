//! What an author does from a template to a server, with the commands that the book names, each in a process of its own.
//!
//! A program of its own, so that minutes of building stand beside nothing that is measured.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

mod desk;
mod recording;
mod templates;
