//! What our visualisations share: SVG that says what it shows, colours that stay legible, axes with round ticks, numbers and
//! dates as readers write them, and what their configurations have in common.
//!
//! **Invariant:** the same input gives the same bytes, and no text of data is taken for markup.
//!
//! Start with [`Frame`], which begins every picture, then [`svg::Svg`].

pub mod classes;
pub mod config;
mod frame;
pub mod label;
pub mod locale;
pub mod scale;
pub mod svg;

pub use frame::{Frame, MARGIN};
pub use locale::Locale;
