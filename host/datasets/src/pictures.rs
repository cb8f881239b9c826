//! Pictures made small, as a port: `app` joins it with what draws and with the one way out to other servers.

use async_trait::async_trait;
use bytes::Bytes;

/// Longest picture that is read, in bytes.
pub const SOURCE_BYTES_MAX: usize = 20 << 20;

/// How a picture of one shape fills a frame of another; names are those of the reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Fit {
    /// `cover`: fills the frame, what is over is cut.
    #[default]
    Cover,
    /// `contain`: wholly within the frame, with bars.
    Contain,
    /// `fill`: stretched.
    Fill,
    /// `inside`: wholly within the frame, which may be smaller then.
    Inside,
    /// `outside`: covers the frame, nothing cut.
    Outside,
}

/// The frame of a small picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Frame {
    /// Width, in pixels.
    pub width_px: u32,
    /// Height, in pixels.
    pub height_px: u32,
    /// How the picture fills it.
    pub fit: Fit,
    /// Which part stays when some is cut: percent from the left and from the top.
    pub anchor_percent: (u8, u8),
}

/// Why a picture could not be had from another server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// The server says that there is none.
    #[error("the picture does not exist")]
    Missing,
    /// Anything else: refused, unreachable, too large, too slow. For the log.
    #[error("{0}")]
    Failed(String),
}

/// Fetches pictures and makes them small.
#[async_trait]
pub trait Pictures: Send + Sync {
    /// The bytes of a picture on another server, at most [`SOURCE_BYTES_MAX`]. The address comes from data: it may be dialled
    /// only if it is public.
    async fn fetch(&self, url: &str) -> Result<Bytes, FetchError>;

    /// A PNG of the picture in the frame; the error is for the log. Takes its time: called beside the asynchronous threads.
    fn shrink(&self, picture: &[u8], frame: &Frame) -> Result<Vec<u8>, String>;
}
