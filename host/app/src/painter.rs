//! Where features that must not know each other, or an adapter, are joined.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use halle_applications::{Applications, Look, Painter, Sketch};
use halle_datasets::pictures::{FetchError, Fit, Frame, Pictures, SOURCE_BYTES_MAX};
use halle_extensions::metering::InstanceKind;
use halle_extensions::services::{Egress, EgressPolicy, HttpRequest};
use halle_media::thumbnail;
use halle_model::Caller;
use halle_portals::{ChartRequest, Charts, Picture};

/// Sanitises and draws with the crate `media`.
#[derive(Debug, Clone, Copy, Default)]
pub struct MediaPainter;

impl Painter for MediaPainter {
    fn sanitize(&self, svg: &str) -> Result<String, String> {
        halle_media::sanitize_svg(svg).map_err(|error| error.to_string())
    }

    fn sanitize_html(&self, html: &str) -> Result<String, String> {
        halle_media::sanitize_html(html).map_err(|error| error.to_string())
    }

    fn png(&self, svg: &str, width_px: u32) -> Result<Vec<u8>, String> {
        halle_media::svg_to_png(svg, Some(width_px)).map_err(|error| error.to_string())
    }
}

/// Fetches the pictures that data name through the one way out, and draws with the crate `media`.
pub struct MediaPictures(pub Arc<dyn Egress>);

/// Pictures fetched per minute from one server.
const PICTURES_PER_MINUTE_MAX: u32 = 600;

/// Time for one picture, in milliseconds.
const PICTURE_MS_MAX: u32 = 10_000;

#[async_trait]
impl Pictures for MediaPictures {
    async fn fetch(&self, url: &str) -> Result<Bytes, FetchError> {
        let failed = |why: &dyn std::fmt::Display| FetchError::Failed(why.to_string());
        let url = reqwest::Url::parse(url).map_err(|error| failed(&error))?;
        // The address comes from data, so its own origin is all that is allowed; the way out refuses what is not public.
        let policy = EgressPolicy {
            origins: vec![url.origin().ascii_serialization()],
            methods: vec!["GET".to_owned()],
            requester: None,
            requests_per_minute_max: PICTURES_PER_MINUTE_MAX,
            response_bytes_max: SOURCE_BYTES_MAX as u64,
        };
        let request = HttpRequest {
            method: "GET".to_owned(),
            url: url.into(),
            headers: vec![("accept".to_owned(), "image/*".to_owned())],
            body: None,
            timeout_ms: Some(PICTURE_MS_MAX),
            max_bytes: None,
        };
        let answer = self.0.send(&policy, request).await.map_err(|problem| failed(&problem))?;
        match answer.status {
            200 if !answer.truncated => Ok(answer.body),
            404 | 410 => Err(FetchError::Missing),
            status => Err(FetchError::Failed(format!("the server answers {status}"))),
        }
    }

    fn shrink(&self, picture: &[u8], frame: &Frame) -> Result<Vec<u8>, String> {
        let fit = match frame.fit {
            Fit::Cover => thumbnail::Fit::Cover,
            Fit::Contain => thumbnail::Fit::Contain,
            Fit::Fill => thumbnail::Fit::Fill,
            Fit::Inside => thumbnail::Fit::Inside,
            Fit::Outside => thumbnail::Fit::Outside,
        };
        let frame = thumbnail::Frame {
            width_px: frame.width_px,
            height_px: frame.height_px,
            fit,
            anchor_percent: frame.anchor_percent,
        };
        thumbnail::thumbnail(picture, &frame).map_err(|error| error.to_string())
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
        let sketch = Sketch {
            plugin: chart.plugin,
            configuration: &chart.configuration,
            owner: &chart.owner,
            instance: (InstanceKind::Dataset, &chart.dataset),
            title: None,
        };
        let drawn = self.0.draw_with(caller, sketch, &look).await;
        let drawn = drawn.map_err(|error| error.to_string())?;
        let svg = drawn.svg().map_err(|error| error.to_string())?.to_owned();
        Ok(Picture { svg, alt: drawn.alt, table: drawn.table })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use halle_transports::{EgressConfig, HttpEgress};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    /// Answers each request with `body`, until dropped with the test.
    async fn serve(status: &'static str, body: Vec<u8>) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = [0; 4_096];
                let _ = stream.read(&mut request).await;
                let head = format!(
                    "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                    body.len()
                );
                let _ = stream.write_all(head.as_bytes()).await;
                let _ = stream.write_all(&body).await;
            }
        });
        origin
    }

    fn pictures(allowed: &[&str]) -> MediaPictures {
        let allowed_private_origins = allowed.iter().map(|origin| (*origin).to_owned()).collect();
        let egress = HttpEgress::new(EgressConfig { allowed_private_origins, ..EgressConfig::default() });
        MediaPictures(Arc::new(egress.unwrap()))
    }

    #[tokio::test]
    async fn pictures_come_from_public_servers_only_and_are_made_small() {
        let svg = br##"<svg xmlns="http://www.w3.org/2000/svg" width="8" height="4"><rect width="8" height="4" fill="#00f"/></svg>"##;
        let origin = serve("200 OK", svg.to_vec()).await;
        let url = format!("{origin}/a.svg");
        assert!(matches!(pictures(&[]).fetch(&url).await, Err(FetchError::Failed(_))), "a private address");
        let pictures = pictures(&[&origin]);
        let bytes = pictures.fetch(&url).await.unwrap();
        let frame = Frame { width_px: 20, height_px: 10, fit: Fit::Cover, anchor_percent: (50, 50) };
        let png = pictures.shrink(&bytes, &frame).unwrap();
        assert_eq!(&png[..8], b"\x89PNG\r\n\x1a\n");
        assert_eq!(png[16..24], [0, 0, 0, 20, 0, 0, 0, 10], "width and height in the head of the file");
        assert!(pictures.shrink(b"no picture", &frame).is_err());
    }

    #[tokio::test]
    async fn a_picture_that_is_gone_is_told_from_one_that_failed() {
        let (gone, broken) = (serve("404 Not Found", Vec::new()).await, serve("500 Oops", Vec::new()).await);
        let pictures = pictures(&[&gone, &broken]);
        assert_eq!(pictures.fetch(&gone).await, Err(FetchError::Missing));
        assert!(matches!(pictures.fetch(&broken).await, Err(FetchError::Failed(_))));
    }
}
