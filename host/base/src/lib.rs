//! What every crate of Halle may use: time, dice, identifiers, secrets, accounts.
//!
//! **Invariant:** nothing here does I/O, and nothing here is asynchronous. Time and chance come in as
//! arguments ([`Clock`], [`Dice`]), so that a test decides both.

mod account;
mod clock;
mod dice;
mod id;
pub mod limits;
mod secret;

pub use account::{AccountKind, AccountRef};
pub use clock::{Clock, ManualClock, SystemClock};
pub use dice::{Dice, SeededDice, SystemDice};
pub use id::{IdError, new_id, parse_id};
pub use jiff::Timestamp;
pub use secret::Secret;
