//! Pictures made small: PNG, JPEG, GIF, WebP and SVG in, PNG out.

use std::io::Cursor;

use image::imageops::FilterType;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits, RgbaImage};

use crate::{MediaError, svg_to_png};

/// Longest picture that is read, in bytes.
pub const PICTURE_BYTES_MAX: usize = 20 << 20;

/// Longest side of a picture that is read, in pixels.
pub const PICTURE_SIDE_PX_MAX: u32 = 12_000;

/// Longest side of a small picture, in pixels.
pub const THUMBNAIL_SIDE_PX_MAX: u32 = 2_000;

/// Bytes that decoding one picture may hold.
const DECODED_BYTES_MAX: u64 = 256 << 20;

/// How a picture of one shape fills a frame of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Fit {
    /// Fills the frame; what is over is cut.
    #[default]
    Cover,
    /// Wholly within the frame, with transparent bars.
    Contain,
    /// Stretched to the frame.
    Fill,
    /// As large as fits within the frame, never larger than it is; the result may be smaller than the frame.
    Inside,
    /// As small as covers the frame, never larger than it is; nothing is cut.
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
    /// Which part stays when some is cut: percent from the left and from the top, 50 for the middle.
    pub anchor_percent: (u8, u8),
}

/// A small PNG of a picture. Only the first image of an animation is kept. A JPEG turned by its camera is turned back.
///
/// # Errors
///
/// When the picture is too large, no picture, or the frame has a side of zero or more than [`THUMBNAIL_SIDE_PX_MAX`].
pub fn thumbnail(picture: &[u8], frame: &Frame) -> Result<Vec<u8>, MediaError> {
    let (width, height) = (frame.width_px, frame.height_px);
    let is_sound = |side: u32| (1..=THUMBNAIL_SIDE_PX_MAX).contains(&side);
    if !is_sound(width) || !is_sound(height) {
        return Err(MediaError::BadSize { width, height });
    }
    if picture.len() > PICTURE_BYTES_MAX {
        return Err(MediaError::PictureTooLong { bytes: picture.len() });
    }
    let drawn = match svg_of(picture) {
        Some(svg) => Some(svg_to_png(svg, Some(width))?),
        None => None,
    };
    let small = fitted(&decoded(drawn.as_deref().unwrap_or(picture))?, frame);
    let mut png = Cursor::new(Vec::new());
    small.write_to(&mut png, ImageFormat::Png).map_err(|error| MediaError::Render(error.to_string()))?;
    Ok(png.into_inner())
}

/// The text of an SVG, if the bytes are one.
fn svg_of(bytes: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(bytes).ok()?;
    let start = text.trim_start_matches('\u{feff}').trim_start();
    (start.starts_with('<') && text.contains("<svg")).then_some(text)
}

fn decoded(bytes: &[u8]) -> Result<DynamicImage, MediaError> {
    let unreadable = |error: &dyn std::fmt::Display| MediaError::NotAPicture(error.to_string());
    let mut reader =
        ImageReader::new(Cursor::new(bytes)).with_guessed_format().map_err(|error| unreadable(&error))?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(PICTURE_SIDE_PX_MAX);
    limits.max_image_height = Some(PICTURE_SIDE_PX_MAX);
    limits.max_alloc = Some(DECODED_BYTES_MAX);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(|error| unreadable(&error))?;
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut image = DynamicImage::from_decoder(decoder).map_err(|error| unreadable(&error))?;
    image.apply_orientation(orientation);
    Ok(image)
}

fn fitted(image: &DynamicImage, frame: &Frame) -> DynamicImage {
    let (width, height) = (frame.width_px, frame.height_px);
    let ratio_x = f64::from(width) / f64::from(image.width().max(1));
    let ratio_y = f64::from(height) / f64::from(image.height().max(1));
    let scaled = |ratio: f64| {
        let side = |side: u32| ((f64::from(side) * ratio).round() as u32).clamp(1, PICTURE_SIDE_PX_MAX);
        image.resize_exact(side(image.width()), side(image.height()), FilterType::Triangle)
    };
    match frame.fit {
        Fit::Fill => image.resize_exact(width, height, FilterType::Triangle),
        Fit::Inside => scaled(ratio_x.min(ratio_y).min(1.0)),
        Fit::Outside => scaled(ratio_x.max(ratio_y).min(1.0)),
        Fit::Cover => cut(image, frame).resize_exact(width, height, FilterType::Triangle),
        Fit::Contain => {
            let small = scaled(ratio_x.min(ratio_y));
            let mut framed = RgbaImage::new(width, height);
            let (left, top) = (middle(width, small.width()), middle(height, small.height()));
            image::imageops::overlay(&mut framed, &small.to_rgba8(), left, top);
            framed.into()
        }
    }
}

fn middle(frame: u32, side: u32) -> i64 {
    (i64::from(frame) - i64::from(side)) / 2
}

/// The largest part of the picture that has the shape of the frame. Cut before it is made small, so that a very long
/// picture is never made larger on the way.
fn cut(image: &DynamicImage, frame: &Frame) -> DynamicImage {
    let (width, height) = (u64::from(image.width()), u64::from(image.height()));
    let (frame_width, frame_height) = (u64::from(frame.width_px), u64::from(frame.height_px));
    let is_too_wide = width * frame_height > height * frame_width;
    let (cut_width, cut_height) = if is_too_wide {
        ((height * frame_width / frame_height).max(1), height)
    } else {
        (width, (width * frame_height / frame_width).max(1))
    };
    let (x, y) = frame.anchor_percent;
    let left = (width - cut_width) * u64::from(x.min(100)) / 100;
    let top = (height - cut_height) * u64::from(y.min(100)) / 100;
    // Parts of an image whose sides are 32-bit numbers.
    image.crop_imm(left as u32, top as u32, cut_width as u32, cut_height as u32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::Rgba;

    /// Left half red, right half blue.
    fn picture(width: u32, height: u32) -> DynamicImage {
        RgbaImage::from_fn(width, height, |x, _| {
            if x < width / 2 { Rgba([255, 0, 0, 255]) } else { Rgba([0, 0, 255, 255]) }
        })
        .into()
    }

    fn bytes(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
        let mut out = Cursor::new(Vec::new());
        let image = if format == ImageFormat::Jpeg { image.to_rgb8().into() } else { image.clone() };
        image.write_to(&mut out, format).unwrap();
        out.into_inner()
    }

    fn frame(fit: Fit) -> Frame {
        Frame { width_px: 20, height_px: 10, fit, anchor_percent: (50, 50) }
    }

    fn small(picture: &[u8], frame: &Frame) -> RgbaImage {
        image::load_from_memory(&thumbnail(picture, frame).unwrap()).unwrap().to_rgba8()
    }

    #[test]
    fn every_usual_format_is_read() {
        for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Gif, ImageFormat::WebP] {
            let found = small(&bytes(&picture(80, 40), format), &frame(Fit::Cover));
            assert_eq!(found.dimensions(), (20, 10), "{format:?}");
            let (left, right) = (found.get_pixel(2, 5), found.get_pixel(17, 5));
            assert!(left[0] > 200 && left[2] < 60 && right[2] > 200, "{format:?}: {left:?} {right:?}");
        }
        let svg = br##"<svg xmlns="http://www.w3.org/2000/svg" width="8" height="4"><rect width="8" height="4" fill="#00f"/></svg>"##;
        assert_eq!(small(svg, &frame(Fit::Cover)).get_pixel(10, 5), &Rgba([0, 0, 255, 255]));
    }

    #[test]
    fn each_fit_has_its_shape() {
        let square = bytes(&picture(40, 40), ImageFormat::Png);
        for (fit, expect) in [
            (Fit::Cover, (20, 10)),
            (Fit::Contain, (20, 10)),
            (Fit::Fill, (20, 10)),
            (Fit::Inside, (10, 10)),
            (Fit::Outside, (20, 20)),
        ] {
            assert_eq!(small(&square, &frame(fit)).dimensions(), expect, "{fit:?}");
        }
        assert_eq!(small(&square, &frame(Fit::Contain)).get_pixel(0, 0)[3], 0, "bars are transparent");
        let tiny = bytes(&picture(4, 4), ImageFormat::Png);
        assert_eq!(small(&tiny, &frame(Fit::Inside)).dimensions(), (4, 4), "never larger than it is");
    }

    #[test]
    fn the_anchor_tells_what_stays() {
        let wide = bytes(&picture(200, 10), ImageFormat::Png);
        let at =
            |x| small(&wide, &Frame { anchor_percent: (x, 50), ..frame(Fit::Cover) }).get_pixel(10, 5)[0];
        assert_eq!((at(0), at(100)), (255, 0));
    }

    #[test]
    fn what_is_no_picture_or_too_large_is_refused() {
        assert!(matches!(thumbnail(b"no picture", &frame(Fit::Cover)), Err(MediaError::NotAPicture(_))));
        assert!(matches!(
            thumbnail(b"\x89PNG\r\n\x1a\n", &frame(Fit::Cover)),
            Err(MediaError::NotAPicture(_))
        ));
        let long = vec![0; PICTURE_BYTES_MAX + 1];
        assert!(matches!(thumbnail(&long, &frame(Fit::Cover)), Err(MediaError::PictureTooLong { .. })));
        let wide = bytes(&picture(PICTURE_SIDE_PX_MAX + 1, 1), ImageFormat::Png);
        assert!(matches!(thumbnail(&wide, &frame(Fit::Cover)), Err(MediaError::NotAPicture(_))));
        let none = Frame { width_px: 0, ..frame(Fit::Cover) };
        assert!(matches!(thumbnail(&wide, &none), Err(MediaError::BadSize { .. })));
    }
}
