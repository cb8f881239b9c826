//! Where features that must not know each other, or an adapter, are joined.

use halle_applications::Painter;

/// Sanitises and draws with the crate `media`.
#[derive(Debug, Clone, Copy, Default)]
pub struct MediaPainter;

impl Painter for MediaPainter {
    fn sanitize(&self, svg: &str) -> Result<String, String> {
        halle_media::sanitize_svg(svg).map_err(|error| error.to_string())
    }

    fn png(&self, svg: &str, width_px: u32) -> Result<Vec<u8>, String> {
        halle_media::svg_to_png(svg, Some(width_px)).map_err(|error| error.to_string())
    }
}
