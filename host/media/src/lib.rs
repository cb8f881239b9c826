//! Pictures: SVG and HTML made safe to show, SVG as PNG, and pictures of any usual format made small.
//!
//! **Invariant:** nothing here reads a file, a system font or the network because a picture says so. Pictures are drawn
//! from their sanitised form, so what is not on the allow-list of [`sanitize_svg`] cannot act, load, or multiply.
//!
//! **Invariant:** the same SVG gives the same PNG on every machine: the fonts are our own, in `fonts/`.

mod html;
mod png;
mod sanitize;
pub mod thumbnail;

pub use html::{HTML_BYTES_MAX, HTML_ELEMENTS_MAX, sanitize_html};
pub use png::{PNG_SIDE_PX_MAX, svg_to_png};
pub use sanitize::{SVG_BYTES_MAX, SVG_DEPTH_MAX, SVG_NODES_MAX, sanitize_svg};

/// Why a picture cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum MediaError {
    /// The source is longer than [`SVG_BYTES_MAX`].
    #[error("L'image SVG fait {bytes} octets, la limite est de {} octets.", SVG_BYTES_MAX)]
    TooLong {
        /// Bytes of the source.
        bytes: usize,
    },
    /// It is not XML, or its root is not `svg`. The reason has the line and the column.
    #[error("Ce n'est pas une image SVG : {0}.")]
    NotSvg(String),
    /// More nodes than [`SVG_NODES_MAX`], or deeper than [`SVG_DEPTH_MAX`].
    #[error(
        "L'image SVG est trop complexe : au plus {} éléments et textes, sur {} niveaux.",
        SVG_NODES_MAX,
        SVG_DEPTH_MAX
    )]
    TooComplex,
    /// A side of the PNG would be zero or more than [`PNG_SIDE_PX_MAX`].
    #[error(
        "L'image ferait {width} × {height} pixels, chaque côté doit être entre 1 et {} pixels.",
        PNG_SIDE_PX_MAX
    )]
    BadSize {
        /// Width asked, in pixels.
        width: u32,
        /// Height that follows from it, in pixels.
        height: u32,
    },
    /// The bytes are no picture in a known format, or one whose sides exceed [`thumbnail::PICTURE_SIDE_PX_MAX`].
    #[error("L'image ne peut pas être lue : {0}.")]
    NotAPicture(String),
    /// The source is longer than [`thumbnail::PICTURE_BYTES_MAX`].
    #[error("L'image fait {bytes} octets, la limite est de {} octets.", thumbnail::PICTURE_BYTES_MAX)]
    PictureTooLong {
        /// Bytes of the source.
        bytes: usize,
    },
    /// The HTML is longer than [`HTML_BYTES_MAX`].
    #[error("Le HTML fait {bytes} octets, la limite est de {} octets.", HTML_BYTES_MAX)]
    HtmlTooLong {
        /// Bytes of the source.
        bytes: usize,
    },
    /// More elements than [`HTML_ELEMENTS_MAX`].
    #[error("Le HTML a trop d'éléments : au plus {}.", HTML_ELEMENTS_MAX)]
    HtmlTooComplex,
    /// Nothing of the HTML may be shown.
    #[error("Rien de ce HTML ne peut être montré : il n'a ni texte, ni tableau, ni image en ligne.")]
    NothingToShow,
    /// The picture cannot be drawn.
    #[error("L'image SVG n'a pas pu être dessinée : {0}.")]
    Render(String),
}
