//! Where features that must not know each other, or an adapter, are joined.

use async_trait::async_trait;
use halle_applications::{Applications, Look, Painter};
use halle_model::Caller;
use halle_portals::{ChartRequest, Charts, Picture};

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

/// Draws the charts of public pages with visualisation plugins.
pub struct PluginCharts(pub Applications);

#[async_trait]
impl Charts for PluginCharts {
    async fn draw(&self, caller: &Caller, chart: &ChartRequest) -> Result<Picture, String> {
        let look = Look {
            width_px: chart.width_px,
            height_px: chart.height_px,
            locale: chart.locale.to_owned(),
            theme: "light".to_owned(),
        };
        let drawn = self.0.draw_with(caller, chart.plugin, &chart.configuration, &look).await;
        let drawn = drawn.map_err(|error| error.to_string())?;
        Ok(Picture { svg: drawn.svg, alt: drawn.alt, table: drawn.table })
    }
}
